"""What is made of events, in SQL for DuckDB: the tables `daily` and `totals`, and sorted files of events.

Each function writes one Parquet file and says how many rows it has. What does not live here: when, and what becomes of
the files (`rolling`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.tables import DAILY, Kind
from affineur.shell.duck_memory import written

from .duck_engine import FORM, ROW_GROUP, reading

if TYPE_CHECKING:
    import duckdb

PYTHON = r"nullif(regexp_extract(details.python, '^\d+(\.\d+)?'), '')"
"""The minor version, such as 3.12, of a whole one; null for what begins in another way."""

_DAILY = f"""
SELECT timestamp::DATE AS day, project, file.version AS version, details.installer.name AS installer,
    {PYTHON} AS python, details.system.name AS system, country_code AS country, _class AS "class",
    details.ci AS ci, count(*) AS downloads
FROM {{events}} GROUP BY ALL
"""  # noqa: S608 -- our own words, here and below
# A network that is not known counts as one: whoever hides all addresses has all installs of a day from one network.
_TOTALS = """
SELECT day, project, "class", sum(counted)::BIGINT AS downloads, sum(least(counted, $cap))::BIGINT AS capped
FROM (
    SELECT timestamp::DATE AS day, project, _class AS "class", _network, count(*) AS counted
    FROM {events} GROUP BY ALL
) GROUP BY ALL
"""
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
    duck: duckdb.DuckDBPyConnection,
    target: Path,
    events: Sequence[Path],
    old: Sequence[Path],
    made_anew: Iterable[date],
    added_to: bool,
) -> int:
    """Table `daily` of ``events``, and of what the files ``old`` have of other days than ``made_anew``.

    ``added_to``: some days are in both, and are summed up.
    """
    rows = (
        f"SELECT * FROM ({_kept('daily', old)}) "  # noqa: S608
        f"UNION ALL BY NAME ({_DAILY.format(events=reading(events, 'events'))})"
    )
    if added_to:
        keys = ", ".join(f'"{column.name}"' for column in DAILY[:-1])
        rows = f"SELECT {keys}, sum(downloads)::BIGINT AS downloads FROM ({rows}) GROUP BY {keys}"  # noqa: S608
    return _write(duck, target, rows, "project, day", {"anew": sorted(made_anew)})


def make_totals(
    duck: duckdb.DuckDBPyConnection,
    target: Path,
    events: Sequence[Path],
    old: Sequence[Path],
    made_anew: Iterable[date],
    added_to: bool,
    cap: int,
) -> int:
    """Table `totals`, as `make_daily`. What is added to a day is capped by itself: its networks were forgotten."""
    rows = (
        f"SELECT * FROM ({_kept('totals', old)}) "  # noqa: S608
        f"UNION ALL BY NAME ({_TOTALS.format(events=reading(events, 'events'))})"
    )
    if added_to:
        rows = (
            'SELECT day, project, "class", sum(downloads)::BIGINT AS downloads, '  # noqa: S608
            f"sum(capped)::BIGINT AS capped FROM ({rows}) GROUP BY ALL"
        )
    return _write(duck, target, rows, "project, day", {"anew": sorted(made_anew), "cap": cap})


def make_moved_totals(
    duck: duckdb.DuckDBPyConnection, target: Path, events: Sequence[Path], old: Sequence[Path], days: Iterable[date]
) -> int:
    """Table `totals` where the ``events`` of ``days``, whose networks are forgotten, are of new classes.

    They are in table `agent_class` of the connection; what the cap leaves moves in proportion.
    """
    moved = _MOVED_TOTALS.format(events=reading(events, "events"), old=reading(old, "totals"))
    rows = f"SELECT * FROM ({_kept('totals', old)}) UNION ALL BY NAME ({moved})"  # noqa: S608
    return _write(duck, target, rows, "project, day", {"anew": sorted(days)})


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
    return _write(duck, target, rows, "project, timestamp", {})


def days_in(duck: duckdb.DuckDBPyConnection, path: Path, kind: Kind) -> tuple[date, date]:
    """The first and last day of a file with any row."""
    day = "timestamp::DATE" if kind == "events" else "day"
    found = duck.execute(f"SELECT min({day}), max({day}) FROM {reading([path], kind)}").fetchone()  # noqa: S608
    return found if found else (date.min, date.min)


def _kept(table: Kind, old: Sequence[Path]) -> str:
    return f"SELECT * FROM {reading(old, table)} WHERE NOT list_contains($anew::DATE[], day)"  # noqa: S608


def _write(duck: duckdb.DuckDBPyConnection, target: Path, rows: str, order: str, given: dict[str, object]) -> int:
    found = duck.execute(
        f"COPY ({rows} ORDER BY {order}) TO {written(target)} ({FORM}, ROW_GROUP_SIZE {ROW_GROUP})",
        given,
    ).fetchone()
    return int(found[0]) if found else 0
