"""Reports as stored: filing them, who reported what, and what became of each reporter's earlier ones.

What does not live here: what a report must hold (`core.moderation.reports`), how much it weighs
(`core.moderation.reporters`), and the cases that reports belong to (`cases`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core.moderation import corroboration
from affineur.core.moderation.reporters import REMEMBERED, Outcome, Record, record_of
from affineur.core.moderation.reports import Filed, Kind, Report
from affineur.core.versions import CanonicalVersion

from .cases import has_others
from .schema import account, file, hold, moderation_case, project, release, report

_KEYS_PER_QUESTION = 500


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report as stored. ``reporter`` is None where the index itself reported, or the account is gone."""

    id: int
    case_id: int
    case_number: str
    project: str
    kind: Kind
    version: str | None
    summary: str
    evidence: tuple[str, ...]
    extra_json: str
    reporter_id: int | None
    reporter: str | None
    at: datetime
    verdict: Outcome | None
    decided_at: datetime | None


_FILED = sa.select(
    report.c.id, report.c.kind, project.c.name, report.c.version, account.c.id.label("reporter"), report.c.network,
    report.c.at,
).select_from(
    report.join(project, project.c.id == report.c.project_id)
    # Whoever is gone, or frozen, has no vote: a stolen account that was stopped goes on saying nothing.
    .outerjoin(
        account,
        sa.and_(
            account.c.id == report.c.reporter_id, account.c.deleted_at.is_(None), account.c.frozen_at.is_(None)
        ),
    )
)  # fmt: skip
_ROWS = (
    sa.select(
        report.c.id, report.c.case_id, moderation_case.c.number, project.c.name, report.c.kind, report.c.version,
        report.c.summary, report.c.evidence, report.c.extra, report.c.reporter_id, account.c.name.label("reporter"),
        report.c.at, report.c.verdict, report.c.decided_at,
    )
    .join(moderation_case, moderation_case.c.id == report.c.case_id)
    .join(project, project.c.id == report.c.project_id)
    .outerjoin(account, sa.and_(account.c.id == report.c.reporter_id, account.c.deleted_at.is_(None)))
)  # fmt: skip


def file_report(
    connection: sa.Connection,
    project_id: int,
    case_id: int,
    said: Report,
    reporter_id: int | None,
    network: str | None,
    at: datetime,
) -> int:
    """Keep a report; its id."""
    row = report.insert().values(
        project_id=project_id,
        case_id=case_id,
        version=said.version,
        kind=said.kind,
        summary=said.summary,
        evidence=orjson.dumps(said.evidence).decode(),
        extra=said.extra_json,
        reporter_id=reporter_id,
        network=network,
        at=at,
    )
    return int(connection.execute(row.returning(report.c.id)).scalar_one())


def undecided(connection: sa.Connection, project_ids: Collection[int]) -> dict[int, list[Filed]]:
    """The open reports on each project, oldest first."""
    found: dict[int, list[Filed]] = {each: [] for each in project_ids}
    query = _FILED.add_columns(report.c.project_id).where(
        report.c.project_id.in_(list(project_ids)), report.c.verdict.is_(None)
    )
    for row in connection.execute(query.order_by(report.c.id)):
        found[row.project_id].append(Filed(*tuple(row)[:-1]))
    return found


def own_undecided(connection: sa.Connection, project_id: int, account_id: int) -> list[Filed]:
    """The open reports by one account on one project: among them a new one may be found said already."""
    query = _FILED.where(
        report.c.project_id == project_id, report.c.reporter_id == account_id, report.c.verdict.is_(None)
    )
    return [Filed(*tuple(row)) for row in connection.execute(query)]


def case_of(connection: sa.Connection, report_id: int) -> str:
    """The number of the case that a report belongs to."""
    query = sa.select(moderation_case.c.number).join(report, report.c.case_id == moderation_case.c.id)
    return str(connection.scalar(query.where(report.c.id == report_id)))


def in_case(connection: sa.Connection, case_id: int) -> list[ReportRow]:
    """The reports of a case, oldest first."""
    query = _ROWS.where(report.c.case_id == case_id).order_by(report.c.id)
    return [_row(row) for row in connection.execute(query)]


def by_account(
    connection: sa.Connection, account_id: int, limit: int = 50, before: int | None = None
) -> list[ReportRow]:
    """What an account reported, newest first; ``before``: only what is older than that report."""
    query = _ROWS.where(report.c.reporter_id == account_id).order_by(report.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(report.c.id < before)
    return [_row(row) for row in connection.execute(query)]


def records(connection: sa.Connection, account_ids: Collection[int]) -> dict[int, Record]:
    """The record of each account. Cost: a question for each 500 of them, `REMEMBERED` reports for each."""
    wanted = sorted(account_ids)
    found: dict[int, Record] = {}
    for start in range(0, len(wanted), _KEYS_PER_QUESTION):
        found.update(_records(connection, wanted[start : start + _KEYS_PER_QUESTION]))
    return found


def record(connection: sa.Connection, account_id: int) -> Record:
    """The record of one account."""
    return records(connection, [account_id])[account_id]


def facts(
    connection: sa.Connection, project_id: int, filed: Sequence[Filed], about: corroboration.Facts
) -> corroboration.Facts:
    """``about`` with what the database knows of a project beside its standing: files, records, holds, verdicts."""
    first = {
        CanonicalVersion(version): at
        for version, at in connection.execute(
            sa.select(release.c.version, sa.func.min(file.c.uploaded_at))
            .join(file, file.c.release_id == release.c.id)
            .where(release.c.project_id == project_id)
            .group_by(release.c.version)
        )
    }
    return corroboration.Facts(
        about.now,
        min(first.values(), default=None),
        first,
        filed,
        records(connection, {each.account_id for each in filed if each.account_id is not None}),
        about.impact,
        automatic_holds(connection, about.now),
        _reviewed_at(connection, project_id),
        about.held,
        about.held_releases,
    )


def automatic_holds(connection: sa.Connection, now: datetime) -> int:
    """How many holds the index placed by itself within the hour before ``now``."""
    since = now - corroboration.BREAKER_WINDOW
    query = sa.select(sa.func.count()).where(hold.c.placed_as == "system", hold.c.placed_at > since)
    return connection.scalar(query) or 0


def _reviewed_at(connection: sa.Connection, project_id: int) -> datetime | None:
    """When a moderator last decided about a project: closed a case of it, or lifted a hold for its safety."""
    closed = sa.select(sa.func.max(moderation_case.c.closed_at))
    lifted = sa.select(sa.func.max(hold.c.lifted_at))
    found = (
        connection.scalar(closed.where(moderation_case.c.project_id == project_id, has_others())),
        connection.scalar(
            lifted.where(hold.c.project_id == project_id, hold.c.origin == "ours", hold.c.kind != "withheld")
        ),
    )
    return max((each for each in found if each is not None), default=None)


def _records(connection: sa.Connection, account_ids: Sequence[int]) -> Mapping[int, Record]:
    marked = sa.select(account.c.id).where(account.c.id.in_(account_ids), account.c.trusted_reporter)
    trusted = frozenset(connection.scalars(marked))
    newest = sa.func.row_number().over(
        partition_by=report.c.reporter_id, order_by=(report.c.decided_at.desc(), report.c.id.desc())
    )
    ranked = (
        sa.select(report.c.reporter_id, report.c.verdict, newest.label("place"))
        .where(report.c.reporter_id.in_(account_ids), report.c.verdict.is_not(None))
        .subquery()
    )
    outcomes: dict[int, list[Outcome]] = {each: [] for each in account_ids}
    query = sa.select(ranked.c.reporter_id, ranked.c.verdict).where(ranked.c.place <= REMEMBERED)
    for reporter_id, verdict in connection.execute(query.order_by(ranked.c.reporter_id, ranked.c.place)):
        outcomes[reporter_id].append(verdict)
    return {each: record_of(said, marked_trusted=each in trusted) for each, said in outcomes.items()}


def _row(row: Any) -> ReportRow:
    values = row._asdict()
    values["evidence"] = tuple(orjson.loads(values["evidence"]))
    number, name, extra = values.pop("number"), values.pop("name"), values.pop("extra")
    return ReportRow(case_number=number, project=name, extra_json=extra, **values)
