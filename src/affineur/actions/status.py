"""Archive, finish, deprecate, wish, classify, and taking each back: one fact of a project's standing changes.

When this returns the public tree says so too. What keeps things off offer is `hold`'s; what follows for people is
`aftermath`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from affineur.core.access import Actor
from affineur.core.decision import Refused
from affineur.core.life import guards
from affineur.core.life.lifecycle import NOTHING_SAID, WHOLE, Act, Said
from affineur.core.life.standing import ProjectStatus, Standing, project_status
from affineur.core.names import NormalizedName
from affineur.core.security import CONSOLE, Caller, Origin
from affineur.projections import pages
from affineur.shell.index import Index

from . import aftermath, transition


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world is told of the project now, and whether the act changed anything.

    ``waits_until``: it was asked for, and happens then unless an owner calls it off; nothing has changed yet.
    """

    project: NormalizedName
    status: ProjectStatus
    standing: Standing
    changed: bool
    waits_until: datetime | None = None


def set_status(
    index: Index,
    actor: Actor,
    act: Act,
    project: NormalizedName,
    now: datetime,
    said: Said = NOTHING_SAID,
    origin: Origin = CONSOLE,
) -> Outcome:
    """Carry out ``act`` (none of `lifecycle.HOLDING`) on ``project`` as ``actor``, who acts from ``origin``.

    ``now`` (aware UTC) is its time in the journal. `Refused` where there is no such project, the actor may not, the
    table has no such edge from here, or a guard objects. Doing what is done already is no error where the table
    allows it, and is not recorded. The other owners get a letter.
    """
    by = Caller(actor, now, origin)
    with index.store.write() as connection:
        found = transition.begin(connection, actor, act, project, now, WHOLE, said)
        try:
            public = act != "reclassify" or index.settings.impact_public
            moved = transition.carry_out(connection, actor, act, found, now, said, origin=origin, public=public)
        except Refused as refused:
            if not _waits(refused):
                raise
            due_at = aftermath.ask_to_unarchive(connection, by, found)
            return Outcome(project, project_status(found.standing), found.standing, False, due_at)
        aftermath.settle(connection, by, act, moved)
    pages.project(index, project)
    standing = moved.project.standing
    return Outcome(project, project_status(standing), standing, moved.changed)


def foresee(
    index: Index, actor: Actor, act: Act, project: NormalizedName, now: datetime, said: Said = NOTHING_SAID
) -> Outcome:
    """What `set_status` would come to, and `Refused` where it would be; nothing is changed, and nobody is told."""
    with index.store.read() as connection:
        try:
            found, then = transition.foresee(connection, actor, act, project, now, WHOLE, said)
        except Refused as refused:
            if not _waits(refused):
                raise
            found = transition.begin(connection, actor, act, project, now, WHOLE, said)
            due_at = found.unarchives_at or now + guards.UNARCHIVE_WAITS
            return Outcome(project, project_status(found.standing), found.standing, False, due_at)
    return Outcome(project, project_status(then), then, then != found.standing)


def _waits(refused: Refused) -> bool:
    return refused.decision.rule == "lifecycle.unarchive-waits"
