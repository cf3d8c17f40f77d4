"""Rolling up in ClickHouse: what the events of a day add up to, and what becomes of events that are past their time.

A month's roll-ups are made in a table of their own and put in place of the former ones at once (`REPLACE PARTITION`):
what the month has is taken along as it lies there, by a second name of its files; the days that are due are deleted
from that and made anew. So it may be done any number of times, until a day is sealed: its networks, and at last its
events, are forgotten, and what comes later is rolled up beside, in a partition for all that comes on one day. Nothing
is forgotten that somebody still writes to, or that is not rolled up.
Two that roll up a month at once may put back what the other one had replaced; a day is due for as long as `daily` or
`totals` have another number of downloads than came in, so the next one makes that good.
What does not live here: batches and their notes (`clickhouse_batches`), new classes (`clickhouse_reclass`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import groupby

from affineur.core.downloads.tables import Kind

from .clickhouse_batches import COUNTING, LEFT_SECONDS, now_day, sealed_before
from .clickhouse_http import ClickHouse
from .clickhouse_tables import columns, table
from .port import Progress

_DAYS_AT_ONCE = 16
DUE = f"""
SELECT day, part FROM (
    SELECT day, part, sum(events) AS there FROM batches WHERE committed AND attempt IN ({COUNTING}) GROUP BY day, part
) AS taken
LEFT JOIN (SELECT day, _layer AS part, sum(downloads) AS n FROM daily GROUP BY day, _layer) AS one USING (day, part)
LEFT JOIN (SELECT day, _layer AS part, sum(downloads) AS n FROM totals GROUP BY day, _layer) AS other USING (day, part)
WHERE there != one.n OR there != other.n ORDER BY day, part
"""  # noqa: S608 -- only our own words
EVENTS = f"""
SELECT * FROM events WHERE toDate(timestamp) IN {{days:Array(Date)}} AND _layer = {{part:UInt64}}
    AND _attempt IN ({COUNTING})
"""  # noqa: S608 -- only our own words
"""What counts of some days, in one part of each."""
DAILY = f"""
INSERT INTO {{made}} ({columns("daily")}, _layer)
SELECT toDate(timestamp) AS date, project, file.version, details.installer.name AS tool,
    nullIf(extract(ifNull(details.python, ''), '^[0-9]+(?:[.][0-9]+)?'), '') AS minor, details.system.name AS platform,
    country_code, _class, details.ci AS automatic, count(), {{{{part:UInt64}}}}
FROM ({{events}}) GROUP BY date, project, file.version, tool, minor, platform, country_code, _class, automatic
"""  # noqa: S608 -- only our own words
# A network that is not known counts as one: whoever hides all addresses has all installs of a day from one network.
_TOTALS = f"""
INSERT INTO {{made}} ({columns("totals")}, _layer)
SELECT date, project, _class, sum(c), sum(least(c, {{{{cap:UInt64}}}})), {{{{part:UInt64}}}}
FROM (
    SELECT toDate(timestamp) AS date, project, _class, _network, count() AS c
    FROM ({{events}}) GROUP BY date, project, _class, _network
) GROUP BY date, project, _class
"""  # noqa: S608 -- only our own words
_TAKE_ALONG = "ALTER TABLE {made} ATTACH PARTITION ({{first:Date}}, {{part:UInt64}}) FROM {kind}"
_LEAVE_OUT = "ALTER TABLE {made} DELETE WHERE day IN {{days:Array(Date)}} SETTINGS mutations_sync = 2"
_REPLACE = "ALTER TABLE {kind} REPLACE PARTITION ({{first:Date}}, {{part:UInt64}}) FROM {made}"
_OPEN = f"""
SELECT DISTINCT day, part FROM batches
WHERE NOT committed AND attempt NOT IN (SELECT attempt FROM batches WHERE committed)
    AND at > now64(6, 'UTC') - INTERVAL {LEFT_SECONDS} SECOND
"""  # noqa: S608 -- only our own numbers
_GIVEN_UP = f"""
SELECT DISTINCT attempt FROM batches WHERE attempt NOT IN ({COUNTING})
    AND attempt NOT IN (SELECT attempt FROM batches WHERE at > now64(6, 'UTC') - INTERVAL {LEFT_SECONDS} SECOND)
"""  # noqa: S608 -- only our own numbers
KEPT = "SELECT _partition_value.1 AS day, _partition_value.2 AS part FROM events GROUP BY day, part ORDER BY day, part"
_WITH_NETWORKS = """
SELECT _partition_value.1 AS day, _partition_value.2 AS part FROM events
WHERE toDate(timestamp) < {sealed:Date} AND _network IS NOT NULL GROUP BY day, part ORDER BY day, part
"""
_FORGET = "ALTER TABLE {made} UPDATE _network = NULL WHERE _network IS NOT NULL SETTINGS mutations_sync = 2"
_DELETE = "ALTER TABLE {table} DELETE WHERE {column} IN {{left:Array(UInt64)}} SETTINGS mutations_sync = 2"
_STAGING = "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'rolling_')"


def roll_up(server: ClickHouse, today: date, event_days: int, cap: int, progress: Progress | None = None) -> int:
    """See `port.Lake.roll_up`."""
    before = now_day(server)
    if before < today:
        server.run("INSERT INTO clock SELECT {today:Date}", today=today)
    days = roll(server, pairs(server, DUE), cap, progress)
    if before < today:
        busy = {day for day, _ in pairs(server, _OPEN)} | {day for day, _ in pairs(server, DUE)}
        _seal(server, min([sealed_before(today), *busy]))
        _drop(server, min([today - timedelta(days=event_days), *busy]))
    _sweep(server)
    return days


def roll(server: ClickHouse, due: list[tuple[date, int]], cap: int, progress: Progress | None) -> int:
    """Roll up these days anew, of all their events in that part; how many days they are."""
    done = 0
    for (month, part), days in months(due):
        with remade(server, "daily", month, part, days) as daily:
            for some in together(days):
                server.run(DAILY.format(made=daily, events=EVENTS), days=some, part=part)
        with remade(server, "totals", month, part, days) as totals:
            for some in together(days):
                server.run(_TOTALS.format(made=totals, events=EVENTS), days=some, part=part, cap=cap)
        done += len(days)
        if progress is not None:
            progress("roll up", done, len(due))
    return len({day for day, _ in due})


def months(due: list[tuple[date, int]]) -> Iterator[tuple[tuple[date, int], list[date]]]:
    """The partitions of roll-ups, as first day of the month and part, that these days are in; and the days of each."""
    in_order = sorted(due, key=lambda pair: (pair[0].replace(day=1), pair[1], pair[0]))
    for (month, part), some in groupby(in_order, key=lambda pair: (pair[0].replace(day=1), pair[1])):
        yield (month, part), [day for day, _ in some]


def together(days: list[date]) -> Iterator[list[date]]:
    """Days that are rolled up in one statement: few enough for what they add up to to be in memory."""
    for start in range(0, len(days), _DAYS_AT_ONCE):
        yield days[start : start + _DAYS_AT_ONCE]


@contextmanager
def remade(server: ClickHouse, kind: Kind, month: date, part: int, days: list[date]) -> Iterator[str]:
    """A table to make the roll-ups of ``days`` in; it has the other days of the month. See `_replacing`."""
    with _replacing(server, kind, month, part) as made:
        server.run(_LEAVE_OUT.format(made=made), days=days)
        yield made


@contextmanager
def _replacing(server: ClickHouse, kind: Kind, first: date, part: int) -> Iterator[str]:
    """A table with what a partition has, which nobody else knows; at the end it takes the place of that partition.

    Where anything fails, all is as it was.
    """
    made = f"rolling_{kind}_{time.time_ns() // 1_000_000}_{secrets.token_hex(4)}"
    try:
        server.run(table(kind, made))
        server.run(_TAKE_ALONG.format(made=made, kind=kind), first=first, part=part)
        yield made
        server.run(_REPLACE.format(kind=kind, made=made), first=first, part=part)
    finally:
        server.run(f"DROP TABLE IF EXISTS {made}")


def _seal(server: ClickHouse, before: date) -> None:
    """Forget the networks of the days before this one. Nobody writes to these days any more.

    A change of `events` itself would look at each of its partitions.
    """
    for day, part in pairs(server, _WITH_NETWORKS, sealed=before):
        with _replacing(server, "events", day, part) as made:
            server.run(_FORGET.format(made=made))


def _drop(server: ClickHouse, before: date) -> None:
    """Forget the events of the days before this one."""
    for day, part in pairs(server, KEPT):
        if day < before:
            server.run("ALTER TABLE events DROP PARTITION ({day:Date}, {part:UInt64})", day=day, part=part)


def _sweep(server: ClickHouse) -> None:
    """Delete what attempts left that never came to their end, and tables that somebody rolled up in who was killed."""
    left = [row[0] for row in server.rows(_GIVEN_UP)]
    if left:
        for name, column in (("events", "_attempt"), ("batches", "attempt")):
            server.run(_DELETE.format(table=name, column=column), left=left)
    oldest = time.time_ns() // 1_000_000 - LEFT_SECONDS * 24 * 1000
    for (name,) in server.rows(_STAGING):
        if int(name.split("_")[2]) < oldest:
            server.run(f"DROP TABLE IF EXISTS {name}")


def pairs(server: ClickHouse, sql: str, **values: date) -> list[tuple[date, int]]:
    """The partitions, as day and part, that the question ``sql`` answers with."""
    return [(date.fromisoformat(day), part) for day, part in server.rows(sql, **values)]
