"""Sending one webhook: a request to an address that somebody else has chosen.

Each delivery has a connection of its own. The name is resolved here and every address judged
(`core.history.webhook_addresses`) before it is connected to, so what is judged is what is asked; redirects are not
followed, proxies not used, and the whole takes `TIMEOUT_SECONDS` at most, however slowly somebody answers.
What does not live here: what is sent and when (`core.history.webhooks`, `projections.webhooks`).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from affineur.core.decision import Refused, deny
from affineur.core.history.webhook_addresses import Network, is_plain, may_reach
from affineur.core.history.webhooks import ANSWER_KEPT_BYTES, TIMEOUT_SECONDS, Verdict, retry_after, verdict_on

_OUR_HEADERS = {
    "content-type": "application/json",
    "user-agent": "affineur-webhooks",
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
}
_ERROR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery. ``status``: of the answer, if there was one; else ``error`` says why not.

    ``answer``: the beginning of what was said, at most `ANSWER_KEPT_BYTES`, made printable.
    """

    status: int | None
    error: str | None
    answer: str
    duration_ms: int
    retry_after_seconds: float | None = None

    @property
    def verdict(self) -> Verdict:
        """What it means for the hook."""
        return verdict_on(self.status)


def send(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    networks: Sequence[Network] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Outcome:
    """POST ``body`` to ``url`` (as `parse_url` gave it), once. Never raises for what the other side does."""
    began = time.monotonic()
    deadline = began + timeout_seconds
    status, error, answer, wait = None, None, b"", None
    backend = _Judging(networks, is_plain(url), deadline)
    try:
        tls = None if is_plain(url) else _tls()
        with (
            httpcore.ConnectionPool(ssl_context=tls, max_connections=1, network_backend=backend) as pool,
            pool.stream("POST", url, headers=_encoded({**headers, **_OUR_HEADERS}), content=body) as response,
        ):
            status = response.status
            wait = retry_after(_header(response.headers, b"retry-after"))
            answer = _beginning(response)
    except Refused as refused:
        error = refused.decision.reason
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failed:
        # An answer's status counts, even where its end did not come.
        error = None if status is not None else _in_words(failed)
    took_ms = round((time.monotonic() - began) * 1000)
    return Outcome(status, error, _printable(answer.decode("utf-8", "replace")), took_ms, wait)


class _Judging(httpcore.NetworkBackend):
    """Connects to addresses that `may_reach` allows, and gives up at ``deadline`` (of `time.monotonic`)."""

    def __init__(self, networks: Iterable[Network], plain: bool, deadline: float) -> None:
        self._networks, self._plain, self._deadline = tuple(networks), plain, deadline
        self._plainly = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that may be reached and answers. `Refused` where none may."""
        decisions = {each: may_reach(each, self._networks, plain=self._plain) for each in self._addresses(host, port)}
        allowed = [address for address, decision in decisions.items() if decision.allowed]
        if not allowed:
            found = next(iter(decisions.values()), deny("webhook.address", f"{host} has no address."))
            raise Refused(found)
        for number, address in enumerate(allowed, 1):
            try:
                left = _left(self._deadline) / (2 if number < len(allowed) else 1)
                stream = self._plainly.connect_tcp(address, port, left, socket_options=socket_options)
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(allowed):
                    raise
        raise AssertionError("unreachable: the last address returned or raised")

    def _addresses(self, host: str, port: int) -> list[str]:
        """What ``host`` resolves to, at the latest at the deadline: a resolver may be away for longer."""
        found: list[str] = []
        failed: list[OSError] = []

        def resolve() -> None:
            try:
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
            except OSError as error:
                failed.append(error)

        looking = threading.Thread(target=resolve, name="resolving", daemon=True)
        looking.start()
        looking.join(_left(self._deadline))
        if looking.is_alive():
            raise httpcore.ConnectTimeout("its name was not resolved in time")
        if failed:
            raise httpcore.ConnectError("its name could not be resolved") from failed[0]
        return found


class _Timed(httpcore.NetworkStream):
    """A connection on which no step goes beyond ``deadline``, so that many small ones do not, either."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on in TLS, with the name of the URL and not the address."""
        return _Timed(
            self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)),
            self._deadline,
        )

    def get_extra_info(self, info: str) -> Any:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)


@cache
def _tls() -> ssl.SSLContext:
    """As all our requests have it: certificates from ``SSL_CERT_FILE`` where that is set. Reading them takes 20 ms."""
    return httpx.create_ssl_context()


def _left(deadline: float) -> float:
    """Seconds until ``deadline``; `httpcore.ReadTimeout` where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("it took too long")
    return left


def _beginning(response: httpcore.Response) -> bytes:
    kept = bytearray()
    try:
        for chunk in response.iter_stream():
            kept += chunk[: ANSWER_KEPT_BYTES - len(kept)]
            if len(kept) >= ANSWER_KEPT_BYTES:
                break
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        pass  # what was said so far is kept: the status counts
    return bytes(kept)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), None)


def _in_words(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return f"It took too long: {_printable(str(error)) or 'no answer'}"[:_ERROR_CHARACTERS]
    kind = "It could not be reached" if isinstance(error, httpcore.ConnectError | OSError) else "The connection broke"
    return f"{kind}: {_printable(str(error)) or type(error).__name__}"[:_ERROR_CHARACTERS]


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
