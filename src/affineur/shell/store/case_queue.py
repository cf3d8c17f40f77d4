"""The moderators' queue: cases with what somebody needs to choose the next one, in the order they are due.

What does not live here: one case and what changes it (`cases`), and by when it is due (`core.moderation.cases`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from affineur.core.life.standing import Hold, Impact
from affineur.core.moderation import corroboration
from affineur.core.moderation.reports import Filed, Kind

from . import appeals, reports
from .cases import CaseRow
from .holds import HOLD
from .schema import account, hold, moderation_case, project, report

Which = Literal["open", "overdue", "mine", "closed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases: ``which`` of them, of one kind of report, of one project. ``account_id``: who "mine" is."""

    which: Which = "open"
    kind: Kind | None = None
    project: str | None = None
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A case in the queue. ``score``: what its open reports weigh together; ``appeals``: how many wait."""

    case: CaseRow
    project: str
    display_name: str
    created_at: datetime
    impact: Impact | None
    taken_by: str | None
    reports: tuple[Filed, ...]
    kinds: tuple[Kind, ...]
    score: float
    appeals: int
    held: tuple[Hold, ...]


_CASE = tuple(moderation_case.c[name] for name in CaseRow.__dataclass_fields__)
_QUEUE = (
    sa.select(
        *_CASE, project.c.name, project.c.display_name, project.c.created_at, project.c.impact,
        account.c.name.label("taker"),
    )
    .join(project, project.c.id == moderation_case.c.project_id)
    .outerjoin(account, account.c.id == moderation_case.c.taken_by)
)  # fmt: skip


def queue(connection: sa.Connection, wanted: Wanted, now: datetime, *, start: int = 0, limit: int = 50) -> list[Queued]:
    """Cases by when they are due, longest due first; closed ones by when they were closed, newest first.

    Cost: linear in the open cases, or the closed ones: they are sorted.
    """
    query = _QUEUE.where(*_conditions(wanted, now)).limit(limit).offset(start)
    if wanted.which == "closed":
        query = query.order_by(moderation_case.c.closed_at.desc(), moderation_case.c.id.desc())
    else:
        due = moderation_case.c.review_due_at
        query = query.order_by(due.is_(None), due, moderation_case.c.id)
    return _complete(connection, connection.execute(query).all())


def one(connection: sa.Connection, number: str) -> Queued | None:
    """The case of that number, as the queue has it."""
    rows = connection.execute(_QUEUE.where(moderation_case.c.number == number)).all()
    return next(iter(_complete(connection, rows)), None)


def counts(connection: sa.Connection, now: datetime) -> tuple[int, int]:
    """How many cases are open, and how many of them are overdue. Cost: linear in those."""
    late = sa.func.coalesce(sa.func.sum(sa.case((moderation_case.c.review_due_at <= now, 1), else_=0)), 0)
    query = sa.select(sa.func.count(), late).where(moderation_case.c.closed_at.is_(None))
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])


def _conditions(wanted: Wanted, now: datetime) -> list[sa.ColumnElement[bool]]:
    closed = moderation_case.c.closed_at
    conditions: list[sa.ColumnElement[bool]] = [closed.is_not(None) if wanted.which == "closed" else closed.is_(None)]
    if wanted.which == "overdue":
        conditions.append(moderation_case.c.review_due_at <= now)
    if wanted.which == "mine":
        conditions.append(moderation_case.c.taken_by == wanted.account_id)
    if wanted.kind is not None:
        of_kind = sa.exists().where(report.c.case_id == moderation_case.c.id, report.c.kind == wanted.kind)
        conditions.append(of_kind)
    if wanted.project is not None:
        conditions.append(project.c.name == wanted.project)
    return conditions


def _complete(connection: sa.Connection, rows: Sequence[Any]) -> list[Queued]:
    """What each case has beside its row, asked for all of them at once."""
    found = [(CaseRow(*tuple(row)[: len(_CASE)]), row) for row in rows]
    ids = [case.id for case, _ in found]
    filed = reports.undecided(connection, {case.project_id for case, _ in found})
    people = {each.account_id for some in filed.values() for each in some if each.account_id is not None}
    records = reports.records(connection, people)
    waiting = appeals.unanswered(connection, ids)
    kinds = _kinds(connection, ids)
    held = _held(connection, ids)
    return [
        Queued(
            case,
            row.name,
            row.display_name,
            row.created_at,
            row.impact,
            row.taker,
            tuple(filed[case.project_id]) if case.closed_at is None else (),
            kinds.get(case.id, ()),
            corroboration.score(filed[case.project_id], records) if case.closed_at is None else 0.0,
            waiting.get(case.id, 0),
            held.get(case.id, ()),
        )
        for case, row in found
    ]


def _kinds(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[Kind, ...]]:
    query = sa.select(report.c.case_id, report.c.kind).distinct().where(report.c.case_id.in_(ids))
    kinds: dict[int, tuple[Kind, ...]] = {}
    for case_id, kind in connection.execute(query.order_by(report.c.case_id, report.c.kind)):
        kinds[case_id] = (*kinds.get(case_id, ()), kind)
    return kinds


def _held(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[Hold, ...]]:
    query = sa.select(hold.c.case_id, *HOLD).where(hold.c.case_id.in_(ids), hold.c.lifted_at.is_(None))
    held: dict[int, tuple[Hold, ...]] = {}
    for row in connection.execute(query.order_by(hold.c.id)):
        held[row[0]] = (*held.get(row[0], ()), Hold(*tuple(row)[1:]))
    return held
