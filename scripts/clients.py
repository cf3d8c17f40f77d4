"""Make an environment for each real client that tests run: ``.cache/clients/<name>/``.

Clients disagree about their dependencies, so each has its own, from ``requirements/clients/<name>.txt`` with
hashes. An environment is made again when its lock changes, and left alone otherwise. A client that asks for a
newer Python than this machine has (the line ``# python >=X.Y`` in its ``.in`` file) is left out, with a word:
its tests then skip and say why.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pip_index import settings_for_uv

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements" / "clients"
CLIENTS = ROOT / ".cache" / "clients"
UV = CLIENTS / "uv" / "bin" / "uv"
MADE_BY_MAKE = "uv"
NEWEST_PYTHON_LOOKED_FOR = 16


def main() -> int:
    """Make what is missing or out of date; 1 where any client could not be made."""
    environment = {**os.environ, **settings_for_uv(), "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    locks = [lock for lock in sorted(LOCKS.glob("*.txt")) if lock.stem != MADE_BY_MAKE]
    stale = [lock for lock in locks if not _is_made(lock)]
    if stale:
        print(f"Installing clients: {', '.join(lock.stem for lock in stale)} …", flush=True)
    # Two at a time: unpacking keeps one core busy while the other environment waits for the network.
    with ThreadPoolExecutor(2) as pool:
        failures = [text for text in pool.map(lambda lock: _make(lock, environment), stale) if text]
    for text in failures:
        print(text, file=sys.stderr)
    return 1 if failures else 0


def _make(lock: Path, environment: dict[str, str]) -> str | None:
    """Make the environment for ``lock``; what went wrong, if anything did."""
    folder = CLIENTS / lock.stem
    python = _python_for(lock)
    if python is None:
        print(f"  {lock.stem} is left out: it needs a newer Python than there is here.")
        return None
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [UV, "venv", "--quiet", "--python", python, folder],
        [
            UV,
            "pip",
            "install",
            "--quiet",
            "--python",
            folder / "bin" / "python",
            "--require-hashes",
            "-r",
            lock,
        ],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"{lock.stem} could not be installed:\n{done.stderr}"
    (folder / "installed").write_text(_digest(lock))
    return None


def _is_made(lock: Path) -> bool:
    note = CLIENTS / lock.stem / "installed"
    return note.exists() and note.read_text() == _digest(lock)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _python_for(lock: Path) -> str | None:
    asked = re.search(r"^# python >=(\d+)\.(\d+)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    oldest = (int(asked[1]), int(asked[2])) if asked else (3, 11)
    return next((python for python in _pythons() if _is_at_least(python, oldest)), None)


def _pythons() -> Iterator[str]:
    """This Python, those on the PATH, and those that pyenv keeps off it."""
    yield sys.executable
    for minor in range(11, NEWEST_PYTHON_LOOKED_FOR):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/3.1[1-9]*/bin/python3")))


def _is_at_least(python: str, oldest: tuple[int, int]) -> bool:
    question = f"import sys; sys.exit(sys.version_info < {oldest})"
    return subprocess.run([python, "-c", question], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
