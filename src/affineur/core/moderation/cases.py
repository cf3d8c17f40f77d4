"""Cases: by when moderators have to look at something, and when one of them is not enough.

What does not live here: case numbers and reports (`reports`), and what is held without a moderator (`corroboration`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from ..decision import Decision, allow, deny
from ..impact.protections import PROTECTIONS
from ..life.standing import Impact, Level
from .reports import Kind

Act = Literal["quarantine", "clear", "condemn", "withhold"]
"""What a moderator does to a project in a case."""

_DAY = timedelta(days=1)

DUE: Mapping[Kind, timedelta] = MappingProxyType(
    {
        "malware": _DAY,
        "spam": 7 * _DAY,
        "dependency-confusion": 7 * _DAY,
        "look-alike": 7 * _DAY,
        "other": 7 * _DAY,
    }
)
"""How long a report may wait for a moderator. *PyPI* answered 92 % of its malware reports of 2025 within a day."""

HOLD_REVIEW = _DAY
"""How long an automatic hold may stand before a moderator looked at it."""

HOLD_REVIEW_WIDELY_USED = timedelta(hours=4)
"""…on a release of a project that is, or may be, widely used."""

SECOND_REVIEW = timedelta(hours=4)
"""How long a hold on a whole C4 project may rest on one moderator's word."""

HELD_REVIEW = 7 * _DAY
"""How long a moderator's hold may stand before somebody asks whether it still has to."""

WITHHELD_REVIEW = 3 * _DAY
"""How long something may be withheld before it is decided what becomes of it."""

APPEAL_REVIEW = 3 * _DAY
"""How long an appeal may wait for its answer."""

NOTE_LIMIT = 4000
"""Characters of a note, and of what a moderator answers."""

_TWO_TO_CONDEMN: frozenset[Impact | None] = PROTECTIONS["condemn"].classes | {None}
_LOOKED_AT_AGAIN = PROTECTIONS["second-review"].classes


def report_due(kind: Kind, filed_at: datetime) -> datetime:
    """By when a moderator has to have looked at a report of this kind."""
    return filed_at + DUE[kind]


def hold_review_due(held_at: datetime, *, widely_used: bool) -> datetime:
    """By when a moderator has to have looked at an automatic hold.

    ``widely_used``: see `corroboration.is_widely_used`; true where the class is not known.
    """
    return held_at + (HOLD_REVIEW_WIDELY_USED if widely_used else HOLD_REVIEW)


def moderators_review_due(act: str, level: Level, impact: Impact | None, at: datetime) -> datetime:
    """By when what a moderator or an owner put on hold at ``at`` has to have been looked at again."""
    if act == "withhold":
        return at + WITHHELD_REVIEW
    return at + (SECOND_REVIEW if level == "project" and impact in _LOOKED_AT_AGAIN else HELD_REVIEW)


def second_review_due(act: Act, level: Level, impact: Impact | None, at: datetime) -> datetime | None:
    """By when a second moderator has to have looked at what one did at ``at``; None: nobody has to.

    Quarantine and clearing of a whole C4 project: both act at once, because waiting would do harm, and are looked at
    again. Where the class is not known nothing is asked for: that would be every hold on an index that has no classes
    yet, and a second look that is asked for each time is given to none.
    """
    if level == "project" and impact in _LOOKED_AT_AGAIN and act in ("quarantine", "clear"):
        return at + SECOND_REVIEW
    return None


def proposal(act: str, version: str | None = None, filename: str | None = None) -> str:
    """What is kept of an act that waits for a second moderator: who agrees, agrees to this and to nothing wider.

    No part has a space in it: versions are canonical, and file names are those of distributions.
    """
    return " ".join(part for part in (act, version, filename) if part)


def read_proposal(text: str) -> tuple[str, str | None, str | None]:
    """The act, version and file name of a `proposal`."""
    act, version, filename = (*text.split(" ", 2), "", "")[:3]
    return act, version or None, filename or None


def fit_note(text: str) -> Decision:
    """Whether a note, stripped, can be kept. Refused by ``case.note``."""
    if not text:
        return deny("case.note", "There is nothing in it.", "Write what you found, and where.")
    if len(text) > NOTE_LIMIT:
        return deny(
            "case.note",
            f"It has {len(text)} characters, and {NOTE_LIMIT} are the most.",
            "Keep what others need, or write two.",
            length=len(text),
            limit=NOTE_LIMIT,
        )
    return allow("case.note")


def may_agree(first: int | None, second: int | None) -> Decision:
    """Whether ``second`` may give the second look at what ``first`` did (None: the index itself, or its console).

    Refused by ``hold.second-moderator``.
    """
    if first is not None and first == second:
        return deny(
            "hold.second-moderator",
            "Whoever decided cannot be the second moderator, too.",
            "Ask another moderator to look at the case.",
        )
    return allow("hold.second-moderator")


def may_dismiss(held: bool) -> Decision:
    """Whether the reports of a case can be dismissed: nothing of it is on hold. Refused by ``case.held``."""
    if held:
        return deny(
            "case.held",
            "Something of this case is on hold, so it does not end by dismissing its reports.",
            "Clear or give back what is held: that ends the case.",
        )
    return allow("case.held")


def is_open(closed_at: datetime | None, number: str) -> Decision:
    """Whether a case is open. Refused by ``case.closed``."""
    if closed_at is None:
        return allow("case.closed")
    return deny(
        "case.closed",
        f"Case {number} is closed since {closed_at:%Y-%m-%d}.",
        "A new report, a hold or an appeal opens one.",
    )


def needs_second(act: Act, impact: Impact | None) -> bool:
    """Whether a second moderator has to agree before ``act`` takes effect.

    To condemn a project takes away what may be used: its name for good, and an account with it. So it takes two
    unless it is known that next to nobody uses it (C0, C1). All else can be undone and waits for nobody.
    """
    return act == "condemn" and impact in _TWO_TO_CONDEMN


def may_take_effect(act: Act, impact: Impact | None, first: int, second: int | None) -> Decision:
    """Whether ``act``, decided by the account ``first`` and confirmed by ``second`` (None: nobody yet), takes effect.

    Refused by ``hold.second-moderator``.
    """
    if not needs_second(act, impact):
        return allow("hold.second-moderator")
    if second is None:
        return deny(
            "hold.second-moderator",
            f"To {act} this project takes two moderators, and one has decided so.",
            "It takes effect when another moderator confirms it; until then the hold stays. Where there is no other, "
            "the command line on the machine of the index needs none.",
            impact=impact,
        )
    if second == first:
        return deny(
            "hold.second-moderator",
            "Whoever decided cannot be the second moderator, too.",
            "Ask another moderator to look at the case.",
            impact=impact,
        )
    return allow("hold.second-moderator")
