"""A fuzzing campaign: a module's seeds and reader, run by atheris in a child process for a bounded time.

The fuzzer changes the seeds, looks which changes reach code that was not reached before, and goes on from those.
An exception ends the run and leaves the input in the folder given by ``--keep``; so does an input that takes longer
than ten seconds or 1 GiB of memory.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import atheris


def run(module: str, seeds: Callable[[], list[bytes]], read: Callable[[bytes], None]) -> NoReturn:
    """The command line of ``python -m <module>``; exits 0 where nothing but values and refusals came of it."""
    parser = argparse.ArgumentParser(prog=module)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--keep", type=Path, default=Path("crashes"), help="folder for inputs that broke something")
    parser.add_argument("--corpus", type=Path, help="folder of inputs to start from; given to the child process")
    arguments = parser.parse_args()
    if arguments.corpus:
        _fuzz(read, arguments.seconds, arguments.corpus, arguments.keep)
    with tempfile.TemporaryDirectory() as corpus, tempfile.TemporaryDirectory() as broken:
        for number, seed in enumerate(seeds()):
            read(seed)
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        given = ["--seconds", str(arguments.seconds), "--corpus", corpus, "--keep", broken]
        code = subprocess.run([sys.executable, "-m", module, *given], check=False).returncode
        for path in Path(broken).iterdir():
            arguments.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, arguments.keep)
            print(f"kept {arguments.keep / path.name}")
    sys.exit(code)


def _fuzz(read: Callable[[bytes], None], seconds: int, corpus: Path, keep: Path) -> None:
    """Fuzz in this process, which ends with it (the fuzzer leaves by itself, without any clean-up)."""
    options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=16384"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", f"-artifact_prefix={keep}/", str(corpus)], read)
    atheris.Fuzz()
