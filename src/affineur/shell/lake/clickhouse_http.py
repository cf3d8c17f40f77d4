"""ClickHouse, spoken to over its HTTP interface: statements are our constants, values go beside them as parameters.

Name and password go in headers: what is logged of a request, here or on the way, is its address. Every answer is
whole before its first byte comes (`wait_end_of_query`), so that a failure is a status and never half an answer.
Source: "HTTP Interface" of ClickHouse's documentation. What does not live here: the statements.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from .port import LakeAway

Value = str | int | float | date | Sequence[str] | Sequence[int] | Sequence[date]
ASKING_SECONDS, WORKING_SECONDS = 30, 900
"""How long a question may take, and how long a roll-up of a day or a batch that is taken in."""
_CHUNK = 1024 * 1024
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "'": "\\'", "\b": "\\b", "\f": "\\f"}
_ALWAYS = {
    "wait_end_of_query": "1",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "0",
}


class ClickHouse:
    """A database on a ClickHouse server. Safe to share between threads, and to take along into a forked process.

    Each method raises `LakeAway` where the server is not reached, refuses, or takes too long.
    """

    def __init__(self, url: str) -> None:
        """``url``: ``clickhouse://user:password@host:8123/database``, ``clickhouses://`` for TLS."""
        parts = urlsplit(url)
        scheme = "https" if parts.scheme == "clickhouses" else "http"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._base = f"{scheme}://{host}:{parts.port or (8443 if scheme == 'https' else 8123)}"
        self._headers = {
            "X-ClickHouse-User": unquote(parts.username or "default"),
            "X-ClickHouse-Key": unquote(parts.password or ""),
        }
        self.database = unquote(parts.path.strip("/")) or "default"
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._pid = 0

    def rows(self, sql: str, **values: Value) -> list[list[Any]]:
        """The answer to a question that somebody waits for."""
        return list(self._rows(sql, ASKING_SECONDS, values))

    def stream(self, sql: str, **values: Value) -> Iterator[list[Any]]:
        """The answer to one that may take long, row by row: it is never in memory as a whole."""
        return self._rows(sql, WORKING_SECONDS, values)

    def run(self, sql: str, **values: Value) -> None:
        """Carry out a statement that answers nothing."""
        with self._answer(sql, WORKING_SECONDS, values) as answer:
            answer.read()

    def send(self, sql: str, source: Path, **values: Value) -> None:
        """Carry out an INSERT whose rows are the file ``source``."""
        with (
            source.open("rb") as file,
            self._answer(sql, WORKING_SECONDS, values, iter(lambda: file.read(_CHUNK), b"")),
        ):
            pass

    def fetch(self, sql: str, target: Path, **values: Value) -> None:
        """Write the answer, in the form that ``sql`` names, to ``target``."""
        with self._answer(sql, WORKING_SECONDS, values) as answer, target.open("wb") as file:
            for chunk in answer.iter_bytes(_CHUNK):
                file.write(chunk)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None and self._pid == os.getpid():
                self._client.close()
            self._client = None

    def _rows(self, sql: str, seconds: int, values: Mapping[str, Value]) -> Iterator[list[Any]]:
        with self._answer(f"{sql} FORMAT JSONCompactEachRow", seconds, values) as answer:
            for line in answer.iter_lines():
                if line:
                    yield json.loads(line)

    @contextmanager
    def _answer(
        self, sql: str, seconds: int, values: Mapping[str, Value], body: Iterator[bytes] | None = None
    ) -> Iterator[httpx.Response]:
        asked = {"database": self.database, **_ALWAYS, "max_execution_time": str(seconds)}
        asked |= {f"param_{name}": as_parameter(value) for name, value in values.items()}
        if body is not None:
            asked["query"] = sql
        content: Iterator[bytes] | bytes = sql.encode() if body is None else body
        try:
            with self._connected().stream(
                "POST", "/", params=asked, content=content, timeout=httpx.Timeout(seconds + 10, connect=10)
            ) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise LakeAway(_complaint(answer))
                yield answer
        except httpx.TransportError as error:
            raise LakeAway(f"ClickHouse does not answer: {type(error).__name__}.") from error

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._client, self._pid = httpx.Client(base_url=self._base, headers=self._headers), os.getpid()
            return self._client


def as_parameter(value: Value) -> str:
    """A value as ClickHouse reads the parameters of a query: a field of its tab-separated form.

    A text is escaped; an array is written as in SQL, where the texts in it are escaped between their quotes.
    """
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return value.isoformat()
    return f"[{','.join(map(_element, value))}]"


def _element(value: str | int | date) -> str:
    return str(value) if isinstance(value, int) else f"'{_escaped(str(value))}'"


def _escaped(text: str) -> str:
    # Half a surrogate pair is in no text that is stored, and UTF-8 has no form of it.
    whole = text.encode("utf-8", "replace").decode()
    return "".join(_ESCAPES.get(letter, letter) for letter in whole)


def _complaint(answer: httpx.Response) -> str:
    """What a refusal says: code and name of the error alone, for its text can quote the statement and its values."""
    text = answer.read().decode("utf-8", "replace")
    code = answer.headers.get("X-ClickHouse-Exception-Code", "")
    name = re.search(r"\(([A-Z][A-Z0-9_]+)\)", text)
    return f"ClickHouse refuses (status {answer.status_code}): error {code or '?'} {name[1] if name else ''}".rstrip()
