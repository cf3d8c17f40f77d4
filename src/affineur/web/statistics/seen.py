"""Whether there is anything to tell of a name: a project that is here, or one that was, and whose statistics stay.

What does not live here: the figures themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from affineur.core.decision import Refused
from affineur.core.downloads.figures import EVERYTHING, State
from affineur.core.names import NormalizedName, parse_name
from affineur.shell.index import Index
from affineur.shell.store import projects
from affineur.shell.store.projects import ProjectRow


@dataclass(frozen=True, slots=True)
class Seen:
    """A name of which something is known. ``project`` None: it is not here any more. ``ever``: all its downloads."""

    name: NormalizedName
    project: ProjectRow | None
    state: State
    ever: int

    @property
    def display_name(self) -> str:
        """As its owners write it."""
        return self.project.display_name if self.project else self.name


def project_of(index: Index, asked: str) -> ProjectRow | None:
    """The project of the name ``asked``, however it is spelled; None: it is not here, or that is no name."""
    try:
        name = parse_name(asked)
    except Refused:
        return None
    with index.store.read() as connection:
        return projects.find(connection, name)


def seen(index: Index, asked: str) -> Seen | None:
    """What is known of the name ``asked``, however it is spelled; None: it was never here, or is no name."""
    try:
        name = parse_name(asked)
    except Refused:
        return None
    project = project_of(index, name)
    state = index.lake.state()
    ever = index.lake.total(name, None, EVERYTHING) if state.first_day else 0
    return Seen(name, project, state, ever) if project or ever else None
