"""The accounts of the index as those see them who look after it: found by name or address, with what each holds.

What does not live here: a single account (`accounts`), and who may look (`core.access`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.people.accounts import address_key, name_key
from affineur.core.permissions import Kind, Office

from . import grants
from .schema import account, email, role, session


@dataclass(frozen=True, slots=True)
class Listed:
    """An account in the list."""

    id: int
    name: str
    kind: Kind
    office: Office | None
    created_at: datetime
    frozen_at: datetime | None
    frozen_reason: str | None
    roles: int
    """On how many projects it has a role."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts: whose name contains ``text``, or whose address it is; of a kind; holding an office; frozen."""

    text: str = ""
    kind: Kind | None = None
    in_office: bool = False
    frozen: bool = False


def listed(connection: sa.Connection, wanted: Wanted, *, after: str = "", limit: int = 50) -> list[Listed]:
    """Accounts that ``wanted`` names, by name; ``after`` is the name (lower case) after which to go on.

    Deleted ones are not among them. Cost: a look at each account's name where ``text`` is given, else those listed.
    """
    held = sa.select(sa.func.count()).where(role.c.account_id == account.c.id).scalar_subquery()
    query = (
        sa.select(
            account.c.id, account.c.name, account.c.kind, account.c.office, account.c.created_at, account.c.frozen_at,
            account.c.frozen_reason, held,
        )
        .where(account.c.deleted_at.is_(None), account.c.name_key > after)
        .order_by(account.c.name_key)
        .limit(limit)
    )  # fmt: skip
    if wanted.text:
        whose = sa.select(email.c.account_id).where(email.c.address_key == address_key(wanted.text))
        named = account.c.name_key.contains(name_key(wanted.text), autoescape=True)
        query = query.where(sa.or_(named, account.c.id.in_(whose)))
    if wanted.kind is not None:
        query = query.where(account.c.kind == wanted.kind)
    if wanted.in_office:
        query = query.where(account.c.office.is_not(None))
    if wanted.frozen:
        query = query.where(account.c.frozen_at.is_not(None))
    return [Listed(*row) for row in connection.execute(query)]


def roles_of(connection: sa.Connection, account_id: int) -> list[tuple[str, str, datetime, datetime | None]]:
    """The roles of an account: project, role, since when, and when it was last used; by project."""
    held = grants.held_by(connection, account_id)
    return [(each.project, each.role, each.granted_at, each.last_act_at) for each in held]


def session_count(connection: sa.Connection, account_id: int, now: datetime) -> int:
    """How many sessions of an account are in force."""
    query = sa.select(sa.func.count()).where(session.c.account_id == account_id, session.c.expires_at > now)
    return int(connection.scalar(query) or 0)
