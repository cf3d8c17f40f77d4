"""The same request to both serving modes: a client cannot tell them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.web.serving_contract import (
    HTML,
    JSON,
    LARGE_FILE,
    LOCAL_FILE,
    PIP,
    SMALL_FILE,
    Pair,
    ask_raw,
    both_modes,
    seen,
)
from tests.web.uploading import ask

COMMANDS = [
    ("yank", "gouda", "3.0", "--reason", 'mould <b>"&'),
    ("archive", "gouda", "--reason", "eaten & <gone>"),
    ("quarantine", "old-rind", "--reason", "smells"),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with both_modes(tmp_path_factory.mktemp("alike") / "data", commands=COMMANDS) as pair:
        yield pair


ACCEPTS = [
    None, "", "*/*", JSON, HTML, "text/html", PIP, JSON.replace("v1", "latest"), HTML.replace("v1", "latest"),
    f"{JSON}, {HTML};q=0.2, text/html;q=0.01", f"{JSON};q=0, text/html", f"{HTML};q=0.9, {JSON};q=0.8",
    "text/html;q=0.3,application/*;q=0.4", "text/*", "application/*", "*/*;q=0", "image/png", "application/json",
    f"{JSON};q=0.000", f"{JSON.upper()}", f"  {JSON} ;q=1", "nonsense", "application/vnd.pypi.simple.v2+json",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    f"{JSON};q=2", f"{JSON};q=high, text/html;q=0.1", f"{JSON}," * 200,
]  # fmt: skip

ENCODINGS = [
    "gzip", "gzip, deflate", "gzip, deflate, br, zstd", "deflate, gzip, br, zstd", "br", "identity", "x-gzip",
    "gzip;q=0", "gzip;q=0.5, br", "*", "*;q=0", "GZIP", "br;q=1.0, gzip;q=0.8, *;q=0.1", "", "deflate,gzip",
]  # fmt: skip

PATHS = [
    "/simple", "/simple/", "/simple/gouda", "/simple/gouda/", "/simple/Gouda/", "/simple/GOUDA", "/simple/old_rind/",
    "/simple/Old.Rind", "/simple/old-rind/", "/simple/stilton/", "/simple/stilton", "/simple/-/", "/simple/a--b/",
    "/simple/gouda//", "//simple/gouda/", "/simple//gouda/", "/simple/%67ouda/", "/simple/gouda%2F",
    "/simple/gouda/v1.json", "/simple/gouda/v1.json.gz", "/v1.json", "/v1.json.gz", "/root.v1.json", "/simple/v1.json",
    "/simple/gouda/index.html", "/simple/gouda?x=1", "/simple/gouda/?x=1", "/simple/?", "/simple/gouda/#x",
    f"/simple/gouda/?format={JSON.replace('+', '%2B')}", f"/simple/gouda/?format={JSON}", "/simple/gouda/?format=x",
    f"/simple/?format={HTML.replace('+', '%2B')}", "/simple/gouda/?format=text/html", "/simple/" + "a" * 201 + "/",
    "/simple/" + "a" * 300 + "/", "/root", "/pages/go/", "/serial", "/locks/",
    "/packages", "/packages/", "/packages/cheddar/", "/packages/cheddar/1.0", "/packages/cheddar/1.0/",
    SMALL_FILE, f"{SMALL_FILE}.metadata", LARGE_FILE, LOCAL_FILE, LOCAL_FILE.replace("+", "%2B"),
    f"{SMALL_FILE}?x=1", f"{SMALL_FILE}/", f"{SMALL_FILE}.asc", SMALL_FILE.replace("1.0/", "1.1/"),
    SMALL_FILE.replace("/cheddar/", "/Cheddar/"), "/packages/cheddar/1.0/%63heddar-1.0-py3-none-any.whl",
    "/packages/gouda/1.0/gouda-1.0.tar.gz", "/packages/gouda/1.0/gouda-1.0.tar.gz.metadata",
    "/packages/gouda/1.0/gouda-1.0-py3-none-any.whl.metadata",
    "/packages/old-rind/1.0/old_rind-1.0-py3-none-any.whl",
    "/packages/source/g/gouda/gouda-1.0.tar.gz", "/packages/py3/c/cheddar/cheddar-1.0-py3-none-any.whl",
    "/packages/py3/c/cheddar/cheddar-1.0-py3-none-any.whl.metadata",
    "/packages/py3/x/cheddar/cheddar-1.0-py3-none-any.whl",
    "/packages/py2/c/cheddar/cheddar-1.0-py3-none-any.whl", "/packages/source/g/gouda/gouda-9.0.tar.gz",
    "/packages/.hidden/1.0/x", "/packages/cheddar/1.0/.x",
    "/packages/cheddar/1.0/sha256:0", "/edge/files", "/nowhere", "/nowhere/", "/legacy/", "/legacy",
]  # fmt: skip

REFUSED = [
    "/packages/cheddar/1.0/%2e%2e/%2e%2e/%2e%2e/%2e%2e/affineur.db", "/packages/..%2f..%2faffineur.db",
    "/packages/cheddar/..%2f..%2f..%2faffineur.db/x", "/packages/../../affineur.db", "/packages/../serial",
    "/packages/cheddar/1.0/../../../serial", "/simple/../serial", "/simple/gou%00da/", "/packages/a/b/c%00",
    "/packages/../pages/go/", "/packages/%2e%2e/serial", "/packages/cheddar/1.0/..%5c..%5cserial", "/simple/\xe9/",
]  # fmt: skip

CONDITIONS: list[dict[str, str]] = [
    {"if_none_match": "{etag}"}, {"if_none_match": "W/{etag}"}, {"if_none_match": '"a", {etag}'},
    {"if_none_match": "*"},
    {"if_none_match": '"other"'}, {"if_modified_since": "{modified}"},
    {"if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"}, {"if_modified_since": "Tue, 01 Jan 2097 00:00:00 GMT"},
    {"if_modified_since": "nonsense"}, {"if_none_match": '"other"', "if_modified_since": "{modified}"},
    {"if_match": '"other"'}, {"if_match": "{etag}"}, {"if_unmodified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
]  # fmt: skip

RANGES: list[dict[str, str]] = [
    {"range": "bytes=0-0"}, {"range": "bytes=5-9"}, {"range": "bytes=-100"}, {"range": "bytes=10-"},
    {"range": "bytes=0-99999999"}, {"range": "bytes=-99999999"}, {"range": "bytes=0-1,4-5"}, {"range": "bytes=0-0,-1"},
    {"range": "bytes=99999999-"}, {"range": "bytes=5-2"}, {"range": "bytes=-0"}, {"range": "bytes="},
    {"range": "bytes=a-b"}, {"range": "lines=1-2"}, {"range": "bytes=0-4", "if_range": "{etag}"},
    {"range": "bytes=0-4", "if_range": '"other"'}, {"range": "bytes=0-4", "if_range": "{modified}"},
    {"range": "bytes=0-4", "if_none_match": "{etag}"}, {"range": "bytes=0-4", "if_range": "W/{etag}"},
]  # fmt: skip


def _alike(pair: Pair, method: str, path: str, **headers: str | None) -> None:
    by_python = seen(ask(pair.python, method, path, **headers), path)
    by_edge = seen(ask(pair.edge, method, path, **headers), path)
    assert by_edge == by_python


def _filled(pair: Pair, path: str, headers: dict[str, str]) -> dict[str, str]:
    now = ask(pair.python, "GET", path).headers
    return {k: v.format(etag=now.get("etag"), modified=now.get("last-modified")) for k, v in headers.items()}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_address_means_the_same_in_both_modes(pair: Pair, method: str, path: str) -> None:
    _alike(pair, method, path)


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("mode", ["python", "edge"])
def test_a_way_out_of_the_tree_is_refused(pair: Pair, mode: str, path: str) -> None:
    # nginx refuses some of these itself (400), before any application sees them; Python says 404.
    status, body = ask_raw(pair.of(mode), path)
    assert status in (400, 404, 405)
    assert b"SQLite" not in body
    assert not body.strip().isdigit()


@pytest.mark.parametrize("path", ["/simple/gouda/", "/simple/cheddar/", "/simple/"])
@pytest.mark.parametrize("accept", ACCEPTS)
def test_an_accept_header_is_read_the_same_in_both_modes(pair: Pair, accept: str | None, path: str) -> None:
    _alike(pair, "GET", path, accept=accept)


@pytest.mark.parametrize("accept", [JSON, HTML, None])
@pytest.mark.parametrize("path", ["/simple/gouda/", "/simple/cheddar/", "/simple/"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_accept_encoding_is_read_the_same_in_both_modes(
    pair: Pair, encoding: str, path: str, accept: str | None
) -> None:
    _alike(pair, "GET", path, accept_encoding=encoding, accept=accept)


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/simple/", "/simple/gouda/", SMALL_FILE, "/simple/stilton/", "/nowhere"])
def test_other_methods_are_answered_the_same_in_both_modes(pair: Pair, method: str, path: str) -> None:
    _alike(pair, method, path)


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
@pytest.mark.parametrize("path", ["/simple/gouda/", "/simple/cheddar/", "/simple/", SMALL_FILE, LARGE_FILE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_condition_is_judged_the_same_in_both_modes(
    pair: Pair, condition: dict[str, str], path: str, method: str
) -> None:
    _alike(pair, method, path, **_filled(pair, path, condition))


@pytest.mark.parametrize("wanted", RANGES, ids=str)
@pytest.mark.parametrize("path", [SMALL_FILE, LARGE_FILE, "/simple/gouda/"])
def test_a_range_is_read_the_same_in_both_modes(pair: Pair, wanted: dict[str, str], path: str) -> None:
    _alike(pair, "GET", path, **_filled(pair, path, wanted))
