"""Lines of logs: those of our own request log, and those that other servers write, read into one form.

A line that is no download is left out; one that cannot be read says why. What a download is: a distribution file that
was sent whole (200 with a body) or by redirect (302, 307). HEAD, 304, parts (206), metadata files and signatures are
none.
What does not live here: files and positions (`shell.lake`), and what a user agent or an address tells (`agents`,
`places`).
Sources: nginx `ngx_http_log_module`, Apache `mod_log_config` (combined, common, vhost_combined), and the lines that
`linehaul.events` takes of Fastly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec

Form = Literal["requests", "nginx-json", "combined", "fastly"]
FORMS: tuple[Form, ...] = ("requests", "nginx-json", "combined", "fastly")

MAXIMUM_LINE_BYTES = 16_384
"""A line that is longer is not read."""
WHOLE = 200
REDIRECTS = frozenset({302, 307})
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)

_SECOND = 1_000_000
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_REMEMBERED = 4096
_NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_COMBINED = re.compile(
    r'(?:[^\s:]+:\d+ )?(?P<address>\S+) \S+ .{1,200}? \[(?P<time>[^\]]{20,40})\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r'(?P<status>\d{3}) (?P<bytes>\d+|-)(?: "(?:[^"\\]|\\.)*" "(?P<agent>(?:[^"\\]|\\.)*)")?',
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(?:x([0-9A-Fa-f]{2})|(["\\]))')
_FASTLY = re.compile(r"(?:^|[\s:])(download\||simple\||[12]@)")


class Request(msgspec.Struct, frozen=True, gc=False):
    """A download. Either ``path`` says which file, or ``project``, ``version`` and ``filename`` do. "": not known."""

    at: int
    """Microseconds since 1970, UTC."""
    user_agent: str
    address: str
    """An address, a shortened one, or a hash of one."""
    country: str
    path: str = ""
    project: str = ""
    version: str = ""
    filename: str = ""
    tls_protocol: str = ""
    tls_cipher: str = ""


Read = Callable[[bytes], Request | str | None]
"""Reads one line, without the newline: a download, None for what is none, or why it cannot be read."""


def reader(form: Form, latest: datetime) -> Read:
    """What reads lines of ``form``. Later than ``latest``, nothing can have happened: such a line is unreadable.

    Each reader remembers moments that it has read: make one for each log, and use it in one thread.
    """
    moments = _Moments(latest)
    if form == "requests":
        return _own(moments)
    read = {"nginx-json": _nginx_json, "combined": _combined, "fastly": _fastly}[form]

    def checked(line: bytes) -> Request | str | None:
        if len(line) > MAXIMUM_LINE_BYTES:
            return "too long"
        return read(line.decode("utf-8", "replace"), moments)

    return checked


def detect(lines: Sequence[bytes]) -> Form | None:
    """The form of the first of ``lines`` that shows one; None where none does."""
    for line in lines:
        text = line[:MAXIMUM_LINE_BYTES].decode("utf-8", "replace")
        if text.lstrip().startswith("{") and text.rstrip().endswith("}"):
            return "requests" if '"project"' in text and '"file"' in text and '"user_agent"' in text else "nginx-json"
        if _FASTLY.search(text) and text.count("|") >= 5:
            return "fastly"
        if _COMBINED.match(text):
            return "combined"
    return None


def is_download(status: int, size_bytes: int) -> bool:
    """Whether an answer to GET of a file counts."""
    return (status == WHOLE and size_bytes > 0) or status in REDIRECTS


def day_of(at: int) -> date:
    """The day of ``at`` (microseconds since 1970), in UTC."""
    return date(1970, 1, 1) + timedelta(days=at // (86_400 * _SECOND))


class _Line(msgspec.Struct, gc=False):
    """A line of our own request log: the fields of `web.requestlog.FIELDS`."""

    time: str
    project: str
    version: str
    file: str
    user_agent: str
    address: str
    country: str
    bytes: int
    status: int


def _own(moments: _Moments) -> Read:
    decode = msgspec.json.Decoder(_Line).decode
    known = moments.known

    def read(line: bytes) -> Request | str | None:
        try:
            found = decode(line)
        except _NO_JSON:
            if len(line) > MAXIMUM_LINE_BYTES:
                return "too long"
            try:  # a user agent need not be UTF-8, and nginx writes it as it came
                found = decode(line.decode("utf-8", "replace"))
            except _NO_JSON as error:
                return str(error)
        status = found.status
        if not ((status == WHOLE and found.bytes > 0) or status in REDIRECTS):
            return None
        at = known.get(found.time) or moments.iso(found.time)
        if at is None:
            return "no moment"
        return Request(at, found.user_agent, found.address, found.country, "",
                       found.project, found.version, found.file)  # fmt: skip

    return read


def _combined(text: str, moments: _Moments) -> Request | str | None:
    match = _COMBINED.match(text)
    if match is None:
        return "not of this form"
    method, path = _requested(_plain(match["request"]))
    size = 0 if match["bytes"] == "-" else int(match["bytes"][:18])
    if method != "GET" or not is_download(int(match["status"]), size):
        return None
    at = moments.logged(match["time"])
    if at is None:
        return "no moment"
    agent = match["agent"] or ""
    return Request(at, "" if agent == "-" else _plain(agent), match["address"], "", path)


def _fastly(text: str, moments: _Moments) -> Request | str | None:
    match = _FASTLY.search(text)
    if match is None:
        return "not of this form"
    head, rest = match[1], text[match.end() :]
    if head == "simple|":
        return None
    wanted = 7 if head == "1@" else 9  # version 1 of the form has no TLS
    parts = rest.split("|", wanted - 1)
    if len(parts) != wanted:
        return "not of this form"
    if wanted == 7:
        parts[3:3] = ["", ""]
    moment, country, path, protocol, cipher, project, version, _, agent = (
        "" if part == "(null)" else part for part in parts
    )
    at = moments.mailed(moment)
    if at is None:
        return "no moment"
    filename = path.rpartition("/")[2] if project else ""
    return Request(at, agent, "", country, path, project, version, filename, protocol, cipher)


_KEYS: dict[str, tuple[str, ...]] = {
    "time": ("time_iso8601", "time", "timestamp", "@timestamp", "time_local", "msec"),
    "request": ("request",),
    "path": ("request_uri", "uri", "url", "path"),
    "method": ("request_method", "method"),
    "status": ("status", "response", "status_code"),
    "bytes": ("body_bytes_sent", "bytes_sent", "bytes", "size"),
    "agent": ("http_user_agent", "user_agent", "agent"),
    "address": ("remote_addr", "client_ip", "remote_ip", "address", "clientip"),
    "country": ("country", "country_code", "geoip_country_code", "geoip2_country_code"),
    "tls_protocol": ("ssl_protocol", "tls_protocol"),
    "tls_cipher": ("ssl_cipher", "tls_cipher"),
}


def _nginx_json(text: str, moments: _Moments) -> Request | str | None:
    try:
        found: Any = msgspec.json.decode(text)
    except _NO_JSON as error:
        return str(error)
    if not isinstance(found, dict):
        return "not of this form"
    said = {name: _first(found, keys) for name, keys in _KEYS.items()}
    method, path = _requested(said["request"])
    method, path = said["method"] or method, said["path"] or path
    if not (said["status"].isdecimal() and said["bytes"].isdecimal() and path):
        return "not of this form"
    if (method or "GET") != "GET" or not is_download(int(said["status"][:18]), int(said["bytes"][:18])):
        return None
    at = moments.any(said["time"])
    if at is None:
        return "no moment"
    return Request(at, said["agent"], said["address"], said["country"], path,
                   tls_protocol=said["tls_protocol"], tls_cipher=said["tls_cipher"])  # fmt: skip


def _first(found: dict[str, object], keys: Sequence[str]) -> str:
    """The first value of ``keys`` that says anything, as text."""
    for key in keys:
        value = found.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value not in ("", "-"):
            return str(value)
    return ""


def _requested(request: str) -> tuple[str, str]:
    """Method and address of a request's first line."""
    method, _, rest = request.partition(" ")
    return method, rest.rpartition(" HTTP/")[0] or rest


def _plain(text: str) -> str:
    r"""``text`` without the escapes of nginx (``\xHH``) and Apache (``\"``)."""
    if "\\" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)
    if plain.isascii():
        return plain
    try:
        return plain.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return plain


class _Moments:
    """Moments in the ways in which logs write them, in microseconds since 1970. Many lines have the same second."""

    def __init__(self, latest: datetime) -> None:
        self._earliest, self._latest = _microseconds(EARLIEST), _microseconds(latest)
        self.known: dict[str, int | None] = {}

    def iso(self, text: str) -> int | None:
        """``2026-11-22T04:32:54+00:00``; None for what is no moment, or has no offset."""
        return self._remember(text, datetime.fromisoformat)

    def logged(self, text: str) -> int | None:
        """``22/Nov/2026:04:32:54 +0000``, as combined logs write it."""
        return self._remember(text, _logged)

    def mailed(self, text: str) -> int | None:
        """``Sun, 22 Nov 2026 04:32:54 GMT``, as HTTP writes it (RFC 9110, section 5.6.7)."""
        return self._remember(text, _mailed)

    def any(self, text: str) -> int | None:
        """In any of these ways, or in seconds since 1970."""
        return self._remember(text, _any)

    def _remember(self, text: str, read: Callable[[str], datetime]) -> int | None:
        try:
            return self.known[text]
        except KeyError:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
        try:
            moment = read(text)
            found = None if moment.tzinfo is None else _microseconds(moment)
        except (ValueError, OverflowError, OSError, KeyError):  # OSError: seconds beyond what the system counts in
            found = None
        if found is not None and not self._earliest <= found <= self._latest:
            found = None
        self.known[text] = found
        return found


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _logged(text: str) -> datetime:
    # `strptime` would follow the locale for the month, and takes ten times as long.
    day, month, rest = text.split("/", 2)
    offset = rest[-5:]
    return datetime.fromisoformat(f"{rest[:4]}-{_MONTHS[month]:02}-{day:0>2}T{rest[5:13]}{offset[:3]}:{offset[3:]}")


def _mailed(text: str) -> datetime:
    _, day, month, year, clock, zone = text.split()
    if zone != "GMT":
        raise ValueError(zone)
    return datetime.fromisoformat(f"{year}-{_MONTHS[month]:02}-{day:0>2}T{clock}+00:00")


def _any(text: str) -> datetime:
    if text.replace(".", "", 1).isdecimal():
        return datetime.fromtimestamp(float(text), UTC)
    for read in (datetime.fromisoformat, _logged, _mailed):
        try:
            return read(text)
        except (ValueError, KeyError):
            continue
    raise ValueError
