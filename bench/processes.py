"""Servers as process trees: start, wait for the first answer, count processor time and memory, stop.

Processor time is what decisions rest on: requests a second swing with whatever else the machine does,
processor time for each request hardly does.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """A server ended or stayed silent; carries the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A started program with all its descendants. Programs get a session of their own, ended by its id."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self.started = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )

    def wait_for(self, port: int, path: str, timeout_seconds: float = 60) -> float:
        """Seconds from the start to the first 200 for ``path``; `DidNotStart` after the timeout."""
        while time.perf_counter() - self.started < timeout_seconds:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                connection.close()
                if answer.status == 200:
                    return time.perf_counter() - self.started
            time.sleep(0.005)
        end = self._log.read_text(errors="replace")[-2_000:]
        self.stop()
        raise DidNotStart(f"no answer for {path} after {timeout_seconds:g} s:\n{end}")

    def processes(self) -> list[int]:
        """The ids of the program and all its living descendants."""
        return _with_descendants(self._process.pid)

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree so far, ended and waited-for children included."""
        return sum(_cpu_seconds(pid) for pid in self.processes())

    def pss_bytes(self) -> int:
        """Proportional set size of the whole tree: shared pages are counted once between their users."""
        return sum(_pss_bytes(pid) for pid in self.processes())

    def stop(self) -> None:
        """End the tree: politely, then after ten seconds for good."""
        members = self.processes()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


def _with_descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root] if _stat(root) else []
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, ()))
    return found


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the program's name (proc(5)): state, parent, …"""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    if fields is None:
        return 0.0
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted from 1 with two before ours.
    return sum(int(value) for value in fields[11:15]) / _TICKS_PER_SECOND


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
