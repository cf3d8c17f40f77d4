"""Which files the lake consists of, and which of its days are rolled up: the rows that make files count.

A day is rolled up when every event of it that was taken in is in the tables `daily` and `totals`. A file that others
have replaced is *gone*: it counts no more, and lingers for those who read it.
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

from .schema import lake_batch, lake_day, lake_file, lake_log, lake_mark

Mark = Literal["forgotten", "rolled"]
"""`forgotten`: up to this day the events are, so that a roll-up can be added to, and not be made anew. `rolled`: the
last roll-up took this day for today."""

_COUNTS = lake_file.c.gone_at.is_(None)


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
        sa.select(lake_file)
        .where(lake_file.c.kind.in_(kinds), _COUNTS)
        .order_by(lake_file.c.first_day, lake_file.c.name)
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
    return connection.scalar(sa.select(lake_batch.c.name).where(lake_batch.c.name == batch)) is not None


def take(connection: sa.Connection, batch: str, pieces: Iterable[File], now: datetime) -> bool:
    """List the files of a batch, and have their days rolled up; False, and nothing is done, where it was taken."""
    if is_taken(connection, batch):
        return False
    connection.execute(lake_batch.insert().values(name=batch, taken_at=now))
    days = set()
    for piece in pieces:
        add(connection, piece)
        days.add(piece.first_day.isoformat())
    for day in sorted(days):
        make_due(connection, date.fromisoformat(day))
    return True


def forget_batches(connection: sa.Connection, before: datetime) -> int:
    """Forget the names of batches that were taken in before a moment; not of one that a collector still has in hand."""
    in_hand = sa.select(lake_log.c.batch).where(lake_log.c.batch.is_not(None))
    old = lake_batch.delete().where(lake_batch.c.taken_at < before, lake_batch.c.name.not_in(in_hand))
    return connection.execute(old).rowcount


def make_due(connection: sa.Connection, day: date) -> None:
    """Have a day rolled up."""
    statement = _insert(connection, lake_day).values(day=day.isoformat(), rolled=False)
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
        _COUNTS,
        lake_file.c.kind == file.kind,
        lake_file.c.first_day <= file.last_day.isoformat(),
        lake_file.c.last_day >= file.first_day.isoformat(),
    )
    return connection.scalar(query.limit(1)) is not None


def replace(connection: sa.Connection, name: str, now: datetime) -> bool:
    """A file counts no more; it lingers for those who read it. False where it did not count."""
    replaced = lake_file.update().where(lake_file.c.name == name, _COUNTS).values(gone_at=now)
    return connection.execute(replaced).rowcount == 1


def gone(connection: sa.Connection, before: datetime) -> list[str]:
    """Names of the files that count no more since before a moment."""
    return list(connection.scalars(sa.select(lake_file.c.name).where(lake_file.c.gone_at < before)))


def strike(connection: sa.Connection, names: Iterable[str]) -> None:
    """Forget files that are removed."""
    for name in names:
        connection.execute(lake_file.delete().where(lake_file.c.name == name, sa.not_(_COUNTS)))


def known(connection: sa.Connection) -> set[str]:
    """The names of all files, those that are gone but linger, too."""
    return set(connection.scalars(sa.select(lake_file.c.name)))


def mark(connection: sa.Connection, which: Mark) -> date | None:
    """The day of a mark; None where it was never set."""
    day = connection.scalar(sa.select(lake_mark.c.day).where(lake_mark.c.name == which))
    return None if day is None else date.fromisoformat(day)


def set_mark(connection: sa.Connection, which: Mark, day: date, *, may_go_back: bool = False) -> None:
    """Move a mark forward; back only where that is said."""
    values = {"day": day.isoformat()}
    statement = _insert(connection, lake_mark).values(name=which, **values)
    is_later = sa.or_(sa.literal(may_go_back), lake_mark.c.day < day.isoformat())
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values, where=is_later))


def salt(connection: sa.Connection, day: date, drawn: bytes) -> bytes:
    """The salt of a day's networks, inside the caller's write transaction: ``drawn`` where it has none, or no more."""
    found = connection.scalar(sa.select(lake_day.c.salt).where(lake_day.c.day == day.isoformat()))
    if found is not None:
        return bytes(found)
    statement = _insert(connection, lake_day).values(day=day.isoformat(), rolled=True, salt=drawn)
    connection.execute(statement.on_conflict_do_update(index_elements=["day"], set_={"salt": drawn}))
    return drawn


def forget_salts(connection: sa.Connection, before: date) -> int:
    """Forget the salts of the days before this one; how many."""
    found = connection.execute(
        lake_day.update().where(lake_day.c.day < before.isoformat(), lake_day.c.salt.is_not(None)).values(salt=None)
    )
    return found.rowcount


def _insert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say what is done where the row is there already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


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
