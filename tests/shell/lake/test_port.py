"""What `shell.lake.port` promises, of both engines: DuckDB over files, and ClickHouse's own engine behind HTTP.

Each answer is held against one that Python finds by looking at every download.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import cast

import duckdb
import pytest
from tests.services import clickhouse
from tests.shell.lake.downloaded import PROJECTS, Download, Oracle, downloads, written

from affineur.core.downloads.figures import (
    DIMENSIONS,
    EVERYTHING,
    INSTALLS,
    WITHOUT_MIRRORS,
    Entry,
    Filter,
    Recent,
    State,
    Usage,
    Window,
)
from affineur.settings import Settings
from affineur.shell.lake.opening import open_lake
from affineur.shell.lake.port import ExportForm, Lake
from affineur.shell.store import connect

TODAY = date(2026, 3, 31)
CAP = 3
ENGINES = ("duck", "clickhouse")
DAYS = Window(TODAY - timedelta(days=40), TODAY)
FILTERS = (
    EVERYTHING, WITHOUT_MIRRORS, INSTALLS, Filter(frozenset()), Filter(version="1.0"), Filter(version="'"),
    replace(INSTALLS, version="\\"), Filter(version="9"),
)  # fmt: skip
WINDOWS = (
    DAYS,
    Window(TODAY, TODAY),
    Window.until(TODAY - timedelta(days=1), 30),
    Window(DAYS.first - timedelta(days=9), DAYS.first),
    Window(TODAY + timedelta(days=1), TODAY + timedelta(days=3)),
)


@dataclass(frozen=True)
class Filled:
    """A lake, how it is made to believe that all it has was classed by an older table, and where tests may write."""

    lake: Lake
    age: Callable[[], object]
    folder: Path

    def take(self, name: str, made: list[Download]) -> None:
        self.lake.append(name, written(made, self.folder / f"{name}.parquet"))


@contextmanager
def opened(engine: str, folder: Path, *, event_days: int = 400) -> Iterator[Filled]:
    with ExitStack() as stack:
        statistics, age = "", cast("Callable[[], object] | None", None)
        if engine == "clickhouse":
            database = stack.enter_context(clickhouse.new_database())
            statistics = database.url
            age = lambda: database.run(  # noqa: E731
                "ALTER TABLE batches UPDATE table_version = 0 WHERE true SETTINGS mutations_sync = 2"
            )
        settings = Settings(data=folder, statistics=statistics, network_cap=CAP, event_days=event_days)
        store = connect(f"sqlite:///{folder / 'store.db'}")
        stack.callback(store.close)
        store.create()
        if age is None:
            age = lambda: _age_files(store)  # noqa: E731
        lake = open_lake(settings, store)
        stack.callback(lake.close)
        yield Filled(lake, age, folder)


def _age_files(store: object) -> None:
    from affineur.shell.store.schema import lake_file

    with store.write() as connection:  # type: ignore[attr-defined]
        connection.execute(lake_file.update().where(lake_file.c.kind == "events").values(table_version=0))


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(downloads(5, 3000, DAYS, every=5), CAP)


@pytest.fixture(scope="module", params=ENGINES)
def filled(request: pytest.FixtureRequest, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with opened(request.param, tmp_path_factory.mktemp(request.param)) as made:
        # Those of the last days come in two batches, of which the second one adds to days that were rolled up.
        first = [one for one in oracle.made if one.day < TODAY - timedelta(days=5) or one.at.microsecond % 2]
        second = [one for one in oracle.made if one not in first]
        made.take("first", first)
        assert made.lake.state() == State(None, None, len(first), [1])
        made.lake.roll_up(TODAY - timedelta(days=1))
        made.take("second", second)
        assert made.lake.roll_up(TODAY) == 6
        yield made.lake


@pytest.fixture(params=ENGINES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    with opened(request.param, tmp_path, event_days=30) as made:
        yield made


@pytest.mark.parametrize("where", FILTERS, ids=range(len(FILTERS)))
def test_totals_and_recent_downloads_are_those_that_were_made(filled: Lake, oracle: Oracle, where: Filter) -> None:
    for project in (*PROJECTS, "never-heard-of", ""):
        assert filled.total(project, None, where) == oracle.total(project, None, where)
    for window, project in (*((window, "alpha") for window in WINDOWS), (DAYS, "nul\0name")):
        assert filled.total(project, window, where) == oracle.total(project, window, where)
        assert filled.recent(project, window.last, where) == oracle.recent(project, window.last, where)


@pytest.mark.parametrize("by", (None, *DIMENSIONS))
def test_series_and_shares_add_up_in_every_dimension(filled: Lake, oracle: Oracle, by: str | None) -> None:
    for where, project, values in ((EVERYTHING, "", 3), (FILTERS[6], "alpha", 100), (EVERYTHING, "back\\slash", 1)):
        wanted = oracle.series(project, DAYS, where, by, values)  # type: ignore[arg-type]
        assert filled.series(project, DAYS, where, by, values) == wanted  # type: ignore[arg-type]
        if by is not None:
            shares = oracle.shares(project, DAYS, where, by, values)  # type: ignore[arg-type]
            assert filled.shares(project, DAYS, where, by, values) == shares  # type: ignore[arg-type]


def test_series_keep_to_their_window_and_filter(filled: Lake, oracle: Oracle) -> None:
    for window, where in ((WINDOWS[number % len(WINDOWS)], where) for number, where in enumerate(FILTERS)):
        wanted = oracle.series("beta", window, where, "version", 2)
        assert filled.series("beta", window, where, "version", 2) == wanted


def test_the_most_downloaded_come_first_and_equal_ones_share_a_rank(filled: Lake, oracle: Oracle) -> None:
    for number, where in enumerate((*FILTERS, EVERYTHING, INSTALLS)):
        window = WINDOWS[number % len(WINDOWS)]
        wanted = [Entry(*row) for row in oracle.top(window, where)]
        assert filled.top(window, where, 100) == wanted
        assert filled.top(window, where, 3, 2) == wanted[2:5]
        for project in ("alpha", PROJECTS[-1], "never-heard-of"):
            assert filled.rank(project, window, where) == oracle.rank(project, window, where)


def test_versions_with_a_large_share_are_told_of_all_projects_at_once(filled: Lake, oracle: Oracle) -> None:
    asked = product((EVERYTHING, INSTALLS, FILTERS[6]), (0.0, 0.05, 0.2, 1.0))
    for number, (where, least) in enumerate(asked):
        window = WINDOWS[number % len(WINDOWS)]
        assert list(filled.version_shares(window, where, least)) == oracle.version_shares(window, where, least)


def test_usage_counts_each_network_up_to_the_cap_and_bursts_as_nothing(filled: Lake, oracle: Oracle) -> None:
    month = Window.until(TODAY, 30)
    for window in (DAYS, Window.until(TODAY, 10), Window.until(TODAY - timedelta(days=3), 7), Window.until(TODAY, 1)):
        assert list(filled.usage(window, month)) == oracle.usage(window, month)


def test_days_without_installs_count_as_nothing_in_the_steady_number(empty: Filled) -> None:
    made = [replace(one, kind="installer", network=None) for one in downloads(1, 40, Window(TODAY, TODAY), ("one",))]
    shifted = [replace(one, at=one.at - timedelta(days=number % 3)) for number, one in enumerate(made)]
    empty.take("some", shifted)
    empty.lake.roll_up(TODAY)
    # Days without any installs are zeros among the days of the window.
    for days, steady in ((3, CAP), (4, CAP), (5, CAP), (6, 0), (7, 0)):
        (usage,) = empty.lake.usage(Window.until(TODAY, days), Window.until(TODAY, 30))
        assert usage == Usage("one", 3 * CAP, 3 * CAP, 3 * CAP, 0, steady * days)


@pytest.mark.parametrize("form", ("csv", "jsonl", "parquet"))
def test_an_export_has_every_row_of_the_window(filled: Lake, oracle: Oracle, form: ExportForm, tmp_path: Path) -> None:
    target = tmp_path / "exported"
    window = Window.until(TODAY, 20)
    wanted = oracle.daily(window)
    assert filled.export(target, window, form) == len(wanted)
    found = _read(target, form)
    assert dict(found) == {_shown(key, form): count for key, count in wanted.items()}
    assert [row[0][1] for row in found] == sorted(row[0][1] for row in found)
    some = [*PROJECTS[4:7], "never-heard-of"]
    assert filled.export(target, window, form, some) == sum(key[1] in some for key in wanted)
    assert {row[0][1] for row in _read(target, form)} == {key[1] for key in wanted if key[1] in some}


def _shown(key: tuple[object, ...], form: ExportForm) -> tuple[object, ...]:
    if form != "csv":
        return key
    return tuple("" if value is None else str(value).lower() if isinstance(value, bool) else value for value in key)


def _read(path: Path, form: ExportForm) -> list[tuple[tuple[object, ...], int]]:
    if form == "csv":
        with path.open(newline="") as file:
            rows: list[list[object]] = [[*row] for row in csv.reader(file)][1:]
    elif form == "jsonl":
        rows = [list(json.loads(line).values()) for line in path.read_text().splitlines()]
    else:
        with duckdb.connect(":memory:") as duck:
            found = duck.execute(f"FROM read_parquet('{path}')").fetchall()
        rows = [[str(row[0]), *row[1:]] for row in found]
    return [(tuple(row[:-1]), int(cast("str", row[-1]))) for row in rows]


def test_both_engines_export_the_same(tmp_path: Path) -> None:
    made = downloads(8, 400, Window.until(TODAY, 3))
    exported: dict[str, list[object]] = {}
    for engine in ENGINES:
        (tmp_path / engine).mkdir()
        with opened(engine, tmp_path / engine) as lake:
            lake.take("some", made)
            lake.lake.roll_up(TODAY)
            for form in ("csv", "jsonl", "parquet"):
                lake.lake.export(target := tmp_path / form, DAYS, cast("ExportForm", form))
                read = _read(target, "parquet") if form == "parquet" else target.read_bytes()
                exported.setdefault(form, []).append(read)
    for form, (one, other) in exported.items():
        assert one == other, form


def test_an_empty_lake_answers_with_zeros(empty: Filled, tmp_path: Path) -> None:
    lake = empty.lake
    assert lake.state() == State(None, None, 0, [])
    assert lake.roll_up(TODAY) == 0
    assert lake.state() == State(None, None, 0, [])
    assert lake.recent("alpha", TODAY, EVERYTHING) == Recent(0, 0, 0)
    assert lake.series("alpha", DAYS, EVERYTHING, "version") == lake.shares("", DAYS, INSTALLS, "ci") == []
    assert lake.top(DAYS, EVERYTHING, 10) == list(lake.usage(DAYS, DAYS)) == []
    assert lake.export(tmp_path / "nothing", DAYS, "csv") == 0
    assert lake.reclass() == 0


def test_a_batch_counts_once_however_often_it_is_taken_in(empty: Filled) -> None:
    made = downloads(2, 50, Window.until(TODAY, 3))
    for _ in range(2):
        empty.take("same", made)
    empty.lake.roll_up(TODAY)
    empty.take("same", made)
    assert empty.lake.roll_up(TODAY) == 0
    empty.take("another", made[:7])
    empty.take("of nothing", [])
    assert empty.lake.state().events == 7
    empty.lake.roll_up(TODAY)
    assert empty.lake.total("", None, EVERYTHING) == 57
    assert empty.lake.state() == State(TODAY - timedelta(days=2), TODAY - timedelta(days=1), 0, [1])


def test_what_is_no_table_of_events_is_refused(empty: Filled) -> None:
    with duckdb.connect(":memory:") as duck:
        duck.execute(f"COPY (SELECT 1 AS timestamp) TO '{empty.folder / 'wrong'}' (FORMAT parquet)")
    with pytest.raises(ValueError, match="not events"):
        empty.lake.append("wrong", empty.folder / "wrong")


def test_late_events_count_whether_their_day_is_open_sealed_or_forgotten(empty: Filled) -> None:
    days = [TODAY - timedelta(days=number) for number in (0, 1, 7, 8, 29, 30, 31, 32, 50)]
    early = [one for day in days for one in downloads(day.day, 30, Window(day, day))]
    late = [one for day in days for one in downloads(day.day + 100, 20, Window(day, day))]
    empty.take("early", early)
    empty.lake.roll_up(TODAY)
    empty.take("late", late)
    assert empty.lake.roll_up(TODAY) == len(days)
    empty.take("later", late[:5])
    empty.lake.roll_up(TODAY + timedelta(days=1))
    oracle = Oracle([*early, *late, *late[:5]], CAP)
    window = Window(days[-1], days[0])
    for by in ("version", "class"):
        wanted = oracle.series("alpha", window, EVERYTHING, by, 100)
        assert empty.lake.series("alpha", window, EVERYTHING, by, 100) == wanted
    open_days = Window.until(TODAY, 7)
    assert [one.last_window for one in empty.lake.usage(open_days, open_days) if one.last_window] == [
        one.last_window for one in oracle.usage(open_days, open_days) if one.last_window
    ]
    assert empty.lake.state().events == 0


def test_what_a_day_adds_up_to_outlives_its_events(empty: Filled) -> None:
    made = downloads(3, 200, Window.until(TODAY, 5))
    empty.take("some", made)
    empty.lake.roll_up(TODAY)
    before = list(empty.lake.usage(DAYS, DAYS))
    for days in (1, 8, 35, 500):
        assert empty.lake.roll_up(TODAY + timedelta(days=days)) == 0
        assert list(empty.lake.usage(DAYS, DAYS)) == before
        assert empty.lake.shares("alpha", DAYS, EVERYTHING, "version") == Oracle(made, CAP).shares(
            "alpha", DAYS, EVERYTHING, "version", 100
        )
    assert empty.lake.state().table_versions == []


def test_a_changed_table_of_classes_is_replayed_over_what_is_there(empty: Filled) -> None:
    first, last = TODAY - timedelta(days=12), TODAY
    made = downloads(4, 300, Window(first, last))
    wrong = [replace(one, kind="unknown" if one.kind == "installer" else one.kind) for one in made]
    empty.take("wrong", wrong)
    empty.lake.roll_up(TODAY)
    assert empty.lake.total("", None, INSTALLS) == 0
    empty.age()
    assert empty.lake.state().table_versions == [0]
    assert empty.lake.reclass() == len(made)
    right = Oracle(made, CAP)
    window = Window(first, last)
    for project in PROJECTS[:4]:
        wanted = right.series(project, window, EVERYTHING, "class", 10)
        assert empty.lake.series(project, window, EVERYTHING, "class", 10) == wanted
        assert empty.lake.shares(project, window, INSTALLS, "version") == right.shares(
            project, window, INSTALLS, "version", 100
        )
    week = Window.until(TODAY, 7)
    assert [one.last_window for one in empty.lake.usage(week, week) if one.last_window] == [
        one.last_window for one in right.usage(week, week) if one.last_window
    ]
    assert empty.lake.state().table_versions == [1]
    assert empty.lake.reclass() == 0
