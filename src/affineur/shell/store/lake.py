"""Which files the lake consists of, and which of its days are rolled up: the rows that make files count.

A day is rolled up when every event of it that was taken in is in the tables `daily` and `totals`. Three kinds of row
in `lake_file` are no files that are read: a `batch` that was taken in, a file that is `gone`, and a `mark`.
What does not live here: how far each log was read (`lake_logs`), and the files themselves (`shell.lake`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from affineur.core.downloads.tables import Kind

from .schema import lake_day, lake_file, lake_log

BATCH, GONE, MARK = "batch", "gone", "mark"
"""A batch by its name, which may have no file any more; a file that is replaced, and lingers for those who read it; a
day, see `Mark`."""

Mark = Literal["forgotten", "rolled"]
"""`forgotten`: up to this day the events are, so that a roll-up can be added to, and not be made anew. `rolled`: the
last roll-up took this day for today."""

_EMPTY = {"rows": 0, "size_bytes": 0, "sha256": "", "table_version": 0}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the lake: its name below it, its kind, first and last day in it, and what else is known of it."""

    name: str
    kind: Kind
    first_day: date
    last_day: date
    rows: int
    size_bytes: int
    sha256: str
    table_version: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """What is to be rolled up, and from what, as of one moment: all of one read transaction."""

    days: frozenset[date]
    files: tuple[File, ...]
    forgotten: date | None


def files(connection: sa.Connection, *kinds: Kind) -> tuple[File, ...]:
    """The files of these kinds, by day and name. Cost: linear in them."""
    rows = connection.execute(
        sa.select(lake_file).where(lake_file.c.kind.in_(kinds)).order_by(lake_file.c.first_day, lake_file.c.name)
    )
    return tuple(_file(row) for row in rows)


def listed(connection: sa.Connection) -> Listed:
    """What there is to roll up."""
    days = connection.scalars(sa.select(lake_day.c.day).where(sa.not_(lake_day.c.rolled)))
    return Listed(
        frozenset(date.fromisoformat(day) for day in days),
        files(connection, "events", "daily", "totals"),
        mark(connection, "forgotten"),
    )


def is_taken(connection: sa.Connection, batch: str) -> bool:
    """Whether a batch of this name was taken in."""
    return connection.scalar(sa.select(lake_file.c.name).where(lake_file.c.name == _receipt(batch))) is not None


def take(connection: sa.Connection, batch: str, pieces: Iterable[File], now: datetime) -> bool:
    """List the files of a batch, and have their days rolled up; False, and nothing is done, where it was taken."""
    if is_taken(connection, batch):
        return False
    _insert(connection, _receipt(batch), BATCH, now.date(), now)
    days = set()
    for piece in pieces:
        add(connection, piece)
        days.add(piece.first_day.isoformat())
    for day in sorted(days):
        make_due(connection, date.fromisoformat(day))
    return True


def forget_batches(connection: sa.Connection, before: datetime) -> int:
    """Forget the names of batches that were taken in before a moment; not of one that a collector still has in hand."""
    in_hand = set(connection.scalars(sa.select(lake_log.c.batch).where(lake_log.c.batch.is_not(None))))
    old = connection.scalars(
        sa.select(lake_file.c.name).where(lake_file.c.kind == BATCH, lake_file.c.made_at < before)
    ).all()
    names = [name for name in old if name not in {_receipt(batch) for batch in in_hand}]
    for start in range(0, len(names), 500):
        connection.execute(lake_file.delete().where(lake_file.c.name.in_(names[start : start + 500])))
    return len(names)


def make_due(connection: sa.Connection, day: date) -> None:
    """Have a day rolled up."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(lake_day).values(day=day.isoformat(), rolled=False)
    connection.execute(statement.on_conflict_do_update(index_elements=["day"], set_={"rolled": False}))


def is_due(connection: sa.Connection, day: date) -> bool:
    """Whether a day is to be rolled up."""
    query = sa.select(lake_day.c.day).where(sa.not_(lake_day.c.rolled), lake_day.c.day == day.isoformat())
    return connection.scalar(query) is not None


def has_due(connection: sa.Connection, until: date) -> bool:
    """Whether a day up to ``until`` is to be rolled up."""
    query = sa.select(lake_day.c.day).where(sa.not_(lake_day.c.rolled), lake_day.c.day <= until.isoformat()).limit(1)
    return connection.scalar(query) is not None


def made(connection: sa.Connection, days: Iterable[date], now: datetime) -> None:
    """Note that these days are rolled up."""
    for day in days:
        connection.execute(
            lake_day.update().where(lake_day.c.day == day.isoformat()).values(rolled=True, rolled_at=now)
        )


def rolled_at(connection: sa.Connection) -> Mapping[date, datetime | None]:
    """When each day that is to be rolled up was rolled up last."""
    rows = connection.execute(sa.select(lake_day.c.day, lake_day.c.rolled_at).where(sa.not_(lake_day.c.rolled)))
    return {date.fromisoformat(row.day): row.rolled_at for row in rows}


def add(connection: sa.Connection, file: File) -> None:
    """List a file: from now on it counts."""
    connection.execute(
        lake_file.insert().values(
            name=file.name,
            kind=file.kind,
            first_day=file.first_day.isoformat(),
            last_day=file.last_day.isoformat(),
            rows=file.rows,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            table_version=file.table_version,
            made_at=file.made_at,
        )
    )


def overlaps(connection: sa.Connection, file: File) -> bool:
    """Whether a listed file of the same kind may have days in common with this one."""
    query = sa.select(lake_file.c.name).where(
        lake_file.c.kind == file.kind,
        lake_file.c.first_day <= file.last_day.isoformat(),
        lake_file.c.last_day >= file.first_day.isoformat(),
    )
    return connection.scalar(query.limit(1)) is not None


def replace(connection: sa.Connection, name: str, now: datetime) -> bool:
    """A file counts no more; it lingers for those who read it. False where it did not count."""
    found = connection.execute(
        lake_file.update()
        .where(lake_file.c.name == name, lake_file.c.kind.not_in((BATCH, GONE, MARK)))
        .values(kind=GONE, made_at=now)
    )
    return found.rowcount == 1


def gone(connection: sa.Connection, before: datetime) -> list[str]:
    """Names of the files that count no more since before a moment."""
    query = sa.select(lake_file.c.name).where(lake_file.c.kind == GONE, lake_file.c.made_at < before)
    return list(connection.scalars(query))


def strike(connection: sa.Connection, names: Iterable[str]) -> None:
    """Forget files that are removed."""
    for name in names:
        connection.execute(lake_file.delete().where(lake_file.c.name == name, lake_file.c.kind == GONE))


def known(connection: sa.Connection) -> set[str]:
    """The names of all files, those that are gone but linger, too."""
    return set(connection.scalars(sa.select(lake_file.c.name).where(lake_file.c.kind.not_in((BATCH, MARK)))))


def mark(connection: sa.Connection, which: Mark) -> date | None:
    """The day of a mark; None where it was never set."""
    day = connection.scalar(sa.select(lake_file.c.last_day).where(lake_file.c.name == _mark(which)))
    return None if day is None else date.fromisoformat(day)


def set_mark(connection: sa.Connection, which: Mark, day: date, now: datetime) -> None:
    """Move a mark forward; back it never goes."""
    before = mark(connection, which)
    if before is None:
        _insert(connection, _mark(which), MARK, day, now)
    elif before < day:
        connection.execute(
            lake_file.update().where(lake_file.c.name == _mark(which)).values(last_day=day.isoformat(), made_at=now)
        )


def salt(connection: sa.Connection, day: date, drawn: bytes) -> bytes:
    """The salt of a day's networks, inside the caller's write transaction: ``drawn`` where it has none, or no more."""
    found = connection.scalar(sa.select(lake_day.c.salt).where(lake_day.c.day == day.isoformat()))
    if found is not None:
        return bytes(found)
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(lake_day).values(day=day.isoformat(), rolled=True, salt=drawn)
    connection.execute(statement.on_conflict_do_update(index_elements=["day"], set_={"salt": drawn}))
    return drawn


def forget_salts(connection: sa.Connection, before: date) -> int:
    """Forget the salts of the days before this one; how many."""
    found = connection.execute(
        lake_day.update().where(lake_day.c.day < before.isoformat(), lake_day.c.salt.is_not(None)).values(salt=None)
    )
    return found.rowcount


def _insert(connection: sa.Connection, name: str, kind: str, day: date, now: datetime) -> None:
    values = {"name": name, "kind": kind, "first_day": day.isoformat(), "last_day": day.isoformat(), "made_at": now}
    connection.execute(lake_file.insert().values(values | _EMPTY))


def _receipt(batch: str) -> str:
    return f"{BATCH}:{batch}"


def _mark(which: Mark) -> str:
    return f"{MARK}:{which}"


def _file(row: sa.Row[tuple[object, ...]]) -> File:
    return File(
        row.name,
        row.kind,
        date.fromisoformat(row.first_day),
        date.fromisoformat(row.last_day),
        row.rows,
        row.size_bytes,
        row.sha256,
        row.table_version,
        row.made_at,
    )
