"""Fetching over HTTP from a host that is not trusted: limits, redirects, retries, credentials.

Connections are httpx's. Proxies and certificates come from where httpx looks for them (``HTTPS_PROXY``,
``SSL_CERT_FILE`` …). Credentials go to the upstream's own origin and nowhere else.
What does not live here: what the answers mean (`simple_page`, `devpi`).
"""

from __future__ import annotations

import netrc
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from affineur.core.decision import refuse
from affineur.core.distributions.acceptance import quoted

from .offers import OfferedFile, Received, UpstreamAway
from .receiving import receive
from .simple_page import Page

MIB = 1024 * 1024
MAXIMUM_PAGE_BYTES = 32 * MIB
"""Three times the largest project page known (about 10 MiB in 2026)."""
MAXIMUM_ROOT_BYTES = 256 * MIB
"""A list of 886,000 projects has about 60 MiB."""
_MAXIMUM_REDIRECTS = 5
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({404, 410})
_SLOW_AFTER_SECONDS = 60.0
_SLOW_BYTES_PER_SECOND = 1024
_PIECE_BYTES = 256 * 1024

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and after how long to ask again. The pause doubles each time, up to the longest one."""

    attempts: int = 5
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60.0
    timeout_seconds: float = 30.0
    """Without a single byte."""
    longest_silence_seconds: float = 300.0
    """Without a single byte, whatever was asked: then it is left alone for as long as the longest pause."""


PATIENT = Patience()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came, and what its answer said of it; headers by lowercase name."""

    page: Page
    headers: Mapping[str, str]


class Gone(Exception):
    """The upstream says that there is no such thing (404 or 410)."""


class _Again(Exception):
    """This attempt failed; another may not. ``after_seconds`` is what the upstream asked for."""

    def __init__(self, why: str, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class Fetcher:
    """Fetches from one upstream, whose origin is that of ``url``. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        patience: Patience = PATIENT,
        connections: int = 8,
        user_agent: str = "affineur-import",
    ) -> None:
        """``url`` may carry a user and password; ``token`` is the password where it carries none.

        `Refused` (``upstream.scheme``) for what is no http(s) address.
        """
        self.url, self._authorization = _credentials(url, token)
        self._origin = origin(self.url)
        self._patience = patience
        self._stopped = threading.Event()
        self._unanswered_at: list[float] = []
        self._client = httpx.Client(
            follow_redirects=False,
            timeout=httpx.Timeout(patience.timeout_seconds, connect=10.0, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"user-agent": user_agent},
        )

    def page(self, url: str, accept: str, maximum_bytes: int = MAXIMUM_PAGE_BYTES) -> Page:
        """A page of at most ``maximum_bytes`` when unpacked. `Gone`, `UpstreamAway`, or `Refused`."""
        found = self.page_since(url, accept, None, maximum_bytes)
        if found is None:
            raise UpstreamAway(f"{quoted(url, 200)} says that nothing changed, where nobody had asked that.")
        return found.page

    def page_since(
        self, url: str, accept: str, etag: str | None, maximum_bytes: int = MAXIMUM_PAGE_BYTES
    ) -> Fetched | None:
        """A page as `page` gives it, or None where it is still the one that has ``etag`` (RFC 9110 §13.1.2)."""

        def read(answer: httpx.Response) -> Fetched | None:
            if answer.status_code == 304:
                return None
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            body = bytearray()
            for piece in self._steadily(answer.iter_bytes(_PIECE_BYTES)):
                body += piece
                if len(body) > maximum_bytes:
                    refuse(
                        "upstream.page-size",
                        f"{quoted(url, 200)} answers with more than {maximum_bytes // MIB} MiB.",
                        "Check the address; no page of an index is that large.",
                    )
            return Fetched(Page(str(answer.url), kind, bytes(body)), {k.lower(): v for k, v in answer.headers.items()})

        condition = {"if-none-match": etag} if etag else {}
        return self._patiently(url, {"accept": accept, **condition}, read)

    def file(self, file: OfferedFile, target: Path) -> Received:
        """Download ``file`` to ``target``. `UpstreamAway`, or `Refused` (also where it is gone)."""

        def read(answer: httpx.Response) -> Received:
            modified_at = _http_date(answer.headers.get("last-modified"))
            # A stored .tar.gz must not be unpacked on the way, and none is asked for.
            return receive(self._steadily(answer.iter_raw(_PIECE_BYTES)), file, target, modified_at)

        try:
            return self._patiently(file.place, {"accept": "*/*", "accept-encoding": "identity"}, read)
        except Gone:
            refuse("upstream.gone", f"The upstream lists {quoted(file.filename)} but has no such file.")

    def stop(self) -> None:
        """Make everything that waits give up."""
        self._stopped.set()

    def close(self) -> None:
        """Give connections back."""
        self._client.close()

    def _patiently(self, url: str, headers: dict[str, str], read: Callable[[httpx.Response], Result]) -> Result:
        pause = self._patience.first_pause_seconds
        attempt = 1
        while True:
            self._require_life(url)
            try:
                with self._open(url, headers) as answer:
                    return read(answer)
            except (httpx.TransportError, httpx.DecodingError, httpx.StreamError) as error:
                why, after_seconds = f"{type(error).__name__}: {error}", None
                self._unanswered_at.append(time.monotonic())
            except _Again as error:
                why, after_seconds = str(error), error.after_seconds
            if attempt >= self._patience.attempts or self._stopped.is_set():
                raise UpstreamAway(f"{quoted(url, 200)} could not be fetched in {attempt} attempts: {why[:200]}")
            self._stopped.wait(min(max(pause, after_seconds or 0.0), self._patience.longest_pause_seconds))
            attempt, pause = attempt + 1, pause * 2

    def _require_life(self, url: str) -> None:
        """A server that hangs would otherwise cost minutes for each of its projects."""
        moments = self._unanswered_at.copy()
        if len(moments) < self._patience.attempts:
            return
        silence_seconds = moments[-1] - moments[0]
        is_resting = time.monotonic() < moments[-1] + self._patience.longest_pause_seconds
        if is_resting and silence_seconds > self._patience.longest_silence_seconds:
            raise UpstreamAway(
                f"{quoted(url, 200)} was not asked for: the upstream was silent for {silence_seconds:.0f} seconds."
            )

    @contextmanager
    def _open(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer with status 200, after redirects, its body not yet read."""
        for _ in range(_MAXIMUM_REDIRECTS + 1):
            self._require_address(url)
            sent = headers | ({"authorization": self._authorization} if self._is_own(url) else {})
            try:
                request = self._client.build_request("GET", url, headers=sent)
            except (httpx.InvalidURL, UnicodeError, ValueError):
                _refuse_address(url)
            answer = self._client.send(request, stream=True)
            self._unanswered_at.clear()
            try:
                if not answer.has_redirect_location:
                    _require_good(answer)
                    yield answer
                    return
                try:
                    url = str(answer.url.join(answer.headers["location"]))
                except (httpx.InvalidURL, UnicodeError, ValueError):
                    _refuse_address(answer.headers["location"])
            finally:
                answer.close()
        refuse(
            "upstream.redirects", f"The upstream redirects more than {_MAXIMUM_REDIRECTS} times, to {quoted(url, 200)}."
        )

    def _steadily(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """``pieces``, unless they drip: who sends a byte now and then would keep us for ever."""
        began, size_bytes = time.monotonic(), 0
        for piece in pieces:
            self._unanswered_at.clear()  # one that sends to a single client at a time lets the others wait
            size_bytes += len(piece)
            seconds = time.monotonic() - began
            if seconds > _SLOW_AFTER_SECONDS and size_bytes < seconds * _SLOW_BYTES_PER_SECOND:
                raise _Again(f"slower than {_SLOW_BYTES_PER_SECOND} bytes a second")
            yield piece

    def _is_own(self, url: str) -> bool:
        return bool(self._authorization) and origin(url) == self._origin

    def _require_address(self, url: str) -> None:
        scheme = origin(url)[0]
        if scheme not in ("http", "https"):
            _refuse_address(url)
        if scheme == "http" and self._origin[0] == "https":
            refuse(
                "upstream.downgrade",
                f"The upstream is read over https, but leads to {quoted(url, 200)} without it.",
                "Ask whoever runs the upstream to use https throughout.",
            )


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of ``url``; empty scheme where it is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme.lower(), (parts.hostname or "").lower(), port
    except ValueError:
        return "", "", None


def _credentials(url: str, token: str | None) -> tuple[str, str]:
    """``url`` without user and password, and the value of ``Authorization`` (empty where there is none).

    In this order: what stands in the URL, the token, what ``~/.netrc`` says of the host.
    """
    if origin(url)[0] not in ("http", "https") or not origin(url)[1]:
        _refuse_address(url)
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    if token and not password:
        user, password = user or "__token__", token
    if not user and not password:
        with suppress(OSError, netrc.NetrcParseError):
            found = netrc.netrc().authenticators(parts.hostname or "")
            if found and found[2]:
                user, password = found[0] or "", found[2]
    if not user and not password:
        return bare, ""
    return bare, "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _refuse_address(url: str) -> NoReturn:
    refuse(
        "upstream.scheme",
        f"{quoted(url, 200)} is not an address that files are fetched from.",
        "Addresses begin with https:// (or http://).",
    )


def _require_good(answer: httpx.Response) -> None:
    status = answer.status_code
    if status == 200 or (status == 304 and "if-none-match" in answer.request.headers):
        return
    if status in _GONE:
        raise Gone(str(answer.url))
    if status in _TEMPORARY:
        raise _Again(f"status {status}", _retry_after(answer.headers.get("retry-after")))
    way_out = (
        "Give a token in UPSTREAM_TOKEN, a user and password in the URL, or both in ~/.netrc."
        if status in (401, 403, 407)
        else "Check the address."
    )
    refuse("upstream.status", f"{quoted(str(answer.url), 200)} answers with status {status}.", way_out, status=status)


def _retry_after(text: str | None) -> float | None:
    """RFC 9110 §10.2.3: seconds, or a date."""
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:6])
    moment = _http_date(text)
    return None if moment is None else (moment - datetime.now(UTC)).total_seconds()


def _http_date(text: str | None) -> datetime | None:
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
