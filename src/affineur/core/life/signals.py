"""Signals: what people should look at in a project. A signal says what was measured, and changes nothing.

No state is ever inferred: that a project is archived, or has nobody, is said by people. Signals are shown to owners,
and to those who hold an office on the index, never in public.
What does not live here: the measuring (`shell.store.signals`), and states (`standing`).
Thresholds: 24 months without a release and a sign-in is when volunteers' communities begin to ask (CRAN, Flathub,
PAUSE wait one to two years).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["dormant", "old-release", "no-owner", "single-owner", "mail-refused", "mail-unverified"]

DORMANT_AFTER = timedelta(days=730)
"""Without a release and without any owner signed in."""


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """What is known of an owner. ``seen_at``: last signed in; None: never, as far as is remembered.

    ``mail``: whether letters reach the owner: an address that takes them, one that refuses them for good, or none
    that was ever verified.
    """

    seen_at: datetime | None
    mail: Literal["taken", "refused", "unverified"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a project. ``released_at``: its newest release; None: it has none. ``owners``: people only."""

    created_at: datetime
    released_at: datetime | None
    owners: Sequence[OwnerFacts]


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to look at: ``text`` is a sentence, ``since`` when it began, where that is known."""

    kind: Kind
    text: str
    since: datetime | None = None


def signals(facts: Facts, now: datetime) -> list[Signal]:
    """Every signal there is, those that concern safety of mail and people first."""
    return [*_people(facts), *_activity(facts, now)]


def _people(facts: Facts) -> Iterator[Signal]:
    if not facts.owners:
        yield Signal("no-owner", "No person owns it: nobody could answer for it.")
        return
    if len(facts.owners) == 1:
        yield Signal("single-owner", "It has one owner: if they are away, nobody can act.")
    refused = sum(owner.mail == "refused" for owner in facts.owners)
    if refused:
        yield Signal("mail-refused", f"Mail to {_of(refused, len(facts.owners))} is refused for good.")
    unverified = sum(owner.mail == "unverified" for owner in facts.owners)
    if unverified:
        yield Signal("mail-unverified", f"There is no verified address of {_of(unverified, len(facts.owners))}.")


def _activity(facts: Facts, now: datetime) -> Iterator[Signal]:
    months = DORMANT_AFTER.days // 30
    released = facts.released_at or facts.created_at
    if now - released <= DORMANT_AFTER:
        return
    seen = max((owner.seen_at for owner in facts.owners if owner.seen_at is not None), default=None)
    if seen is None or now - seen > DORMANT_AFTER:
        since = max(released, seen or released)
        yield Signal("dormant", f"No release, and no owner signed in, for {months} months.", since)
    else:
        yield Signal("old-release", f"No release for {months} months; its owners have been here since.", released)


def _of(count: int, all_owners: int) -> str:
    return "its only owner" if all_owners == 1 else f"{count} of its {all_owners} owners"
