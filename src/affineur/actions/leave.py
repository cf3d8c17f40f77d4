"""Leave a project: give up one's own role, at once, without asking anybody."""

from __future__ import annotations

from affineur.core.names import NormalizedName
from affineur.core.people import roles
from affineur.core.security import Caller
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import emails, grants

from . import parting, permission


def leave(index: Index, by: Caller, project: NormalizedName) -> None:
    """Give up the caller's role on ``project``. The owners who stay are told, and so are the caller's addresses.

    `Refused` for the only owner, with the ways out, and without a strong, fresh proof: a stolen session must not be
    able to orphan a project.
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "leave", project, by.now)
        assert by.actor.account_id is not None  # noqa: S101 - only who has a role may leave
        holder = parting.find_holder(connection, found.id, by.actor.account_id)
        if holder is None:  # the index itself, which has none to give up
            return
        roles.may_part(holder.role, grants.crew(connection, found.id), found.display_name).require()
        parting.part(connection, by, found, holder, "left")
        letter = {"project": found.display_name, "role": holder.role, "account": holder.name, "at": by.now}
        grants.tell_people(connection, found.id, "left-project", letter, by.now)
        emails.tell(connection, holder.account_id, "left-project", letter, by.now)
    pages.project(index, project)
