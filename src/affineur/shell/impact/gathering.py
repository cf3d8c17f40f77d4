"""Gathering: what is known of every project, from statistics, from the graph of dependencies, and from our rows.

DuckDB puts it together on disk: memory does not grow with the number of projects, but for the names in use.
What does not live here: judging (`core.impact.policy`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from affineur.core.downloads.figures import MONTH_DAYS, Usage, Window
from affineur.core.impact.policy import Facts, Numbers, Thresholds, thresholds
from affineur.shell.dependents import questions
from affineur.shell.duck_memory import reading_lines, reading_parquet, write_lines, written
from affineur.shell.index import Index
from affineur.shell.lake.duck_engine import FORM, working
from affineur.shell.lake.port import Lake
from affineur.shell.progress import Tell
from affineur.shell.store.schema import project

from .facts import FACTS, facts_of, rows

_USAGE = {
    "project": "VARCHAR",
    "ever": "BIGINT",
    "last_month": "BIGINT",
    "last_window": "BIGINT",
    "window_before": "BIGINT",
    "steady": "BIGINT",
}
_COUNTED = {"project": "VARCHAR", "dependents": "BIGINT"}
_OURS = {"project": "VARCHAR", "impact": "VARCHAR", "basis": "VARCHAR"}


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of every project of ours, in a file that is there while it is needed, and the thresholds over them."""

    path: Path
    thresholds: Thresholds
    scratch: Path

    def facts(self) -> Iterator[Facts]:
        """Every project's facts, by name."""
        with working(self.scratch) as connection:
            query = f"SELECT * FROM {reading_parquet(self.path)} ORDER BY project"  # noqa: S608
            yield from map(facts_of, rows(connection.execute(query)))


def gather(
    index: Index,
    last_day: date,
    now: datetime,
    numbers: Numbers,
    scratch: Path,
    before: Path | None,
    tell: Tell,
) -> Gathered:
    """What is known of every project as of ``last_day``. ``before``: the facts file of the run before this one.

    ``scratch``: an empty folder for as long as the answer is used. Cost: linear in projects and edges.
    """
    window = Window.until(last_day, numbers.window_days)
    used = _usage(index.lake, window, last_day, numbers, scratch, tell)
    tell("dependents", 0, None)
    write_lines(scratch / "outside", _counted(questions.outside(index, used, now)))
    reach = questions.reach_of_all(index).by_name(index)
    write_lines(scratch / "reach", _counted((name, count) for name, count, _ in reach if count))
    _ours(index, scratch)
    path = scratch / "facts.parquet"
    with working(scratch) as connection:
        connection.execute(f"COPY ({_joined(scratch, before)}) TO {written(path)} ({FORM})")
    first = index.lake.state().first_day
    covered = first is not None and first <= Window.until(window.first, numbers.window_days).first
    return Gathered(path, measured(path, scratch, numbers, judges_jumps=covered), scratch)


def measured(path: Path, scratch: Path, numbers: Numbers, *, judges_jumps: bool) -> Thresholds:
    """The thresholds over the facts in ``path``."""
    with _column(path, scratch, "steady") as installs, _column(path, scratch, "transitive_dependents") as reach:
        return thresholds(installs, reach, numbers, judges_jumps=judges_jumps)


@contextmanager
def _column(path: Path, scratch: Path, name: str) -> Iterator[list[int]]:
    """Every value of a column that is not zero."""
    with working(scratch) as connection:
        query = f"SELECT {name} FROM {reading_parquet(path)} WHERE {name} > 0"  # noqa: S608 -- our own names
        yield [row[0] for row in rows(connection.execute(query))]


def _usage(lake: Lake, window: Window, last_day: date, numbers: Numbers, scratch: Path, tell: Tell) -> set[str]:
    """Write down every project's installs; the names of those that are in use (C1 or more)."""
    used: set[str] = set()

    def told() -> Iterator[dict[str, object]]:
        for done, each in enumerate(lake.usage(window, Window.until(last_day, MONTH_DAYS))):
            if each.ever >= numbers.unused_below:
                used.add(each.project)
            if done % 10_000 == 0:
                tell("installs", done, None)
            yield _installs(each)

    write_lines(scratch / "usage", told())
    return used


def _installs(each: Usage) -> dict[str, object]:
    return {name: getattr(each, name) for name in _USAGE}


def _counted(pairs: Iterator[tuple[str, int]]) -> Iterator[dict[str, object]]:
    return ({"project": name, "dependents": int(count)} for name, count in pairs)


def _ours(index: Index, scratch: Path) -> None:
    query = sa.select(project.c.name, project.c.impact, project.c.impact_basis)
    with index.store.read() as connection:
        found = connection.execute(query, execution_options={"yield_per": 1000})
        write_lines(scratch / "ours", (dict(zip(_OURS, row, strict=True)) for row in found))


def _joined(scratch: Path, before: Path | None) -> str:
    """The columns of `FACTS` of every project of ours."""
    ours = reading_lines(scratch / "ours", _OURS)
    usage = reading_lines(scratch / "usage", _USAGE)
    outside, reach = (reading_lines(scratch / name, _COUNTED) for name in ("outside", "reach"))
    earlier = (
        f"(SELECT project, given, stays_below_since FROM {reading_parquet(before)})"  # noqa: S608
        if before
        else "(SELECT NULL::VARCHAR AS project, NULL::VARCHAR AS given, NULL::DATE AS stays_below_since LIMIT 0)"
    )
    values = {
        "installs_ever": "coalesce(u.ever, 0)",
        "installs_month": "coalesce(u.last_month, 0)",
        "steady": "coalesce(u.steady, 0)",
        "last_window": "coalesce(u.last_window, 0)",
        "window_before": "coalesce(u.window_before, 0)",
        "outside_dependents": "coalesce(o.dependents, 0)",
        "transitive_dependents": "coalesce(r.dependents, 0)",
        "impact": "p.impact",
        "basis": "p.basis",
        "below_since": "b.stays_below_since",
    }
    assert ["project", *values] == list(FACTS)  # noqa: S101 -- the columns are said once
    selected = ", ".join(f"{value} AS {name}" for name, value in values.items())
    # Whoever changed the class by hand in between starts anew: what was below another class says nothing of this one.
    return (
        f"SELECT p.project AS project, {selected} FROM {ours} p "  # noqa: S608 -- only our own names and paths
        f"LEFT JOIN {usage} u ON u.project = p.project LEFT JOIN {outside} o ON o.project = p.project "
        f"LEFT JOIN {reach} r ON r.project = p.project "
        f"LEFT JOIN {earlier} b ON b.project = p.project AND b.given = p.impact ORDER BY p.project"
    )
