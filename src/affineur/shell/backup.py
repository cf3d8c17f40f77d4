"""Backup and restore: a whole index as plain files that either database and either blob store can be made of.

::

    <backup>/backup.json                 what is here; written last, so a backup that was cut short has none
    <backup>/rows-<serial>-<time>/<table>.jsonl.gz    a first line of columns, then one JSON array a row
    <backup>/blobs/ab/<digest>           contents, named by SHA-256
    <backup>/lake/<kind>/<period>/…      download statistics, unless ClickHouse has them
    <backup>/logs/requests-<day>.jsonl   the request log, which nothing else could give back

Rows are read in one transaction, so they are of one moment; blobs are copied afterwards, and since a blob comes
before its row and never changes, every row's blob is there. Into an older backup only what is new is written: it
stays good until the new `backup.json` takes its place.
What does not live here: what is derived (public tree, search): it is made anew after a restore. Nor settings:
they say where an index lives, and a copy is meant to live elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from affineur.core.history.journal import GENESIS, Entry, faults

from . import dump
from .blobs import CHUNK_BYTES, BlobMissing, Blobs, LocalBlobs
from .index import Index
from .lake import saving
from .lake.files import open_files
from .progress import Tell, tell_nobody
from .store import journal
from .store.schema import file

FORMAT = 1
MANIFEST = "backup.json"
LAKE = "lake"
BLOBS = "blobs"
"""Stands among the tables for the list of blobs: digest, size, and moment of publication."""

THREADS = 4
_NEEDED = "needed"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT = sa.type_coerce(file.c.uploaded_at, sa.BigInteger).label("at")
_NEEDED_COLUMNS = [dump.Column("sha256", "value"), dump.Column("size_bytes", "value"), dump.Column("at", "moment")]
_BLOB_COLUMNS = _NEEDED_COLUMNS


class BackupUnfit(Exception):
    """A backup is not whole, or not one that this program can read; the message says what is wrong."""


class TargetInUse(Exception):
    """The index to restore into is not empty; the message says what to do."""


class Manifest(msgspec.Struct, frozen=True):
    """What `backup.json` says. ``rows`` is the folder of the tables; ``faults`` are what the index lacked then."""

    format: int
    created_at: datetime
    schema: str
    serial: int
    journal_hash: str
    rows: str
    tables: list[dump.Table]
    blobs: int
    blob_bytes: int
    faults: list[str] = []


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup or restore came to: the manifest, and how many blobs were really copied."""

    manifest: Manifest
    copied: int
    copied_bytes: int


def read_manifest(source: Path) -> Manifest:
    """The manifest of the backup in ``source``. `BackupUnfit` where there is none: it was cut short, or is none."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupUnfit(
            f"{source} is no backup, or one that was cut short: it has no {MANIFEST}. Run `affineur backup` again."
        ) from None
    except msgspec.DecodeError as error:
        raise BackupUnfit(f"{source / MANIFEST} cannot be read: {error}.") from error
    if manifest.format != FORMAT:
        raise BackupUnfit(f"{source} is of backup format {manifest.format}, this program reads {FORMAT}.")
    return manifest


def backup(
    index: Index, target: Path, now: datetime, *, link: bool = False, verify: bool = False, tell: Tell = tell_nobody
) -> Summary:
    """Copy ``index`` into ``target`` as it is at this moment, while it serves. ``now`` is aware UTC.

    Blobs that are there already are skipped, or with ``verify`` read and compared first. ``link`` makes hard links
    instead of copies where blobs are local and on the same file system. A blob that is missing or wrong does not
    keep the rest from being saved: it is among the manifest's ``faults``. `TargetInUse` while another backup
    writes there; `OSError` where the target cannot be written.
    """
    index.store.require_current()
    target.mkdir(parents=True, exist_ok=True)
    with _locked(target):
        for left in target.glob("rows-*.part"):
            shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(".part", f"rows-{now:%Y%m%dT%H%M%S}-", target))
        with index.store.read() as connection:
            serial, digest = journal.head(connection)
            tables = dump.write(connection, folder, tell)
            needed = dump.write_file(folder, _NEEDED, _NEEDED_COLUMNS, connection.execute(_needed()))
            statistics = saving.listed(connection)
        # First: files of the lake that are replaced meanwhile linger, but not for as long as blobs may take.
        faults = saving.save(open_files(index.settings), statistics, target / LAKE, tell)
        copying = _Copying(index.blobs, target / "blobs", link=link, verify=verify)
        tables.append(dump.write_file(folder, BLOBS, _BLOB_COLUMNS, copying.run(folder, needed.rows, tell)))
        dump.file_of(folder, _NEEDED).unlink()
        _copy_logs(index.settings.logs, target / "logs")
        finished = folder.with_suffix("")
        folder.rename(finished)
        manifest = Manifest(
            FORMAT,
            now,
            index.store.revision() or "",
            serial,
            digest,
            finished.name,
            tables,
            tables[-1].rows,
            copying.bytes,
            faults + sorted(copying.faults),
        )
        os.sync()  # everything is on disk before the manifest says so
        _replace(target / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        for old in target.glob("rows-*"):
            if old.name != finished.name:
                shutil.rmtree(old)
    return Summary(manifest, copying.new, copying.new_bytes)


def restore(source: Path, index: Index, *, tell: Tell = tell_nobody) -> Summary:
    """Make the empty ``index`` what the backup in ``source`` says; every digest is verified on the way.

    Blobs first, then all rows in one transaction: a restore that was cut short is simply run again. Afterwards
    the public tree and search must be rebuilt. `BackupUnfit` where anything in the backup is not what its
    manifest says, the journal's chain of hashes last, when the rows are in; `TargetInUse` where the index is not
    empty.
    """
    manifest = read_manifest(source)
    folder = source / manifest.rows
    damaged = dump.verify(folder, manifest.tables)
    if damaged:
        raise BackupUnfit(f"The backup in {source} is damaged: {' '.join(damaged)}")
    _require_empty(index)
    copied = _put_all(index, source / "blobs", folder, manifest.blobs, tell)
    _put_statistics(index, source, folder, manifest)
    try:
        dump.load(index.store, folder, manifest.tables, manifest.schema, tell)
    except dump.RowsUnfit as error:
        raise BackupUnfit(str(error)) from None
    fault = _journal_fault(index, manifest)
    if fault:
        raise BackupUnfit(
            f"The journal in {source} is not the one that was backed up: {fault} What was restored to "
            f"{index.settings.data} is not to be trusted: remove it, its database too, and take another backup."
        )
    _copy_logs(source / "logs", index.settings.logs)
    return Summary(manifest, len(copied), sum(copied))


def _put_statistics(index: Index, source: Path, folder: Path, manifest: Manifest) -> None:
    if all(table.name != "lake_file" for table in manifest.tables):
        return  # it is of a version that had none
    columns, rows = dump.read_file(folder, "lake_file")
    name, gone, sha256 = ([column.name for column in columns].index(each) for each in ("name", "gone_at", "sha256"))
    wanted = ((row[name], row[sha256]) for row in rows if row[gone] is None)
    try:
        saving.bring_back(source / LAKE, wanted, open_files(index.settings))
    except saving.FileUnfit as error:
        raise BackupUnfit(f"{error} Take another backup, or restore an older one.") from None


def _journal_fault(index: Index, manifest: Manifest) -> str | None:
    """The first fault of the restored journal, as a sentence; None: it is whole and ends where the manifest says.

    Cost: one hash an entry.
    """
    last = (0, GENESIS)

    def passing(entries: Iterable[Entry]) -> Iterator[Entry]:
        nonlocal last
        for entry in entries:
            last = (entry.serial, entry.hash)
            yield entry

    with index.store.read() as connection:
        for fault in faults(passing(journal.entries(connection))):
            return fault
        head = journal.head(connection)
    if last == head == (manifest.serial, manifest.journal_hash):
        return None
    return (
        f"It ends with entry {last[0]} and hash {last[1][:12]}…, its head says {head[0]} and {head[1][:12]}…, "
        f"{MANIFEST} says {manifest.serial} and {manifest.journal_hash[:12]}…."
    )


def _require_empty(index: Index) -> None:
    if index.store.revision() is None:
        return
    with index.store.read() as connection:
        serial, _ = journal.head(connection)
        tokens = connection.exec_driver_sql("SELECT count(*) FROM token").scalar() or 0
    if serial or tokens:
        raise TargetInUse(
            f"The index in {index.settings.data} is not empty ({serial} journal entries, {tokens} tokens). "
            "Restore into a new data folder (and a new database), then change over."
        )


def _needed() -> sa.Select[tuple[str, int | None, datetime]]:
    """Every digest that a row names, once, with its size where rows know it and its earliest publication."""
    named = sa.union_all(
        sa.select(file.c.sha256.label("sha256"), file.c.size_bytes.label("size_bytes"), _AT),
        sa.select(file.c.metadata_sha256, sa.null(), _AT).where(file.c.metadata_sha256.is_not(None)),
    ).subquery()
    return (
        sa.select(named.c.sha256, sa.func.max(named.c.size_bytes), sa.func.min(named.c.at))
        .group_by(named.c.sha256)
        .order_by(named.c.sha256)
        .execution_options(yield_per=dump.BATCH)
    )


class _Copying:
    """Copying blobs into a backup: what is there already stays, what is wrong is noted and left out."""

    def __init__(self, blobs: Blobs, target: Path, *, link: bool, verify: bool) -> None:
        self._blobs, self._target, self._link, self._verify = blobs, target, link, verify
        self.faults: list[str] = []
        self.bytes = self.new = self.new_bytes = 0

    def run(self, folder: Path, total: int, tell: Tell) -> Iterator[tuple[str, int, int]]:
        """Copy what the list in ``folder`` names; each blob's digest, size and moment, in the list's order."""
        for number in range(256):
            (self._target / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        done = 0
        _, needed = dump.read_file(folder, _NEEDED)
        with ThreadPoolExecutor(THREADS) as threads:
            for batch in dump.batches(needed, dump.BATCH):
                for copied in threads.map(self._one, batch):
                    if copied is not None:
                        self.bytes += copied[1]
                        yield copied
                done += len(batch)
                tell("blobs", done, total)

    def _one(self, item: list[Any]) -> tuple[str, int, int] | None:
        digest, size, moment = item
        if isinstance(self._blobs, LocalBlobs):
            with suppress(FileNotFoundError):
                moment = round(os.stat(self._blobs.path(digest)).st_mtime_ns / 1000)
        path = self._target / digest[:2] / digest
        if self._is_there(path, digest, size):
            return digest, path.stat().st_size, moment
        part = path.with_name(f".{digest}.part")
        part.unlink(missing_ok=True)
        try:
            found = self._copy(digest, part)
        except (BlobMissing, FileNotFoundError):
            self.faults.append(f"Blob {digest} is missing.")
            return None
        if found != digest:
            part.unlink()
            self.faults.append(f"Blob {digest} has other contents: {found}.")
            return None
        part.replace(path)
        size = path.stat().st_size
        self.new += 1
        self.new_bytes += size
        return digest, size, moment

    def _is_there(self, path: Path, digest: str, size: int | None) -> bool:
        try:
            there = path.stat().st_size
        except FileNotFoundError:
            return False
        return (size is None or there == size) and (not self._verify or _sha256(path) == digest)

    def _copy(self, digest: str, part: Path) -> str:
        """Put the blob at ``part``; the digest of what was put there."""
        if self._link and isinstance(self._blobs, LocalBlobs):
            os.link(self._blobs.path(digest), part)
            return _sha256(part)
        hashing = hashlib.sha256()
        with closing(self._blobs.open(digest)) as stream, part.open("xb") as copy:
            while chunk := stream.read(CHUNK_BYTES):
                hashing.update(chunk)
                copy.write(chunk)
        return hashing.hexdigest()


def _put_all(index: Index, source: Path, folder: Path, total: int, tell: Tell) -> list[int]:
    copied: list[int] = []
    _, listed = dump.read_file(folder, BLOBS)

    def one(item: list[Any]) -> int:
        digest, _, moment = item
        return _put(index, source, digest, _EPOCH + timedelta(microseconds=moment))

    with ThreadPoolExecutor(THREADS) as threads:
        for batch in dump.batches(listed, dump.BATCH):
            copied.extend(threads.map(one, batch))
            tell("blobs", len(copied), total)
    return copied


def _put(index: Index, source: Path, digest: str, moment: datetime) -> int:
    path = source / digest[:2] / digest
    spooled = index.settings.spool / f"restore-{os.getpid()}-{digest}"
    hashing = hashlib.sha256()
    try:
        with path.open("rb") as stream, spooled.open("wb") as copy:
            while chunk := stream.read(CHUNK_BYTES):
                hashing.update(chunk)
                copy.write(chunk)
        if hashing.hexdigest() != digest:
            raise BackupUnfit(f"{path} has other contents than its name says. `affineur backup --verify` mends that.")
        index.blobs.put_file(digest, spooled, moment)
    except FileNotFoundError as error:
        raise BackupUnfit(f"{error.filename} is missing from the backup.") from error
    finally:
        spooled.unlink(missing_ok=True)
    return path.stat().st_size


def _copy_logs(source: Path, target: Path) -> None:
    """Copy the request log; the last line of today's file may be half-written, and is left out then."""
    target.mkdir(parents=True, exist_ok=True)
    for log in sorted(source.glob("*.jsonl*")):
        copy = target / log.name
        if copy.exists() and copy.stat().st_size == log.stat().st_size:
            continue
        part = target / f".{log.name}"
        with log.open("rb") as stream, part.open("wb") as written:
            shutil.copyfileobj(stream, written, CHUNK_BYTES)
        if log.suffix == ".jsonl":
            _cut_to_lines(part)
        part.replace(copy)


def _cut_to_lines(path: Path) -> None:
    with path.open("r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        start = max(0, end - 64 * 1024)
        stream.seek(start)
        stream.truncate(start + stream.read().rfind(b"\n") + 1)


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold off another backup into the same place."""
    with (target / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TargetInUse(f"Another backup is being written to {target}. Wait until it is done.") from None
        yield


def _replace(path: Path, body: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
