"""What is ClickHouse's own: batches without transactions, steps that are interrupted, people's queries, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from tests.services import clickhouse
from tests.services.keeper import free_ports
from tests.shell.lake.downloaded import Download, Oracle, downloads, written
from tests.shell.lake.test_port import CAP, TODAY, Filled, opened

from affineur.core.downloads.figures import EVERYTHING, INSTALLS, Window
from affineur.shell.lake import clickhouse_batches as batches
from affineur.shell.lake.clickhouse import ClickHouseLake
from affineur.shell.lake.clickhouse_http import ClickHouse
from affineur.shell.lake.port import LakeAway

WEEK = Window.until(TODAY, 7)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    with opened("clickhouse", tmp_path, event_days=30) as made:
        yield made


def _server(filled: Filled) -> ClickHouse:
    assert isinstance(filled.lake, ClickHouseLake)
    return filled.lake.server


@contextmanager
def interrupted(server: ClickHouse, after: int) -> Iterator[None]:
    """Requests of ``server`` up to ``after`` are carried out, and nothing afterwards: as for who is killed then."""
    left = [after]

    def count(request: httpx.Request) -> None:
        if not left[0]:
            raise httpx.ConnectError("interrupted", request=request)
        left[0] -= 1

    hooks = server._connected().event_hooks
    server._connected().event_hooks = {"request": [count]}
    try:
        yield
    finally:
        server._connected().event_hooks = hooks


def test_a_batch_that_is_interrupted_anywhere_counts_once_when_it_comes_again(filled: Filled, tmp_path: Path) -> None:
    made = downloads(1, 60, Window.until(TODAY, 3))
    source = written(made, tmp_path / "batch.parquet")
    server = _server(filled)
    for after in range(1, 8):
        with interrupted(server, after):
            try:
                filled.lake.append(f"batch {after}", source)
            except LakeAway:
                done = False
            else:
                done = True
        filled.lake.append(f"batch {after}", source)
        filled.lake.roll_up(TODAY)
        assert filled.lake.total("", None, EVERYTHING) == 60 * after
        if done:
            break
    assert done
    assert server.rows("SELECT count() > {counted:UInt64} FROM events", counted=60 * after) == [[True]]


def test_what_an_interrupted_batch_left_is_deleted_once_nobody_can_be_at_it(filled: Filled, tmp_path: Path) -> None:
    source = written(downloads(1, 20, Window.until(TODAY, 2)), tmp_path / "batch.parquet")
    server = _server(filled)
    with interrupted(server, 5), suppress(LakeAway):
        filled.lake.append("some", source)
    assert server.rows("SELECT count() FROM events") == [[20]]
    filled.lake.append("some", source)
    filled.lake.roll_up(TODAY)
    assert server.rows("SELECT count() FROM events") == [[40]]
    server.run("ALTER TABLE batches UPDATE at = at - INTERVAL 2 HOUR WHERE true SETTINGS mutations_sync = 2")
    filled.lake.roll_up(TODAY)
    assert server.rows("SELECT count() FROM events") == [[20]]
    filled.lake.append("some", source)
    assert filled.lake.roll_up(TODAY) == 0
    assert filled.lake.total("", None, EVERYTHING) == 20


def test_a_day_to_which_somebody_still_writes_is_not_sealed(filled: Filled, tmp_path: Path) -> None:
    day = TODAY - timedelta(days=7)
    source = written([replace(one, network=1) for one in downloads(1, 20, Window(day, day))], tmp_path / "one.parquet")
    server = _server(filled)
    filled.lake.append("some", source)
    filled.lake.roll_up(TODAY)
    batches._begin(server, "on its way", [(day, 20)])
    networks = "SELECT count() FROM events WHERE _network IS NOT NULL"
    filled.lake.roll_up(TODAY + timedelta(days=1))
    assert server.rows(networks) == [[20]]
    server.run("ALTER TABLE batches UPDATE at = at - INTERVAL 2 HOUR WHERE true SETTINGS mutations_sync = 2")
    filled.lake.roll_up(TODAY + timedelta(days=2))
    assert server.rows(networks) == [[0]]


def test_a_roll_up_that_is_interrupted_anywhere_is_made_good_by_the_next_one(filled: Filled, tmp_path: Path) -> None:
    made = downloads(2, 90, Window.until(TODAY, 2))
    filled.lake.append("all", written(made, tmp_path / "all.parquet"))
    server = _server(filled)
    # Before anything is there, and where each of the two tables is made, is about to be replaced, and is replaced.
    for after in (1, 3, 6, 7, 8, 11, 12, 13, 14, 99):
        for table in ("daily", "totals", "clock"):
            server.run(f"TRUNCATE TABLE {table}")
        with interrupted(server, after):
            try:
                filled.lake.roll_up(TODAY)
            except LakeAway:
                done = False
            else:
                done = True
        filled.lake.roll_up(TODAY)
        assert filled.lake.total("", None, EVERYTHING) == 90
        assert list(filled.lake.usage(WEEK, WEEK)) == Oracle(made, CAP).usage(WEEK, WEEK)
        if done:
            break
    assert done


def test_new_classes_that_are_interrupted_are_all_there_after_the_next_time(filled: Filled, tmp_path: Path) -> None:
    window = Window(TODAY - timedelta(days=9), TODAY - timedelta(days=8))  # sealed
    made = [replace(one, network=None) for one in downloads(3, 80, window, ("one", "two"))]
    wrong = [replace(one, kind="unknown" if one.kind == "installer" else one.kind) for one in made]
    filled.lake.append("wrong", written(wrong, tmp_path / "wrong.parquet"))
    filled.lake.roll_up(TODAY)
    filled.age()
    server = _server(filled)
    # `daily` is replaced, `totals` are being made, are replaced, the events have changed.
    for after in (11, 18, 20, 22):
        with interrupted(server, after), suppress(LakeAway):
            filled.lake.reclass()
    filled.lake.reclass()
    oracle = Oracle(made, CAP)
    for project in ("one", "two"):
        assert filled.lake.series(project, window, INSTALLS, "class") == oracle.series(
            project, window, INSTALLS, "class", 10
        )
    assert filled.lake.total("", None, EVERYTHING) == 80
    assert server.rows("SELECT sum(capped) FROM totals WHERE class = 'installer'") == [[_moved(made)]]


def _moved(made: list[Download]) -> int:
    """What the cap leaves of installs that were taken for unknown, in proportion; all are of one network."""
    mixed = Counter((one.day, one.project) for one in made if one.kind in ("installer", "unknown"))
    installs = Counter((one.day, one.project) for one in made if one.kind == "installer")
    return sum(count * min(mixed[key], CAP) // mixed[key] for key, count in installs.items())


def test_queries_that_were_written_for_the_public_table_of_downloads_work(filled: Filled, tmp_path: Path) -> None:
    made = downloads(4, 50, WEEK, ("alpha",))
    filled.lake.append("all", written(made, tmp_path / "all.parquet"))
    rows = _server(filled).rows(
        "SELECT file.project, details.installer.name, details.python, details.system.name, country_code, count() "
        "FROM events WHERE details.installer.name = 'pip' AND timestamp >= {first:Date} GROUP BY ALL",
        first=WEEK.first,
    )
    assert sum(row[-1] for row in rows) == sum(one.installer == "pip" for one in made)


def test_a_name_and_a_password_are_in_no_refusal_and_in_no_address(filled: Filled) -> None:
    url = f"clickhouse://somebody:sesame@{_url(filled)}"
    with pytest.raises(LakeAway, match="error 516 AUTHENTICATION_FAILED") as refused:
        ClickHouse(url).rows("SELECT 1")
    server = ClickHouse(url)
    assert "sesame" not in f"{refused.value}{refused.value.__cause__}{server._base}{server.database}"


def test_a_server_that_is_not_there_or_refuses_is_said_to_be_away(filled: Filled) -> None:
    (port,) = free_ports(1)
    with pytest.raises(LakeAway, match="does not answer: ConnectError"):
        ClickHouse(f"clickhouse://127.0.0.1:{port}/default").rows("SELECT 1")
    with pytest.raises(LakeAway, match="error 60 UNKNOWN_TABLE") as refused:
        _server(filled).rows("SELECT {secret:String} FROM nowhere", secret="sesame")
    assert "sesame" not in str(refused.value)


def _url(filled: Filled) -> str:
    assert isinstance(filled.lake, ClickHouseLake)
    return filled.lake.settings.statistics.rpartition("@")[2]


def test_tables_that_an_operator_made_are_left_as_they_are(tmp_path: Path) -> None:
    with opened("clickhouse", tmp_path) as filled:
        assert isinstance(filled.lake, ClickHouseLake)
        database = clickhouse.Database(*_url(filled).split("/"))
        database.run("CREATE TABLE clock (now_day Date, more UInt8) ENGINE = MergeTree ORDER BY (now_day, more)")
        assert filled.lake.state().first_day is None
        assert "more" in database.run("SHOW CREATE TABLE clock")
