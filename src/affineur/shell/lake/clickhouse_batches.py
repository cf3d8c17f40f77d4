"""Batches of events on their way into ClickHouse, which has no transactions: each counts once, or not at all.

An attempt to take in a batch has a number, which each of its events carries. It is noted before its first event, and
noted again, in one row a day that come in together, when all of them are durable: that note is what makes them count.
Whatever an attempt left that never got so far counts nowhere, and is deleted after an hour. Of two that took in the
same name at the same time, the first one counts.
What does not live here: what becomes of the events (`clickhouse_rolling`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from affineur.core.downloads.classes import TABLE_VERSION
from affineur.core.downloads.networks import NETWORK_DAYS

from .clickhouse_http import ClickHouse
from .clickhouse_tables import columns, structure
from .duck_engine import events_by_day, working
from .port import LakeAway, Progress

LEFT_SECONDS = 3600
"""When an attempt that did not come to its end is taken for given up: longer than any of its steps may last."""
_BEGINNING = date(1970, 1, 1)

COUNTING = """
SELECT first FROM (SELECT name, argMin(attempt, (at, attempt)) AS first FROM batches WHERE committed GROUP BY name)
"""
"""The attempts whose events count."""
_TAKEN = "SELECT count() FROM batches WHERE committed AND name = {name:String}"
_NOTE = """
INSERT INTO batches (name, attempt, committed, day, part, events, table_version, at)
SELECT {name:String}, {attempt:UInt64}, {committed:Bool}, one.1, one.2, one.3, {table_version:UInt32}, now64(6, 'UTC')
FROM (SELECT arrayJoin(arrayZip({days:Array(Date)}, {parts:Array(UInt64)}, {counts:Array(UInt64)})) AS one)
"""
_LITERAL = structure("events").replace("'", "\\'")
_INSERT = f"""
INSERT INTO events ({columns("events")}, _attempt, _layer)
SELECT {columns("events")}, {{attempt:UInt64}}, if(toDate(timestamp) < {{sealed:Date}}, {{late:UInt64}}, 0)
FROM input('{_LITERAL}') SETTINGS max_partitions_per_insert_block = 0 FORMAT Parquet
"""  # noqa: S608 -- only our own names
_CLOCK = "SELECT max(now_day) FROM clock"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt to take in a batch: its number, and the day that was today when it began."""

    number: int
    today: date

    def part(self, day: date) -> int:
        """The partition of ``day`` that it writes to."""
        return late_part(self.today) if day < sealed_before(self.today) else 0


def now_day(server: ClickHouse) -> date:
    """The newest day that was today in a roll-up; 1970-01-01 where there was none."""
    return date.fromisoformat(server.rows(_CLOCK)[0][0])


def sealed_before(today: date) -> date:
    """The first day that is not sealed: its networks are known, so its roll-up can be made anew, not only added to."""
    return _BEGINNING if today == _BEGINNING else today - timedelta(days=NETWORK_DAYS)


def late_part(today: date) -> int:
    """The partition for what comes today of a day that is sealed: days since 1970."""
    return (today - _BEGINNING).days


def take(server: ClickHouse, name: str, events: Path, scratch: Path, progress: Progress | None = None) -> None:
    """See `port.Lake.append`. Raises `ValueError` for a file that has other columns than table `events`."""
    counted = _counted(events, scratch)
    if not counted or server.rows(_TAKEN, name=name)[0][0]:
        return
    attempt = _begin(server, name, counted)
    server.send(
        _INSERT, events, attempt=attempt.number, sealed=sealed_before(attempt.today), late=late_part(attempt.today)
    )
    if time.time_ns() // 1_000_000 - (attempt.number >> 20) > LEFT_SECONDS * 500:
        raise LakeAway("ClickHouse took so long over a batch that it may be swept by now.")
    _note(server, name, attempt, counted, committed=True)
    if progress is not None:
        progress("take in", len(counted), len(counted))


def _begin(server: ClickHouse, name: str, counted: Sequence[tuple[date, int]]) -> _Attempt:
    """Note an attempt. Days are sealed only where no note says that somebody still writes to them, see
    `clickhouse_rolling.roll_up`."""
    while True:
        attempt = _Attempt(new_number(), now_day(server))
        _note(server, name, attempt, counted, committed=False)
        if now_day(server) == attempt.today:
            return attempt


def _note(
    server: ClickHouse, name: str, attempt: _Attempt, counted: Sequence[tuple[date, int]], *, committed: bool
) -> None:
    server.run(
        _NOTE,
        name=name,
        attempt=attempt.number,
        committed=int(committed),
        table_version=TABLE_VERSION,
        days=[day for day, _ in counted],
        parts=[attempt.part(day) for day, _ in counted],
        counts=[count for _, count in counted],
    )


def _counted(events: Path, scratch: Path) -> list[tuple[date, int]]:
    """How many events the file has of each day."""
    with working(scratch) as duck:
        return events_by_day(duck, events)


def new_number() -> int:
    """A number that no other attempt has: milliseconds since 1970, and 20 random bits."""
    return (time.time_ns() // 1_000_000 << 20) | secrets.randbits(20)
