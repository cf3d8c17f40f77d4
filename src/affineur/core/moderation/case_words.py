"""Cases in words: how long something is due, how old owners' accounts are, and what waits for a second moderator.

What does not live here: the numbers themselves (`cases`), and what a state means for who installs (`meaning`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..life.lifecycle import Place, named
from ..names import NormalizedName
from .cases import read_proposal

_DAY = timedelta(days=1)
_AGES = (
    (timedelta(days=7), "younger than a week"),
    (timedelta(days=90), "younger than 90 days"),
    (timedelta.max, "older"),
)
"""A week: made for this. 90 days: as long as names are watched. Older accounts may be stolen, and say nothing new."""


def is_overdue(due_at: datetime | None, now: datetime) -> bool:
    """Whether a moderator should have looked already."""
    return due_at is not None and due_at <= now


def due(due_at: datetime | None, now: datetime) -> str:
    """By when a moderator has to have looked, seen from ``now``."""
    if due_at is None:
        return "nothing due"
    return f"overdue by {span(now - due_at)}" if is_overdue(due_at, now) else f"due in {span(due_at - now)}"


def span(length: timedelta) -> str:
    """A length of time in its largest whole unit: minutes, hours, or days from two of them on."""
    minutes = max(0, length // timedelta(minutes=1))
    if minutes < 60:
        return _counted(minutes, "minute")
    hours = minutes // 60
    return _counted(hours, "hour") if hours < 48 else _counted(hours // 24, "day")


def ages(since: Iterable[datetime], now: datetime) -> str:
    """How old the accounts of owners are, as counts: who they are is not what a case is decided by."""
    counts = [0] * len(_AGES)
    for each in since:
        counts[next(place for place, (limit, _) in enumerate(_AGES) if now - each < limit)] += 1
    if not sum(counts):
        return "nobody"
    said = ", ".join(f"{count} {words}" for count, (_, words) in zip(counts, _AGES, strict=True) if count)
    return f"{_counted(sum(counts), 'account')}: {said}"


def proposed(project: NormalizedName, text: str) -> str:
    """What a first moderator asked for, or did (`cases.proposal`): an act and the thing it is about."""
    act, version, filename = read_proposal(text)
    return f"{act} {named(project, Place(version, filename))}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
