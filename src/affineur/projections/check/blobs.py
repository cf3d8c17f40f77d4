"""Blobs: what the files need held against what is stored, both in order of digest, so that memory stays small.

What is stored is listed before rows are read: a file published in between is then known, and its blob there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from affineur.shell.blobs import CHUNK_BYTES, BlobMissing, Blobs, LocalBlobs, S3Blobs
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store.schema import file, project, release

from .findings import Finding

GRACE = timedelta(hours=1)
"""A blob without a file that is younger may belong to an upload in progress: blobs come before rows."""

THREADS = 4
_SHELVES = tuple(f"{number:02x}" for number in range(256))


class Held(NamedTuple):
    """A blob that is stored. ``since`` is when it was put here, whatever its modification time says."""

    size_bytes: int
    since: datetime


class Needed(NamedTuple):
    """A digest that rows name: its size (None where rows do not know) and one file that needs it."""

    size_bytes: int | None
    filename: str


def check(index: Index, now: datetime, *, quick: bool, tell: Tell) -> Iterator[Finding]:
    """Blobs that are missing, wrong or nobody's, and temporary files. ``quick`` compares sizes only."""
    with index.store.read() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(file)) or 0
    done = 0
    with ThreadPoolExecutor(THREADS) as threads:
        for shelf, held in _shelves(index.blobs):
            needed = needed_on(index, shelf)
            yield from _shelf(index, held, needed, now, None if quick else threads)
            done += len(held)
            tell("blobs", done, max(total, done))
    yield from left_overs(index, now)


def needed_on(index: Index, shelf: str) -> dict[str, Needed]:
    """Every digest starting with ``shelf`` that a row names."""
    needed: dict[str, Needed] = {}
    with index.store.read() as connection:
        for column, size in ((file.c.metadata_sha256, sa.null()), (file.c.sha256, file.c.size_bytes)):
            query = sa.select(column, size, file.c.filename).where(column >= shelf, column < _after(shelf))
            for digest, size_bytes, filename in connection.execute(query):
                needed[digest] = Needed(size_bytes, filename)
    return needed


def orphans(index: Index, now: datetime, tell: Tell) -> Iterator[str]:
    """Digests of blobs that no row names and that are older than `GRACE`."""
    for number, (shelf, held) in enumerate(_shelves(index.blobs)):
        tell("orphans", number, len(_SHELVES))
        needed = needed_on(index, shelf)
        for digest in held.keys() - needed.keys():
            if now - held[digest].since > GRACE:
                yield digest


def held_since(blobs: Blobs, digest: str) -> datetime | None:
    """Since when a blob is stored, or was last relied on; None where it is not."""
    if isinstance(blobs, S3Blobs):
        import obstore

        with suppress(FileNotFoundError):
            return obstore.head(blobs.store, digest)["last_modified"]
    elif isinstance(blobs, LocalBlobs):
        with suppress(FileNotFoundError):
            return datetime.fromtimestamp(os.stat(blobs.path(digest)).st_ctime, UTC)
    return None


def left_overs(index: Index, now: datetime, older_than: timedelta = GRACE) -> Iterator[Finding]:
    """Temporary files that nobody has written to for a while: in the spool, and beside the blobs."""
    folders = [str(index.settings.spool)]
    if isinstance(index.blobs, LocalBlobs):
        folders.append(str(index.blobs.root))
    for folder in folders:
        with suppress(FileNotFoundError):
            for entry in os.scandir(folder):
                with suppress(FileNotFoundError):  # an upload that ends while we look
                    age = now - datetime.fromtimestamp(entry.stat().st_ctime, UTC)
                    if entry.is_file(follow_symlinks=False) and age > older_than:
                        size = entry.stat().st_size
                        yield Finding("left-over", entry.path, f"{size} bytes, last written {_hours(age)} ago.")


def digest_of(blobs: Blobs, sha256: str) -> str | None:
    """The real SHA-256 of a blob's contents; None where there is none."""
    hashing = hashlib.sha256()
    try:
        with closing(blobs.open(sha256)) as stream:  # not every store gives a context manager
            while chunk := stream.read(CHUNK_BYTES):
                hashing.update(chunk)
    except BlobMissing:
        return None
    return hashing.hexdigest()


def is_second_name(link: str, sha256: str) -> bool:
    """Whether the file on offer at ``link`` still holds the contents of the local blob ``sha256``. Reads it."""
    if os.path.islink(link) or not os.path.isfile(link):
        return False
    with open(link, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


_PLACES = (
    sa.select(project.c.name, release.c.version, file.c.filename, file.c.sha256)
    .join(release, release.c.id == file.c.release_id)
    .join(project, project.c.id == file.c.project_id)
    .where(
        sa.or_(file.c.sha256 == sa.bindparam("digest"), file.c.metadata_sha256 == sa.bindparam("digest")),
        project.c.offered,
    )
)


def _missing(index: Index, digest: str, need: Needed) -> Finding:
    """What to call a blob that is not in its place: a rebuild takes it back from a link that is rightly there."""
    if isinstance(index.blobs, LocalBlobs):
        with index.store.read() as connection:
            places = connection.execute(_PLACES, {"digest": digest}).all()
        for name, version, filename, sha256 in places:
            path = f"{name}/{version}/{filename}" if sha256 == digest else f"{name}/{version}/{filename}.metadata"
            if is_second_name(f"{index.tree.root}/packages/{path}", digest):
                return Finding("detached-blob", digest, f"Contents of {need.filename} are on offer only, as {path}.")
    return Finding("missing-blob", digest, f"Contents of {need.filename} are gone.")


def _shelf(
    index: Index,
    held: dict[str, Held],
    needed: dict[str, Needed],
    now: datetime,
    threads: ThreadPoolExecutor | None,
) -> Iterator[Finding]:
    reading: dict[str, Future[str | None]] = {}
    for digest, need in needed.items():
        if digest not in held:
            if not index.blobs.exists(digest):  # it may have come after the listing
                yield _missing(index, digest, need)
        elif need.size_bytes is not None and held[digest].size_bytes != need.size_bytes:
            have = held[digest].size_bytes
            yield Finding("wrong-bytes", digest, f"{need.filename} has {have} bytes, not {need.size_bytes}.")
        elif threads is not None:
            reading[digest] = threads.submit(digest_of, index.blobs, digest)
    for digest, read in reading.items():
        if read.result() not in (digest, None):
            yield Finding("wrong-bytes", digest, f"{needed[digest].filename} has other contents: {read.result()}.")
    for digest in held.keys() - needed.keys():
        age = now - held[digest].since
        if age > GRACE:
            yield Finding("orphan-blob", digest, f"{held[digest].size_bytes} bytes, {_hours(age)} old.")
        else:
            yield Finding("in-progress", digest, "A young blob without a file: an upload in progress, or cut short.")


def _shelves(blobs: Blobs) -> Iterator[tuple[str, dict[str, Held]]]:
    if isinstance(blobs, LocalBlobs):
        for shelf in _SHELVES:
            yield shelf, _held_locally(f"{blobs.root}/{shelf}")
    elif isinstance(blobs, S3Blobs):
        yield from _held_in_s3(blobs)
    else:
        raise TypeError(f"no way to list {type(blobs).__name__}")


def _held_locally(folder: str) -> dict[str, Held]:
    held: dict[str, Held] = {}
    for below, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                status = os.stat(f"{below}/{name}")
                # Not the modification time, which is the moment of publication and may lie years back (an import).
                held[name] = Held(status.st_size, datetime.fromtimestamp(status.st_ctime, UTC))
    return held


def _held_in_s3(blobs: S3Blobs) -> Iterator[tuple[str, dict[str, Held]]]:
    """Shelf by shelf from one listing, which S3 gives in order of key."""
    import obstore

    shelves = iter(_SHELVES)
    shelf, held = next(shelves), dict[str, Held]()
    for page in obstore.list(blobs.store):
        for item in page:
            digest = item["path"].rpartition("/")[2]
            while not digest.startswith(shelf) and digest > shelf:
                yield shelf, held
                shelf, held = next(shelves), {}
            held[digest] = Held(item["size"], item["last_modified"])
    yield shelf, held
    for shelf in shelves:
        yield shelf, {}


def _after(shelf: str) -> str:
    """The least text after every digest on ``shelf``; ``g`` follows the last hexadecimal digit."""
    return f"{int(shelf, 16) + 1:02x}" if shelf != "ff" else "g"


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} h"
