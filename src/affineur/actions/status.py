"""Archive, deprecate, quarantine, and taking each of them back: one fact of a project's standing changes.

When this returns the public tree says so too: a quarantined project offers nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from affineur.core import lifecycle
from affineur.core.access import Actor
from affineur.core.lifecycle import Act
from affineur.core.names import NormalizedName
from affineur.core.standing import ProjectStatus, project_status
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import grants, journal, projects

from . import permission


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world is told of the project now, and whether the act changed anything."""

    project: NormalizedName
    status: ProjectStatus
    changed: bool


def set_status(
    index: Index, actor: Actor, act: Act, project: NormalizedName, now: datetime, reason: str | None = None
) -> Outcome:
    """Carry out ``act`` on ``project`` as ``actor``; ``now`` (aware UTC) is its time in the journal.

    `Refused` where there is no such project or the actor may not. Acting twice is no error and not recorded.
    """
    with index.store.write() as connection:
        found = permission.require(connection, actor, lifecycle.TRANSITIONS[act].action, project, now)
        changed = lifecycle.changes(found.standing, act, reason)
        if changed:
            told = lifecycle.event(project, found.standing, act, changed, actor)
            projects.set_standing(connection, found.id, dict(changed))
            projects.touch(connection, found.id, journal.append(connection, now, [told], actor.name or None), now)
            grants.note_act(connection, found.id, actor.account_id, now)
            found = projects.find(connection, project) or found
    pages.project(index, project)
    return Outcome(project, project_status(found.standing), bool(changed))
