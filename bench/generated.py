"""A very large index without uploading it: the rows of hundreds of thousands of projects, written directly.

Every row that an upload would write is there, the chained journal included. In the public tree each project
has its link and its folder, but the pages and files behind them are left out: they would be ten million small
files, and no figure of `bench.scale` reads them. `fsck` would say so, and rightly.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import sqlalchemy as sa
from packaging.version import InvalidVersion, Version

from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName, lookalike_key
from affineur.projections import pages
from affineur.settings import load
from affineur.shell.index import Index, open_index
from affineur.shell.store import journal, schema
from bench.search import from_file, invented

_BATCH = 5_000
_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What is invented, or read from a list, about one project."""

    name: str
    version: str
    summary: str


def known_projects(most: int, names: Path | None) -> Iterator[Known]:
    """``most`` projects from a TSV file of names, versions and summaries, or invented ones."""
    documents = from_file(names, most) if names else invented(most)
    seen: set[str] = set()
    for document in documents:
        if document.name not in seen:
            seen.add(document.name)
            yield Known(document.name, _sound(document.version), document.summary)


def _sound(version: str) -> str:
    """A version as an index would store it; lists of names have others, too."""
    try:
        return str(Version(version))
    except InvalidVersion:
        return "1.0"


def fill(data: Path, projects: Iterator[Known], advance: Callable[[int], object]) -> int:
    """Fill the index at ``data`` (made by ``affineur init``, not served now); the number of projects."""
    index = open_index(load({"data": data}).settings)
    done = 0
    try:
        while batch := list(itertools.islice(projects, _BATCH)):
            _link(index, _write_rows(index, batch, done))
            done += len(batch)
            advance(done)
        with index.store.read() as connection:
            head, _ = journal.head(connection)
        pages.write_mark(index, head)
    finally:
        index.close()
    return done


def _write_rows(index: Index, batch: list[Known], done: int) -> list[tuple[str, int]]:
    """Write a batch; each project's name and newest serial."""
    at = _BEGIN + timedelta(seconds=done)
    with index.store.write() as connection:
        first = (connection.scalar(sa.select(sa.func.max(schema.project.c.id))) or 0) + 1
        owner = connection.scalar(sa.select(sa.func.min(schema.account.c.id)))
        serial, _ = journal.head(connection)
        events: list[Event] = []
        rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("project", "release", "file", "role")}
        for key, known in enumerate(batch, first):
            digest = hashlib.sha256(known.name.encode()).hexdigest()
            filename = f"{known.name.replace('-', '_')}-{known.version}-py3-none-any.whl"
            events += _events(known, filename, digest)
            rows["project"].append(_project_row(key, known, at, serial + len(events)))
            rows["release"].append(_release_row(key, known, at))
            rows["file"].append(_file_row(key, filename, digest, at, owner))
            rows["role"].append({"project_id": key, "account_id": owner, "role": "owner", "granted_at": at})
        for name, values in rows.items():
            connection.execute(schema.metadata.tables[name].insert(), values)
        burnt = [{"filename": row["filename"], "burnt_at": at} for row in rows["file"]]
        connection.execute(schema.burnt_filename.insert(), burnt)
        journal.append(connection, at, events, "operator")
    return [(str(row["name"]), int(str(row["serial"]))) for row in rows["project"]]


def _events(known: Known, filename: str, digest: str) -> tuple[Event, Event, Event]:
    new = {"kind": "bdist_wheel", "size_bytes": 4_000, "yanked": False}
    return (
        Event("ProjectCreated", known.name),
        Event("ReleaseCreated", known.name, known.version),
        Event("FilePublished", known.name, known.version, filename, digest, new=new, rule="upload"),
    )


def _project_row(key: int, known: Known, at: datetime, serial: int) -> dict[str, object]:
    return {
        "id": key,
        "name": known.name,
        "display_name": known.name,
        "lookalike": lookalike_key(NormalizedName(known.name)),
        "created_at": at,
        "changed_at": at,
        "serial": serial,
        "size_bytes": 4_000,
        "maintenance": "active",
        "advice": "none",
    }


def _release_row(key: int, known: Known, at: datetime) -> dict[str, object]:
    stored = {
        "metadata_version": "2.1",
        "name": known.name,
        "version": known.version,
        "summary": known.summary,
    }
    return {
        "id": key,
        "project_id": key,
        "version": known.version,
        "created_at": at,
        "summary": known.summary,
        "core_metadata": orjson.dumps(stored).decode(),
        "description_html": None,
    }


def _file_row(key: int, filename: str, digest: str, at: datetime, owner: int | None) -> dict[str, object]:
    return {
        "project_id": key,
        "release_id": key,
        "filename": filename,
        "kind": "bdist_wheel",
        "python_version": "py3",
        "size_bytes": 4_000,
        "sha256": digest,
        "blake2b_256": digest,
        "md5": digest[:32],
        "uploaded_at": at,
        "uploaded_by": owner,
        "yanked": False,
    }


def _link(index: Index, serials: list[tuple[str, int]]) -> None:
    base = index.tree.root
    for name, serial in serials:
        os.symlink(f"../pages/{name[:2]}/{name}.{serial}", f"{base}/simple/{name}")
        os.mkdir(f"{base}/packages/{name}")
