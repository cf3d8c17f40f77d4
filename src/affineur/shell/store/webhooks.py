"""Webhooks as stored: each with its place in the journal, whose turn it is to be sent to, and the log of deliveries.

Whoever sends claims a hook first, so that at most one entry of a hook is on its way, whatever number of nodes there
are; a claim lapses after `CLAIM`, and the entry is then sent once more, under the same id.
What does not live here: what is sent (`core.history.webhooks`), the sending (`projections.webhooks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core.history.journal import Entry
from affineur.core.history.webhooks import LOG_KEPT, LOG_ROWS, State, Wanted
from affineur.core.names import NormalizedName

from . import journal as journal_store
from .schema import account, journal, project, webhook, webhook_delivery

CLAIM = timedelta(seconds=30)
"""How long a sender has for one entry: `core.history.webhooks.TIMEOUT_SECONDS`, and its turn among writers."""
SLOW_MS = 1000
"""A hook whose last delivery took longer is slow."""
_SCANNED = 10_000
"""How many entries of the whole journal are looked through at a time for one that a hook wants."""


@dataclass(frozen=True, slots=True)
class HookRow:
    """A hook. ``project``: None for one of the whole index. ``made_by``: the account, if it is still there.

    ``position``: the last serial that was taken, or was not for it.
    """

    id: str
    project_id: int | None
    project: NormalizedName | None
    url: str
    wanted: Wanted
    state: State
    made_by: str | None
    made_at: datetime
    position: int
    failures: int
    failing_since: datetime | None
    due_at: datetime
    took_ms: int
    secret: bytes = field(repr=False)
    former_secret: bytes | None = field(repr=False)
    former_until: datetime | None

    @property
    def is_slow(self) -> bool:
        """Whether it may keep a sender waiting, as far as is known."""
        return self.failures > 0 or self.took_ms > SLOW_MS


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One try. ``serial``: None for a ping. ``asked``: somebody asked for it. ``next_at``: when it is tried again."""

    id: int
    webhook_id: str
    serial: int | None
    asked: bool
    attempt: int
    at: datetime
    status: int | None
    error: str | None
    answer: str
    duration_ms: int
    next_at: datetime | None


_HOOK = (
    sa.select(
        webhook.c.id, webhook.c.project_id, project.c.name, webhook.c.url, webhook.c.events, webhook.c.hints,
        webhook.c.state, account.c.name.label("made_by"), webhook.c.made_at, webhook.c.position, webhook.c.failures,
        webhook.c.failing_since, webhook.c.due_at, webhook.c.took_ms, webhook.c.secret, webhook.c.former_secret,
        webhook.c.former_until,
    )
    .select_from(
        webhook.outerjoin(project, project.c.id == webhook.c.project_id).outerjoin(
            account, account.c.id == webhook.c.made_by
        )
    )
)  # fmt: skip
_ABOUT_IT = sa.exists().where(journal.c.project == project.c.name, journal.c.serial > webhook.c.position)


def add(connection: sa.Connection, values: Mapping[str, object], wanted: Wanted) -> None:
    """Add a hook. ``values``: ``id``, ``project_id``, ``url``, ``secret``, ``made_by``, ``made_at``, ``position``."""
    fresh = {"state": "active", "failures": 0, "took_ms": 0, "due_at": values["made_at"]}
    connection.execute(webhook.insert().values(**fresh, **_columns(wanted), **values))


def find(connection: sa.Connection, hook_id: str) -> HookRow | None:
    """The hook of that id."""
    row = connection.execute(_HOOK.where(webhook.c.id == hook_id)).first()
    return None if row is None else _read(row)


def of(connection: sa.Connection, project_id: int | None) -> list[HookRow]:
    """The hooks of a project, or (None) of the whole index, oldest first."""
    query = _HOOK.where(webhook.c.project_id == project_id).order_by(webhook.c.made_at, webhook.c.id)
    return [_read(row) for row in connection.execute(query)]


def change(connection: sa.Connection, hook_id: str, wanted: Wanted | None = None, **columns: object) -> None:
    """Change a hook."""
    values = {**columns, **(_columns(wanted) if wanted is not None else {})}
    if values:
        connection.execute(webhook.update().where(webhook.c.id == hook_id).values(**values))


def remove(connection: sa.Connection, hook_id: str) -> None:
    """Remove a hook and its log."""
    connection.execute(webhook.delete().where(webhook.c.id == hook_id))


def waiting(connection: sa.Connection, now: datetime) -> list[tuple[str, bool]]:
    """Hooks whose next entry may be sent, longest waiting first, as (id, whether it is slow). Reads only.

    Cost: a look into the journal for each hook.
    """
    head, _ = journal_store.head(connection)
    query = (
        sa.select(webhook.c.id, webhook.c.failures, webhook.c.took_ms)
        .select_from(webhook.outerjoin(project, project.c.id == webhook.c.project_id))
        .where(_claimable(now), sa.or_(sa.and_(webhook.c.project_id.is_(None), webhook.c.position < head), _ABOUT_IT))
        .order_by(webhook.c.due_at, webhook.c.id)
    )
    return [(row.id, row.failures > 0 or row.took_ms > SLOW_MS) for row in connection.execute(query)]


def claim(connection: sa.Connection, hook_id: str, claimed_by: str, now: datetime) -> tuple[HookRow, Entry] | None:
    """A hook and the entry it is to be sent, which nobody else sends before ``now`` + `CLAIM`.

    None where somebody else has it, or nothing is for it: then it moves on to where that is known.
    """
    found = find(connection, hook_id)
    if found is None:
        return None
    entry, known_to = _next(connection, found)
    values = {"position": known_to} if entry is None else {"claim": claimed_by, "claimed_until": now + CLAIM}
    changed = connection.execute(webhook.update().where(webhook.c.id == hook_id, _claimable(now)).values(**values))
    return (found, entry) if changed.rowcount and entry is not None else None


def settle(
    connection: sa.Connection,
    hook_id: str,
    claimed_by: str,
    delivery: Mapping[str, object],
    taken: int | None,
    **columns: object,
) -> bool:
    """Write down what became of a delivery that was claimed, and let the hook go; ``columns`` are what changes of it.

    ``taken``: the serial it has now, unless it was told meanwhile to go on from a later one: a hook never goes back.
    False where the claim had lapsed and somebody else has the hook, or it is gone: nothing is then written.
    """
    position = webhook.c.position
    if taken is not None:
        columns["position"] = sa.case((position < taken, taken), else_=position)
    mine = sa.and_(webhook.c.id == hook_id, webhook.c.claim == claimed_by)
    changed = connection.execute(webhook.update().where(mine).values(claim=None, claimed_until=None, **columns))
    if not changed.rowcount:
        return False
    note(connection, hook_id, delivery)
    return True


def note(connection: sa.Connection, hook_id: str, delivery: Mapping[str, object]) -> int:
    """Append one try to a hook's log; its number. ``delivery``: the columns of `DeliveryRow` but for both ids."""
    added = webhook_delivery.insert().values(webhook_id=hook_id, **delivery).returning(webhook_delivery.c.id)
    return int(connection.execute(added).scalar_one())


def deliveries(connection: sa.Connection, hook_id: str, limit: int, *, before: int | None = None) -> list[DeliveryRow]:
    """A hook's log, newest first; ``before``: only lower numbers, for the next part."""
    query = sa.select(webhook_delivery).where(webhook_delivery.c.webhook_id == hook_id)
    if before is not None:
        query = query.where(webhook_delivery.c.id < before)
    return [_tried(row) for row in connection.execute(query.order_by(webhook_delivery.c.id.desc()).limit(limit))]


def delivery(connection: sa.Connection, hook_id: str, number: int) -> DeliveryRow | None:
    """One try, by its number."""
    mine = sa.and_(webhook_delivery.c.webhook_id == hook_id, webhook_delivery.c.id == number)
    row = connection.execute(sa.select(webhook_delivery).where(mine)).first()
    return None if row is None else _tried(row)


def asked_since(connection: sa.Connection, hook_id: str, since: datetime) -> int:
    """How often somebody asked for a ping or a repetition since then."""
    mine = (webhook_delivery.c.webhook_id == hook_id, webhook_delivery.c.asked, webhook_delivery.c.at > since)
    return connection.scalar(sa.select(sa.func.count()).select_from(webhook_delivery).where(*mine)) or 0


def entry(connection: sa.Connection, serial: int) -> Entry | None:
    """The entry of the journal with that serial."""
    row = connection.execute(sa.select(journal).where(journal.c.serial == serial)).first()
    return None if row is None else journal_store.as_entry(row)


def forget(connection: sa.Connection, now: datetime) -> int:
    """Delete what is too old or too much of every log; how much. Cost: linear in the hooks."""
    old = connection.execute(webhook_delivery.delete().where(webhook_delivery.c.at < now - LOG_KEPT)).rowcount
    for hook_id in connection.scalars(sa.select(webhook.c.id)).all():
        mine = webhook_delivery.c.webhook_id == hook_id
        newest = sa.select(webhook_delivery.c.id).where(mine).order_by(webhook_delivery.c.id.desc())
        last_kept = connection.scalar(newest.offset(LOG_ROWS - 1).limit(1))
        if last_kept is not None:
            old += connection.execute(webhook_delivery.delete().where(mine, webhook_delivery.c.id < last_kept)).rowcount
    return old


def needs_forgetting(connection: sa.Connection, now: datetime) -> bool:
    """Whether `forget` would delete anything. Reads only."""
    old = sa.select(webhook_delivery.c.id).where(webhook_delivery.c.at < now - LOG_KEPT).limit(1)
    many = sa.select(webhook_delivery.c.webhook_id).group_by(webhook_delivery.c.webhook_id)
    many = many.having(sa.func.count() > LOG_ROWS).limit(1)
    return connection.scalar(old) is not None or connection.scalar(many) is not None


def _claimable(now: datetime) -> sa.ColumnElement[bool]:
    free = sa.or_(webhook.c.claimed_until.is_(None), webhook.c.claimed_until <= now)
    return sa.and_(webhook.c.state == "active", webhook.c.due_at <= now, free)


def _next(connection: sa.Connection, hook: HookRow) -> tuple[Entry | None, int]:
    """The next entry for ``hook``; and up to which serial there is none, where none was found."""
    head, _ = journal_store.head(connection)
    last = head if hook.project is not None else min(head, hook.position + _SCANNED)
    query = sa.select(journal.c.serial).where(journal.c.serial > hook.position, journal.c.serial <= last)
    if hook.project is not None:
        query = query.where(journal.c.project == hook.project)
    if hook.wanted.events:
        query = query.where(journal.c.event.in_(sorted(hook.wanted.events)))
    if hook.wanted.hints:
        query = query.where(journal.c.hint.in_(sorted(hook.wanted.hints)))
    serial = connection.scalar(query.order_by(journal.c.serial).limit(1))
    return (None, last) if serial is None else (entry(connection, serial), last)


def _columns(wanted: Wanted) -> dict[str, str]:
    return {
        "events": orjson.dumps(sorted(wanted.events)).decode(),
        "hints": orjson.dumps(sorted(wanted.hints)).decode(),
    }


def _read(row: Any) -> HookRow:
    found = row._mapping
    return HookRow(
        id=found["id"],
        project_id=found["project_id"],
        project=found["name"],
        url=found["url"],
        wanted=Wanted(frozenset(orjson.loads(found["events"])), frozenset(orjson.loads(found["hints"]))),
        state=found["state"],
        made_by=found["made_by"],
        made_at=found["made_at"],
        position=found["position"],
        failures=found["failures"],
        failing_since=found["failing_since"],
        due_at=found["due_at"],
        took_ms=found["took_ms"],
        secret=found["secret"],
        former_secret=found["former_secret"],
        former_until=found["former_until"],
    )


def _tried(row: Any) -> DeliveryRow:
    return DeliveryRow(**row._mapping)
