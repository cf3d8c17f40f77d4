"""What the benchmark needs of a server: fill it, start it, ask it, publish to it, stop it."""

from __future__ import annotations

import abc
import shutil
from pathlib import Path

from bench.dataset import Wheel
from bench.processes import Running, free_port
from bench.publishing import Target
from bench.rows import Row

WORKERS = 2
USER = "bench"
PASSWORD = "bench-password"


class Contestant(abc.ABC):
    """One server with its own data folder. ``python_peer`` marks those written in Python, other than ours."""

    name: str
    python_peer = False
    takes_uploads = True
    version = "?"
    most_fillers = 1_000_000
    """Projects around the measured ones at most: fewer for a server that would take minutes to fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        self.port = free_port()
        self.running: Running | None = None

    @abc.abstractmethod
    def command(self) -> list[str]:
        """The command that serves ``folder`` on ``port`` with `WORKERS` workers, or their nearest."""

    @abc.abstractmethod
    def fill(self, wheels: Path) -> None:
        """Put the folder of wheels into the server's data; called once, while it is stopped."""

    @abc.abstractmethod
    def path(self, row: Row) -> str:
        """Where the page or file of ``row`` is; called while the server runs."""

    @abc.abstractmethod
    def page_path(self, project: str) -> str:
        """Where the page of ``project`` is."""

    @abc.abstractmethod
    def file_path(self, wheel: Wheel) -> str:
        """Where the file is; called while the server runs."""

    @abc.abstractmethod
    def target(self) -> Target:
        """Where to publish to."""

    def environment_variables(self) -> dict[str, str]:
        """What the server's environment holds beyond ours."""
        return {}

    def ready_path(self) -> str:
        """What is asked until it answers 200: a real page, so that the server is really up."""
        return self.page_path("bench-small")

    def start(self, timeout_seconds: float = 60, *, ready: str = "") -> float:
        """Start; the seconds to the first answer for ``ready``. Raises `DidNotStart`."""
        self.running = Running(self.command(), self.log, self.environment_variables())
        return self.running.wait_for(self.port, ready or self.ready_path(), timeout_seconds)

    def stop(self) -> None:
        """Stop, if it runs."""
        if self.running is not None:
            self.running.stop()
            self.running = None

    def clear(self) -> None:
        """Remove the data."""
        shutil.rmtree(self.folder, ignore_errors=True)
