"""How far each log was read for downloads.

A batch is noted before anything is done with it (`begin`), and its position counts when all is done (`finish`): after a
crash in between it is taken up again, with the same bounds and the same name. Whoever else has moved the same log
meanwhile is noticed by both.
What does not live here: reading logs (`shell.lake.collecting`), and the files of the lake (`shell.store.lake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from .schema import lake_log


class Moved(Exception):
    """Somebody else has read on in the same log."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """How far a log was read. ``batch`` and ``batch_end``: of one that is on its way; None: there is none."""

    source: str
    position: int
    lines: int
    events: int
    unreadable: int
    batch: str | None
    batch_end: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was in some bytes of a log: lines, the downloads among them, and those that nobody can read."""

    lines: int = 0
    events: int = 0
    unreadable: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.lines + other.lines, self.events + other.events, self.unreadable + other.unreadable)


def logs_of(connection: sa.Connection, beginning: str) -> dict[str, LogRow]:
    """The logs whose sources begin with ``beginning``, by source."""
    asked = _ROW.where(lake_log.c.source.startswith(beginning, autoescape=True))
    return {row.source: LogRow(*row) for row in connection.execute(asked)}


def counted(connection: sa.Connection) -> Counted:
    """What was read so far, all logs together."""
    columns = (lake_log.c.lines, lake_log.c.events, lake_log.c.unreadable)
    row = connection.execute(sa.select(*(sa.func.coalesce(sa.func.sum(column), 0) for column in columns))).one()
    return Counted(*map(int, row))


def begin(connection: sa.Connection, log: LogRow, batch: str, end: int, now: datetime) -> None:
    """Note that the bytes from ``log.position`` to ``end`` are on their way as ``batch``. Raises `Moved`."""
    values = {"batch": batch, "batch_end": end, "read_at": now}
    changed = connection.execute(
        lake_log.update().where(lake_log.c.source == log.source, *_as_it_was(log)).values(values)
    )
    if changed.rowcount:
        return
    if connection.scalar(sa.select(lake_log.c.source).where(lake_log.c.source == log.source)) is not None or log.batch:
        raise Moved(log.source)
    connection.execute(
        lake_log.insert().values(source=log.source, position=log.position, lines=0, events=0, unreadable=0, **values)
    )


def finish(
    connection: sa.Connection, source: str, batch: str, counted: Counted, now: datetime, renamed: str | None = None
) -> None:
    """Count ``batch``: its end is the new position. ``renamed``: what the log is called from now on.

    Raises `Moved` where it is not on its way.
    """
    changed = connection.execute(
        lake_log.update()
        .where(lake_log.c.source == source, lake_log.c.batch == batch)
        .values(
            source=renamed or source,
            position=lake_log.c.batch_end,
            lines=lake_log.c.lines + counted.lines,
            events=lake_log.c.events + counted.events,
            unreadable=lake_log.c.unreadable + counted.unreadable,
            batch=None,
            batch_end=None,
            read_at=now,
        )
    )
    if not changed.rowcount:
        raise Moved(source)


def set_back(connection: sa.Connection, log: LogRow, position: int, now: datetime) -> None:
    """The log ends at ``position`` now, before what was counted: its tail was lost. Raises `Moved`."""
    changed = connection.execute(
        lake_log.update()
        .where(lake_log.c.source == log.source, *_as_it_was(log))
        .values(position=position, batch=None, batch_end=None, read_at=now)
    )
    if not changed.rowcount:
        raise Moved(log.source)


def endings(connection: sa.Connection, ending: str) -> list[LogRow]:
    """The logs whose sources end with ``ending``, the one that was read furthest first."""
    asked = _ROW.where(lake_log.c.source.endswith(ending, autoescape=True))
    return sorted((LogRow(*row) for row in connection.execute(asked)), key=lambda log: -log.position)


def _as_it_was(log: LogRow) -> tuple[sa.ColumnElement[bool], ...]:
    return (lake_log.c.position == log.position, lake_log.c.batch.is_not_distinct_from(log.batch))


_ROW = sa.select(
    lake_log.c.source,
    lake_log.c.position,
    lake_log.c.lines,
    lake_log.c.events,
    lake_log.c.unreadable,
    lake_log.c.batch,
    lake_log.c.batch_end,
)
