"""The facts of a run: what it knew of every project, and what class it gave, as one Parquet file sorted by name.

The file is all that it takes to judge again, and is never changed.
What does not live here: gathering (`gathering`), judging (`core.impact.policy`), and where the file is kept
(`shell.lake.files`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affineur.core.impact.explain import Ranks
from affineur.core.impact.policy import Facts, Verdict
from affineur.shell.duck_memory import reading_lines, reading_parquet, write_lines, written
from affineur.shell.lake.duck_engine import FORM, Asking, working

if TYPE_CHECKING:
    import duckdb

FACTS = {
    "project": "VARCHAR",
    "installs_ever": "BIGINT",
    "installs_month": "BIGINT",
    "steady": "BIGINT",
    "last_window": "BIGINT",
    "window_before": "BIGINT",
    "outside_dependents": "BIGINT",
    "transitive_dependents": "BIGINT",
    "impact": "VARCHAR",
    "basis": "VARCHAR",
    "below_since": "DATE",
}
"""The columns that are facts: those of `core.impact.policy.Facts`."""
VERDICT = {
    "given": "VARCHAR",
    "given_basis": "VARCHAR",
    "measured": "VARCHAR",
    "measured_by": "VARCHAR",
    "waits": "VARCHAR",
    "stays_below_since": "DATE",
}
"""The columns that the run added."""
_ROWS = 10_000
_GROUP = 10_240


@dataclass(frozen=True, slots=True)
class Judged:
    """A project as a run saw it, and the class that it gave."""

    facts: Facts
    verdict: Verdict

    @property
    def moves(self) -> bool:
        """Whether class or basis became another."""
        return (self.verdict.impact, self.verdict.basis) != (self.facts.impact, self.facts.basis)


def write(every: Iterable[Judged], target: Path, scratch: Path) -> None:
    """Write the facts file ``target``; ``scratch`` is a folder for what is in between."""
    lines = scratch / "judged.ndjson"
    write_lines(lines, (_row(each) for each in every))
    source = reading_lines(lines, FACTS | VERDICT)
    with working(scratch) as connection:
        connection.execute(
            f"COPY (SELECT * FROM {source} ORDER BY project) "  # noqa: S608 -- only our own names and paths
            f"TO {written(target)} ({FORM}, ROW_GROUP_SIZE {_GROUP})"
        )
    lines.unlink()


def read(path: Path, scratch: Path, after: str = "", *, moving_only: bool = False) -> Iterator[Judged]:
    """Every project of a facts file by name, those after ``after``; only those that move, with ``moving_only``."""
    moving = "AND (given, given_basis) IS DISTINCT FROM (impact, basis)" if moving_only else ""
    query = f"SELECT * FROM {reading_parquet(path)} WHERE project > ? {moving} ORDER BY project"  # noqa: S608
    with working(scratch) as connection:
        yield from (_judged(row) for row in rows(connection.execute(query, [after])))


def one(path: Path, project: str) -> tuple[Judged, Ranks] | None:
    """A project as the run saw it, with its ranks among all; None where it was not there."""
    source, asking = reading_parquet(path), Asking()
    with closing(asking), asking.cursor() as connection:
        row = connection.execute(f"SELECT * FROM {source} WHERE project = ?", [project]).fetchone()  # noqa: S608
        if row is None:
            return None
        found = _judged(row)
        above = connection.execute(
            "SELECT count(*) FILTER (WHERE steady > ?), count(*) FILTER (WHERE transitive_dependents > ?) "  # noqa: S608
            f"FROM {source}",
            [found.facts.steady, found.facts.transitive_dependents],
        ).fetchone()
    assert above is not None  # noqa: S101 -- counting always gives a row
    installs = above[0] + 1 if found.facts.steady else None
    return found, Ranks(installs, above[1] + 1 if found.facts.transitive_dependents else None)


def rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """The rows of a result, some at a time."""
    while some := result.fetchmany(_ROWS):
        yield from some


def facts_of(row: tuple[Any, ...]) -> Facts:
    """The facts that a row of the columns `FACTS` holds."""
    return Facts(*row)


def _judged(row: tuple[Any, ...]) -> Judged:
    facts, verdict = row[: len(FACTS)], row[len(FACTS) :]
    return Judged(Facts(*facts), Verdict(*verdict))


def _row(each: Judged) -> dict[str, object]:
    told = {name: getattr(each.facts, name) for name in FACTS}
    return told | dict(zip(VERDICT, _values(each.verdict), strict=True))


def _values(verdict: Verdict) -> tuple[str | date | None, ...]:
    return (
        verdict.impact,
        verdict.basis,
        verdict.measured,
        verdict.measured_by,
        verdict.waits,
        verdict.below_since,
    )
