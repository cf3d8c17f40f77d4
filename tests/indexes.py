"""Real indexes for tests that need no server: made in a folder, on either database, and filled by real uploads.

Test support, not tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from affineur.actions.found import found
from affineur.actions.upload import Spooled, upload
from affineur.core.access import SYSTEM, Actor
from affineur.projections import dependents, pages, search, statuses
from affineur.settings import load
from affineur.shell.index import Index, open_index
from tests.core.distributions import core_metadata, wheel, wheel_filename
from tests.services.schema import bring_schema

START = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
"""When the first thing happens; uploads follow at minutes of their own."""


def new_index(folder: Path, **settings: object) -> Index:
    """An empty index in ``folder``, founded at `START`."""
    index = open_unfounded(folder, **settings)
    bring_schema(index.settings.database_url)
    assert found(index, START) is not None
    return index


def open_unfounded(folder: Path, **settings: object) -> Index:
    """The index in ``folder`` with ``settings``, whatever is there."""
    return open_index(load({"data": folder, **settings}, environment={}).settings)


def publish(
    index: Index,
    name: str = "foo",
    version: str = "1.0",
    *,
    minutes: int = 1,
    tags: str = "py3-none-any",
    contents: bytes = b"answer = 42\n",
    requires: Sequence[str] = (),
    actor: Actor = SYSTEM,
) -> str:
    """Publish a wheel; its file name. ``minutes`` after `START` is when; ``requires`` are lines of Requires-Dist."""
    metadata = core_metadata(name, version, [("Requires-Dist", line) for line in requires])
    body = wheel(name, version, files={f"{name}/__init__.py": contents + tags.encode()}, metadata=metadata)
    filename = wheel_filename(name, version, tags)
    path = index.settings.spool / f"arriving-{filename}"
    path.write_bytes(body)
    spooled = Spooled(
        path,
        filename,
        len(body),
        hashlib.sha256(body).hexdigest(),
        hashlib.blake2b(body, digest_size=32).hexdigest(),
        hashlib.md5(body, usedforsecurity=False).hexdigest(),
    )
    upload(index, actor, None, spooled, START + timedelta(minutes=minutes))
    return filename


def fill(index: Index) -> None:
    """Three projects, two of them with several files, everything derived up to date."""
    for minutes, (name, version) in enumerate((("brie", "1.0"), ("brie", "1.1"), ("comte", "2.0"), ("feta", "0.1")), 1):
        publish(index, name, version, minutes=minutes)
    catch_up(index)


def catch_up(index: Index) -> None:
    """What the background process does: search, dependents, the list of all projects and the status files follow."""
    pages.catch_up(index)
    pages.project_root(index)
    following = search.open_search(index)
    search.catch_up(index, following)
    following.close()
    dependents.catch_up(index)
    statuses.project_statuses(index)
