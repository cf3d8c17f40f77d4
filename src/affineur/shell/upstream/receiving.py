"""Receiving a file: onto the disk in pieces, digests on the way, held against what was said of it.

What does not live here: where the pieces come from (`fetching`, `folder`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from affineur.core.decision import refuse
from affineur.core.distributions.acceptance import quoted

from .offers import OfferedFile, Received

MAXIMUM_FILE_BYTES = 4 * 1024**3
"""Larger than any distribution known; an upstream that sends without end is cut off here."""

_CHECKED = (
    "sha512",
    "sha3_512",
    "blake2b",
    "sha384",
    "sha3_384",
    "sha256",
    "sha3_256",
    "blake2s",
    "sha224",
    "sha1",
    "md5",
)
# Strongest first. Only algorithms without parameters; the simple API's names are those of `hashlib`.


def receive(pieces: Iterable[bytes], file: OfferedFile, target: Path, modified_at: datetime | None = None) -> Received:
    """Write ``pieces`` to ``target`` and check size and every known digest that ``file`` states.

    `Refused` with ``upstream.size`` or ``upstream.digest``. Nothing stays where this raises, whatever the cause.
    """
    limit = MAXIMUM_FILE_BYTES if file.size_bytes is None else min(file.size_bytes, MAXIMUM_FILE_BYTES)
    taken = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", "md5", *checkable(file.digests)}}
    blake2b = hashlib.blake2b(digest_size=32)
    size_bytes = 0
    try:
        with open(target, "xb", buffering=0) as stream:
            for piece in pieces:
                size_bytes += len(piece)
                if size_bytes > limit:
                    _refuse_size(file, f"more than {limit:,}")
                stream.write(piece)
                blake2b.update(piece)
                for digest in taken.values():
                    digest.update(piece)
        if file.size_bytes is not None and size_bytes != file.size_bytes:
            _refuse_size(file, f"{size_bytes:,}")
        found = {name: digest.hexdigest() for name, digest in taken.items()}
        require_digests(file, found)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Received(target, size_bytes, found["sha256"], blake2b.hexdigest(), found["md5"], modified_at)


def checkable(digests: Mapping[str, str]) -> list[str]:
    """The algorithms among ``digests`` that can be computed here, the strongest first."""
    return [name for name in _CHECKED if name in digests]


def require_digests(file: OfferedFile, found: Mapping[str, str]) -> None:
    """`Refused` (``upstream.digest``) where a digest in ``found`` is not the one that ``file`` states."""
    for name in checkable(file.digests):
        stated = file.digests[name].lower()
        if name in found and not hmac.compare_digest(stated.encode(), found[name].encode()):
            refuse(
                "upstream.digest",
                f"{quoted(file.filename)} does not have the {name} digest that the upstream states.",
                "It was damaged or exchanged there: ask whoever runs the upstream.",
                stated=stated[:128],
                found=found[name],
            )


def _refuse_size(file: OfferedFile, arrived: str) -> None:
    stated = "" if file.size_bytes is None else f", not the {file.size_bytes:,} that the upstream states"
    refuse(
        "upstream.size",
        f"{quoted(file.filename)} has {arrived} bytes{stated}.",
        "It was damaged or exchanged there: ask whoever runs the upstream.",
    )


_SPOOL = "import-"


@contextlib.contextmanager
def spool_folder(spool: Path) -> Iterator[Path]:
    """A folder of one's own below ``spool`` for files that arrive; it goes with the block.

    What a killed process left there goes, too: a folder whose lock nobody holds belongs to nobody.
    """
    for left in spool.glob(f"{_SPOOL}*"):
        with contextlib.suppress(OSError), open(left / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    # Under a name that nobody looks for until it is locked.
    fresh = spool / f".{_SPOOL}{os.getpid()}-{secrets.token_hex(8)}"
    fresh.mkdir()
    with open(fresh / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = fresh.rename(spool / fresh.name[1:])
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
