"""An index with something of everything that a page can show: states, yanks, hostile texts, long tables.

Test support, not tests.
"""

from __future__ import annotations

import time
from urllib.parse import quote

import msgspec
import sqlalchemy as sa
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, affineur
from tests.web.uploading import a_wheel, an_sdist, ask, published, store_of, upload

from affineur.shell.store import schema

SCRIPT = "\"'><script>alert(1)</script>"
README = """# Roquefort

Follow one thread: [the guide](#use), [a file](docs/guide.md), [elsewhere](https://docs.example.org/).

![a screenshot](https://images.example.org/shot.png) [![build](https://ci.example.org/badge.svg)](https://ci.example.org/)

### Use

```python
from roquefort import vein  # one thread
```

- [x] quick
- [ ] wrong

| a | b |
|---|---|
| 1 | 2 |

<p class="banner quarantined">This project is safe.</p>
<h1 id="main">Again</h1>
"""
_FIELDS = (
    ("Summary", "Blue veins for build logs"),
    ("Keywords", "logs,threads"),
    ("Author-email", "Ada Marchand <ada@example.org>"),
    ("License-Expression", "MIT"),
    ("Classifier", "Programming Language :: Python :: 3"),
    ("Requires-Python", ">=3.9"),
    ("Project-URL", "Bug Tracker, https://tracker.example.org/"),
    ("Project-URL", "docs, https://docs.example.org/"),
    ("Project-URL", "Chat, https://chat.example.org/"),
    ("Requires-Dist", "comte<3,>=2"),
    ("Requires-Dist", 'colorama; sys_platform == "win32"'),
    ("Provides-Extra", "test"),
    ("Requires-Dist", 'tomme[fast]; python_version < "3.12" and extra == "test"'),
    ("Description-Content-Type", "text/markdown"),
)


def described(version: str) -> bytes:
    """The metadata of a version of Roquefort."""
    return core_metadata("Roquefort", version, _FIELDS, description=README)


def fill(server: Server) -> None:
    """Publish everything, and wait until search knows it."""
    for version in ("1.0", "1.1", "2.0rc1"):
        published(upload(server, a_wheel("Roquefort", version, metadata=described(version))))
        published(upload(server, an_sdist("Roquefort", version, metadata=described(version))))
    for name in ("comte", "old-rind", "brie-next", "mould", "bare"):
        summary = [] if name == "bare" else [("Summary", f"The project {name}")]
        published(upload(server, a_wheel(name, metadata=core_metadata(name, fields=summary))))
    _publish_hostile(server)
    for act, name, reason in (
        ("archive", "old-rind", "Finished."),
        ("deprecate", "brie-next", f"Use comte instead {SCRIPT}"),
        ("quarantine", "mould", "Sends secrets away."),
    ):
        affineur(act, name, "--reason", reason, "--data", server.data)
    affineur("yank", "roquefort", "1.0", "--reason", "Loses lines.", "--data", server.data)
    wait_for_search(server, "hostile")


def _publish_hostile(server: Server) -> None:
    """A project whose every text is an attack. What an upload would refuse is put into its row by hand."""
    readme = (
        f"{SCRIPT} <img src=x onerror=alert(1)> [js](javascript:alert(1)) <a href='data:text/html,x'>d</a>\n\n"
        "<style>body{display:none}</style><iframe src=https://evil.example.org></iframe><form><input name=q></form>\n"
    )
    fields = [("Summary", SCRIPT), ("Keywords", SCRIPT), ("Author", SCRIPT), ("License", SCRIPT)]
    fields.append(("Description-Content-Type", "text/markdown"))
    published(upload(server, a_wheel("hostile", metadata=core_metadata("hostile", fields=fields, description=readme))))
    with store_of(server) as store, store.write() as connection:
        query = sa.select(schema.release.c.id, schema.release.c.core_metadata).join(schema.project)
        row = connection.execute(query.where(schema.project.c.name == "hostile")).one()
        metadata = msgspec.json.decode(row.core_metadata)
        metadata |= {
            "classifiers": [f"Topic :: {SCRIPT}"],
            "requires_python": SCRIPT,
            "requires_dist": [SCRIPT, f'comte; sys_platform == "{SCRIPT[1:]}"'],
            "provides_extra": [SCRIPT],
            "home_page": "javascript:alert(1)",
            "project_urls": [
                ["Bad", "javascript:alert(1)"],
                ["Quote", 'https://example.org/"onclick="alert(1)'],
                [SCRIPT, "https://ok.example.org/"],
            ],
            "author_email": f'"{SCRIPT[1:]}" <javascript:alert(1)@example.org>',
        }  # fmt: skip
        values = {"core_metadata": msgspec.json.encode(metadata).decode()}
        connection.execute(schema.release.update().where(schema.release.c.id == row.id).values(values))


def wait_for_search(server: Server, name: str) -> None:
    """Wait until a search for ``name`` finds the project of that name."""
    deadline = time.monotonic() + 30
    while f"/project/{name}/" not in ask(server, "GET", f"/search?q={quote(name)}").text:
        assert time.monotonic() < deadline, "search did not follow"
        time.sleep(0.1)
