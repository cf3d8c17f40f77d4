"""The stored journal: appending in commit order, and reading back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core.history.journal import Entry, Event, chain

from .schema import journal, journal_head

_HEAD = sa.select(journal_head.c.serial, journal_head.c.hash)
_MOVE_HEAD = journal_head.update().values(serial=sa.bindparam("new_serial"), hash=sa.bindparam("new_hash"))


def append(connection: sa.Connection, at: datetime, events: list[Event], actor: str | None = None) -> int:
    """Append ``events`` inside the caller's write transaction; the serial of the last one.

    ``actor`` is kept for the operator only. Call with a connection from `Store.write`.
    """
    serial, previous = head(connection)
    rows = []
    for event in events:
        entry = chain(serial + 1, at, event, previous)
        rows.append(row_of(entry, actor))
        serial, previous = entry.serial, entry.hash
    connection.execute(journal.insert(), rows)
    connection.execute(_MOVE_HEAD, {"new_serial": serial, "new_hash": previous})
    return serial


def head(connection: sa.Connection) -> tuple[int, str]:
    """The newest serial and its hash; ``(0, GENESIS)`` for an empty journal."""
    serial, digest = connection.execute(_HEAD).one()
    return int(serial), str(digest)


def moment(connection: sa.Connection, serial: int) -> datetime:
    """When the entry of that serial was written; the beginning of 1970 for serial 0."""
    at = connection.scalar(sa.select(journal.c.at).where(journal.c.serial == serial))
    return at or datetime.fromtimestamp(0, UTC)


def changed_since(connection: sa.Connection, serial: int, limit: int = 10_000) -> tuple[list[tuple[str, int]], int]:
    """Projects with entries after ``serial`` as ``(name, newest serial)``, over at most ``limit`` entries.

    The second value is the last serial looked at. Cost: linear in the number of entries since ``serial``.
    """
    window = (
        sa.select(journal.c.serial, journal.c.project)
        .where(journal.c.serial > serial)
        .order_by(journal.c.serial)
        .limit(limit)
    )
    newest: dict[str, int] = {}
    last = serial
    for last, name in connection.execute(window):
        newest[name] = last
    return list(newest.items()), last


def entries(connection: sa.Connection, since: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """Entries after ``since``, oldest first."""
    query = sa.select(journal).where(journal.c.serial > since).order_by(journal.c.serial).limit(limit)
    for row in connection.execute(query, execution_options={"yield_per": 1000}):
        yield as_entry(row)


def as_entry(row: sa.Row[Any]) -> Entry:
    """The entry that a row of the journal holds."""
    event = Event(
        event=row.event,
        project=row.project,
        version=row.version,
        filename=row.filename,
        sha256=row.sha256,
        old=orjson.loads(row.old),
        new=orjson.loads(row.new),
        rule=row.rule,
        reason=row.reason,
        actor_class=row.actor_class,
        hint=row.hint,
        reason_code=row.reason_code,
        case=row.moderation_case,
    )
    return Entry(row.serial, row.at, event, row.previous, row.hash)


def row_of(entry: Entry, actor: str | None) -> dict[str, object]:
    """The row that holds an entry. ``actor`` is kept for the operator only."""
    event = entry.event
    return {
        "serial": entry.serial,
        "at": entry.at,
        "event": event.event,
        "project": event.project,
        "version": event.version,
        "filename": event.filename,
        "sha256": event.sha256,
        "old": orjson.dumps(dict(event.old)).decode(),
        "new": orjson.dumps(dict(event.new)).decode(),
        "rule": event.rule,
        "reason": event.reason,
        "actor_class": event.actor_class,
        "hint": event.hint,
        "reason_code": event.reason_code,
        "moderation_case": event.case,
        "previous": entry.previous,
        "hash": entry.hash,
        "actor": actor,
    }
