"""The public tree on the disk: swaps that no reader can catch half done, and links that come and go."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from affineur.shell.tree import ELSEWHERE, ROOT, PublicTree

SECONDS = 1_700_000_000
FORMS = ("v1.json", "v1.json.gz", "v1.html", "v1.html.gz")


@pytest.fixture
def tree(tmp_path: Path) -> PublicTree:
    made = PublicTree(tmp_path / "public")
    made.create()
    return made


def forms_of(serial: int) -> dict[str, bytes]:
    return {form: f"{form} of {serial}".encode() for form in FORMS}


def put(tree: PublicTree, name: str, serial: int, forms: dict[str, bytes] | None = None) -> None:
    with tree.lock(name):
        tree.replace_page(name, serial, forms or forms_of(serial), SECONDS + serial)


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", ["cheese", "x", ROOT])
def test_a_page_is_there_in_every_form_with_the_time_of_its_entry(tree: PublicTree, name: str) -> None:
    assert tree.serial(name) is None
    put(tree, name, 7)
    assert tree.serial(name) == 7
    folder = Path(tree.link(name))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == forms_of(7) | {
        "v1.htm": b"v1.html of 7",
        "v1.htm.gz": b"v1.html.gz of 7",
    }
    assert {path.stat().st_mtime for path in folder.iterdir()} == {SECONDS + 7}


def test_a_newer_page_leaves_nothing_of_the_older_one(tree: PublicTree) -> None:
    put(tree, "cheese", 7)
    put(tree, "cheese", 9, {"v1.json": b"short"})
    assert tree.serial("cheese") == 9
    assert everything_below(tree.root / "pages") == {"ch", "ch/cheese.9", "ch/cheese.9/v1.json"}


def test_readers_never_see_a_mix_and_never_nothing_while_pages_are_swapped(tree: PublicTree) -> None:
    """Three readers read every form of a page, over and over, while it is swapped 500 times."""
    put(tree, "cheese", 1)
    link, stop = tree.link("cheese"), threading.Event()
    faults: list[str] = []
    rounds = [0, 0, 0]

    def read_form(form: str) -> tuple[int, bytes]:
        # A swap in between leaves nothing to open: look again, as `web.hot` does. One look is nearly always
        # enough; but here a page is swapped as fast as this machine can, and readers share one interpreter with it.
        for _ in range(50):
            target = os.readlink(link)
            try:
                return int(target.rpartition(".")[2]), Path(os.path.dirname(link), target, form).read_bytes()
            except FileNotFoundError:
                continue
        raise FileNotFoundError(form)

    def reader(number: int) -> None:
        last = 0
        while not stop.is_set():
            for form in FORMS:
                try:
                    serial, body = read_form(form)
                except FileNotFoundError as error:
                    faults.append(f"never there: {error}")
                    continue
                if body != forms_of(serial)[form] or serial < last:
                    faults.append(f"{serial} after {last}: {body!r}")
                last = serial
            rounds[number] += 1

    threads = [threading.Thread(target=reader, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for serial in range(2, 502):
        put(tree, "cheese", serial)
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert min(rounds) > 10


def test_readers_never_miss_a_form_while_the_same_page_is_written_again(tree: PublicTree) -> None:
    """A rebuild: whoever reads by name must find every form at every moment, without a second look."""
    put(tree, "cheese", 5)
    stop, faults = threading.Event(), []
    paths = [Path(tree.link("cheese"), form) for form in (*FORMS, "v1.htm")]

    def reader() -> None:
        while not stop.is_set():
            for path in paths:
                try:
                    path.read_bytes()
                except FileNotFoundError as error:
                    faults.append(str(error))

    thread = threading.Thread(target=reader)
    thread.start()
    for _ in range(300):
        put(tree, "cheese", 5)
    stop.set()
    thread.join()
    assert not faults
    assert sorted(os.listdir(tree.root / "pages" / "ch")) == ["cheese.5"]


def test_writing_a_forged_page_again_replaces_every_form_and_removes_the_rest(tree: PublicTree) -> None:
    put(tree, "cheese", 5)
    folder = Path(tree.link("cheese"))
    (folder / "v1.json").write_bytes(b"forged")
    (folder / "v1.html").unlink()
    (folder / "v1.surprise").write_bytes(b"forged")
    os.utime(folder / "v1.json.gz", (1, 1))
    put(tree, "cheese", 5)
    assert set(os.listdir(folder)) == {*FORMS, "v1.htm", "v1.htm.gz"}
    assert all((folder / form).read_bytes() == body for form, body in forms_of(5).items())
    assert (folder / "v1.htm").read_bytes() == forms_of(5)["v1.html"]
    assert {path.stat().st_mtime for path in folder.iterdir()} == {SECONDS + 5}


LEFT_OVERS = {
    "a folder half written": lambda pages, simple: (pages / "cheese.new").mkdir(),
    "a folder with half a page": lambda pages, simple: (
        (pages / "cheese.new").mkdir(), (pages / "cheese.new" / "v1.json").write_bytes(b"hal")),
    "a folder that nothing points to": lambda pages, simple: (
        (pages / "cheese.6").mkdir(), (pages / "cheese.6" / "v1.json").write_bytes(b"whole")),
    "a link that was not renamed": lambda pages, simple: (simple / "cheese.new").symlink_to("../pages/ch/cheese.6"),
    "a link to a folder that is gone": lambda pages, simple: (
        (simple / "cheese").unlink(), (simple / "cheese").symlink_to("../pages/ch/cheese.3")),
    "a link to the right folder, which is gone": lambda pages, simple: (
        (simple / "cheese").unlink(), (simple / "cheese").symlink_to("../pages/ch/cheese.6")),
}  # fmt: skip


@pytest.mark.parametrize("left", LEFT_OVERS)
def test_what_a_crash_left_is_used_up_by_the_next_swap(tree: PublicTree, left: str) -> None:
    put(tree, "cheese", 5)
    LEFT_OVERS[left](tree.root / "pages" / "ch", tree.root / "simple")
    put(tree, "cheese", 6)
    assert tree.serial("cheese") == 6
    assert Path(tree.link("cheese"), "v1.json").read_bytes() == b"v1.json of 6"
    assert os.listdir(tree.root / "simple") == ["cheese"]
    assert set(os.listdir(tree.root / "pages" / "ch")) - {"cheese.5"} == {"cheese.6"}


def test_a_page_can_be_removed_and_removed_again(tree: PublicTree) -> None:
    put(tree, "cheese", 5)
    with tree.lock("cheese"):
        tree.remove_page("cheese")
        tree.remove_page("cheese")
    assert tree.serial("cheese") is None
    assert everything_below(tree.root / "pages") == {"ch"}
    assert list(tree.names()) == []


def test_files_are_offered_as_further_names_of_their_blobs(tree: PublicTree, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"curd")
    tree.offer("cheese", "1.0/cheese-1.0.tar.gz", str(blob))
    tree.offer("cheese", "1.0/cheese-1.0.tar.gz", str(blob))
    tree.offer("cheese", "2.0/cheese-2.0.tar.gz.metadata", str(blob))
    assert tree.offered("cheese") == {"1.0/cheese-1.0.tar.gz", "2.0/cheese-2.0.tar.gz.metadata"}
    assert blob.stat().st_nlink == 3
    assert (tree.root / "packages/cheese/1.0/cheese-1.0.tar.gz").samefile(blob)
    assert tree.offered("board") == set()


def test_a_file_whose_blob_is_elsewhere_is_offered_by_its_digest(tree: PublicTree) -> None:
    tree.offer("cheese", "1.0/cheese-1.0.tar.gz", f"{ELSEWHERE}{'ab' * 32}")
    assert os.readlink(tree.root / "packages/cheese/1.0/cheese-1.0.tar.gz") == f"sha256:{'ab' * 32}"
    assert tree.offered("cheese") == {"1.0/cheese-1.0.tar.gz"}


def test_a_withdrawn_file_is_gone_and_its_empty_folders_with_it(tree: PublicTree, tmp_path: Path) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(b"curd")
    for path in ("1.0/a", "1.0/b"):
        tree.offer("cheese", path, str(blob))
    tree.withdraw("cheese", "1.0/a")
    tree.withdraw("cheese", "1.0/a")
    assert tree.offered("cheese") == {"1.0/b"}
    tree.withdraw("cheese", "1.0/b")
    assert os.listdir(tree.root / "packages") == []
    assert blob.read_bytes() == b"curd"


def test_projections_of_one_project_wait_for_each_other(tree: PublicTree) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            with tree.lock("cheese"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                os.sched_yield()
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
