"""A receiver of webhooks, as somebody else might run it: a small HTTP server that keeps what it was sent.

Test support, not tests. Signatures are checked here with the standard library alone, by the words of the
specification (Standard Webhooks 1.0.0), so that they are checked by other code than made them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Sent:
    """One request that came. ``headers`` by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def serial(self) -> int | None:
        return self.message["data"].get("serial")

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is made with ``secret`` (``whsec_…``)."""
        assert secret.startswith("whsec_"), secret
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        signed = b".".join((self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body))
        made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = [each.partition(",") for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(value, made) for version, _, value in given)


@dataclass
class Receiver:
    """``url``: where it listens. ``answers``: what each path answers: a status, or a function of the request."""

    url: str
    sent: list[Sent] = field(default_factory=list)
    answers: dict[str, int | Callable[[Sent], int]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"
    drip_seconds: float = 0.0

    def to(self, path: str) -> list[Sent]:
        """What came to a path."""
        return [each for each in self.sent if each.path == path]

    def wait(self, path: str, number: int, seconds: float = 60.0) -> list[Sent]:
        """What came to a path, once it is at least ``number``."""
        until = time.monotonic() + seconds
        while len(found := self.to(path)) < number:
            assert time.monotonic() < until, f"{len(found)} of {number} came to {path}"
            time.sleep(0.02)
        return found


@contextmanager
def open_receiver() -> Iterator[Receiver]:
    """A receiver on a free port of this machine, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            sent = Sent(self.path, named, body, time.monotonic())
            receiver.sent.append(sent)
            answer = receiver.answers.get(self.path, 200)
            status = answer if isinstance(answer, int) else answer(sent)
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            if receiver.drip_seconds:
                for each in receiver.body:
                    self.wfile.write(bytes((each,)))
                    self.wfile.flush()
                    time.sleep(receiver.drip_seconds)
            else:
                self.wfile.write(receiver.body)

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A sender that hangs up is part of some tests."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
