"""Sixteen writers, legal and illegal acts, four readers, a follower: nobody ever sees what the table forbids.

`make stress` is the long form, on 1,000 projects.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.actions.shelf import founded, publish
from tests.services.affineur import PROGRAM, initialise, serve
from tests.walks.following_scene import is_equal, soon
from tests.walks.stress_scene import VERSIONS, Follower, Looker, Writer

from affineur.core.history.journal import faults
from affineur.projections import pages
from affineur.projections.check import check
from affineur.settings import Settings
from affineur.shell.index import Index, open_index
from affineur.shell.store import journal

PROJECTS = int(os.environ.get("STRESS_PROJECTS", "40"))
ACTS_EACH = int(os.environ.get("STRESS_ACTS", "15"))
WRITERS, READERS = 16, 4


@contextmanager
def following(data: Path, url: str) -> Iterator[None]:
    """`affineur follow`, until the block ends."""
    founded(Settings(data=data)).close()
    with data.with_suffix(".log").open("wb") as said:
        process = subprocess.Popen([PROGRAM, "follow", url, "--data", data], stdout=said, stderr=said)
        try:
            yield
            assert process.poll() is None, data.with_suffix(".log").read_text()
        finally:
            process.terminate()
            process.wait(30)


def all_at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def damage(index: Index) -> list[str]:
    """What `affineur fsck` calls damage, once the list of all projects is up to date; search follows later."""
    pages.project_root(index)
    later = datetime.now(UTC) + timedelta(hours=3)
    found = (one for one in check(index, later) if one.is_damage and "search" not in one.kind)
    return [f"{one.kind}: {one.subject}: {one.detail}" for one in found]


def test_nobody_sees_what_the_table_forbids_while_sixteen_write(tmp_path: Path) -> None:
    names = [f"cheese{number}" for number in range(PROJECTS)]
    token = initialise(tmp_path / "data")
    index = open_index(Settings(data=tmp_path / "data"))
    for name in names:
        for version in VERSIONS:
            publish(index, name, version)
    writers = [Writer(seed, names, ACTS_EACH) for seed in range(WRITERS)]
    stop = threading.Event()
    with serve(tmp_path / "data", token, workers=2) as server, following(tmp_path / "mirror", server.url):
        lookers = [Looker(server.url, names, seed) for seed in range(READERS)]
        follower = Follower(server.url)
        reading = [
            threading.Thread(target=look, args=(stop,)) for look in (follower.run, *(one.run for one in lookers))
        ]
        for thread in reading:
            thread.start()
        try:
            by_api = [lambda one=one: one.by_api(server) for one in writers[::2]]
            all_at_once([*by_api, *(lambda one=one: one.here(index) for one in writers[1::2])])
        finally:
            stop.set()
            for thread in reading:
                thread.join()
        mirror = open_index(Settings(data=tmp_path / "mirror"))
        pages.project_root(index)
        assert soon(lambda: is_equal(mirror, index))
    assert [fault for one in (*writers, *lookers, follower) for fault in one.faults] == []
    outcomes = sum((one.outcomes for one in writers), Counter[str]())
    assert outcomes.total() == WRITERS * ACTS_EACH
    assert outcomes["done"] > outcomes.total() // 10
    assert outcomes["lifecycle.transition"] > 0
    assert min(one.looks for one in lookers) > 0

    assert [entry.serial for entry in follower.entries] == list(range(1, len(follower.entries) + 1))
    assert list(faults(follower.entries)) == []
    with index.store.read() as connection:
        assert follower.entries == list(journal.entries(connection))
    assert damage(index) == []
    assert damage(mirror) == []
    index.close()
    mirror.close()
