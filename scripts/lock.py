"""`make lock`: write every hash-locked requirements file anew, from pyproject.toml and the `.in` files.

The locks hold for every platform and Python from 3.11 on, and name no index: the hashes say what is meant,
and each machine fetches it from where its pip is told to. Files named on the command line are locked alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pip_index import settings_for_uv

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
UV = ROOT / ".cache" / "clients" / "uv" / "bin" / "uv"
RUN = "requirements/run.txt"


def locks() -> Iterator[tuple[str, Sequence[str]]]:
    """Each lock's path from the root, with the sources uv compiles it from.

    What is installed beside the program takes the program's own pins (``-c``); each client stands alone.
    """
    yield RUN, ["pyproject.toml"]
    yield "requirements/test.txt", ["pyproject.toml", "--group", "test", "-c", RUN]
    yield "requirements/check.txt", ["pyproject.toml", "--group", "check", "-c", RUN]
    for source in sorted(REQUIREMENTS.rglob("*.in")):
        path = source.relative_to(ROOT)
        beside_the_program = ["-c", RUN] if path.name == "build.in" else []
        yield str(path.with_suffix(".txt")), [str(path), *beside_the_program]


def oldest_python(source: str) -> str:
    """The oldest Python a lock must hold for: 3.11, or what the source's line ``# python >=X.Y`` says."""
    asked = re.search(r"^# python >=(\d+\.\d+)", (ROOT / source).read_text(), re.MULTILINE)
    return asked[1] if asked else "3.11"


def write_lock(lock: str, sources: Sequence[str]) -> None:
    """Resolve ``sources`` to their newest versions and write ``lock``; uv's own words where it cannot."""
    print(f"lock {lock}", flush=True)
    subprocess.run(
        [UV, "pip", "compile", "--quiet", "--upgrade",
         "--universal", "--python-version", oldest_python(sources[0]),
         "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links",
         *sources, "--output-file", lock],
        cwd=ROOT, env={**os.environ, **settings_for_uv(for_locking=True)}, check=True,
    )  # fmt: skip


def main(wanted: Sequence[str]) -> int:
    """Write all locks, or those named; the exit status."""
    if not UV.exists():
        print("uv is missing: run `make lock`, which installs it first.", file=sys.stderr)
        return 1
    for lock, sources in locks():
        if not wanted or lock in wanted:
            write_lock(lock, sources)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
