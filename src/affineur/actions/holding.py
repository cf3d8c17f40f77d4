"""Holding: how something is put on hold, or given back, inside a transaction. Not an act itself.

Moderators do it by hand, the index because of reports, an answer to an appeal by lifting: the same steps each time.
Everything that is held belongs to a case, which people can name when they ask or appeal. What does not live here:
what a second moderator is needed for (`core.moderation.cases`), and showing the result (`projections.pages`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from affineur.core.decision import Refused, refuse
from affineur.core.life import guards, lifecycle
from affineur.core.life.lifecycle import LIFTING, NOTHING_SAID, TRANSITIONS, WHOLE, Act, Place, Said
from affineur.core.life.standing import coded
from affineur.core.moderation import cases as deadlines
from affineur.core.moderation.appeals import read_text
from affineur.core.moderation.reporters import Outcome as Verdict
from affineur.core.names import NormalizedName
from affineur.core.security import Caller
from affineur.shell.store import appeals, cases, emails, grants, projects
from affineur.shell.store.cases import CaseRow
from affineur.shell.store.projects import ProjectRow

from . import transition
from .transition import Moved

_LIFTED = "The hold was lifted before your appeal was answered."


@dataclass(frozen=True, slots=True)
class Held:
    """What came of it. ``waits``: a first moderator's word is noted, and nothing happens before a second one's."""

    moved: Moved
    case: str | None
    waits: bool = False


def carry_out(
    connection: sa.Connection,
    by: Caller,
    act: Act,
    project: NormalizedName,
    place: Place = WHOLE,
    said: Said = NOTHING_SAID,
    verdict: Verdict | None = None,
) -> Held:
    """Carry out ``act`` (of `lifecycle.HOLDING`): permission, edge, guards, rows, journal, case, letters.

    ``verdict`` is that on the reports of the case, where this ends it; unless said, they were right where something
    was condemned or given back after it was withheld, and wrong where a quarantine is cleared. `Refused` as
    `actions.hold.hold`. The caller projects the page after the transaction.
    """
    place = _whole_place(connection, project, place)
    found = transition.begin(connection, by.actor, act, project, by.now, place, said)
    said = replace(lifecycle.meant(found.standing, act, place, said), evidence=_shown(by, said))
    case = _case(connection, by, act, found, place, said)
    said = replace(said, case=case.number if case else None)
    if case is not None:
        case = _without_stale_proposal(connection, case)
    try:
        moved = transition.carry_out(connection, by.actor, act, found, by.now, said, place, case, by.origin)
    except Refused as refused:
        proposed = deadlines.proposal(act, place.version, place.filename)
        if case is None or refused.decision.rule != "hold.second-moderator" or case.proposed == proposed:
            raise
        cases.propose(connection, case.id, proposed, by.actor.account_id, by.now)
        why = f": {coded(said.code, said.reason)}" if said.reason or said.code else "."
        words = f"Asks to {act} {lifecycle.named(project, place)}{why}"
        cases.note(connection, case.id, by.actor.account_id, words, by.now)
        return Held(Moved(found, found.standing, changed=False), case.number, waits=True)
    if moved.changed:
        if case is not None and said.evidence:
            cases.note(connection, case.id, by.actor.account_id, said.evidence, by.now, shown=True)
        if case is not None:
            _settle(connection, by, act, moved, place, case, verdict)
        _tell(connection, by, act, moved, place, said)
    return Held(moved, said.case)


def tell_moderators(connection: sa.Connection, template: str, values: dict[str, object], by: Caller) -> int:
    """A letter to everybody who looks into cases, but whoever acts; how many."""
    readers = [each for each in cases.moderators(connection) if each != by.actor.account_id]
    return emails.tell_primary(connection, readers, template, values, by.now)


def close(connection: sa.Connection, by: Caller, case: CaseRow, project: str, verdict: Verdict) -> None:
    """Close a case, and tell those of its reporters for whom the verdict is news."""
    told = cases.close(connection, case.id, verdict, by.now)
    values = {"project": project, "case": case.number, "verdict": verdict, "at": by.now, "page": "account/reports"}
    emails.tell_primary(connection, told, "report-decided", values, by.now)


def is_undecided(connection: sa.Connection, case: CaseRow) -> bool:
    """Whether something of the case is on hold for which nobody has decided yet what becomes of it."""
    return any(hold.kind != "condemned" for hold in cases.held(connection, case.id))


def _shown(by: Caller, said: Said) -> str | None:
    """The evidence that the project's people are shown; of owners, who would show it to themselves, none is kept.

    In a case it would count as what moderators wrote.
    """
    if not said.evidence or not guards.is_office(by.actor):
        return None
    text = read_text(said.evidence)
    deadlines.fit_note(text).require()
    return text


def _whole_place(connection: sa.Connection, project: NormalizedName, place: Place) -> Place:
    """``place``, with the release of a file that was named alone."""
    if place.filename is None or place.version is not None:
        return place
    found = projects.find(connection, project)
    version = projects.version_of(connection, found.id, place.filename) if found else None
    if found is not None and version is None:
        refuse("project.place", f"Project '{project}' has no file '{place.filename}'.", "Check the file name.")
    return replace(place, version=version)


def _case(
    connection: sa.Connection, by: Caller, act: Act, found: ProjectRow, place: Place, said: Said
) -> CaseRow | None:
    """The case that the hold belongs to: that of the hold itself, or the project's open one, or a new one.

    Owners have cases of their own.
    """
    held = lifecycle.slot(found.standing, TRANSITIONS[act].dimension, place, said.origin)
    if held is not None and held.case is not None:
        return cases.find(connection, held.case)
    if act in LIFTING or said.origin == "upstream":
        return None
    due_at = deadlines.moderators_review_due(act, place.level, found.standing.impact, by.now)
    present = cases.open_case(connection, found.id)
    if present is None or not (guards.is_office(by.actor) or cases.is_of_owners_alone(connection, present.id)):
        # By its number owners would learn that somebody reported their project, and by its page what.
        return cases.begin(connection, found.id, by.now, due_at)
    cases.bring_forward(connection, present, due_at)
    return present


def _without_stale_proposal(connection: sa.Connection, case: CaseRow) -> CaseRow:
    """``case``, whose proposal counts only while whoever made it looks into cases: not frozen, not gone."""
    if case.proposed is None or case.proposed_by in cases.moderators(connection):
        return case
    return replace(case, proposed=None, proposed_by=None, proposed_at=None)


def _settle(
    connection: sa.Connection,
    by: Caller,
    act: Act,
    moved: Moved,
    place: Place,
    case: CaseRow,
    verdict: Verdict | None,
) -> None:
    """What follows for the case: a verdict that closes it, once nothing of it waits for one; or a second look."""
    if act in LIFTING and not cases.held(connection, case.id):
        _answer_appeals(connection, by, moved, case)
    impact = moved.before.impact
    second = None
    if act == "quarantine" or act == "clear":
        second = deadlines.second_review_due(act, place.level, impact, by.now)
    if second is not None and _somebody_else(connection, by):
        cases.bring_forward(connection, case, second)
        cases.propose(connection, case.id, act, by.actor.account_id, by.now)
        if verdict is not None:
            cases.intend(connection, case.id, verdict)
        return
    if act == "condemn":
        cases.settle_proposal(connection, case.id)
    if act in ("quarantine", "withhold") or is_undecided(connection, case):
        return
    # What others said or did in a case is not decided by owners who give back what they withheld themselves.
    if not guards.is_office(by.actor) and not cases.is_of_owners_alone(connection, case.id):
        return
    condemned = bool(cases.held(connection, case.id))
    right: Verdict = "upheld" if condemned or act == "unwithhold" else "dismissed"
    close(connection, by, case, moved.project.display_name, verdict or right)


def _answer_appeals(connection: sa.Connection, by: Caller, moved: Moved, case: CaseRow) -> None:
    """Whoever appealed, and was not answered yet, learns that there is nothing to appeal against any more."""
    told = appeals.settle_open(connection, case.id, _LIFTED, "lifted", by.actor.account_id, by.now)
    found = moved.project
    values = {
        "project": found.display_name,
        "case": case.number,
        "outcome": "lifted",
        "text": _LIFTED,
        "at": by.now,
        "page": f"project/{found.name}/appeal/",
    }
    emails.tell_primary(connection, told, "appeal-answered", values, by.now)


def _somebody_else(connection: sa.Connection, by: Caller) -> bool:
    """Whether anybody is there to give a second look; the index's own holds have a review of their own."""
    return not by.actor.unattended and any(each != by.actor.account_id for each in cases.moderators(connection))


def _tell(connection: sa.Connection, by: Caller, act: Act, moved: Moved, place: Place, said: Said) -> None:
    """The letter to the owners: what happened, why, and how to object."""
    found = moved.project
    values = {
        "project": found.display_name,
        "what": lifecycle.named(found.name, place),
        "at": by.now,
        "case": said.case,
    }
    if act in LIFTING:
        grants.tell_people(connection, found.id, "hold-lifted", values, by.now, everywhere=True)
        return
    held = lifecycle.slot(found.standing, TRANSITIONS[act].dimension, place, said.origin)
    values |= {
        "kind": held and held.kind,
        "code": held and held.code,
        "reason": held and held.reason,
        "evidence": said.evidence,
        "page": f"project/{found.name}/appeal/",
    }
    grants.tell_people(connection, found.id, "held", values, by.now, everywhere=True)
