"""The journal: what an event is, and how events are chained so that no edit, removal or reorder goes unseen.

What does not live here: storing entries and giving serials (`shell.store.journal`), and reading them into
pages and feeds (`projections`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import orjson

Hint = Literal["refresh", "hide", "restore", "purge"]
"""What a mirror should do: fetch again, stop offering, offer again, or delete."""

ActorClass = Literal["owner", "moderator", "operator", "publisher", "automation", "system", "import", "upstream"]
"""Who acted, as the public may know it. Personal names never enter the journal's public part."""

GENESIS = "0" * 64
"""The hash that the first entry covers."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, in the past tense, before it has a serial.

    ``old`` and ``new`` are small JSON-like mappings of the facts that changed.
    """

    event: str
    project: str
    version: str | None = None
    filename: str | None = None
    sha256: str | None = None
    old: Mapping[str, object] = field(default_factory=dict)
    new: Mapping[str, object] = field(default_factory=dict)
    rule: str | None = None
    reason: str | None = None
    actor_class: ActorClass = "owner"
    hint: Hint = "refresh"
    reason_code: str | None = None
    """One word of a fixed vocabulary, beside the text in ``reason``."""
    case: str | None = None
    """The number of the moderators' case that this belongs to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its place in the journal. ``at`` is aware UTC; ``hash`` covers everything else and ``previous``."""

    serial: int
    at: datetime
    event: Event
    previous: str
    hash: str


def members(serial: int, at: datetime, event: Event, previous: str) -> dict[str, object]:
    """The members of an entry that its hash covers, as JSON has them."""
    body: dict[str, object] = {
        "serial": serial,
        "at": at.isoformat(timespec="microseconds"),
        "event": event.event,
        "project": event.project,
        "version": event.version,
        "filename": event.filename,
        "sha256": event.sha256,
        "old": dict(event.old),
        "new": dict(event.new),
        "rule": event.rule,
        "reason": event.reason,
        "actor_class": event.actor_class,
        "hint": event.hint,
    }
    # Members that came later are left out where they say nothing: entries written before keep their hashes.
    if event.reason_code is not None:
        body["reason_code"] = event.reason_code
    if event.case is not None:
        body["case"] = event.case
    body["previous"] = previous
    return body


def entry_hash(serial: int, at: datetime, event: Event, previous: str) -> str:
    """SHA-256 (hex) over the canonical JSON of the entry and the hash before it."""
    covered = members(serial, at, event, previous)
    return hashlib.sha256(orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)).hexdigest()


def chain(serial: int, at: datetime, event: Event, previous: str) -> Entry:
    """The entry that follows the one whose hash is ``previous``."""
    return Entry(serial, at, event, previous, entry_hash(serial, at, event, previous))


def faults(entries: Iterable[Entry], start: tuple[int, str] = (0, GENESIS)) -> Iterable[str]:
    """Every break of the chain among ``entries`` (in stored order), as sentences; none means it is whole.

    ``start`` is the serial and hash before the first entry. Cost: one hash an entry.
    """
    serial, previous = start
    for entry in entries:
        if entry.serial != serial + 1:
            missing = entry.serial - serial - 1
            yield f"Entry {entry.serial} follows entry {serial}: {missing} entries are missing or out of order."
        if entry.previous != previous:
            covers = f"{entry.previous[:12]}…, not {previous[:12]}…"
            yield f"Entry {entry.serial} does not continue entry {serial}: it covers hash {covers}."
        if entry.hash != entry_hash(entry.serial, entry.at, entry.event, entry.previous):
            yield f"Entry {entry.serial} was altered: its contents do not give its hash."
        serial, previous = entry.serial, entry.hash
