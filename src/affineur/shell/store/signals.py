"""What is measured of a project for `core.life.signals`.

What does not live here: what it comes to.
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from affineur.core.life.signals import Facts, OwnerFacts

from . import emails, grants
from .projects import ProjectRow
from .schema import release


def facts(connection: sa.Connection, found: ProjectRow) -> Facts:
    """The facts about a project. Cost: a few look-ups for each owner."""
    newest = sa.select(sa.func.max(release.c.created_at)).where(release.c.project_id == found.id)
    owners = [
        OwnerFacts(holder.seen_at, _mail(connection, holder.account_id))
        for holder in grants.holders(connection, found.id)
        if holder.role == "owner" and holder.kind == "person"
    ]
    return Facts(found.created_at, connection.scalar(newest), owners)


def _mail(connection: sa.Connection, account_id: int) -> Literal["taken", "refused", "unverified"]:
    verified = [row for row in emails.listed(connection, account_id) if row.verified_at is not None]
    if not verified:
        return "unverified"
    return "taken" if any(row.failed_at is None for row in verified) else "refused"
