"""What is told to the owners of a project about its class: what it changes and from when, what not, and the ways out.

Every number is filled in from the constant that decides, and every date by the function that the guards ask: what is
told and what is done cannot differ.
What does not live here: the evidence (`explain`), and the letter as it is sent (`shell.mail`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from ..life import guards
from ..life.standing import Impact, Standing
from ..moderation import cases, corroboration
from ..rules.rule import spoken
from .protections import UNCHANGED, Protection, applies_from, of_class

_NUMBERS: Mapping[str, timedelta] = MappingProxyType(
    {
        "new_release": corroboration.NEW_RELEASE,
        "hold_review": cases.HOLD_REVIEW_WIDELY_USED,
        "usual_review": cases.HOLD_REVIEW,
        "second_review": cases.SECOND_REVIEW,
        "waits": guards.UNARCHIVE_WAITS,
        "regret": guards.REGRET,
    }
)
_OPENS, _CLOSES = 8, 16
_SATURDAY = 5

NO_DUTY = "You have to do nothing: a class brings protection, never work."


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that the class changes: what is told of it, and from when it applies (aware UTC)."""

    protection: Protection
    text: str
    applies_from: datetime

    @property
    def rule(self) -> str:
        """The rule that says from when."""
        return "impact.notice" if self.protection.kind == "delays" else self.protection.rule


def told(protection: Protection) -> str:
    """What a protection means, its numbers filled in."""
    return protection.means.format_map({name: spoken(number) for name, number in _NUMBERS.items()})


def changes(impact: Impact, basis: str | None, since: datetime, widely_used_since: datetime) -> list[Changed]:
    """What a project's class changes, and from when: ``since`` it has it, or ``widely_used_since`` what delays."""
    return [
        Changed(each, told(each), applies_from(each, basis, widely_used_since if each.kind == "delays" else since))
        for each in of_class(impact)
    ]


def unchanged() -> list[str]:
    """What the class does not change."""
    return list(UNCHANGED.values())


def exits(standing: Standing) -> list[str]:
    """What owners can do who cannot, or do not want to, look after the project any more."""
    ways = {
        "wish help": "Say that help is wanted (affineur wish help).",
        "wish handoff": "Look for somebody to hand it to (affineur wish handoff), or give another person a role.",
        "finish": "Call it finished: fixes may come, nothing else is planned (affineur finish).",
        "archive": "Archive it: nobody expects anything from then on, and all files stay (affineur archive).",
        "leave": "Leave it, where there is another owner (affineur leave).",
    }
    if standing.maintenance == "archived":
        return [ways["wish handoff"], ways["leave"]]
    return list(ways.values())


def beside(standing: Standing) -> str | None:
    """What its owners have said of the project that stands beside the class; None where they have said nothing."""
    if standing.maintenance == "archived":
        return "The project is archived, and stays so: you owe nobody anything for it."
    if standing.advice == "deprecated":
        instead = " or ".join(map(str, standing.replacements))
        return (
            f"The project is deprecated in favour of {instead}. Those who still use it are told so; nothing is asked "
            "of you."
            if instead
            else "The project is deprecated. Naming a replacement would help those who still use it; nothing is asked "
            "of you."
        )
    return None


def working_hours(now: datetime) -> datetime:
    """The first moment from ``now`` (aware UTC) on that is a working hour: nobody is to be startled at night."""
    if now.weekday() < _SATURDAY and _OPENS <= now.hour < _CLOSES:
        return now
    morning = now.replace(hour=_OPENS, minute=0, second=0, microsecond=0)
    if now >= morning:
        morning += timedelta(days=1)
    while morning.weekday() >= _SATURDAY:
        morning += timedelta(days=1)
    return morning
