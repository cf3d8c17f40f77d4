"""A server, or an act, that dies at a chosen effect: killed like `kill -9`, between any two things it does.

Run as a program it loads Affineur once and then obeys commands on standard input, one JSON line each (see
`Command`): it forks the real `affineur serve`, or one act, into a process group of its own. Nothing of Affineur
is replaced. An audit hook (PEP 578) sees every change to the file system before it happens, two listeners every
SQL statement that writes and every commit, a wrapper every fsync; each of them counts as one effect, whichever
process of the group is about to have it. When the chosen one is reached the whole group gets SIGKILL.

What does not live here: what the world must look like afterwards (`tests.walks.test_crash_*`).
"""

from __future__ import annotations

import ctypes
import json
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_WATCHED = {"os.link", "os.symlink", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Command:
    """What to start. ``die_at`` 0 never dies by itself; counting begins when ``armed``, or by `Launcher.arm`."""

    settings: dict[str, str]
    act: str = "serve"
    arguments: list[str] = field(default_factory=list)
    die_at: int = 0
    armed: bool = False
    background: bool = False
    log: str = os.devnull
    trace: str = ""
    """File that gets the name of every counted effect."""


class Launcher:
    """The program below, as tests use it: one started thing at a time."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.walks.dying_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=Path(__file__).parents[2],
            env={name: value for name, value in os.environ.items() if not name.startswith("AFFINEUR_")},
        )  # fmt: skip

    def start(self, command: Command) -> None:
        """Start it; returns at once."""
        self._ask({"do": "start", **asdict(command)})

    def arm(self) -> None:
        """Count effects from now on."""
        self._ask({"do": "arm"})

    def wait(self) -> int:
        """Wait until it ends by itself; its exit status, negative for a signal."""
        return self._ask({"do": "wait"})

    def kill(self) -> int:
        """Kill the whole group now, if it still lives; the exit status of its first process."""
        return self._ask({"do": "kill"})

    def died(self) -> bool:
        """Whether what was started has ended by itself."""
        return bool(self._ask({"do": "died"}))

    def effects(self) -> int:
        """How many effects were counted."""
        return self._ask({"do": "count"})

    def close(self) -> None:
        """End what runs, and the launcher."""
        self._program.communicate(json.dumps({"do": "end"}) + "\n", timeout=30)

    def _ask(self, request: dict[str, object]) -> int:
        assert self._program.stdin and self._program.stdout
        self._program.stdin.write(json.dumps(request) + "\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())


@contextmanager
def launcher() -> Iterator[Launcher]:
    """A launcher that ends with the block."""
    opened = Launcher()
    try:
        yield opened
    finally:
        opened.close()


class _Fate:
    """The counter that all processes of a group share, and what happens at the chosen number."""

    def __init__(self, command: Command) -> None:
        self._count: Any = multiprocessing.Value(ctypes.c_longlong, 0)
        self._armed = mmap.mmap(-1, 1)
        self._die_at = command.die_at
        self._trace = os.open(command.trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if command.trace else -1
        if command.armed:
            self.arm()

    def arm(self) -> None:
        self._armed[0] = 1

    @property
    def count(self) -> int:
        return int(self._count.value)

    def meet(self, effect: str) -> None:
        """Called before each effect, in any process and thread."""
        if not self._armed[0]:
            return
        with self._count.get_lock():
            self._count.value += 1
            if self._trace >= 0:
                os.write(self._trace, f"{effect}\n".encode())
            if self._count.value == self._die_at:
                os.killpg(0, signal.SIGKILL)

    def watch(self) -> None:
        """See every effect of this process and of those it forks."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        fsync = os.fsync

        def counted_fsync(fd: int) -> None:
            self.meet("os.fsync")
            fsync(fd)

        def audit(name: str, arguments: tuple[Any, ...]) -> None:
            if name in _WATCHED:
                self.meet(f"{name} {arguments[0]}")
            elif name == "open" and arguments[2] & _WRITING and arguments[0] != os.devnull:
                self.meet(f"open {arguments[0]}")

        def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
            if text.lstrip()[:6].upper() in {"INSERT", "UPDATE", "DELETE"}:
                self.meet(text.partition("(")[0].strip())

        os.fsync = counted_fsync
        sys.addaudithook(audit)
        event.listen(Engine, "before_cursor_execute", statement)
        event.listen(Engine, "commit", lambda _connection: self.meet("COMMIT"))


def _serve(command: Command) -> int:
    from affineur.cli import serve
    from affineur.settings import load

    return serve.serve(load(command.settings, {}).settings, background=command.background)


def _set_status(command: Command) -> int:
    from affineur.actions.status import set_status
    from affineur.core.life.lifecycle import Said

    said = Said(reason="why")
    return _with_index(command, lambda index, actor, now, name: set_status(index, actor, command.act, name, now, said))


def _hold(command: Command) -> int:
    """``arguments``: the project; of a release also its version; of a file also its name."""
    from affineur.actions.hold import hold
    from affineur.core.life.lifecycle import Place, Said
    from affineur.core.security import console

    def act(index: Any, _actor: object, now: datetime, name: str, *place: str) -> object:
        return hold(index, console(now), command.act, name, Place(*place), Said(reason="why"))

    return _with_index(command, act)


def _yank(command: Command) -> int:
    from affineur.actions.yank import Selection, set_yanked

    return _with_index(command, lambda index, actor, now, name: set_yanked(index, actor, Selection(name), True, now))


def _rebuild(command: Command) -> int:
    from affineur.projections import mend

    return _with_index(command, lambda index, actor, now, name: mend.rebuild(index, now, ("pages", "root")))


def _catch_up(command: Command) -> int:
    from affineur.projections import pages

    def act(index: Any, *_: object) -> None:
        pages.catch_up(index)
        pages.project_root(index)

    return _with_index(command, act)


def _with_index(command: Command, act: Callable[..., object]) -> int:
    from affineur.core.access import Actor
    from affineur.settings import load
    from affineur.shell.index import open_index

    index = open_index(load(command.settings, {}).settings)
    operator = Actor(account_id=None, name="operator", office="operator")
    act(index, operator, datetime.now(UTC), *command.arguments or [""])
    return 0


_ACTS = {
    "serve": _serve, "yank": _yank, "archive": _set_status, "quarantine": _hold, "clear": _hold, "withhold": _hold,
    "unwithhold": _hold, "rebuild": _rebuild, "catch up": _catch_up,
}  # fmt: skip


def _become(command: Command, fate: _Fate) -> None:
    os.setsid()
    log = os.open(command.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, fd in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(fd, number)
    status = 1
    try:
        fate.watch()
        status = _ACTS[command.act](command)
    except SystemExit as error:
        status = int(error.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end(pid: int) -> int:
    """Kill the group of ``pid`` and wait for it; 0 where nothing runs."""
    if not pid:
        return 0
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    """Obey until told to end."""
    import affineur.actions.hold
    import affineur.actions.status
    import affineur.actions.yank
    import affineur.cli.serve
    import affineur.projections.mend
    import affineur.shell.index  # noqa: F401

    pid, fate = 0, _Fate(Command({}))
    for line in sys.stdin:
        request = json.loads(line)
        answer = 0
        match request.pop("do"):
            case "start":
                command = Command(**request)
                _end(pid)
                fate = _Fate(command)
                pid = os.fork()
                if pid == 0:
                    _become(command, fate)
            case "arm":
                fate.arm()
            case "wait":
                answer, pid = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0
            case "kill":
                answer, pid = _end(pid), 0
            case "died":
                answer = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            case "count":
                answer = fate.count
            case "end":
                _end(pid)
                return
        sys.stdout.write(f"{int(answer)}\n")
        sys.stdout.flush()
    _end(pid)


if __name__ == "__main__":
    main()
