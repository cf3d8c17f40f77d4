"""What is made of events, in SQL for DuckDB: the tables `daily` and `totals`, and sorted files of events.

Each function writes one Parquet file and says how many rows it has. What does not live here: when, and what becomes of
the files (`rolling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.tables import Kind
from affineur.shell.duck_memory import written

from .duck_counting import DAY, NAMED, numbered
from .duck_engine import FORM, ROW_GROUP, reading

if TYPE_CHECKING:
    import duckdb

# A network that is not known counts as one: whoever hides all addresses has all installs of a day from one network.
# No network can be above the cap but where the whole day is.
_TOTALS = f"""
WITH each AS MATERIALIZED (
    SELECT day, project_number, "class", sum(downloads)::BIGINT AS downloads
    FROM counted JOIN known_client USING (client_number) GROUP BY ALL
), many AS MATERIALIZED (
    SELECT day, project_number, project, "class" FROM each JOIN known_project USING (project_number)
    WHERE downloads > $cap
), capped AS (
    SELECT day, project_number, "class", sum(least(counted, $cap))::BIGINT AS capped
    FROM (
        SELECT many.day, project_number, many."class", _network, count(*) AS counted
        FROM {{events}} AS events JOIN many ON many.day = {DAY}
            AND many.project IS NOT DISTINCT FROM events.project AND many."class" IS NOT DISTINCT FROM _class
        GROUP BY ALL
    ) GROUP BY ALL
)
SELECT each.day, each.project_number, each."class", downloads, coalesce(capped, downloads) AS capped
FROM each LEFT JOIN capped ON capped.day = each.day AND capped.project_number = each.project_number
    AND capped."class" IS NOT DISTINCT FROM each."class"
"""  # noqa: S608 -- our own words
# What moved from one class to another takes its share of what the cap had left there, rounded down.
_MOVED_TOTALS = """
SELECT moved.day, moved.project, moved."class", sum(counted)::BIGINT AS downloads,
    sum(counted * known.capped // known.downloads)::BIGINT AS capped
FROM (
    SELECT timestamp::DATE AS day, project, _class AS before, coalesce(agent_class."class", _class) AS "class",
        count(*) AS counted
    FROM {events} LEFT JOIN agent_class ON agent_class.user_agent = _user_agent GROUP BY ALL
) AS moved
JOIN {old} AS known ON known.day = moved.day AND known.project = moved.project AND known."class" = moved.before
GROUP BY ALL
"""


def make_daily(
    duck: duckdb.DuckDBPyConnection, target: Path, old: Sequence[Path], made_anew: Iterable[date], added_to: bool
) -> int:
    """Table `daily` of what was counted, and of what the files ``old`` have of other days than ``made_anew``.

    ``added_to``: some days are in both, and are summed up.
    """
    rows, given = "FROM counted", dict[str, object]()
    if old:
        rows += f" UNION ALL {numbered(_kept('daily', old), ', downloads')}"
        given["anew"] = sorted(made_anew)
    if added_to:
        keys = "day, project_number, version_number, client_number"
        rows = f"SELECT {keys}, sum(downloads)::BIGINT AS downloads FROM ({rows}) GROUP BY ALL"  # noqa: S608
    return _write(duck, target, NAMED.format(counted=rows), given)


def make_totals(
    duck: duckdb.DuckDBPyConnection,
    target: Path,
    events: Sequence[Path],
    old: Sequence[Path],
    made_anew: Iterable[date],
    added_to: bool,
    cap: int,
) -> int:
    """Table `totals` of the ``events`` that was counted, and of ``old``, as `make_daily`.

    What is added to a day is capped by itself: its networks were forgotten.
    """
    rows = _TOTALS.format(events=reading(events, "events"))
    given: dict[str, object] = {"cap": cap}
    if old:
        kept = f'SELECT day, project_number, "class", downloads, capped FROM ({_kept("totals", old)}) AS told '  # noqa: S608
        kept += "JOIN known_project ON known_project.project IS NOT DISTINCT FROM told.project"
        rows = f"({rows}) UNION ALL ({kept})"
        given["anew"] = sorted(made_anew)
    if added_to:
        rows = (
            'SELECT day, project_number, "class", sum(downloads)::BIGINT AS downloads, '  # noqa: S608
            f"sum(capped)::BIGINT AS capped FROM ({rows}) GROUP BY ALL"
        )
    named = (
        f'SELECT day, project, "class", downloads, capped FROM ({rows}) JOIN known_project USING (project_number) '  # noqa: S608
        "ORDER BY project_number, day"
    )
    return _write(duck, target, named, given)


def make_moved_totals(
    duck: duckdb.DuckDBPyConnection, target: Path, events: Sequence[Path], old: Sequence[Path], days: Iterable[date]
) -> int:
    """Table `totals` where the ``events`` of ``days``, whose networks are forgotten, are of new classes.

    They are in table `agent_class` of the connection; what the cap leaves moves in proportion.
    """
    moved = _MOVED_TOTALS.format(events=reading(events, "events"), old=reading(old, "totals"))
    rows = f"SELECT * FROM ({_kept('totals', old)}) UNION ALL BY NAME ({moved})"  # noqa: S608
    return _write(duck, target, f"{rows} ORDER BY project, day", {"anew": sorted(days)})


def make_events(
    duck: duckdb.DuckDBPyConnection,
    target: Path,
    events: Sequence[Path],
    *,
    without_networks: bool = False,
    classed: bool = False,
) -> int:
    """One file of all these events, by project and time. ``classed``: by table `agent_class` of the connection."""
    changed = ["NULL::UBIGINT AS _network"] if without_networks else []
    joined = ""
    if classed:
        changed.append('coalesce(agent_class."class", _class) AS _class')
        joined = "LEFT JOIN agent_class ON agent_class.user_agent = _user_agent"
    replaced = f" REPLACE ({', '.join(changed)})" if changed else ""
    rows = f"SELECT events.*{replaced} FROM {reading(events, 'events')} AS events {joined}"  # noqa: S608
    return _write(duck, target, f"{rows} ORDER BY project, timestamp", {})


def days_in(duck: duckdb.DuckDBPyConnection, path: Path, kind: Kind) -> tuple[date, date]:
    """The first and last day of a file with any row."""
    day = "timestamp::DATE" if kind == "events" else "day"
    found = duck.execute(f"SELECT min({day}), max({day}) FROM {reading([path], kind)}").fetchone()  # noqa: S608
    return found if found else (date.min, date.min)


def _kept(table: Kind, old: Sequence[Path]) -> str:
    return f"SELECT * FROM {reading(old, table)} WHERE NOT list_contains($anew::DATE[], day)"  # noqa: S608


def _write(duck: duckdb.DuckDBPyConnection, target: Path, rows: str, given: dict[str, object]) -> int:
    found = duck.execute(
        f"COPY ({rows}) TO {written(target)} ({FORM}, ROW_GROUP_SIZE {ROW_GROUP})",
        given,
    ).fetchone()
    return int(found[0]) if found else 0
