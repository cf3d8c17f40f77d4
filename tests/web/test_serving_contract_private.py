"""A private index, in both serving modes: without a token that is valid now nothing is shown, files included."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from tests.services.affineur import Server
from tests.web.serving_contract import (
    JSON,
    LARGE_FILE,
    PIP,
    SMALL_FILE,
    Pair,
    both_modes,
    lines_of,
    projects,
    run,
    seen,
)
from tests.web.uploading import ask, basic

BYTES = {file.filename: file.data for file in projects()}
PATHS = ["/simple/", "/simple/gouda/", SMALL_FILE, LARGE_FILE, f"{SMALL_FILE}.metadata"]
ALSO = [
    "/simple", "/simple/Gouda", "/simple/stilton/", f"{SMALL_FILE}?x=1",
    "/packages/py3/c/cheddar/cheddar-1.0-py3-none-any.whl",
    "/packages/cheddar/1.0/nothing.whl", "/edge/file", "/nowhere", "/statuses.jsonl", "/statuses.parquet",
]  # fmt: skip
WRONG = {
    "none": None,
    "another": basic("__token__", "pypi-not-a-token"),
    "a password": basic("somebody", "secret"),
    "nonsense": "Basic !!!",
    "another scheme": "Digest x",
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    private = {"AFFINEUR_READ": "token", "AFFINEUR_LOG_ADDRESS": "hash"}
    with both_modes(tmp_path_factory.mktemp("private") / "data", private) as pair:
        yield pair


@pytest.fixture(params=["python", "edge"])
def server(request: pytest.FixtureRequest, pair: Pair) -> Server:
    return pair.of(request.param)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", [*PATHS, *ALSO, "/pypi/gouda/json"])
def test_without_a_valid_token_nothing_is_shown(pair: Pair, path: str, wrong: str) -> None:
    by_python, by_edge = (ask(pair.of(mode), "GET", path, authorization=WRONG[wrong]) for mode in ("python", "edge"))
    assert by_python.status == 401
    assert by_python.headers["www-authenticate"].startswith("Basic ")
    assert "cheddar" not in by_python.text
    assert seen(by_edge, path) == seen(by_python, path)


@pytest.mark.parametrize("path", [*PATHS, *ALSO])
def test_with_a_token_both_modes_answer_alike(pair: Pair, path: str) -> None:
    operator = basic("__token__", pair.python.token)
    by_python, by_edge = (
        ask(pair.of(mode), "GET", path, authorization=operator, accept=PIP) for mode in ("python", "edge")
    )
    assert by_python.status != 401
    assert seen(by_edge, path) == seen(by_python, path)


@pytest.mark.parametrize("path", PATHS)
def test_no_shared_cache_keeps_what_is_private(server: Server, path: str) -> None:
    answer = ask(server, "GET", path, authorization=f"Bearer {server.token}", accept=JSON)
    assert answer.status == 200
    assert "private" in answer.headers["cache-control"]


def test_ranges_and_conditions_need_a_token_too(server: Server) -> None:
    operator = basic("__token__", server.token)
    etag = ask(server, "HEAD", LARGE_FILE, authorization=operator).headers["etag"]
    part = ask(server, "GET", LARGE_FILE, authorization=operator, range="bytes=-10")
    assert (part.status, part.body) == (206, BYTES["wheel_of_cheese-1.0-py3-none-any.whl"][-10:])
    assert ask(server, "GET", LARGE_FILE, authorization=operator, if_none_match=etag).status == 304
    assert ask(server, "GET", LARGE_FILE, range="bytes=-10").status == 401
    assert ask(server, "GET", LARGE_FILE, if_none_match=etag).status == 401
    assert ask(server, "GET", LARGE_FILE, range="bytes=99999999-").status == 401


def test_a_revoked_token_opens_nothing_from_the_next_request_on(server: Server) -> None:
    created = json.loads(run(server, "token", "create", "--user", "reader", "--action", "read", "--json"))
    reader = basic("__token__", created["token"])
    for path in (SMALL_FILE, "/simple/gouda/"):
        assert ask(server, "GET", path, authorization=reader).status == 200
    run(server, "token", "revoke", str(created["id"]))
    for path in (SMALL_FILE, "/simple/gouda/", LARGE_FILE):
        assert ask(server, "GET", path, authorization=reader).status == 401


def test_an_expired_token_opens_nothing(server: Server) -> None:
    arguments = ("--user", "late", "--action", "read", "--expires-in-days", "0.00002", "--json")
    created = json.loads(run(server, "token", "create", *arguments))
    late = basic("__token__", created["token"])
    time.sleep(2)  # 0.00002 days are 1.7 seconds
    for path in (SMALL_FILE, LARGE_FILE, "/simple/gouda/"):
        assert ask(server, "GET", path, authorization=late).status == 401


def test_hashed_addresses_are_the_same_in_both_modes_and_no_address(pair: Pair) -> None:
    addresses = set()
    for mode in ("python", "edge"):
        server, agent = pair.of(mode), f"hashed-{mode}"
        ask(server, "GET", SMALL_FILE, authorization=f"Bearer {server.token}", user_agent=agent)
        ask(server, "GET", LARGE_FILE, authorization=f"Bearer {server.token}", user_agent=agent, range="bytes=0-4")
        ask(server, "GET", SMALL_FILE, user_agent=agent)  # refused: no line
        lines = lines_of(server.data, agent, 2)
        assert [(line["status"], line["bytes"]) for line in lines] == [
            (200, len(BYTES["cheddar-1.0-py3-none-any.whl"])),
            (206, 5),
        ]
        addresses |= {str(line["address"]) for line in lines}
    (address,) = addresses
    assert len(address) == 16
    assert "127" not in address
