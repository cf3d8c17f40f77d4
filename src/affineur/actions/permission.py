"""Permission: what every act on a project begins with. Not an act itself.

It finds the project and the role of whoever acts, inside the act's own transaction, and asks `core.access.may`.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import Actor, Resource, may, publishers_only
from affineur.core.decision import Decision, refuse
from affineur.core.names import NormalizedName
from affineur.core.permissions import Action
from affineur.shell.index import Index
from affineur.shell.store import accounts, projects


def require(
    connection: sa.Connection, actor: Actor, action: Action, project: NormalizedName, now: datetime
) -> projects.ProjectRow:
    """The project, where ``actor`` may do ``action`` to it; `Refused` where not, or where there is no such project."""
    found = projects.find(connection, project)
    if found is None:
        refuse("project.exists", f"There is no project '{project}' on this index.", "Check its name.")
    ask(connection, actor, action, found, now).require()
    return found


def ask(connection: sa.Connection, actor: Actor, action: Action, found: projects.ProjectRow, now: datetime) -> Decision:
    """Whether ``actor`` may do ``action`` to a project."""
    return may(actor, action, resource(connection, actor, found, now), now)


def stands(
    connection: sa.Connection, index: Index, account_id: int | None, action: Action, name: NormalizedName, now: datetime
) -> bool:
    """Whether somebody who began something is still one who may do ``action``: has the role, and is not frozen.

    What was begun with a fresh proof needs none again. ``account_id`` None: the index itself began it.
    """
    if account_id is None:
        return True
    found = projects.find(connection, name)
    actor = accounts.actor_by_id(connection, account_id, factor_required=index.settings.second_factor_required)
    if found is None or actor is None:
        return False
    return ask(connection, actor, action, found, now).rule not in ("access.frozen", "access.role")


def resource(connection: sa.Connection, actor: Actor, found: projects.ProjectRow, now: datetime) -> Resource:
    """A project as `core.access` sees it when ``actor`` acts."""
    role = None if actor.account_id is None else projects.role_of(connection, found.id, actor.account_id)
    closed = publishers_only(found.publishers_only, found.publishers_only_ends_at, now)
    return Resource(found.name, True, role, publishers_only=closed, held=found.standing.safety != "clear")
