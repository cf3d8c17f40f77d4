"""Rolling up: the events of each day become its rows of `daily` and `totals`; small files are put together.

Each step makes files, puts them, and lists them in one transaction in which those that they replace still have to be
listed: where somebody else was quicker nothing changes, and it is done again. One process of a machine at a time.

A day is *made anew* of all its events; where its networks or events are forgotten, what comes late is *added to* it.
What does not live here: the SQL (`duck_making`), and new classes for old events (`duck_reclass`).
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.networks import NETWORK_DAYS
from affineur.core.downloads.tables import Kind
from affineur.settings import Settings
from affineur.shell.store import Store, lake

from . import duck_making as making
from .duck_counting import counted
from .duck_engine import working
from .files import Files, fresh, new_name
from .port import Progress

if TYPE_CHECKING:
    import duckdb

LOOSE_FILES = 64
"""Files of a day that is not over: with more they are put together, so that reading them stays quick."""
_SEALED, _WHOLE = "sealed-", "whole-"
"""How the names of files begin that have all events of a day as of some moment; of a sealed one without networks."""
_ATTEMPTS = 5
_MADE: tuple[Kind, Kind] = ("daily", "totals")
"""Kinds of roll-ups. Of each, no two files have a day in common."""


CLOCKS_DIFFER = timedelta(days=1)
"""How far the clocks of two machines may be apart."""


class Overtaken(Exception):
    """Another machine replaced the same files first."""


@dataclass(frozen=True, slots=True)
class Roller:
    """What rolling up works with: settings, the database, the files, and DuckDB."""

    settings: Settings
    store: Store
    files: Files
    duck: duckdb.DuckDBPyConnection
    now_day: date

    def paths(self, files: Iterable[lake.File]) -> list[Path]:
        """Where these files can be read."""
        return [self.files.local(file.name, file.sha256) for file in files]

    def put(
        self, kind: Kind, period: str, version: int, make: Callable[[Path], int], prefix: str = ""
    ) -> list[lake.File]:
        """The file that ``make`` makes, put; none where it has no rows. ``version``: of the classes of its events."""
        with fresh(self.files) as path:
            rows = make(path)
            if not rows:
                return []
            first, last = making.days_in(self.duck, path, kind)
            name = new_name(kind, period, prefix)
            put = self.files.put(name, path)
        return [lake.File(name, kind, first, last, rows, put.size_bytes, put.sha256, version, datetime.now(UTC))]

    def exchange(
        self,
        old: Iterable[lake.File],
        new: Iterable[lake.File],
        *,
        made: Mapping[date, frozenset[str]] | None = None,
        listed_at: datetime | None = None,
        only: date | None = None,
        due: date | None = None,
    ) -> None:
        """List ``new`` instead of ``old``. Raises `Overtaken`, and nothing is done, where an old one is not listed.

        ``made``: the days that are rolled up by this, with the names of the events that they are made of;
        ``listed_at``: when those were looked for. ``only``: a day that must be rolled up, and have no other events than
        ``old``. ``due``: a day that is to be rolled up.
        """
        now, replaced = datetime.now(UTC), {file.name for file in old}
        with self.store.write() as connection:
            if only is not None and (
                lake.is_due(connection, only)
                or {file.name for file in lake.files(connection, "events") if file.first_day == only} != replaced
            ):
                raise Overtaken
            for name in sorted(replaced):
                if not lake.replace(connection, name, now):
                    raise Overtaken
            for file in new:
                if file.kind in _MADE and lake.overlaps(connection, file):
                    raise Overtaken  # somebody else made what there was nothing of
                lake.add(connection, file)
            if due is not None:
                lake.make_due(connection, due)
            if made:
                present = by_day(lake.files(connection, "events"))
                done = [day for day, names in made.items() if names == {file.name for file in present.get(day, ())}]
                lake.made(connection, done, listed_at or now)


@contextmanager
def rolling(settings: Settings, store: Store, files: Files, now_day: date | None) -> Iterator[Roller]:
    """Whoever rolls up, as the only one of this machine. ``now_day`` None: the day that it was at the last roll-up."""
    settings.lake.mkdir(parents=True, exist_ok=True)
    with (settings.lake / ".rolling").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # is let go with the file, however this ends
        with fresh(files) as scratch, working(scratch) as duck:
            with store.ask() as connection:
                before = lake.mark(connection, "rolled")
            yield Roller(settings, store, files, duck, today(now_day, before))


def today(now_day: date | None, before: date | None) -> date:
    """The day that is going on, where the last roll-up took it to be ``before``.

    ``now_day`` None: what was over then is, and nothing else. Where another clock is some hours ahead its day is kept:
    what was over stays over. A clock that was further off was wrong, and its day would leave every window empty.
    """
    if now_day is None:
        return before or date(1970, 1, 1)
    return before if before is not None and now_day < before <= now_day + CLOCKS_DIFFER else now_day


def roll_up(roller: Roller, progress: Progress) -> int:
    """Everything that is due; the number of days rolled up."""
    days = again(lambda: _roll_months(roller, progress))
    again(lambda: _put_together(roller, progress))
    again(lambda: _forget(roller))
    with roller.store.write() as connection:
        lake.set_mark(connection, "rolled", roller.now_day, may_go_back=True)
    return days


def is_sealed(events: Iterable[lake.File]) -> bool:
    """Whether networks are forgotten in these events of a day."""
    return any(_base(file).startswith(_SEALED) for file in events)


def again(step: Callable[[], int]) -> int:
    """Do a step until nobody comes between. Raises `Overtaken` where somebody always does."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return step()
        except Overtaken:
            continue
    return step()


def _roll_months(roller: Roller, progress: Progress) -> int:
    listed_at = datetime.now(UTC)
    with roller.store.read() as connection:
        listed = lake.listed(connection)
    months: dict[str, set[date]] = {}
    for day in listed.days:
        months.setdefault(period_of(day, roller.now_day), set()).add(day)
    for period, files in _periods(listed.files, roller.now_day).items():
        if sum(file.kind == "totals" for file in files) > 1:  # a day is over, and becomes a part of its month
            months.setdefault(period, set())
    for done, (period, days) in enumerate(sorted(months.items())):
        progress("roll up", done, len(months))
        _roll(roller, listed, listed_at, period, days)
    progress("roll up", len(months), len(months))
    return len(listed.days)


def _roll(roller: Roller, listed: lake.Listed, listed_at: datetime, period: str, days: set[date]) -> None:
    """The days of a month that are over, or one that is not: one file of each table."""
    present = by_day([file for file in listed.files if file.kind == "events"])
    sealed = {day for day in days if is_sealed(present.get(day, ())) or is_forgotten(day, listed.forgotten)}
    anew = days - sealed
    loose = {day: [file for file in present.get(day, ()) if not is_kept_whole(file)] for day in sealed}
    read = [file for day in sorted(anew) for file in present.get(day, ())]
    read += [file for day in sorted(sealed) for file in loose[day]]
    events = roller.paths(read)
    old = {
        kind: [f for f in _periods(listed.files, roller.now_day).get(period, ()) if f.kind == kind] for kind in _MADE
    }
    paths = {kind: roller.paths(old[kind]) for kind in _MADE}
    with counted(roller.duck, events, paths["daily"], paths["totals"]):
        new = roller.put(
            "daily", period, 0,
            lambda path: making.make_daily(roller.duck, path, paths["daily"], anew, bool(sealed)),
        )  # fmt: skip
        new += roller.put(
            "totals", period, 0,
            lambda path: making.make_totals(
                roller.duck, path, events, paths["totals"], anew, bool(sealed), roller.settings.network_cap
            ),
        )  # fmt: skip
    gone = [*old["daily"], *old["totals"]]
    names = {day: frozenset(file.name for file in present.get(day, ())) for day in anew}
    for day in sorted(sealed):
        kept = [file for file in present.get(day, ()) if is_kept_whole(file)]
        sealing = [] if is_forgotten(day, listed.forgotten) else _one_of(roller, day, [*kept, *loose[day]], seal=True)
        gone += [*kept, *loose[day]]
        new += sealing
        names[day] = frozenset(file.name for file in sealing)
    roller.exchange(gone, new, made=names, listed_at=listed_at)


def _put_together(roller: Roller, progress: Progress) -> int:
    """One sorted file of events for each day that is over; of one that is not, only where it has very many."""
    with roller.store.read() as connection:
        listed = lake.listed(connection)
    due = []
    for day, files in by_day([file for file in listed.files if file.kind == "events"]).items():
        if day in listed.days or is_forgotten(day, listed.forgotten):
            continue
        is_over, is_old = day < roller.now_day, day < roller.now_day - timedelta(days=NETWORK_DAYS)
        is_one = len(files) == 1 and (_base(files[0]).startswith(_SEALED) or (is_kept_whole(files[0]) and not is_old))
        if (is_over and not is_one) or len(files) > LOOSE_FILES:
            due.append((day, files, is_old))
    for done, (day, files, is_old) in enumerate(due):
        progress("put together", done, len(due))
        # What is in a sealed file counts, and what lies beside it does not yet: so no day is sealed but as a whole.
        roller.exchange(files, _one_of(roller, day, files, seal=is_old), only=day if is_old else None)
    progress("put together", len(due), len(due))
    return len(due)


def _one_of(roller: Roller, day: date, files: Sequence[lake.File], *, seal: bool) -> list[lake.File]:
    paths = roller.paths(files)
    return roller.put(
        "events", day.isoformat(), min(file.table_version for file in files),
        lambda path: making.make_events(roller.duck, path, paths, without_networks=seal),
        _SEALED if seal else _WHOLE,
    )  # fmt: skip


def _forget(roller: Roller) -> int:
    """Forget events that are past their time, salts, and names of batches."""
    with roller.store.read() as connection:
        listed = lake.listed(connection)
    last = roller.now_day - timedelta(days=roller.settings.event_days + 1)
    old = [file for file in listed.files if file.kind == "events" and file.last_day <= last]
    now = datetime.now(UTC)
    with roller.store.write() as connection:
        lake.forget_salts(connection, roller.now_day - timedelta(days=NETWORK_DAYS))
        lake.forget_batches(connection, now - timedelta(days=NETWORK_DAYS))
        if not old or lake.has_due(connection, last):  # what is not counted yet is not forgotten
            return 0
        for file in old:
            if not lake.replace(connection, file.name, now):
                raise Overtaken
        lake.set_mark(connection, "forgotten", last)
    return len(old)


def period_of(day: date, now_day: date) -> str:
    """In which file a day is: that of its month, or one of its own where it is not over."""
    return day.isoformat() if day >= now_day else day.isoformat()[:7]


def _periods(files: Iterable[lake.File], now_day: date) -> dict[str, list[lake.File]]:
    """Files of roll-ups by where their days belong now."""
    periods: dict[str, list[lake.File]] = {}
    for file in files:
        if file.kind in _MADE:
            periods.setdefault(period_of(file.last_day, now_day), []).append(file)
    return periods


def by_day(files: Iterable[lake.File]) -> dict[date, list[lake.File]]:
    """Files of events by their day."""
    days: dict[date, list[lake.File]] = {}
    for file in files:
        days.setdefault(file.first_day, []).append(file)
    return days


def is_forgotten(day: date, forgotten: date | None) -> bool:
    """Whether the events of a day are forgotten."""
    return forgotten is not None and day <= forgotten


def is_kept_whole(file: lake.File) -> bool:
    """Whether these events were put together from others that were counted."""
    return _base(file).startswith((_SEALED, _WHOLE))


def _base(file: lake.File) -> str:
    return file.name.rpartition("/")[2]
