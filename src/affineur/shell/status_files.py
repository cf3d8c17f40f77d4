"""Where the status files lie: bulk files of one moment in a folder of their own, named by serial.

::

    public/statuses/<serial>/statuses.jsonl.gz
    public/statuses/<serial>/statuses.parquet
    public/statuses/present -> <serial>

A folder never changes. The one before the present one is kept, since somebody may be about to open what is in it.
What does not live here: what the files say (`projections.statuses`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LINES = "statuses.jsonl.gz"
PARQUET = "statuses.parquet"


class StatusFiles:
    """The status files below the public tree at ``public``."""

    def __init__(self, public: Path) -> None:
        self.root = public / "statuses"
        self._present = self.root / "present"
        self._lock = public / "locks" / "statuses"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold off every other writer, in any process. None of a project waits for it: writing takes a while."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    @property
    def serial(self) -> int | None:
        """The serial of the present files; None where there are none. Cost: one system call."""
        try:
            return int(os.readlink(self._present))
        except (OSError, ValueError):
            return None

    def path(self, serial: int, name: str) -> Path:
        """The file of that name as of ``serial``, whether it is there or not."""
        return self.root / str(serial) / name

    def begin(self) -> Path:
        """An empty folder to write into; what an earlier writer left of it goes, and what stands in its place."""
        fresh = self.root / "new"
        if self.root.is_symlink() or self.root.is_file():
            self.root.unlink()
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        return fresh

    def finish(self, serial: int, seconds: int) -> None:
        """Make what was written since `begin` the present files. ``seconds`` (since 1970) becomes their time."""
        fresh, folder = self.root / "new", self.root / str(serial)
        before = self.serial
        for path in fresh.iterdir():
            os.utime(path, (seconds, seconds))
        if _has_only_files(folder):  # the same serial again, a rebuild: readers never miss a file
            names = {path.name for path in fresh.iterdir()}
            for name in names:
                (fresh / name).replace(folder / name)
            for path in folder.iterdir():
                if path.name not in names:
                    path.unlink()
            fresh.rmdir()
        else:
            _remove(folder)
            fresh.rename(folder)
        link = self.root / "present.new"
        _remove(link)
        link.symlink_to(str(serial))
        if not self._present.is_symlink():
            _remove(self._present)
        link.replace(self._present)
        self._keep({serial, before})

    def forget_former(self) -> None:
        """Take away all but the present files."""
        self._keep({self.serial})

    def _keep(self, serials: set[int | None]) -> None:
        names = {"present", *(str(serial) for serial in serials)}
        for path in self.root.iterdir():
            if path.name not in names:
                _remove(path)


def _has_only_files(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and all(path.is_file() for path in folder.iterdir())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
