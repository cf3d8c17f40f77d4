"""An upstream that a test tells what to answer, however wrong: a real HTTP server on a free port of this machine.

Test support, not tests.
"""

from __future__ import annotations

import http.server
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HTML = "text/html"
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Answer:
    """``claimed_bytes`` is the Content-Length where it is not the truth; then the connection ends too early."""

    body: bytes = b""
    status: int = 200
    content_type: str = HTML
    headers: dict[str, str] = field(default_factory=dict)
    claimed_bytes: int | None = None


@dataclass
class Upstream:
    """``answers`` by path, each an `Answer` or, where it changes, a function of how often it was asked before."""

    url: str
    answers: dict[str, Answer | Callable[[int], Answer]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    seen_headers: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str) -> Answer:
        before = self.asked[path]
        self.asked[path] += 1
        found = self.answers.get(path, Answer(status=404))
        return found if isinstance(found, Answer) else found(before)


@contextmanager
def upstream(*, one_at_a_time: bool = False) -> Iterator[Upstream]:
    """A server that runs until the block ends; ``one_at_a_time`` as wsgiref, and so pypiserver, does it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = served.answer(self.path)
            served.seen_headers.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(answer.claimed_bytes or len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.close_connection = answer.claimed_bytes is not None

        def log_message(self, *_: object) -> None:
            """A test's output is the test's."""

    kind = http.server.HTTPServer if one_at_a_time else http.server.ThreadingHTTPServer
    with kind(("127.0.0.1", 0), Handler) as server:
        if isinstance(server, http.server.ThreadingHTTPServer):
            server.daemon_threads = True
        served = Upstream(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


@contextmanager
def hung_upstream() -> Iterator[str]:
    """The URL of a server whose only thread is stuck: the kernel takes connections, and nobody reads them."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
