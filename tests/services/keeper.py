"""Keeping a real service running for a whole test session, shared by every pytest worker.

`keep` starts a program once, whoever asks first, and writes down its facts (port, keys …) for the others.
The program runs under a small keeper process (this module, run as a program) that ends it when it is told
to, or when the pytest process that owns the session is gone, however it went. So nothing is ever left
behind, and processes are ended by their own pid only.

What does not live here: which services there are (the modules beside this one).
"""

from __future__ import annotations

import argparse
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HOUSE = "TEST_HOUSE_FOLDER"
"""Names the session's folder of kept services, for the workers of pytest-xdist: they inherit it."""
_OWNER = "TEST_HOUSE_OWNER"
_GRACE_SECONDS = 10
_FIRST_PORT, _PORTS = 12_000, 20_000
_NUMBERS = itertools.count(os.getpid() * 499)
"""Each process begins at a place of its own."""


@dataclass(frozen=True)
class Service:
    """A program to keep: its command line, the signal that ends it, and its user where not our own."""

    command: Sequence[str]
    facts: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    environment: Mapping[str, str] | None = None
    user: str | None = None


def open_house() -> None:
    """Begin a session: called once, in the pytest process that owns it, before any worker starts."""
    os.environ[HOUSE] = tempfile.mkdtemp(prefix="affineur-house-")
    os.environ[_OWNER] = str(os.getpid())
    Path(os.environ[HOUSE]).chmod(0o755)  # PostgreSQL may have to run as another user


def close_house() -> None:
    """End a session: stop what was kept and remove its folder."""
    house = Path(os.environ.pop(HOUSE))
    keepers = [int(note.read_text()) for note in house.glob("*/keeper.pid")]
    for pid in keepers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    for pid in keepers:
        _wait_for_end(pid, _GRACE_SECONDS + 2)
    shutil.rmtree(house, ignore_errors=True)


def keep(name: str, prepare: Callable[[Path], Service], ready: Callable[[Mapping[str, str]], bool],
         *, timeout_seconds: float = 60) -> Mapping[str, str]:  # fmt: skip
    """The facts of the service ``name``, which is started if no worker of the session has done so before.

    ``prepare`` gets an empty folder of its own and says what to run; ``ready`` looks at the facts and says
    whether the service answers. RuntimeError, with the service's log, where it ends or stays silent.
    """
    folder = Path(os.environ[HOUSE]) / name
    folder.mkdir(exist_ok=True)
    with _locked(folder / "lock"):
        noted = folder / "facts.json"
        if noted.exists():
            known: Mapping[str, str] = json.loads(noted.read_text())
            return known
        service = prepare(folder)
        with (folder / "log").open("wb") as log:
            # The keeper is reaped by init: the worker that starts it may end long before it does.
            keeper = subprocess.Popen(
                [sys.executable, __file__, "--owner", os.environ[_OWNER],
                 "--stop-signal", service.stop_signal.name,
                 *(["--user", service.user] if service.user else []), "--", *service.command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder,
                env={**os.environ, **(service.environment or {})},
            )  # fmt: skip
        (folder / "keeper.pid").write_text(str(keeper.pid))
        deadline = time.monotonic() + timeout_seconds
        while not ready(service.facts):
            if keeper.poll() is not None or time.monotonic() > deadline:
                keeper.terminate()
                said = (folder / "log").read_text(errors="replace")[-4000:]
                raise RuntimeError(f"{name} did not get ready. It said:\n{said}")
            time.sleep(0.05)
        noted.write_text(json.dumps(dict(service.facts)))
        return service.facts


def once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder ``name`` of the session, which ``make`` has filled once, whichever worker came first."""
    folder = Path(os.environ[HOUSE]) / name
    folder.mkdir(exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if not (done := folder.with_suffix(".done")).exists():
            make(folder)
            done.touch()
    return folder


def free_ports(count: int) -> list[int]:
    """``count`` ports of 127.0.0.1 that nobody listens on now, all different, and different at the next call.

    Below those that the system gives to outgoing connections (32768 and up, on Linux): so many servers are started
    here that a port which was free a moment ago would be some client's now and then, before the server has it.
    """
    found: list[int] = []
    for number in _NUMBERS:
        port = _FIRST_PORT + number % _PORTS
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            break
    return found


def accepts_connections(port: int) -> bool:
    """Whether something listens on ``port`` of 127.0.0.1."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wait_for_end(pid: int, timeout_seconds: float) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(handle):
        select.select([handle], [], [], timeout_seconds)


def _run_until_told(owner: int, command: Sequence[str], stop_signal: int, user: str | None) -> int:
    """The keeper: run ``command`` until a SIGTERM comes, the process ``owner`` ends, or it ends by itself."""
    heard, hearing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(hearing)
    signal.signal(signal.SIGTERM, lambda *_: None)
    owner_handle = os.pidfd_open(owner)
    child = subprocess.Popen(command, user=user, group=user, extra_groups=[] if user else None)
    child_handle = os.pidfd_open(child.pid)
    select.select([heard, owner_handle, child_handle], [], [])
    if child.poll() is None:
        child.send_signal(stop_signal)
        try:
            child.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def _main() -> int:
    parser = argparse.ArgumentParser(description="Run a command until its owner is gone.")
    parser.add_argument("--owner", type=int, required=True, metavar="PID")
    parser.add_argument("--stop-signal", default="SIGTERM")
    parser.add_argument("--user")
    parser.add_argument("command", nargs="+")
    told = parser.parse_args()
    return _run_until_told(told.owner, told.command, signal.Signals[told.stop_signal], told.user)


if __name__ == "__main__":
    sys.exit(_main())
