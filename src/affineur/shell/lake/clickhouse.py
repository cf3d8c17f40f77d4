"""The engine for more than one machine: ClickHouse, over HTTP, with the tables and the numbers of the embedded one.

What does not live here: how it is spoken to (`clickhouse_http`), its tables (`clickhouse_tables`), how batches come in
(`clickhouse_batches`), what is made of them (`clickhouse_rolling`), and what is asked (`clickhouse_questions`).
"""

from __future__ import annotations

import fcntl
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

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
)
from affineur.settings import Settings
from affineur.shell.store import Store, lake

from . import clickhouse_batches as batches
from . import clickhouse_questions as questions
from . import clickhouse_rolling as rolling
from . import duck_questions
from .clickhouse_http import ClickHouse
from .clickhouse_reclass import reclass
from .clickhouse_tables import statements
from .duck_engine import reading, working
from .port import ExportForm, Progress

_STATE = f"""
SELECT (SELECT minOrNull(day) FROM totals),
    (SELECT sum(events) FROM batches WHERE committed AND attempt IN ({batches.COUNTING})),
    (SELECT sum(downloads) FROM totals),
    (SELECT groupUniqArray(table_version) FROM batches WHERE committed AND (day, part) IN ({rolling.KEPT}))
"""  # noqa: S608 -- only our own words


class ClickHouseLake:
    """See `port.Lake`. A batch counts once for good: see `clickhouse_batches`."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self._server = ClickHouse(settings.statistics)
        self._lock = threading.Lock()
        self._prepared = False

    @property
    def server(self) -> ClickHouse:
        """The database, with its tables."""
        with self._lock:
            if not self._prepared:
                for statement in statements():
                    self._server.run(statement)
                self._prepared = True
        return self._server

    def append(self, name: str, events: Path, progress: Progress | None = None) -> None:
        """See `Lake.append`. Raises `ValueError` for a file that has other columns than table `events`."""
        with self._scratch() as scratch:
            batches.take(self.server, name, events, scratch, progress)

    def roll_up(self, now_day: date, progress: Progress | None = None) -> int:
        """See `Lake.roll_up`."""
        with self._alone():
            days = rolling.roll_up(self.server, now_day, self.settings.event_days, self.settings.network_cap, progress)
        with self.store.write() as connection:
            lake.forget_salts(connection, batches.sealed_before(now_day))
        return days

    def reclass(self, progress: Progress | None = None) -> int:
        """See `Lake.reclass`."""
        with self._alone():
            return reclass(self.server, self.settings.network_cap, progress)

    def state(self) -> State:
        """See `Lake.state`."""
        ((first, taken, rolled, versions),) = self.server.rows(_STATE)
        first_day, last_day = first and date.fromisoformat(first), batches.now_day(self.server) - timedelta(days=1)
        if first_day is None or first_day > last_day:
            return State(None, None, taken - rolled, sorted(versions))
        return State(first_day, last_day, taken - rolled, sorted(versions))

    def recent(self, project: str, last: date, where: Filter) -> Recent:
        """See `Lake.recent`."""
        rows, given = questions.matching(project, Window.until(last, MONTH_DAYS), where)
        return Recent(*self.server.rows(f"{questions.RECENT} {rows}", **given)[0])

    def total(self, project: str, window: Window | None, where: Filter) -> int:
        """See `Lake.total`."""
        rows, given = questions.matching(project, window, where)
        return int(self.server.rows(f"{questions.TOTAL} {rows}", **given)[0][0])

    def series(
        self, project: str, window: Window, where: Filter, by: Dimension | None = None, values: int = 10
    ) -> list[Point]:
        """See `Lake.series`."""
        statement, given = questions.series(project, window, where, by, values)
        return [Point(date.fromisoformat(day), value, n) for day, value, n in self.server.rows(statement, **given)]

    def shares(self, project: str, window: Window, where: Filter, by: Dimension, values: int = 100) -> list[Share]:
        """See `Lake.shares`."""
        statement, given = questions.shares(project, window, where, by, values)
        return [Share(*row) for row in self.server.rows(statement, **given)]

    def version_shares(self, window: Window, where: Filter, least: float) -> Iterator[tuple[str, str]]:
        """See `Lake.version_shares`. Sent as it is asked for."""
        statement, given = questions.version_shares(window, where, least)
        for row in self.server.stream(statement, **given):
            yield row[0], row[1]

    def top(self, window: Window, where: Filter, limit: int, offset: int = 0) -> list[Entry]:
        """See `Lake.top`."""
        statement, given = questions.top(window, where, limit, offset)
        return [Entry(*row) for row in self.server.rows(statement, **given)]

    def rank(self, project: str, window: Window, where: Filter) -> Rank:
        """See `Lake.rank`."""
        statement, given = questions.rank(project, window, where)
        return Rank.of(*self.server.rows(statement, **given)[0])

    def usage(self, window: Window, last_month: Window) -> Iterator[Usage]:
        """See `Lake.usage`. Everything is of one moment; sent as it is asked for."""
        statement, given = questions.usage(window, last_month)
        for row in self.server.stream(statement, **given):
            yield Usage(*row)

    def export(self, target: Path, window: Window, form: ExportForm, projects: Sequence[str] = ()) -> int:
        """See `Lake.export`. What ClickHouse sends is Parquet; the rest is done as in the embedded engine."""
        statement, given = questions.export(window, projects)
        with self._scratch() as scratch:
            fetched, made = scratch / "fetched.parquet", scratch / "made"
            self.server.fetch(statement, fetched, **given)
            with working(scratch) as duck:
                rows = duck_questions.export(duck, reading([fetched], "daily"), made, window, form, projects)
            shutil.move(made, target)
        return rows

    def sweep(self, now: datetime) -> int:
        """See `Lake.sweep`. There are no files of ours; what attempts left goes with each roll-up."""
        return 0

    def close(self) -> None:
        """See `Lake.close`."""
        self._server.close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """As the only one of this machine that puts roll-ups in place."""
        self.settings.lake.mkdir(parents=True, exist_ok=True)
        with (self.settings.lake / ".rolling").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # is let go with the file, however this ends
            yield

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A folder for what is on its way."""
        self.settings.lake.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.settings.lake, prefix=".clickhouse-") as folder:
            yield Path(folder)
