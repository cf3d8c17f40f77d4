"""Following the journal: what one node does, another shows; the root list follows; what was cut short is swept."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.actions.shelf import NOW, founded, publish, world

from affineur.actions.hold import hold
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import follow, mend, pages
from affineur.settings import Settings
from affineur.shell.index import Index, open_index
from affineur.shell.tree import ROOT

WITHIN_SECONDS = 20


@contextmanager
def following(index: Index) -> Iterator[None]:
    """The background work of a node, in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=follow.follow, args=(index, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def soon(condition) -> bool:  # type: ignore[no-untyped-def]
    """Whether it comes true before the test gives up."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def nodes(tmp_path: Path, postgresql_url: str) -> Iterator[tuple[Index, Index]]:
    """Two nodes: one PostgreSQL and one folder of blobs, a data folder for each."""
    with ExitStack() as opened:
        made = []
        for name in ("here", "there"):
            chosen = Settings(data=tmp_path / name, database=postgresql_url, blobs=str(tmp_path / "blobs"))
            index = open_index(chosen) if made else founded(chosen)
            opened.callback(index.close)
            made.append(index)
        yield made[0], made[1]


def test_what_is_published_at_one_node_is_shown_by_the_other(nodes: tuple[Index, Index]) -> None:
    here, there = nodes
    with following(here), following(there):
        publish(here, "cheese")
        publish(there, "board")
        publish(here, "cheese", "1.1", seconds=1)
        assert soon(lambda: here.tree.serial(ROOT) == there.tree.serial(ROOT) == follow_head(here))
    assert world(here) == world(there)
    assert "packages/cheese/1.1/cheese-1.1-py3-none-any.whl" in world(there)


def follow_head(index: Index) -> int:
    from affineur.shell.store import journal

    with index.store.read() as connection:
        return journal.head(connection)[0]


def test_a_quarantine_at_one_node_holds_at_the_other(nodes: tuple[Index, Index]) -> None:
    here, there = nodes
    publish(here, "cheese")
    pages.catch_up(there)
    assert there.tree.offered("cheese")
    hold(here, console(NOW), "quarantine", NormalizedName("cheese"), said=Said("looks odd"))
    pages.catch_up(there)
    assert not there.tree.offered("cheese")
    assert json.loads(Path(there.tree.link("cheese"), "v1.json").read_bytes())["project-status"]["status"] == (
        "quarantined"
    )


def test_a_node_that_comes_late_catches_up_with_everything(nodes: tuple[Index, Index]) -> None:
    here, there = nodes
    for number in range(5):
        publish(here, f"cheese-{number}", seconds=number)
    pages.project_root(here)
    pages.catch_up(there)
    pages.project_root(there)
    assert world(there) == world(here)


def test_the_root_list_follows_and_files_of_killed_uploads_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = founded(Settings(data=tmp_path / "data", root_list_seconds=0.01))
    fresh = index.settings.spool / "1-fresh"
    fresh.write_bytes(b"an upload in progress")
    monkeypatch.setattr(mend, "left_overs", _those_of_ten_years_ago)
    old = index.settings.spool / "1-old"
    old.write_bytes(b"half an upload")
    os.utime(old, (0, 0))
    with following(index):
        publish(index, "cheese")
        assert soon(lambda: index.tree.serial(ROOT) == follow_head(index))
        assert soon(lambda: not old.exists())
    assert fresh.exists()
    index.close()


def _those_of_ten_years_ago(index: Index, *_: object) -> Iterator[object]:
    """The time of change cannot be set back, so the age is taken from the time of modification here."""
    from affineur.projections.check.findings import Finding

    for entry in os.scandir(index.settings.spool):
        if entry.stat().st_mtime == 0:
            yield Finding("left-over", entry.path, "")


def test_a_failing_step_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The mark cannot be written for a while: the loop lives on, says so, and catches up later."""
    index = founded(Settings(data=tmp_path / "data"))
    mark = index.settings.public / "serial"
    mark.unlink()
    mark.mkdir()
    publish(index, "cheese")
    stop = threading.Event()
    tries: list[float] = []
    thread = threading.Thread(target=follow.follow, args=(index, stop, lambda: tries.append(time.monotonic())))
    thread.start()
    try:
        assert soon(lambda: "background work failed" in caplog.text)
        mark.rmdir()
        assert soon(lambda: mark.is_file() and pages.read_mark(index) == follow_head(index))
    finally:
        stop.set()
        thread.join()
        index.close()
    assert len(tries) > 1
