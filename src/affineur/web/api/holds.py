"""Holds: report a project, keep something of it off offer, give it back, and object.

What does not live here: the moderators' cases behind it (`moderation`), and the acts (`actions.hold`,
`actions.report`, `actions.appeal`).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from affineur.actions import appeal as appealing
from affineur.actions import permission
from affineur.actions import report as reporting
from affineur.actions.hold import Outcome, hold
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import LIFTING, Act, Place, Said
from affineur.core.life.standing import Status, statuses
from affineur.core.moderation import appeals as appeal_rules
from affineur.core.moderation import reports
from affineur.core.names import NormalizedName, parse_name
from affineur.core.permissions import Action
from affineur.core.versions import canonical, parse_version
from affineur.shell.store import appeals
from affineur.shell.store import reports as stored
from affineur.shell.store.appeals import AppealRow
from affineur.shell.store.reports import ReportRow

from .operation import Call, Input, Listing, Made, Operation, Output
from .said import File, Reason, Version

Code = Annotated[str, msgspec.Meta(max_length=40, description=f"Why, in one word: {', '.join(lifecycle.HOLD_CODES)}.")]
CaseNumber = Annotated[str, msgspec.Meta(max_length=40, description="The number of a case, such as 2026-0042.")]


EvidenceShown = Annotated[
    str,
    msgspec.Meta(
        max_length=reports.SUMMARY_LIMIT,
        description="What the project's people are shown beyond the reason; nobody else reads it but moderators.",
    ),
]


class Held(Input):
    """What of the project: all of it, a release, or a file; and why, in words that everybody may read."""

    version: Version | None = None
    file: File | None = None
    reason: Reason | None = None
    code: Code | None = None
    evidence: EvidenceShown | None = None


class Lifted(Input):
    """What is to be given back. ``verdict``: whether the reports on it were right, where that ends the case."""

    version: Version | None = None
    file: File | None = None
    verdict: Literal["upheld", "dismissed"] | None = None


class HoldNow(Output):
    """What the world is told of the project now. ``waits``: for a second moderator; nothing happened yet."""

    project: str
    status: Status
    reason: str | None
    statuses: list[str]
    changed: bool
    case: str | None
    waits: bool


class ReportRequest(Input):
    """What is wrong with a project. The summary is plain text; evidence is links."""

    kind: Annotated[str, msgspec.Meta(max_length=40, description=f"One of {', '.join(reports.KINDS)}.")]
    summary: Annotated[str, msgspec.Meta(max_length=reports.SUMMARY_LIMIT)]
    version: Version | None = None
    evidence: Annotated[list[str], msgspec.Meta(max_length=reports.EVIDENCE_LIMIT)] = msgspec.field(
        default_factory=list
    )
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class Reported(Output):
    """What became of a report: its case, whether it was said before, and whether anything is held because of it."""

    case: str
    duplicate: bool
    held: bool


class OwnReport(Output):
    """A report of one's own, and its verdict once there is one."""

    id: int
    case: str
    project: str
    kind: str
    version: str | None
    summary: str
    at: datetime
    verdict: str | None
    decided_at: datetime | None


class AppealRequest(Input):
    """Why a hold is wrong. ``case``: where several hold something of the project."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=appeal_rules.TEXT_LIMIT)]
    case: CaseNumber | None = None


class Appeal(Output):
    """An appeal, and its answer once there is one. ``by``: null where the account is gone."""

    id: int
    case: str
    project: str
    by: str | None
    text: str
    at: datetime
    outcome: str | None
    answer: str | None
    answered_at: datetime | None


def change_hold(call: Call, *, act: Act) -> HoldNow:
    """Carry out ``act`` on what the body names of the project of the path."""
    asked: Held | Lifted = call.body
    said = Said(asked.reason, asked.code, evidence=asked.evidence) if isinstance(asked, Held) else Said()
    verdict = asked.verdict if isinstance(asked, Lifted) else None
    return held(hold(call.index, call.caller, act, _project(call), place(asked.version, asked.file), said, verdict))


def report_project(call: Call) -> Reported:
    """Take the body in as a report."""
    asked: ReportRequest = call.body
    said = reports.read_report(
        asked.kind,
        call.path["project"],
        asked.summary,
        version=asked.version,
        evidence=asked.evidence,
        extra=asked.extra,
    )
    outcome = reporting.report(call.index, call.caller, said)
    return Reported(case=outcome.case, duplicate=outcome.duplicate, held=outcome.held)


def list_reports(call: Call) -> Listing:
    """What the caller reported, newest first."""
    if call.actor.account_id is None:
        return Listing([])
    limit = call.page.limit
    with call.index.store.read() as connection:
        rows = stored.by_account(connection, call.actor.account_id, limit + 1, call.page.after_number)
    shown = rows[:limit]
    return Listing([_own(row) for row in shown], str(shown[-1].id) if len(rows) > limit else None)


def file_appeal(call: Call) -> Made:
    """Object."""
    asked: AppealRequest = call.body
    project = _project(call)
    made = appealing.appeal(call.index, call.caller, project, asked.text, asked.case)
    return Made(shown_appeal(made), str(made.id), f"/projects/{project}/appeals")


def list_appeals(call: Call) -> Listing:
    """Those for the project of the path, for its people: a handful, so one page."""
    with call.index.store.read() as connection:
        found = permission.require(connection, call.actor, "appeal", _project(call), call.now)
        rows = appeals.on_project(connection, found.id)
    return Listing([shown_appeal(row) for row in rows])


def place(version: str | None, filename: str | None) -> Place:
    """What of a project is meant. `Refused` (``version.format``) for what is no version."""
    return Place(canonical(parse_version(version)) if version else None, filename)


def held(outcome: Outcome) -> HoldNow:
    """The outcome of `actions.hold.hold`, as the API tells it."""
    return HoldNow(
        project=outcome.project,
        status=outcome.status.status,
        reason=outcome.status.reason,
        statuses=statuses(outcome.standing),
        changed=outcome.changed,
        case=outcome.case,
        waits=outcome.waits,
    )


def shown_appeal(row: AppealRow) -> Appeal:
    """An appeal, as the API tells it; who answered is not told."""
    return Appeal(
        id=row.id,
        case=row.case_number,
        project=row.project,
        by=row.account,
        text=row.text,
        at=row.at,
        outcome=row.outcome,
        answer=row.answer,
        answered_at=row.answered_at,
    )


def _own(row: ReportRow) -> OwnReport:
    return OwnReport(
        id=row.id,
        case=row.case_number,
        project=row.project,
        kind=row.kind,
        version=row.version,
        summary=row.summary,
        at=row.at,
        verdict=row.verdict,
        decided_at=row.decided_at,
    )


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _hold(act: Act, needs: Action, summary: str) -> Operation:
    return Operation(
        method="POST",
        path=f"/projects/{{project}}/{act}",
        name=f"{act}Project",
        summary=summary,
        tag="holds",
        handler=partial(change_hold, act=act),
        body=Lifted if act in LIFTING else Held,
        answer=HoldNow,
        needs=needs,
        idempotent=True,
    )


OPERATIONS = (
    Operation(
        method="POST", path="/projects/{project}/reports", name="reportProject", tag="holds",
        summary="Tell the moderators that something is wrong with a project.",
        handler=report_project, body=ReportRequest, answer=Reported, needs="report",
    ),
    Operation(
        method="GET", path="/account/reports", name="listReports", tag="holds",
        summary="What one reported, and what became of it; newest first.",
        handler=list_reports, answer=OwnReport, paged=True, needs="see-account",
    ),
    _hold("quarantine", "hold", "Quarantine a project, a release or a file: take it off offer for now."),
    _hold("clear", "hold", "Lift a quarantine: everything is as it was before."),
    _hold("condemn", "condemn", "Condemn what is quarantined: it was found harmful. Often takes two moderators."),
    _hold("withhold", "withhold", "Withhold a project, a release or a file: a secret, personal data, or the law."),
    _hold("unwithhold", "withhold", "Give back what was withheld."),
    Operation(
        method="POST", path="/projects/{project}/appeals", name="appeal", tag="holds",
        summary="Object to what is held of a project, as one of its people.",
        handler=file_appeal, body=AppealRequest, answer=Appeal, status=201, needs="appeal",
    ),
    Operation(
        method="GET", path="/projects/{project}/appeals", name="listAppeals", tag="holds",
        summary="The appeals for a project, and their answers; newest first.",
        handler=list_appeals, answer=Appeal, paged=True, needs="appeal",
    ),
)  # fmt: skip
