"""The status files: what state every project is in, as JSON lines and as Parquet, written now and then.

Both are of one read transaction, so that of any two projects they tell the same moment; between two writings the
journal tells what has changed. What does not live here: columns and rows (`core.views.bulk_statuses`), the library for
Parquet (`shell.parquet`), and sending the files (`web.statuses`).
"""

from __future__ import annotations

import gzip
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from affineur.core.views.bulk_statuses import lines
from affineur.shell import parquet
from affineur.shell.following import is_mirror
from affineur.shell.index import Index
from affineur.shell.status_files import LINES, PARQUET, StatusFiles
from affineur.shell.store import journal, statuses

log = logging.getLogger(__name__)

Format = Literal["jsonl", "jsonl.gz", "parquet"]

DELAY_SECONDS = 15.0
"""How long changes are gathered before the files are written."""
REST_SECONDS = 60.0
"""How long the files are left alone at least."""
_REST = 10.0
"""They rest so many times as long as writing them took: on a large index that is never more than a tenth of a core."""
_LEVEL = 6


class Stopped(Exception):
    """Writing was given up, because the program ends."""


def project_statuses(index: Index, is_ending: Callable[[], bool] = lambda: False) -> int:
    """Write the status files as of now; their serial. Raises `Stopped` soon after ``is_ending`` says so.

    Cost: linear in the number of projects, in time and disk (886,000: 30 s of one core, 20 MiB); memory does not grow
    with it (220 MiB, most of it the library's). A mirror has no rows to tell of: there, nothing is written.
    """
    if is_mirror(index.settings):
        return 0
    files = StatusFiles(index.settings.public)
    with files.lock():
        fresh = files.begin()
        serial, at = write_lines(index, fresh / LINES, is_ending)
        parquet.write_parquet(fresh / LINES, fresh / PARQUET)
        files.finish(serial, int(at.timestamp()))
    return serial


def write_lines(index: Index, path: Path, is_ending: Callable[[], bool] = lambda: False) -> tuple[int, datetime]:
    """Write every project's row to ``path`` as JSON lines, compressed; the serial and its moment."""
    with (
        index.store.read() as connection,
        path.open("wb") as stream,
        # No name and no time: the same rows, the same bytes.
        gzip.GzipFile("", "wb", _LEVEL, stream, mtime=0) as packed,
    ):
        serial, _ = journal.head(connection)
        at = journal.moment(connection, serial)
        for some in _joined(lines(statuses.every(connection), index.origin, impact=index.settings.impact_public)):
            if is_ending():
                raise Stopped
            packed.write(some)
    return serial, at


def write_to(index: Index, target: Path, form: Format) -> int:
    """Write the rows as they are now to ``target``, which is there whole or not at all; the serial.

    Raises `OSError` where the file cannot be written.
    """
    beside = target.with_name(f".{target.name}.rows")
    made = target.with_name(f".{target.name}.new")
    try:
        serial, _ = write_lines(index, beside)
        if form == "parquet":
            parquet.write_parquet(beside, made)
        elif form == "jsonl":
            with gzip.open(beside, "rb") as packed, made.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1024 * 1024)
        else:
            beside.rename(made)
        made.replace(target)
    finally:
        beside.unlink(missing_ok=True)
        made.unlink(missing_ok=True)
    return serial


def are_behind(index: Index) -> bool:
    """Whether the journal has moved since the status files were written."""
    with index.store.ask() as connection:
        serial, _ = journal.head(connection)
    return (StatusFiles(index.settings.public).serial or 0) < serial


class Keeper:
    """Writes the status files when they are behind and have rested, in a thread of its own: it may take a minute."""

    def __init__(self, index: Index, delay_seconds: float = DELAY_SECONDS, rest_seconds: float = REST_SECONDS) -> None:
        self._index, self._delay_seconds, self._rest_seconds = index, delay_seconds, rest_seconds
        self._due_at: float | None = None
        self._rests_until = 0.0
        self._running: threading.Thread | None = None
        self._ending = threading.Event()

    def tick(self, now: float) -> bool:
        """Begin to write, where it is time; whether it does. ``now`` is that of `time.monotonic`."""
        if self._running is not None and self._running.is_alive():
            return False
        if now < self._rests_until or is_mirror(self._index.settings) or not are_behind(self._index):
            return False
        if self._due_at is None:
            self._due_at = now + self._delay_seconds
        if now < self._due_at:
            return False
        self._due_at = None
        self._running = threading.Thread(target=self._write, name="statuses", daemon=True)
        self._running.start()
        return True

    def end(self) -> None:
        """Give up what is being written, and wait for that."""
        self._ending.set()
        if self._running is not None:
            self._running.join(30.0)

    def _write(self) -> None:
        began = time.monotonic()
        try:
            project_statuses(self._index, self._ending.is_set)
        except Stopped:
            pass
        except Exception:
            log.exception("the status files were not written; trying again")
        took = time.monotonic() - began
        self._rests_until = time.monotonic() + max(self._rest_seconds, took * _REST)


def _joined(every: Iterable[bytes], some: int = 500) -> Iterator[bytes]:
    """The same bytes in fewer pieces: compressing each line by itself costs more than compressing it."""
    gathered: list[bytes] = []
    for one in every:
        gathered.append(one)
        if len(gathered) == some:
            yield b"".join(gathered)
            gathered.clear()
    yield b"".join(gathered)
