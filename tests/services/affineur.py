"""The program itself, served as its users serve it: `affineur init`, then `affineur serve`, on a free port.

Nothing is replaced or patched: it is the installed program, with its own data folder, stopped by SIGTERM. It is forked
from one that has loaded it (`starter`): that costs a tenth of a start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.clients.runner import Index

from affineur.actions.found import found
from affineur.settings import load
from affineur.shell.index import open_index

from . import starter
from .keeper import free_ports
from .programs import nginx_path
from .schema import bring_schema

Process = subprocess.Popen[bytes] | starter.Started
Mode = Literal["python", "edge"]
MODES: tuple[Mode, ...] = ("python", "edge")
PROGRAM = Path(sys.executable).with_name("affineur")
"""The command that `make` installed."""
_READY_WITHIN_SECONDS = 30
_STOPPED_WITHIN_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """A server that answers: ``url`` ends in ``/``; ``token`` is its operator's."""

    url: str
    token: str
    data: Path
    pid: int
    log: Path
    mode: Mode
    process: Process

    @property
    def index(self) -> Index:
        """What a client needs to publish here and to install from here."""
        return Index(self.url, self.token)


def affineur(*arguments: str | Path, environment: Mapping[str, str] | None = None, program: Path = PROGRAM) -> str:
    """What the command line printed. RuntimeError, with all it said, where its exit status is not 0."""
    command, given = [str(program), *map(str, arguments)], _environment(environment)
    if program == PROGRAM:
        done = starter.run(command, given)
    else:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=given, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"affineur {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def initialise(data: Path, environment: Mapping[str, str] | None = None, program: Path = PROGRAM) -> str:
    """Make a data folder; the token of its first operator.

    Here, with what `affineur init` calls: a process of its own costs a second, a thousand times over. Those who ask
    for another ``program`` get it.
    """
    if program == PROGRAM:
        index = open_index(load({"data": data}, environment=_environment(environment)).settings)
        bring_schema(index.settings.database_url)
        founded = found(index, datetime.now(UTC))
        index.close()
        assert founded, f"{data} was founded before"
        return founded.token
    token: str = json.loads(affineur("init", "--data", data, "--json", environment=environment, program=program))[
        "token"
    ]
    return token


@contextmanager
def serve(data: Path, token: str, *, mode: Mode = "python", port: int | None = None,
          workers: int = 1, options: Sequence[str] = (),
          environment: Mapping[str, str] | None = None, program: Path = PROGRAM,
          ends_kindly: bool = True) -> Iterator[Server]:  # fmt: skip
    """Serve ``data`` until the block ends. RuntimeError, with its log, where it does not get ready.

    A kind end takes half a second, in which nothing happens. Whoever asks nothing more of the server, nor of what it
    writes at its end, may have it killed: what it acknowledged is there all the same, or the index is not sound.
    A test may kill the process (`Server.process`) itself; the end of the block then only tidies up.
    """
    port = port or free_ports(1)[0]
    log = data.parent / f"{data.name}-{port}.log"
    edge = str(nginx_path()) if mode == "edge" else "off"
    with log.open("ab") as said:
        process = _start(
            [program, "serve", "--data", data, "--host", "127.0.0.1", "--port", port,
             "--workers", workers, "--edge", edge, *options],
            _environment(environment), said, said,
        )  # fmt: skip
    server = Server(f"http://127.0.0.1:{port}/", token, data, process.pid, log, mode, process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _stop(process, ends_kindly)


def _start(
    command: Sequence[str | Path | int], environment: Mapping[str, str], out: IO[bytes], err: IO[bytes]
) -> Process:
    """Start a command in a session of its own, so that what a killed server leaves can be ended as one group."""
    words = list(map(str, command))
    if words[0] == str(PROGRAM) and starter.can_start(environment):
        return starter.start(words, environment, out=out, err=err)
    return subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
    )


def _wait_until_ready(server: Server) -> None:
    direct = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while True:
        with (
            suppress(URLError, ConnectionError, TimeoutError),
            direct.open(f"{server.url}health/ready", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        if server.process.poll() is not None or time.monotonic() > deadline:
            said = server.log.read_text(errors="replace")[-6000:]
            raise RuntimeError(f"affineur serve did not get ready. It said:\n{said}")
        time.sleep(0.05)


def _stop(process: Process, kindly: bool) -> None:
    """End the server, first kindly where that is wanted, and whatever is left of its process group by force."""
    if kindly:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOPPED_WITHIN_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """This environment without settings of the machine's own (``AFFINEUR_…``)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFFINEUR_")}
    return kept | dict(extra or {})
