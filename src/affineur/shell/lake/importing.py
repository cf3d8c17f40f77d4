"""Importing: logs of other and older servers become events, each line once, however often a file is given.

A log is known by its contents: one that begins with everything that was counted of an earlier one is that one, grown,
whatever it is called and however it is packed. A request log of ours that was collected, or in part, goes on where
the collector stopped.
What does not live here: this machine's own logs while they are written (`collecting`), and the forms (`foreign`).
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from affineur.core.downloads.foreign import Form, detect, reader
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.store import lake_logs
from affineur.shell.store.lake_logs import Counted, LogRow

from . import collecting
from .collecting import Into, take_batch

IMPORTED = "import/"
"""How the sources of imported logs begin: then comes the digest of their first line, then that of what is counted."""
_LINES_TO_TELL = 100
_CHUNK_BYTES = 1024 * 1024
_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


class UnknownForm(ValueError):
    """None of the lines at a log's beginning shows what form it has."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done with a log. ``before``: how many bytes of it were counted already, of ``size`` (unpacked)."""

    form: Form
    counted: Counted
    before: int
    size: int


def import_log(
    path: Path, form: Form | None, into: Into, *, batch_bytes: int = collecting.BATCH_BYTES, tell: Tell = tell_nobody
) -> Imported:
    """Count what is new in the log ``path``, which may be packed by gzip, bzip2 or xz. ``form`` None: by its lines.

    A last line without its end is left for another time. Raises `UnknownForm`, `OSError`, `EOFError`,
    `lzma.LZMAError` or `zlib.error` for what cannot be unpacked, `lake_logs.Moved` where somebody else imports it, and
    what the lake does.
    """
    with _opened(path) as stream:
        beginning = list(islice(iter(lambda: stream.readline(collecting.FIRST_LINE_BYTES), b""), _LINES_TO_TELL))
    form = form or detect(beginning)
    if form is None:
        if not beginning:
            return Imported("combined", Counted(), 0, 0)
        raise UnknownForm(str(path))
    log, hashing, own = _found(path, collecting.first_line_digest(beginning[0]), form, into)
    before = log.position
    total = Counted()
    read = reader(form, datetime.now(UTC) + collecting.AHEAD)
    with _opened(path) as stream:
        stream.seek(log.position)
        rest = b""  # of a line: going back to it would unpack everything before it once more
        while True:
            wanted = log.batch_end - log.position if log.batch_end is not None else batch_bytes
            data = rest + stream.read(max(wanted - len(rest), 0))
            if log.batch_end is None:
                cut = collecting.whole_lines(data, wanted)
                data, rest = cut, data[len(cut) :]
            if not data:
                break
            log, counted = _batch(log, data, read, into, hashing, own)
            total += counted
            tell(f"count {path.name}", log.position, None)
        return Imported(form, total, before, log.position)


def _batch(log: LogRow, data: bytes, read: Any, into: Into, hashing: Any, own: bool) -> tuple[LogRow, Counted]:
    """Count ``data``; the log as it is then, and what was in it."""
    end = log.position + len(data)
    hashing.update(data)
    if log.position == 0 and log.batch is None and not own:
        # Until anything is counted it is known by its first batch.
        log = replace(log, source=f"{log.source}{hashing.hexdigest()}")
    renamed = log.source if own else f"{log.source.rpartition('/')[0]}/{hashing.hexdigest()}"
    name = log.batch or collecting.batch_name(log.source, log.position)
    counted = take_batch(into, log, data, read, end, name, renamed)
    return LogRow(renamed, end, 0, 0, 0, None, None), counted


def _found(path: Path, first: str, form: Form, into: Into) -> tuple[LogRow, Any, bool]:
    """How far the log was counted; a digest of that much; and whether the collector did it, under its own name."""
    with into.store.read() as connection:
        candidates = lake_logs.logs_of(connection, f"{IMPORTED}{first}/").values()
        collected = lake_logs.endings(connection, f"/{first}") if form == "requests" else []
    if collected:
        return collected[0], hashlib.sha256(), True
    log, hashing = _furthest(path, list(candidates))
    return log or LogRow(f"{IMPORTED}{first}/", 0, 0, 0, 0, None, None), hashing, False


def _furthest(path: Path, candidates: Sequence[LogRow]) -> tuple[LogRow | None, Any]:
    """The candidate of which the most was counted and is in ``path`` byte by byte, with the digest of that much."""
    hashing, best = hashlib.sha256(), None
    known = hashlib.sha256()
    with _opened(path) as stream:
        place = 0
        for log in sorted(candidates, key=_told_by):
            while place < _told_by(log) and (some := stream.read(min(_told_by(log) - place, _CHUNK_BYTES))):
                hashing.update(some)
                place += len(some)
            if place < _told_by(log):
                break
            if hashing.hexdigest() == log.source.rpartition("/")[2]:
                best = log
                known = hashing.copy() if log.position else hashlib.sha256()
    return best, known


def _told_by(log: LogRow) -> int:
    """How many bytes the digest in a source is of: what is counted, or the first batch, which is on its way."""
    return log.position or log.batch_end or 0


def _opened(path: Path) -> IO[bytes]:
    """The log, unpacked while it is read."""
    with path.open("rb") as stream:
        beginning = stream.read(6)
    opener: Callable[[Path], Any] = next(
        (opener for magic, opener in _OPENERS.items() if beginning.startswith(magic)), lambda plain: plain.open("rb")
    )
    opened: IO[bytes] = opener(path)
    return opened
