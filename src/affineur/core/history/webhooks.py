"""Webhooks: what is sent to whom, how it is signed, where it may go, and when it is tried again.

A hook follows the journal from a serial of its own. Its entries are sent in their order, one at a time, each until it
was taken: none is ever left out, some may come twice, under the same ``webhook-id``. So a receiver that keeps the ids
it has seen has the journal, and one that fails for `GIVES_UP_AFTER` is switched off where it stands.
What does not live here: the tables (`shell.store.webhooks`), the sending (`shell.webhooks`, `projections.webhooks`).

Source: Standard Webhooks 1.0.0 (headers, signatures, secrets, what a status means).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

import orjson

from ..decision import refuse
from .chronicle_words import EVENTS
from .journal import Entry, Event, Hint

State = Literal["active", "paused", "off"]
"""``off``: it was switched off by itself, because it failed for too long or its receiver said that it is gone."""
Verdict = Literal["taken", "failed", "gone"]

HOOKS_OF_PROJECT = 10
HOOKS_OF_INDEX = 20
"""How many there may be: each entry is sent to each."""
MAXIMUM_URL = 500
ANSWER_KEPT_BYTES = 1024
"""How much of an answer is read and kept, to be shown to whoever looks for a fault."""
TIMEOUT_SECONDS = 10.0
"""For a whole delivery, from the name's address to the end of the answer."""

SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""
SECRET_OVERLAPS = timedelta(hours=24)
"""How long the secret before is signed with, too, once a hook has a new one."""

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)
"""What lies between two tries of the same entry; the last one again and again."""
GIVES_UP_AFTER = timedelta(days=5)
"""A hook that took nothing for so long is switched off. At least 11 tries come before that."""
_JITTER = 0.1
_LONGEST_WISH = timedelta(hours=24)
"""A receiver may ask to be left alone (``Retry-After``), but for no longer than this."""

LOG_KEPT = timedelta(days=30)
LOG_ROWS = 1000
"""How much of a hook's log of deliveries is kept."""
ASKED_FOR_AN_HOUR = 30
"""How many pings and repetitions somebody may ask of one hook in an hour: each is a request to somebody's server."""

_HINTS: tuple[Hint, ...] = get_args(Hint)
_OK, _GONE = range(200, 300), 410


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a hook is sent: of these events, with these hints. Empty: all."""

    events: frozenset[str] = frozenset()
    hints: frozenset[str] = frozenset()

    def takes(self, event: Event) -> bool:
        """Whether an entry with ``event`` is sent."""
        return (not self.events or event.event in self.events) and (not self.hints or event.hint in self.hints)


ALL = Wanted()


def wanted_of(events: Iterable[str], hints: Iterable[str]) -> Wanted:
    """What somebody wants to be sent. `Refused` (``webhook.events``) for what is no event's name or no hint."""
    named, hinted = frozenset(events), frozenset(hints)
    if unfit := sorted(named.difference(EVENTS)):
        refuse(
            "webhook.events",
            f"{unfit[0][:40]!a} is not the name of an event.",
            "The journal has events such as ProjectQuarantined; name none to be sent all.",
        )
    if strange := sorted(hinted.difference(_HINTS)):
        refuse(
            "webhook.events",
            f"{strange[0][:40]!a} is not a hint.",
            f"There are {', '.join(_HINTS)}; name none to be sent all.",
        )
    return Wanted(named, hinted)


def message_id(hook_id: str, serial: int) -> str:
    """The ``webhook-id`` of an entry: the same however often it is sent. No full stop: it is signed between two."""
    return f"{hook_id}-{serial}"


def message(entry: Entry, shown: Mapping[str, object], origin: str) -> bytes:
    """The body that tells of ``entry``; ``shown`` is the entry as the journal is served, ``origin`` whose it is."""
    return _body(f"journal.{entry.event.event}", entry.at, origin, shown)


def ping(hook_id: str, now: datetime, origin: str) -> bytes:
    """The body that only tries whether a hook works."""
    return _body("ping", now, origin, {"webhook": hook_id})


def _body(kind: str, at: datetime, origin: str, data: Mapping[str, object]) -> bytes:
    """Standard Webhooks, "Payload structure": ``type``, ``timestamp`` of what happened, ``data``."""
    moment = at.isoformat(timespec="microseconds")
    return orjson.dumps({"type": kind, "timestamp": moment, "origin": origin, "data": dict(shown_plainly(data))})


def shown_plainly(data: Mapping[str, object]) -> Mapping[str, object]:
    """``data`` with every mapping in it as a plain one, as a writer of JSON wants it."""
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in data.items()}


def headers(identifier: str, now: datetime, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """The three headers of a message that is sent at ``now``, signed with each of ``secrets``."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, identifier, timestamp, body) for secret in secrets),
    }


def signature(secret: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the Base64 of HMAC-SHA256 over ``id.timestamp.body`` (Standard Webhooks, "Signature scheme")."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, sha256)).decode()


def secret_in_words(secret: bytes) -> str:
    """A secret as its receiver is told it: ``whsec_`` and Base64."""
    return "whsec_" + b64encode(secret).decode()


def secrets_at(secret: bytes, former: bytes | None, former_until: datetime | None, now: datetime) -> tuple[bytes, ...]:
    """What is signed with at ``now``: the secret, and for a while the one before."""
    if former is not None and former_until is not None and now < former_until:
        return secret, former
    return (secret,)


def verdict_on(status: int | None) -> Verdict:
    """What an answer's status means; None: there was no answer. A redirect is a failure: it is not followed."""
    if status == _GONE:
        return "gone"
    return "taken" if status in _OK else "failed"


def next_try(
    failures: int, failing_since: datetime, now: datetime, jitter: float, asked_seconds: float | None = None
) -> datetime | None:
    """When to try again after the ``failures``-th failure in a row (from 1); None: the hook is to be switched off.

    ``jitter`` (0 to 1, random) spreads the tries of many hooks that failed at once; ``asked_seconds`` is what the
    receiver asked for. The last try is when `GIVES_UP_AFTER` is over.
    """
    end = failing_since + GIVES_UP_AFTER
    if now >= end:
        return None
    pause = PAUSES[min(failures, len(PAUSES)) - 1] * (1 + _JITTER * jitter)
    if asked_seconds is not None and asked_seconds > 0:
        pause = max(pause, min(timedelta(seconds=min(asked_seconds, 1e6)), _LONGEST_WISH))
    return min(now + pause, end)


def retry_after(header: str | None) -> float | None:
    """Seconds from a ``Retry-After`` header (RFC 9110 §10.2.3); None for none, and for a date: clocks differ."""
    return float(header) if header is not None and re.fullmatch(r"[0-9]{1,9}", header.strip()) else None
