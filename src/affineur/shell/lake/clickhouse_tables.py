"""The tables of download statistics in ClickHouse, derived from `core.downloads.tables`; and a few that keep book.

`events` has a partition for each day, so that one is dropped at once; `daily` and `totals` have one for each month, for
each partition costs every question its time. A day that is sealed (see `clickhouse_rolling`) is added to by partitions
beside: `_layer` is 0, or the day on which that was done.
An operator may have made the tables before, with engines of a cluster: those are left as they are.
What does not live here: what is put into them (`clickhouse_batches`, `clickhouse_rolling`).
"""

from __future__ import annotations

from affineur.core.downloads.tables import TABLES, Column, Fields, Kind, Type

_KEYS = {"timestamp", "day", "project", "downloads", "capped"}
"""Columns whose values are never null."""
_MANY = {"url", "filename", "_user_agent"}
"""Texts of which there are so many that a dictionary of them would be of no use."""
_TYPES: dict[Type, str] = {
    "number": "Int64",
    "truth": "Bool",
    "moment": "DateTime64(6, 'UTC')",
    "day": "Date",
    "hash": "UInt64",
}
_OWN: dict[Kind, str] = {
    "events": "`_attempt` UInt64, `_layer` UInt64",
    "daily": "`_layer` UInt64",
    "totals": "`_layer` UInt64",
}
_LAYOUT: dict[Kind, str] = {
    "events": "PARTITION BY (toDate(timestamp), _layer) ORDER BY (project, timestamp)",
    "daily": "PARTITION BY (toStartOfMonth(day), _layer) ORDER BY (project, day) SETTINGS index_granularity = 2048",
    "totals": "PARTITION BY (toStartOfMonth(day), _layer) ORDER BY (project, day) SETTINGS index_granularity = 2048",
}
"""How rows lie. A project's rows of a month are few: a question reads whole granules, so those are small."""
_PROJECTIONS: dict[Kind, str] = {
    "daily": "PROJECTION days (SELECT day, _layer, sum(downloads) GROUP BY day, _layer)",
    "totals": "PROJECTION days (SELECT day, _layer, class, sum(downloads) GROUP BY day, _layer, class)",
}
"""Sums that ClickHouse keeps with the rows: how much of a day is rolled up, and the series of the whole index."""
BATCHES = """
CREATE TABLE IF NOT EXISTS batches (
    name String, attempt UInt64, committed Bool, day Date, part UInt64, events UInt64, table_version UInt32,
    at DateTime64(6, 'UTC')
) ENGINE = MergeTree ORDER BY (day, part, attempt)
"""
"""What was taken in: for each attempt to take in a batch a row a day, and another once all its events are in."""
CLOCK = "CREATE TABLE IF NOT EXISTS clock (now_day Date) ENGINE = MergeTree ORDER BY now_day"
"""The days that were today in a roll-up."""
RECLASSED = """
CREATE TABLE IF NOT EXISTS reclassed (attempt UInt64, user_agent String, class String)
ENGINE = MergeTree ORDER BY attempt
"""
"""Scratch of a replay of the table of classes: user agents whose class is another one now."""


def statements() -> list[str]:
    """What makes each table that is not there yet."""
    kinds: tuple[Kind, ...] = ("events", "daily", "totals")
    return [*(table(kind) for kind in kinds), BATCHES, CLOCK, RECLASSED]


def table(kind: Kind, name: str | None = None) -> str:
    """What makes the table of a kind, or one like it that is called ``name`` and is on one server only."""
    parts = [structure(kind), _OWN[kind], *([_PROJECTIONS[kind]] if kind in _PROJECTIONS else [])]
    return f"CREATE TABLE IF NOT EXISTS {name or kind} ({', '.join(parts)}) ENGINE = MergeTree {_LAYOUT[kind]}"


def structure(kind: Kind) -> str:
    """The columns that every engine has, with their types."""
    return _fields(TABLES[kind])


def columns(kind: Kind) -> str:
    """The names of these columns."""
    return ", ".join(f"`{column.name}`" for column in TABLES[kind])


def _fields(fields: Fields, *, nested: bool = False) -> str:
    return ", ".join(f"`{column.name}` {_type(column, nested=nested)}" for column in fields)


def _type(column: Column, *, nested: bool) -> str:
    if isinstance(column.type, tuple):
        return f"Tuple({_fields(column.type, nested=True)})"
    key = not nested and column.name in _KEYS
    if column.type != "text":
        return _TYPES[column.type] if key else f"Nullable({_TYPES[column.type]})"
    if key:
        return "String"
    return "Nullable(String)" if column.name in _MANY else "LowCardinality(Nullable(String))"
