"""Uploads as streams: clients that die half-way, very large files, and many at once."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
import threading
import time
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from tests.core.distributions import wheel_filename, wheel_members
from tests.services.affineur import MODES, Mode, Server, initialise, serve
from tests.web.uploading import (
    BOUNDARY,
    Answer,
    File,
    a_wheel,
    ask,
    filenames,
    form,
    form_of,
    left_behind,
    open_socket,
    page,
    part,
    published,
    refused,
    request_head,
    store_of,
    upload,
)

from affineur.core.history.journal import faults
from affineur.shell.store import journal

MIB = 1024 * 1024


@pytest.fixture(scope="module", params=MODES)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here, all in Python and behind nginx. Each test uses project names of its own."""
    data = tmp_path_factory.mktemp("streams") / "data"
    with serve(data, initialise(data), mode=request.param) as running:
        yield running


def settle(condition: Callable[[], bool], within_seconds: float = 20) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def spooled(index: Server) -> list[Path]:
    return list((index.data / "spool").iterdir())


# -- half an upload


@pytest.mark.parametrize("kept", [0.01, 0.3, 0.99], ids=["fields", "file", "end"])
def test_a_client_that_dies_half_way_leaves_nothing(index: Server, kept: float) -> None:
    file = a_wheel("halved", files={"halved/noise": random.Random(1).randbytes(6 * MIB)})
    body = form_of(file)
    with open_socket(index) as raw:
        raw.sendall(request_head(index, len(body)) + body[: int(len(body) * kept)])
        if kept > 0.1:
            settle(lambda: spooled(index) != [])
        # Without waiting for anything: the connection is reset, as when a machine goes away.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    settle(lambda: spooled(index) == [])
    assert left_behind(index) == []
    assert page(index, "halved") is None
    published(upload(index, a_wheel(f"after-{kept}".replace("0.", ""))))


def test_a_body_that_ends_too_early_is_refused_with_its_last_boundary_missing(index: Server) -> None:
    file = a_wheel("truncated")
    body = form_of(file)
    for cut in (len(body) - 4, len(body) // 2, 60):
        with open_socket(index) as raw:
            raw.sendall(request_head(index, cut) + body[:cut])
            status = raw.recv(65536).split(b"\r\n", 1)[0]
        assert status.startswith(b"HTTP/1.1 400 The form ended before its last boundary."), status
    assert left_behind(index) == []
    assert page(index, "truncated") is None


def test_a_refused_client_that_goes_on_sending_still_hears_why(index: Server) -> None:
    """Answers come after the body, or a client that is still sending would see a broken pipe instead."""
    file = a_wheel("loud")
    body = part("content", b"x" * (32 * MIB), file.filename, "application/octet-stream")
    answer = ask(
        index, "POST", "/legacy/", body,
        content_type=f"multipart/form-data; boundary={BOUNDARY}", authorization="Bearer wrong",
    )  # fmt: skip
    refused(answer, "Invalid or non-existent authentication information.", status=403)


NEARLY_FULL = """
import asyncio, resource, sys
from pathlib import Path
from affineur.core.decision import allow
from affineur.web.multipart import receive_form

form = sys.stdin.buffer.read()
resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 1024 * 1024 // 2, 3 * 1024 * 1024 // 2))

async def body():
    for start in range(0, len(form), 65536):
        yield form[start : start + 65536]

try:
    asyncio.run(receive_form(body(), sys.argv[2], Path(sys.argv[1]), "content", lambda _: (1 << 40, allow("size"))))
except OSError as error:
    print(type(error).__name__)
"""


def test_a_disk_without_room_is_an_error_and_not_a_shorter_file(tmp_path: Path) -> None:
    """The file is 2 MiB, the most that can be written 1.5: of the last mebibyte half is taken, without an error."""
    body = form([], part("content", bytes(2 * MIB), "a", "application/octet-stream"))
    program = [sys.executable, "-c", NEARLY_FULL, str(tmp_path), f"multipart/form-data; boundary={BOUNDARY}"]
    done = subprocess.run(program, input=body, capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"OSError"
    assert list(tmp_path.iterdir()) == []


# -- a very large file


def large_wheel(path: Path, name: str, size_mib: int) -> None:
    """A wheel with ``size_mib`` MiB of one member that is stored, not compressed; made without holding it."""
    block = random.Random(2).randbytes(MIB)
    digest = hashlib.sha256()
    for _ in range(size_mib):
        digest.update(block)
    members = wheel_members(name)
    encoded = urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    record = f"{name}-1.0.dist-info/RECORD"
    members[record] = f"{name}/noise,sha256={encoded},{size_mib * MIB}\n".encode() + members[record]
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open(zipfile.ZipInfo(f"{name}/noise"), "w") as stream:
            for _ in range(size_mib):
                stream.write(block)
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member), data)


@contextmanager
def peak_memory(server: Server) -> Iterator[list[int]]:
    """Bytes by which the resident memory of all the server's processes grew, at most, in the block."""
    root = psutil.Process(server.pid)
    processes = [root, *root.children(recursive=True)]
    grown: list[int] = []
    stop = threading.Event()

    def resident() -> int:
        return sum(process.memory_info().rss for process in processes)

    def watch(before: int) -> None:
        highest = before
        while not stop.wait(0.01):
            highest = max(highest, resident())
        grown.append(max(highest, resident()) - before)

    watcher = threading.Thread(target=watch, args=(resident(),))
    watcher.start()
    try:
        yield grown
    finally:
        stop.set()
        watcher.join()


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_300_mib_costs_little_memory(server: Callable[..., Server], mode: Mode, tmp_path: Path) -> None:
    generous = server(mode=mode, environment={"AFFINEUR_MAXIMUM_FILE_BYTES": str(400 * MIB)})
    published(upload(generous, a_wheel("warm-up")))
    path = tmp_path / "large.whl"
    large_wheel(path, "large", 300)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    file = File(b"", wheel_filename("large"), "large", "1.0")
    with peak_memory(generous) as grown:
        published(post_from(generous, file, path, digest))
    assert grown[0] <= 64 * MIB, f"grew by {grown[0] / MIB:.1f} MiB"
    assert page(generous, "large")["files"][0]["hashes"] == {"sha256": digest}
    with peak_memory(generous) as grown:
        published(post_from(generous, file, path, digest))
    assert grown[0] <= 64 * MIB, "the same file again is read through once more"


def post_from(index: Server, file: File, path: Path, digest: str) -> Answer:
    """Upload the file at ``path``, a mebibyte at a time."""
    before = form_of(file, sha256_digest=digest)
    cut = before.index(b"\r\n\r\n", before.index(b'name="content"')) + 4
    length_bytes = len(before) + path.stat().st_size

    def pieces() -> Iterator[bytes]:
        yield before[:cut]
        with path.open("rb") as stream:
            while piece := stream.read(MIB):
                yield piece
        yield before[cut:]

    return ask(
        index, "POST", "/legacy/", pieces(),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        content_length=str(length_bytes), authorization=f"Bearer {index.token}",
    )  # fmt: skip


# -- many at once


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of each kind; empty for the one in the data folder."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


def test_sixteen_uploaders_at_once_lose_nothing_and_break_no_chain(
    server: Callable[..., Server], database: str
) -> None:
    """Half of them work on one project; all but each project's first file are new releases."""
    busy = server(workers=2, environment={"AFFINEUR_DATABASE": database} if database else None)
    with store_of(busy, database) as store, store.read() as connection:
        before, _ = journal.head(connection)
    jobs = [
        a_wheel("shared" if each % 2 else f"own-{each}", f"{turn}.{each}") for turn in range(6) for each in range(16)
    ]
    with ThreadPoolExecutor(16) as uploaders:
        for answer in uploaders.map(lambda file: upload(busy, file), jobs):
            published(answer)
    assert sorted(filenames(busy, "shared")) == sorted(file.filename for file in jobs if file.name == "shared")
    for file in jobs:
        assert file.filename in filenames(busy, file.name)
        assert ask(busy, "GET", f"/packages/{file.name}/{file.version}/{file.filename}").body == file.data
    with store_of(busy, database) as store, store.read() as connection:
        entries = list(journal.entries(connection))
        head, _ = journal.head(connection)
    assert [entry.serial for entry in entries] == list(range(1, head + 1))
    assert list(faults(entries)) == []
    projects = len({file.name for file in jobs})
    assert head - before == 2 * len(jobs) + projects, "a release and a file each, and each project once"
    assert left_behind(busy, database) == []


def test_one_file_sent_by_eight_at_once_is_published_once(server: Callable[..., Server]) -> None:
    busy = server(workers=2)
    file = a_wheel("popular")
    with ThreadPoolExecutor(8) as uploaders:
        for answer in uploaders.map(lambda _: upload(busy, file), range(8)):
            published(answer)
    assert filenames(busy, "popular") == [file.filename]
    with store_of(busy) as store, store.read() as connection:
        events = [entry.event.event for entry in journal.entries(connection)]
    assert events.count("FilePublished") == 1
    assert left_behind(busy) == []


def test_of_eight_contents_under_one_name_one_is_published(server: Callable[..., Server]) -> None:
    busy = server(workers=2)
    files = [a_wheel("contested", files={"contested.py": f"answer = {number}\n".encode()}) for number in range(8)]
    with ThreadPoolExecutor(8) as uploaders:
        answers = list(uploaders.map(lambda file: upload(busy, file), files))
    taken = [file for file, answer in zip(files, answers, strict=True) if answer.status == 200]
    assert len(taken) == 1
    for answer in answers:
        if answer.status != 200:
            refused(answer, "File already exists ('contested-1.0-py3-none-any.whl'")
    assert page(busy, "contested")["files"][0]["hashes"] == {"sha256": taken[0].sha256}
