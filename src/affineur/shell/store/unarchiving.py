"""Unarchivings that wait: asked for by one owner of a widely used project, and carried out when their time has come.

What does not live here: when one waits (`core.life.guards`), and carrying it out (`actions.unarchive`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from affineur.core.names import NormalizedName

from .schema import project


def ask(connection: sa.Connection, project_id: int, asked_by: int | None, due_at: datetime) -> None:
    """Note that an account asked to unarchive a project, which takes effect at ``due_at``."""
    _set(connection, project_id, asked_by, due_at)


def forget(connection: sa.Connection, project_id: int) -> None:
    """Nothing waits any more: it was done, or called off."""
    _set(connection, project_id, None, None)


def due(connection: sa.Connection, now: datetime) -> list[NormalizedName]:
    """The projects whose time has come by ``now``, by name."""
    query = sa.select(project.c.name).where(project.c.unarchives_at <= now).order_by(project.c.name)
    return [NormalizedName(name) for name in connection.scalars(query)]


def _set(connection: sa.Connection, project_id: int, asked_by: int | None, due_at: datetime | None) -> None:
    changed = project.update().where(project.c.id == project_id)
    connection.execute(changed.values(unarchive_asked_by=asked_by, unarchives_at=due_at))
