"""How HTTP reaches us: uvicorn's HTTP/1.1 protocol, with two things more.

A request that the hot path can answer is answered right where its headers end, without a task or a message:
that halves the cost of an index page. A response may name its own reason phrase (the header `REASON_HEADER`),
because upload clients show people nothing else of a refusal; ASGI has no place for it. And a file may be sent by
its path: the kernel copies it.

What does not live here: any rule about what is answered (`web.hot`, `web.app`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .hot import Answer, Hot

log = logging.getLogger(__name__)

REASON_HEADER = b"x-reason"
"""Set by the application; turned into the reason phrase and never sent as a header."""

MAXIMUM_HEAD_BYTES = 64 * 1024
"""Of a request's line and headers; nginx stops at 32 KiB."""
HEAD_SECONDS = 30.0
"""How long a client may take for them."""
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: text/plain\r\ncontent-length: 46\r\n\r\n"
    b"431 The head of a request has at most 64 KiB.\n"
)

STALLED_SECONDS = 120.0
"""How long a client may take nothing of a file before its connection is closed."""

_JOIN_BELOW_BYTES = 16 * 1024
"""Copying a small body behind its head costs less than a second write; for a large one it is the other way."""
_SENDFILE_BYTES = 1024 * 1024
_STATUS_LINES = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}
_REASON_LINE = b"\r\n" + REASON_HEADER + b": "


class ClientGone(ConnectionError):
    """The client left, or takes nothing more, in the middle of a file. ``sent_bytes`` of its body had gone out."""

    def __init__(self, sent_bytes: int) -> None:
        super().__init__("The client went away.")
        self.sent_bytes = sent_bytes


class _Answered:
    """Stands for the request that was answered at once, where uvicorn expects one in progress."""

    response_complete = True
    message_event = asyncio.Event()


_ANSWERED: Any = _Answered()


class Protocol(HttpToolsProtocol):
    """One connection. ``hot`` is set on a subclass made for each server (see `protocol_for`)."""

    hot: Hot
    _head_bytes = 0
    _head_is_open = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects has to say something soon."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is answered to a client that is gone; requests that waited in line neither."""
        self._end_head()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that does not end, or grows too large, is refused: nobody's memory is ours to fill."""
        super().data_received(data)
        if not self._head_is_open:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAXIMUM_HEAD_BYTES:
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_is_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer at once, or hand on to uvicorn."""
        self._end_head()
        method = self.parser.get_method()
        if (
            (method == b"GET" or method == b"HEAD")
            and b"?" not in self.url
            and b"%" not in self.url
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
        ):
            client = self.client[0] if self.client else ""
            answer = self._hot_answer(method, client)
            if answer is not None:
                parts = [_STATUS_LINES[answer.status]]
                parts.extend([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
                parts += (answer.head, b"\r\n")
                if len(answer.body) < _JOIN_BELOW_BYTES:
                    self.transport.write(b"".join((*parts, answer.body)))
                else:
                    self.transport.writelines((b"".join(parts), answer.body))
                self.cycle = _ANSWERED
                self.on_response_complete()
                return
        super().on_headers_complete()

    def _hot_answer(self, method: bytes, client: str) -> Answer | None:
        try:
            return self.hot.answer(method, self.url.decode("latin-1"), self.headers, client)
        except Exception:  # a full disk, say: inside the parser it would pass for a bad request
            log.exception("the hot path failed; the application answers")
            return None

    def _end_head(self) -> None:
        self._head_is_open = False
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        transport = cycle.transport
        cycle.transport = _ReasonTransport(transport)  # type: ignore[assignment]
        cycle.scope["extensions"] = {"http.response.pathsend": {}}
        cycle.send = partial(_send, cycle, cycle.send, transport)  # type: ignore[method-assign]
        super()._start_asgi_task(cycle, app)


async def _send(
    cycle: RequestResponseCycle, send: Callable[[Any], Awaitable[None]], transport: asyncio.Transport, message: Any
) -> None:
    """uvicorn's `send`, and the message by which an application sends a file by its path (ASGI "Path Send")."""
    if message["type"] != "http.response.pathsend":
        await send(message)
        return
    with open(message["path"], "rb", buffering=0) as file:
        try:
            await _send_file(transport, file.fileno(), cycle.expected_content_length)
        except ClientGone:
            cycle.disconnected = True
            transport.close()
            raise
    cycle.expected_content_length = 0
    await send({"type": "http.response.body", "body": b""})


async def _send_file(transport: asyncio.Transport, file: int, count: int) -> None:
    """Have the kernel copy ``count`` bytes of ``file`` to the connection, after what was written before.

    The bytes never pass through this process: a third of the processor time, and no memory.
    """
    loop = asyncio.get_running_loop()
    await _written(transport, loop)
    # The event loop watches a descriptor of its own; ours is a second name of the same connection.
    connection = os.dup(transport.get_extra_info("socket").fileno())
    try:
        offset = 0
        while offset < count:
            try:
                sent = os.sendfile(connection, file, offset, min(count - offset, _SENDFILE_BYTES))
            except BlockingIOError:
                if not await _writable(loop, connection) or transport.is_closing():
                    raise ClientGone(offset) from None
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise ClientGone(offset) from None
            if sent == 0 or transport.is_closing():  # a file on offer never gets shorter; to be sure
                raise ClientGone(offset)
            offset += sent
            await asyncio.sleep(0)  # others' turn
    finally:
        os.close(connection)


async def _written(transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
    """Wait until what was written before has gone out. There is no event for "nothing left": look, ever more rarely."""
    deadline, pause = loop.time() + STALLED_SECONDS, 0.001
    while transport.get_write_buffer_size() and not transport.is_closing():
        if loop.time() > deadline:
            raise ClientGone(0)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.1)
    if transport.is_closing():
        raise ClientGone(0)


async def _writable(loop: asyncio.AbstractEventLoop, descriptor: int) -> bool:
    """Wait until the connection takes more; False for a client that has taken nothing for too long."""
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            await ready.wait()
        return True
    except TimeoutError:
        return False
    finally:
        loop.remove_writer(descriptor)


class _ReasonTransport:
    """A transport that turns `REASON_HEADER` of the response head, its first write, into the reason phrase."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head_is_next = True

    def write(self, data: bytes) -> None:
        """Write on; the final response head is rewritten. To a client that is gone nothing is written."""
        if self._transport.is_closing():
            return
        if self._head_is_next and not data.startswith(b"HTTP/1.1 100"):
            self._head_is_next = False
            data = _with_reason(data)
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def protocol_for(answers: Hot) -> type[Protocol]:
    """The protocol class of a server whose hot path is ``answers``."""
    return type("Protocol", (Protocol,), {"hot": answers})


def reason_phrase(message: str) -> bytes:
    """``message`` as a reason phrase: one line of latin-1, what cannot be encoded becomes ``?`` (RFC 9112 §4)."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return line.encode("latin-1", "replace")


def _with_reason(head: bytes) -> bytes:
    start = head.find(_REASON_LINE)
    if start < 0:
        return head
    end = head.index(b"\r\n", start + 2)
    reason = head[start + len(_REASON_LINE) : end]
    status_line_end = head.index(b"\r\n")
    return b"%b %b%b%b" % (head[:12], reason, head[status_line_end:start], head[end:])
