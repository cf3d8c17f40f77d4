"""Grant: what an operator gives on a project, or takes back: roles of people, and limits of its own.

The journal tells that a role was given, never to whom: people's names stay with the operator.
"""

from __future__ import annotations

from datetime import datetime

from affineur.core.access import Actor, Role
from affineur.core.decision import refuse
from affineur.core.journal import Event
from affineur.core.names import NormalizedName
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants, journal, projects

from . import permission


def set_role(
    index: Index, actor: Actor, project: NormalizedName, account: str, role: Role | None, now: datetime
) -> bool:
    """Give ``account`` a role on ``project``, or take it away (None); whether anything changed.

    `Refused` where the actor is no operator, or project or account do not exist.
    """
    with index.store.write() as connection:
        found = permission.require(connection, actor, "grant", project, now)
        holder = accounts.account_id(connection, account)
        if holder is None:
            refuse(
                "account.exists",
                f"There is no account '{account}' on this index.",
                f"`affineur token create --user {account}` makes it.",
            )
        before = projects.role_of(connection, found.id, holder)
        if before == role:
            return False
        if role is None:
            grants.take_role(connection, found.id, holder)
        else:
            grants.set_role(connection, found.id, holder, role, now, actor.account_id)
        event = "RoleGranted" if role else "RoleRevoked"
        told = Event(event, project, old={"role": before}, new={"role": role}, rule="grant", actor_class="operator")
        projects.touch(connection, found.id, journal.append(connection, now, [told], actor.name or None), now)
    pages.project(index, project)
    return True


def set_limits(
    index: Index,
    actor: Actor,
    project: NormalizedName,
    now: datetime,
    file_limit_bytes: int | None,
    total_limit_bytes: int | None,
) -> bool:
    """Give ``project`` limits of its own (None: the index's apply); whether anything changed. `Refused` as above."""
    with index.store.write() as connection:
        found = permission.require(connection, actor, "set-limits", project, now)
        old = {"file_limit_bytes": found.file_limit_bytes, "total_limit_bytes": found.total_limit_bytes}
        new = {"file_limit_bytes": file_limit_bytes, "total_limit_bytes": total_limit_bytes}
        if old == new:
            return False
        grants.set_limits(connection, found.id, file_limit_bytes, total_limit_bytes)
        told = Event("LimitsChanged", project, old=old, new=new, rule="grant", actor_class="operator")
        projects.touch(connection, found.id, journal.append(connection, now, [told], actor.name or None), now)
    pages.project(index, project)
    return True
