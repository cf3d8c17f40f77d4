"""People's tools say what the index says of a project's state: uv audit all of it, pip and uv what they can."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.actions.shelf import publish
from tests.clients.runner import Outcome, program, run, succeeded
from tests.services.affineur import Server, initialise, serve

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import WHOLE, Place, Said
from affineur.core.life.standing import Replacement
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import Settings
from affineur.shell.index import Index, open_index

NAMES = ("brie", "comte", "edam", "feta", "gouda", "milk")
NEEDS_ALL = f"""
[project]
name = "consumer"
version = "0"
requires-python = ">=3.11"
dependencies = {json.dumps(NAMES)}
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    data = tmp_path_factory.mktemp("told") / "data"
    initialise(data)
    opened = open_index(Settings(data=data))
    for name in NAMES:
        for version in ("1.0", "2.0"):
            publish(opened, name, version)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(index: Index) -> Iterator[Server]:
    with serve(index.settings.data, "") as running:
        yield running


@contextmanager
def service_without_vulnerabilities() -> Iterator[str]:
    """Where `uv audit` asks for known vulnerabilities: nobody has any. Its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"results": [{} for _ in asked["queries"]]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A test's output is the test's."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{service.server_port}/"
        service.shutdown()


def say(index: Index, act: Any, name: str, **said: Any) -> None:
    set_status(index, SYSTEM, act, NormalizedName(name), datetime.now(UTC), Said(**said))


def put_on_hold(index: Index, act: Any, name: str, place: Place = WHOLE, **said: Any) -> str:
    """Carry it out; the number of its case."""
    case = hold(index, console(datetime.now(UTC)), act, NormalizedName(name), place, Said(**said)).case
    assert case is not None
    return case


def audit(server: Server, folder: Path, service: str) -> list[tuple[str, str, str]]:
    """What `uv audit` says of what is locked in ``folder``: project, status, reason."""
    outcome = run(
        [program("uv", "uv"), "audit", "--frozen", "--preview", "--service-url", service, "--output-format", "json"],
        home=folder / "home-of-the-auditor", index=server.index, cwd=folder,
    )  # fmt: skip
    found = json.loads(succeeded(outcome).stdout)
    assert found["vulnerabilities"] == []
    return [(one["name"], one["status"], one["reason"]) for one in found["adverse_statuses"]]


def download(server: Server, home: Path, requirement: str) -> Outcome:
    """`pip download`, with today's pip."""
    pip = [program("pip-newest", "python"), "-m", "pip", "download", "--no-deps", "--dest", home / "files"]
    return run([*pip, requirement], home=home, index=server.index)


def test_uv_audit_reports_every_status_with_our_reasons(index: Index, server: Server, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(NEEDS_ALL)
    succeeded(run([program("uv", "uv"), "lock"], home=tmp_path / "home", index=server.index, cwd=tmp_path))
    with service_without_vulnerabilities() as service:
        assert audit(server, tmp_path, service) == []
        say(index, "archive", "brie", reason="Ripe for good")
        case = put_on_hold(index, "quarantine", "comte", code="malware", reason="Mould")
        instead = (Replacement("brie", ">=2"),)
        say(index, "deprecate", "edam", reason="milder than it should be", replacements=instead)
        withheld = put_on_hold(index, "withhold", "feta", code="legal", reason="By order of a court")
        say(index, "finish", "gouda")
        assert audit(server, tmp_path, service) == [
            ("brie", "archived", "[archived] Ripe for good"),
            ("comte", "quarantined", f"[quarantined] Mould (case {case})"),
            ("edam", "deprecated", "[deprecated] use brie>=2: milder than it should be"),
            ("feta", "archived", f"[removed-legal] By order of a court (case {withheld})"),
        ]
        put_on_hold(index, "quarantine", "brie", reason="A look-alike?")
        assert audit(server, tmp_path, service)[0][:2] == ("brie", "quarantined")
        put_on_hold(index, "clear", "brie")
        assert audit(server, tmp_path, service)[0] == ("brie", "archived", "[archived] Ripe for good")


def test_pip_and_uv_find_no_version_of_what_is_quarantined(index: Index, server: Server, tmp_path: Path) -> None:
    """PEP 792 gives them no words of their own: that there are no versions is all they say."""
    put_on_hold(index, "quarantine", "milk", reason="Sour")
    refused = download(server, tmp_path / "pip", "milk==1.0")
    assert refused.returncode != 0
    assert "Could not find a version that satisfies the requirement milk==1.0 (from versions: none)" in refused.stdout
    without = run([program("uv", "uv"), "pip", "install", "--target", tmp_path / "there", "milk"],
                  home=tmp_path / "uv", index=server.index)  # fmt: skip
    assert without.returncode != 0
    assert "there are no versions of milk" in without.stdout
    put_on_hold(index, "clear", "milk")
    succeeded(download(server, tmp_path / "again", "milk"))


def test_a_release_on_hold_leaves_pip_the_others(index: Index, server: Server, tmp_path: Path) -> None:
    put_on_hold(index, "quarantine", "gouda", Place("2.0"), reason="This one is sour")
    assert "gouda-1.0-" in succeeded(download(server, tmp_path / "any", "gouda")).stdout
    assert "(from versions: 1.0)" in download(server, tmp_path / "pinned", "gouda==2.0").stdout
    put_on_hold(index, "clear", "gouda", Place("2.0"))
    assert "gouda-2.0-" in succeeded(download(server, tmp_path / "after", "gouda")).stdout


def test_whoever_pins_what_was_yanked_is_told_why(index: Index, server: Server, tmp_path: Path) -> None:
    why = "crashes at <midnight> & later"
    set_yanked(index, SYSTEM, Selection(NormalizedName("milk"), "2.0"), True, datetime.now(UTC), why, "broken")
    assert "milk-1.0-" in succeeded(download(server, tmp_path / "any", "milk")).stdout
    assert why in succeeded(download(server, tmp_path / "pinned", "milk==2.0")).stdout
    installed = run([program("uv", "uv"), "pip", "install", "--target", tmp_path / "there", "milk==2.0"],
                    home=tmp_path / "uv", index=server.index)  # fmt: skip
    assert why in succeeded(installed).stdout
