"""nginx as a program: found, checked, given its configuration, and become by a child of the supervisor.

What does not live here: what it is told (`web.edge.configuration`); that it is started again when it dies
(`web.supervisor`).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from affineur.settings import Settings

from .configuration import OLDEST, Place, Unwritable, whole

FOLDER = "run"
"""Below the data folder: the configuration, the sockets between nginx and the application, temporary files."""

_BESIDE_PATH = ("/usr/sbin", "/usr/local/sbin")
"""Where systems put nginx without having it on everybody's PATH."""

_ANSWER_SECONDS = 10


class Unusable(Exception):
    """nginx cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An nginx that accepted its configuration. ``public`` is the socket clients connect to."""

    program: str
    folder: Path
    public: socket.socket

    def become(self) -> NoReturn:
        """Turn this process into nginx, in the foreground."""
        os.chdir(self.folder)
        os.umask(0o027)  # the request log is nobody else's to read, as in Python
        os.execve(self.program, _command(self.program), _environment(self.public))  # noqa: S606


def find(wanted: str) -> str | None:
    """The nginx that the setting ``edge`` means; None for ``off``, and for ``auto`` where there is none.

    Raises `Unusable` for a path that is no nginx, and for one that is too old.
    """
    if wanted == "off":
        return None
    if wanted == "auto":
        places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_BESIDE_PATH))
        found = shutil.which("nginx", path=places)
        if found is None:
            return None
    else:
        found = shutil.which(wanted)
        if found is None:
            raise Unusable(f"{wanted} is no program. Give the path of nginx, `auto` or `off`.")
    _require_recent(found)
    return os.path.abspath(found)


def prepare(program: str, settings: Settings, public: socket.socket, applications: tuple[str, ...]) -> Edge:
    """Write the configuration and let nginx check it.

    ``public`` is already listening: nginx takes it over, so no port is fought for and connections that arrive
    while nginx is started again wait. Raises `Unusable` with what nginx said.
    """
    folder = run_folder(settings)
    host, port = public.getsockname()[:2]
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        text = whole(
            settings,
            Place(listen, applications),
            user="root" if os.geteuid() == 0 else "",
            open_files=_open_files(),
        )
    except Unwritable as error:
        raise Unusable(str(error)) from error
    (folder / "nginx.conf").write_text(text)
    (folder / "temporary").mkdir(exist_ok=True)
    said = _run([*_command(program), "-t"], folder, public)
    if said.returncode != 0:
        raise Unusable(f"nginx refuses its configuration {folder / 'nginx.conf'}: {_complaint(said.stderr)}")
    return Edge(program, folder, public)


def run_folder(settings: Settings) -> Path:
    """The folder of a running edge, made if it is not there; nobody else may look into it."""
    folder = settings.data.absolute() / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def application_sockets(settings: Settings) -> tuple[list[socket.socket], tuple[str, ...]]:
    """One listening socket for each serving process, and how nginx names them.

    Their names count from the run folder, where nginx starts: a socket's address holds 107 bytes, which the
    path of a data folder can exceed.
    """
    folder, before = run_folder(settings), Path.cwd()
    names = [f"worker-{number}.sock" for number in range(settings.workers)]
    os.chdir(folder)
    try:
        return [_listen_at(name) for name in names], tuple(f"unix:{name}" for name in names)
    finally:
        os.chdir(before)


def _listen_at(name: str) -> socket.socket:
    Path(name).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(name)
    listening.listen(2048)
    listening.setblocking(False)
    return listening


def _require_recent(program: str) -> None:
    try:
        said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unusable(f"{program} cannot be run: {error}") from error
    version = re.search(r"nginx version: \S+?/(\d+)\.(\d+)", said.stderr + said.stdout)
    if version is None:
        raise Unusable(f"{program} does not say that it is nginx.")
    if (int(version[1]), int(version[2])) < OLDEST:
        raise Unusable(f"{program} is nginx {version[1]}.{version[2]}; at least {OLDEST[0]}.{OLDEST[1]} is needed.")


def _command(program: str) -> list[str]:
    return [program, "-p", ".", "-c", "nginx.conf", "-e", "stderr"]


def _run(command: list[str], folder: Path, public: socket.socket) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=_environment(public),
            pass_fds=(public.fileno(),),
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unusable(f"{command[0]} cannot be run: {error}") from error


def _environment(public: socket.socket) -> dict[str, str]:
    """nginx takes over the sockets that ``NGINX`` names; the request log's day is that of Greenwich."""
    return {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC0", "NGINX": f"{public.fileno()};"}


def _open_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)


def _complaint(said: str) -> str:
    """What nginx said, without notices, on one line."""
    lines = [line for line in said.splitlines() if "[emerg]" in line or "[error]" in line or "[crit]" in line]
    return " ".join(lines or said.split()) or "it says nothing"
