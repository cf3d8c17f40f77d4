"""Unarchiving a widely used project, where one owner asked alone: call it off, or carry it out when its time has come.

What does not live here: asking for it, and doing it at once (`status`).
"""

from __future__ import annotations

from datetime import datetime

from affineur.core.decision import Refused, refuse
from affineur.core.life.lifecycle import NOTHING_SAID, WHOLE, possible
from affineur.core.names import NormalizedName
from affineur.core.security import Caller, console
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, projects, unarchiving

from . import aftermath, permission, transition


def call_off_unarchiving(index: Index, by: Caller, project: NormalizedName) -> None:
    """Any owner says that the project stays archived; all owners get a letter.

    `Refused` where the actor may not, or nothing waits (``lifecycle.unarchive-none``).
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "archive", project, by.now)
        if found.unarchives_at is None:
            refuse(
                "lifecycle.unarchive-none",
                f"No unarchiving of project '{project}' is waiting.",
                "There is nothing to call off.",
            )
        aftermath.call_off(connection, by, found)


def settle_unarchivings(index: Index, now: datetime) -> int:
    """Unarchive the projects whose time has come; how many. A chore.

    Everything but the wait is asked again: whoever asked may have lost the role meanwhile, the project its owners.
    """
    with index.store.read() as connection:
        due = unarchiving.due(connection, now)
    return sum(_settle(index, project, now) for project in due)


def _settle(index: Index, project: NormalizedName, now: datetime) -> bool:
    with index.store.write() as connection:
        found = projects.find(connection, project)
        if found is None or found.unarchives_at is None or now < found.unarchives_at:  # called off meanwhile
            return False
        asker = found.unarchive_asked_by
        actor = asker and accounts.actor_by_id(connection, asker, factor_required=index.settings.second_factor_required)
        if not actor or not permission.stands(connection, index, asker, "unarchive", project, now):
            aftermath.call_off(connection, console(now), found, "Whoever asked for it is no owner any more.")
            return False
        by = Caller(actor, now)
        try:
            possible(project, found.standing, "unarchive", WHOLE, NOTHING_SAID).require()
            moved = transition.carry_out(connection, actor, "unarchive", found, now)
        except Refused as refused:
            aftermath.call_off(connection, console(now), found, refused.decision.reason)
            return False
        aftermath.settle(connection, by, "unarchive", moved)
    pages.project(index, project)
    return True
