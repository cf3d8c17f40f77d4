"""Only trusted publishers may upload to a project: on at once, off after three days that every owner is told of.

What does not live here: what it comes to for an upload (`core.access.publishers_only`).
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import SYSTEM, actor_class
from affineur.core.access import publishers_only as is_closed
from affineur.core.decision import refuse
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import REMOVAL_WAITS
from affineur.core.security import Caller, Happened, console
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, projects, publishers, security

from . import permission


def require_publishers(index: Index, by: Caller, project: NormalizedName) -> bool:
    """Close uploads to ``project`` for all but its publishers, at once; whether anything changed.

    An opening that was scheduled is called off. `Refused` where the actor may not, or the project has no publisher
    (``publisher.none``): nobody could publish then.
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "require-publishers", project, by.now)
        if not publishers.of_project(connection, found.id):
            refuse(
                "publisher.none",
                f"Project '{project}' has no trusted publisher, so nobody could upload to it.",
                "Add one first.",
            )
        closed = is_closed(found.publishers_only, found.publishers_only_ends_at, by.now)
        if closed and found.publishers_only_ends_at is None:
            return False
        publishers.set_only(connection, found.id, True, None)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
        if closed:
            _log(connection, by, "PublishersReleaseCancelled", project)
        else:
            _journal(connection, by, "PublishersRequired", found)
            _log(connection, by, "PublishersRequired", project)
        values = {"project": str(project), "by": by.actor.name or None, "at": by.now}
        grants.tell_people(connection, found.id, "publishers-only-on", values, by.now, everywhere=True)
    pages.project(index, project)
    return True


def release_publishers(index: Index, by: Caller, project: NormalizedName) -> datetime:
    """Let tokens upload to ``project`` again, 72 hours from now; when that is. Every owner is told now and then.

    Asked for twice, the first time counts. `Refused` where the actor may not, or it is open (``publisher.open``).
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "release-publishers", project, by.now)
        _require_closed(found, by.now)
        if found.publishers_only_ends_at is not None:
            return found.publishers_only_ends_at
        due = by.now + REMOVAL_WAITS
        publishers.set_only(connection, found.id, True, due)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
        _log(connection, by, "PublishersReleaseScheduled", project, due_at=due.isoformat())
        values = {
            "project": str(project),
            "by": by.actor.name or None,
            "due_at": due,
            "page": f"account/projects/{project}/publishing",
        }
        grants.tell_people(connection, found.id, "publishers-only-off-scheduled", values, by.now, everywhere=True)
    return due


def keep_publishers(index: Index, by: Caller, project: NormalizedName) -> bool:
    """Call off an opening that was scheduled, at once, as any owner; whether there was one. `Refused` as above."""
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "require-publishers", project, by.now)
        _require_closed(found, by.now)
        if found.publishers_only_ends_at is None:
            return False
        publishers.set_only(connection, found.id, True, None)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
        _log(connection, by, "PublishersReleaseCancelled", project)
        values = {"project": str(project), "by": by.actor.name or None, "at": by.now}
        grants.tell_people(connection, found.id, "publishers-only-on", values, by.now, everywhere=True)
    return True


def settle_releases(index: Index, now: datetime) -> int:
    """Open the projects whose three days are over; how many. A chore; uploads are judged by the time itself."""
    with index.store.read() as connection:
        due = publishers.releases_due(connection, now)
    return sum(_open(index, project, now) for project in due)


def _open(index: Index, project: NormalizedName, now: datetime) -> bool:
    by = console(now)
    with index.store.write() as connection:
        found = projects.find(connection, project)
        ends = None if found is None else found.publishers_only_ends_at
        if found is None or ends is None or not found.publishers_only or now < ends:  # called off meanwhile
            return False
        publishers.set_only(connection, found.id, False, None)
        _journal(connection, by, "PublishersReleased", found)
        _log(connection, by, "PublishersReleased", project)
        grants.tell_people(
            connection, found.id, "publishers-only-off", {"project": str(project), "at": ends}, now, everywhere=True
        )
    pages.project(index, project)
    return True


def _require_closed(found: projects.ProjectRow, now: datetime) -> None:
    if not is_closed(found.publishers_only, found.publishers_only_ends_at, now):
        refuse(
            "publisher.open",
            f"Tokens may upload to project '{found.name}' as it is.",
            "There is nothing to switch off.",
        )


def _journal(connection: sa.Connection, by: Caller, event: str, found: projects.ProjectRow) -> None:
    on = event == "PublishersRequired"
    who = "system" if by.actor is SYSTEM and not on else actor_class(by.actor)
    told = Event(
        event,
        found.name,
        old={"publishers_only": not on},
        new={"publishers_only": on},
        rule="publishers-only",
        actor_class=who,
    )
    serial = journal.append(connection, by.now, [told], by.actor.name or None)
    projects.touch(connection, found.id, serial, by.now)


def _log(connection: sa.Connection, by: Caller, event: str, project: NormalizedName, **facts: object) -> None:
    happened = Happened(event, by.actor.account_id, by.actor.name or None, project, facts=facts)
    security.append(connection, by, happened)
