"""Protections: what a class of impact changes, as one table. The letter is written from it, and the guards ask it.

A class protects; it puts nobody under a duty. What delays an owner applies only some time after the class was given,
so that nobody is surprised by it in the middle of something; what protects applies at once. What an operator said by
hand applies at once as well: whoever says so has a reason for today.
What does not live here: how a class comes about (`policy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from ..life.standing import Impact
from .basis import is_measured

NOTICE = timedelta(days=30)
"""How long after a class was measured anything that delays owners applies by it."""

Act = Literal["automatic-hold", "hold-review", "second-review", "condemn", "unarchive", "withhold"]


@dataclass(frozen=True, slots=True)
class Protection:
    """One thing that a class changes. ``rule``: the rule by which it is enforced; ``means``: what owners are told,
    its numbers left open: `letter.told` fills them in from the very constants that decide.
    """

    act: Act
    classes: frozenset[Impact]
    kind: Literal["protects", "delays"]
    rule: str
    means: str


_WIDELY: frozenset[Impact] = frozenset({"C3", "C4"})

PROTECTIONS: Mapping[Act, Protection] = MappingProxyType(
    {
        each.act: each
        for each in (
            Protection(
                "automatic-hold", _WIDELY, "protects", "hold.widely-used",
                "Reports alone never take the whole project off offer: at most releases younger than {new_release}, "
                "until a moderator has looked.",
            ),
            Protection(
                "hold-review", _WIDELY, "protects", "hold.widely-used",
                "A moderator looks at such a hold within {hold_review}, not within {usual_review}.",
            ),
            Protection(
                "second-review", frozenset({"C4"}), "protects", "hold.second-moderator",
                "If a moderator holds the whole project, or lifts such a hold, a second one looks within "
                "{second_review}.",
            ),
            Protection(
                "condemn", frozenset({"C2", "C3", "C4"}), "protects", "hold.second-moderator",
                "It takes two moderators to find the project harmful for good.",
            ),
            Protection(
                "unarchive", _WIDELY, "delays", "lifecycle.unarchive-waits",
                "Once archived, one owner alone unarchives it after {waits}, or at once within {regret}; two owners "
                "do it at once.",
            ),
            Protection(
                "withhold", _WIDELY, "delays", "lifecycle.withhold-second",
                "To withhold a file or a release you ask a moderator; yanking it stays yours alone.",
            ),
        )
    }
)  # fmt: skip
"""Everything that a class changes. What is not in here, no class changes."""

UNCHANGED: Mapping[str, str] = MappingProxyType(
    {
        "upload": "Publishing: with the same tokens, the same second factor, at the same pace.",
        "archive": "Archiving, finishing and deprecating: at once, by any owner, without a reason.",
        "wish": "Asking for help, or for somebody to hand it to.",
        "yank": "Yanking, and taking it back.",
        "leave": "Leaving, and giving roles to others.",
    }
)
"""What no class changes, by the act that a test tries: stopping is always free."""


def applies(act: Act, impact: Impact | None, basis: str | None, since: datetime | None, now: datetime) -> bool:
    """Whether the class changes ``act`` at ``now``. ``since``: since when it has been one of those that do.

    Moments are aware UTC. A class of unknown date is old.
    """
    protection = PROTECTIONS[act]
    if impact not in protection.classes:
        return False
    return since is None or now >= applies_from(protection, basis, since)


def applies_from(protection: Protection, basis: str | None, since: datetime) -> datetime:
    """From when a protection applies to a project that has been of one of its classes ``since``."""
    return since + NOTICE if protection.kind == "delays" and is_measured(basis) else since


def of_class(impact: Impact | None) -> tuple[Protection, ...]:
    """What a class changes, those that protect first."""
    return tuple(each for each in PROTECTIONS.values() if impact in each.classes)
