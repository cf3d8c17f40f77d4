"""The ladder's notices: when somebody without a second factor is told, and of what.

Both follow from the policy itself (`second_factor` for the days, `access.ACTIONS` for what pauses), so that a mail
can never say what is not enforced. What does not live here: who is on the ladder, and sending (`actions.ladder`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..permissions import ACTIONS, FACTOR_FIRST, Action, Office
from .second_factor import MANAGEMENT_WAITS, NOTICE_DAYS, PUBLISHING_WAITS, days_left

Pause = Literal["manage", "publish"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is due. ``rung`` numbers it: whole days until the *last* pause, so that it only ever falls."""

    rung: int
    pauses: Pause
    days_left: int
    on: datetime


def notice_due(ladder_from: datetime, noticed: int | None, now: datetime) -> Notice | None:
    """The notice to be sent at ``now`` to somebody on the ladder since ``ladder_from``.

    ``noticed`` is the rung of the last one. Of several that were missed, while nothing ran, only the newest is sent.
    None where there is none, or everything is paused already.
    """
    left = days_left(ladder_from, now)
    if left is None:
        return None
    pauses, days = left
    reached = [each for each in NOTICE_DAYS if days <= each]
    between = (PUBLISHING_WAITS - MANAGEMENT_WAITS).days if pauses == "manage" else 0
    if not reached or (noticed is not None and noticed <= min(reached) + between):
        return None
    waits = MANAGEMENT_WAITS if pauses == "manage" else PUBLISHING_WAITS
    return Notice(min(reached) + between, pauses, days, ladder_from + waits)


def paused_by(pauses: Pause) -> tuple[str, ...]:
    """What pauses with ``pauses``, each as people say it: "Yank files of a project"."""
    return tuple(
        _said(action) for action, need in ACTIONS.items() if need.ladder == pauses and action not in FACTOR_FIRST
    )


def untouched_by(pauses: Pause) -> tuple[str, ...]:
    """What goes on when ``pauses`` begins: what no ladder stands before, and what only a later pause takes."""
    later = {"manage": ("publish",), "publish": ()}[pauses]
    return tuple(
        _said(action)
        for action, need in ACTIONS.items()
        if action not in FACTOR_FIRST and (need.ladder is None or need.ladder in later) and _is_for_people(action)
    )


def needed_already(office: Office | None) -> tuple[str, ...]:
    """What takes a second factor today, ladder or not, of somebody who holds ``office``."""
    return tuple(
        _said(action)
        for action, need in ACTIONS.items()
        if action in FACTOR_FIRST
        and (not need.offices or need.sponsors or action == "create" or office in need.offices)
    )


def _is_for_people(action: Action) -> bool:
    """Whether somebody may do it by a role, or to their own account: offices are not what a letter is about."""
    need = ACTIONS[action]
    return bool(need.roles) or need.on == "own account" or need.anybody


_WHAT = {"project": "a project", "own account": "account", "machine": "a machine", "index": "the index"}


def _said(action: Action) -> str:
    need = ACTIONS[action]
    said = f"{need.verb} {_WHAT[need.on]}".replace(" this account", " your account")
    return said[:1].upper() + said[1:]
