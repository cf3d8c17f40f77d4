"""Who somebody is at the company's sign-in, as stored, and what its groups gave them.

What does not live here: what groups come to (`core.people.company`), and accounts themselves (`accounts`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.names import NormalizedName
from affineur.core.people.company import Held
from affineur.core.permissions import Office, Role

from . import grants
from .schema import account, identity, project, role, session

COMPANY = "company"
"""What ``role.via`` says of a role that groups gave."""
KEPT = "company-kept"
"""The same of one that no group comes to any more, kept because the project has no other owner."""


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """A link between an account and somebody at an issuer."""

    issuer: str
    subject: str
    account_id: int
    linked_at: datetime


_COLUMNS = (identity.c.issuer, identity.c.subject, identity.c.account_id, identity.c.linked_at)


def find(connection: sa.Connection, issuer: str, subject: str) -> IdentityRow | None:
    """The link of somebody at ``issuer``. One to an account that was deleted is none."""
    query = (
        sa.select(*_COLUMNS)
        .join(account, account.c.id == identity.c.account_id)
        .where(identity.c.issuer == issuer, identity.c.subject == subject, account.c.deleted_at.is_(None))
    )
    row = connection.execute(query).first()
    return None if row is None else IdentityRow(*tuple(row))


def of_account(connection: sa.Connection, account_id: int, issuer: str) -> IdentityRow | None:
    """Who an account is at ``issuer``, if it is linked to anybody there."""
    query = sa.select(*_COLUMNS).where(identity.c.account_id == account_id, identity.c.issuer == issuer)
    row = connection.execute(query.order_by(identity.c.linked_at)).first()
    return None if row is None else IdentityRow(*tuple(row))


def link(connection: sa.Connection, row: IdentityRow) -> None:
    """Keep a link, in the place of one that somebody at the issuer had to an account that was deleted."""
    gone = identity.delete().where(identity.c.issuer == row.issuer, identity.c.subject == row.subject)
    connection.execute(gone)
    connection.execute(
        identity.insert().values(
            issuer=row.issuer, subject=row.subject, account_id=row.account_id, linked_at=row.linked_at
        )
    )


def unlink(connection: sa.Connection, account_id: int, issuer: str) -> bool:
    """Forget the link of an account to ``issuer``; whether there was one."""
    mine = identity.delete().where(identity.c.account_id == account_id, identity.c.issuer == issuer)
    return connection.execute(mine).rowcount > 0


def held(connection: sa.Connection, account_id: int) -> Held:
    """Office and roles of an account, and which of them groups gave."""
    offices = sa.select(account.c.office, account.c.company_office).where(account.c.id == account_id)
    office, given_office = connection.execute(offices).one()
    roles = (
        sa.select(project.c.name, role.c.role, role.c.via)
        .join(project, project.c.id == role.c.project_id)
        .where(role.c.account_id == account_id)
    )
    found = {NormalizedName(row.name): (row.role, row.via in (COMPANY, KEPT)) for row in connection.execute(roles)}
    return Held(office, given_office, found)


def existing(connection: sa.Connection, names: Collection[NormalizedName]) -> dict[NormalizedName, int]:
    """The ids of those projects that there are."""
    rows = connection.execute(sa.select(project.c.name, project.c.id).where(project.c.name.in_(list(names))))
    return {NormalizedName(name): key for name, key in rows}


def give_office(connection: sa.Connection, account_id: int, office: Office | None, given_office: Office | None) -> None:
    """Note the office of an account, and which one its groups gave."""
    changed = account.update().where(account.c.id == account_id)
    connection.execute(changed.values(office=office, company_office=given_office))


def give_role(connection: sa.Connection, project_id: int, account_id: int, given: Role, at: datetime) -> None:
    """Give an account a role that its groups come to."""
    grants.set_role(connection, project_id, account_id, given, at, None)
    mine = role.update().where(role.c.project_id == project_id, role.c.account_id == account_id)
    connection.execute(mine.values(via=COMPANY))


def note_kept(connection: sa.Connection, account_id: int, kept: Collection[int]) -> set[int]:
    """Note on which projects somebody keeps a role that no group comes to any more; those that were not noted yet."""
    mine = role.c.account_id == account_id
    newly = role.update().where(mine, role.c.via == COMPANY, role.c.project_id.in_(kept)).values(via=KEPT)
    over = role.update().where(mine, role.c.via == KEPT, role.c.project_id.not_in(kept)).values(via=COMPANY)
    connection.execute(over)
    return set(connection.scalars(newly.returning(role.c.project_id)))


def end_password_sessions(connection: sa.Connection, account_id: int) -> int:
    """End the sessions of an account that began with a password; how many."""
    begun = session.delete().where(session.c.account_id == account_id, session.c.via == "password")
    return connection.execute(begun).rowcount
