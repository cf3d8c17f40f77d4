"""`affineur serve`: the whole index in one command."""

from __future__ import annotations

import signal
import socket
import threading
from datetime import UTC, datetime
from functools import partial

import typer

from affineur.actions.found import Founded, found
from affineur.projections import follow, pages
from affineur.settings import Settings
from affineur.shell import logs
from affineur.shell.index import open_index
from affineur.shell.store import SchemaMismatch
from affineur.web import supervisor, worker

from .start import EXIT_NOT_READY, fail


def serve(settings: Settings, *, background: bool = True) -> int:
    """Set up what is missing, finish what a crash left, then serve until told to end; the exit status."""
    logs.configure(settings.log_level)
    founded = _prepare(settings)
    listening = _listen(settings)
    port = listening[0].getsockname()[1]
    typer.echo(_welcome(settings, port, founded))
    children = [
        supervisor.Child(f"worker {number}", partial(worker.serve, settings, each))
        for number, each in enumerate(listening)
    ]
    if background:
        children.append(supervisor.Child("background", partial(run_background, settings)))
    return supervisor.Supervisor(children).run()


def run_background(settings: Settings) -> None:
    """Background work in this process, until SIGTERM or SIGINT."""
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    index = open_index(settings)
    try:
        follow.follow(index, stop)
    finally:
        index.close()


def _prepare(settings: Settings) -> Founded | None:
    index = open_index(settings)
    try:
        founded = None
        if index.store.revision() is None:
            founded = found(index, datetime.now(UTC))
        index.store.require_current()
        pages.catch_up(index)
        if follow.root_is_behind(index):
            pages.project_root(index)
        return founded
    except SchemaMismatch as error:
        fail(str(error), EXIT_NOT_READY)
    finally:
        index.close()  # connections must not cross the fork


def _listen(settings: Settings) -> list[socket.socket]:
    try:
        return supervisor.listen(settings.host, settings.port, settings.workers)
    except OSError as error:
        fail(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port.",
            EXIT_NOT_READY,
        )


def _welcome(settings: Settings, port: int, founded: Founded | None) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.base_url or f"http://{host}:{port}/"
    token = founded.token if founded else "<token>"
    lines = [f"Affineur serves {settings.data} on {url}", ""]
    if founded:
        lines += [f"Token of the first operator, shown only now: {token}", ""]
    trusted = f" --trusted-host {settings.host}" if url.startswith("http:") and settings.host not in _LOOPBACK else ""
    lines += [
        f"  publish with twine    twine upload --repository-url {url}legacy/ -u __token__ -p {token} dist/*",
        f"  publish with uv       uv publish --publish-url {url}legacy/ --token {token} dist/*",
        f"  install               pip install --index-url {url}simple/{trusted} <project>",
        "",
    ]
    return "\n".join(lines)


_LOOPBACK = ("127.0.0.1", "::1", "localhost")
