"""What people are given on a project: roles, and limits of the project's own.

What does not live here: whether that may be done (`core.access`), and the project itself (`projects`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .schema import account, project, role


def roles(connection: sa.Connection, project_id: int) -> list[tuple[str, str, datetime]]:
    """Who has which role on a project since when, as ``(account name, role, granted at)``, by name."""
    query = (
        sa.select(account.c.name, role.c.role, role.c.granted_at)
        .join(account, account.c.id == role.c.account_id)
        .where(role.c.project_id == project_id)
        .order_by(account.c.name)
    )
    return [(row.name, row.role, row.granted_at) for row in connection.execute(query)]


def set_role(
    connection: sa.Connection, project_id: int, account_id: int, granted: str, at: datetime, by: int | None
) -> None:
    """Give an account the role ``granted``, in the place of the one it has; ``by`` is who gave it."""
    take_role(connection, project_id, account_id)
    connection.execute(
        role.insert().values(project_id=project_id, account_id=account_id, role=granted, granted_at=at, granted_by=by)
    )


def take_role(connection: sa.Connection, project_id: int, account_id: int) -> None:
    """Take the role of an account away; nothing happens where it has none."""
    connection.execute(role.delete().where(role.c.project_id == project_id, role.c.account_id == account_id))


def set_limits(
    connection: sa.Connection, project_id: int, file_limit_bytes: int | None, total_limit_bytes: int | None
) -> None:
    """Set a project's own limits; None where the index's own apply."""
    connection.execute(
        project.update()
        .where(project.c.id == project_id)
        .values(file_limit_bytes=file_limit_bytes, total_limit_bytes=total_limit_bytes)
    )


def note_act(connection: sa.Connection, project_id: int, account_id: int | None, at: datetime) -> None:
    """Note that somebody used the role they have on a project; nothing happens where they have none."""
    if account_id is not None:
        connection.execute(
            role.update().where(role.c.project_id == project_id, role.c.account_id == account_id).values(last_act_at=at)
        )
