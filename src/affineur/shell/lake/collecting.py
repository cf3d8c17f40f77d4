"""Collecting: the request log of this machine becomes events, each line once, wherever the collector is killed.

A batch is noted with its bounds, then stored under its name, then counted: whoever is killed in between does the same
batch again, and the lake takes a name once. Only whole lines are read; one that is being written waits.
What does not live here: what a line tells (`gathering`), logs of other servers (`importing`), and when this is done
(`projections.collecting`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import orjson

from affineur.core.downloads.foreign import Read, reader
from affineur.settings import MIB, Settings
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.store import Store, lake, lake_logs
from affineur.shell.store.lake_logs import Counted, LogRow

from .gathering import Gathered, gather, write_events
from .port import Lake

BATCH_BYTES = 32 * MIB
"""How much of a log is in memory at once; all of it together takes some six times as much."""
FIRST_LINE_BYTES = 65_536
AHEAD = timedelta(days=1)
"""How far a clock may be ahead: a line that is of later is unreadable."""
_NODE = "node.jsonl"
"""Has a name that a backup copies with the logs: restored with them, they are known for those that were counted."""
_LOCK = "collecting.lock"
_SALT_BYTES = 32

log = logging.getLogger(__name__)


class Busy(Exception):
    """Another process collects on this machine."""


@dataclass(frozen=True, slots=True)
class Into:
    """Where events go: the lake, the database that has the positions, and a folder for what is on its way."""

    lake: Lake
    store: Store
    scratch: Path


def collect(
    settings: Settings,
    store: Store,
    open_lake: Callable[[], Lake],
    *,
    is_ending: Callable[[], bool] = lambda: False,
    batch_bytes: int = BATCH_BYTES,
    tell: Tell = tell_nobody,
) -> Counted:
    """Read what is new in the request logs of ``settings.logs``, the oldest day first; what was in it.

    ``open_lake`` is called where there is anything new. Raises `Busy`, and what database and lake raise: what was noted
    then is done again the next time. Ends between two batches where ``is_ending`` says so.
    """
    total = Counted()
    with locked(settings.logs):
        node = _node(settings.logs)
        with store.read() as connection:
            known = lake_logs.logs_of(connection, f"{node}/")
        into: Into | None = None
        seen: set[str] = set()
        for path in sorted(settings.logs.glob("requests-*.jsonl")):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                source = _source(stream, f"{node}/{path.name}")
                seen.add(source or "")
                followed = _find(stream, source, known) if source else None
                if followed is None or is_ending():
                    continue
                into = into or Into(open_lake(), store, settings.lake / ".new" / f"collecting-{os.getpid()}")
                read = reader("requests", datetime.now(UTC) + AHEAD)
                total += _follow(stream, followed, read, into, is_ending, batch_bytes, tell)
        _give_up_lost(store, [row for row in known.values() if row.batch and row.source not in seen])
    return total


def lag_bytes(settings: Settings, store: Store) -> int:
    """How much of this machine's logs is not counted yet."""
    node = _known_node(settings.logs)
    known: dict[str, LogRow] = {}
    if node is not None:
        with store.read() as connection:
            known = lake_logs.logs_of(connection, f"{node}/")
    lag = 0
    for path in settings.logs.glob("requests-*.jsonl"):
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            source = _source(stream, f"{node}/{path.name}")
            read = known[source].position if source and source in known else 0
            lag += max(os.fstat(stream.fileno()).st_size - read, 0)
    return lag


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else on this machine collects meanwhile. Raises `Busy`."""
    fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
    finally:
        os.close(fd)


def take_batch(into: Into, source: LogRow, data: bytes, read: Read, end: int, name: str, renamed: str = "") -> Counted:
    """Count ``data``, the bytes from ``source.position`` to ``end``, as batch ``name``. Raises `lake_logs.Moved`."""
    now = datetime.now(UTC)
    with into.store.write() as connection:
        lake_logs.begin(connection, source, name, end, now)
    found = gather(data.removesuffix(b"\n").split(b"\n"), read)
    if found.events:
        _store(into, name, found)
    counted = Counted(found.lines, found.events, found.unreadable)
    with into.store.write() as connection:
        lake_logs.finish(connection, source.source, name, counted, datetime.now(UTC), renamed or None)
    return counted


def whole_lines(data: bytes, wanted: int) -> bytes:
    """``data`` up to its last newline; all of it where it has none though as much was read as was ``wanted``.

    So a line of any length is got over: its parts are unreadable.
    """
    end = data.rfind(b"\n") + 1
    return data[:end] if end or len(data) < wanted else data


def _follow(
    stream: BinaryIO,
    followed: LogRow,
    read: Read,
    into: Into,
    is_ending: Callable[[], bool],
    batch_bytes: int,
    tell: Tell,
) -> Counted:
    total = Counted()
    size = os.fstat(stream.fileno()).st_size
    while not is_ending():
        if followed.position > size and not followed.batch:
            followed = _set_back(into.store, followed, size)
        stream.seek(followed.position)
        if followed.batch and followed.batch_end is not None:
            # A tail that is lost meanwhile was in the batch, if that was stored: then it is known by its name.
            data = stream.read(max(followed.batch_end - followed.position, 0))
            name, end = followed.batch, followed.batch_end
        else:
            data = whole_lines(stream.read(batch_bytes), batch_bytes)
            # Noted before it is used, so it need not be found again; where a log lost its tail another begins there.
            name = f"{batch_name(followed.source, followed.position)}-{secrets.token_hex(4)}"
            end = followed.position + len(data)
            if not data:
                break
        counted = take_batch(into, followed, data, read, end, name)
        total += counted
        followed = LogRow(followed.source, end, 0, 0, 0, None, None)
        size = os.fstat(stream.fileno()).st_size
        tell("read the request log", end, size)
    return total


def batch_name(source: str, position: int) -> str:
    """What the name of a batch that begins at ``position`` begins with."""
    return f"{hashlib.sha256(source.encode()).hexdigest()[:24]}-{position}"


def first_line_digest(line: bytes) -> str:
    """By what a log is told from another that has taken its name."""
    return hashlib.sha256(line).hexdigest()[:32]


def _store(into: Into, name: str, found: Gathered) -> None:
    target = into.scratch.with_name(f"{into.scratch.name}.parquet")
    try:
        write_events(found, _salts(into.store, found.days), target, into.scratch)
        into.lake.append(name, target)
    finally:
        target.unlink(missing_ok=True)


def _salts(store: Store, days: set[date]) -> dict[date, bytes]:
    """The salt of each day, drawn where it has none."""
    drawn = {day: secrets.token_bytes(_SALT_BYTES) for day in days}
    with store.write() as connection:
        return {day: lake.salt(connection, day, fresh) for day, fresh in drawn.items()}


def _find(stream: BinaryIO, source: str, known: dict[str, LogRow]) -> LogRow | None:
    """How far the log was read; None where there is nothing to do."""
    found = known.get(source) or LogRow(source, 0, 0, 0, 0, None, None)
    has_more = os.fstat(stream.fileno()).st_size != found.position
    return found if has_more or found.batch else None


def _source(stream: BinaryIO, name: str) -> str | None:
    first = stream.readline(FIRST_LINE_BYTES)
    if not first.endswith(b"\n") and len(first) < FIRST_LINE_BYTES:
        return None  # nothing is there, or its first line is being written
    return f"{name}/{first_line_digest(first)}"


def _set_back(store: Store, followed: LogRow, size: int) -> LogRow:
    """A log is shorter than what was counted of it: a crash of the machine took its tail. It goes on from its end."""
    log.warning("a request log has lost its end", extra={"log": followed.source, "bytes": followed.position - size})
    with store.write() as connection:
        lake_logs.set_back(connection, followed, size, datetime.now(UTC))
    return LogRow(followed.source, size, 0, 0, 0, None, None)


def _give_up_lost(store: Store, rows: list[LogRow]) -> None:
    """Forget batches whose log is gone: nobody can read them again, and the lake must not keep their names for ever."""
    for row in rows:
        log.error("a request log is gone before it was read", extra={"log": row.source, "from": row.position})
        with store.write() as connection:
            lake_logs.set_back(connection, row, row.position, datetime.now(UTC))


def _node(folder: Path) -> str:
    """The name of this machine's logs: made once, and kept beside them."""
    known = _known_node(folder)
    if known is None:
        known = secrets.token_hex(8)
        fresh = folder / f".{_NODE}"
        with fresh.open("wb") as stream:
            stream.write(orjson.dumps({"node": known}, option=orjson.OPT_APPEND_NEWLINE))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(folder / _NODE)
    return known


def _known_node(folder: Path) -> str | None:
    try:
        return str(orjson.loads((folder / _NODE).read_bytes())["node"])
    except FileNotFoundError:
        return None
