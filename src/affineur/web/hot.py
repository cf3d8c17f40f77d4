"""The hot path: index pages and small distribution files, answered before any framework is reached.

A page is served from memory. One ``readlink`` a request tells whether it is still the present one, so nothing
stale is ever sent, whichever process changed it. A file is opened anew for every request: a file taken off
offer answers nothing from that moment on. No rule is computed here; what is not on offer has no page or link.
Everything else (ranges, redirects, private indexes without a right token, errors) goes to the application.

What does not live here: what pages say (`core.views.simple`), how answers reach the wire (`web.protocol`), and the
same answers by nginx (`web.edge`).
"""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from affineur.core.names import is_normalized
from affineur.core.views.negotiation import CONTENT_TYPES, Form, choose

from .clients import address_of
from .metrics import Tally
from .requestlog import RequestLog

Headers = list[tuple[bytes, bytes]]

CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-PyPI-Last-Serial"),
]
PAGE_HEADERS: Headers = [
    *CORS,
    (b"vary", b"Accept, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
]
FILE_HEADERS: Headers = [
    (b"accept-ranges", b"bytes"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Content-Length, Content-Range, Accept-Ranges"),
    (b"cache-control", b"max-age=365000000, immutable, public"),
    (b"x-content-type-options", b"nosniff"),
    # A file opened in a browser must not run in this site's name.
    (b"content-security-policy", b"sandbox; default-src 'none'"),
]

WHOLE_UP_TO_BYTES = 256 * 1024
"""Files up to this size are read and sent at once; larger ones are streamed by the application."""


_HELD_BESIDE_BODY_BYTES = 6 * 1024
"""What a page in memory takes beside its body: three header lists and blocks, and its keys (measured: 5.5 kB)."""


class Answer(NamedTuple):
    """A whole response. ``head`` is its header block as sent, without status line, Date and the empty line."""

    status: int
    headers: Headers
    head: bytes
    body: bytes


class Held(NamedTuple):
    """A page in memory: the link target it was read from, and its answers."""

    target: str
    etag: bytes
    full: Answer
    bodiless: Answer
    unchanged: Answer


class Wanted(NamedTuple):
    """The request headers that matter here."""

    accept: bytes | None
    gzip: bool
    none_match: bytes | None
    since: bytes | None
    range: bool
    authorization: bytes | None
    user_agent: bytes
    country: bytes


class Hot:
    """Answers requests from the public tree, where that is all it takes.

    ``may_read`` decides about a request's ``Authorization`` where the index is private; None where it is not.
    """

    def __init__(
        self,
        public: Path,
        log: RequestLog,
        *,
        cache_bytes: int,
        max_age_seconds: int,
        country_header: str = "",
        trusted_proxies: int = 0,
        tally: Tally | None = None,
        may_read: Callable[[bytes | None], bool] | None = None,
    ) -> None:
        self._base = str(public)
        self._log = log
        self._may_read = may_read
        self._country = country_header.lower().encode()
        self._trusted_proxies = trusted_proxies
        self._tally = tally or Tally()
        self._pages: OrderedDict[tuple[str, Form, bool], Held] = OrderedDict()
        self._held_bytes = 0
        self._cache_bytes = cache_bytes
        cache_control = page_cache_control(max_age_seconds, private=may_read is not None).encode()
        self._page_headers: Headers = [*PAGE_HEADERS, (b"cache-control", cache_control)]
        self._file_headers = file_headers(private=may_read is not None)

    def answer(self, method: bytes, path: str, headers: Headers, client: str) -> Answer | None:
        """The answer to a GET or HEAD without a query, or None where the application has to give it.

        Cost: a few microseconds for a page in memory; a file is read once.
        """
        if path.startswith("/simple/"):
            return self._page(method, path, headers)
        if path.startswith("/packages/"):
            return self._file(method, path, headers, client)
        return None

    def _page(self, method: bytes, path: str, headers: Headers) -> Answer | None:
        wanted = self._read_headers(headers)
        if self._may_read is not None and not self._may_read(wanted.authorization):
            return None
        form = _form(wanted.accept)
        if form is None:
            return None
        answer = self.page(method, path, form, wanted.gzip, wanted.none_match)
        if answer is not None:
            if answer.status == 304:
                self._tally.pages_unchanged += 1
            else:
                self._tally.pages += 1
                self._tally.pages_bytes += len(answer.body)
        return answer

    def page(self, method: bytes, path: str, form: Form, gzip: bool, none_match: bytes | None) -> Answer | None:
        """The page at ``/simple/`` or ``/simple/<name>/`` in ``form``; None where there is none.

        Whoever asks may read it.
        """
        key = (path, form, gzip)
        held = self._pages.get(key)
        link = f"{self._base}{path[:-1]}" if path != "/simple/" else f"{self._base}/root"
        if held is not None and _target(link) == held.target:
            self._pages.move_to_end(key)
        else:
            if held is not None:
                self._forget(key)
            held = self._load(path, link, form, gzip)
            if held is None:
                return None
            self._remember(key, held)
        if none_match is not None and matches(none_match, held.etag):
            return held.unchanged
        return held.full if method == b"GET" else held.bodiless

    def _load(self, path: str, link: str, form: Form, gzip: bool) -> Held | None:
        """Read a page in ``form``; None where there is none."""
        name = path[8:-1]
        if path != "/simple/" and not (path.endswith("/") and is_normalized(name)):
            return None
        for _ in range(20):  # a swap between readlink and open leaves nothing to open: look again
            try:
                target = os.readlink(link)
            except OSError:
                return None
            folder = os.path.join(os.path.dirname(link), target)
            for file, encoding in ((f"{form}.gz", b"gzip"), (form, b"")) if gzip else ((form, b""),):
                try:
                    with open(f"{folder}/{file}", "rb", buffering=0) as stream:
                        status = os.fstat(stream.fileno())
                        body = stream.readall()
                except FileNotFoundError:
                    continue
                return self._hold(target, form, encoding, body, status)
        return None

    def _hold(self, target: str, form: Form, encoding: bytes, body: bytes, status: os.stat_result) -> Held:
        etag = validator(status)
        shared: Headers = [
            *self._page_headers,
            (b"etag", etag),
            (b"last-modified", formatdate(int(status.st_mtime), usegmt=True).encode()),
            (b"x-pypi-last-serial", target.rpartition(".")[2].encode()),
        ]
        full: Headers = [
            *shared,
            (b"content-type", CONTENT_TYPES[form].encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        if encoding:
            full.append((b"content-encoding", encoding))
        return Held(target, etag, _answer(200, full, body), _answer(200, full, b""), _answer(304, shared, b""))

    def _remember(self, key: tuple[str, Form, bool], held: Held) -> None:
        size = len(held.full.body)
        if size > self._cache_bytes // 4:
            return  # the root list of a very large index: read from disk each time, it would push out all else
        self._pages[key] = held
        self._held_bytes += size + _HELD_BESIDE_BODY_BYTES
        while self._held_bytes > self._cache_bytes:
            self._forget(next(iter(self._pages)))
        self._tally.page_cache_bytes = self._held_bytes

    def _forget(self, key: tuple[str, Form, bool]) -> None:
        self._held_bytes -= len(self._pages.pop(key).full.body) + _HELD_BESIDE_BODY_BYTES

    def _file(self, method: bytes, path: str, headers: Headers, client: str) -> Answer | None:
        parts = path.split("/")
        if not is_file_path(parts):
            return None
        wanted = self._read_headers(headers)
        client = address_of(headers, client, self._trusted_proxies)
        if wanted.range or (self._may_read is not None and not self._may_read(wanted.authorization)):
            return None
        try:
            fd = os.open(f"{self._base}{path}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                return None
            raise
        try:
            status = os.fstat(fd)
            size = status.st_size
            etag = validator(status)
            modified = formatdate(int(status.st_mtime), usegmt=True).encode()
            shared: Headers = [*self._file_headers, (b"etag", etag), (b"last-modified", modified)]
            if is_unchanged(wanted.none_match, wanted.since, etag, modified):
                self._note(parts, wanted, client, 0, 304)
                self._tally.files_unchanged += 1
                return _answer(304, shared, b"")
            if size > WHOLE_UP_TO_BYTES:
                return None
            full = [*shared, (b"content-type", file_type(path)), (b"content-length", str(size).encode())]
            body = os.read(fd, size) if method == b"GET" else b""
        finally:
            os.close(fd)
        self._note(parts, wanted, client, len(body), 200)
        self._tally.files += 1
        self._tally.files_bytes += len(body)
        return _answer(200, full, body)

    def _note(self, parts: list[str], wanted: Wanted, client: str, size_bytes: int, status: int) -> None:
        self._log.write(
            parts[2],
            parts[3],
            parts[4],
            wanted.user_agent.decode("utf-8", "replace"),
            client,
            wanted.country.decode("latin-1"),
            size_bytes,
            status,
        )

    def _read_headers(self, headers: Headers) -> Wanted:
        accept = none_match = since = authorization = None
        gzip = ranged = False
        user_agent = country = b""
        for name, value in headers:
            if name == b"accept":
                accept = value if accept is None else accept + b"," + value
            elif name == b"accept-encoding":
                gzip = accepts_gzip(value)
            elif name == b"if-none-match":
                none_match = value
            elif name == b"user-agent":
                user_agent = value
            elif name == b"range":
                ranged = True
            elif name == b"if-modified-since":
                since = value
            elif name == b"authorization":
                authorization = value
            elif name == self._country:
                country = value
        return Wanted(accept, gzip, none_match, since, ranged, authorization, user_agent, country)


@lru_cache(maxsize=512)
def _form(accept: bytes | None) -> Form | None:
    """`choose`, from the bytes of the header. Pages are kept by form: what clients write must not fill the memory."""
    return choose(None if accept is None else accept.decode("latin-1"))


def validator(status: os.stat_result) -> bytes:
    """The strong ETag of a file in the public tree, in nginx's form: both serving modes send the same."""
    return f'"{int(status.st_mtime):x}-{status.st_size:x}"'.encode()


def is_unchanged(none_match: bytes | None, since: bytes | None, etag: bytes, modified: bytes) -> bool:
    """Whether the client's copy is good (RFC 9110 §13.2.2: If-None-Match wins over If-Modified-Since)."""
    if none_match is not None:
        return matches(none_match, etag)
    return since is not None and since == modified


def matches(none_match: bytes, etag: bytes) -> bool:
    """Whether an ``If-None-Match`` names ``etag``, weakly compared (RFC 9110 §13.1.2)."""
    if none_match == etag or none_match == b"*":
        return True
    return any(candidate.strip().removeprefix(b"W/") == etag for candidate in none_match.split(b","))


def accepts_gzip(header: bytes) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip: named (or ``*``) and not with ``q=0``."""
    if header in _COMMON_ENCODINGS:
        return True
    for item in header.lower().split(b","):
        coding, _, parameters = item.partition(b";")
        if coding.strip() in (b"gzip", b"x-gzip", b"*"):
            quality = parameters.replace(b" ", b"").removeprefix(b"q=")
            return quality.strip(b"0.") != b"" or quality == b""
    return False


_COMMON_ENCODINGS = frozenset(
    (b"gzip", b"gzip, deflate", b"gzip, deflate, br", b"gzip, br", b"gzip, deflate, br, zstd")
)


def file_type(path: str) -> bytes:
    """The content type of a file on offer."""
    return b"text/plain; charset=utf-8" if path.endswith(".metadata") else b"application/octet-stream"


def page_cache_control(max_age_seconds: int, *, private: bool) -> str:
    """``Cache-Control`` of index pages.

    pip does not ask again within a page's max-age, so a release published meanwhile would stay hidden: the
    default is to ask each time, which the validator makes cheap.
    """
    scope = "private" if private else "public"
    return f"max-age={max_age_seconds}, {scope}" if max_age_seconds else f"no-cache, {scope}"


def file_headers(*, private: bool) -> Headers:
    """The headers of every file on offer. Where the index is private no shared cache may keep it."""
    if not private:
        return FILE_HEADERS
    kept = [header for header in FILE_HEADERS if header[0] != b"cache-control"]
    return [*kept, (b"cache-control", b"max-age=31536000, immutable, private")]


def is_file_path(parts: list[str]) -> bool:
    """Whether a path split at ``/`` names a place where a file may be: ``/packages/<name>/<version>/<filename>``."""
    return len(parts) == 5 and all(part and part[0] != "." and "\0" not in part for part in parts[2:])


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None


def _answer(status: int, headers: Headers, body: bytes) -> Answer:
    head = b"".join([b"%b: %b\r\n" % header for header in headers])
    return Answer(status, headers, head, body)
