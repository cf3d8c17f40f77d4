"""Questions of those who read the journal: its newest entries, those of a project, and the change since a moment.

Every function takes the caller's connection. What does not live here: appending, and reading from a serial on
(`journal`); the shape that entries get (`core.history.chronicle`, `core.history.changelog`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.history.journal import Entry
from affineur.core.names import NormalizedName

from . import journal as stored
from .schema import journal

LOOKED_AT = 20_000
"""Entries that one look for some kinds of event goes through; whoever wants to see further back asks again."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look back has found, newest first. ``older``: the serial before which to look on; None: that is all."""

    entries: list[Entry]
    older: int | None


def newest(connection: sa.Connection, limit: int) -> list[Entry]:
    """The newest entries, newest first. Cost: linear in ``limit``, since serials have no gaps."""
    last, _ = stored.head(connection)
    return list(stored.entries(connection, max(0, last - limit)))[::-1]


def newest_of(connection: sa.Connection, name: NormalizedName, limit: int | None, since: int = 0) -> list[Entry]:
    """The newest entries about a project, newest first; only those after the serial ``since``. None: no limit.

    Cost: linear in the project's entries.
    """
    query = sa.select(journal).where(journal.c.project == name, journal.c.serial > since)
    rows = connection.execute(query.order_by(journal.c.serial.desc()).limit(limit))
    return [stored.as_entry(row) for row in rows]


def serial_before(connection: sa.Connection, moment: datetime) -> int:
    """The serial of the last entry that was written before ``moment``; 0 where there is none.

    Found by halving, which the table has no need of an index for: entries are written in the order of time. (Where
    a clock was put back, one of the serials between is found.) Cost: about 20 rows.
    """
    low, (high, _) = 0, stored.head(connection)
    while low < high:
        middle = (low + high + 1) // 2
        if stored.moment(connection, middle) < moment:
            low = middle
        else:
            high = middle - 1
    return low


def back(
    connection: sa.Connection,
    before: int | None,
    limit: int,
    *,
    events: Collection[str] = (),
    project: NormalizedName | None = None,
) -> Look:
    """At most ``limit`` entries before a serial (None: from the newest on), newest first.

    ``events``: only those of these names; ``project``: only those about it. Cost: linear in ``limit``, in the entries
    of the project, or in `LOOKED_AT`.
    """
    highest = stored.head(connection)[0] if before is None else before - 1
    lowest = 0 if project else max(0, highest - (LOOKED_AT if events else limit + 1))
    query = sa.select(journal).where(journal.c.serial <= highest, journal.c.serial > lowest)
    query = query.order_by(journal.c.serial.desc()).limit(limit + 1)
    if project:
        query = query.where(journal.c.project == project)
    if events:
        query = query.where(journal.c.event.in_(events))
    found = [stored.as_entry(row) for row in connection.execute(query)]
    if len(found) > limit:
        return Look(found[:limit], found[limit - 1].serial)
    return Look(found, lowest + 1 if lowest else None)


def one(connection: sa.Connection, serial: int) -> Entry | None:
    """The entry of that serial."""
    row = connection.execute(sa.select(journal).where(journal.c.serial == serial)).first()
    return None if row is None else stored.as_entry(row)
