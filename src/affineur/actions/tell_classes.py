"""Tell, in the journal and so on every page, the classes that were given while they were not for everybody to see.

For when an operator has switched the setting ``impact_public`` on. What does not live here: giving them (`classify`).
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa

from affineur.core.access import UNATTENDED
from affineur.core.history.fold import Folded
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import Said
from affineur.core.life.standing import Impact, Standing
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import journal, projects
from affineur.shell.store.schema import journal as entries
from affineur.shell.store.schema import project

_CHUNK = 200
_TOLD = sa.select(entries).where(entries.c.event == "ProjectReclassified").order_by(entries.c.serial)
_CLASSES = sa.select(project.c.name, project.c.impact, project.c.impact_basis).where(project.c.impact.is_not(None))


def tell_classes(index: Index, now: datetime) -> int:
    """Write an entry for each project whose class is another than the journal says; how many.

    Nothing is done where classes are not public. Twice is no harm. Cost: one pass over the journal.
    """
    if not index.settings.impact_public:
        return 0
    with index.store.read() as connection:
        folded = Folded()
        for row in connection.execute(_TOLD, execution_options={"yield_per": 1000}):
            folded.apply(journal.as_entry(row).event)
        known = {name: (told.get("impact"), told.get("impact_basis")) for name, told in folded.projects.items()}
        untold = [
            (name, known.get(name, (None, None)))
            for name, impact, basis in connection.execute(_CLASSES)
            if known.get(name, (None, None)) != (impact, basis)
        ]
    for start in range(0, len(untold), _CHUNK):
        _tell(index, untold[start : start + _CHUNK], now)
    return len(untold)


def _tell(index: Index, some: list[tuple[str, tuple[object, object]]], now: datetime) -> None:
    with index.store.write() as connection:
        for name, (impact, basis) in some:
            found = projects.find(connection, name)
            if found is None:
                continue
            before = Standing(impact=cast(Impact | None, impact), impact_basis=cast(str | None, basis))
            then = Standing(impact=found.standing.impact, impact_basis=found.standing.impact_basis)
            told = lifecycle.events(found.name, before, then, "reclassify", Said(), UNATTENDED)
            if told:
                projects.touch(connection, found.id, journal.append(connection, now, told), now)
    for name, _ in some:
        pages.project(index, name)
