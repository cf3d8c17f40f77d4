"""What ClickHouse is asked about downloads, in SQL. Values are parameters, except for what is a constant here.

What does not live here: how it is asked (`clickhouse_http`), and what the answers are called (`clickhouse`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from affineur.core.downloads.figures import OTHERS, WEEK_DAYS, Dimension, Filter, Window, table_for
from affineur.core.downloads.tables import DAILY

from .clickhouse_http import Value

Question = tuple[str, dict[str, Value]]
"""A statement, and the values of its parameters."""

_VALUES: dict[Dimension, str] = {
    "version": "version",
    "installer": "installer",
    "python_major": "splitByChar('.', ifNull(toString(python), ''))[1]",
    "python_minor": "python",
    "system": "system",
    "country": "country",
    "class": "class",
    "ci": "if(ci, 'true', 'false')",
}
_KNOWN: dict[Dimension, str] = {"python_major": "python", "python_minor": "python"}
"""The column that says whether a value is known, where it is not the one of that name."""

_KEYS = ", ".join(f"`{column.name}`" for column in DAILY if column.name != "downloads")
RECENT = f"""
SELECT sumIf(downloads, day = {{last:Date}}), sumIf(downloads, day > {{last:Date}} - {WEEK_DAYS}), sum(downloads)
"""
TOTAL = "SELECT sum(downloads)"
_A_DAY = "SELECT day, NULL, sum(downloads) AS n {rows} GROUP BY day HAVING n > 0 ORDER BY day"


def matching(project: str, window: Window | None, where: Filter) -> Question:
    """FROM and WHERE of the rows that count, and the parameters in them. ``project`` "" is the whole index."""
    return _matching(table_for(where), project, window, where)


def _matching(table: str, project: str, window: Window | None, where: Filter) -> Question:
    conditions = ["class IN {classes:Array(String)}"]
    values: dict[str, Value] = {"classes": sorted(where.classes)}
    if project:
        conditions.append("project = {project:String}")
        values["project"] = project
    if window is not None:
        conditions.append("day BETWEEN {first:Date} AND {last:Date}")
        values |= {"first": window.first, "last": window.last}
    if where.version is not None:
        conditions.append("version = {version:String}")
        values["version"] = where.version
    return f"FROM {table} WHERE {' AND '.join(conditions)}", values


def series(project: str, window: Window, where: Filter, by: Dimension | None, values: int) -> Question:
    """Rows of (day, value, downloads), by day and value."""
    if by is None:
        rows, given = matching(project, window, where)
        return _A_DAY.format(rows=rows), given
    return _by_dimension(project, window, where, by, values, daily=True)


def shares(project: str, window: Window, where: Filter, by: Dimension, values: int) -> Question:
    """Rows of (value, downloads), most first."""
    return _by_dimension(project, window, where, by, values, daily=False)


def _by_dimension(project: str, window: Window, where: Filter, by: Dimension, values: int, *, daily: bool) -> Question:
    """What is rare is summed up. A value is a pair (is it null, text) until it is shown: nulls are put in no order."""
    rows, given = _matching(table_for(where, by), project, window, where)
    day, order = ("day, ", "day, told IS NULL, told") if daily else ("", "min(place)")
    statement = f"""
        SELECT {day}if(place > {{values:UInt32}}, {{others:String}}, if(unknown, NULL, text)) AS told, sum(each) AS n
        FROM (
            SELECT {day}unknown, text, each, dense_rank() OVER (ORDER BY weight DESC, unknown, text) AS place
            FROM (
                SELECT {day}{_KNOWN.get(by, by)} IS NULL AS unknown, ifNull(toString({_VALUES[by]}), '') AS text,
                    sum(downloads) AS each, sum(each) OVER (PARTITION BY unknown, text) AS weight
                {rows} GROUP BY {day}unknown, text
            ) WHERE weight > 0
        )
        GROUP BY {day}told ORDER BY {order}
    """  # noqa: S608 -- only our own names
    return statement, given | {"others": OTHERS, "values": values}


def version_shares(window: Window, where: Filter, least: float) -> Question:
    """Rows of (project, version), by both."""
    rows, given = _matching("daily", "", window, where)
    statement = f"""
        SELECT project, version FROM (
            SELECT project, version, sum(downloads) AS n, sum(n) OVER (PARTITION BY project) AS whole
            {rows} GROUP BY project, version
        ) WHERE version IS NOT NULL AND n > 0 AND n >= {{least:Float64}} * whole ORDER BY project, version
    """  # noqa: S608 -- only our own words
    return statement, given | {"least": least}


def top(window: Window, where: Filter, limit: int, offset: int) -> Question:
    """Rows of (project, downloads, rank), most first."""
    rows, given = matching("", window, where)
    statement = f"""
        SELECT project, n, rank() OVER (ORDER BY n DESC) AS place
        FROM (SELECT project, sum(downloads) AS n {rows} GROUP BY project HAVING n > 0)
        ORDER BY n DESC, project LIMIT {{limit:UInt64}} OFFSET {{offset:UInt64}}
    """  # noqa: S608 -- only our own words
    return statement, given | {"limit": limit, "offset": offset}


def rank(project: str, window: Window, where: Filter) -> Question:
    """A row of (downloads, how many have more, how many have fewer, how many have any)."""
    rows, given = matching("", window, where)
    statement = f"""
        WITH (SELECT sum(downloads) {rows} AND project = {{project:String}}) AS own
        SELECT own, countIf(n > own), countIf(n < own), count()
        FROM (SELECT sum(downloads) AS n {rows} GROUP BY project HAVING n > 0)
    """  # noqa: S608 -- only our own words
    return statement, given | {"project": project}


def usage(window: Window, last_month: Window) -> Question:
    """A row as `Usage` has it for each project, by name."""
    given: dict[str, Value] = {
        "first": window.first,
        "last": window.last,
        "before": window.first - timedelta(days=window.days),
        "month_first": last_month.first,
        "month_last": last_month.last,
        "days": window.days,
    }
    return _USAGE, given


def export(window: Window, projects: Sequence[str]) -> Question:
    """The rows of table `daily`, as Parquet."""
    given: dict[str, Value] = {"first": window.first, "last": window.last}
    some = ""
    if projects:
        some, given["projects"] = "AND project IN {projects:Array(String)}", sorted(set(projects))
    statement = f"""
        SELECT {_KEYS}, sum(downloads) AS downloads
        FROM daily WHERE day BETWEEN {{first:Date}} AND {{last:Date}} {some}
        GROUP BY ALL
        SETTINGS output_format_parquet_date_as_uint16 = 0
        FORMAT Parquet
    """  # noqa: S608 -- only our own words
    return statement, given


_USAGE = """
SELECT project, sum(c) AS ever, sumIf(c, day BETWEEN {month_first:Date} AND {month_last:Date}),
    sumIf(c, day BETWEEN {first:Date} AND {last:Date}), sumIf(c, day >= {before:Date} AND day < {first:Date}),
    arrayReverseSort(groupArrayIf(c, day BETWEEN {first:Date} AND {last:Date}))[intDiv({days:UInt32}, 2) + 1]
        * toInt64({days:UInt32})
FROM (
    SELECT project, day, sum(capped) AS c FROM totals WHERE class = 'installer' GROUP BY project, day HAVING c > 0
)
GROUP BY project HAVING ever > 0 ORDER BY project
"""
"""The lower median of n days, 0 for those without installs, is the (n // 2 + 1)-th largest of the others, or 0."""
