"""The status files: they say what the rows say, in both forms, and are written when they have rested."""

from __future__ import annotations

import gzip
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.core.test_bulk_statuses import HOSTILE, known
from tests.indexes import START, fill, new_index, publish
from tests.services.postgresql import new_database

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.extension import member
from affineur.core.life.lifecycle import Place, Said
from affineur.core.life.standing import Replacement, project_status
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.core.views.bulk_statuses import COLUMNS, lines
from affineur.projections import mend, statuses
from affineur.projections.check import check
from affineur.shell.index import Index
from affineur.shell.parquet import same_rows, write_parquet
from affineur.shell.status_files import LINES, PARQUET, StatusFiles
from affineur.shell.store import projects

BRIE, COMTE, FETA = (NormalizedName(name) for name in ("brie", "comte", "feta"))
LATER = START + timedelta(hours=1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index in whose three projects something was held, yanked, archived; tests only read it."""
    with new_database() if request.param == "postgresql" else nullcontext("") as database:
        opened = new_index(tmp_path_factory.mktemp("statuses") / "it's [a] *folder", database=database)
        fill(opened)
        act(opened)
        statuses.project_statuses(opened)
        yield opened
        opened.close()


def act(index: Index) -> None:
    """Something of every kind, on three projects."""
    publish(index, "brie", "1.2", minutes=20, tags="py2-none-any")
    publish(index, "brie", "1.2", minutes=21)
    publish(index, "a-1", minutes=22)
    publish(index, "a", minutes=23)
    by = console(LATER)
    set_yanked(index, SYSTEM, Selection(BRIE, "1.0"), True, LATER, HOSTILE)
    set_yanked(index, SYSTEM, Selection(BRIE, "1.2", "brie-1.2-py3-none-any.whl"), True, LATER, "half")
    hold(index, by, "quarantine", BRIE, Place("1.1"), Said(HOSTILE, code="malware"))
    hold(index, by, "quarantine", COMTE, said=Said("looked at", code="spam"))
    set_status(index, SYSTEM, "deprecate", FETA, LATER, Said("old", replacements=(Replacement("brie", ">=1"),)))
    set_status(index, SYSTEM, "archive", FETA, LATER, Said(HOSTILE))


def told(index: Index) -> list[dict[str, Any]]:
    files = StatusFiles(index.settings.public)
    assert files.serial is not None
    return [orjson.loads(line) for line in gzip.decompress(files.path(files.serial, LINES).read_bytes()).splitlines()]


def test_every_project_has_one_row_sorted_by_bytes(index: Index) -> None:
    assert [row["name"] for row in told(index)] == ["a", "a-1", "brie", "comte", "feta"]


def test_each_row_is_what_the_rows_of_the_project_give(index: Index) -> None:
    for row in told(index):
        with index.store.read() as connection:
            found = projects.find(connection, row["name"])
        assert found is not None
        page = member(found.standing, found.name, found.created_at, index.origin)
        status = project_status(found.standing)
        assert (row["status"], row["reason"], row["serial"]) == (status.status, status.reason, found.serial)
        assert (row["statuses"], row["origin"]) == (page["statuses"], index.origin)
        assert len(row["holds"]) == len(found.standing.holds)


def test_what_was_done_is_told(index: Index) -> None:
    rows = {row["name"]: row for row in told(index)}
    assert rows["a"]["statuses"] == ["active"]
    assert rows["comte"]["status"] == "quarantined"
    assert not rows["comte"]["offered"]
    assert not rows["comte"]["accepts_files"]
    assert [(one["level"], one["version"], one["code"]) for one in rows["brie"]["holds"]] == [
        ("release", "1.1", "malware")
    ]
    assert [one["version"] for one in rows["brie"]["yanked_releases"]] == ["1.0"]
    assert rows["brie"]["yanked_files"] == 2
    assert rows["feta"]["statuses"] == ["archived", "deprecated"]
    assert rows["feta"]["replacements"] == [{"name": "brie", "specifier": ">=1"}]


def test_parquet_says_the_same_to_another_reader(index: Index) -> None:
    from arro3 import core, io

    files = StatusFiles(index.settings.public)
    table = core.Table.from_arrow(io.read_parquet(str(files.path(files.serial or 0, PARQUET))))
    assert table.column_names == [column.name for column in COLUMNS]
    assert table_rows(table) == told(index)


def table_rows(table: Any) -> list[dict[str, Any]]:
    """The rows of an Arrow table, moments as JSON has them."""
    columns = {name: [one.as_py() for one in table[name]] for name in table.column_names}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [as_json(row) for row in rows]


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return f"{value:%Y-%m-%dT%H:%M:%S}Z" if hasattr(value, "isoformat") else value


def test_the_same_rows_give_the_same_bytes_and_times(index: Index) -> None:
    files = StatusFiles(index.settings.public)
    both = [files.path(files.serial or 0, name) for name in (LINES, PARQUET)]
    before = [(path.read_bytes(), path.stat().st_mtime) for path in both]
    statuses.project_statuses(index)
    assert [(path.read_bytes(), path.stat().st_mtime) for path in both] == before


def test_hostile_texts_pass_through_both_forms_unchanged(tmp_path: Path) -> None:
    with gzip.open(tmp_path / LINES, "wb") as stream:
        stream.writelines(lines([known()] * 3, HOSTILE.replace("\x00", "")))
    write_parquet(tmp_path / LINES, tmp_path / PARQUET)
    assert same_rows(tmp_path / LINES, tmp_path / PARQUET)
    with gzip.open(tmp_path / LINES, "wb") as stream:
        stream.writelines(lines([known()] * 3, "elsewhere"))
    assert not same_rows(tmp_path / LINES, tmp_path / PARQUET)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Index]:
    opened = new_index(tmp_path / "data")
    fill(opened)
    yield opened
    opened.close()


def damage(index: Index) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in check(index, LATER) if one.kind == "forged-statuses"]


def test_forged_status_files_are_found_and_made_anew(own: Index) -> None:
    files = StatusFiles(own.settings.public)
    as_lines, parquet = (files.path(files.serial or 0, name) for name in (LINES, PARQUET))
    assert damage(own) == []
    good = as_lines.read_bytes(), parquet.read_bytes()
    parquet.write_bytes(good[1][:-9])
    assert damage(own) == [("forged-statuses", PARQUET)]
    as_lines.write_bytes(gzip.compress(gzip.decompress(good[0]).replace(b"brie", b"blue")))
    assert damage(own) == [("forged-statuses", LINES)]
    as_lines.unlink()
    assert damage(own) == [("forged-statuses", LINES)]
    mend.rebuild(own, LATER, ["statuses"])
    assert damage(own) == []
    assert (as_lines.read_bytes(), parquet.read_bytes()) == good


def test_status_files_that_are_behind_or_gone_are_no_damage(own: Index) -> None:
    publish(own, "edam", minutes=30)
    assert statuses.are_behind(own)
    assert damage(own) == []
    shutil.rmtree(own.settings.public / "statuses")
    assert damage(own) == []


def test_status_files_of_another_database_are_damage(own: Index) -> None:
    files = StatusFiles(own.settings.public)
    (files.root / "present").unlink()
    (files.root / "present").symlink_to("9999")
    assert damage(own) == [("forged-statuses", "9999")]
    mend.rebuild(own, LATER, ["statuses"])
    assert damage(own) == []


def test_whatever_stands_in_the_place_of_status_files_gives_way(own: Index, tmp_path: Path) -> None:
    files = StatusFiles(own.settings.public)
    good = files.path(files.serial or 0, LINES).read_bytes()
    for forge in (forge_root, forge_link, forge_file):
        forge(files, tmp_path / forge.__name__)
        statuses.project_statuses(own)
        assert files.path(files.serial or 0, LINES).read_bytes() == good
        assert damage(own) == []


def forge_root(files: StatusFiles, aside: Path) -> None:
    files.root.rename(aside)
    files.root.symlink_to(aside)


def forge_link(files: StatusFiles, aside: Path) -> None:
    (files.root / "present").unlink()
    (files.root / "present").mkdir()


def forge_file(files: StatusFiles, aside: Path) -> None:
    path = files.path(files.serial or 0, PARQUET)
    path.unlink()
    path.mkdir()


def test_the_former_files_stay_for_whoever_is_about_to_open_them(own: Index) -> None:
    files = StatusFiles(own.settings.public)
    serials = []
    for number in range(3):
        serials.append(files.serial)
        publish(own, f"edam-{number}", minutes=30 + number)
        statuses.project_statuses(own)
    serials.append(files.serial)
    there = {path.name for path in files.root.iterdir()}
    assert there == {"present", str(serials[-1]), str(serials[-2])}


def wait(keeper: statuses.Keeper) -> None:
    thread = keeper._running
    assert thread is not None
    thread.join(60)
    assert not thread.is_alive()


def test_changes_are_gathered_and_then_the_files_rest(own: Index) -> None:
    keeper, files = statuses.Keeper(own, delay_seconds=15, rest_seconds=60), StatusFiles(own.settings.public)
    now = time.monotonic()
    assert not keeper.tick(now), "nothing has changed"
    publish(own, "edam", minutes=30)
    before = files.serial
    assert not keeper.tick(now)
    assert not keeper.tick(now + 14)
    assert keeper.tick(now + 15)
    wait(keeper)
    assert not statuses.are_behind(own)
    assert files.serial != before
    publish(own, "gouda", minutes=31)
    assert not keeper.tick(now + 50), "they were written just now"
    assert not keeper.tick(time.monotonic() + 61), "from here changes are gathered again"
    assert keeper.tick(time.monotonic() + 77)
    wait(keeper)
    assert not statuses.are_behind(own)


def test_writing_is_given_up_when_the_program_ends(own: Index) -> None:
    files = StatusFiles(own.settings.public)
    before = files.serial
    publish(own, "edam", minutes=30)
    with pytest.raises(statuses.Stopped):
        statuses.project_statuses(own, lambda: True)
    assert files.serial == before
    assert statuses.project_statuses(own) != before, "what was left behind is no hindrance"


def test_readers_never_miss_a_file_while_it_is_written(own: Index) -> None:
    files, stop, missed = StatusFiles(own.settings.public), threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            serial = files.serial
            if serial is None or not files.path(serial, LINES).read_bytes() or not files.path(serial, PARQUET).exists():
                missed.append(serial)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(4):
        statuses.project_statuses(own)
        publish(own, f"edam-{number}", minutes=30 + number)
        statuses.project_statuses(own)
    stop.set()
    reader.join()
    assert missed == []
