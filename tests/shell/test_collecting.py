"""The collector at its edges: days that turn, logs that are cut, replaced or grow, and crashes between two effects."""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.indexes import new_index
from tests.walks.collector_scene import DAYS, Log, counted, totals

from affineur.core.downloads.figures import EVERYTHING
from affineur.shell.duck_memory import connect, reading_parquet
from affineur.shell.index import Index
from affineur.shell.lake import collecting, importing
from affineur.shell.lake.collecting import Into
from affineur.shell.lake.opening import open_lake
from affineur.shell.store import lake_logs
from affineur.shell.store.lake_logs import Counted

_FIRST = DAYS[0]
COMBINED = '192.0.2.1 - - [22/Nov/2026:04:32:{second:02} +0000] "GET /packages/ab/cd/foo-1.{second}.tar.gz HTTP/1.1" 200 9 "-" "pip/9"\n'  # noqa: E501


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = new_index(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def log(index: Index) -> Log:
    return Log(index.settings.logs)


def collect(index: Index, lake: Any = None, batch_bytes: int = 20_000) -> Counted:
    lake = lake or open_lake(index.settings, index.store)
    return collecting.collect(index.settings, index.store, lambda: lake, batch_bytes=batch_bytes)


def into(index: Index) -> Into:
    return Into(open_lake(index.settings, index.store), index.store, index.settings.lake / ".new" / "importing")


class DyingLake:
    """A real lake whose process dies before or after it has taken in a batch."""

    def __init__(self, index: Index, *, takes_in: bool) -> None:
        self._lake, self._takes_in = open_lake(index.settings, index.store), takes_in

    def append(self, name: str, events: Path) -> None:
        if self._takes_in:
            self._lake.append(name, events)
        raise KeyboardInterrupt


def test_a_log_that_grows_over_midnight_is_counted_to_the_end_of_both_days(index: Index, log: Log) -> None:
    log.write(DAYS[0], 300)
    assert collect(index).lines == 300
    log.write(DAYS[0], 50)
    log.write(DAYS[1], 200)
    assert collect(index).lines == 250
    assert collect(index) == Counted()
    assert counted(index) == log.expected
    assert collecting.lag_bytes(index.settings, index.store) == 0


def test_a_line_that_is_being_written_waits(index: Index, log: Log) -> None:
    log.write(_FIRST, 100)
    path = index.settings.logs / f"requests-{_FIRST}.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert collect(index).lines == 99
    assert collecting.lag_bytes(index.settings, index.store) > 0
    path.write_bytes(whole)
    assert collect(index).lines == 1
    assert counted(index) == log.expected


@pytest.mark.parametrize("takes_in", [False, True])
def test_a_batch_counts_once_whether_or_not_it_was_taken_in_before_a_crash(
    index: Index, log: Log, takes_in: bool
) -> None:
    log.write(_FIRST, 200)
    with pytest.raises(KeyboardInterrupt):
        collect(index, DyingLake(index, takes_in=takes_in))
    log.write(_FIRST, 100)  # the batch that is done again has the bounds that it had
    collect(index)
    assert counted(index) == log.expected
    assert totals(index.store).lines == log.lines


def test_a_log_that_takes_the_name_of_another_is_counted_from_its_beginning(index: Index, log: Log) -> None:
    log.write(_FIRST, 100)
    collect(index)
    (index.settings.logs / f"requests-{_FIRST}.jsonl").unlink()
    other = Log(index.settings.logs, seed=2)
    other.write(_FIRST, 150)
    assert collect(index).lines == 150
    assert counted(index) == log.expected + other.expected


def test_a_log_that_lost_its_tail_goes_on_from_its_end(index: Index, log: Log) -> None:
    log.write(_FIRST, 100)
    collect(index)
    path = index.settings.logs / f"requests-{_FIRST}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:60]))
    assert collect(index) == Counted()
    log.write(_FIRST, 50)
    assert collect(index).lines == 50
    assert counted(index) == log.expected, "what was counted stays, though the log has lost it"


def test_lines_that_come_in_the_place_of_a_lost_batch_are_counted(index: Index, log: Log) -> None:
    log.write(_FIRST, 60)
    collect(index)
    path = index.settings.logs / f"requests-{_FIRST}.jsonl"
    end = path.stat().st_size
    log.write(_FIRST, 40)
    collect(index)
    os.truncate(path, end)  # exactly what the second batch had
    assert collect(index) == Counted()
    log.write(_FIRST, 50)
    assert collect(index).lines == 50
    assert counted(index) == log.expected


def test_a_batch_whose_log_is_gone_is_given_up(index: Index, log: Log) -> None:
    log.write(_FIRST, 100)
    with pytest.raises(KeyboardInterrupt):
        collect(index, DyingLake(index, takes_in=False))
    (index.settings.logs / f"requests-{_FIRST}.jsonl").unlink()
    assert collect(index) == Counted()
    with index.store.read() as connection:
        assert [each.batch for each in lake_logs.logs_of(connection, "").values()] == [None]


def test_logs_of_two_machines_count_apart_even_where_they_are_the_same(index: Index, log: Log) -> None:
    log.write(_FIRST, 100)
    collect(index)
    (index.settings.logs / "node.jsonl").unlink()  # as on another machine that has the same database
    assert collect(index).lines == 100
    assert counted(index) == log.expected + log.expected


def test_only_one_process_of_a_machine_collects(index: Index, log: Log) -> None:
    log.write(_FIRST, 10)
    with collecting.locked(index.settings.logs), pytest.raises(collecting.Busy):
        collect(index)


def test_a_line_without_end_is_got_over(index: Index, log: Log) -> None:
    log.write(_FIRST, 20)
    with (index.settings.logs / f"requests-{_FIRST}.jsonl").open("ab") as stream:
        stream.write(b"x" * 90_000 + b"\n")
    log.write(_FIRST, 20)
    found = collect(index)
    assert found.events == log.expected.total()
    assert found.unreadable >= 1 + log.unreadable


def test_no_address_is_kept_and_networks_of_two_days_differ(index: Index, log: Log) -> None:
    import duckdb

    log.write(DAYS[0], 100)
    log.write(DAYS[1], 100)
    collect(index)
    files = sorted(index.settings.lake.glob("events/*/*.parquet"))
    assert not any(b"192.0." in path.read_bytes() for path in files)
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as connection:
        rows = connection.execute(
            "SELECT day, list(DISTINCT _network) FROM (SELECT timestamp::DATE AS day, _network FROM read_parquet(?))"
            " GROUP BY day",
            [[str(path) for path in files]],
        ).fetchall()
    (_, one), (_, other) = rows
    assert len(one) > 50
    assert not set(one) & set(other)


def test_a_log_that_is_imported_twice_counts_once_whatever_it_is_called_and_however_it_is_packed(
    index: Index, tmp_path: Path
) -> None:
    path = tmp_path / "access.log"
    path.write_text("".join(COMBINED.format(second=second) for second in range(40)))
    first = importing.import_log(path, None, into(index), batch_bytes=1_000)
    assert (first.form, first.counted.events, first.before) == ("combined", 40, 0)
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert importing.import_log(packed, None, into(index)).counted == Counted()
    with path.open("a") as stream:
        stream.writelines(COMBINED.format(second=second) for second in range(40, 45))
    grown = importing.import_log(path, "combined", into(index))
    assert (grown.counted.events, grown.before) == (5, len(gzip.decompress(packed.read_bytes())))
    assert totals(index.store).events == counted(index).total() == 45


def test_a_packed_log_in_many_batches_counts_each_line_once_and_a_damaged_one_says_so(
    index: Index, tmp_path: Path
) -> None:
    path = tmp_path / "old.log.gz"
    path.write_bytes(gzip.compress("".join(COMBINED.format(second=number) for number in range(40)).encode()))
    assert importing.import_log(path, None, into(index), batch_bytes=300).counted == Counted(40, 40, 0)
    damaged = tmp_path / "damaged.log.gz"
    damaged.write_bytes(path.read_bytes()[:14] + b"\xff" * 40)
    with pytest.raises((OSError, EOFError, zlib.error)):
        importing.import_log(damaged, None, into(index))


def test_two_logs_that_begin_alike_are_two(index: Index, tmp_path: Path) -> None:
    for name, seconds in (("a.log", range(20)), ("b.log", (0, *range(30, 50)))):
        path = tmp_path / name
        path.write_text("".join(COMBINED.format(second=second) for second in seconds))
        importing.import_log(path, None, into(index), batch_bytes=700)
    assert counted(index).total() == 20 + 21


@pytest.mark.parametrize("takes_in", [False, True])
def test_an_import_that_was_killed_goes_on_where_it_was(index: Index, tmp_path: Path, takes_in: bool) -> None:
    path = tmp_path / "access.log"
    path.write_text("".join(COMBINED.format(second=second) for second in range(40)))
    dying = Into(DyingLake(index, takes_in=takes_in), index.store, tmp_path / "scratch")  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        importing.import_log(path, None, dying, batch_bytes=1_500)
    importing.import_log(path, None, into(index), batch_bytes=4_000)
    assert totals(index.store).events == counted(index).total() == 40


def test_a_request_log_that_was_collected_in_part_is_imported_from_there(
    index: Index, log: Log, tmp_path: Path
) -> None:
    log.write(_FIRST, 60)
    collect(index)
    log.write(_FIRST, 40)
    path = index.settings.logs / f"requests-{_FIRST}.jsonl"
    with gzip.open(tmp_path / "moved.jsonl.gz", "wb") as packed, path.open("rb") as plain:
        shutil.copyfileobj(plain, packed)
    path.unlink()
    found = importing.import_log(tmp_path / "moved.jsonl.gz", None, into(index))
    assert (found.form, found.counted.lines) == ("requests", 40)
    assert counted(index) == log.expected


def test_a_log_of_no_known_form_is_refused_and_an_empty_one_is_nothing(index: Index, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\n")
    with pytest.raises(importing.UnknownForm):
        importing.import_log(tmp_path / "a.log", None, into(index))
    (tmp_path / "b.log").write_bytes(b"")
    assert importing.import_log(tmp_path / "b.log", None, into(index)).counted == Counted()


def test_what_stands_behind_a_path_is_not_kept_and_the_folder_may_be_called_anything(tmp_path: Path) -> None:
    made = new_index(tmp_path / "a=b [c]*'d")
    try:
        path = tmp_path / "old.log"
        path.write_text(COMBINED.format(second=11).replace(".tar.gz", ".tar.gz?token=secret#part"))
        assert importing.import_log(path, None, into(made)).counted.events == 1
        made.lake.roll_up(date(2026, 11, 22))
        assert made.lake.total("foo", None, EVERYTHING) == 1
        (kept,) = made.settings.lake.glob("events/*/*.parquet")
        with connect(64) as duck:
            found = duck.execute(f"SELECT url FROM {reading_parquet(kept)}").fetchall()
        assert found == [("/packages/ab/cd/foo-1.11.tar.gz",)]
    finally:
        made.close()
