"""What moderators want to know beside a case itself: who placed its holds, and how old its owners' accounts are.

What does not live here: the case (`cases`), and its place in the queue (`case_queue`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.life.standing import Hold

from .holds import HOLD
from .schema import account, hold, report, role


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A hold of a case, in force or not. ``placed_by`` is None for the index itself, and where they are gone."""

    hold: Hold
    placed_as: str
    placed_by: str | None
    lifted_at: datetime | None
    lifted_by: str | None


def holds_of(connection: sa.Connection, case_id: int) -> list[PlacedHold]:
    """Every hold that there was because of a case, oldest first."""
    lifter = account.alias("lifter")
    query = (
        sa.select(*HOLD, hold.c.placed_as, account.c.name, hold.c.lifted_at, lifter.c.name.label("lifter"))
        .outerjoin(account, sa.and_(account.c.id == hold.c.placed_by, account.c.deleted_at.is_(None)))
        .outerjoin(lifter, sa.and_(lifter.c.id == hold.c.lifted_by, lifter.c.deleted_at.is_(None)))
        .where(hold.c.case_id == case_id)
        .order_by(hold.c.id)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    return [PlacedHold(Hold(*row[: len(HOLD)]), *row[len(HOLD) :]) for row in rows]


def owners_since(connection: sa.Connection, project_id: int) -> list[datetime]:
    """Since when the accounts of the people who own a project exist."""
    query = (
        sa.select(account.c.created_at)
        .join(role, role.c.account_id == account.c.id)
        .where(role.c.project_id == project_id, role.c.role == "owner", account.c.kind == "person")
    )
    return list(connection.scalars(query))


def reporter_count(connection: sa.Connection, case_id: int) -> int:
    """How many accounts have reports in a case: those who get its verdict."""
    query = sa.select(sa.func.count(sa.distinct(report.c.reporter_id))).where(report.c.case_id == case_id)
    return connection.scalar(query) or 0
