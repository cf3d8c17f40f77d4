"""devpi-server: one stage index without bases; one process with threads, which is all it offers."""

from __future__ import annotations

import base64
import concurrent.futures
import http.client
import itertools
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bench.contestants.base import PASSWORD, USER, Contestant
from bench.dataset import Wheel, read_folder
from bench.environments import environment, locked_version
from bench.processes import Running
from bench.publishing import Target, publish_all
from bench.rows import Row, fetch

_INDEX = f"/{USER}/dev"
_LOADERS = 4
"""Connections that fill it; it commits one change at a time, so that more gain nothing."""


class Devpi(Contestant):
    """devpi-server with its default of 50 threads."""

    name = "devpi-server"
    python_peer = True
    version = locked_version("devpi", "devpi-server")
    most_fillers = 200  # it takes five to ten uploads a second

    def command(self) -> list[str]:
        program = environment("devpi") / "devpi-server"
        where = ["--serverdir", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        return [str(program), *where, "--offline-mode"]

    def fill(self, wheels: Path) -> None:
        create = [str(environment("devpi") / "devpi-init"), "--serverdir", str(self.folder), "--no-root-pypi"]
        with self.log.open("ab") as log:
            subprocess.run(create, check=True, stdout=log, stderr=log)
        self.running = Running(self.command(), self.log)
        self.running.wait_for(self.port, "/+api")
        self._create_index()
        files = list(read_folder(wheels))
        with concurrent.futures.ThreadPoolExecutor(_LOADERS) as pool:
            parts = [list(itertools.islice(files, start, None, _LOADERS)) for start in range(_LOADERS)]
            for future in [pool.submit(publish_all, self.target(), part) for part in parts]:
                future.result()
        self.stop()

    def _create_index(self) -> None:
        self._ask("PUT", f"/{USER}", {"password": PASSWORD})
        token = self._ask("POST", "/+login", {"user": USER, "password": PASSWORD})["password"]
        credentials = base64.b64encode(f"{USER}:{token}".encode()).decode()
        index = {"type": "stage", "bases": [], "volatile": False}
        self._ask("PUT", _INDEX, index, {"X-Devpi-Auth": credentials})

    def _ask(
        self, method: str, path: str, body: dict[str, object], headers: dict[str, str] | None = None
    ) -> dict[str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        connection.request(method, path, json.dumps(body), sent)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        result = json.loads(text).get("result", {})
        return result if isinstance(result, dict) else {}

    def path(self, row: Row) -> str:
        if row.form != "file":
            return self.page_path(row.project)
        return self._link(row.project, f"{row.project.replace('-', '_')}-1.0-py3-none-any.whl")

    def page_path(self, project: str) -> str:
        return f"{_INDEX}/+simple/{project}/"

    def file_path(self, wheel: Wheel) -> str:
        return self._link(wheel.project, wheel.filename)

    def _link(self, project: str, filename: str) -> str:
        """Its file addresses hold a digest: read from the page, as a client does."""
        page = fetch(self.port, self.page_path(project), {"Accept": "text/html"}).body.decode()
        found = re.search(rf'href="([^"#]*{re.escape(filename)})', page)
        if found is None:
            raise LookupError(f"{filename} is not on the page of {project}")
        return str(urlsplit(urljoin(self.page_path(project), found[1])).path)

    def target(self) -> Target:
        return Target(self.port, f"{_INDEX}/", USER, PASSWORD)
