"""The two blob stores behind one port: what is put stays, once, unchanged and whole."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.services.s3 import Bucket

from affineur.settings import Settings
from affineur.shell.blobs import BlobMissing, Blobs, LocalBlobs, S3Blobs, open_blobs

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = b"curd " * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(params=["local", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    if request.param == "local":
        yield open_blobs(Settings(data=tmp_path))
        return
    bucket: Bucket = request.getfixturevalue("s3")
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    yield open_blobs(Settings(data=tmp_path, blobs=f"s3://{bucket.name}/cellar", s3_endpoint=bucket.endpoint))


@pytest.fixture
def spooled(tmp_path: Path) -> Callable[[bytes], Path]:
    """Make a finished spool file."""

    def make(body: bytes) -> Path:
        path = tmp_path / "spooled"
        path.write_bytes(body)
        return path

    return make


def read(blobs: Blobs, digest: str) -> bytes:
    with blobs.open(digest) as stream:
        return bytes(stream.read())


def test_a_file_that_is_put_can_be_read_and_its_spool_is_gone(blobs: Blobs, spooled: Callable[[bytes], Path]) -> None:
    path = spooled(BODY)
    assert not blobs.exists(DIGEST)
    blobs.put_file(DIGEST, path, NOW)
    assert not path.exists()
    assert blobs.exists(DIGEST)
    assert read(blobs, DIGEST) == BODY


def test_bytes_that_are_put_can_be_read(blobs: Blobs) -> None:
    blobs.put_bytes(DIGEST, BODY, NOW)
    assert read(blobs, DIGEST) == BODY


def test_a_blob_can_be_read_from_any_place(blobs: Blobs) -> None:
    blobs.put_bytes(DIGEST, BODY, NOW)
    with blobs.open(DIGEST) as stream:
        stream.seek(-5, os.SEEK_END)
        assert bytes(stream.read()) == b"curd "
        stream.seek(1)
        assert bytes(stream.read(3)) == b"urd"


def test_putting_again_is_no_error_and_consumes_the_spool(blobs: Blobs, spooled: Callable[[bytes], Path]) -> None:
    for _ in range(2):
        path = spooled(BODY)
        blobs.put_file(DIGEST, path, NOW)
        assert not path.exists()
    blobs.put_bytes(DIGEST, BODY, NOW)
    assert read(blobs, DIGEST) == BODY
    assert list(blobs.digests()) == [(DIGEST, len(BODY))]


def test_an_empty_file_is_a_blob_like_any_other(blobs: Blobs, spooled: Callable[[bytes], Path]) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    blobs.put_file(digest, spooled(b""), NOW)
    assert list(blobs.digests()) == [(digest, 0)]


def test_a_blob_that_is_not_there_is_missing_and_may_be_removed(blobs: Blobs) -> None:
    with pytest.raises(BlobMissing):
        blobs.open(DIGEST)
    blobs.remove(DIGEST)
    assert not blobs.exists(DIGEST)
    assert list(blobs.digests()) == []


def test_a_removed_blob_is_gone_and_can_be_put_again(blobs: Blobs) -> None:
    blobs.put_bytes(DIGEST, BODY, NOW)
    blobs.remove(DIGEST)
    assert not blobs.exists(DIGEST)
    with pytest.raises(BlobMissing):
        blobs.open(DIGEST)
    blobs.put_bytes(DIGEST, BODY, NOW)
    assert read(blobs, DIGEST) == BODY


def test_every_blob_is_listed_with_its_size(blobs: Blobs) -> None:
    kept = {hashlib.sha256(body).hexdigest(): len(body) for body in (b"a", b"bb", b"ccc", b"")}
    for body in (b"a", b"bb", b"ccc", b""):
        blobs.put_bytes(hashlib.sha256(body).hexdigest(), body, NOW)
    assert dict(blobs.digests()) == kept


def test_a_blob_that_is_linked_is_never_replaced_only_made_young(tmp_path: Path) -> None:
    """A file on offer is a hard link: a new inode in its blob's place would part the two."""
    blobs = LocalBlobs(tmp_path / "blobs")
    blobs.put_bytes(DIGEST, BODY, NOW)
    before = os.stat(blobs.path(DIGEST))
    link = tmp_path / "on-offer"
    os.link(blobs.path(DIGEST), link)
    again = tmp_path / "again"
    again.write_bytes(BODY)
    changed = os.stat(blobs.path(DIGEST)).st_ctime_ns
    blobs.put_file(DIGEST, again, NOW + timedelta(days=1))
    blobs.put_bytes(DIGEST, BODY, NOW + timedelta(days=2))
    after = os.stat(blobs.path(DIGEST))
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert after.st_nlink == 2
    # A sweep goes by the time of change; a retry of an upload must not lose the blob to it.
    assert after.st_ctime_ns > changed


def test_a_blob_carries_the_moment_it_was_published(tmp_path: Path) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    blobs.put_bytes(DIGEST, BODY, NOW)
    assert os.stat(blobs.path(DIGEST)).st_mtime == NOW.timestamp()


def test_opening_a_local_store_twice_harms_nothing(tmp_path: Path) -> None:
    LocalBlobs(tmp_path / "blobs").put_bytes(DIGEST, BODY, NOW)
    assert read(LocalBlobs(tmp_path / "blobs"), DIGEST) == BODY


PUT_IN_ORDER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from affineur.shell.blobs import LocalBlobs

blobs = LocalBlobs(Path(sys.argv[1]) / "blobs")
path = Path(sys.argv[1]) / "spooled"
path.write_bytes(b"curd")
seen = []
fsync, link = os.fsync, os.link
os.fsync = lambda fd: (seen.append("sync " + ("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")), fsync(fd))
os.link = lambda *a: (seen.append("link"), link(*a))
blobs.put_file("ab" * 32, path, datetime.now(UTC))
blobs.put_bytes("ab" * 32, b"curd", datetime.now(UTC))
print(*seen, sep=", ")
"""


def test_contents_reach_the_disk_before_the_name_and_the_name_before_the_answer(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PUT_IN_ORDER, tmp_path], capture_output=True, text=True, check=True)
    # The last: whoever finds a blob there waits for its name, too, which somebody else may just have made.
    assert done.stdout.strip() == "sync file, link, sync folder, sync folder"


PUT_LARGE = """
import hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from affineur.settings import Settings
from affineur.shell.blobs import open_blobs

def peak_kib():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

path, bucket, endpoint, size = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
block = bytes(range(256)) * 4096
hashing = hashlib.sha256()
with path.open("wb") as stream:
    for number in range(size // len(block)):
        part = number.to_bytes(8, "big") + block[8:]
        hashing.update(part)
        stream.write(part)
blobs = open_blobs(Settings(blobs=f"s3://{bucket}/large", s3_endpoint=endpoint))
blobs.put_bytes("00" * 32, b"warm", datetime.now(UTC))
before = peak_kib()
digest = hashing.hexdigest()
blobs.put_file(digest, path, datetime.now(UTC))
print(digest, peak_kib() - before)
"""


def test_a_file_of_200_mib_goes_to_s3_without_being_held_in_memory(
    tmp_path: Path, s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    size_bytes = 200 * 1024 * 1024
    done = subprocess.run(
        [sys.executable, "-c", PUT_LARGE, tmp_path / "large", s3.name, s3.endpoint, str(size_bytes)],
        capture_output=True, text=True, check=True, env={**os.environ, **s3.environment},
    )  # fmt: skip
    digest, grown_kib = done.stdout.split()
    assert int(grown_kib) < 64 * 1024
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    blobs = S3Blobs(Settings(blobs=f"s3://{s3.name}/large", s3_endpoint=s3.endpoint))
    assert blobs.size(digest) == size_bytes
    hashing = hashlib.sha256()
    for start in range(0, size_bytes, 16 * 1024 * 1024):
        hashing.update(blobs.read(digest, start, min(start + 16 * 1024 * 1024, size_bytes)))
    assert hashing.hexdigest() == digest
