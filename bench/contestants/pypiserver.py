"""pypiserver: a folder of files behind gunicorn with two workers and its cache of the folder."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path

from bench.contestants.base import PASSWORD, USER, WORKERS, Contestant
from bench.dataset import Wheel
from bench.environments import environment, locked_version
from bench.publishing import Target
from bench.rows import Row


class Pypiserver(Contestant):
    """pypiserver. Passwords are compared by SHA-1 here: what bcrypt costs is not what is measured."""

    name = "pypiserver"
    python_peer = True
    version = locked_version("pypiserver", "pypiserver")

    def command(self) -> list[str]:
        digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
        passwords = self.folder.with_suffix(".htpasswd")
        passwords.write_text(f"{USER}:{{SHA}}{digest}\n")
        application = (
            f"pypiserver:app(root={str(self.folder)!r}, "
            f"password_file={str(passwords)!r}, authenticate=['update'], disable_fallback=True)"
        )
        # A thread for each connection under load keeps connections alive; sync workers would close each.
        size = ["--workers", str(WORKERS), "--threads", "16", "--worker-class", "gthread"]
        serve = ["--bind", f"127.0.0.1:{self.port}", "--log-level", "warning", "--keep-alive", "60"]
        return [str(environment("pypiserver") / "gunicorn"), *size, *serve, application]

    def fill(self, wheels: Path) -> None:
        shutil.copytree(wheels, self.folder, ignore=shutil.ignore_patterns(".complete"))

    def path(self, row: Row) -> str:
        if row.form != "file":
            return self.page_path(row.project)
        return f"/packages/{row.project.replace('-', '_')}-1.0-py3-none-any.whl"

    def page_path(self, project: str) -> str:
        return f"/simple/{project}/"

    def file_path(self, wheel: Wheel) -> str:
        return f"/packages/{wheel.filename}"

    def target(self) -> Target:
        return Target(self.port, "/", USER, PASSWORD)
