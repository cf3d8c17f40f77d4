"""Downloads of each day are kept up by themselves, and by the commands that look after them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.indexes import new_index
from tests.shell.lake.downloaded import downloads, written
from typer.testing import CliRunner

from affineur.cli.main import app
from affineur.core.downloads.classes import TABLE_VERSION
from affineur.core.downloads.figures import EVERYTHING, Window
from affineur.projections.downloads import Keeper, Stopped
from affineur.shell.index import Index

NOW = datetime.now(UTC)
DAYS = Window.until(NOW.date() - timedelta(days=1), 2)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = new_index(tmp_path)
    yield made
    made.close()


def take(index: Index, name: str) -> None:
    index.lake.append(name, written(downloads(3, 30, DAYS, ("alpha",)), index.settings.data / f"{name}.parquet"))


def test_what_was_collected_is_rolled_up_soon_and_once(index: Index) -> None:
    keeper = Keeper(index, threading.Event())
    assert keeper.tick(NOW) == 0
    take(index, "one")
    found = 0
    while not found:  # it rests as long as the last time took
        found = keeper.tick(NOW)
    assert found == 2
    assert index.lake.total("alpha", None, EVERYTHING) == 30
    assert keeper.tick(NOW) == 0


def test_rolling_up_ends_with_the_program_and_goes_on_with_the_next(index: Index) -> None:
    take(index, "one")
    ending = threading.Event()
    ending.set()
    with pytest.raises(Stopped):
        Keeper(index, ending).tick(NOW)
    assert index.lake.total("alpha", None, EVERYTHING) == 0
    assert Keeper(index, threading.Event()).tick(NOW) == 2
    assert index.lake.total("alpha", None, EVERYTHING) == 30


def test_on_the_first_day_the_command_line_tells_what_there_is_so_far(index: Index) -> None:
    def run(*words: str) -> str:
        found = CliRunner().invoke(app, ["statistics", *words, "--data", str(index.settings.data)])
        return f"{found.exit_code} {found.output}"

    assert run("show").startswith("3 ") and "affineur statistics collect" in run("top")
    today = datetime.now(UTC).date()
    made = downloads(3, 1, Window(today, today), ("alpha",))
    index.lake.append("first", written(made, index.settings.data / "first.parquet"))
    index.lake.roll_up(today)
    assert "0 alpha: 1 download so far, until" in run("show", "alpha", "--count", "all")
    assert "no day is counted whole yet" in run("top", "--count", "all")
    assert '"whole": false' in run("show", "--json")


def test_commands_tell_how_far_statistics_are_and_bring_them_up(index: Index) -> None:
    take(index, "one")
    run = CliRunner()

    def asked(*words: str) -> dict[str, object]:
        found = run.invoke(app, ["statistics", *words, "--data", str(index.settings.data), "--json"])
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)  # type: ignore[no-any-return]

    assert asked("state") == {
        "first_day": None, "last_day": None, "waiting": 30,
        "table_versions": [TABLE_VERSION], "newest_table_version": TABLE_VERSION,
    }  # fmt: skip
    assert asked("roll-up") == {"days": 2}
    assert asked("reclass") == {"downloads": 0}
    whole = asked("state")
    assert whole["first_day"] == str(DAYS.first)
    assert whole["waiting"] == 0
    assert whole["last_day"] == str(datetime.now(UTC).date() - timedelta(days=1))
