"""Appeal: people with a role on a project object to a hold, and moderators answer.

Whoever placed the hold does not answer where there is another moderator. Lifting goes the way of every lifting.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from affineur.core.access import INDEX, may
from affineur.core.decision import refuse
from affineur.core.life.lifecycle import Place, Said, lifting
from affineur.core.life.standing import Hold
from affineur.core.moderation import appeals as rules
from affineur.core.moderation import cases as deadlines
from affineur.core.moderation import reports as numbers
from affineur.core.moderation.appeals import Outcome
from affineur.core.names import NormalizedName
from affineur.core.security import Caller
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import appeals, cases, emails, projects
from affineur.shell.store.appeals import AppealRow
from affineur.shell.store.cases import CaseRow
from affineur.shell.store.projects import ProjectRow

from . import holding, permission


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to an appeal: in which case, and what became of the hold."""

    appeal: int
    case: str
    project: NormalizedName
    outcome: Outcome


def appeal(index: Index, by: Caller, project: NormalizedName, text: str, number: str | None = None) -> AppealRow:
    """Object to what is held of ``project``; the appeal. Moderators are told, and have to answer in time.

    ``number``: the case, where several hold something; unless told, that of the gravest hold. `Refused` where the
    caller has no role on the project, there is no such case of it (``case.exists``), nothing is held any more
    (``appeal.nothing``), one waits for its answer (``appeal.open``), or there were too many (``appeal.most``).
    """
    said = rules.read_text(text)
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "appeal", project, by.now)
        case = _case(connection, found, number)
        rules.fit_text(said).require()
        filed = [each.fact for each in appeals.in_case(connection, case.id)]
        rules.may_file(by.actor.account_id, filed, held=bool(cases.held(connection, case.id))).require()
        made = appeals.file_appeal(connection, case.id, by.actor.account_id, said, by.now)
        cases.reopen(connection, case, by.now + deadlines.APPEAL_REVIEW)
        values = {
            "project": found.display_name, "case": case.number, "by": by.actor.name or "The console", "text": said,
            "at": by.now, "page": f"admin/cases/{case.number}",
        }  # fmt: skip
        holding.tell_moderators(connection, "appeal-filed", values, by)
        return _made(connection, made)


def answer(index: Index, by: Caller, appeal_id: int, text: str, *, lift: bool) -> Answered:
    """Answer an appeal with ``text``, which is mailed; ``lift``: and lift everything that is held in its case.

    `Refused` where there is no such appeal, the caller may not, it is answered (``appeal.answered``), or the hold is
    by their own decision and another moderator is there (``appeal.own-decision``).
    """
    said = rules.read_text(text)
    outcome: Outcome = "lifted" if lift else "kept"
    with index.store.write() as connection:
        asked = appeals.find(connection, appeal_id)
        if asked is None:
            may(by.actor, "see-moderation", INDEX, by.now).require()  # only to whom cases are shown is told of one
            refuse("appeal.exists", "There is no such appeal.", "Look at its case.")
        name = NormalizedName(asked.project)
        permission.require(connection, by.actor, "hold", name, by.now)
        case = cases.by_id(connection, asked.case_id)
        _may_answer(connection, by, asked, case)
        rules.fit_text(said).require()
        appeals.settle(connection, asked.id, said, outcome, by.actor.account_id, by.now)
        for one in cases.held(connection, case.id) if lift else ():
            _lift(connection, by, name, one)
        if not lift:
            _go_on(connection, by, case)
        _tell(connection, by, asked, outcome, said)
    pages.project(index, name)
    return Answered(asked.id, asked.case_number, name, outcome)


def _case(connection: sa.Connection, found: ProjectRow, number: str | None) -> CaseRow:
    """The case that is meant, of this project and with a hold ever: of others its people know nothing."""
    if number is None:
        hold = found.standing.hold or next((one for one in found.standing.holds if one.case), None)
        number = hold.case if hold else None
    case = cases.find(connection, number.strip()) if number else None
    if number is not None:
        numbers.parse_case_number(number)
    if case is None or case.project_id != found.id or not cases.ever_held(connection, case.id):
        if number is None:
            rules.may_file(None, (), held=False).require()
        refuse("case.exists", "There is no such case.", "Its number is in the mail about the hold.")
    return case


def _made(connection: sa.Connection, appeal_id: int) -> AppealRow:
    found = appeals.find(connection, appeal_id)
    if found is None:
        raise RuntimeError("An appeal was kept and is not there.")
    return found


def _may_answer(connection: sa.Connection, by: Caller, asked: AppealRow, case: CaseRow) -> None:
    decided = cases.deciders(connection, case, asked.project) | {asked.account_id}
    others = [each for each in cases.moderators(connection) if each not in decided | {by.actor.account_id}]
    mine = by.actor.account_id is not None and by.actor.account_id in decided
    rules.may_answer(asked.answered_at, decided=mine, others=len(others)).require()


def _lift(connection: sa.Connection, by: Caller, name: NormalizedName, one: Hold) -> None:
    place, said = Place(one.version, one.filename), Said(origin=one.origin)
    holding.carry_out(connection, by, lifting(one.kind), name, place, said)


def _go_on(connection: sa.Connection, by: Caller, case: CaseRow) -> None:
    """The hold stays: a case that the appeal had opened again is closed as before, any other one goes on."""
    waits = appeals.unanswered(connection, [case.id])
    if case.verdict is not None and not waits and not holding.is_undecided(connection, case):
        cases.close(connection, case.id, case.verdict, by.now)


def _tell(connection: sa.Connection, by: Caller, asked: AppealRow, outcome: Outcome, said: str) -> None:
    if asked.account_id is None:
        return
    found = projects.find(connection, asked.project)
    values = {
        "project": found.display_name if found else asked.project,
        "case": asked.case_number,
        "outcome": outcome,
        "text": said,
        "at": by.now,
        "page": f"project/{asked.project}/appeal/",
    }
    emails.tell_primary(connection, [asked.account_id], "appeal-answered", values, by.now)
