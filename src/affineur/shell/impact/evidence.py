"""The evidence for a project's class: what the newest run knew of it, who installs it, and what depends on it.

The numbers are those that the run recorded; installers and chains are looked up when they are asked for, over the
same days. What does not live here: what each number means (`core.impact.explain`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from affineur.core.decision import refuse
from affineur.core.downloads.figures import EVERYTHING, INSTALLS, Share, Window
from affineur.core.impact.explain import Explanation, explain
from affineur.core.names import NormalizedName
from affineur.shell.dependents import questions
from affineur.shell.index import Index
from affineur.shell.lake.files import FileDamaged, FileGone, fresh, open_files
from affineur.shell.store import impact
from affineur.shell.store.impact import Run

from . import facts

INSTALLERS = 5
CHAINS = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the numbers: the most frequent installers, and chains of names, each ends in the project.

    ``downloads``: all of the run's window, ``installs``: those by installers, neither capped.
    """

    installers: tuple[Share, ...]
    chains: tuple[tuple[str, ...], ...]
    downloads: int = 0
    installs: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """What a run said of a project."""

    run: Run
    explanation: Explanation


def explained(index: Index, project: NormalizedName, at: datetime | None = None) -> Past:
    """Why a project has the class that it had at ``at`` (aware UTC; None: now), from the newest run up to then.

    `Refused` (``impact.run``) where there was no run, or the project was not there. Cost: one look into a file.
    """
    with index.store.read() as connection:
        run = impact.newest(connection, at)
    found = None if run is None else _of_run(index, run, project)
    if found is None:
        when = f" on {at:%Y-%m-%d}" if at else " yet"
        refuse(
            "impact.run",
            f"The impact of project '{project}' was not measured{when}.",
            "The next run of this index does it.",
        )
    return found


def history(index: Index, project: NormalizedName, limit: int = 24) -> list[Past]:
    """What the newest runs said of a project, newest first; those that did not see it, or are gone, are left out."""
    with index.store.read() as connection:
        found = [run for run in impact.runs(connection, limit) if run.state != "dry"]
    told = (_of_run(index, run, project) for run in found if facts_path(index, run))
    return [each for each in told if each is not None]


def beside(index: Index, project: NormalizedName, run: Run) -> Beside:
    """Who installs the project, over the run's window, and through what others come to depend on it."""
    window = Window.until(run.last_day, run.numbers.window_days)
    installers = index.lake.shares(project, window, INSTALLS, "installer", INSTALLERS)
    roots = [each.name for each in questions.indirect(index, project, limit=CHAINS)]
    roots = roots or [each.name for each in questions.direct(index, project, limit=CHAINS)]
    chains = questions.why(index, project, roots).chains if roots else ()
    first = {chain.names[0]: chain.names for chain in reversed(chains) if chain.names}
    downloads, installs = (index.lake.total(project, window, which) for which in (EVERYTHING, INSTALLS))
    return Beside(tuple(installers), tuple(first[root] for root in roots if root in first), downloads, installs)


def facts_path(index: Index, run: Run) -> Path | None:
    """Where the facts file of a run is; None where it is gone or damaged, as after a restore without statistics."""
    try:
        return open_files(index.settings).local(run.facts, run.facts_sha256)
    except (FileGone, FileDamaged):
        return None


@contextmanager
def facts_file(index: Index, run: Run) -> Iterator[tuple[Path, Path]]:
    """The facts file of a run, and an empty folder for what is made of it. `Refused` (``impact.run``) if it is gone."""
    path = facts_path(index, run)
    if path is None:
        _facts_gone(run)
    with fresh(open_files(index.settings)) as scratch:
        scratch.mkdir()
        yield path, scratch


def _of_run(index: Index, run: Run, project: NormalizedName) -> Past | None:
    path = facts_path(index, run)
    found = facts.one(path, project) if path else _facts_gone(run)
    if found is None:
        return None
    judged, ranks = found
    return Past(run, explain(run.id, run.last_day, judged.facts, run.thresholds, run.numbers, ranks))


def _facts_gone(run: Run) -> NoReturn:
    refuse("impact.run", f"What run {run.id} recorded is not on this machine any more.", "A new run records it anew.")
