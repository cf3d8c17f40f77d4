"""What the index knows of projects that are named as replacements of a deprecated one.

What does not live here: whether one may be named (`core.life.guards`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.life.guards import Candidate
from affineur.core.life.standing import Replacement, Standing, permits

from . import projects
from .projects import ProjectRow
from .schema import role

FOLLOWED_AT_MOST = 100
"""Projects looked at on the way along replacements of replacements."""


def candidate(connection: sa.Connection, of: ProjectRow, replacement: Replacement) -> Candidate:
    """The facts about one replacement of a project. Cost: the length of the way that replacements lead."""
    found = projects.find(connection, replacement.name)
    if found is None:
        return Candidate(replacement, exists=False)
    return Candidate(
        replacement,
        exists=True,
        created_at=found.created_at,
        shares_an_owner=_share_an_owner(connection, of.id, found.id),
        impact=found.standing.impact,
        offered=permits(found.standing).offer,
        leads_to=_leads_to(connection, found.standing),
    )


def owners_apart(connection: sa.Connection, of: int, project_id: int) -> bool:
    """Whether a project has owners, and none of them owns ``of``, too: they are told that they are named."""
    return not _share_an_owner(connection, of, project_id)


def _share_an_owner(connection: sa.Connection, one: int, other: int) -> bool:
    owners = sa.select(role.c.account_id).where(role.c.project_id == one, role.c.role == "owner")
    query = sa.select(role.c.account_id).where(
        role.c.project_id == other, role.c.role == "owner", role.c.account_id.in_(owners)
    )
    return connection.scalar(query.limit(1)) is not None


def _leads_to(connection: sa.Connection, standing: Standing) -> frozenset[str]:
    seen: set[str] = set()
    ahead = [one.name for one in standing.replacements]
    while ahead and len(seen) < FOLLOWED_AT_MOST:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        found = projects.find(connection, name)
        if found is not None and found.standing.advice == "deprecated":
            ahead.extend(one.name for one in found.standing.replacements)
    return frozenset(seen)
