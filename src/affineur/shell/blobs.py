"""Blobs: the private, content-addressed store of file contents, named by SHA-256.

A blob is put before the transaction that mentions it, so a row never lacks its blob; a crash in between leaves
an orphan, which the sweep removes. Putting is idempotent. Two stores stand behind one port: a local folder, and
any S3 through obstore.
What does not live here: what is on offer (`shell.tree`), and the `Distribution` that a blob holds.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from affineur.settings import Settings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import ReadableFile
    from obstore.store import S3Store

CHUNK_BYTES = 1024 * 1024


class BlobMissing(KeyError):
    """No blob has this digest."""


class Blobs(Protocol):
    """What every blob store can do. Digests are SHA-256 in lowercase hex."""

    local: bool

    def put_file(self, sha256: str, spooled: Path, moment: datetime) -> None:
        """Keep the finished spool file as the blob; durable on return. ``spooled`` is consumed."""

    def put_bytes(self, sha256: str, body: bytes, moment: datetime) -> None:
        """Keep ``body`` as the blob; durable on return."""

    def open(self, sha256: str) -> BinaryIO:
        """The blob's contents from the start, seekable. `BlobMissing` where there is none."""

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there."""

    def remove(self, sha256: str) -> None:
        """Delete the blob; nothing happens where there is none."""

    def digests(self) -> Iterator[tuple[str, int]]:
        """Every blob as ``(digest, size_bytes)``, in any order."""


def open_blobs(settings: Settings) -> Blobs:
    """The blob store that the settings name."""
    if not settings.blobs:
        return LocalBlobs(settings.data / "blobs")
    if settings.blobs.startswith("s3://"):
        return S3Blobs(settings)
    return LocalBlobs(Path(settings.blobs))


class LocalBlobs:
    """Blobs as plain files: ``<root>/ab/<digest>``, in 256 folders that are made once.

    A file on offer is a hard link to its blob, so a blob's modification time is what clients see as
    ``Last-Modified``: the moment it was published. Where contents are shared (the same METADATA in several
    wheels), the first moment stays.
    """

    local = True

    def __init__(self, root: Path) -> None:
        self.root = root
        if not os.path.isdir(f"{root}/ff"):  # made last
            for number in range(256):
                os.makedirs(f"{root}/{number:02x}", exist_ok=True)
            _sync_folder(str(root))

    def path(self, sha256: str) -> str:
        """Where the blob is, or would be. `ValueError` for what is no digest and would lead elsewhere."""
        if "/" in sha256:
            raise ValueError("a digest has no slash in it")
        return f"{self.root}/{sha256[:2]}/{sha256}"

    def put_file(self, sha256: str, spooled: Path, moment: datetime) -> None:
        """See `Blobs.put_file`. The spool must be on the same file system."""
        seconds = moment.timestamp()
        os.utime(spooled, (seconds, seconds))
        fd = os.open(spooled, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        self._settle(sha256, spooled)

    def put_bytes(self, sha256: str, body: bytes, moment: datetime) -> None:
        """See `Blobs.put_bytes`."""
        if self._is_kept(sha256):
            return
        partial = Path(f"{self.root}/.{sha256}.{os.getpid()}.{threading.get_ident()}")
        partial.write_bytes(body)
        self.put_file(sha256, partial, moment)

    def open(self, sha256: str) -> BinaryIO:
        """See `Blobs.open`."""
        try:
            return open(self.path(sha256), "rb")
        except FileNotFoundError:
            raise BlobMissing(sha256) from None

    def exists(self, sha256: str) -> bool:
        """See `Blobs.exists`."""
        return os.path.exists(self.path(sha256))

    def remove(self, sha256: str) -> None:
        """See `Blobs.remove`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(sha256))

    def digests(self) -> Iterator[tuple[str, int]]:
        """See `Blobs.digests`."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                if not name.startswith("."):
                    yield name, os.stat(f"{folder}/{name}").st_size

    def _settle(self, sha256: str, finished: Path) -> None:
        target = self.path(sha256)
        try:
            os.link(finished, target)
            _sync_folder(os.path.dirname(target))
        except FileExistsError:  # never over an existing blob: that may be linked into the public tree
            self._is_kept(sha256)
        os.unlink(finished)

    def _is_kept(self, sha256: str) -> bool:
        """Whether the blob is there, durable, and too young again for a sweep to take it for nobody's."""
        target = self.path(sha256)
        try:
            status = os.stat(target)
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))  # moves the time of change, nothing else
        except FileNotFoundError:
            return False
        _sync_folder(os.path.dirname(target))  # whoever put it may not have come that far
        return True


class S3Blobs:
    """Blobs as objects ``<prefix>/<digest>`` of an S3 bucket."""

    local = False

    def __init__(self, settings: Settings) -> None:
        from obstore.store import S3Store

        bucket, _, prefix = settings.blobs.removeprefix("s3://").partition("/")
        options: dict[str, object] = {"region": settings.s3_region}
        if settings.s3_endpoint:
            options["endpoint"] = settings.s3_endpoint
            options["client_options"] = {"allow_http": settings.s3_endpoint.startswith("http://")}
        self.store: S3Store = S3Store(bucket, prefix=prefix or None, **options)  # type: ignore[arg-type]

    def put_file(self, sha256: str, spooled: Path, moment: datetime) -> None:
        """See `Blobs.put_file`. Large files go up in parts of a few MiB; nothing is held whole.

        An object that is there already is put again: the same bytes, but young, so that no sweep takes it.
        """
        import obstore

        obstore.put(self.store, sha256, spooled, max_concurrency=2)
        spooled.unlink()

    def put_bytes(self, sha256: str, body: bytes, moment: datetime) -> None:
        """See `Blobs.put_bytes`."""
        import obstore

        obstore.put(self.store, sha256, body)

    def open(self, sha256: str) -> BinaryIO:
        """See `Blobs.open`. Reads ahead in blocks of 1 MiB."""
        import obstore

        try:
            return io.BufferedReader(_Reading(obstore.open_reader(self.store, sha256, buffer_size=CHUNK_BYTES)))
        except FileNotFoundError:
            raise BlobMissing(sha256) from None

    def exists(self, sha256: str) -> bool:
        """See `Blobs.exists`."""
        import obstore

        try:
            obstore.head(self.store, sha256)
        except FileNotFoundError:
            return False
        return True

    def remove(self, sha256: str) -> None:
        """See `Blobs.remove`."""
        import obstore

        obstore.delete(self.store, sha256)

    def digests(self) -> Iterator[tuple[str, int]]:
        """See `Blobs.digests`."""
        import obstore

        for page in obstore.list(self.store):
            for item in page:
                yield item["path"].rpartition("/")[2], item["size"]

    def size(self, sha256: str) -> int:
        """Size in bytes. `BlobMissing` where there is none."""
        import obstore

        try:
            return int(obstore.head(self.store, sha256)["size"])
        except FileNotFoundError:
            raise BlobMissing(sha256) from None

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """Bytes ``start`` to ``end`` (exclusive)."""
        import obstore

        return bytes(obstore.get_range(self.store, sha256, start=start, end=end))

    def presigned(self, sha256: str, seconds: int = 600) -> str:
        """An address at which anybody may fetch the blob for a while."""
        import obstore

        return obstore.sign(self.store, "GET", sha256, timedelta(seconds=seconds))


class _Reading(io.RawIOBase):
    """An object of a bucket as a binary stream of Python's own kind: obstore's is no context manager."""

    def __init__(self, reader: ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._reader.read(len(view))
        view[: len(data)] = memoryview(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
