"""The embedded engine: DuckDB over Parquet files, of which the database has the list.

A file is put first, durable, and counts from the transaction that lists it: whoever is killed in between leaves a file
that nobody reads, which is swept. Readers take the list as of one moment, and what it names lingers for a while.
What does not live here: rolling up (`rolling`), and the questions in SQL (`duck_questions`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from affineur.core.downloads.classes import TABLE_VERSION
from affineur.core.downloads.figures import (
    MONTH_DAYS,
    Dimension,
    Entry,
    Filter,
    Point,
    Rank,
    Recent,
    Share,
    State,
    Usage,
    Window,
    table_for,
)
from affineur.core.downloads.tables import Kind
from affineur.settings import Settings
from affineur.shell.duck_memory import written
from affineur.shell.progress import tell_nobody
from affineur.shell.store import Store, lake

from . import duck_questions as questions
from . import duck_reclass, rolling
from .duck_engine import FORM, Asking, events_by_day, reading, working
from .duck_sweeping import sweep
from .files import FileGone, fresh, new_name, open_files
from .port import ExportForm, Progress

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")


class DuckLake:
    """See `port.Lake`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.files = open_files(settings)
        self._asking = Asking()

    def append(self, name: str, events: Path, progress: Progress | None = None) -> None:
        """See `Lake.append`. A batch becomes a file for each day that it has events of.

        Its name is remembered for a week, and for as long as a collector has it in hand. Raises `ValueError` for a
        file that has other columns than table `events`.
        """
        with self.store.ask() as connection:
            if lake.is_taken(connection, name):
                return
        now = datetime.now(UTC)
        with fresh(self.files) as scratch, working(scratch) as duck:
            counted = events_by_day(duck, events)
            batch, pieces = reading([events], "events"), []
            for number, (day, rows) in enumerate(counted):
                with fresh(self.files) as path:
                    if len(counted) == 1:
                        shutil.copyfile(events, path)
                    else:
                        duck.execute(
                            f"COPY (FROM {batch} WHERE timestamp::DATE = $day) TO {written(path)} ({FORM})",
                            {"day": day},
                        )
                    pieces.append(self._put(path, day, rows, now))
                if progress is not None:
                    progress("take in", number + 1, len(counted))
        with self.store.write() as connection:
            lake.take(connection, name, pieces, now)

    def roll_up(self, now_day: date, progress: Progress | None = None) -> int:
        """See `Lake.roll_up`."""
        with rolling.rolling(self.settings, self.store, self.files, now_day) as roller:
            return rolling.roll_up(roller, progress or tell_nobody)

    def reclass(self, progress: Progress | None = None) -> int:
        """See `Lake.reclass`."""
        with rolling.rolling(self.settings, self.store, self.files, None) as roller:
            return duck_reclass.reclass(roller, progress or tell_nobody)

    def sweep(self, now: datetime) -> int:
        """See `Lake.sweep`."""
        return sweep(self.settings, self.store, self.files, now)

    def state(self) -> State:
        """See `Lake.state`."""
        with self.store.read() as connection:
            listed = lake.listed(connection)
            rolled_at = lake.rolled_at(connection)
            now_day = lake.mark(connection, "rolled")
        first = min((file.first_day for file in listed.files if file.kind == "totals"), default=None)
        last = now_day - timedelta(days=1) if now_day else None
        events = [file for file in listed.files if file.kind == "events"]
        due = _waiting(events, rolled_at)
        versions = sorted({file.table_version for file in events})
        if first is None or last is None or first > last:
            return State(None, None, due, versions)
        return State(first, last, due, versions)

    def recent(self, project: str, last: date, where: Filter) -> Recent:
        """See `Lake.recent`."""
        table = table_for(where)
        return self._ask(
            table, Window.until(last, MONTH_DAYS), lambda duck, rows: questions.recent(duck, rows, project, last, where)
        )

    def total(self, project: str, window: Window | None, where: Filter) -> int:
        """See `Lake.total`."""
        table = table_for(where)
        return self._ask(table, window, lambda duck, rows: questions.total(duck, rows, project, window, where))

    def series(
        self, project: str, window: Window, where: Filter, by: Dimension | None = None, values: int = 10
    ) -> list[Point]:
        """See `Lake.series`."""
        return self._ask(
            table_for(where, by),
            window,
            lambda duck, rows: questions.series(duck, rows, project, window, where, by, values),
        )

    def shares(self, project: str, window: Window, where: Filter, by: Dimension, values: int = 100) -> list[Share]:
        """See `Lake.shares`."""
        return self._ask(
            table_for(where, by),
            window,
            lambda duck, rows: questions.shares(duck, rows, project, window, where, by, values),
        )

    def version_shares(self, window: Window, where: Filter, least: float) -> Iterator[tuple[str, str]]:
        """See `Lake.version_shares`. May use disk; ask on within minutes."""
        with fresh(self.files) as scratch, working(scratch) as duck:
            yield from questions.version_shares(duck, self._rows("daily", window), window, where, least)

    def top(self, window: Window, where: Filter, limit: int, offset: int = 0) -> list[Entry]:
        """See `Lake.top`."""
        table = table_for(where)
        return self._ask(table, window, lambda duck, rows: questions.top(duck, rows, window, where, limit, offset))

    def rank(self, project: str, window: Window, where: Filter) -> Rank:
        """See `Lake.rank`."""
        table = table_for(where)
        return self._ask(table, window, lambda duck, rows: questions.rank(duck, rows, project, window, where))

    def usage(self, window: Window, last_month: Window) -> Iterator[Usage]:
        """See `Lake.usage`. Everything is of the moment of the first; ask on within minutes."""
        with self._asking.cursor() as duck:
            yield from questions.usage(duck, self._rows("totals", None), window, last_month)

    def export(self, target: Path, window: Window, form: ExportForm, projects: Sequence[str] = ()) -> int:
        """See `Lake.export`. ``target`` is there whole or not at all, sorted by all columns, nulls last."""
        beside = target.with_name(f".{target.name}.new")
        try:
            with fresh(self.files) as scratch, working(scratch) as duck:
                rows = questions.export(duck, self._rows("daily", window), beside, window, form, projects)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return rows

    def close(self) -> None:
        """See `Lake.close`."""
        self._asking.close()

    def _ask(self, table: Kind, window: Window | None, ask: Callable[[duckdb.DuckDBPyConnection, str], T]) -> T:
        """Ask; once more where a file went away between list and reading, as it does for who was held up for long."""
        import duckdb

        with self._asking.cursor() as duck:
            try:
                return ask(duck, self._rows(table, window))
            except (duckdb.IOException, FileGone):
                return ask(duck, self._rows(table, window))

    def _rows(self, table: Kind, window: Window | None) -> str:
        """What stands after FROM for the part of a table that has the days of a window."""
        with self.store.ask() as connection:
            files = lake.files(connection, table)
        if window is not None:
            files = tuple(file for file in files if file.first_day <= window.last and file.last_day >= window.first)
        return reading([self.files.local(file.name, file.sha256) for file in files], table)

    def _put(self, made: Path, day: date, rows: int, now: datetime) -> lake.File:
        name = new_name("events", day.isoformat())
        put = self.files.put(name, made)
        return lake.File(name, "events", day, day, rows, put.size_bytes, put.sha256, TABLE_VERSION, now)


def _waiting(events: Iterable[lake.File], rolled_at: Mapping[date, datetime | None]) -> int:
    """Events that came after their day was rolled up last; all that lie loose, where clocks do not tell which."""
    waiting = 0
    for day, at in rolled_at.items():
        loose = [file for file in events if file.first_day == day and not rolling.is_kept_whole(file)]
        newer = [file for file in loose if at is None or file.made_at > at]
        waiting += sum(file.rows for file in newer or loose)
    return waiting
