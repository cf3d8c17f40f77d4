"""The questions of the port in SQL, for DuckDB. Each takes the connection and what stands after FROM.

Everything that comes from outside goes in as a parameter. What does not live here: which files are read (`duck`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.classes import CLASSES
from affineur.core.downloads.figures import (
    EVERYTHING,
    MONTH_DAYS,
    OTHERS,
    WEEK_DAYS,
    Dimension,
    Entry,
    Filter,
    Point,
    Rank,
    Recent,
    Share,
    Usage,
    Window,
)
from affineur.core.downloads.tables import DAILY
from affineur.shell.duck_memory import written

from .port import ExportForm

if TYPE_CHECKING:
    import duckdb

VALUES: dict[Dimension, str] = {
    "version": "version",
    "installer": "installer",
    "python_major": "split_part(python, '.', 1)",
    "python_minor": "python",
    "system": "system",
    "country": "country",
    "class": '"class"',
    "ci": "ci::VARCHAR",  # "true" or "false"
}
_ROWS_AT_ONCE = 10_000
_PROJECTS_AT_ONCE = 50_000
"""Projects whose days are in memory together where each project's median is sought."""


def recent(duck: duckdb.DuckDBPyConnection, table: str, project: str, last: date, where: Filter) -> Recent:
    """See `Lake.recent`."""
    conditions, given = _where(project, Window.until(last, MONTH_DAYS), where)
    found = duck.execute(
        f"SELECT coalesce(sum(downloads) FILTER (day = $last), 0)::BIGINT, "  # noqa: S608 -- our own words
        f"coalesce(sum(downloads) FILTER (day > $last::DATE - {WEEK_DAYS}), 0)::BIGINT, "
        "coalesce(sum(downloads), 0)::BIGINT "
        f"FROM {table} WHERE {conditions}",
        given | {"last": last},
    ).fetchone()
    return Recent(*found) if found else Recent(0, 0, 0)


def total(duck: duckdb.DuckDBPyConnection, table: str, project: str, window: Window | None, where: Filter) -> int:
    """See `Lake.total`."""
    conditions, given = _where(project, window, where)
    found = duck.execute(
        f"SELECT coalesce(sum(downloads), 0)::BIGINT FROM {table} WHERE {conditions}",  # noqa: S608
        given,
    ).fetchone()
    return int(found[0]) if found else 0


def series(
    duck: duckdb.DuckDBPyConnection,
    table: str,
    project: str,
    window: Window,
    where: Filter,
    by: Dimension | None,
    values: int,
) -> list[Point]:
    """See `Lake.series`."""
    conditions, given = _where(project, window, where)
    if by is None:
        rows = duck.execute(
            f"SELECT day, NULL, sum(downloads)::BIGINT FROM {table} WHERE {conditions} "  # noqa: S608
            "GROUP BY day HAVING sum(downloads) > 0 ORDER BY day",
            given,
        ).fetchall()
    else:
        rows = duck.execute(
            f"WITH {_placed('day, ', table, conditions, by)} "  # noqa: S608
            "SELECT day, shown, sum(counted)::BIGINT FROM shown GROUP BY ALL ORDER BY day, shown NULLS LAST",
            given | {"values": values},
        ).fetchall()
    return [Point(*row) for row in rows]


def shares(
    duck: duckdb.DuckDBPyConnection,
    table: str,
    project: str,
    window: Window,
    where: Filter,
    by: Dimension,
    values: int,
) -> list[Share]:
    """See `Lake.shares`."""
    conditions, given = _where(project, window, where)
    rows = duck.execute(
        f"WITH {_placed('', table, conditions, by)} "  # noqa: S608
        f"SELECT shown, sum(counted)::BIGINT FROM shown GROUP BY shown ORDER BY coalesce(shown = '{OTHERS}', false), "
        "min(place)",
        given | {"values": values},
    ).fetchall()
    return [Share(*row) for row in rows]


def version_shares(
    duck: duckdb.DuckDBPyConnection, table: str, window: Window, where: Filter, least: float
) -> Iterator[tuple[str, str]]:
    """See `Lake.version_shares`. Memory: what each project and version has; groups beyond it are refused by DuckDB."""
    conditions, given = _where("", window, where)
    duck.execute(
        f"WITH each AS (SELECT project, version, sum(downloads) AS counted FROM {table} WHERE {conditions} "  # noqa: S608
        "GROUP BY ALL), shared AS (SELECT *, sum(counted) OVER (PARTITION BY project) AS whole FROM each) "
        "SELECT project, version FROM shared WHERE version IS NOT NULL AND counted > 0 AND counted >= $least * whole "
        "ORDER BY project, version",
        given | {"least": least},
    )
    while some := duck.fetchmany(_ROWS_AT_ONCE):
        yield from some


def top(
    duck: duckdb.DuckDBPyConnection, table: str, window: Window, where: Filter, limit: int, offset: int
) -> list[Entry]:
    """See `Lake.top`."""
    conditions, given = _where("", window, where)
    rows = duck.execute(
        # A rank depends on those above only, so that it is enough to place the first.
        f"WITH first AS (FROM ({_each(table, conditions)}) ORDER BY counted DESC, project LIMIT $limit + $offset) "  # noqa: S608
        "SELECT project, counted, rank() OVER (ORDER BY counted DESC) FROM first "
        "ORDER BY counted DESC, project LIMIT $limit OFFSET $offset",
        given | {"limit": limit, "offset": offset},
    ).fetchall()
    return [Entry(*row) for row in rows]


def rank(duck: duckdb.DuckDBPyConnection, table: str, project: str, window: Window, where: Filter) -> Rank:
    """See `Lake.rank`."""
    conditions, given = _where("", window, where)
    found = duck.execute(
        f"WITH each AS ({_each(table, conditions)}), "  # noqa: S608
        "this AS (SELECT coalesce(sum(counted), 0) AS counted FROM each WHERE project = $project) "
        "SELECT this.counted::BIGINT, count(*) FILTER (each.counted > this.counted), "
        "count(*) FILTER (each.counted < this.counted), count(each.counted) "
        "FROM this LEFT JOIN each ON true GROUP BY this.counted",
        given | {"project": project},
    ).fetchone()
    return Rank.of(*found) if found else Rank.of(0, 0, 0, 0)


def usage(duck: duckdb.DuckDBPyConnection, table: str, window: Window, last_month: Window) -> Iterator[Usage]:
    """See `Lake.usage`. Memory: some ten thousand projects at a time."""
    given = {
        "first": window.first,
        "last": window.last,
        "before": window.first - timedelta(days=window.days),
        "month_first": last_month.first,
        "month_last": last_month.last,
        "days": window.days,
    }
    bounds = duck.execute(
        "SELECT min(project) FROM (SELECT project, (row_number() OVER (ORDER BY project) - 1) // $size AS part "  # noqa: S608
        f"FROM (SELECT DISTINCT project FROM {table})) GROUP BY part ORDER BY part",
        {"size": _PROJECTS_AT_ONCE},
    ).fetchall()
    for number, (start,) in enumerate(bounds):
        end = bounds[number + 1][0] if number + 1 < len(bounds) else None
        beyond = "" if end is None else "AND project < $end"
        rows = duck.execute(
            _USAGE.format(table=table, beyond=beyond),
            given | {"start": start} | ({} if end is None else {"end": end}),
        ).fetchall()
        for row in rows:
            yield Usage(*row)


def export(
    duck: duckdb.DuckDBPyConnection, table: str, target: Path, window: Window, form: ExportForm, projects: Sequence[str]
) -> int:
    """See `Lake.export`."""
    conditions, given = _where("", window, EVERYTHING)
    if projects:
        given |= {f"project_{number}": project for number, project in enumerate(projects)}
        conditions += f" AND project IN ({', '.join(f'$project_{number}' for number in range(len(projects)))})"
    order = ", ".join(f'"{column.name}" NULLS LAST' for column in (DAILY[1], DAILY[0], *DAILY[2:-1]))
    found = duck.execute(
        f"COPY (SELECT {_shown(form)} FROM {table} WHERE {conditions} ORDER BY {order}) "  # noqa: S608
        f"TO {written(target)} ({_EXPORT[form]})",
        given,
    ).fetchone()
    return int(found[0]) if found else 0


def _shown(form: ExportForm) -> str:
    """The columns of a form. In CSV a text that looks like a formula begins with an apostrophe (`core.spreadsheet`).

    Spreadsheets would run what somebody has put into a user agent.
    """
    if form != "csv":
        return "*"
    texts = [column.name for column in DAILY if column.type == "text"]
    return f"* REPLACE ({', '.join(_GUARDED.format(name=name) for name in texts)})"


_GUARDED = r"""
CASE WHEN regexp_matches("{name}", '^ *[=+@\t\r\n-]') THEN '''' || "{name}" ELSE "{name}" END AS "{name}"
"""


_EXPORT: dict[ExportForm, str] = {
    "csv": "FORMAT csv, HEADER",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}

# The lower median of n days, of which those without installs are 0, is the one of n days that has n // 2 above it: so
# it is the (n // 2 + 1)-th largest of those with installs, or 0 where there are fewer.
_USAGE = """
WITH each AS (
    SELECT project, sum(capped)::BIGINT AS ever,
        coalesce(sum(capped) FILTER (day BETWEEN $month_first AND $month_last), 0)::BIGINT AS last_month,
        coalesce(sum(capped) FILTER (day BETWEEN $first AND $last), 0)::BIGINT AS last_window,
        coalesce(sum(capped) FILTER (day >= $before AND day < $first), 0)::BIGINT AS window_before,
        list(capped) FILTER (day BETWEEN $first AND $last) AS each_day
    FROM {table} WHERE "class" = 'installer' AND capped > 0 AND project >= $start {beyond} GROUP BY project
)
SELECT project, ever, last_month, last_window, window_before,
    coalesce(list_reverse_sort(each_day)[$days // 2 + 1], 0)::BIGINT * $days
FROM each ORDER BY project
"""


def _where(project: str, window: Window | None, where: Filter) -> tuple[str, dict[str, object]]:
    conditions, given = ["true"], dict[str, object]()
    if project:
        conditions.append("project = $project")
        given["project"] = project
    if window is not None:
        conditions.append("day BETWEEN $first AND $last")
        given |= {"first": window.first, "last": window.last}
    if where.classes != frozenset(CLASSES):
        conditions.append('list_contains($classes::VARCHAR[], "class")')
        given["classes"] = sorted(where.classes)
    if where.version is not None:
        conditions.append("version = $version")
        given["version"] = where.version
    return " AND ".join(conditions), given


def _each(table: str, conditions: str) -> str:
    """What each project has that has anything."""
    return (
        f"SELECT project, sum(downloads)::BIGINT AS counted FROM {table} WHERE {conditions} "  # noqa: S608
        "GROUP BY project HAVING sum(downloads) > 0"
    )


def _placed(also: str, table: str, conditions: str, by: Dimension) -> str:
    """Expressions, the last of them ``shown``: what was counted of each value, or of all beyond the most frequent.

    Equally frequent ones by name; what is not known is a value like any other, and comes last.
    """
    return (
        f"known AS (SELECT {also}{VALUES[by]} AS value, sum(downloads) AS counted "  # noqa: S608
        f"FROM {table} WHERE {conditions} GROUP BY ALL HAVING sum(downloads) > 0), "
        "placed AS (SELECT value, row_number() OVER (ORDER BY sum(counted) DESC, value NULLS LAST) AS place "
        "FROM known GROUP BY value), "
        f"shown AS (SELECT {also}CASE WHEN place <= $values THEN known.value ELSE '{OTHERS}' END AS shown, counted, "
        "least(place, $values + 1) AS place FROM known JOIN placed ON known.value IS NOT DISTINCT FROM placed.value)"
    )
