"""Grant: what an operator gives on a project, or takes back: roles of people, and limits of its own.

The journal tells that a role was given, never to whom: people's names stay with the security log. Owners give roles
by inviting (`invite`) and take them by proposing (`propose_removal`).
"""

from __future__ import annotations

from affineur.core.decision import Refused
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import unknown
from affineur.core.permissions import Role
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants, journal, projects, security

from . import parting, permission


def set_role(index: Index, by: Caller, project: NormalizedName, account: str, role: Role | None) -> bool:
    """Give ``account`` a role on ``project``, or take it away (None); whether anything changed.

    Whoever is concerned is told by mail. `Refused` where the caller is no operator, or project or account do not
    exist. The last owner can be taken away in this way: the operator decides then what becomes of the project.
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "grant", project, by.now)
        if role is None:  # as strong a proof as for removing somebody on the project's page
            permission.ask(connection, by.actor, "remove", found, by.now).require()
        holder = accounts.find(connection, account)
        if holder is None:
            raise Refused(unknown(account, f"`affineur token create --user {account}` makes it."))
        before = parting.find_holder(connection, found.id, holder.id)
        if (before and before.role) == role:
            return False
        shared = {"project": found.display_name, "account": holder.name, "by": by.actor.name or None, "at": by.now}
        everybody = ("owner", "maintainer")
        if role is None:
            assert before is not None  # noqa: S101 - or nothing would change
            letter = {**shared, "role": before.role}
            grants.tell_people(connection, found.id, "role-removed", letter, by.now, roles=everybody)
            parting.part(connection, by, found, before, "moderator")
        else:
            grants.set_role(connection, found.id, holder.id, role, by.now, by.actor.account_id)
            facts = {"role": role, "before": before and before.role}
            told = Event("RoleGranted", project, old={"role": facts["before"]}, new={"role": role}, rule="grant",
                         actor_class="operator")  # fmt: skip
            serial = journal.append(connection, by.now, [told], by.actor.name or None)
            projects.touch(connection, found.id, serial, by.now)
            security.append(connection, by, Happened("RoleGranted", holder.id, holder.name, project, facts=facts))
            letter = {**shared, "role": role}
            grants.tell_people(connection, found.id, "role-granted", letter, by.now, roles=everybody)
    pages.project(index, project)
    return True


def set_limits(
    index: Index,
    by: Caller,
    project: NormalizedName,
    file_limit_bytes: int | None,
    total_limit_bytes: int | None,
) -> bool:
    """Give ``project`` limits of its own (None: the index's apply); whether anything changed. `Refused` as above."""
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "set-limits", project, by.now)
        old = {"file_limit_bytes": found.file_limit_bytes, "total_limit_bytes": found.total_limit_bytes}
        new = {"file_limit_bytes": file_limit_bytes, "total_limit_bytes": total_limit_bytes}
        if old == new:
            return False
        grants.set_limits(connection, found.id, file_limit_bytes, total_limit_bytes)
        told = Event("LimitsChanged", project, old=old, new=new, rule="grant", actor_class="operator")
        serial = journal.append(connection, by.now, [told], by.actor.name or None)
        projects.touch(connection, found.id, serial, by.now)
    pages.project(index, project)
    return True
