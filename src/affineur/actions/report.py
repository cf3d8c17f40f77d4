"""Report: somebody tells the moderators that something is wrong with a project.

What the index may do by itself because of it is decided by `core.moderation.corroboration`; it is done in the same
transaction, and moderators are called by mail. Nothing of a report is public.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from affineur.core.access import UNATTENDED
from affineur.core.life.lifecycle import WHOLE, Place, Said
from affineur.core.life.standing import Standing, permits
from affineur.core.moderation import cases as deadlines
from affineur.core.moderation import corroboration, reporters
from affineur.core.moderation import reports as rules
from affineur.core.moderation.corroboration import Facts, Verdict
from affineur.core.moderation.reports import Report
from affineur.core.security import Caller, Origin
from affineur.core.versions import CanonicalVersion
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, attempts, cases, projects, reports
from affineur.shell.store.cases import CaseRow
from affineur.shell.store.projects import ProjectRow

from . import holding, permission

NETWORK_KEY = "report-network"
"""The name of the key by which networks of reporters are digested; kept in the database, like others that all share."""
SAID_OF_A_HOLD = "Reported as malware by several; held until a moderator has looked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a report: the number of its case, whether the same account said the same before and is not
    answered yet (then nothing was added), and whether the index put anything on hold because of it."""

    case: str
    duplicate: bool
    held: bool


def report(index: Index, by: Caller, said: Report) -> Outcome:
    """Take in ``said`` from ``by``; the console reports, too, and has no vote.

    `Refused` where there is no such project or release, the caller may not, or reported too often
    (``throttle.report``). From where they report is told by ``by.origin``.
    """
    _admit(index, by, said)
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "report", said.project, by.now)
        account_id = by.actor.account_id
        if account_id is not None:
            mine = reports.own_undecided(connection, found.id, account_id)
            before = rules.duplicate_of(said, account_id, mine)
            if before is not None:
                return Outcome(reports.case_of(connection, before.id), duplicate=True, held=False)
        case = _case(connection, by, said, found)
        network = _network(connection, by)
        reports.file_report(connection, found.id, case.id, said, account_id, network, by.now)
        verdict = _consider(connection, by, case, found)
    if verdict.hold != "none":
        pages.project(index, said.project)
    return Outcome(case.number, duplicate=False, held=verdict.hold != "none")


def _admit(index: Index, by: Caller, said: Report) -> None:
    """`Refused` where the caller may not, names what is not there, or reported too often. Counts the attempt."""
    with index.store.read() as connection:
        found = permission.require(connection, by.actor, "report", said.project, by.now)
        if said.version is not None:
            projects.require_place(connection, found, said.version, None)
        account_id = by.actor.account_id
        if account_id is None:
            return
        limits = reporters.limits(reports.record(connection, account_id))
    attempts.take(index.store, attempts.limits(limits, "account", str(account_id)), by.now).require()


def _case(connection: sa.Connection, by: Caller, said: Report, found: ProjectRow) -> CaseRow:
    """The project's open case, due when this report is, or a new one."""
    due_at = deadlines.report_due(said.kind, by.now)
    present = cases.open_case(connection, found.id)
    if present is None:
        return cases.begin(connection, found.id, by.now, due_at)
    cases.bring_forward(connection, present, due_at)
    return present


def _network(connection: sa.Connection, by: Caller) -> str | None:
    if not by.origin.peer:
        return None
    return rules.hashed_network(by.origin.peer, accounts.shared_secret(connection, NETWORK_KEY))


def _consider(connection: sa.Connection, by: Caller, case: CaseRow, found: ProjectRow) -> Verdict:
    """What all open reports on the project come to: its place in the queue, and maybe a hold."""
    filed = reports.undecided(connection, [found.id])[found.id]
    facts = reports.facts(connection, found.id, filed, _known(found.standing, by))
    if corroboration.in_review(filed, facts.records):
        cases.bring_forward(connection, case, by.now + deadlines.HOLD_REVIEW)
    verdict = corroboration.automatic(facts)
    itself = Caller(
        UNATTENDED, by.now, Origin()
    )  # not the reporter's: owners read where their project was changed from
    if verdict.hold != "none":
        for place in [WHOLE] if verdict.hold == "project" else [Place(each) for each in verdict.releases]:
            said = Said(SAID_OF_A_HOLD, "malware")
            holding.carry_out(connection, itself, "quarantine", found.name, place, said)
    if verdict.review_due_at is not None:
        cases.bring_forward(connection, case, verdict.review_due_at)
    if verdict.page and (verdict.hold != "none" or case.paged_at is None):
        _call(connection, itself, case, found, verdict)
    return verdict


def _known(standing: Standing, by: Caller) -> Facts:
    """What is withheld counts as on offer: its owners could do that while reports come in, and give it back."""
    held = frozenset(
        CanonicalVersion(one.version)
        for one in standing.holds
        if one.version and one.level == "release" and one.kind != "withheld"
    )
    return Facts(by.now, None, {}, (), impact=standing.impact, held=not permits(standing).offer, held_releases=held)


def _call(connection: sa.Connection, by: Caller, case: CaseRow, found: ProjectRow, verdict: Verdict) -> None:
    """Moderators are called: once for a case, and for each hold that begins without them."""
    done = {"none": "nothing", "project": "it holds the whole project", "releases": ""}[verdict.hold]
    values = {
        "project": found.display_name,
        "case": case.number,
        "what": done or f"it holds {', '.join(verdict.releases)}",
        "why": verdict.decision.reason,
        "at": by.now,
        "page": f"admin/cases/{case.number}",
    }
    holding.tell_moderators(connection, "report-urgent", dict(values), by)
    cases.note_paged(connection, [case.id], by.now)
