"""An index in this process, without a server, and files published on it by `actions.upload`. Test support."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.core.distributions import sdist, sdist_filename
from tests.services.schema import bring_schema
from tests.walks.uploading import Wheel

from affineur.actions.found import found
from affineur.actions.upload import Published, Spooled, upload
from affineur.core.access import SYSTEM, Actor
from affineur.settings import Settings
from affineur.shell.index import Index, open_index

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def founded(settings: Settings) -> Index:
    """A new index."""
    index = open_index(settings)
    bring_schema(settings.database_url)
    found(index, NOW)
    return index


def spool(index: Index, filename: str, body: bytes) -> Spooled:
    """``body`` as it has arrived."""
    path = Path(index.settings.spool, filename)
    path.write_bytes(body)
    sha256, md5 = hashlib.sha256(body).hexdigest(), hashlib.md5(body).hexdigest()
    return Spooled(path, filename, len(body), sha256, hashlib.blake2b(body, digest_size=32).hexdigest(), md5)


def publish(index: Index, name: str, version: str = "1.0", *, seconds: float = 0, actor: Actor = SYSTEM,
            tags: str = "py3-none-any", **more: Any) -> Published:  # fmt: skip
    """Publish a wheel, ``seconds`` after `NOW`."""
    made = Wheel(name, version, tags)
    return upload(index, actor, None, spool(index, made.filename, made.body), NOW + timedelta(seconds=seconds), **more)


def publish_sdist(index: Index, name: str, version: str = "1.0", **changes: Any) -> Published:
    """Publish a source distribution; ``changes`` are those of `tests.core.distributions.sdist_members`."""
    body = sdist(name, version, **changes)
    return upload(index, SYSTEM, None, spool(index, sdist_filename(name, version), body), NOW)


def world(index: Index) -> dict[str, tuple[bytes, int, float]]:
    """Everything a client of the public tree can see: path to contents, length and time of change."""
    seen: dict[str, tuple[bytes, int, float]] = {}

    def look(folder: Path, shown: str) -> None:
        for path in folder.iterdir():
            if path.is_dir():
                look(path, f"{shown}/{path.name}")
            elif path.is_symlink():  # a file kept elsewhere
                seen[f"{shown}/{path.name}"] = (str(path.readlink()).encode(), 0, 0)
            else:
                status = path.stat()
                seen[f"{shown}/{path.name}"] = (path.read_bytes(), status.st_size, status.st_mtime)

    public = index.settings.public
    for part in ("simple", "packages"):
        look(public / part, part)
    if (public / "root").exists():
        look(public / "root", "root")
    return seen
