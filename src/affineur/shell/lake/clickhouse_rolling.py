"""Rolling up in ClickHouse: what the events of a day add up to, and what becomes of events that are past their time.

A day's roll-up is made in a table of its own and put in place of the former one at once (`REPLACE PARTITION`), so
that it may be made any number of times. That holds until the day is sealed: its networks, and at last its events, are
forgotten, and what comes later is rolled up beside, in a partition for all that comes on one day. Nothing is forgotten
that somebody still writes to, or that is not rolled up.
Two that roll up at once waste time, and agree in the end: what is noted of a roll-up is counted in it afterwards.
What does not live here: batches and their notes (`clickhouse_batches`), new classes (`clickhouse_reclass`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from .clickhouse_batches import COUNTING, LEFT_SECONDS, now_day, sealed_before
from .clickhouse_http import ClickHouse
from .clickhouse_tables import columns, table
from .port import Progress

_DAYS_AT_ONCE = 16
DUE = f"""
SELECT day, part FROM (
    SELECT day, part, sum(events) AS there FROM batches WHERE committed AND attempt IN ({COUNTING}) GROUP BY day, part
) AS taken LEFT JOIN (
    SELECT day, part, argMax(events, at) AS counted FROM rolled GROUP BY day, part
) AS done USING (day, part)
WHERE there != counted ORDER BY day, part
"""  # noqa: S608 -- only our own words
EVENTS = f"""
SELECT * FROM events WHERE toDate(timestamp) IN {{days:Array(Date)}} AND _part = {{part:UInt64}}
    AND _attempt IN ({COUNTING})
"""  # noqa: S608 -- only our own words
"""What counts of some days, in one part of each."""
DAILY = f"""
INSERT INTO {{made}} ({columns("daily")}, _part)
SELECT toDate(timestamp) AS date, project, file.version, details.installer.name AS tool,
    nullIf(extract(ifNull(details.python, ''), '^[0-9]+(?:[.][0-9]+)?'), '') AS minor, details.system.name AS platform,
    country_code, _class, details.ci AS automatic, count(), {{{{part:UInt64}}}}
FROM ({{events}}) GROUP BY date, project, file.version, tool, minor, platform, country_code, _class, automatic
"""  # noqa: S608 -- only our own words
# A network that is not known counts as one: whoever hides all addresses has all installs of a day from one network.
_TOTALS = f"""
INSERT INTO {{made}} ({columns("totals")}, _part)
SELECT date, project, _class, sum(c), sum(least(c, {{{{cap:UInt64}}}})), {{{{part:UInt64}}}}
FROM (
    SELECT toDate(timestamp) AS date, project, _class, _network, count() AS c
    FROM ({{events}}) GROUP BY date, project, _class, _network
) GROUP BY date, project, _class
"""  # noqa: S608 -- only our own words
REPLACE = "ALTER TABLE {kind} REPLACE PARTITION ({{day:Date}}, {{part:UInt64}}) FROM {made}"
ROLLED = """
INSERT INTO rolled (day, part, events, at) SELECT day, {part:UInt64}, sum(downloads), now64(6, 'UTC')
FROM totals WHERE day IN {days:Array(Date)} AND _part = {part:UInt64} GROUP BY day
"""
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
_WITH_NETWORKS = "SELECT count() FROM events WHERE toDate(timestamp) < {sealed:Date} AND _network IS NOT NULL"
_FORGET = """
ALTER TABLE events UPDATE _network = NULL WHERE toDate(timestamp) < {sealed:Date} AND _network IS NOT NULL
SETTINGS mutations_sync = 2
"""
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
    """Roll up these partitions anew, of all their events; how many days they are of."""
    if not due:
        return 0
    done = 0
    with staging(server) as (daily, totals):
        for days, part in _together(due):
            server.run(DAILY.format(made=daily, events=EVENTS), days=days, part=part)
            server.run(_TOTALS.format(made=totals, events=EVENTS), days=days, part=part, cap=cap)
            for day in days:
                server.run(REPLACE.format(kind="daily", made=daily), day=day, part=part)
                server.run(REPLACE.format(kind="totals", made=totals), day=day, part=part)
            server.run(ROLLED, days=days, part=part)
            done += len(days)
            if progress is not None:
                progress("roll up", done, len(due))
    return len({day for day, _ in due})


def _together(due: list[tuple[date, int]]) -> Iterator[tuple[list[date], int]]:
    """Days that are rolled up in one statement: few enough for what they add up to to be in memory."""
    for part in sorted({part for _, part in due}):
        days = [day for day, other in due if other == part]
        for start in range(0, len(days), _DAYS_AT_ONCE):
            yield days[start : start + _DAYS_AT_ONCE], part


@contextmanager
def staging(server: ClickHouse) -> Iterator[tuple[str, str]]:
    """Two tables to make roll-ups in, which nobody else knows."""
    mine = f"{time.time_ns() // 1_000_000}_{secrets.token_hex(4)}"
    daily, totals = f"rolling_daily_{mine}", f"rolling_totals_{mine}"
    try:
        server.run(table("daily", daily))
        server.run(table("totals", totals))
        yield daily, totals
    finally:
        server.run(f"DROP TABLE IF EXISTS {daily}")
        server.run(f"DROP TABLE IF EXISTS {totals}")


def _seal(server: ClickHouse, before: date) -> None:
    """Forget the networks of the days before this one."""
    if server.rows(_WITH_NETWORKS, sealed=before)[0][0]:
        server.run(_FORGET, sealed=before)


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


def pairs(server: ClickHouse, sql: str) -> list[tuple[date, int]]:
    """The partitions, as day and part, that the question ``sql`` answers with."""
    return [(date.fromisoformat(day), part) for day, part in server.rows(sql)]
