"""Backup and restore: a copy that is whole, verified and portable between databases, or plainly not one."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from tests.indexes import START, fill, new_index, open_unfounded, publish
from tests.projections.test_check import tree_of

from affineur.actions.hold import hold
from affineur.actions.tokens import create_token
from affineur.actions.yank import Selection, set_yanked
from affineur.cli.errors import EXIT_DAMAGED, explain
from affineur.core.access import SYSTEM, Actor
from affineur.core.history.journal import GENESIS, Event, chain, faults
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import mend
from affineur.projections.check import check
from affineur.shell.backup import MANIFEST, BackupUnfit, TargetInUse, backup, read_manifest, restore
from affineur.shell.blobs import LocalBlobs
from affineur.shell.dump import LEFT_OUT
from affineur.shell.index import Index
from affineur.shell.store import accounts, journal, projects, tokens
from affineur.shell.store.schema import file, metadata

if TYPE_CHECKING:
    from tests.services.s3 import Bucket

NOW = datetime(2026, 11, 1, tzinfo=UTC)
Open = Callable[..., Index]


@pytest.fixture
def opened() -> Iterator[list[Index]]:
    """Indexes to be closed at the end."""
    every: list[Index] = []
    yield every
    for index in every:
        index.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest, tmp_path: Path, opened: list[Index]) -> Index:
    """An index with a bit of everything in it."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    index = new_index(tmp_path / "source", database=database)
    opened.append(index)
    fill(index)
    set_yanked(index, SYSTEM, Selection(NormalizedName("brie"), "1.0"), True, START + timedelta(hours=1), "mouldy ✓")
    hold(index, console(START + timedelta(hours=2)), "quarantine", NormalizedName("feta"), said=Said("under review"))
    with index.store.write() as connection:
        accounts.shared_secret(connection, "test")
    (index.settings.logs / "requests-2026-01-01.jsonl").write_text('{"a": 1}\n{"half')
    mend.rebuild(index, NOW)
    return index


def rows_of(index: Index) -> dict[str, list[tuple[object, ...]]]:
    with index.store.read() as connection:
        return {
            name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for name, table in metadata.tables.items()
            if name not in LEFT_OUT  # what is derived has numbers and moments of its own
        }


def restored(backup_folder: Path, folder: Path, opened: list[Index], **settings: object) -> Index:
    index = open_unfounded(folder, **settings)
    opened.append(index)
    restore(backup_folder, index)
    mend.rebuild(index, NOW)
    return index


def damage(index: Index) -> list[object]:
    return [found for found in check(index, datetime.now(UTC)) if found.is_damage]


def test_a_restored_index_is_the_same_byte_for_byte(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    token = create_token(source, console(START), "olga")
    done = backup(source, tmp_path / "backup", NOW)
    copy = restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert tree_of(copy) == tree_of(source)
    assert rows_of(copy) == rows_of(source)
    assert damage(copy) == []
    with copy.store.read() as connection:
        assert list(faults(journal.entries(connection))) == []
        assert journal.head(connection) == (done.manifest.serial, done.manifest.journal_hash)
        actor = tokens.actor_of(connection, token.secret, NOW, factor_required=True)
    assert isinstance(actor, Actor)
    assert actor.name == "olga"
    assert (copy.settings.logs / "requests-2026-01-01.jsonl").read_text() == '{"a": 1}\n'


def test_a_restored_index_can_be_published_to(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    backup(source, tmp_path / "backup", NOW)
    copy = restored(tmp_path / "backup", tmp_path / "copy", opened)
    publish(copy, "gouda", "1.0", minutes=500)
    publish(copy, "brie", "2.0", minutes=501)
    assert create_token(copy, console(START), "new").new_account
    mend.rebuild(copy, NOW)
    assert damage(copy) == []


def test_a_backup_moves_an_index_to_postgresql_and_back(
    tmp_path: Path, opened: list[Index], postgresql_url: str
) -> None:
    first = new_index(tmp_path / "first")
    opened.append(first)
    fill(first)
    backup(first, tmp_path / "one", NOW)
    second = restored(tmp_path / "one", tmp_path / "second", opened, database=postgresql_url)
    assert tree_of(second) == tree_of(first)
    publish(second, "gouda", "1.0", minutes=600)  # the database gives the next keys itself
    mend.rebuild(second, NOW)
    backup(second, tmp_path / "two", NOW)
    third = restored(tmp_path / "two", tmp_path / "third", opened)
    assert tree_of(third) == tree_of(second)
    assert rows_of(third) == rows_of(second)
    assert damage(third) == []


def test_a_backup_moves_blobs_to_s3_and_back(
    tmp_path: Path, opened: list[Index], s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    first = new_index(tmp_path / "first")
    opened.append(first)
    fill(first)
    backup(first, tmp_path / "one", NOW)
    elsewhere = {"blobs": f"s3://{s3.name}/deep/down", "s3_endpoint": s3.endpoint}
    second = restored(tmp_path / "one", tmp_path / "second", opened, **elsewhere)
    assert damage(second) == []
    backup(second, tmp_path / "two", NOW)
    third = restored(tmp_path / "two", tmp_path / "third", opened)
    assert tree_of(third) == tree_of(first)
    second.blobs.put_bytes("ab" * 32, b"left", NOW)
    lost = str(next(digest for digest, _ in second.blobs.digests() if digest != "ab" * 32))
    second.blobs.remove(lost)
    later = datetime.now(UTC) + timedelta(hours=3)
    kinds = {(found.kind, found.subject) for found in check(second, later)}
    assert kinds == {("missing-blob", lost), ("orphan-blob", "ab" * 32)}


def test_a_second_backup_copies_only_what_is_new(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    first = backup(source, tmp_path / "backup", NOW)
    publish(source, "gouda", "1.0", minutes=300)
    second = backup(source, tmp_path / "backup", NOW + timedelta(days=1))
    assert (first.copied, second.copied) == (first.manifest.blobs, 2)
    assert second.manifest.serial > first.manifest.serial
    assert len(list((tmp_path / "backup").glob("rows-*"))) == 1
    mend.rebuild(source, NOW)
    assert tree_of(restored(tmp_path / "backup", tmp_path / "copy", opened)) == tree_of(source)


def test_a_backup_of_links_holds_the_same_files(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    done = backup(source, tmp_path / "backup", NOW, link=True)
    blobs = [path for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file()]
    assert len(blobs) == done.manifest.blobs
    assert all(path.stat().st_nlink > 1 for path in blobs)
    assert tree_of(restored(tmp_path / "backup", tmp_path / "copy", opened)) == tree_of(source)


def test_a_backup_taken_while_uploads_go_on_is_one_consistent_moment(
    source: Index, tmp_path: Path, opened: list[Index]
) -> None:
    stop = threading.Event()
    count = 0

    def uploading() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            publish(source, "busy", f"1.{count}", minutes=1000 + count)

    thread = threading.Thread(target=uploading)
    thread.start()
    try:
        while count < 3:
            time.sleep(0.01)
        done = [backup(source, tmp_path / "backup", NOW + timedelta(seconds=number)) for number in range(3)][-1]
    finally:
        stop.set()
        thread.join()
    copy = restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert damage(copy) == []
    with copy.store.read() as connection:
        assert journal.head(connection)[0] == done.manifest.serial
        found = projects.find(connection, "busy")
        assert found is not None
        assert 0 < len(projects.file_links(connection, found.id)) <= count


def test_a_lost_or_wrong_blob_does_not_keep_the_rest_from_being_saved(
    source: Index, tmp_path: Path, opened: list[Index]
) -> None:
    assert isinstance(source.blobs, LocalBlobs)
    with source.store.read() as connection:
        lost, wrong = connection.scalars(sa.select(file.c.sha256).order_by(file.c.filename).limit(2))
    os.unlink(source.blobs.path(lost))
    Path(source.blobs.path(wrong)).write_bytes(b"x")
    done = backup(source, tmp_path / "backup", NOW)
    assert len(done.manifest.faults) == 2
    assert any(lost in fault and "missing" in fault for fault in done.manifest.faults)
    assert any(wrong in fault and "other contents" in fault for fault in done.manifest.faults)
    copy = restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert {found.subject for found in check(copy, NOW) if found.kind == "missing-blob"} == {lost, wrong}


def test_bit_rot_in_a_backup_is_found_and_mended_by_verify(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    backup(source, tmp_path / "backup", NOW)
    blob = next(path for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file())
    body = bytearray(blob.read_bytes())
    body[0] ^= 1
    blob.write_bytes(body)
    with pytest.raises(BackupUnfit, match="other contents"):
        restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert backup(source, tmp_path / "backup", NOW, verify=True).copied == 1
    restored(tmp_path / "backup", tmp_path / "copy", opened)  # what was begun is simply run again


def test_a_changed_table_is_refused_before_anything_is_written(
    source: Index, tmp_path: Path, opened: list[Index]
) -> None:
    backup(source, tmp_path / "backup", NOW)
    table = next((tmp_path / "backup").glob("rows-*/file.jsonl.gz"))
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(BackupUnfit, match=r"file\.jsonl\.gz was changed"):
        restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert opened[-1].store.revision() is None


def _rewrite(folder: Path, table: str, change: Callable[[list[list[object]], list[str]], None]) -> None:
    """Change the rows of ``table`` in a backup, and its manifest, so that every file is as the manifest says."""
    (path,) = folder.glob(f"rows-*/{table}.jsonl.gz")
    head, *rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(rows, [column["name"] for column in head])
    path.write_bytes(gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in (head, *rows))))
    manifest = json.loads((folder / MANIFEST).read_text())
    for each in manifest["tables"]:
        if each["name"] == table:
            each.update(rows=len(rows), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _altered(rows: list[list[object]], columns: list[str]) -> None:
    rows[1][columns.index("reason")] = "forged"


def _cut(rows: list[list[object]], columns: list[str]) -> None:
    del rows[-1]


def _anew(rows: list[list[object]], columns: list[str]) -> None:
    """Another history, its hashes right from beginning to end."""
    previous = GENESIS
    for row in rows:
        named = dict(zip(columns, row, strict=True))
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=named["at"])
        told = {name: named[name] for name in ("event", "project", "version", "filename", "sha256", "rule")}
        event = Event(
            **told, reason="forged", old=json.loads(named["old"]), new=json.loads(named["new"]),
            actor_class=named["actor_class"], hint=named["hint"], reason_code=named["reason_code"],
            case=named["moderation_case"],
        )  # fmt: skip
        entry = chain(named["serial"], at, event, previous)
        for name, value in (("reason", "forged"), ("previous", previous), ("hash", entry.hash)):
            row[columns.index(name)] = value
        previous = entry.hash


def _one_less(rows: list[list[object]], columns: list[str]) -> None:
    rows[0][columns.index("serial")] -= 1  # type: ignore[operator]


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("journal", _altered, "Entry 2 was altered"),
        ("journal", _cut, "It ends with entry"),
        ("journal", _anew, "It ends with entry"),
        ("journal_head", _one_less, "its head says"),
    ],
)
def test_a_forged_journal_is_not_restored_in_silence(
    source: Index, tmp_path: Path, opened: list[Index], table: str, says: str,
    change: Callable[[list[list[object]], list[str]], None],
) -> None:  # fmt: skip
    backup(source, tmp_path / "backup", NOW)
    _rewrite(tmp_path / "backup", table, change)
    with pytest.raises(BackupUnfit, match=says) as raised:
        restored(tmp_path / "backup", tmp_path / "copy", opened)
    assert "remove it" in str(raised.value)
    assert explain(raised.value) == (str(raised.value), EXIT_DAMAGED)


def test_a_new_data_folder_is_closed_to_others_and_an_older_one_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "older").mkdir()
    (tmp_path / "older").chmod(0o755)
    before = os.umask(0o022)
    try:
        for name in ("new", "older"):
            open_unfounded(tmp_path / name).close()
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "older")] == [0o750, 0o755]


def test_a_missing_blob_of_the_backup_is_named(source: Index, tmp_path: Path, opened: list[Index]) -> None:
    backup(source, tmp_path / "backup", NOW)
    next(path for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file()).unlink()
    with pytest.raises(BackupUnfit, match="missing from the backup"):
        restored(tmp_path / "backup", tmp_path / "copy", opened)


def test_an_index_in_use_is_never_restored_over(source: Index, tmp_path: Path) -> None:
    backup(source, tmp_path / "backup", NOW)
    before = rows_of(source)
    with pytest.raises(TargetInUse, match="not empty"):
        restore(tmp_path / "backup", source)
    assert rows_of(source) == before


def test_a_folder_that_is_no_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupUnfit, match="is no backup, or one that was cut short"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(BackupUnfit, match="cannot be read"):
        read_manifest(tmp_path)


def test_a_backup_of_an_unknown_schema_is_refused_with_the_way_out(
    source: Index, tmp_path: Path, opened: list[Index]
) -> None:
    backup(source, tmp_path / "backup", NOW)
    manifest = tmp_path / "backup" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema": "9999"}))
    with pytest.raises(BackupUnfit, match="version of the program"):
        restored(tmp_path / "backup", tmp_path / "copy", opened)


def test_two_backups_into_one_place_do_not_meet(source: Index, tmp_path: Path) -> None:
    import fcntl

    backup(source, tmp_path / "backup", NOW)
    with (tmp_path / "backup" / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(TargetInUse, match="Another backup"):
            backup(source, tmp_path / "backup", NOW)


def test_a_killed_backup_is_visibly_incomplete_and_simply_run_again(tmp_path: Path, opened: list[Index]) -> None:
    index = new_index(tmp_path / "source")
    opened.append(index)
    for number in range(30):
        publish(index, "big", f"1.{number}", minutes=number + 1, contents=os.urandom(300_000))
    mend.rebuild(index, NOW)
    command = [
        str(Path(sys.executable).with_name("affineur")), "backup", str(tmp_path / "backup"),
        "--data", str(tmp_path / "source"),
    ]  # fmt: skip
    killed = 0
    for _ in range(20):
        shutil.rmtree(tmp_path / "backup", ignore_errors=True)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not list((tmp_path / "backup").glob("blobs/*/*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not (tmp_path / "backup" / MANIFEST).exists():
            killed += 1
            with pytest.raises(BackupUnfit):
                read_manifest(tmp_path / "backup")
            break
    assert killed, "it was never caught at work"
    backup(index, tmp_path / "backup", NOW)
    assert tree_of(restored(tmp_path / "backup", tmp_path / "copy", opened)) == tree_of(index)
