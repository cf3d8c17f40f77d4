"""What tests of mirrors do and look at: acts at an origin, following it, lies about it. Test support, not tests."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.actions.shelf import publish, world
from tests.services.affineur import PROGRAM, Server
from tests.walks.between import Between, Passed, between
from typer.testing import CliRunner

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.cli.main import app
from affineur.core.access import SYSTEM
from affineur.core.decision import Decision, Refused
from affineur.core.life.lifecycle import HOLDING, WHOLE, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import mirroring
from affineur.projections.mirroring import Manner
from affineur.shell.index import Index
from affineur.shell.store import journal
from affineur.shell.tree import ROOT

WITHIN_SECONDS = 60


@contextmanager
def lying(origin_server: Server) -> Iterator[Between]:
    """Something between follower and origin."""
    with between(origin_server.url) as told:
        yield told


def once(here: Index, url: str, *, again: bool = False, poll_seconds: float = 60.0) -> Decision | None:
    """Follow until everything that is there is here."""
    manner = Manner(again=again, poll_seconds=poll_seconds)
    return mirroring.follow(here, url, threading.Event(), manner, once=True)


@contextmanager
def followed(here: Index, url: str, *, poll_seconds: float = 60.0) -> Iterator[None]:
    """Follow, in a thread, until the block ends."""
    stop = threading.Event()
    manner = Manner(poll_seconds=poll_seconds)
    thread = threading.Thread(target=mirroring.follow, args=(here, url, stop, manner))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before the test gives up."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def do(index: Index, act: str, name: str, reason: str = "a reason", place: Place = WHOLE) -> None:
    """Carry out an act; one that the table does not allow now is left out."""
    now = datetime.now(UTC)
    with suppress(Refused):
        if act in HOLDING:
            hold(index, console(now), act, NormalizedName(name), place, Said(reason=reason))  # type: ignore[arg-type]
        else:
            set_status(index, SYSTEM, act, NormalizedName(name), now, Said(reason=reason))  # type: ignore[arg-type]


_ACTS = (
    *("publish", "yank", "unyank", "archive", "unarchive", "deprecate", "undeprecate", "finish"),
    *("quarantine", "clear", "withhold", "unwithhold"),
)


def acts(index: Index, seed: int, count: int) -> None:
    """Random acts of every kind."""
    chosen = random.Random(seed)
    for number in range(count):
        name = NormalizedName(chosen.choice(("brie", "comte", "feta", f"new-{seed}-{number}")))
        now = datetime.now(UTC)
        act = chosen.choice(_ACTS)
        place = chosen.choice((WHOLE, Place("1.0"), Place("1.0", f"{name}-1.0-py3-none-any.whl")))
        try:
            if act == "publish" or name.startswith("new"):
                publish(index, name, f"{seed}.{number}", seconds=number)
            elif act in ("yank", "unyank"):
                set_yanked(index, SYSTEM, Selection(name), act == "yank", now, 'too <young> & "soft"')
            else:
                do(index, act, name, place=place if act in HOLDING else WHOLE)
        except Refused:
            continue  # a project on hold takes no files, and the like
    for name in ("brie", "comte", "feta"):
        do(index, "clear", name)


def head_of(index: Index) -> tuple[int, str]:
    with index.store.read() as connection:
        return journal.head(connection)


def is_equal(here: Index, origin: Index) -> bool:
    return (
        head_of(here) == head_of(origin)
        and here.tree.serial(ROOT) == origin.tree.serial(ROOT) == head_of(origin)[0]
        and seen_by_clients(here) == seen_by_clients(origin)
    )


def seen_by_clients(index: Index) -> dict[str, tuple[bytes, int, int]]:
    """The public tree; times in whole seconds, as validators have them."""
    return {path: (body, size_bytes, int(at)) for path, (body, size_bytes, at) in world(index).items()}


def paths_of(index: Index, name: str) -> set[str]:
    return index.tree.offered(name)


def of_journal(change: Callable[[dict[str, object]], None]) -> Callable[[str, Passed], Passed]:
    """Change the pages of the journal that have entries."""

    def changed(path: str, passed: Passed) -> Passed:
        if path.startswith("/journal?"):
            import gzip

            packed = passed.headers.pop("content-encoding", None)
            body = json.loads(gzip.decompress(passed.body) if packed else passed.body)
            if body["entries"]:
                change(body)
                passed.body = json.dumps(body).encode()
            elif packed:
                passed.body = gzip.decompress(passed.body)
        return passed

    return changed


def skip(body: dict) -> None:  # type: ignore[type-arg]
    del body["entries"][0]


def alter(body: dict) -> None:  # type: ignore[type-arg]
    body["entries"][0]["reason"] = "nothing happened"


def rewrite(body: dict) -> None:  # type: ignore[type-arg]
    body["entries"][0]["previous"] = "1" * 64


def rename(body: dict) -> None:  # type: ignore[type-arg]
    body["meta"]["origin"] = "urn:uuid:00000000-0000-8000-8000-000000000000"


@contextmanager
def killer(data: Path, url: str) -> Iterator[Callable[[float], None]]:
    """Start a follower, and kill it that long after it began, by forking from a process that has all loaded."""
    program = subprocess.Popen(
        [PROGRAM.with_name("python"), "-m", "tests.walks.dying_follower", str(data), url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert program.stdin and program.stdout

    def kill_after(seconds: float) -> None:
        program.stdin.write(f"{seconds}\n")
        program.stdin.flush()
        assert program.stdout.readline() == f"{-signal.SIGKILL}\n"

    try:
        yield kill_after
    finally:
        program.communicate(timeout=30)


def plain(path: str, passed: Passed) -> Passed:
    """An index that speaks the simple API and nothing else."""
    return Passed(404, {}, b"") if path.startswith("/journal") else passed


def statuses_and_files(index: Index) -> dict[str, tuple[object, object]]:
    """What each page says that a client goes by."""
    seen: dict[str, tuple[object, object]] = {}
    for name in index.tree.names():
        page = json.loads(Path(index.tree.link(name), "v1.json").read_bytes())
        seen[name] = (page["project-status"], page["files"])
    return seen


def command(*arguments: object, code: int = 0) -> str:
    """What `affineur follow` says, on both ways out; it must end with ``code``."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        done = CliRunner().invoke(app, ["follow", *map(str, arguments)])
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output
