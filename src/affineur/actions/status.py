"""Archive, finish, deprecate, wish, classify, and taking each back: one fact of a project's standing changes.

When this returns the public tree says so too. What keeps things off offer is `hold`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from affineur.core.access import Actor
from affineur.core.lifecycle import NOTHING_SAID, WHOLE, Act, Said
from affineur.core.names import NormalizedName
from affineur.core.standing import ProjectStatus, Standing, project_status
from affineur.projections import pages
from affineur.shell.index import Index

from . import transition


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world is told of the project now, and whether the act changed anything."""

    project: NormalizedName
    status: ProjectStatus
    standing: Standing
    changed: bool


def set_status(
    index: Index, actor: Actor, act: Act, project: NormalizedName, now: datetime, said: Said = NOTHING_SAID
) -> Outcome:
    """Carry out ``act`` on ``project`` as ``actor``; ``now`` (aware UTC) is its time in the journal.

    `Refused` where there is no such project, the actor may not, the table has no such edge from here, or a guard
    objects. Doing what is done already is no error where the table allows it, and is not recorded.
    """
    with index.store.write() as connection:
        found = transition.begin(connection, actor, act, project, now, WHOLE, said)
        moved = transition.carry_out(connection, actor, act, found, now, said)
    pages.project(index, project)
    standing = moved.project.standing
    return Outcome(project, project_status(standing), standing, moved.changed)
