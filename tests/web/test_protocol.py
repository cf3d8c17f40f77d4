"""The protocol against clients that are slow, greedy or gone: each costs a bounded share, and nobody else anything."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn
from tests.core.distributions import wheel_filename
from tests.services.affineur import Server
from tests.web.uploading import a_wheel, upload

from affineur.web import protocol
from affineur.web.hot import Hot
from affineur.web.requestlog import RequestLog

MIB = 1024 * 1024
LARGE = os.urandom(24 * MIB)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An index in Python mode with a small and a large file."""
    from tests.services.affineur import initialise, serve

    data = tmp_path_factory.mktemp("protocol") / "data"
    with serve(data, initialise(data), mode="python", workers=1) as running:
        assert upload(running, a_wheel("small")).status == 200
        assert upload(running, a_wheel("large", files={"large/data": LARGE})).status == 200
        yield running


def connected(server: Server) -> socket.socket:
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port or 80), timeout=20)


def test_a_head_that_grows_too_large_is_refused_and_the_connection_closed(filled: Server) -> None:
    with connected(filled) as client:
        client.sendall(b"GET /simple/small/ HTTP/1.1\r\nhost: x\r\n")
        answer = b""
        try:
            for number in range(200):
                client.sendall(b"x-%d: %s\r\n" % (number, b"y" * 4000))
        except OSError:
            pass
        client.settimeout(5)
        try:
            while piece := client.recv(4096):
                answer += piece
        except OSError:
            pass
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_an_endless_head_costs_no_memory(filled: Server) -> None:
    before = _memory(filled)
    for _ in range(5):
        with connected(filled) as client:
            client.sendall(b"GET /simple/small/ HTTP/1.1\r\nx: ")
            try:
                for _ in range(100):
                    client.sendall(b"y" * 256 * 1024)
            except OSError:
                continue
            pytest.fail("25 MiB of a head were taken")
    assert _memory(filled) - before < 16 * MIB


def test_large_files_and_pages_follow_each_other_on_one_connection(filled: Server) -> None:
    name = wheel_filename("large", "1.0")
    with httpx.Client(base_url=filled.url) as client:
        expected = client.get(f"packages/large/1.0/{name}").content
        assert LARGE in expected or len(expected) > len(LARGE)
    asked = b"".join(
        b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path
        for path in (b"/packages/large/1.0/" + name.encode(), b"/simple/small/", b"/health/live")
    )
    with connected(filled) as client:
        client.sendall(asked)
        received = bytearray()
        while not received.endswith(b"\r\n\r\nlive"):
            piece = client.recv(MIB)
            assert piece, "the connection ended early"
            received += piece
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert bytes(expected) in received


def test_a_client_that_leaves_in_the_middle_of_a_file_leaves_one_honest_line(filled: Server) -> None:
    with connected(filled) as client:
        client.sendall(
            b"GET /packages/large/1.0/%s HTTP/1.1\r\nhost: x\r\nuser-agent: leaver\r\n\r\n"
            % wheel_filename("large", "1.0").encode()
        )
        received = 0
        while received < 10_000:  # more than a head, which may come by itself
            received += len(client.recv(1000))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    deadline = time.monotonic() + 20
    while not (lines := [line for line in _log(filled) if '"leaver"' in line]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(lines) == 1
    assert '"bytes":0,' not in lines[0]
    assert "Traceback" not in filled.log.read_text()


def test_what_goes_out_by_sendfile_is_counted(filled: Server) -> None:
    before = _sent(filled)
    size = len(httpx.get(f"{filled.url}packages/large/1.0/{wheel_filename('large', '1.0')}").content)
    deadline = time.monotonic() + 10
    while _sent(filled) - before < size:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_accept_headers_without_end_do_not_fill_the_memory(filled: Server) -> None:
    before = _memory(filled)
    with httpx.Client(base_url=filled.url) as client:
        for number in range(1500):
            client.get("simple/small/", headers={"accept": f"text/html, a/b{number};q=0.{'1' * 3500}"})
    assert _memory(filled) - before < 12 * MIB


def test_a_disk_that_takes_no_log_line_stops_no_download(server: Callable[..., Server], tmp_path: Path) -> None:
    from tests.services.affineur import initialise

    data = tmp_path / "data"
    token = initialise(data)
    (data / "logs" / f"requests-{datetime.now(UTC):%Y-%m-%d}.jsonl").symlink_to("/dev/full")
    full = server(data=data, token=token)
    assert upload(full, a_wheel("small")).status == 200
    answer = httpx.get(f"{full.url}packages/small/1.0/{wheel_filename('small', '1.0')}")
    assert answer.status_code == 200
    assert "requests are not logged" in full.log.read_text()


def test_a_range_unit_is_read_in_either_case_and_an_unknown_one_ignored(filled: Server) -> None:
    url = f"{filled.url}packages/small/1.0/{wheel_filename('small', '1.0')}"
    assert httpx.get(url, headers={"range": "Bytes=0-1"}).status_code == 206
    assert httpx.get(url, headers={"range": "lines=0-1"}).status_code == 200


def test_a_client_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with _serving(tmp_path) as address:
        for said in (b"", b"GET /simple/x/ HTTP/1.1\r\nhost:"):
            began = time.monotonic()
            with socket.create_connection(address, timeout=10) as client:
                client.sendall(said)
                assert client.recv(100) == b""
            assert time.monotonic() - began < 5


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[str, int]]:
    """uvicorn with our protocol over an empty tree, in a thread."""

    async def nothing(scope: object, receive: object, send: object) -> None:
        """No application is needed."""

    log = RequestLog(folder, str)
    hot = Hot(folder, log, cache_bytes=MIB, max_age_seconds=0)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(nothing, http=protocol.protocol_for(hot), lifespan="off", log_config=None, loop="uvloop")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        running.should_exit = True
        thread.join(10)


def _memory(server: Server) -> int:
    """Resident bytes of the process that answers."""
    return max(child.memory_info().rss for child in psutil.Process(server.pid).children())


def _log(server: Server) -> list[str]:
    return [line for path in (server.data / "logs").glob("*.jsonl") for line in path.read_text().splitlines()]


def _sent(server: Server) -> float:
    lines = httpx.get(f"{server.url}metrics").text.splitlines()
    found = [line for line in lines if line.startswith('affineur_sent_bytes_total{route="file"}')]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0
