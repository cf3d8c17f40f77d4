"""What is asked of every server, and when an answer counts as the right one.

A figure is believed only after the body itself was looked at: a fast 404, an empty page or a page in
another form would win every race.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench import dataset

PIP_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
"""What pip has sent since 22.2: JSON first, negotiated by the server."""
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
_ANCHOR = re.compile(rb"<a\s[^>]*href=", re.IGNORECASE)
_CLIENT = {"User-Agent": "pip/26.0"}

Form = Literal["html", "json", "json-gzip", "file"]


@dataclass(frozen=True, slots=True)
class Row:
    """One measure. ``unit`` is what the table shows; ``files`` how many files a page lists."""

    key: str
    title: str
    project: str
    form: Form
    files: int = 0
    unit: Literal["req/s", "MB/s"] = "req/s"
    connections: int = 32
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One checked answer. ``note`` says where it differs from what was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    note: str = ""


class WrongAnswer(Exception):
    """A server answered something else than the row asks for."""


class NotOffered(Exception):
    """A server does not offer this form at all."""


def _page_rows(key: str, project: str, files: int) -> list[Row]:
    def row(form: Form, label: str, accept: str, encoding: str) -> Row:
        headers = {**_CLIENT, "Accept": accept, "Accept-Encoding": encoding}
        return Row(f"page-{key}-{form}", f"page, {files} files, {label}", project, form, files, headers=headers)

    return [
        row("html", "HTML", "text/html", "identity"),
        row("json", "JSON", PIP_ACCEPT, "identity"),
        row("json-gzip", "JSON, gzip", PIP_ACCEPT, "gzip"),
    ]


_FILE_HEADERS = {**_CLIENT, "Accept": "*/*", "Accept-Encoding": "identity"}

ROWS: tuple[Row, ...] = (
    *_page_rows("small", dataset.PAGE_SMALL, dataset.PAGE_SMALL_FILES),
    *_page_rows("large", dataset.PAGE_LARGE, dataset.PAGE_LARGE_FILES),
    Row("file-20kb", "file of 20 kB", dataset.FILE_20_KB, "file", headers=_FILE_HEADERS),
    Row(
        "file-10mib",
        "file of 10 MiB",
        dataset.FILE_10_MIB,
        "file",
        0,
        "MB/s",
        connections=8,
        headers=_FILE_HEADERS,
    ),
)


def fetch(port: int, path: str, headers: Mapping[str, str], *, seconds: float = 60) -> Answer:
    """One GET; header names in lower case."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)
    finally:
        connection.close()


def checked(row: Row, port: int, path: str) -> Answer:
    """The answer to ``row``, looked at: status, type, encoding, and every file listed or every byte right.

    Raises `WrongAnswer`, or `NotOffered` where a server has only the other form.
    """
    answer = fetch(port, path, row.headers)
    if answer.status != 200:
        raise WrongAnswer(f"{path}: status {answer.status}")
    if row.form == "file":
        _check_file(row, answer, path)
        return answer
    encoding = answer.headers.get("content-encoding", "identity")
    body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
    _check_page(row, answer.headers.get("content-type", ""), body, path)
    wanted = "gzip" if row.form == "json-gzip" else "identity"
    note = "" if encoding == wanted else ("not compressed" if wanted == "gzip" else f"sent as {encoding}")
    return Answer(answer.status, answer.headers, answer.body, note)


def _check_file(row: Row, answer: Answer, path: str) -> None:
    wheel = dataset.file_wheel(row.project)
    if hashlib.sha256(answer.body).hexdigest() != wheel.sha256:
        raise WrongAnswer(f"{path}: {len(answer.body)} bytes that are not those of {wheel.filename}")


def _check_page(row: Row, content_type: str, body: bytes, path: str) -> None:
    if row.form == "html":
        if not content_type.startswith(("text/html", "application/vnd.pypi.simple.v1+html")):
            raise WrongAnswer(f"{path}: {content_type}, asked for HTML")
        listed = len(_ANCHOR.findall(body))
    else:
        if not content_type.startswith(JSON_TYPE):
            raise NotOffered(f"answers {content_type} where JSON is asked for")
        listed = len(json.loads(body)["files"])
    if listed != row.files:
        raise WrongAnswer(f"{path}: lists {listed} files, not {row.files}")
