"""`affineur serve`: the whole index in one command."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import typer

from affineur.actions.chores import CHORES
from affineur.actions.found import Founded, found
from affineur.projections import collecting, downloads, follow, mirror, mirroring, pages, post, webhooks
from affineur.settings import Settings
from affineur.shell import following, logs
from affineur.shell.index import open_index
from affineur.shell.passwords import breach_list_fault
from affineur.shell.store import SchemaMismatch, copies, emails
from affineur.web import metrics, supervisor, worker
from affineur.web.edge import program

from .start import EXIT_NOT_READY, EXIT_USAGE, fail

log = logging.getLogger(__name__)

CLAIM_SECONDS = 5.0


def serve(settings: Settings, *, background: bool = True) -> int:
    """Set up what is missing, finish what a crash left, then serve until told to end; the exit status."""
    logs.configure(settings.log_level)
    _require_breach_list(settings)
    claim = _claim(settings)
    founded = _prepare(settings)
    metrics.prepare(settings)
    children, port = _serving(settings)
    typer.echo(_welcome(settings, port, founded))
    if background:
        children.append(supervisor.Child("background", partial(run_background, settings)))
    try:
        return supervisor.Supervisor(children).run()
    finally:
        os.close(claim)


def run_background(settings: Settings) -> None:
    """Background work in this process, until SIGTERM or SIGINT."""
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    index = open_index(settings)
    # Whoever is sent something may keep one waiting: the post and the webhooks have threads of their own.
    posting = threading.Thread(target=post.keep_posting, args=(index, stop, emails.note_failure), name="post")
    delivering = threading.Thread(target=webhooks.keep_delivering, args=(index, stop), name="webhooks")
    started = [posting, delivering]
    if not following.is_mirror(settings):  # which has its downloads counted by nobody yet
        started.append(threading.Thread(target=collecting.keep_collecting, args=(index, stop), name="collecting"))
        started.append(threading.Thread(target=downloads.keep_rolling, args=(index, stop), name="rolling"))
    for thread in started:
        thread.start()
    try:
        if following.is_mirror(settings):
            mirroring.keep(index, stop)
        else:
            follow.follow(index, stop, chores=CHORES)
    finally:
        stop.set()
        for thread in started:
            thread.join()
        index.close()


def _require_breach_list(settings: Settings) -> None:
    """A list that is of no use is said before anything is made, not when somebody chooses a password."""
    fault = breach_list_fault(settings.breached_passwords) if settings.breached_passwords else None
    if fault is not None:
        fail(fault.sentence, EXIT_USAGE)


def _claim(settings: Settings) -> int:
    """Make sure that nobody else serves this folder; a descriptor to hold while serving.

    All our processes hold it, so it also waits for those that a killed server left behind.
    """
    path = settings.data / "run" / "serve.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(held)
                fail(
                    f"Another server is serving {settings.data} already. "
                    "Stop it, or choose another folder with --data.",
                    EXIT_NOT_READY,
                )
            time.sleep(0.05)


def _prepare(settings: Settings) -> Founded | None:
    index = open_index(settings)
    try:
        founded = None
        if index.store.revision() is None:
            founded = found(index, datetime.now(UTC))
            if founded:  # said before anything else can fail: it is kept nowhere
                typer.echo(f"Token of the first operator, shown only now: {founded.token}\n")
        index.store.require_current()
        if following.is_mirror(settings):
            with index.store.read() as connection:
                copies.require_no_rows(connection)
            mirror.enforce(index)  # a stop order that was read is in force before the first answer
            return founded
        pages.catch_up(index)
        if follow.root_is_behind(index):
            pages.project_root(index)
        return founded
    except SchemaMismatch as error:
        fail(str(error), EXIT_NOT_READY)
    finally:
        index.close()  # connections must not cross the fork


def _serving(settings: Settings) -> tuple[list[supervisor.Child], int]:
    """The processes that answer requests, and the port they answer on."""
    try:
        found = program.find(settings.edge)
        if found is not None:
            return _behind_edge(settings, found)
    except program.Unusable as error:
        if settings.edge != "auto":
            fail(f"Cannot use nginx as the edge: {error}", EXIT_NOT_READY)
        log.warning("nginx cannot be used; serving without it", extra={"reason": str(error)})
    listening = _listen(settings, settings.workers)
    return _workers(settings, listening), listening[0].getsockname()[1]


def _behind_edge(settings: Settings, found: str) -> tuple[list[supervisor.Child], int]:
    public = _listen(settings, 1)[0]
    try:
        behind, names = program.application_sockets(settings)
        edge = program.prepare(found, settings, public, names)
    except program.Unusable:
        public.close()
        raise
    log.info("nginx is the edge", extra={"program": str(found)})
    # Our own nginx is one more proxy, and nobody else reaches the workers' sockets.
    workers = _workers(replace(settings, trusted_proxies=settings.trusted_proxies + 1), behind)
    return [*workers, supervisor.Child("edge", edge.become, is_front=True)], public.getsockname()[1]


def _workers(settings: Settings, listening: list[socket.socket]) -> list[supervisor.Child]:
    return [
        supervisor.Child(f"worker {number}", partial(worker.serve, settings, each))
        for number, each in enumerate(listening)
    ]


def _listen(settings: Settings, count: int) -> list[socket.socket]:
    try:
        return supervisor.listen(settings.host, settings.port, count)
    except (OSError, UnicodeError) as error:  # the latter for a host that can be none
        fail(_cannot_listen(settings, error), EXIT_NOT_READY)


def _cannot_listen(settings: Settings, error: OSError | UnicodeError) -> str:
    if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
        return f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another port with --port."
    why = "it is no host name" if isinstance(error, UnicodeError) else error.strerror
    return f"Cannot listen on {settings.host!r}: {why}. Choose an address of this machine with --host."


def _welcome(settings: Settings, port: int, founded: Founded | None) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.base_url or f"http://{host}:{port}/"
    token = founded.token if founded else "<token>"
    followed = following.followed_url(settings)
    mirror_of = f", a read-only mirror of {followed}" if followed else ""
    lines = [f"Affineur serves {settings.data} on {url}{mirror_of}", ""]
    trusted = f" --trusted-host {settings.host}" if url.startswith("http:") and settings.host not in _LOOPBACK else ""
    publishing = [
        f"  publish with twine    twine upload --repository-url {url}legacy/ -u __token__ -p {token} dist/*",
        f"  publish with uv       uv publish --publish-url {url}legacy/ --token {token} dist/*",
    ]
    lines += [] if followed else publishing
    lines += [f"  install               pip install --index-url {url}simple/{trusted} <project>", ""]
    return "\n".join(lines)


_LOOPBACK = ("127.0.0.1", "::1", "localhost")
