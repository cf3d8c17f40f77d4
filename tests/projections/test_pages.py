"""The public tree as a projection: whatever happens to it, it comes back as the rows say, byte for byte."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.actions.shelf import NOW, founded, publish, publish_sdist, world

from affineur.actions.hold import hold
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import mend, pages
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.shell.store import journal, projects
from affineur.shell.tree import ROOT

NAMES = ("cheese", "board", "x")


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = founded(Settings(data=tmp_path / "data", database=database))
    yield made
    made.close()


@pytest.fixture
def stocked(index: Index) -> Index:
    """Three projects, one with three files, one of them quarantined."""
    for seconds, (name, version) in enumerate((("cheese", "1.0"), ("cheese", "1.1"), ("board", "2.0"), ("x", "0.1"))):
        publish(index, name, version, seconds=seconds)
    publish_sdist(index, "cheese")
    hold(index, console(NOW), "quarantine", NormalizedName("x"), said=Said("looks odd"))
    pages.project_root(index)
    return index


def page(index: Index, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(Path(index.tree.link(name), "v1.json").read_bytes())
    return found


def head(index: Index) -> int:
    with index.store.read() as connection:
        return journal.head(connection)[0]


def rebuilt(index: Index) -> int:
    """Rebuild the public tree; how many projects have a page."""
    return mend.rebuild(index, NOW, ("pages", "root")).projects


def test_a_rebuild_of_everything_gives_the_same_bytes_and_times(stocked: Index) -> None:
    before = world(stocked)
    shutil.rmtree(stocked.settings.public)
    stocked.tree.create()
    assert rebuilt(stocked) == len(NAMES)
    assert world(stocked) == before


def test_a_rebuild_of_what_is_whole_changes_nothing(stocked: Index) -> None:
    before = world(stocked)
    rebuilt(stocked)
    assert world(stocked) == before
    folders = sorted(path.name for path in (stocked.settings.public / "pages").glob("[!.]*/*"))
    assert folders == sorted(f"{name}.{stocked.tree.serial(name)}" for name in NAMES)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(harms=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.booleans()), min_size=1, max_size=6))
def test_any_part_that_is_deleted_or_forged_comes_back_the_same(
    stocked: Index, harms: list[tuple[float, bool]]
) -> None:
    """Each harm: which part, as a fraction of all there are, and whether it is forged (a page) or deleted."""
    before = world(stocked)
    public = stocked.settings.public
    parts = sorted(path for path in public.rglob("*") if "locks" not in path.parts)
    for place, forged in harms:
        path = parts[int(place * len(parts))]
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif forged and "pages" in path.parts and path.exists():
            path.write_bytes(b"forged")
        else:
            path.unlink(missing_ok=True)
    stocked.tree.create()
    rebuilt(stocked)
    assert world(stocked) == before


def test_pages_and_files_of_no_project_go_away(stocked: Index) -> None:
    before = world(stocked)
    with stocked.tree.lock("forged"):
        stocked.tree.replace_page("forged", 1, {"v1.json": b"{}"}, 0)
    stocked.tree.offer("forged", "1.0/forged-1.0.tar.gz", str(_some_file(stocked)))
    stocked.tree.offer("cheese", "9.9/cheese-9.9.tar.gz", str(_some_file(stocked)))
    stocked.tree.offer("unpaged", "1.0/unpaged-1.0.tar.gz", str(_some_file(stocked)))
    rebuilt(stocked)
    assert world(stocked) == before


def _some_file(index: Index) -> Path:
    path = index.settings.data / "some-file"
    path.write_bytes(b"forged")
    return path


def test_a_file_whose_contents_are_lost_does_not_keep_others_from_being_on_offer(
    stocked: Index, caplog: pytest.LogCaptureFixture
) -> None:
    before = world(stocked)
    (lost,) = (path for path in before if path.endswith("/cheese-1.1-py3-none-any.whl"))
    shutil.rmtree(stocked.settings.public / "packages")
    stocked.tree.create()
    seen = pages.view(stocked, "cheese")
    assert seen
    stocked.blobs.remove(seen.offered[lost.removeprefix("packages/cheese/")])
    rebuilt(stocked)
    after = world(stocked)
    assert set(before) - set(after) == {lost}
    assert "contents of a file are missing" in caplog.text


def test_an_older_page_never_replaces_a_newer_one(index: Index) -> None:
    """Many projections of one project at once, while it changes: what stands at the end is the newest."""
    publish(index, "cheese", "0")
    serials: list[int] = []
    stop = threading.Event()

    def project_on_and_on() -> None:
        while not stop.is_set():
            pages.project(index, "cheese")

    def watch() -> None:
        while not stop.is_set():
            serials.append(index.tree.serial("cheese") or 0)

    threads = [threading.Thread(target=target) for target in (project_on_and_on, project_on_and_on, watch)]
    for thread in threads:
        thread.start()
    for number in range(1, 21):
        publish(index, "cheese", str(number), seconds=number)
    stop.set()
    for thread in threads:
        thread.join()
    assert serials == sorted(serials)
    assert index.tree.serial("cheese") == head(index)
    assert len(page(index, "cheese")["files"]) == 21  # type: ignore[arg-type]


def test_a_quarantine_empties_the_shelf_and_clearing_restores_it_exactly(stocked: Index) -> None:
    before = world(stocked)
    name = NormalizedName("cheese")
    files = {path for path in before if path.startswith("packages/cheese/")}
    assert len(files) == 6  # three files, and the metadata of each
    hold(stocked, console(NOW), "quarantine", name, said=Said("looks odd"))
    assert not {path for path in world(stocked) if path.startswith("packages/cheese/")}
    held = page(stocked, "cheese")
    assert held["project-status"] == {"status": "quarantined", "reason": "[quarantined] looks odd (case 2026-0002)"}
    assert held["files"] == []
    assert held["versions"] == ["1.0", "1.1"]
    hold(stocked, console(NOW), "clear", name)
    after = world(stocked)
    assert {path: after[path] for path in files} == {path: before[path] for path in files}
    assert page(stocked, "cheese")["files"] == json.loads(before["simple/cheese/v1.json"][0])["files"]


def test_a_page_that_was_lost_with_its_mark_is_caught_up(stocked: Index) -> None:
    """Whatever a crash between commit and projection left undone, at any step."""
    before = world(stocked)
    with stocked.tree.lock("cheese"):
        for path in sorted(stocked.tree.offered("cheese"))[:2]:
            stocked.tree.withdraw("cheese", path)
        stocked.tree.replace_page("cheese", 2, {"v1.json": b"old"}, 0)
    with stocked.tree.lock("board"):
        stocked.tree.remove_page("board")
    pages.write_mark(stocked, 1)
    assert pages.catch_up(stocked) == head(stocked) - 1
    assert world(stocked) == before
    assert pages.read_mark(stocked) == head(stocked)
    assert pages.catch_up(stocked) == 0


def test_catching_up_twice_from_the_same_mark_is_harmless(stocked: Index) -> None:
    before = world(stocked)
    pages.write_mark(stocked, 0)
    pages.catch_up(stocked)
    assert world(stocked) == before


def test_after_a_loss_of_power_nothing_that_was_not_synced_is_believed(stocked: Index) -> None:
    """A new boot: links may be there whose pages' bytes never reached the disk."""
    pages.catch_up(stocked)
    pages.settle(stocked)
    synced = head(stocked)
    publish(stocked, "late", seconds=9)
    pages.project_root(stocked)
    before = world(stocked)
    Path(stocked.tree.link("late"), "v1.json").write_bytes(b"")
    Path(stocked.tree.link(ROOT), "v1.json").write_bytes(b"")
    written, last, _ = (stocked.settings.public / "serial").read_text().split()
    assert (int(written), int(last)) == (head(stocked), synced)
    (stocked.settings.public / "serial").write_text(f"{written} {last} another-boot\n")
    assert pages.read_mark(stocked) == synced
    pages.catch_up(stocked)
    pages.project_root(stocked)
    assert world(stocked) == before
    assert pages.read_mark(stocked) == head(stocked)


@pytest.mark.parametrize("left", ["", "garbage", "12", None])
def test_a_mark_that_cannot_be_read_means_that_nothing_is_believed(stocked: Index, left: str | None) -> None:
    pages.catch_up(stocked)
    before = world(stocked)
    mark = stocked.settings.public / "serial"
    mark.unlink() if left is None else mark.write_text(left)
    Path(stocked.tree.link("cheese"), "v1.html").write_bytes(b"")
    pages.catch_up(stocked)
    pages.project_root(stocked)
    assert world(stocked) == before


def test_while_the_machine_runs_what_was_written_is_believed(stocked: Index) -> None:
    pages.catch_up(stocked)
    kept = Path(stocked.tree.link("cheese"), "v1.json").stat().st_ino
    pages.write_mark(stocked, 0)
    pages.catch_up(stocked)
    assert Path(stocked.tree.link("cheese"), "v1.json").stat().st_ino == kept


def test_the_root_list_is_never_ahead_of_a_page(index: Index) -> None:
    """A mirror that reads the list and then a page takes the page for stale when its serial is behind."""
    publish(index, "cheese")
    pages.project_root(index)
    stop = threading.Event()
    faults: list[str] = []

    def mirror() -> None:
        while not stop.is_set():
            listed = {one["name"]: one["_last-serial"] for one in page(index, ROOT)["projects"]}  # type: ignore[attr-defined]
            for name, serial in listed.items():
                if (index.tree.serial(name) or 0) < serial:
                    faults.append(f"{name}: {index.tree.serial(name)} behind {serial}")

    def background() -> None:
        while not stop.is_set():
            pages.project_root(index)

    threads = [threading.Thread(target=target) for target in (mirror, background)]
    for thread in threads:
        thread.start()
    for number in range(30):
        # As another node's acts arrive: rows first, pages whenever this node follows.
        with index.store.write() as connection:
            found = projects.find(connection, "cheese")
            assert found
            from affineur.core.history.journal import Event

            serial = journal.append(connection, NOW + timedelta(seconds=number), [Event("Noted", found.name)])
            projects.touch(connection, found.id, serial, NOW + timedelta(seconds=number))
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults


def test_a_project_without_rows_has_no_page(stocked: Index) -> None:
    assert pages.view(stocked, "unknown") is None
    pages.project(stocked, "unknown")
    assert stocked.tree.serial("unknown") is None
