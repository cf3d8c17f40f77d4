"""Download statistics in a backup: whole and counted the same afterwards, or plainly not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import new_index, open_unfounded
from tests.services.events import MIRROR, Downloads, bring

from affineur.core.downloads.figures import EVERYTHING, INSTALLS
from affineur.shell.backup import BackupUnfit, backup, restore
from affineur.shell.index import Index
from affineur.shell.store import lake
from affineur.shell.store.schema import lake_day

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TODAY = date(2026, 11, 1)
DAYS = (date(2026, 9, 30), date(2026, 10, 30), date(2026, 10, 31))


@pytest.fixture
def source(tmp_path: Path) -> Index:
    index = new_index(tmp_path / "source")
    bring(index, [Downloads("brie", day, 5) for day in DAYS] + [Downloads("brie", DAYS[1], 2, MIRROR)], TODAY)
    return index


def test_statistics_are_counted_the_same_after_a_restore(source: Index, tmp_path: Path) -> None:
    done = backup(source, tmp_path / "backup", NOW)
    assert done.manifest.faults == []
    copy = open_unfounded(tmp_path / "copy")
    restore(tmp_path / "backup", copy)
    assert copy.lake.total("brie", None, EVERYTHING) == 17
    assert copy.lake.recent("brie", DAYS[2], INSTALLS) == source.lake.recent("brie", DAYS[2], INSTALLS)
    bring(copy, [Downloads("brie", DAYS[2], 1)], TODAY)  # and go on from there
    assert copy.lake.total("brie", None, INSTALLS) == 16
    copy.close()
    source.close()


def test_a_backup_has_nothing_by_which_networks_could_be_found_out(source: Index, tmp_path: Path) -> None:
    salts = sa.select(lake_day.c.salt).where(lake_day.c.salt.is_not(None))
    with source.store.write() as connection:
        lake.salt(connection, DAYS[2], b"s" * 32)
    backup(source, tmp_path / "backup", NOW)
    copy = open_unfounded(tmp_path / "copy")
    restore(tmp_path / "backup", copy)
    for index, has in ((source, True), (copy, False)):
        with index.store.read() as connection:
            assert bool(connection.scalars(salts).all()) is has
        index.close()


def test_a_second_backup_copies_what_is_new_and_drops_what_is_replaced(source: Index, tmp_path: Path) -> None:
    backup(source, tmp_path / "backup", NOW)
    first = {path.name for path in (tmp_path / "backup" / "lake").rglob("*.parquet")}
    bring(source, [Downloads("feta", DAYS[2], 4)], TODAY)
    backup(source, tmp_path / "backup", NOW)
    second = {path.name for path in (tmp_path / "backup" / "lake").rglob("*.parquet")}
    assert second - first
    assert first - second
    copy = open_unfounded(tmp_path / "copy")
    restore(tmp_path / "backup", copy)
    assert copy.lake.total("", None, EVERYTHING) == 21
    copy.close()
    source.close()


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_statistics_that_are_not_whole_are_not_restored(source: Index, tmp_path: Path, harm: str) -> None:
    backup(source, tmp_path / "backup", NOW)
    path = min((tmp_path / "backup" / "lake").rglob("*.parquet"))
    if harm == "changed":
        path.write_bytes(path.read_bytes()[:-9] + b"otherwise")
    else:
        path.unlink()
    copy = open_unfounded(tmp_path / "copy")
    with pytest.raises(BackupUnfit, match=harm):
        restore(tmp_path / "backup", copy)
    copy.close()
    source.close()


def test_a_backup_names_what_is_missing_of_the_statistics_and_keeps_the_rest(source: Index, tmp_path: Path) -> None:
    lost = min(path for path in source.settings.lake.glob("totals/*/*.parquet"))
    lost.unlink()
    done = backup(source, tmp_path / "backup", NOW)
    assert [fault for fault in done.manifest.faults if lost.name in fault and "missing" in fault]
    source.close()
