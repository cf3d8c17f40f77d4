"""Quarantine, clear, condemn, withhold, restore: something is kept off offer for now, or given back.

The order is given before the answer: when this returns, neither page nor file nor any range of it is served here any
more. Everything that is held belongs to a case, which people can name when they ask or appeal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from affineur.core import cases as deadlines
from affineur.core import lifecycle
from affineur.core.decision import Refused
from affineur.core.lifecycle import NOTHING_SAID, TRANSITIONS, WHOLE, Act, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import Caller
from affineur.core.standing import ProjectStatus, Standing, project_status
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import cases, grants
from affineur.shell.store.projects import ProjectRow

from . import transition


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world is told of the project now, and by which case.

    ``waits``: a first moderator's word is noted, and nothing happens before a second one's.
    """

    project: NormalizedName
    status: ProjectStatus
    standing: Standing
    changed: bool
    case: str | None
    waits: bool = False


def hold(
    index: Index, by: Caller, act: Act, project: NormalizedName, place: Place = WHOLE, said: Said = NOTHING_SAID
) -> Outcome:
    """Carry out ``act`` (of `lifecycle.HOLDING`) on what ``place`` names of ``project``.

    `Refused` where project or place do not exist, the caller may not, the table has no such edge from here, or a
    guard objects. Of a hold that only our upstream placed, lifting lifts that. Owners get a letter.
    """
    with index.store.write() as connection:
        found = transition.begin(connection, by.actor, act, project, by.now, place, said)
        said = lifecycle.meant(found.standing, act, place, said)
        case = _case(connection, by, act, found, place, said)
        said = replace(said, case=case.number if case else None)
        try:
            moved = transition.carry_out(connection, by.actor, act, found, by.now, said, place, case)
        except Refused as refused:
            if case is None or refused.decision.rule != "hold.second-moderator" or case.proposed == act:
                raise
            cases.propose(connection, case.id, act, by.actor.account_id, by.now)
            return Outcome(project, project_status(found.standing), found.standing, False, case.number, waits=True)
        if moved.changed:
            _settle(connection, by, act, moved, place, case)
            _tell(connection, by, act, moved, place, said)
    pages.project(index, project)
    standing = moved.project.standing
    return Outcome(project, project_status(standing), standing, moved.changed, said.case)


def _case(
    connection: sa.Connection, by: Caller, act: Act, found: ProjectRow, place: Place, said: Said
) -> cases.CaseRow | None:
    """The case that the hold belongs to: that of the hold itself, or the project's open one, or a new one."""
    held = lifecycle.slot(found.standing, TRANSITIONS[act].dimension, place, said.origin)
    if held is not None and held.case is not None:
        return cases.find(connection, held.case)
    if act in ("clear", "restore") or said.origin == "upstream":
        return None
    due_at = deadlines.moderators_review_due(act, place.level, found.standing.impact, by.now)
    present = cases.open_case(connection, found.id)
    if present is None:
        return cases.begin(connection, found.id, by.now, due_at)
    cases.bring_forward(connection, present, due_at)
    return present


def _settle(
    connection: sa.Connection, by: Caller, act: Act, moved: transition.Moved, place: Place, case: cases.CaseRow | None
) -> None:
    """What follows for the case: a verdict that closes it, once nothing of it is held any more; or a second look."""
    if case is None:
        return
    if act == "condemn":
        cases.close(connection, case.id, "upheld", by.now)
    elif act in ("clear", "restore") and not cases.holds_anything(connection, case.id):
        second = deadlines.second_review_due("clear", place.level, moved.before.impact, by.now)
        if act == "clear" and second is not None:
            cases.bring_forward(connection, case, second)
        else:
            cases.close(connection, case.id, "dismissed" if act == "clear" else "upheld", by.now)


def _tell(connection: sa.Connection, by: Caller, act: Act, moved: transition.Moved, place: Place, said: Said) -> None:
    """The letter to the owners: what happened, why, and how to object."""
    found = moved.project
    values = {
        "project": found.display_name,
        "what": lifecycle.named(found.name, place),
        "at": by.now,
        "case": said.case,
    }
    if act in ("clear", "restore"):
        grants.tell_people(connection, found.id, "hold-lifted", values, by.now, everywhere=True)
        return
    held = lifecycle.slot(found.standing, TRANSITIONS[act].dimension, place, said.origin)
    why = {"kind": held and held.kind, "code": held and held.code, "reason": held and held.reason}
    page = f"project/{found.name}/appeal/"
    grants.tell_people(connection, found.id, "held", {**values, **why, "page": page}, by.now, everywhere=True)
