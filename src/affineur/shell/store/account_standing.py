"""What is known of an account that says how it stands; for its holder only.

What does not live here: what is made of it (`core.people.account_standing`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from affineur.core.people.account_standing import Facts, Standing
from affineur.core.people.account_standing import standing as judge
from affineur.core.people.second_factor import Posture
from affineur.shell.index import Index

from . import accounts, emails, factors, recoveries
from .schema import role


def standing(index: Index, connection: sa.Connection, account_id: int, now: datetime) -> Standing:
    """How an account stands at ``now``. Cost: six indexed reads."""
    return judge(_facts(index, connection, account_id, now), now)


def _facts(index: Index, connection: sa.Connection, account_id: int, now: datetime) -> Facts:
    actor = accounts.actor_by_id(connection, account_id, factor_required=index.settings.second_factor_required)
    addresses = emails.listed(connection, account_id)
    rows = factors.listed(connection, account_id)
    roles = connection.scalar(sa.select(sa.func.count()).select_from(role).where(role.c.account_id == account_id))
    recovery = recoveries.open_of(connection, account_id, now)
    return Facts(
        posture=Posture() if actor is None else actor.posture,
        has_verified_address=any(each.verified_at is not None for each in addresses),
        unverified=tuple(each.address for each in addresses if each.verified_at is None),
        roles=int(roles or 0),
        factors=len(factors.active(rows)),
        suspended=tuple(row.label for row in rows if row.suspended_at is not None),
        removals=tuple((row.label, row.removal_due_at) for row in rows if row.removal_due_at is not None),
        codes_left=factors.codes_left(connection, account_id),
        recovery_due_at=None if recovery is None else recovery.due_at,
        holds_office=actor is not None and actor.office is not None,
    )
