"""Something between a follower and its origin that hands on, and where a test says so lies, hangs or hangs up.

A real HTTP server on a free port of this machine. Test support, not tests.
"""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HANDED_ON = ("accept", "accept-encoding", "if-none-match", "authorization")
_KEPT = ("content-type", "content-encoding", "etag", "last-modified", "x-journal-head", "x-pypi-last-serial")


@dataclass
class Passed:
    """An answer of the origin on its way."""

    status: int
    headers: dict[str, str]
    body: bytes


Change = Callable[[str, Passed], Passed]


@dataclass
class Between:
    """``change`` sees every answer. What `hangs` says of a path is not answered until ``let_go`` is set; while
    ``is_cut``, every connection is closed without an answer."""

    url: str = ""
    change: Change = lambda path, passed: passed
    hangs: Callable[[str], bool] = lambda path: False
    is_cut: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)


@contextmanager
def between(origin_url: str) -> Iterator[Between]:
    """Hands on to the index at ``origin_url`` until the block ends."""
    told = Between()
    origin = urlsplit(origin_url)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            told.asked.append(self.path)
            if told.is_cut:
                self.close_connection = True
                return
            if told.hangs(self.path):
                told.let_go.wait(60)
            with suppress(OSError):
                self._answer(told.change(self.path, _ask(origin.netloc, self.path, self.headers)))

        def _answer(self, passed: Passed) -> None:
            self.send_response(passed.status)
            for name, value in passed.headers.items():
                self.send_header(name, value)
            if passed.status != 304:
                self.send_header("content-length", str(len(passed.body)))
            self.end_headers()
            self.wfile.write(passed.body)

        def log_message(self, *_: object) -> None:
            """A test's output is the test's."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        told.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield told
        told.let_go.set()
        server.shutdown()
        thread.join()


def _ask(netloc: str, path: str, headers: http.client.HTTPMessage) -> Passed:
    connection = http.client.HTTPConnection(netloc, timeout=60)
    try:
        sent = {name: headers[name] for name in _HANDED_ON if name in headers}
        connection.request("GET", path, headers=sent)
        answer = connection.getresponse()
        kept = {name: value for name in _KEPT if (value := answer.getheader(name)) is not None}
        return Passed(answer.status, kept, answer.read())
    finally:
        connection.close()
