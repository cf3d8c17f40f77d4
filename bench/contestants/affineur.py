"""Affineur, all in Python and behind an nginx edge; filled by its own `import folder`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.contestants.base import WORKERS, Contestant
from bench.dataset import Wheel, read_folder
from bench.environments import nginx_program
from bench.processes import Running
from bench.publishing import Target, publish_all
from bench.rows import Row

PROGRAM = Path(sys.executable).with_name("affineur")


class Affineur(Contestant):
    """Affineur without an edge."""

    name = "affineur"
    edge = "off"

    @property
    def _token_file(self) -> Path:
        return self.folder.with_suffix(".token")

    def run(self, *arguments: str) -> str:
        """Run one command of the program on the data folder; its standard output."""
        with self.log.open("ab") as log:
            done = subprocess.run([str(PROGRAM), *arguments], check=True, stdout=subprocess.PIPE, stderr=log, text=True)
        return done.stdout

    def create(self) -> None:
        """Make the data folder and keep the operator's token."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        answer = json.loads(self.run("init", "--data", str(self.folder), "--json"))
        self._token_file.write_text(answer["token"])

    def command(self) -> list[str]:
        where = ["--data", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        return [str(PROGRAM), "serve", *where, "--workers", str(WORKERS), "--edge", self.edge]

    def fill(self, wheels: Path) -> None:
        self.create()
        try:
            self.run("import", "folder", str(wheels), "--data", str(self.folder))
        except subprocess.CalledProcessError:
            self._fill_by_uploads(wheels)

    def _fill_by_uploads(self, wheels: Path) -> None:
        self.running = Running(self.command(), self.log)
        self.running.wait_for(self.port, "/health/ready")
        publish_all(self.target(), read_folder(wheels))
        self.stop()

    def path(self, row: Row) -> str:
        if row.form != "file":
            return self.page_path(row.project)
        return f"/packages/{row.project}/1.0/{row.project.replace('-', '_')}-1.0-py3-none-any.whl"

    def page_path(self, project: str) -> str:
        return f"/simple/{project}/"

    def file_path(self, wheel: Wheel) -> str:
        return f"/packages/{wheel.project}/{wheel.version}/{wheel.filename}"

    def target(self) -> Target:
        return Target(self.port, "/legacy/", "__token__", self._token_file.read_text())

    def logged_lines(self) -> int:
        """Lines in the download log so far: each file request leaves one."""
        return sum(path.read_bytes().count(b"\n") for path in (self.folder / "logs").glob("*.jsonl"))


class AffineurEdge(Affineur):
    """Affineur behind the nginx it starts itself, the same binary as the limit's."""

    name = "affineur-edge"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.edge = str(nginx_program())
