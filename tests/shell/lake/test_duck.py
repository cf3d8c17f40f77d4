"""The embedded engine where the port does not look: crashes, several machines, files that come and go."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.services.s3 import Bucket
from tests.services.schema import bring_schema
from tests.shell.lake.downloaded import Download, Oracle, downloads, written

from affineur.core.downloads.figures import EVERYTHING, INSTALLS, Window
from affineur.settings import Settings
from affineur.shell.lake import duck_counting
from affineur.shell.lake.duck import DuckLake
from affineur.shell.lake.duck_engine import reading, working
from affineur.shell.lake.files import FileDamaged, Put
from affineur.shell.lake.rolling import Overtaken, rolling
from affineur.shell.store import Store, connect, lake
from affineur.shell.store.schema import lake_day, lake_log

TODAY = date(2026, 3, 31)
DAYS = Window.until(TODAY, 3)
CAP = 3


@contextmanager
def opened(folder: Path, store: Store | None = None, **settings: object) -> Iterator[DuckLake]:
    url = f"sqlite:///{folder / 'store.db'}"
    bring_schema(url)
    made = DuckLake(Settings(data=folder, network_cap=CAP, **settings), store or connect(url))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()
        made.store.close()


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[DuckLake]:
    with opened(tmp_path) as made:
        yield made


def some(seed: int, window: Window = DAYS, count: int = 60) -> list[Download]:
    return downloads(seed, count, window, ("alpha", "beta", "gamma"))


def take(duck: DuckLake, name: str, made: list[Download]) -> None:
    duck.append(name, written(made, duck.settings.data / f"{name}.parquet"))


def must_agree(duck: DuckLake, made: list[Download], capped: bool = True) -> None:
    """Every project's downloads, and what the cap leaves of its installs, are those that Python counts."""
    oracle, window = Oracle(made, CAP), Window.until(TODAY, 60)
    for project in ("alpha", "beta", "gamma", ""):
        assert duck.series(project, window, EVERYTHING, "version") == oracle.series(
            project, window, EVERYTHING, "version", 10
        )
        assert duck.total(project, None, INSTALLS) == oracle.total(project, None, INSTALLS)
    if capped:
        assert list(duck.usage(window, window)) == oracle.usage(window, window)


@pytest.mark.parametrize("at_once", [1, 25])
def test_days_of_more_events_than_are_counted_at_once_are_counted_exactly(
    duck: DuckLake, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(duck_counting, "_AT_ONCE", at_once)  # a day has 20: it is too large, or one is counted by one
    monkeypatch.setattr(duck_counting, "_FEW", 1)
    made = some(77)
    take(duck, "one", made)
    duck.roll_up(TODAY)
    must_agree(duck, made)


@pytest.mark.parametrize(("ahead", "last"), [(1, TODAY), (2, TODAY - timedelta(days=1))])
def test_a_clock_that_is_hours_ahead_is_believed_and_one_that_is_days_ahead_is_forgotten(
    duck: DuckLake, ahead: int, last: date
) -> None:
    take(duck, "one", some(7))
    duck.roll_up(TODAY + timedelta(days=ahead))
    duck.roll_up(TODAY)
    assert duck.state().last_day == last


class Killed(BaseException):
    """Stands for the end of the process."""


class Dying:
    """Counts effects, and ends everything at one of them: before it, or right after."""

    def __init__(self, duck: DuckLake, at: int, *, after: bool) -> None:
        self.left, self.after = at, after
        self._put, self._write = duck.files.put, duck.store.write
        duck.files.put = self.put  # type: ignore[method-assign]
        duck.store.write = self.write  # type: ignore[method-assign]

    def put(self, name: str, made: Path) -> Put:
        with self._effect():
            return self._put(name, made)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._effect(), self._write() as connection:
            yield connection

    @contextmanager
    def _effect(self) -> Iterator[None]:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        yield
        if self.left == 0:
            raise Killed


def test_whatever_effect_is_the_last_before_a_crash_all_counts_once(tmp_path: Path) -> None:
    yesterday = Window(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    old, new = some(1, Window.until(TODAY, 2)), some(2, Window(TODAY, TODAY)) + some(3, yesterday)
    batches = [written(old, tmp_path / "old.parquet"), written(new, tmp_path / "new.parquet")]

    def work(duck: DuckLake) -> None:
        duck.append("old", batches[0])
        duck.roll_up(TODAY)
        duck.append("new", batches[1])
        duck.roll_up(TODAY + timedelta(days=1))

    chosen = random.Random(5)
    at, died = 1, True
    while died:
        folder = tmp_path / str(at)
        folder.mkdir()
        with opened(folder) as duck:
            Dying(duck, at, after=chosen.random() < 0.5)
            died = False
            try:
                work(duck)
            except Killed:
                died = True
        if died:
            with opened(folder) as duck:
                work(duck)
                must_agree(duck, old + new)
                assert duck.state().events == 0
        at += chosen.randrange(1, 6)
    assert at > 15, "there are more effects than that"


_ROLLING = """
import sys
from datetime import date
from pathlib import Path
from affineur.settings import Settings
from affineur.shell.lake.duck import DuckLake
from affineur.shell.store import connect
folder = Path(sys.argv[1])
duck = DuckLake(Settings(data=folder, network_cap=3), connect(f"sqlite:///{folder / 'store.db'}"))
print("begun", flush=True)
for path in sorted(folder.glob("batch-*.parquet")):
    duck.append(path.stem, path)
    duck.roll_up(date(2026, 3, 31))
print("done", flush=True)
"""


def test_killed_again_and_again_while_it_rolls_up_all_counts_once(tmp_path: Path) -> None:
    made = [some(number, count=30) for number in range(8)]
    with opened(tmp_path) as duck:
        for number, batch in enumerate(made):
            written(batch, tmp_path / f"batch-{number}.parquet")
        chosen = random.Random(7)
        for _ in range(3):
            process = subprocess.Popen([sys.executable, "-c", _ROLLING, str(tmp_path)], stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            time.sleep(chosen.uniform(0.05, 0.6))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(30)
            process.stdout.close()
        for number in range(len(made)):
            duck.append(f"batch-{number}", tmp_path / f"batch-{number}.parquet")
        duck.roll_up(TODAY)
        must_agree(duck, [one for batch in made for one in batch])
        duck.sweep(datetime.now(UTC) + timedelta(days=2))
        kept = {name for name, _ in duck.files.names()}
        with duck.store.ask() as connection:
            assert kept == lake.known(connection), "what crashes left is swept"
        assert list((duck.settings.lake / ".new").iterdir()) == []


def test_several_that_roll_up_and_take_in_at_once_lose_nothing(tmp_path: Path) -> None:
    made = [some(number, count=20) for number in range(6)]
    with opened(tmp_path) as first, opened(tmp_path) as second:
        files = [written(batch, tmp_path / f"b{number}.parquet") for number, batch in enumerate(made)]

        def work(duck: DuckLake, numbers: range) -> None:
            for number in numbers:
                duck.append(f"b{number}", files[number])
                duck.roll_up(TODAY)

        threads = [
            threading.Thread(target=work, args=(first, range(3))),
            threading.Thread(target=work, args=(second, range(2, 6))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        first.roll_up(TODAY)
        must_agree(first, [one for batch in made for one in batch])


def test_who_was_overtaken_changes_nothing(duck: DuckLake) -> None:
    take(duck, "one", some(1))
    with duck.store.read() as connection:
        before = lake.files(connection, "events")
    duck.roll_up(TODAY + timedelta(days=1))
    with rolling(duck.settings, duck.store, duck.files, TODAY) as roller, pytest.raises(Overtaken):
        roller.exchange(before, [replace(before[0], name="events/2026-03-31/other.parquet")])
    must_agree(duck, some(1))


def test_a_replaced_file_lingers_for_those_who_have_it_on_their_list(duck: DuckLake) -> None:
    take(duck, "one", some(1))
    duck.roll_up(TODAY)
    with duck.store.ask() as connection:
        before = {file.name: file.sha256 for file in lake.files(connection, "totals")}
    take(duck, "two", some(2))
    duck.roll_up(TODAY + timedelta(days=1))
    duck.sweep(datetime.now(UTC))
    for name, sha256 in before.items():
        assert duck.files.local(name, sha256).exists()
    duck.sweep(datetime.now(UTC) + timedelta(minutes=11))
    assert not before.keys() & {name for name, _ in duck.files.names()}
    must_agree(duck, some(1) + some(2))


def test_networks_and_names_of_batches_are_forgotten_in_time(duck: DuckLake) -> None:
    take(duck, "one", some(1))
    take(duck, "in hand", some(2))
    with duck.store.write() as connection:
        assert lake.salt(connection, TODAY, b"first") == lake.salt(connection, TODAY, b"second") == b"first"
        connection.execute(
            lake_log.insert().values(
                source="log", position=0, lines=0, events=0, unreadable=0, batch="in hand", batch_end=9,
                read_at=datetime.now(UTC),
            )
        )  # fmt: skip
    duck.roll_up(TODAY)
    must_agree(duck, some(1) + some(2))
    duck.roll_up(TODAY + timedelta(days=8))
    with duck.store.write() as connection:
        assert connection.scalars(sa.select(lake_day.c.salt)).all() == [None] * 3
        paths = [duck.files.local(file.name, file.sha256) for file in lake.files(connection, "events")]
        assert lake.forget_batches(connection, datetime.now(UTC) + timedelta(days=8)) == 1
        assert not lake.is_taken(connection, "one")
        assert lake.is_taken(connection, "in hand")
    with working(duck.settings.data / "scratch") as asking:
        query = f"SELECT count(*), count(_network), count(_user_agent) FROM {reading(paths, 'events')}"
        counted = asking.execute(query).fetchone()
    assert len(paths) == 3
    assert counted == (120, 0, sum(one.agent is not None for one in some(1) + some(2)))
    must_agree(duck, some(1) + some(2))


def test_many_small_files_of_a_day_are_put_together_before_it_is_over(
    duck: DuckLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affineur.shell.lake.rolling.LOOSE_FILES", 3)
    made = some(3, Window(TODAY, TODAY), 5)
    for number, one in enumerate(made):
        take(duck, f"b{number}", [one])
    duck.roll_up(TODAY)
    with duck.store.ask() as connection:
        assert len(lake.files(connection, "events")) == 1
    take(duck, "more", some(4, Window(TODAY, TODAY)))
    duck.roll_up(TODAY)
    must_agree(duck, made + some(4, Window(TODAY, TODAY)))


@pytest.fixture
def nodes(tmp_path: Path, s3: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], DuckLake]]:
    """Machines of one index: a folder each, one database, one bucket."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    bring_schema(url)
    opened: list[DuckLake] = []

    def node(name: str) -> DuckLake:
        settings = Settings(
            data=tmp_path / name, statistics=f"s3://{s3.name}/statistics", s3_endpoint=s3.endpoint, network_cap=CAP
        )
        settings.data.mkdir()
        opened.append(DuckLake(settings, connect(url)))
        return opened[-1]

    yield node
    for each in opened:
        each.close()
        each.store.close()


def test_in_s3_each_machine_takes_in_rolls_up_and_asks(nodes: Callable[[str], DuckLake]) -> None:
    first, second = nodes("first"), nodes("second")
    take(first, "one", some(1))
    take(second, "two", some(2))
    threads = [threading.Thread(target=each.roll_up, args=(TODAY,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    first.roll_up(TODAY + timedelta(days=1))
    for each in (first, second):
        must_agree(each, some(1) + some(2))
    soon = datetime.now(UTC) + timedelta(days=2)
    second.sweep(soon)
    first.sweep(soon)
    with first.store.ask() as connection:
        known, files = lake.known(connection), lake.files(connection, "totals")
    assert {name for name, _ in first.files.names()} == known
    assert {name for name, _ in first.files.copies()} == {name for name in known if not name.startswith("events/")}
    must_agree(second, some(1) + some(2))
    third = nodes("third")
    with pytest.raises(FileDamaged):
        third.files.local(files[0].name, "0" * 64)
    must_agree(third, some(1) + some(2))


@pytest.mark.parametrize("said", ["=cmd|' /c calc'!A1", "  +1", "-1", "@SUM(1)"])
def test_what_a_user_agent_says_is_no_formula_in_a_spreadsheet(duck: DuckLake, tmp_path: Path, said: str) -> None:
    made = [replace(one, system=said, version="1.0") for one in some(3, count=2)]
    take(duck, "one", made)
    duck.roll_up(TODAY)
    target = tmp_path / "exported"
    duck.export(target, DAYS, "csv")
    with target.open(newline="") as file:
        assert {row["system"] for row in csv.DictReader(file)} == {f"'{said}"}
    duck.export(target, DAYS, "jsonl")
    assert {json.loads(line)["system"] for line in target.read_text().splitlines()} == {said}
