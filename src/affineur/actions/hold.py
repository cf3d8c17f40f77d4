"""Quarantine, clear, condemn, withhold, unwithhold: something is kept off offer for now, or given back.

The order is given before the answer: when this returns, neither page nor file nor any range of it is served here any
more. Each of them is undone by another of them, and gives back exactly what was before.
"""

from __future__ import annotations

from dataclasses import dataclass

from affineur.core.life.lifecycle import NOTHING_SAID, WHOLE, Act, Place, Said
from affineur.core.life.standing import ProjectStatus, Standing, project_status
from affineur.core.moderation.reporters import Outcome as Verdict
from affineur.core.names import NormalizedName
from affineur.core.security import Caller
from affineur.projections import pages
from affineur.shell.index import Index

from . import holding


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the world is told of the project now, and by which case.

    ``waits``: a first moderator's word is noted, and nothing happens before a second one's.
    """

    project: NormalizedName
    status: ProjectStatus
    standing: Standing
    changed: bool
    case: str | None
    waits: bool = False


def hold(
    index: Index,
    by: Caller,
    act: Act,
    project: NormalizedName,
    place: Place = WHOLE,
    said: Said = NOTHING_SAID,
    verdict: Verdict | None = None,
) -> Outcome:
    """Carry out ``act`` (of `lifecycle.HOLDING`) on what ``place`` names of ``project``.

    ``verdict``: that on the reports of the case, where lifting ends it and they were right all the same (what they
    told of is repaired). `Refused` where project or place do not exist, the caller may not, the table has no such
    edge from here, or a guard objects. Of a hold that only our upstream placed, lifting lifts that. Owners get a
    letter, and reporters one with the verdict.
    """
    with index.store.write() as connection:
        held = holding.carry_out(connection, by, act, project, place, said, verdict)
    pages.project(index, project)
    standing = held.moved.project.standing
    return Outcome(project, project_status(standing), standing, held.moved.changed, held.case, held.waits)
