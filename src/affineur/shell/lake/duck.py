"""The embedded engine: DuckDB over Parquet files, of which the database has the list.

A file is put first, durable, and counts from the transaction that lists it: whoever is killed in between leaves a file
that nobody reads, which is swept. Readers take the list as of one moment, and what it names lingers for a while.
What does not live here: rolling up (`rolling`), and the questions in SQL (`duck_questions`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from affineur.core.downloads import classes
from affineur.core.downloads.figures import Dimension, Entry, Filter, Point, Rank, Recent, Share, State, Usage, Window
from affineur.core.downloads.tables import EVENTS
from affineur.settings import Settings
from affineur.shell.store import Store, lake

from .duck_engine import FORM, Asking, quoted, working, written
from .files import fresh, new_name, open_files
from .port import ExportForm, Progress


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
        with working(self.settings.lake / ".new") as duck:
            batch = f"read_parquet({quoted(events)})"
            _require_events(duck.execute(f"DESCRIBE FROM {batch}").fetchall())
            counted = duck.execute(f"FROM {batch} SELECT timestamp::DATE, count(*) GROUP BY ALL ORDER BY 1").fetchall()
            pieces = []
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
        raise NotImplementedError

    def reclass(self, progress: Progress | None = None) -> int:
        """See `Lake.reclass`."""
        raise NotImplementedError

    def state(self) -> State:
        """See `Lake.state`."""
        raise NotImplementedError

    def recent(self, project: str, last: date, where: Filter) -> Recent:
        """See `Lake.recent`."""
        raise NotImplementedError

    def total(self, project: str, window: Window | None, where: Filter) -> int:
        """See `Lake.total`."""
        raise NotImplementedError

    def series(
        self, project: str, window: Window, where: Filter, by: Dimension | None = None, values: int = 10
    ) -> list[Point]:
        """See `Lake.series`."""
        raise NotImplementedError

    def shares(self, project: str, window: Window, where: Filter, by: Dimension, values: int = 100) -> list[Share]:
        """See `Lake.shares`."""
        raise NotImplementedError

    def top(self, window: Window, where: Filter, limit: int, offset: int = 0) -> list[Entry]:
        """See `Lake.top`."""
        raise NotImplementedError

    def rank(self, project: str, window: Window, where: Filter) -> Rank:
        """See `Lake.rank`."""
        raise NotImplementedError

    def usage(self, window: Window, last_month: Window) -> Iterator[Usage]:
        """See `Lake.usage`."""
        raise NotImplementedError

    def export(self, target: Path, window: Window, form: ExportForm, projects: Sequence[str] = ()) -> int:
        """See `Lake.export`."""
        raise NotImplementedError

    def close(self) -> None:
        """See `Lake.close`."""
        self._asking.close()

    def _put(self, made: Path, day: date, rows: int, now: datetime) -> lake.File:
        name = new_name("events", day.isoformat())
        put = self.files.put(name, made)
        version = getattr(classes, "TABLE_VERSION", 1)
        return lake.File(name, "events", day, day, rows, put.size_bytes, put.sha256, version, now)


def _require_events(described: list[tuple[str, ...]]) -> None:
    found = [row[0] for row in described]
    if found != [column.name for column in EVENTS]:
        raise ValueError(f"These are not events: the columns are {', '.join(found)}.")
