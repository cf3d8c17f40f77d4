"""Webhooks follow the journal: each hook is sent what is for it, in order, by a thread of its own while there is any.

Order of effects for each entry: claim its hook (a transaction), send, write down what became of it (another one). A
crash in between sends it again under the same id, once the claim has lapsed; none is lost. Hooks that are slow or
fail have a line of their own, so that they keep no other one waiting.
What does not live here: signatures, pauses, when a hook is given up (`core.history.webhooks`), tables (`shell.store`).
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa

from affineur.core.history import webhooks as rules
from affineur.core.history.chronicle import entry_json
from affineur.core.history.journal import Entry
from affineur.core.history.webhook_addresses import Network, host_of, parse_networks
from affineur.core.security import Happened, console
from affineur.shell import webhooks as sending
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, security, webhooks
from affineur.shell.store.webhooks import HookRow
from affineur.shell.webhooks import Outcome

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Lane = Literal["quick", "slow"]

LOOK_SECONDS = 1.0
"""How often the journal is looked into."""
AT_ONCE: dict[Lane, int] = {"quick": 8, "slow": 24}
"""How many hooks are sent to at the same time. A slow one costs a thread that waits, for 10 seconds at most."""
_STAYS_SECONDS = 20.0
"""How long a hook with much to be told is served before others have their turn."""
_ENDS_SECONDS = 3.0
"""How long the end waits for deliveries under way: what is cut off is sent again."""
_AWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A hook that was claimed, and the entry it is to be sent now."""

    hook: HookRow
    entry: Entry
    claim: str


def begin(index: Index, hook_id: str, now: datetime) -> Turn | None:
    """Claim a hook and its next entry; None where nothing is for it, or somebody else sends."""
    claim = secrets.token_hex(8)
    with index.store.write() as connection:
        found = webhooks.claim(connection, hook_id, claim, now)
    return None if found is None else Turn(*found, claim)


def deliver(index: Index, turn: Turn, clock: Clock, jitter: float = 0.0) -> bool:
    """Send the entry of ``turn`` and write down what became of it; whether the hook may have its next one at once."""
    outcome = send_entry(index, turn.hook, turn.entry, clock())
    return settle(index, turn, outcome, clock(), jitter)


def send_entry(index: Index, hook: HookRow, entry: Entry, now: datetime) -> Outcome:
    """Send one entry to a hook, signed; nothing is written down."""
    body = rules.message(entry, entry_json(entry), index.origin)
    return send_message(index, hook, rules.message_id(hook.id, entry.serial), body, now)


def send_message(index: Index, hook: HookRow, identifier: str, body: bytes, now: datetime) -> Outcome:
    """Send any message to a hook, signed."""
    keys = rules.secrets_at(hook.secret, hook.former_secret, hook.former_until, now)
    return sending.send(hook.url, rules.headers(identifier, now, body, keys), body, networks_of(index))


def networks_of(index: Index) -> tuple[Network, ...]:
    """The private networks that hooks of this index may reach."""
    return parse_networks(index.settings.webhook_networks)


def settle(index: Index, turn: Turn, outcome: Outcome, now: datetime, jitter: float) -> bool:
    """Write down what became of a delivery: the hook moves on, waits, or is switched off and its owners are told.

    Whether it may have its next entry at once.
    """
    hook, serial = turn.hook, turn.entry.serial
    failures = 0 if outcome.verdict == "taken" else hook.failures + 1
    since = hook.failing_since or now
    if outcome.verdict == "taken":
        changes: dict[str, object] = {"failures": 0, "failing_since": None}
        next_at = None
    else:
        gone = outcome.verdict == "gone"
        next_at = None if gone else rules.next_try(failures, since, now, jitter, outcome.retry_after_seconds)
        changes = {"failures": failures, "failing_since": since}
        changes |= {"state": "off"} if next_at is None else {"due_at": next_at}
    tried = delivery_of(outcome, serial, hook.failures + 1, now, asked=False, next_at=next_at)
    with index.store.write() as connection:
        taken = serial if outcome.verdict == "taken" else None
        kept = webhooks.settle(connection, hook.id, turn.claim, tried, taken, took_ms=outcome.duration_ms, **changes)
        if kept and changes.get("state") == "off":
            _tell_of_the_end(connection, hook, outcome, since, now)
    _say(hook, serial, outcome)
    return kept and outcome.verdict == "taken"


def delivery_of(
    outcome: Outcome, serial: int | None, attempt: int, now: datetime, *, asked: bool, next_at: datetime | None = None
) -> dict[str, object]:
    """A row of a hook's log."""
    return {
        "serial": serial,
        "asked": asked,
        "attempt": attempt,
        "at": now,
        "status": outcome.status,
        "error": outcome.error,
        "answer": outcome.answer,
        "duration_ms": outcome.duration_ms,
        "next_at": next_at,
    }


def tell(connection: sa.Connection, hook: HookRow, letter: str, values: dict[str, object], now: datetime) -> None:
    """Write to those who answer for a hook: the owners of its project, or the operators of the index."""
    place = "admin/webhooks" if hook.project is None else f"account/projects/{hook.project}/webhooks"
    whole = {"project": hook.project, "host": host_of(hook.url), "page": place, "at": now, **values}
    if hook.project_id is None:
        emails.tell_primary(connection, accounts.operators(connection), letter, whole, now)
    else:
        grants.tell_people(connection, hook.project_id, letter, whole, now)


def forget(index: Index, now: datetime) -> int:
    """Delete what is old, or too much, of the logs of deliveries; how much. For once an hour."""
    with index.store.read() as connection:
        if not webhooks.needs_forgetting(connection, now):
            return 0
    with index.store.write() as connection:
        return webhooks.forget(connection, now)


def keep_delivering(index: Index, stop: threading.Event) -> None:
    """Deliver what is due until ``stop`` is set. For a thread of its own. A failing round is logged and tried again."""
    courier = Courier(index, stop)
    while not stop.is_set():
        rest = LOOK_SECONDS
        try:
            courier.look(datetime.now(UTC))
        except Exception:  # the thread must outlive a database that is away for a moment
            log.exception("webhooks were not looked after; trying again")
            rest = _AWAY_SECONDS
        stop.wait(rest)
    courier.end()


class Courier:
    """Sends to many hooks at once, to each by one thread at a time."""

    def __init__(self, index: Index, stop: threading.Event) -> None:
        self._index, self._stop = index, stop
        self._under_way: dict[str, Lane] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def look(self, now: datetime) -> int:
        """Begin with every hook that has something to be sent, as far as there is room in its line; how many."""
        with self._index.store.read() as connection:
            waiting = webhooks.waiting(connection, now)
        begun = 0
        for hook_id, is_slow in waiting:
            lane: Lane = "slow" if is_slow else "quick"
            if self._has_room(hook_id, lane) and (turn := begin(self._index, hook_id, now)) is not None:
                self._start(turn, lane)
                begun += 1
        return begun

    def end(self, seconds: float = _ENDS_SECONDS) -> None:
        """Wait a little for what is under way."""
        until = time.monotonic() + seconds
        for thread in list(self._threads.values()):
            thread.join(max(0.0, until - time.monotonic()))

    def serves(self, hook_id: str) -> bool:
        """Whether something is on its way to a hook."""
        with self._lock:
            return hook_id in self._under_way

    def _has_room(self, hook_id: str, lane: Lane) -> bool:
        with self._lock:
            taken = list(self._under_way.values()).count(lane)
            return hook_id not in self._under_way and taken < AT_ONCE[lane]

    def _start(self, turn: Turn, lane: Lane) -> None:
        # A daemon: a receiver that does not answer keeps no process from its end.
        thread = threading.Thread(target=self._serve, args=(turn,), name=f"webhook {turn.hook.id}", daemon=True)
        with self._lock:
            self._under_way[turn.hook.id], self._threads[turn.hook.id] = lane, thread
        thread.start()

    def _serve(self, turn: Turn) -> None:
        until = time.monotonic() + _STAYS_SECONDS
        hook_id = turn.hook.id
        try:
            following: Turn | None = turn
            while following is not None and not self._stop.is_set():
                goes_on = deliver(self._index, following, lambda: datetime.now(UTC), random.random())  # noqa: S311
                more = goes_on and time.monotonic() < until
                following = begin(self._index, hook_id, datetime.now(UTC)) if more else None
        except Exception:
            log.exception("a webhook was not served; its claim lapses", extra={"webhook": hook_id})
        finally:
            with self._lock:
                self._under_way.pop(hook_id, None)
                self._threads.pop(hook_id, None)


def _tell_of_the_end(
    connection: sa.Connection, hook: HookRow, outcome: Outcome, since: datetime, now: datetime
) -> None:
    why = outcome.error or f"It answered {outcome.status}."
    facts = {"webhook": hook.id, "host": host_of(hook.url), "since": since.isoformat(), "reason": why}
    security.append(connection, console(now), Happened("WebhookSwitchedOff", None, None, hook.project, facts=facts))
    tell(connection, hook, "webhook-off", {"since": since, "why": why}, now)


def _say(hook: HookRow, serial: int, outcome: Outcome) -> None:
    """The host alone: the rest of an address may hold a secret."""
    said = outcome.status if outcome.error is None else outcome.error
    level = logging.DEBUG if outcome.verdict == "taken" else logging.INFO
    log.log(level, "webhook %s (%s), entry %d: %s", hook.id, host_of(hook.url), serial, said)
