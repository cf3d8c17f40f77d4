"""The check and the rebuild: real damage is done to a real index, found by its name, and mended where it can be."""

from __future__ import annotations

import os
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, catch_up, fill, new_index, publish
from tests.services.affineur import affineur

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import mend, pages
from affineur.projections.check import KINDS, Finding, check
from affineur.shell.blobs import LocalBlobs
from affineur.shell.index import Index
from affineur.shell.store.schema import burnt_filename, file, journal, journal_head, project
from affineur.shell.store.schema import hold as hold_row

LATER = datetime.now(UTC) + timedelta(hours=3)
"""A moment at which whatever a test leaves behind is old."""


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    fill(opened)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Index]:
    opened = new_index(tmp_path / "data")
    fill(opened)
    yield opened
    opened.close()


def found(index: Index, now: datetime = LATER, *, quick: bool = False) -> set[tuple[str, str]]:
    return {(finding.kind, finding.subject) for finding in check(index, now, quick=quick) if finding.is_damage}


def rebuilt(index: Index, *, sweep: bool = False) -> mend.Mended:
    return mend.rebuild(index, LATER, sweep=sweep)


def blob_of(index: Index, filename: str, column: sa.Column[str] = file.c.sha256) -> Path:
    with index.store.read() as connection:
        digest = connection.scalar(sa.select(column).where(file.c.filename == filename))
    assert isinstance(index.blobs, LocalBlobs)
    return Path(index.blobs.path(str(digest)))


def change(index: Index, statement: sa.Executable) -> None:
    with index.store.write() as connection:
        connection.execute(statement)


BRIE = "brie-1.0-py3-none-any.whl"


def test_a_sound_index_is_clean(index: Index) -> None:
    assert found(index) == set()
    assert found(index, quick=True) == set()


def test_a_rebuild_of_a_sound_index_changes_no_byte_and_no_time(index: Index) -> None:
    before = tree_of(index)
    rebuilt(index, sweep=True)
    assert tree_of(index) == before
    assert found(index) == set()


def test_everything_derived_can_be_deleted_and_comes_back_the_same(index: Index) -> None:
    before = tree_of(index)
    shutil.rmtree(index.tree.root)
    index.tree.create()
    assert {kind for kind, _ in found(index)} == {"missing-page", "missing-link", "stale-root"}
    rebuilt(index)
    assert tree_of(index) == before
    assert found(index) == set()


def test_a_missing_blob_is_found_and_taken_back_from_its_link(index: Index) -> None:
    blob = blob_of(index, BRIE)
    metadata = blob_of(index, BRIE, file.c.metadata_sha256)
    blob.unlink()
    metadata.unlink()
    assert KINDS["detached-blob"].mend == "rebuild"
    assert found(index) == found(index, quick=True) == {("detached-blob", blob.name), ("detached-blob", metadata.name)}
    assert rebuilt(index).blobs_taken_back == 2
    assert found(index) == set()


def test_a_missing_blob_is_not_said_to_come_back_from_what_only_has_its_name(sqlite: Index) -> None:
    blob = blob_of(sqlite, BRIE)
    blob.unlink()
    link = sqlite.tree.root / "packages" / "brie" / "1.0" / BRIE
    link.unlink()
    link.write_bytes(b"other")
    assert found(sqlite) == {("missing-blob", blob.name)}
    assert rebuilt(sqlite).blobs_taken_back == 0


def test_a_missing_blob_is_not_said_to_come_back_from_what_a_hold_withdraws(sqlite: Index) -> None:
    blob = blob_of(sqlite, BRIE)
    link = sqlite.tree.root / "packages" / "brie" / "1.0" / BRIE
    hold(sqlite, console(LATER), "quarantine", NormalizedName("brie"))
    catch_up(sqlite)
    link.parent.mkdir(parents=True)
    blob.rename(link)
    assert ("missing-blob", blob.name) in found(sqlite)


def test_a_blob_that_is_gone_for_good_stays_found_and_does_not_stop_the_rebuild(index: Index) -> None:
    blob = blob_of(index, BRIE)
    blob.unlink()
    link = index.tree.root / "packages" / "brie" / "1.0" / BRIE
    link.unlink()
    shutil.rmtree(index.tree.root / "pages")
    assert rebuilt(index).without_contents == [f"brie/1.0/{BRIE}"]
    assert found(index) == {("missing-blob", blob.name), ("missing-link", f"brie/1.0/{BRIE}")}


def test_wrong_bytes_of_the_right_length_are_found_by_reading_only(index: Index) -> None:
    blob = blob_of(index, BRIE)
    body = bytearray(blob.read_bytes())
    body[100] ^= 1
    blob.write_bytes(body)
    assert found(index, quick=True) == set()
    assert found(index) == {("wrong-bytes", blob.name)}


def test_a_cut_blob_is_found_without_reading(index: Index) -> None:
    blob = blob_of(index, BRIE)
    os.truncate(blob, 10)
    assert found(index, quick=True) == {("wrong-bytes", blob.name)}


def test_wrong_metadata_is_found(index: Index) -> None:
    with index.store.read() as connection:
        digest = str(connection.scalar(sa.select(file.c.metadata_sha256).where(file.c.filename == BRIE)))
    assert isinstance(index.blobs, LocalBlobs)
    Path(index.blobs.path(digest)).write_bytes(b"Metadata-Version: 2.1\n")
    assert found(index) == {("wrong-bytes", digest)}


def test_an_old_orphan_is_found_and_swept_and_a_young_one_is_left_alone(index: Index) -> None:
    digest = "ab" * 32
    index.blobs.put_bytes(digest, b"left", LATER - timedelta(days=900))
    now = datetime.now(UTC)
    assert [f for f in check(index, now) if f.kind == "in-progress"] == [
        Finding("in-progress", digest, "A young blob without a file: an upload in progress, or cut short.")
    ]
    assert found(index, now) == set()
    assert mend.sweep_all(index, now) == 0
    assert found(index) == {("orphan-blob", digest)}
    assert rebuilt(index).swept == 0
    assert rebuilt(index, sweep=True).swept == 1
    assert not index.blobs.exists(digest)
    assert found(index) == set()


def test_left_over_spool_and_partial_files_are_found_and_swept(index: Index) -> None:
    assert isinstance(index.blobs, LocalBlobs)
    left = [index.settings.spool / "4711-abcdef", index.blobs.root / ".cafe.1.2", index.tree.root / "root.77.new"]
    for path in left:
        path.write_bytes(b"half")
    assert found(index, datetime.now(UTC)) == set()
    assert found(index) == {("left-over", str(path)) for path in left}
    assert rebuilt(index, sweep=True).swept == 3
    assert found(index) == set()


def test_a_page_that_nothing_points_to_is_left_over(index: Index) -> None:
    stray = index.tree.root / "pages" / "br" / "brie.1"
    stray.mkdir()
    (stray / "v1.json").write_text("{}")
    assert found(index) == {("left-over", str(stray))}
    rebuilt(index, sweep=True)
    assert found(index) == set()


def _forge_body(page: Path) -> None:
    status = (page / "v1.json").stat()
    body = bytearray((page / "v1.json").read_bytes())
    body[-1:] = b"x"
    (page / "v1.json").write_bytes(body)
    os.utime(page / "v1.json", ns=(status.st_mtime_ns, status.st_mtime_ns))


def _forge_twin(page: Path) -> None:
    (page / "v1.html.gz").write_bytes(b"")


def _forge_time(page: Path) -> None:
    os.utime(page / "v1.html", (1, 1))


def _forge_form(page: Path) -> None:
    (page / "v1.htm").unlink()


@pytest.mark.parametrize("forge", [_forge_body, _forge_twin, _forge_time, _forge_form])
def test_a_forged_page_is_found_and_mended(sqlite: Index, forge: Callable[[Path], None]) -> None:
    forge(sqlite.tree.root / "simple" / "brie")
    assert found(sqlite) == {("forged-page", "page of brie")}
    rebuilt(sqlite)
    assert found(sqlite) == set()


def test_a_page_replaced_by_a_folder_or_a_link_elsewhere_is_found_and_mended(sqlite: Index, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.4"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    simple = sqlite.tree.root / "simple"
    (simple / "brie").unlink()
    (simple / "brie").mkdir()
    (simple / "comte").unlink()
    (simple / "comte").symlink_to(elsewhere)
    assert {subject for _, subject in found(sqlite)} >= {"page of brie", "page of comte"}
    rebuilt(sqlite, sweep=True)
    assert found(sqlite) == set()
    assert (elsewhere / "precious").exists()


def test_a_stale_page_is_found_and_mended(index: Index) -> None:
    publish(index, "brie", "1.2", minutes=20)
    catch_up(index)
    with index.store.read() as connection:
        serial = connection.scalar(sa.select(project.c.serial).where(project.c.name == "brie"))
    folder = index.tree.root / "pages" / "br" / f"brie.{serial}"
    folder.rename(folder.with_name("brie.3"))
    (index.tree.root / "simple" / "brie").unlink()
    (index.tree.root / "simple" / "brie").symlink_to("../pages/br/brie.3")
    assert found(index) == {("stale-page", "page of brie")}
    rebuilt(index)
    assert found(index) == set()


def test_missing_stray_and_wrong_links_are_found_and_mended(index: Index) -> None:
    brie = index.tree.root / "packages" / "brie" / "1.0"
    (brie / BRIE).unlink()
    (brie / "evil-1.0-py3-none-any.whl").write_bytes(b"x")
    comte = index.tree.root / "packages" / "comte" / "2.0" / "comte-2.0-py3-none-any.whl"
    comte.unlink()
    comte.write_bytes(b"not the blob")
    assert found(index) == {
        ("missing-link", f"brie/1.0/{BRIE}"),
        ("stray-link", "brie/1.0/evil-1.0-py3-none-any.whl"),
        ("wrong-link", "comte/2.0/comte-2.0-py3-none-any.whl"),
    }
    assert rebuilt(index).links_replaced == 1
    assert found(index) == set()


def test_strangers_in_the_public_tree_are_found_and_removed(sqlite: Index) -> None:
    root = sqlite.tree.root
    (root / "notes.txt").write_text("hello")
    (root / "packages" / "gouda" / "1.0").mkdir(parents=True)
    (root / "packages" / "gouda" / "1.0" / "gouda-1.0.tar.gz").write_bytes(b"x")
    (root / "packages" / "file").write_bytes(b"x")
    (root / "packages" / "brie" / "file").write_bytes(b"x")
    (root / "simple" / "gouda").symlink_to("../pages/go/gouda.3")
    assert {kind for kind, _ in found(sqlite)} == {"stray-page", "stray-link"}
    assert ("stray-page", "notes.txt") in found(sqlite)
    rebuilt(sqlite)
    assert found(sqlite) == set()


def test_a_stale_and_a_forged_root_list_are_found_and_mended(index: Index) -> None:
    publish(index, "gouda", "1.0", minutes=30)
    with index.store.read() as connection:
        head = connection.scalar(sa.select(journal_head.c.serial))
    assert ("stale-root", "root list") in found(index)
    catch_up(index)
    (index.tree.root / "root" / "v1.html").write_text("<a href=evil>")
    assert found(index) == {("forged-root", "root list")}
    rebuilt(index)
    assert index.tree.serial(".root") == head
    assert found(index) == set()


def test_a_tree_of_a_newer_database_is_found_and_mended(index: Index) -> None:
    pages.write_mark(index, 10_000)
    base = index.tree.root
    os.rename(base / os.readlink(base / "root"), base / "pages" / ".root.10000")
    (base / "root").unlink()
    (base / "root").symlink_to("pages/.root.10000")
    assert {kind for kind, _ in found(index)} == {"wrong-mark", "stale-root"}
    rebuilt(index)
    assert found(index) == set()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (journal.update().where(journal.c.serial == 2).values(reason="forged"), "altered"),
        (journal.delete().where(journal.c.serial == 2), "missing or out of order"),
        (journal_head.update().values(serial=99), "The head says 99"),
        (journal_head.update().values(hash="0" * 64), "The head says"),
    ],
)
def test_a_broken_journal_is_found(index: Index, statement: sa.Executable, says: str) -> None:
    change(index, statement)
    faults = [finding.detail for finding in check(index, LATER) if finding.kind == "broken-journal"]
    assert any(says in fault for fault in faults)


def test_sums_that_do_not_add_up_are_found_and_mended(index: Index) -> None:
    change(index, project.update().where(project.c.name == "brie").values(size_bytes=1))
    change(index, project.update().where(project.c.name == "comte").values(serial=1))
    change(index, burnt_filename.delete().where(burnt_filename.c.filename == BRIE))
    kinds = found(index)
    assert {("wrong-sum", "project brie"), ("wrong-sum", "project comte"), ("wrong-sum", f"file {BRIE}")} <= kinds
    assert rebuilt(index).sums == 3
    assert found(index) == set()


def test_rows_that_the_journal_does_not_know_are_found(index: Index) -> None:
    change(index, file.update().where(file.c.filename == BRIE).values(filename="brie-1.0-py2-none-any.whl"))
    subjects = {subject for kind, subject in found(index) if kind == "inconsistent-rows"}
    assert subjects == {"file brie-1.0-py2-none-any.whl", f"file {BRIE}"}


def test_facts_that_no_event_gave_are_found(index: Index) -> None:
    set_status(index, SYSTEM, "archive", NormalizedName("comte"), LATER, Said("done"))
    set_yanked(index, SYSTEM, Selection(NormalizedName("feta")), True, LATER)
    catch_up(index)
    assert found(index) == set()
    change(index, project.update().where(project.c.name == "comte").values(maintenance="active"))
    brie = sa.select(project.c.id).where(project.c.name == "brie").scalar_subquery()
    forged = {"kind": "quarantined", "origin": "ours", "placed_at": LATER, "placed_as": "moderator"}
    change(index, hold_row.insert().values(project_id=brie, **forged))
    change(index, file.update().where(file.c.filename == BRIE).values(yanked=True))
    change(index, file.update().where(file.c.filename.startswith("feta")).values(yanked=False))
    subjects = {subject for kind, subject in found(index) if kind == "inconsistent-rows"}
    assert subjects == {"project comte", "project brie", f"file {BRIE}", "file feta-0.1-py3-none-any.whl"}


def test_nothing_is_called_damage_while_uploads_go_on_and_all_is_rebuilt(index: Index) -> None:
    """The check and the rebuild run again and again beside three uploaders and the background work."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def uploading(name: str) -> None:
        minutes = 0
        while not stop.is_set():
            minutes += 1
            publish(index, name, f"2.{minutes}", minutes=1000 + minutes)

    def following() -> None:
        while not stop.is_set():
            catch_up(index)

    def rebuilding() -> None:
        while not stop.is_set():
            affineur("rebuild", "rows", "pages", "root", "--sweep", "--data", index.settings.data,
                     environment={"AFFINEUR_DATABASE": index.settings.database})  # fmt: skip

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # a thread's failure must fail the test
                failed.append(error)

        return run

    work = [partial(uploading, "brie"), partial(uploading, "gouda"), partial(uploading, "edam"), following, rebuilding]
    threads = [threading.Thread(target=guarded(each)) for each in work]
    for thread in threads:
        thread.start()
    try:
        seen = [finding for _ in range(2) for finding in check(index, START + timedelta(minutes=1000))]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == [], "".join(traceback.format_exception(failed[0]))
    assert [finding for finding in seen if finding.is_damage] == []
    catch_up(index)
    assert found(index) == set()


def test_a_file_of_another_projects_release_is_found(index: Index) -> None:
    other = sa.select(project.c.id).where(project.c.name == "comte").scalar_subquery()
    change(index, file.update().where(file.c.filename == BRIE).values(project_id=other))
    assert ("inconsistent-rows", f"file {BRIE}") in found(index)


def test_a_database_of_another_schema_is_named(index: Index) -> None:
    change(index, sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert ("inconsistent-rows", "schema") in found(index)


def test_a_damaged_database_file_is_named(sqlite: Index) -> None:
    path = sqlite.settings.data / "affineur.db"
    with sqlite.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite.store.close()
    with path.open("r+b") as stream:
        stream.seek(4096 * 2)
        stream.write(b"\xff" * 4096 * 6)
    assert ("damaged-database", "database") in found(sqlite)


def test_a_damaged_or_missing_search_index_is_found_and_mended(sqlite: Index) -> None:
    path = sqlite.settings.data / "search.db"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"SQLite format 3\0" + b"x" * 10_000)
    assert found(sqlite) == {("damaged-search", "search.db")}
    rebuilt(sqlite)
    assert found(sqlite) == set()
    path.unlink()
    assert found(sqlite) == {("damaged-search", "search.db")}
    rebuilt(sqlite)
    assert found(sqlite) == set()


def test_what_lags_behind_the_journal_is_found_and_mended(index: Index) -> None:
    publish(index, "gouda", "1.0", minutes=30)
    pages.project_root(index)
    assert found(index) == {("stale-search", "search"), ("stale-dependents", "dependents")}
    rebuilt(index)
    assert found(index) == set()


def test_what_has_just_happened_is_given_a_moment(sqlite: Index) -> None:
    """An upload whose page and list are still to be written is no damage."""
    now = datetime.now(UTC)
    change(sqlite, journal.update().where(journal.c.serial == 1).values(actor="x"))  # outside the hash
    with sqlite.store.read() as connection:
        at = connection.scalar(sa.select(sa.func.max(journal.c.at)))
    publish(sqlite, "gouda", "1.0", minutes=int((now - at).total_seconds() // 60) + 60)
    began = time.monotonic()
    assert found(sqlite, now) == set()
    assert time.monotonic() - began < 10


def test_every_kind_of_damage_says_what_mends_it() -> None:
    assert all(kind.meaning.endswith(".") and kind.mend for kind in KINDS.values())


def tree_of(index: Index) -> dict[str, tuple[object, ...]]:
    """Everything a client can see of the public tree: names, bytes, times, links."""
    root = index.tree.root
    seen: dict[str, tuple[object, ...]] = {}
    for folder, folders, names in os.walk(root):
        for name in (*names, *(each for each in folders if os.path.islink(f"{folder}/{each}"))):
            path = f"{folder}/{name}"
            key = os.path.relpath(path, root)
            if key.startswith(("locks/", "serial")):
                continue
            if os.path.islink(path):
                seen[key] = ("link", os.readlink(path))
            else:
                seen[key] = (Path(path).read_bytes(), os.stat(path).st_mtime_ns)
    return seen
