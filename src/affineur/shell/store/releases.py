"""Releases of a project as a list: how old each is, and what its files are.

What does not live here: single releases and files (`projects`, `reading`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from .schema import file, release


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release: since when it is there, how many files it has, and how many of them are yanked."""

    version: str
    created_at: datetime
    files: int
    yanked: int


def of_project(connection: sa.Connection, project_id: int) -> list[ReleaseRow]:
    """Every release of a project, in no order. Cost: linear in its files."""
    yanked = sa.func.sum(sa.case((file.c.yanked, 1), else_=0))
    query = (
        sa.select(release.c.version, release.c.created_at, sa.func.count(file.c.id), sa.func.coalesce(yanked, 0))
        .outerjoin(file, file.c.release_id == release.c.id)
        .where(release.c.project_id == project_id)
        .group_by(release.c.id, release.c.version, release.c.created_at)
    )
    return [ReleaseRow(version, at, int(many), int(gone)) for version, at, many, gone in connection.execute(query)]
