"""How the state of a project reads to its owners: each dimension, each act, and what is said when one is done.

What does not live here: what a state means for who installs (`core.life.meaning`), the pages (`project_state`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from affineur.core.life.lifecycle import TRANSITIONS, Act
from affineur.core.life.meaning import WISHES, WORDS, Kind
from affineur.core.life.standing import Standing

from .frame import DONE

OWNERS_ACTS: Mapping[Act, str] = MappingProxyType(
    {
        "archive": "Archive it",
        "unarchive": "Take the archiving back",
        "finish": "Call it finished",
        "resume": "Say that work goes on",
        "deprecate": "Deprecate it",
        "undeprecate": "Take the deprecation back",
        "wish": "Say what you wish for",
        "yank": "Yank",
        "unyank": "Take the yank back",
        "withhold": "Withhold",
        "unwithhold": "Give back",
    }
)
"""The acts that the page offers, and what their buttons say."""
_KINDS: Mapping[Act, Kind] = MappingProxyType(
    {"archive": "archived", "finish": "finished", "deprecate": "deprecated", "yank": "yanked", "withhold": "withheld"}
)

DONE["state-archive"] = "The project is archived: it stays on offer, and takes no new files."
DONE["state-unarchive"] = "The project takes new files again. Its trusted publishers have to be confirmed once."
DONE["state-finish"] = "The project is called finished."
DONE["state-resume"] = "The project is active again."
DONE["state-deprecate"] = "The project is deprecated. Whoever installs it reads the advice."
DONE["state-undeprecate"] = "The deprecation is taken back."
DONE["state-wish"] = "What you wish for is told."
DONE["state-yank"] = "Yanked: installers pass over it. Nothing was removed, and you can take it back."
DONE["state-unyank"] = "The yank is taken back: installers choose it again."
DONE["state-withhold"] = "It is withheld: it is not on offer any more. You can give it back."
DONE["state-unwithhold"] = "It is on offer again."


@dataclass(frozen=True, slots=True)
class Told:
    """One dimension of a project's state: its name, its value in a sentence, why it is so, and since when."""

    name: str
    value: str
    reason: str | None = None
    since: datetime | None = None


def definition(act: Act) -> str:
    """What an act means, in the words that everybody reads of the state that it leads to."""
    return WORDS[_KINDS[act]] if act in _KINDS else TRANSITIONS[act].means


def dimensions(standing: Standing) -> tuple[Told, ...]:
    """Every dimension of the state in words, those that are ordinary too."""
    instead = " or ".join(map(str, standing.replacements))
    hold = standing.hold
    return (
        Told("Work on it", _WORK[standing.maintenance], standing.maintenance_reason, standing.maintenance_since),
        Told(
            "Advice",
            f"Deprecated{f': use {instead}' if instead else ''}." if standing.advice == "deprecated" else "None.",
            standing.advice_reason,
            standing.advice_since,
        ),
        Told("You wish for", f"{WISHES[standing.wish].capitalize()}." if standing.wish in WISHES else "Nothing."),
        Told("Safety", _SAFETY[standing.safety], hold.reason if hold else None, hold.since if hold else None),
        Told(
            "On offer",
            "Withheld as a whole." if standing.withheld else _OFFER[standing.availability],
            standing.availability_reason,
            standing.availability_since,
        ),
        Told("Who answers for it", _CUSTODY[standing.custody], None, standing.custody_since),
        Told(
            "Impact class",
            f"{standing.impact}." if standing.impact else "Not measured.",
            standing.impact_basis,
            standing.impact_since,
        ),
    )


_WORK = MappingProxyType(
    {
        "active": "Active: releases may come.",
        "finished": "Finished: fixes may come, nothing else is planned.",
        "archived": "Archived: no new release, and uploads are refused.",
    }
)
_SAFETY = MappingProxyType(
    {
        "clear": "Nothing as a whole is held.",
        "quarantined": "Quarantined: held for review.",
        "condemned": "Condemned: a review found it harmful.",
    }
)
_OFFER = MappingProxyType(
    {
        "available": "Yes.",
        "withdrawing": "Being withdrawn.",
        "withdrawn": "Withdrawn: every release is yanked.",
        "removed": "Removed.",
    }
)
_CUSTODY = MappingProxyType(
    {
        "owned": "Its owners.",
        "unreachable": "Its owners, who do not answer.",
        "orphaned": "Nobody.",
        "custodial": "Others, on behalf of its users.",
    }
)
