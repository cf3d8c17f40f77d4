"""Owners: everybody who owns a project is told, inside an act's own transaction. Not an act itself.

What protects a project is nobody's private affair: a thief who changes it has one account, not all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.names import NormalizedName
from affineur.shell.store import emails, publishers


def tell(connection: sa.Connection, project_id: int, template: str, values: Mapping[str, object], now: datetime) -> int:
    """Put a letter to every verified address of every owner into the outbox; how many."""
    told = publishers.owners(connection, project_id)
    return sum(emails.tell(connection, account_id, template, values, now) for account_id in told)


def by_whom(actor: Actor) -> str:
    """Who acts, as a letter names them."""
    return actor.name or "An operator of this index"


def publishing_page(project: NormalizedName) -> str:
    """Where owners see and change how a project is published, as a path below the index's address."""
    return f"account/projects/{project}/publishing"
