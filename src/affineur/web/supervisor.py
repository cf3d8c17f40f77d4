"""Supervision: one process that starts the others, starts them again when they die, and ends them together.

It loads everything and then forks: the processes share that memory, and are ready at once. Serving processes
each have a listening socket of their own (``SO_REUSEPORT``: the kernel spreads connections evenly); the
sockets belong to the supervisor, so connections that wait survive the death of a worker.

A front (`Child.is_front`) is ended before the others, so that what it has begun to hand on is answered. However
the supervisor ends, its children do too: the kernel tells them.

What does not live here: what a process does (`worker.serve`, `projections.follow`, `edge`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

GRACE_SECONDS = 15.0
_BACKLOG = 2048
_FAST_DEATH_SECONDS = 2.0


@dataclass(slots=True)
class Child:
    """A process that is kept running. ``started`` is a monotonic moment.

    A front stands between clients and the other children, has processes of its own, and ends kindly on SIGQUIT.
    """

    name: str
    run: Callable[[], None]
    is_front: bool = False
    pid: int = 0
    started: float = 0.0


class Supervisor:
    """Keeps ``children`` running until it is told to end."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children
        self._ending = False

    def run(self) -> int:
        """Start all, watch, end all; the exit status. Call from a process without threads."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        gc.collect()
        gc.freeze()  # what is loaded now is shared by all children; the collector must not write to it
        for child in self._children:
            self._start(child)
        while not self._ending:
            self._reap()
        return self._end_children()

    def _start(self, child: Child) -> None:
        sys.stdout.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(child, parent)
        child.pid, child.started = pid, time.monotonic()

    def _become(self, child: Child, parent: int) -> None:
        status = 1
        try:
            _end_with(parent)
            if child.is_front:
                os.setpgid(0, 0)  # its processes are one group, which can be ended should it die before them
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor ends us
            child.run()
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except BaseException:
            log.exception("process failed", extra={"process_name": child.name})
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pid, status = 0, 0
        if not pid:
            signal.sigtimedwait({signal.SIGCHLD}, 0.2)
            return
        child = next((child for child in self._children if child.pid == pid), None)
        if child is None or self._ending:
            return
        ended = {"process_name": child.name, "status": os.waitstatus_to_exitcode(status)}
        log.warning("process ended; starting it again", extra=ended)
        if child.is_front:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if time.monotonic() - child.started < _FAST_DEATH_SECONDS:
            time.sleep(1.0)  # something is wrong beyond this process: do not spin
        self._start(child)

    def _end(self, _number: int, _frame: object) -> None:
        self._ending = True

    def _end_children(self) -> int:
        _end_all({child.pid for child in self._children if child.pid and child.is_front}, signal.SIGQUIT)
        _end_all({child.pid for child in self._children if child.pid and not child.is_front}, signal.SIGTERM)
        return 0


def _end_all(left: set[int], number: int) -> None:
    for pid in left:
        _signal(pid, number)
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if not _is_over(pid)}
        time.sleep(0.02)
    for pid in left:
        log.warning("process did not end in time", extra={"pid": pid, "seconds": GRACE_SECONDS})
        _signal(pid, signal.SIGKILL)


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` sockets listening on the same address. Port 0 picks a free one, the same for all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    with socket.socket(family, socket.SOCK_STREAM) as alone:
        # With SO_REUSEPORT a second server would quietly take half of our connections: make sure there is none.
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind((host, port))
        alone.listen(1)
        port = alone.getsockname()[1]
    for _ in range(count):
        each = socket.socket(family, socket.SOCK_STREAM)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.bind((host, port))
        port = each.getsockname()[1]
        each.listen(_BACKLOG)
        each.setblocking(False)
        each.set_inheritable(True)
        sockets.append(each)
    return sockets


def _end_with(parent: int) -> None:
    """Have the kernel end this process when ``parent`` dies, however it dies (Linux; elsewhere nothing)."""
    if not sys.platform.startswith("linux"):
        return
    set_parent_death_signal = 1  # prctl(2), PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _is_over(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
