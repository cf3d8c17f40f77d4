"""What a deleted account leaves behind: a row with its name, so that nobody else is ever taken for it.

Everything else that belongs to the account goes. Projects, files, the journal and the security log stay.
What does not live here: whether an account may be deleted (`actions.delete_account`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from . import grants, outbox, schema
from .schema import account, project, role

_REFERRING = [
    (column, key.ondelete)
    for table in schema.metadata.sorted_tables
    for column in table.columns
    for key in column.foreign_keys
    if key.column.table is account
]


def sole_owner_of(connection: sa.Connection, account_id: int) -> list[str]:
    """The projects that would have no owner left, by name. An automation account answers for nothing, so none counts.

    Owners who were deleted have no roles any more.
    """
    other = role.alias()
    holder = account.alias()
    others = (
        sa.exists()
        .where(
            other.c.project_id == role.c.project_id,
            other.c.role == "owner",
            other.c.account_id != account_id,
            holder.c.id == other.c.account_id,
            holder.c.kind == "person",
        )
        .correlate(role)
    )
    query = (
        sa.select(project.c.name)
        .join(role, role.c.project_id == project.c.id)
        .where(role.c.account_id == account_id, role.c.role == "owner", sa.not_(others))
        .order_by(project.c.name)
    )
    return list(connection.scalars(query))


def roles_of(connection: sa.Connection, account_id: int) -> list[tuple[str, int, str]]:
    """The projects an account has a role on, as ``(name, id, role)``, by name."""
    return [(each.project, each.project_id, each.role) for each in grants.held_by(connection, account_id)]


def empty(connection: sa.Connection, account_id: int, at: datetime) -> None:
    """Delete all that belongs to an account, and all of its row but the name.

    As if the row itself went: what refers to it goes too or forgets it, whichever the tables say. Of its mails only
    notices that still wait are sent.
    """
    outbox.forget_account(connection, account_id)
    for column, ends in _REFERRING:
        belongs = column == account_id
        if ends == "CASCADE":
            connection.execute(sa.delete(column.table).where(belongs))
        else:
            connection.execute(sa.update(column.table).where(belongs).values({column.name: None}))
    connection.execute(
        account.update()
        .where(account.c.id == account_id)
        .values(
            office=None,
            company_office=None,
            password_hash=None,
            password_changed_at=None,
            ladder_from=None,
            ladder_noticed_days=None,
            sponsors_short_from=None,
            accepts_messages=False,
            frozen_at=None,
            frozen_reason=None,
            deleted_at=at,
        )
    )
