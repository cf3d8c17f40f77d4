"""The stored security log: appended to in an act's own transaction, read by page. The database refuses changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from affineur.core.security import EVENTS, Caller, Happened

from .schema import security_event


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as stored. ``account`` is whom it is about, ``actor`` who did it (None: the index itself)."""

    id: int
    at: datetime
    event: str
    outcome: str
    account: str | None
    actor: str | None
    project: str | None
    rule: str | None
    address: str | None
    user_agent: str | None
    facts: Mapping[str, object]

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return EVENTS.get(self.event, self.event)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events: about or by an account, of a project, of a kind, within a time. None: all."""

    account_id: int | None = None
    project: str | None = None
    event: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def append(connection: sa.Connection, by: Caller, *happened: Happened) -> None:
    """Append what happened, inside the caller's write transaction."""
    rows = [
        {
            "at": by.now,
            "event": each.event,
            "outcome": each.outcome,
            "account_id": each.account_id,
            "account": each.account,
            "actor_id": by.actor.account_id,
            "actor": by.actor.name or None,
            "project": each.project,
            "rule": each.rule,
            "address": by.origin.address or None,
            "user_agent": by.origin.user_agent[:200] or None,
            "facts": orjson.dumps(dict(each.facts)).decode(),
        }
        for each in happened
    ]
    if rows:
        connection.execute(security_event.insert(), rows)


def recorded(
    connection: sa.Connection, wanted: Filter, *, before: int | None = None, limit: int | None = 50
) -> Iterator[Recorded]:
    """Events that ``wanted`` names, newest first; ``before`` is the id after which to go on. Cost: those read."""
    table = security_event.c
    query = sa.select(
        table.id, table.at, table.event, table.outcome, table.account, table.actor, table.project, table.rule,
        table.address, table.user_agent, table.facts,
    ).order_by(table.id.desc()).limit(limit)  # fmt: skip
    if wanted.account_id is not None:
        query = query.where(sa.or_(table.account_id == wanted.account_id, table.actor_id == wanted.account_id))
    for column, value in (
        (table.project, wanted.project),
        (table.event, wanted.event),
        (table.outcome, wanted.outcome),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(table.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.at < wanted.until)
    if before is not None:
        query = query.where(table.id < before)
    for row in connection.execution_options(yield_per=500).execute(query):
        yield Recorded(
            row.id, row.at, row.event, row.outcome, row.account, row.actor, row.project, row.rule, row.address,
            row.user_agent, orjson.loads(row.facts),
        )  # fmt: skip
