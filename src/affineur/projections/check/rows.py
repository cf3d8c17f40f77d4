"""The database: its file, its schema, the journal's chain, and rows held against each other and the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from affineur.core.history.fold import PROJECT_DEFAULTS, Folded
from affineur.core.history.journal import GENESIS, Entry, faults
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store import SchemaMismatch, holds, journal
from affineur.shell.store.schema import burnt_filename, file, hold, project, release
from affineur.shell.store.schema import journal as entries

from .findings import Finding, Kind

_FAULTS_SHOWN = 100


def database_file(index: Index) -> Iterator[Finding]:
    """Faults of an SQLite file as such: of its pages, its indexes, its foreign keys."""
    try:
        with index.store.read() as connection:
            for (said,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_FAULTS_SHOWN})"):
                if said != "ok":
                    yield Finding("damaged-database", "database", str(said))
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        yield Finding("damaged-database", "database", str(getattr(error, "orig", error)))


def check(index: Index, tell: Tell) -> Iterator[Finding]:
    """Faults of schema, journal and rows. Reads one state; cost: linear in rows and entries."""
    try:
        index.store.require_current()
    except SchemaMismatch as error:
        yield Finding("inconsistent-rows", "schema", str(error))
        return
    with index.store.read() as connection:
        folded = Folded()
        yield from _journal(connection, folded, tell)
        yield from _fold(connection, folded, public=index.settings.impact_public)
        for number, (question, kind, subject, detail) in enumerate(_QUESTIONS):
            tell("rows", number, len(_QUESTIONS))
            for row in connection.execute(question, execution_options={"yield_per": 1000}):
                yield Finding(kind, subject.format(*row), detail.format(*row))


def _journal(connection: sa.Connection, folded: Folded, tell: Tell) -> Iterator[Finding]:
    serial, digest = journal.head(connection)
    last = [0, GENESIS]
    for fault in faults(_noting(journal.entries(connection), last, folded, tell, serial)):
        yield Finding("broken-journal", "journal", fault)
    if last != [serial, digest]:
        yield Finding("broken-journal", "journal", f"The head says {serial}, but the last entry is {last[0]}.")


def _fold(connection: sa.Connection, folded: Folded, *, public: bool) -> Iterator[Finding]:
    """Rows that are not what the journal's events add up to.

    Of classes of impact it tells where they are ``public`` only, and nothing of those that were given while they were
    not.
    """
    changed = sa.or_(*(project.c[name].is_distinct_from(default) for name, default in PROJECT_DEFAULTS.items()))
    query = sa.select(project.c.name, *(project.c[name] for name in PROJECT_DEFAULTS)).where(changed)
    rows = {row.name: row._asdict() for row in connection.execute(query)}
    for name in sorted(rows.keys() | folded.projects.keys()):
        for fact, have, told in folded.differences(name, rows.get(name, PROJECT_DEFAULTS)):
            if fact in ("impact", "impact_basis") and not (public and "impact" in folded.projects.get(name, {})):
                continue
            detail = f"Its {fact} is {have!r}, by the journal it should be {told!r}."
            yield Finding("inconsistent-rows", f"project {name}", detail)
    held = sa.select(project.c.name, hold.c.version, hold.c.filename, hold.c.origin, hold.c.kind)
    by_rows = (tuple(row) for row in connection.execute(held.join(project, holds.IN_FORCE)))
    for has, which in zip(folded.hold_differences(by_rows), ("has no entry in the journal", "has no row"), strict=True):
        for name, version, filename, origin, kind in has:
            where = filename or version or "as a whole"
            yield Finding("inconsistent-rows", f"project {name}", f"A hold ({kind}, {origin}, {where}) {which}.")
    yanked = set(connection.scalars(sa.select(file.c.filename).where(file.c.yanked.is_(True))))
    for filename in sorted(yanked ^ folded.yanked):
        is_so = "yanked" if filename in yanked else "not yanked"
        yield Finding("inconsistent-rows", f"file {filename}", f"It is {is_so}, but the journal says otherwise.")


def _noting(found: Iterable[Entry], last: list[object], folded: Folded, tell: Tell, total: int) -> Iterator[Entry]:
    for done, entry in enumerate(found):
        folded.apply(entry.event)
        last[:] = [entry.serial, entry.hash]
        if done % 1000 == 0:
            tell("journal", done, total)
        yield entry


_published = entries.c.event == "FilePublished"
_newest = sa.select(entries.c.project, sa.func.max(entries.c.serial).label("serial")).group_by(entries.c.project)
_newest_of = _newest.subquery()
_sums = sa.select(file.c.project_id, sa.func.sum(file.c.size_bytes).label("size")).group_by(file.c.project_id)
_sum_of = _sums.subquery()
_real_size = sa.func.coalesce(_sum_of.c.size, 0)
_Question = tuple[sa.Select[Any], Kind, str, str]

_QUESTIONS: tuple[_Question, ...] = (
    (
        sa.select(project.c.name, project.c.changed_at, entries.c.at)
        .join(entries, entries.c.serial == project.c.serial)
        .where(project.c.changed_at != entries.c.at),
        "wrong-sum",
        "project {0}",
        "It is said to have changed at {1}, its newest journal entry is of {2}.",
    ),
    (
        sa.select(project.c.name, project.c.serial, sa.func.coalesce(_newest_of.c.serial, 0))
        .outerjoin(_newest_of, _newest_of.c.project == project.c.name)
        .where(project.c.serial != sa.func.coalesce(_newest_of.c.serial, 0)),
        "wrong-sum",
        "project {0}",
        "The project has serial {1}, its newest journal entry {2}.",
    ),
    (
        sa.select(project.c.name, project.c.size_bytes, _real_size)
        .outerjoin(_sum_of, _sum_of.c.project_id == project.c.id)
        .where(project.c.size_bytes != _real_size),
        "wrong-sum",
        "project {0}",
        "The project is said to have {1} bytes, its files have {2}.",
    ),
    (
        sa.select(file.c.filename)
        .outerjoin(burnt_filename, burnt_filename.c.filename == file.c.filename)
        .where(burnt_filename.c.filename.is_(None)),
        "wrong-sum",
        "file {0}",
        "Its name is not among the burnt ones and could be given to another file once this one is gone.",
    ),
    (
        sa.select(file.c.filename, file.c.project_id, file.c.release_id)
        .outerjoin(release, sa.and_(release.c.id == file.c.release_id, release.c.project_id == file.c.project_id))
        .where(release.c.id.is_(None)),
        "inconsistent-rows",
        "file {0}",
        "It belongs to release {2}, which project {1} does not have.",
    ),
    (
        sa.select(release.c.version, release.c.project_id)
        .outerjoin(project, project.c.id == release.c.project_id)
        .where(project.c.id.is_(None)),
        "inconsistent-rows",
        "release {0}",
        "It belongs to project {1}, which does not exist.",
    ),
    (
        sa.select(file.c.filename, file.c.sha256)
        .outerjoin(
            entries,
            sa.and_(entries.c.filename == file.c.filename, entries.c.sha256 == file.c.sha256, _published),
        )
        .where(entries.c.serial.is_(None)),
        "inconsistent-rows",
        "file {0}",
        "The journal does not know of a file of this name with digest {1}.",
    ),
    (
        sa.select(entries.c.filename, entries.c.serial)
        .outerjoin(file, sa.and_(file.c.filename == entries.c.filename, file.c.sha256 == entries.c.sha256))
        .where(_published, file.c.id.is_(None)),
        "inconsistent-rows",
        "file {0}",
        "Journal entry {1} says it was published, but there is no such file, or with another digest.",
    ),
    (
        sa.select(_newest_of.c.project, _newest_of.c.serial)
        .outerjoin(project, project.c.name == _newest_of.c.project)
        .where(project.c.id.is_(None)),
        "inconsistent-rows",
        "project {0}",
        "Journal entry {1} is about it, but there is no such project.",
    ),
)
