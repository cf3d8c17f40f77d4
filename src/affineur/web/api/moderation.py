"""The moderators' cases: the queue, one of them whole, and what is done in it; and whose reports are trusted.

What does not live here: placing and lifting holds (`holds`), looking into files (`examine`), and the acts
(`actions.moderate`, `actions.appeal`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import orjson
import sqlalchemy as sa

from affineur.actions import appeal as appealing
from affineur.actions import moderate as moderating
from affineur.core.decision import Refused, refuse
from affineur.core.life.standing import Hold
from affineur.core.moderation import reporters
from affineur.core.moderation.appeals import TEXT_LIMIT
from affineur.core.moderation.cases import NOTE_LIMIT
from affineur.core.moderation.reporters import Record
from affineur.core.moderation.reports import Kind, parse_case_number
from affineur.core.names import parse_name
from affineur.core.people.accounts import unknown
from affineur.shell.store import accounts, appeals, case_queue, cases, reports
from affineur.shell.store.case_queue import Queued, Wanted, Which
from affineur.shell.store.reports import ReportRow

from .holds import Appeal, shown_appeal
from .operation import Call, Input, Listing, Operation, Output

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=NOTE_LIMIT)]


class WhichCases(Input):
    """Which cases are asked for."""

    which: Which = "open"
    kind: Kind | None = None
    project: Annotated[str, msgspec.Meta(max_length=214)] | None = None

    def wanted(self, account_id: int | None) -> Wanted:
        """As the store is asked; ``account_id`` is who "mine" is. `Refused` for what is no name of a project."""
        return Wanted(self.which, self.kind, parse_name(self.project) if self.project else None, account_id)


class NoteRequest(Input):
    """What is to be written in a case."""

    text: Text


class AnswerRequest(Input):
    """The answer to an appeal, which is mailed. ``outcome``: whether the hold is lifted."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LIMIT)]
    outcome: Literal["lifted", "kept"]


class HoldShown(Output):
    """Something that is on hold."""

    state: str
    origin: str
    version: str | None
    filename: str | None
    code: str | None
    reason: str | None
    since: datetime | None


class Case(Output):
    """A case in the queue. ``score``: what its open reports weigh. ``appeals``: how many wait for an answer.

    ``proposed``: what waits for a second moderator, and whose word it was first.
    """

    number: str
    project: str
    project_since: datetime
    impact: str | None
    opened_at: datetime
    due_at: datetime | None
    taken_by: str | None
    kinds: list[str]
    reports: int
    score: float
    appeals: int
    held: list[HoldShown]
    proposed: str | None
    closed_at: datetime | None
    verdict: str | None


class ReportShown(Output):
    """A report, and what the record of its reporter makes of it."""

    id: int
    kind: str
    version: str | None
    summary: str
    evidence: list[str]
    extra: dict[str, Any]
    reporter: str | None
    weight: float
    trusted: bool
    at: datetime
    verdict: str | None


class Note(Output):
    """What a moderator wrote in a case; null: on the console, or an account that is gone."""

    id: int
    by: str | None
    at: datetime
    text: str


class WholeCase(Output):
    """A case with everything in it. ``earlier``: other cases about the project, newest first."""

    case: Case
    proposed_by: str | None
    reports: list[ReportShown]
    notes: list[Note]
    appeals: list[Appeal]
    earlier: list[str]


class Confirmed(Output):
    """What a second look came to. ``act``: null: what is held stays held."""

    case: str
    act: str | None
    closed: bool


class Reporter(Output):
    """An account as one that reports. Trusted it is only while its record does not speak against it."""

    account: str
    marked_trusted: bool
    trusted: bool
    upheld: int
    dismissed: int
    weight: float


def list_cases(call: Call) -> Listing:
    """By when they are due."""
    asked: WhichCases = call.query
    wanted = asked.wanted(call.actor.account_id)
    start, limit = call.page.after_number or 0, call.page.limit
    with call.index.store.read() as connection:
        found = case_queue.queue(connection, wanted, call.now, start=start, limit=limit + 1)
    return Listing([shown(each) for each in found[:limit]], str(start + limit) if len(found) > limit else None)


def get_case(call: Call) -> WholeCase:
    """One case, whole."""
    with call.index.store.read() as connection:
        return whole(connection, call.path["case"])


def whole(connection: sa.Connection, number: str) -> WholeCase:
    """Everything in the case of that number. `Refused` by ``report.case`` and ``case.exists``."""
    parse_case_number(number)
    found = case_queue.one(connection, number.strip())
    if found is None:
        refuse("case.exists", f"There is no case {number.strip()}.", "Look at the queue for its number.")
    case = found.case
    filed = reports.in_case(connection, case.id)
    records = reports.records(connection, {each.reporter_id for each in filed if each.reporter_id is not None})
    first = accounts.by_id(connection, case.proposed_by) if case.proposed_by else None
    return WholeCase(
        case=shown(found),
        proposed_by=first.name if first else None,
        reports=[_report(each, records.get(each.reporter_id or 0, reporters.NEWCOMER)) for each in filed],
        notes=[
            Note(id=each.id, by=each.author, at=each.at, text=each.text) for each in cases.notes(connection, case.id)
        ],
        appeals=[shown_appeal(each) for each in appeals.in_case(connection, case.id)],
        earlier=[each.number for each in cases.history(connection, case.project_id) if each.id != case.id],
    )


def take(call: Call) -> WholeCase:
    """Work on it."""
    moderating.take(call.index, call.caller, call.path["case"])
    return get_case(call)


def give_back(call: Call) -> WholeCase:
    """Let others."""
    moderating.give_back(call.index, call.caller, call.path["case"])
    return get_case(call)


def add_note(call: Call) -> WholeCase:
    """Write in it."""
    moderating.note(call.index, call.caller, call.path["case"], call.body.text)
    return get_case(call)


def dismiss(call: Call) -> WholeCase:
    """Close it: nothing has to be held."""
    moderating.dismiss(call.index, call.caller, call.path["case"], call.body.text)
    return get_case(call)


def confirm(call: Call) -> Confirmed:
    """Agree, as the second."""
    done = moderating.confirm(call.index, call.caller, call.path["case"])
    return Confirmed(case=done.case, act=done.act, closed=done.closed)


def answer_appeal(call: Call) -> Appeal:
    """Answer it."""
    number = call.path["appeal"]
    whole_number = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    asked: AnswerRequest = call.body
    done = appealing.answer(call.index, call.caller, whole_number, asked.text, lift=asked.outcome == "lifted")
    with call.index.store.read() as connection:
        found = appeals.find(connection, done.appeal)
    if found is None:
        raise RuntimeError("An appeal was answered and is not there.")
    return shown_appeal(found)


def get_reporter(call: Call) -> Reporter:
    """What somebody's reports are worth."""
    with call.index.store.read() as connection:
        return reporter(connection, call.path["account"])


def trust(call: Call) -> Reporter:
    """Begin to trust."""
    moderating.set_trusted(call.index, call.caller, call.path["account"], True)
    return get_reporter(call)


def distrust(call: Call) -> Reporter:
    """Cease to trust."""
    moderating.set_trusted(call.index, call.caller, call.path["account"], False)
    return get_reporter(call)


def reporter(connection: sa.Connection, name: str) -> Reporter:
    """The account of that name as one that reports; `Refused` where there is none."""
    found = accounts.find(connection, name)
    if found is None:
        raise Refused(unknown(name))
    record = reports.record(connection, found.id)
    return Reporter(
        account=found.name,
        marked_trusted=record.marked_trusted,
        trusted=reporters.is_trusted(record),
        upheld=record.upheld,
        dismissed=record.dismissed,
        weight=round(reporters.weight(record), 3),
    )


def shown(found: Queued) -> Case:
    """A case of the queue, as the API tells it."""
    case = found.case
    return Case(
        number=case.number,
        project=found.project,
        project_since=found.created_at,
        impact=found.impact,
        opened_at=case.opened_at,
        due_at=case.review_due_at,
        taken_by=found.taken_by,
        kinds=list(found.kinds),
        reports=len(found.reports),
        score=round(found.score, 3),
        appeals=found.appeals,
        held=[_held(each) for each in found.held],
        proposed=case.proposed,
        closed_at=case.closed_at,
        verdict=case.verdict,
    )


def _held(hold: Hold) -> HoldShown:
    return HoldShown(
        state=hold.kind,
        origin=hold.origin,
        version=hold.version,
        filename=hold.filename,
        code=hold.code,
        reason=hold.reason,
        since=hold.since,
    )


def _report(row: ReportRow, record: Record) -> ReportShown:
    return ReportShown(
        id=row.id,
        kind=row.kind,
        version=row.version,
        summary=row.summary,
        evidence=list(row.evidence),
        extra=orjson.loads(row.extra_json),
        reporter=row.reporter,
        weight=round(reporters.weight(record), 3) if row.reporter else 0.0,
        trusted=row.reporter is not None and reporters.is_trusted(record),
        at=row.at,
        verdict=row.verdict,
    )


_ONE, _REPORTER = "/cases/{case}", "/accounts/{account}/trusted-reporter"

OPERATIONS = (
    Operation(
        method="GET", path="/cases", name="listCases", tag="moderation",
        summary="The moderators' queue, by when each case is due.",
        handler=list_cases, query=WhichCases, answer=Case, paged=True, needs="see-moderation",
    ),
    Operation(
        method="GET", path=_ONE, name="getCase", tag="moderation",
        summary="A case: its reports, notes, appeals, and what is on hold.",
        handler=get_case, answer=WholeCase, needs="see-moderation",
    ),
    Operation(
        method="PUT", path=f"{_ONE}/taken", name="takeCase", tag="moderation",
        summary="Take a case, so that others see who works on it.",
        handler=take, answer=WholeCase, needs="moderate",
    ),
    Operation(
        method="DELETE", path=f"{_ONE}/taken", name="giveCaseBack", tag="moderation",
        summary="Let others take a case.", handler=give_back, answer=WholeCase, needs="moderate",
    ),
    Operation(
        method="POST", path=f"{_ONE}/notes", name="noteInCase", tag="moderation",
        summary="Write in a case, for moderators only.",
        handler=add_note, body=NoteRequest, answer=WholeCase, needs="moderate",
    ),
    Operation(
        method="POST", path=f"{_ONE}/dismiss", name="dismissCase", tag="moderation",
        summary="Dismiss the reports of a case and close it: nothing was held, and nothing has to be.",
        handler=dismiss, body=NoteRequest, answer=WholeCase, needs="moderate",
    ),
    Operation(
        method="POST", path=f"{_ONE}/confirm", name="confirmCase", tag="moderation",
        summary="Agree with what another moderator, or the index itself, did: the second look.",
        handler=confirm, answer=Confirmed, needs="hold",
    ),
    Operation(
        method="POST", path="/appeals/{appeal}/answer", name="answerAppeal", tag="moderation",
        summary="Answer an appeal, and lift what it is against or not.",
        handler=answer_appeal, body=AnswerRequest, answer=Appeal, needs="hold",
    ),
    Operation(
        method="GET", path=_REPORTER, name="getReporter", tag="moderation",
        summary="What the reports of an account weigh, and why.",
        handler=get_reporter, answer=Reporter, needs="see-moderation",
    ),
    Operation(
        method="PUT", path=_REPORTER, name="trustReporter", tag="moderation",
        summary="Trust the reports of an account.", handler=trust, answer=Reporter, needs="trust-reporters",
    ),
    Operation(
        method="DELETE", path=_REPORTER, name="distrustReporter", tag="moderation",
        summary="Cease to trust the reports of an account.",
        handler=distrust, answer=Reporter, needs="trust-reporters",
    ),
)  # fmt: skip
