"""Moderate: what moderators do in a case beside holding: take it, write in it, agree, dismiss it, trust reporters.

What does not live here: placing and lifting holds (`hold`), and answering appeals (`appeal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import INDEX, may
from affineur.core.decision import Refused, refuse
from affineur.core.life.lifecycle import Act, Place, Said
from affineur.core.moderation import cases as deadlines
from affineur.core.moderation import reports as numbers
from affineur.core.moderation.appeals import read_text
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import unknown
from affineur.core.permissions import Action
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, cases, emails, security
from affineur.shell.store.cases import CaseRow

from . import holding, permission

_DONE_ALREADY = ("quarantine", "clear")
"""What takes effect on one moderator's word, and is looked at by a second one after."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What agreeing came to. ``act``: what was agreed to, or None: that what is held stays held; ``closed``: whether
    the case is, now."""

    case: str
    act: str | None
    closed: bool


def take(index: Index, by: Caller, number: str) -> bool:
    """Take a case, so that others see who works on it; whether it was not one's own before.

    Nobody is kept from acting by that. `Refused` where there is no such case, it is closed, or the caller may not.
    """
    with index.store.write() as connection:
        case, _ = require(connection, by, number, "moderate")
        deadlines.is_open(case.closed_at, case.number).require()
        cases.take(connection, case.id, by.actor.account_id)
    return case.taken_by != by.actor.account_id


def give_back(index: Index, by: Caller, number: str) -> bool:
    """Let others take a case; whether somebody had it. `Refused` as for taking."""
    with index.store.write() as connection:
        case, _ = require(connection, by, number, "moderate")
        cases.take(connection, case.id, None)
    return case.taken_by is not None


def note(index: Index, by: Caller, number: str, text: str) -> int:
    """Write ``text`` in a case, for moderators only; the id of the note. Closed cases take notes, too.

    `Refused` by ``case.note``, where there is no such case, or the caller may not.
    """
    said = read_text(text)
    with index.store.write() as connection:
        case, _ = require(connection, by, number, "moderate")
        deadlines.fit_note(said).require()
        return cases.note(connection, case.id, by.actor.account_id, said, by.now)


def dismiss(index: Index, by: Caller, number: str, text: str) -> None:
    """Dismiss the reports of a case and close it: nothing was held, and nothing has to be.

    ``text`` is kept as a note: why. The reporters are told; it counts for their record. `Refused` where something of
    the case is on hold (``case.held``), it is closed, there is no text, or the caller may not.
    """
    said = read_text(text)
    with index.store.write() as connection:
        case, project = require(connection, by, number, "moderate")
        deadlines.is_open(case.closed_at, case.number).require()
        deadlines.may_dismiss(bool(cases.held(connection, case.id))).require()
        deadlines.fit_note(said).require()
        cases.note(connection, case.id, by.actor.account_id, said, by.now)
        holding.close(connection, by, case, project, "dismissed")


def confirm(index: Index, by: Caller, number: str) -> Confirmed:
    """Agree with what another moderator, or the index itself, did in a case.

    What waits for a second moderator takes effect; what one moderator did to a widely used project has been looked
    at; and what is held stays held until it is due again. `Refused` where the same moderator did it
    (``hold.second-moderator``), nothing is there to agree to (``case.nothing``), or the caller may not.
    """
    with index.store.write() as connection:
        case, project = require(connection, by, number, "hold")
        deadlines.is_open(case.closed_at, case.number).require()
        act, version, filename = deadlines.read_proposal(case.proposed or "")
        if act and act not in _DONE_ALREADY:
            place, name = Place(version, filename), NormalizedName(project)
            deadlines.may_agree(case.proposed_by, by.actor.account_id).require()
            # The word of the first is in the case; the second one's is carried out.
            holding.carry_out(connection, by, _act(act), name, place, Said(case=case.number))
        else:
            _agree(connection, by, case, project, act)
        then = cases.by_id(connection, case.id)
    pages.project(index, NormalizedName(project))
    return Confirmed(number, act or None, then.closed_at is not None)


def set_trusted(index: Index, by: Caller, account: str, trusted: bool) -> bool:
    """Begin, or cease, to trust the reports of ``account``; whether that changed anything.

    A trusted report can begin a hold together with one other; trust ends by itself where the record speaks against
    it (`core.moderation.reporters.is_trusted`). `Refused` where there is no such account, or the caller may not.
    """
    with index.store.write() as connection:
        may(by.actor, "trust-reporters", INDEX, by.now).require()
        found = accounts.find(connection, account)
        if found is None:
            raise Refused(unknown(account))
        if found.trusted_reporter == trusted:
            return False
        accounts.change(connection, found.id, trusted_reporter=trusted)
        event = "ReporterTrusted" if trusted else "ReporterUntrusted"
        security.append(connection, by, Happened(event, found.id, found.name))
    return True


def call_for_reviews(index: Index, now: datetime) -> int:
    """Call the moderators, by one letter, for cases that nobody looked at in time; how many cases.

    Once for each time that a case is due. For `chores`.
    """
    with index.store.read() as connection:
        if not cases.overdue(connection, now):
            return 0
    with index.store.write() as connection:
        late = cases.overdue(connection, now)
        named = [f"{number} ({project})" for _, number, project in late]
        values = {"cases": named, "at": now, "page": "admin/cases"}
        emails.tell_primary(connection, cases.moderators(connection), "reviews-overdue", values, now)
        cases.note_paged(connection, [each[0] for each in late], now)
    return len(late)


def require(connection: sa.Connection, by: Caller, number: str, action: Action) -> tuple[CaseRow, str]:
    """The case of that number and the name of its project, where ``by`` may do ``action`` to it; else `Refused`."""
    found = cases.find(connection, number.strip()) if numbers.parse_case_number(number) else None
    if found is None:
        may(by.actor, "see-moderation", INDEX, by.now).require()  # only to whom cases are shown is told of one
        refuse("case.exists", f"There is no case {number.strip()}.", "Look at the queue for its number.")
    project = cases.project_of(connection, found)
    permission.require(connection, by.actor, action, NormalizedName(project), by.now)
    return found, project


def _agree(connection: sa.Connection, by: Caller, case: CaseRow, project: str, act: str) -> None:
    held = cases.held(connection, case.id)
    if not act and not held:
        refuse(
            "case.nothing", f"Nothing of case {case.number} waits for a second look.", "Hold something, or dismiss it."
        )
    first = case.proposed_by if act else None
    deadlines.may_agree(first, by.actor.account_id).require()
    cases.settle_proposal(connection, case.id)
    if act == "clear" and not holding.is_undecided(connection, case):
        condemned = bool(held)
        holding.close(connection, by, case, project, case.verdict or ("upheld" if condemned else "dismissed"))
    else:
        cases.set_due(connection, case.id, by.now + deadlines.HELD_REVIEW)


def _act(word: str) -> Act:
    return "condemn" if word == "condemn" else "withhold"
