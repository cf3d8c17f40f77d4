"""The files of the lake: put whole and durable, never changed, and taken away when nobody reads them any more.

They are below `lake/` of the data folder, or in S3, where that folder has copies of what this machine has read.
What does not live here: which files the lake consists of (`shell.store.lake`), and what is in them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from affineur.settings import MIB, Settings

if TYPE_CHECKING:
    from obstore.store import S3Store

_FRESH = ".new"
"""The folder, below the lake, in which files are made. What is older than an hour in it was left by a crash."""


class FileGone(KeyError):
    """The lake has no file of this name."""


class FileDamaged(ValueError):
    """What S3 gave is not what was put there."""


@dataclass(frozen=True, slots=True)
class Put:
    """A file that was put: SHA-256 of its contents in lowercase hex, and its size."""

    sha256: str
    size_bytes: int


class Files(Protocol):
    """Files by name (`kind/period/name.parquet`). Safe to use from several threads and processes."""

    root: Path

    def put(self, name: str, made: Path) -> Put:
        """Keep the finished file ``made`` under ``name``; durable on return. ``made`` is consumed."""

    def local(self, name: str, sha256: str) -> Path:
        """Where the file can be read on this machine. What comes from S3 is held against ``sha256``.

        Raises `FileGone` where there is none, and `FileDamaged`.
        """

    def remove(self, name: str) -> None:
        """Take the file away, here and in S3; nothing happens where there is none."""

    def forget(self, name: str) -> None:
        """Take away what this machine has of the file; where that is all there is, the file."""

    def names(self) -> Iterator[tuple[str, datetime]]:
        """Every file that is kept, with the moment (aware UTC) it was put, in any order."""

    def copies(self) -> Iterator[tuple[str, datetime]]:
        """Every copy that this machine has of a file in S3, with the moment it came. None where files are here."""


def open_files(settings: Settings) -> Files:
    """The files that the settings name: in S3 where statistics are kept there, else on this machine."""
    if settings.statistics.startswith("s3://"):
        return S3Files(settings)
    return LocalFiles(settings.lake)


@contextmanager
def fresh(files: Files) -> Iterator[Path]:
    """A path for a file that is to be made and then put; what is still there afterwards is removed."""
    folder = files.root / _FRESH
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(8)}.parquet"
    try:
        yield path
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def new_name(kind: str, period: str, prefix: str = "") -> str:
    """A name that no file has, of a file of ``kind`` for the day or month ``period``."""
    return f"{kind}/{period}/{prefix}{secrets.token_hex(8)}.parquet"


def sweep_fresh(root: Path, before: datetime) -> int:
    """Remove what crashes left half made before that moment; how many."""
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for path in (root / _FRESH).iterdir():
            if path.stat().st_mtime < before.timestamp():
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                removed += 1
    return removed


class LocalFiles:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, made: Path) -> Put:
        """See `Files.put`. ``made`` must be on the same file system."""
        with made.open("rb+") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
            size_bytes = os.fstat(stream.fileno()).st_size
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.rename(target)
        except FileNotFoundError:  # the folder was empty, and was removed between
            target.parent.mkdir(parents=True, exist_ok=True)
            made.rename(target)
        for folder in (target.parent, target.parent.parent, self.root):  # each may have been made just now
            _sync_folder(folder)
        return Put(digest, size_bytes)

    def local(self, name: str, sha256: str) -> Path:
        """See `Files.local`."""
        path = self.root / name
        if not path.exists():
            raise FileGone(name)
        return path

    def remove(self, name: str) -> None:
        """See `Files.remove`."""
        (self.root / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it has other files
            (self.root / name).parent.rmdir()

    forget = remove

    def names(self) -> Iterator[tuple[str, datetime]]:
        """See `Files.names`."""
        for path in self.root.glob("[!.]*/*/*.parquet"):
            with contextlib.suppress(FileNotFoundError):
                yield str(path.relative_to(self.root)), datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def copies(self) -> Iterator[tuple[str, datetime]]:
        """See `Files.copies`."""
        return iter(())


class S3Files:
    """Files as objects ``<prefix>/<name>`` of a bucket, with copies on this machine."""

    def __init__(self, settings: Settings) -> None:
        from obstore.store import S3Store

        bucket, _, prefix = settings.statistics.removeprefix("s3://").partition("/")
        options: dict[str, object] = {"region": settings.s3_region}
        if settings.s3_endpoint:
            options["endpoint"] = settings.s3_endpoint
            options["client_options"] = {"allow_http": settings.s3_endpoint.startswith("http://")}
        self.store: S3Store = S3Store(bucket, prefix=prefix or None, **options)  # type: ignore[arg-type]
        self._kept = LocalFiles(settings.lake)
        self.root = settings.lake

    def put(self, name: str, made: Path) -> Put:
        """See `Files.put`. The copy on this machine comes last: it is never of something that is not kept."""
        import obstore

        with made.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        size_bytes = made.stat().st_size
        obstore.put(self.store, name, made, max_concurrency=2)
        self._kept.put(name, made)
        return Put(digest, size_bytes)

    def local(self, name: str, sha256: str) -> Path:
        """See `Files.local`."""
        with contextlib.suppress(FileGone):
            return self._kept.local(name, sha256)
        with fresh(self) as path:
            found = self._fetch(name, path)
            if found != sha256:
                raise FileDamaged(name)
            self._kept.put(name, path)
        return self._kept.local(name, sha256)

    def remove(self, name: str) -> None:
        """See `Files.remove`."""
        import obstore

        obstore.delete(self.store, name)
        self._kept.remove(name)

    def forget(self, name: str) -> None:
        """See `Files.forget`."""
        self._kept.remove(name)

    def names(self) -> Iterator[tuple[str, datetime]]:
        """See `Files.names`."""
        import obstore

        for page in obstore.list(self.store):
            for item in page:
                yield item["path"], item["last_modified"]

    def copies(self) -> Iterator[tuple[str, datetime]]:
        """See `Files.copies`."""
        return self._kept.names()

    def _fetch(self, name: str, path: Path) -> str:
        import obstore

        digest = hashlib.sha256()
        try:
            with path.open("wb") as stream:
                for some in obstore.get(self.store, name).stream(min_chunk_size=4 * MIB):
                    digest.update(some)
                    stream.write(some)
        except FileNotFoundError:
            raise FileGone(name) from None
        return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
