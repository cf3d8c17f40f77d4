"""Lifecycle: the acts that change a project's standing, as one table, and what each of them comes to.

An act touches one dimension of `standing.Standing` and no other: whoever lifts a quarantine gives back exactly
what was before. An act that changes nothing is no error; it is simply not recorded.
What does not live here: what a standing permits (`standing`), and carrying an act out (`actions.status`).
Sources: PEP 792; the dimensions and who may change them are explained in `docs/explanation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from .access import Action, Actor, actor_class
from .journal import Event, Hint
from .names import NormalizedName
from .standing import Standing, printable_reason

Act = Literal["archive", "unarchive", "deprecate", "undeprecate", "quarantine", "clear"]


@dataclass(frozen=True, slots=True)
class Transition:
    """What an act does: sets ``dimension`` to ``value``, told to the world as ``event`` with ``hint``."""

    dimension: Literal["maintenance", "advice", "safety"]
    value: str
    event: str
    hint: Hint
    takes_reason: bool
    action: Action
    """What `core.access.may` is asked about it."""


TRANSITIONS: Mapping[Act, Transition] = MappingProxyType(
    {
        "archive": Transition("maintenance", "archived", "ProjectArchived", "refresh", True, "archive"),
        "unarchive": Transition("maintenance", "active", "ProjectUnarchived", "refresh", False, "unarchive"),
        "deprecate": Transition("advice", "deprecated", "ProjectDeprecated", "refresh", True, "archive"),
        "undeprecate": Transition("advice", "none", "ProjectUndeprecated", "refresh", False, "archive"),
        # Mirrors stop offering at once: a hold that is told as a mere refresh would leave files installable there.
        "quarantine": Transition("safety", "quarantined", "ProjectQuarantined", "hide", True, "hold"),
        "clear": Transition("safety", "clear", "ProjectCleared", "restore", False, "hold"),
    }
)


def changes(standing: Standing, act: Act, reason: str | None) -> dict[str, str | None]:
    """The fields of `Standing` that ``act`` changes, with their new values; empty where it changes nothing.

    ``reason`` becomes one printable line; an act that takes things back keeps none.
    """
    transition = TRANSITIONS[act]
    said = printable_reason(reason or "") or None if transition.takes_reason else None
    wanted = {transition.dimension: transition.value, f"{transition.dimension}_reason": said}
    return {field: value for field, value in wanted.items() if getattr(standing, field) != value}


def event(
    project: NormalizedName, standing: Standing, act: Act, changed: Mapping[str, str | None], actor: Actor
) -> Event:
    """What the journal says of ``act``: the changed fields, before and after."""
    transition = TRANSITIONS[act]
    return Event(
        transition.event,
        project,
        old={field: getattr(standing, field) for field in changed},
        new=dict(changed),
        rule=f"lifecycle.{act}",
        reason=changed.get(f"{transition.dimension}_reason"),
        actor_class=actor_class(actor),
        hint=transition.hint,
    )
