"""Who is on the second-factor ladder, or belongs on it: who has a role or an office, a way to sign in, and no factor.

What does not live here: when they are told of what (`core.people.ladder`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.permissions import Office

from .schema import account, factor, identity, project, role


@dataclass(frozen=True, slots=True)
class Climber:
    """Somebody on the ladder since ``ladder_from``; None: who belongs on it. ``noticed``: the rung told last."""

    account_id: int
    name: str
    ladder_from: datetime | None
    noticed: int | None
    office: Office | None


_HAS_FACTOR = sa.exists().where(factor.c.account_id == account.c.id, factor.c.suspended_at.is_(None))
_HAS_ROLE = sa.exists().where(role.c.account_id == account.c.id)
_SIGNS_IN = sa.or_(account.c.password_hash.is_not(None), sa.exists().where(identity.c.account_id == account.c.id))
# An office reaches every project: its holder's uploads follow the ladder as an owner's do.
_MAY_ACT = sa.or_(_HAS_ROLE, account.c.office.is_not(None))
_BELONGS = sa.and_(account.c.kind == "person", account.c.deleted_at.is_(None), _SIGNS_IN, _MAY_ACT, ~_HAS_FACTOR)
_CLIMBERS = sa.select(
    account.c.id, account.c.name, account.c.ladder_from, account.c.ladder_noticed_days, account.c.office
)


def climbers(connection: sa.Connection, after: int, limit: int) -> list[Climber]:
    """People who belong on the ladder, by id, those after ``after``."""
    query = _CLIMBERS.where(_BELONGS, account.c.id > after).order_by(account.c.id).limit(limit)
    return [Climber(*tuple(row)) for row in connection.execute(query)]


def refreshed(connection: sa.Connection, account_ids: Collection[int]) -> list[Climber]:
    """Those of the accounts that still belong on the ladder, as they are now."""
    query = _CLIMBERS.where(_BELONGS, account.c.id.in_(account_ids)).order_by(account.c.id)
    return [Climber(*tuple(row)) for row in connection.execute(query)]


def misplaced(connection: sa.Connection, *, factor_required: bool) -> list[int]:
    """The accounts that are on the ladder and do not belong there: all, where no factor is required."""
    wrong = ~_BELONGS if factor_required else sa.true()
    return list(connection.scalars(sa.select(account.c.id).where(account.c.ladder_from.is_not(None), wrong)))


def take_down(connection: sa.Connection, account_ids: Collection[int]) -> None:
    """Take accounts off the ladder; should they come back, it begins anew."""
    changed = account.update().where(account.c.id.in_(account_ids))
    connection.execute(changed.values(ladder_from=None, ladder_noticed_days=None))


def projects_of(connection: sa.Connection, account_id: int) -> list[str]:
    """The names of the projects on which an account has a role."""
    query = sa.select(project.c.display_name).join(role, role.c.project_id == project.c.id)
    return list(connection.scalars(query.where(role.c.account_id == account_id).order_by(project.c.name)))
