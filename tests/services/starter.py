"""Starting our program many times without loading it many times.

Loading costs more than most commands do, and a server nearly a second. So a starter, one for each pytest worker, has
loaded the program once, and every start is a fork of it: a process and session of its own, with its own arguments,
environment, folder and files, that begins at the entry point of the installed command and ends with its status.

What does not live here: starts of the very command, as people start it: the tests of the command line, of the pages'
commands and of the installed wheel make those. What the interpreter reads before any program (`_BEFORE`) cannot be
given to a fork either; who sets that gets a real start, too (`can_start`).
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn

_BEFORE = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC", "OPENSSL_")
_LOADED = (
    "affineur.cli.main",
    "affineur.cli.place",
    "affineur.cli.serve",
    "affineur.cli.remote.client",
    "affineur.projections.check",
    "affineur.projections.mend",
)
_LATE = {"PYTHON_KEYRING_BACKEND"}
"""Named as if the interpreter read it; a library does, when it is used."""
_ONE_AT_A_TIME = threading.Lock()
_ERRORS = {"stderr": "backslashreplace"}
_running: list[tuple[int, socket.socket]] = []
"""The starter of this process: by its process id, because a fork of a test process must not share it."""


class Started:
    """A process that the starter forked: what `subprocess.Popen` offers of it, as far as tests use that."""

    def __init__(self, pid: int, ended: int, arguments: Sequence[str]) -> None:
        self.pid, self.args, self.returncode = pid, arguments, None
        self._ended = ended
        """Its exit status comes through this pipe, in words."""

    returncode: int | None

    def poll(self) -> int | None:
        """Its exit status, negative where a signal ended it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the status as of `poll`. subprocess.TimeoutExpired after ``timeout`` seconds."""
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(os.read(self._ended, 100) or signal.SIGKILL))
            os.close(self._ended)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def can_start(environment: Mapping[str, str]) -> bool:
    """Whether a fork can have ``environment``: nothing in it that only a new interpreter would read differs."""

    def before(given: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in given.items() if name.startswith(_BEFORE) and name not in _LATE}

    return before(environment) == before(os.environ) and sys.platform == "linux"


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    given: str = "",
    folder: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run ``affineur …`` in ``folder``, with ``given`` on standard input, by a fork where that can be.

    ``arguments`` begin with the program's path. subprocess.TimeoutExpired, once it is ended, after ``timeout`` seconds.
    """
    if not can_start(environment):
        return subprocess.run(
            arguments, input=given, capture_output=True, text=True, env=environment, cwd=folder, timeout=timeout,
            check=False,
        )  # fmt: skip
    with TemporaryFile() as read, TemporaryFile() as out, TemporaryFile() as err:
        read.write(given.encode())
        read.seek(0)
        forked = start(arguments, environment, out=out, err=err, given=read, folder=folder)
        try:
            forked.wait(timeout)
        finally:
            forked.kill()
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess(arguments, forked.wait(), *said)


def start(arguments: Sequence[str], environment: Mapping[str, str], *, out: IO[bytes], err: IO[bytes],
          given: IO[bytes] | None = None, folder: Path | None = None) -> Started:  # fmt: skip
    """Start ``affineur …`` with ``arguments``, of which the first is the program's path, in ``folder`` or this one.

    It reads what is ``given`` and writes to ``out`` and ``err``. RuntimeError where the starter is gone.
    """
    ended, tell = os.pipe2(os.O_CLOEXEC)
    told = json.dumps({
        "arguments": list(arguments), "environment": dict(environment), "folder": str(folder or Path.cwd()),
    })  # fmt: skip
    with _ONE_AT_A_TIME:
        line = _starter()
        try:
            line.sendall(len(told.encode()).to_bytes(4, "big"))
            with open(os.devnull, "rb") as nothing:
                socket.send_fds(line, [b"!"], [(given or nothing).fileno(), out.fileno(), err.fileno(), tell])
            line.sendall(told.encode())
            answer = line.recv(20)
        finally:
            os.close(tell)
    if not answer:
        os.close(ended)
        raise RuntimeError("The starter of programs is gone.")
    return Started(int(answer), ended, arguments)


def _starter() -> socket.socket:
    if not _running or _running[0][0] != os.getpid():
        here, there = socket.socketpair()
        with there:
            subprocess.Popen([sys.executable, "-P", __file__], stdin=there, start_new_session=True)
        _running[:] = [(os.getpid(), here)]
    return _running[0][1]


class _Fork(Exception):
    """Unwinds a fork to where the program begins."""


def _main() -> None:
    for module in _LOADED:
        __import__(module)
    gc.freeze()  # so that looking for cycles does not copy what forks share
    try:
        _fork_for(socket.socket(fileno=os.dup(0)))
    except _Fork:
        pass
    else:
        return
    _end_with(_status_of_the_program())


def _status_of_the_program() -> int:
    from affineur.cli.main import main

    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # as the interpreter does
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end_with(status: int) -> NoReturn:
    """End as the interpreter would, except that it does not take apart, piece by piece, all that was loaded."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _fork_for(line: socket.socket) -> None:
    """Fork whenever told to, and say how each fork ended. Ends, with all forks, when nobody can tell any more."""
    heard, hearing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(hearing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    while True:
        ready = select.select([line, heard], [], [])[0]
        if heard in ready:
            os.read(heard, 1000)
            _say_who_ended(children)
        if line in ready:
            size = line.recv(4, socket.MSG_WAITALL)
            if not size:
                for pid in children:
                    with suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                return
            _, files, _, _ = socket.recv_fds(line, 1, 4)
            told = json.loads(line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
            pid = os.fork()
            if pid == 0:
                os.setsid()
                line.sendall(str(os.getpid()).encode())  # by the fork itself: whoever hears it may end its group
                _become(told, files)
            children[pid] = files.pop()
            for file in files:
                os.close(file)


def _say_who_ended(children: dict[int, int]) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if (tell := children.pop(found[0], None)) is not None:
                with suppress(BrokenPipeError):
                    os.write(tell, str(found[1]).encode())
                os.close(tell)


def _become(told: dict[str, object], files: Sequence[int]) -> NoReturn:
    """Make a fork, in a session of its own, what a newly started process is."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, source in enumerate(files[:3]):
        os.dup2(source, target)
    os.closerange(3, 4096)
    os.chdir(str(told["folder"]))
    environment, arguments = told["environment"], told["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = arguments
    sys.path.insert(0, str(Path(arguments[0]).parent))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = open(number, "w" if number else "r", buffering=1, closefd=False, errors=_ERRORS.get(name))  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    raise _Fork


if __name__ == "__main__":
    _main()
