"""One process of a server killed: the others go on, it comes back, and a server that lost its head leaves nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import psutil
import pytest
from tests.services.affineur import MODES, Mode, Server
from tests.services.keeper import accepts_connections
from tests.walks.uploading import Reader, Wheel, upload

WITHIN_SECONDS = 60


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before the test gives up."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def shows(server: Server, wheel: Wheel) -> bool:
    """Whether the page lists the file; false also while nobody answers."""
    reader = Reader(server.url)
    try:
        page = reader.page(wheel.name)
        return page is not None and wheel.filename in str(page["files"])
    except (OSError, AssertionError):
        return False
    finally:
        reader.close()


def published(server: Server, wheel: Wheel) -> bool:
    answer = upload(server.url, server.token, wheel)
    return answer is not None and answer[0] == 200


@pytest.mark.parametrize("mode", MODES)
def test_every_process_that_is_killed_is_started_again(mode: Mode, server: Callable[..., Server]) -> None:
    running = server(mode=mode, workers=2)
    wheel = Wheel("cheese", "0")
    assert published(running, wheel)
    children = psutil.Process(running.pid).children()
    assert len(children) >= 3  # two workers, background work, and nginx where it is in front
    for number, child in enumerate(children, 1):
        os.kill(child.pid, signal.SIGKILL)
        assert soon(lambda gone=child.pid: gone not in living(running)), running.log.read_text()[-2000:]  # type: ignore[misc]
        assert soon(lambda: len(living(running)) == len(children))
        assert soon(partial(shows, running, wheel)), running.log.read_text()[-2000:]
        wheel = Wheel("cheese", str(number))
        assert soon(partial(published, running, wheel)), running.log.read_text()[-2000:]


def living(server: Server) -> set[int]:
    """The server's processes below its supervisor, without those that are dead already."""
    return {child.pid for child in psutil.Process(server.pid).children() if lives(child)}


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one may be gone by the time it is asked."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("mode", MODES)
def test_a_server_whose_supervisor_is_killed_leaves_nothing_and_starts_again(
    mode: Mode, server: Callable[..., Server]
) -> None:
    running = server(mode=mode, workers=2)
    wheel = Wheel("cheese", "1.0")
    assert published(running, wheel)
    family = psutil.Process(running.pid).children(recursive=True)
    os.kill(running.pid, signal.SIGKILL)
    running.process.wait()
    assert soon(lambda: not any(lives(child) for child in family))
    port = urlsplit(running.url).port
    assert port
    assert soon(lambda: not accepts_connections(port))
    again = server(mode=mode, workers=2, data=running.data, token=running.token, port=port)
    assert shows(again, wheel)
    assert published(again, Wheel("cheese", "1.1"))


def test_while_all_serving_processes_are_dead_connections_wait(server: Callable[..., Server]) -> None:
    """The sockets belong to the supervisor: a client is served late, not refused."""
    running = server(workers=1)
    wheel = Wheel("cheese", "1.0")
    assert published(running, wheel)
    time.sleep(2.1)  # a process that dies sooner is started again a second later
    (worker, *_) = psutil.Process(running.pid).children()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(5)
    assert shows(running, wheel)
