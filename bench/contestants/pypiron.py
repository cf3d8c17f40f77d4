"""pypiron, as its own help describes it: local disk, no upstream, no advisory feed (there is no network)."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench.contestants.base import PASSWORD, WORKERS, Contestant
from bench.dataset import Wheel, read_folder
from bench.environments import environment, locked_version
from bench.processes import Running
from bench.publishing import Publisher, Target
from bench.rows import Row


class Pypiron(Contestant):
    """pypiron. It logs no reads by default and answers an upload before it is listed; both are left so."""

    name = "pypiron"
    version = locked_version("pypiron", "pypiron")

    def command(self) -> list[str]:
        program = environment("pypiron") / "pypiron"
        options = ["--data-dir", str(self.folder), "--bind-addr", f"127.0.0.1:{self.port}"]
        return [str(program), "serve", *options, "--advisory-feed", "", "--malware-probe-secs", "0"]

    def environment_variables(self) -> dict[str, str]:
        return {"PYPIRON_ADMIN_PASS": PASSWORD, "TOKIO_WORKER_THREADS": str(WORKERS)}

    def fill(self, wheels: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_empty()
        with contextlib.closing(Publisher(self.target())) as publisher:
            for wheel in read_folder(wheels):
                publisher.publish(wheel)
        self.stop()

    def start_empty(self) -> None:
        """Start without any project."""
        self.running = Running(self.command(), self.log, self.environment_variables())
        self.running.wait_for(self.port, "/simple/")

    def path(self, row: Row) -> str:
        if row.form != "file":
            return self.page_path(row.project)
        return f"/files/{row.project}/{row.project.replace('-', '_')}-1.0-py3-none-any.whl"

    def page_path(self, project: str) -> str:
        return f"/simple/{project}/"

    def file_path(self, wheel: Wheel) -> str:
        return f"/files/{wheel.project}/{wheel.filename}"

    def target(self) -> Target:
        return Target(self.port, "/legacy/", "admin", PASSWORD)
