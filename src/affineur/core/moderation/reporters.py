"""Reporters: what somebody's earlier reports say about the next one.

What lives here: the record of an account (reports upheld and dismissed), how much a report by it weighs, when it
counts as trusted, and how often it may report. What does not: reports themselves (`reports`), and what many of them
together come to (`corroboration`). Who marks an account as trusted is a question of `access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal

from ..people.throttle import Limit

Outcome = Literal["upheld", "dismissed"]
"""What a moderator decided about a report. One that was settled without being right or wrong has no outcome."""

REMEMBERED = 20
"""Decided reports that a record looks back on. With all of them, a stolen account that was right 1,000 times would
stay trusted for 428 false reports: (1000 + 1) / (1000 + 428 + 2) = 0.7. With the last 20 it does for 5."""

FULL_WEIGHT_PRECISION = 0.8
"""The precision from which a report has full weight: three upheld and none dismissed, (3 + 1) / (3 + 2)."""

LEAST_PRECISION = 0.2
"""Below it a report weighs nothing: four dismissed and none upheld, (0 + 1) / (4 + 2) = 0.17."""

TRUSTED_PRECISION = 0.7
TRUSTED_DECIDED = 5
"""A trusted reporter stays so with a precision of at least 0.7, looked at once 5 reports are decided: 4 of 5 upheld
is (4 + 1) / (5 + 2) = 0.71, 3 of 5 is 0.57. Five, because at 2 one mistake would cost what a moderator gave."""

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

REPORTS = (Limit("report", 10, _HOUR), Limit("report", 30, _DAY))
"""Reports by one account. Someone who comes upon a wave names ten projects at a sitting, and thirty a day is an hour
of a moderator's reading at two minutes each."""

REPORTS_TRUSTED = (Limit("report", 120, _HOUR), Limit("report", 600, _DAY))
"""…by a trusted one: scanners meet waves of hundreds of projects. Same counters, so that gaining or losing trust
begins no new window."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of an account's last `REMEMBERED` decided reports, and whether a moderator marked it as trusted."""

    upheld: int = 0
    dismissed: int = 0
    marked_trusted: bool = False

    @property
    def decided(self) -> int:
        """Reports a moderator has decided."""
        return self.upheld + self.dismissed


NEWCOMER = Record()
"""The record of somebody about whom nothing is known yet."""


def record_of(outcomes: Iterable[Outcome], *, marked_trusted: bool = False) -> Record:
    """The record of an account from the outcomes of its decided reports, newest first; later ones are not read."""
    recent = tuple(islice(outcomes, REMEMBERED))
    upheld = recent.count("upheld")
    return Record(upheld, len(recent) - upheld, marked_trusted)


def precision(record: Record) -> float:
    """The share of an account's reports that are right, 0 to 1, as far as its record tells.

    Laplace's rule of succession, (upheld + 1) / (decided + 2): a newcomer is at 1/2, and no single report makes
    anybody infallible or a liar.
    """
    return (record.upheld + 1) / (record.decided + 2)


def is_trusted(record: Record) -> bool:
    """Whether a moderator marked the account as trusted, and its record does not speak against it."""
    if not record.marked_trusted:
        return False
    return record.decided < TRUSTED_DECIDED or precision(record) >= TRUSTED_PRECISION


def weight(record: Record) -> float:
    """What a report by the account counts, 0 to 1.

    Trusted: 1. Others: precision / `FULL_WEIGHT_PRECISION`, at most 1, and 0 below `LEAST_PRECISION`.

    ======== ========= ========= ======
    upheld   dismissed precision weight
    ======== ========= ========= ======
    0        0         0.50      0.625   (a newcomer; two of them make 1.25)
    1        0         0.67      0.83
    3        0         0.80      1
    0        1         0.33      0.42    (two of them: 0.83)
    0        3         0.20      0.25
    0        4         0.17      0
    ======== ========= ========= ======
    """
    if is_trusted(record):
        return 1.0
    right = precision(record)
    return 0.0 if right < LEAST_PRECISION else min(1.0, right / FULL_WEIGHT_PRECISION)


def limits(record: Record) -> tuple[Limit, ...]:
    """How often the account may report; for `throttle.admit_all`, refused by ``throttle.report``."""
    return REPORTS_TRUSTED if is_trusted(record) else REPORTS
