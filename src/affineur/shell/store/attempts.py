"""Counters of attempts, in the database: shared by all processes, and still there after a restart.

An attempt is counted *before* it is made (`take`) and given back where it was right (`give_back`): so many at the
same moment are no way around a limit. Both are transactions of their own, since an act that is refused writes
nothing else. What does not live here: how many are too many (`core.people.throttle`); forgetting
old counters (`actions.forget`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from affineur.core.decision import Decision
from affineur.core.people.throttle import Counted, Limit, admit_all, after

from .engine import Store
from .schema import attempt

Counters = Sequence[tuple[Limit, str]]
"""Limits, each with the key of its counter: ``[(limit, limit.key("account", "7")) for limit in SECOND_FACTOR]``."""


def limits(of: Sequence[Limit], *subject: str) -> list[tuple[Limit, str]]:
    """``of``, each with the key of the counter of ``subject``."""
    return [(limit, limit.key(*subject)) for limit in of]


def admit(store: Store, counters: Counters, now: datetime) -> Decision:
    """Whether one more attempt may be made. Nothing is counted. Cost: one read."""
    with store.read() as connection:
        return admit_all(_counted(connection, counters), now)


def take(store: Store, counters: Counters, now: datetime) -> Decision:
    """Count one attempt with each of ``counters`` if all of them admit it; else the refusal, and none is counted.

    Whoever is over a limit costs a read and no place in the line of writers.
    """
    decision = admit(store, counters, now)
    if not decision.allowed:
        return decision
    with store.write() as connection:
        found = _counted(connection, counters)
        decision = admit_all(found, now)
        if decision.allowed:
            for (limit, key), (_, counted) in zip(counters, found, strict=True):
                _keep(connection, key, after(limit, counted, now), new=counted is None)
        return decision


def give_back(store: Store, counters: Counters) -> None:
    """Take back the attempt counted last: it was right, and only wrong ones count."""
    with store.write() as connection:
        give_back_in(connection, counters)


def give_back_in(connection: sa.Connection, counters: Counters) -> None:
    """As `give_back`, inside the transaction of an act that succeeded."""
    keys = [key for _, key in counters]
    connection.execute(
        attempt.update().where(attempt.c.key.in_(keys), attempt.c.count > 0).values(count=attempt.c.count - 1)
    )


def _counted(connection: sa.Connection, counters: Counters) -> list[tuple[Limit, Counted | None]]:
    query = sa.select(attempt.c.key, attempt.c.count, attempt.c.since)
    rows = connection.execute(query.where(attempt.c.key.in_([key for _, key in counters])))
    found = {key: Counted(count, since) for key, count, since in rows}
    return [(limit, found.get(key)) for limit, key in counters]


def _keep(connection: sa.Connection, key: str, counted: Counted, *, new: bool) -> None:
    values = {"count": counted.count, "since": counted.since}
    if new:
        connection.execute(attempt.insert().values(key=key, **values))
    else:
        connection.execute(attempt.update().where(attempt.c.key == key).values(**values))
