"""The stored security log: appended to in an act's own transaction, read by page. The database refuses changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import sqlalchemy as sa

from affineur.core.security import EVENTS, Caller, Happened

from .schema import security_event

_DISORDER = timedelta(hours=1)
"""By how much the order of ids may differ from that of moments: acts take their moment before they stand in line to
be written, and clocks of several nodes differ, by seconds. Ids are only a short cut; moments decide."""
_BEYOND = 2**63 - 1


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
    """Events that ``wanted`` names, newest first; ``before`` is the id after which to go on.

    Cost: those read; of several filters those that the first one names of account, project, kind, refusal.
    """
    table = security_event.c
    where = _conditions(connection, wanted, before)
    key = wanted.account_id
    ids: sa.Select[tuple[int]] | sa.CompoundSelect[tuple[int]]
    if key is None:
        ids = sa.select(table.id).where(*where).order_by(table.id.desc()).limit(limit)
    else:
        # Each half follows an index of its own from its end; "or" would follow neither.
        about = sa.select(table.id).where(table.account_id == key, *where).order_by(table.id.desc()).limit(limit)
        by = sa.select(table.id).where(table.actor_id == key, *where).order_by(table.id.desc()).limit(limit)
        ids = sa.union(sa.select(about.subquery().c.id), sa.select(by.subquery().c.id))
    query = sa.select(
        table.id, table.at, table.event, table.outcome, table.account, table.actor, table.project, table.rule,
        table.address, table.user_agent, table.facts,
    ).where(table.id.in_(ids)).order_by(table.id.desc()).limit(limit)  # fmt: skip
    for row in connection.execute(query, execution_options={"yield_per": 500}):
        yield Recorded(
            row.id, row.at, row.event, row.outcome, row.account, row.actor, row.project, row.rule, row.address,
            row.user_agent, orjson.loads(row.facts),
        )  # fmt: skip


def _conditions(connection: sa.Connection, wanted: Filter, before: int | None) -> list[sa.ColumnElement[bool]]:
    """What ``wanted`` asks of an event, but for whom it is about."""
    table = security_event.c
    where: list[sa.ColumnElement[bool]] = []
    led = wanted.account_id is not None
    for column, value in ((table.project, wanted.project), (table.event, wanted.event)):
        if value is not None:
            # One index leads. The databases would guess which, and SQLite knows nothing to guess by: an expression
            # takes the others away from it.
            where.append((column + "" if led else column) == value)
            led = True
    if wanted.outcome is not None:  # (with a kind alone, the index of kinds has it too)
        few = wanted.outcome == "refused" and not led  # then in so many words, as their index has it
        where.append(table.outcome == (sa.literal_column("'refused'") if few else wanted.outcome))
    at = sa.func.coalesce(table.at, None, type_=table.at.type)  # an expression as well: its index is not to lead
    above = before  # a single bound: of two, SQLite begins at whichever stands first
    if wanted.since is not None:
        where += [at >= wanted.since, table.id >= _first_since(connection, wanted.since, -_DISORDER)]
    if wanted.until is not None:
        where.append(at < wanted.until)
        first = _first_since(connection, wanted.until, _DISORDER)
        above = first if above is None else min(above, first)
    if above is not None:
        where.append(table.id < above)
    return where


def _first_since(connection: sa.Connection, at: datetime, shift: timedelta) -> int:
    """The id of the first event at ``at`` and ``shift``, or after; one that is never reached where there is none."""
    try:
        moment = at + shift
    except OverflowError:  # before the year 1, or after 9999
        return 0 if shift < timedelta(0) else _BEYOND
    first = sa.select(security_event.c.id).where(security_event.c.at >= moment).order_by(security_event.c.at).limit(1)
    found = connection.scalar(first)
    return _BEYOND if found is None else found
