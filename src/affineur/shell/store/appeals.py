"""Appeals as stored. What does not live here: who may appeal, how often, and who answers
(`core.moderation.appeals`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.moderation.appeals import Appeal, Outcome

from .schema import account, appeal, moderation_case, project

_LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class AppealRow:
    """An appeal as stored. ``account`` is None where the account is gone."""

    id: int
    case_id: int
    case_number: str
    project: str
    account_id: int | None
    account: str | None
    text: str
    at: datetime
    answer: str | None
    outcome: Outcome | None
    answered_at: datetime | None

    @property
    def fact(self) -> Appeal:
        """What rules look at."""
        return Appeal(self.account_id, self.answered_at)


_ROWS = (
    sa.select(
        appeal.c.id, appeal.c.case_id, moderation_case.c.number, project.c.name, appeal.c.account_id,
        account.c.name.label("account"), appeal.c.text, appeal.c.at, appeal.c.answer, appeal.c.outcome,
        appeal.c.answered_at,
    )
    .join(moderation_case, moderation_case.c.id == appeal.c.case_id)
    .join(project, project.c.id == moderation_case.c.project_id)
    .outerjoin(account, sa.and_(account.c.id == appeal.c.account_id, account.c.deleted_at.is_(None)))
)  # fmt: skip


def file_appeal(connection: sa.Connection, case_id: int, account_id: int | None, text: str, at: datetime) -> int:
    """Keep an appeal; its id."""
    row = appeal.insert().values(case_id=case_id, account_id=account_id, text=text, at=at)
    return int(connection.execute(row.returning(appeal.c.id)).scalar_one())


def find(connection: sa.Connection, appeal_id: int) -> AppealRow | None:
    """The appeal of that id."""
    if not 0 < appeal_id <= _LARGEST_KEY:
        return None
    row = connection.execute(_ROWS.where(appeal.c.id == appeal_id)).first()
    return AppealRow(*tuple(row)) if row else None


def in_case(connection: sa.Connection, case_id: int) -> list[AppealRow]:
    """The appeals in a case, oldest first."""
    return [
        AppealRow(*tuple(row))
        for row in connection.execute(_ROWS.where(appeal.c.case_id == case_id).order_by(appeal.c.id))
    ]


def on_project(connection: sa.Connection, project_id: int) -> list[AppealRow]:
    """Every appeal for a project, newest first."""
    query = _ROWS.where(moderation_case.c.project_id == project_id).order_by(appeal.c.id.desc())
    return [AppealRow(*tuple(row)) for row in connection.execute(query)]


def unanswered(connection: sa.Connection, case_ids: Collection[int]) -> dict[int, int]:
    """How many appeals of each case wait for an answer; cases without are left out."""
    query = (
        sa.select(appeal.c.case_id, sa.func.count())
        .where(appeal.c.case_id.in_(list(case_ids)), appeal.c.answered_at.is_(None))
        .group_by(appeal.c.case_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def settle(
    connection: sa.Connection, appeal_id: int, answer: str, outcome: Outcome, by: int | None, at: datetime
) -> None:
    """Note the answer to an appeal."""
    connection.execute(
        appeal.update()
        .where(appeal.c.id == appeal_id)
        .values(answer=answer, outcome=outcome, answered_by=by, answered_at=at)
    )


def settle_open(
    connection: sa.Connection, case_id: int, answer: str, outcome: Outcome, by: int | None, at: datetime
) -> list[int]:
    """Answer every open appeal of a case alike; the accounts that appealed."""
    waiting = [each for each in in_case(connection, case_id) if each.answered_at is None]
    for each in waiting:
        settle(connection, each.id, answer, outcome, by, at)
    return [each.account_id for each in waiting if each.account_id is not None]
