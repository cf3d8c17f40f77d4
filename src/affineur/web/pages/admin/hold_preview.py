"""What holding something, or giving it back, will come to: for installers, for the public line, for who is told.

Nothing is changed here. What does not live here: the forms (`holding`), what a state means (`core.life.meaning`), and
what installers do (`core.life.consequences`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from affineur.actions import transition
from affineur.core.decision import Decision
from affineur.core.life import lifecycle, meaning
from affineur.core.life.consequences import Change, Seen, changes
from affineur.core.life.lifecycle import LIFTING, TRANSITIONS, Act, Place, Said
from affineur.core.life.meaning import Fact
from affineur.core.life.standing import Standing, coded, project_status
from affineur.core.moderation.cases import proposal
from affineur.core.security import lacks_proof
from affineur.core.versions import latest
from affineur.settings import Settings
from affineur.shell.mail.rendering import House, render
from affineur.shell.store import case_facts, cases, grants, projects
from affineur.shell.store.projects import ProjectRow
from affineur.web.session import Session

UNDONE_BY: dict[Act, str] = {
    "quarantine": "Clear: it gives everything back as it was.",
    "clear": "Quarantine: it is held again, in the same project's case.",
    "condemn": "Clear: what was found harmful by mistake is given back as it was.",
    "withhold": "Give back: everything is as it was.",
    "unwithhold": "Withhold: it is kept back again.",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act comes to. ``decision``: what would be said to it now; ``asks``: it asks a second moderator first.

    ``changes``: what whoever installs meets, before and after. ``line``: what everybody reads. ``letter``: the text
    that its people get, ``people`` of them; ``reporters``: how many accounts read a verdict.
    """

    decision: Decision
    asks: bool
    lacks_proof: bool
    what: str
    changes: tuple[Change, ...]
    line: str
    remains: tuple[Fact, ...]
    letter: str
    people: int
    reporters: int
    undone_by: str
    pauses: bool


def preview(
    connection: sa.Connection,
    settings: Settings,
    session: Session,
    act: Act,
    found: ProjectRow,
    place: Place,
    said: Said,
) -> Preview:
    """What ``act`` would come to at ``place``, of which the table has an edge."""
    case = cases.open_case(connection, found.id)
    number = case.number if case else f"{session.now:%Y}-…"  # a new one has its number once it is there
    said = lifecycle.meant(found.standing, act, place, replace(said, case=number))
    decision = transition.verdict(connection, session.actor, act, found, session.now, place, said)
    then = lifecycle.after(found.standing, act, said, session.now, place)
    crew = grants.crew(connection, found.id)
    return Preview(
        decision,
        decision.rule == "hold.second-moderator" and not decision.allowed and not _is_asked(case, act, place),
        lacks_proof(decision),
        lifecycle.named(found.name, place),
        _changes(connection, found, then, place),
        _line(then, act, place, said),
        _facts(then, place) if act in LIFTING else (),
        _letter(settings, session, act, found, place, said, then),
        crew.owners + crew.maintainers,
        case_facts.reporter_count(connection, case.id) if case and act in ("clear", "condemn", "unwithhold") else 0,
        UNDONE_BY[act],
        act == "quarantine" and place.level == "project",
    )


def _is_asked(case: cases.CaseRow | None, act: Act, place: Place) -> bool:
    return case is not None and case.proposed == proposal(act, place.version, place.filename)


def _facts(standing: Standing, place: Place) -> tuple[Fact, ...]:
    """Everything that is still to be known of ``place`` and of what it belongs to, the strongest first."""
    found = meaning.facts(standing)
    if place.version is not None:
        found = (*found, *meaning.facts_of_release(standing, place.version))
    if place.version is not None and place.filename is not None:
        found = (*found, *meaning.facts_of_file(standing, place.version, place.filename))
    return found


def _changes(connection: sa.Connection, found: ProjectRow, then: Standing, place: Place) -> tuple[Change, ...]:
    """What it changes for whoever installs or publishes, with the release as an example that it is about."""
    before = Seen(found.name, found.standing, projects.file_links(connection, found.id))
    example = place.version or latest((file.version, file.yanked) for file in before.files)
    return changes(before, replace(before, standing=then), (example,) if example else ())


def _line(then: Standing, act: Act, place: Place, said: Said) -> str:
    """The line that everybody reads of the project, or of the release or file."""
    if place.level == "project" or act in LIFTING:
        status = project_status(then)
        return f"{status.status}{f': {status.reason}' if status.reason else ''}"
    held = lifecycle.slot(then, TRANSITIONS[act].dimension, place, said.origin)
    why = coded(held.code, held.reason) if held else ""
    return f"{TRANSITIONS[act].target}{f': {why}' if why else ''}"


def _letter(
    settings: Settings, session: Session, act: Act, found: ProjectRow, place: Place, said: Said, then: Standing
) -> str:
    """The letter to the project's people: its subject, and its text."""
    values: dict[str, object] = {
        "project": found.display_name,
        "what": lifecycle.named(found.name, place),
        "at": session.now,
        "case": said.case,
    }
    template = "hold-lifted"
    if act not in LIFTING:
        held = lifecycle.slot(then, TRANSITIONS[act].dimension, place, said.origin)
        why = {"kind": held and held.kind, "code": held and held.code, "reason": held and held.reason}
        template, values = "held", {**values, **why, "evidence": said.evidence, "page": f"project/{found.name}/appeal/"}
    letter = render(template, values, House.of(settings), number=None, written_at=session.now)
    return f"{letter.subject}\n\n{letter.text}"
