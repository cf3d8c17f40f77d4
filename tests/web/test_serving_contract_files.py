"""How files are sent, in both serving modes: ranges, caching, metadata, predictable addresses, the request log."""

from __future__ import annotations

import email
import email.policy
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import pytest
from tests.services.affineur import Server
from tests.web.serving_contract import (
    LARGE_FILE,
    LOCAL_FILE,
    SMALL_FILE,
    Pair,
    both_modes,
    lines_of,
    projects,
    run,
)
from tests.web.uploading import ask

from affineur.web.requestlog import FIELDS

BYTES = {file.filename: file.data for file in projects()}
SMALL = BYTES["cheddar-1.0-py3-none-any.whl"]
LARGE = BYTES["wheel_of_cheese-1.0-py3-none-any.whl"]
BOTH = pytest.mark.parametrize(("path", "data"), [(SMALL_FILE, SMALL), (LARGE_FILE, LARGE)], ids=["small", "large"])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with both_modes(tmp_path_factory.mktemp("files") / "data", {"AFFINEUR_COUNTRY_HEADER": "X-Country"}) as pair:
        yield pair


@pytest.fixture(params=["python", "edge"])
def server(request: pytest.FixtureRequest, pair: Pair) -> Server:
    return pair.of(request.param)


@BOTH
def test_a_file_is_sent_whole_and_for_ever(server: Server, path: str, data: bytes) -> None:
    answer = ask(server, "GET", path)
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["cache-control"] == "max-age=365000000, immutable, public"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "sandbox" in answer.headers["content-security-policy"]


@BOTH
@pytest.mark.parametrize(("wanted", "part"), [
    ("bytes=0-9", slice(0, 10)), ("bytes=100-", slice(100, None)), ("bytes=-50", slice(-50, None)),
    ("bytes=-99999999", slice(None)), ("bytes=5-99999999", slice(5, None)),
])  # fmt: skip
def test_a_range_is_sent(server: Server, path: str, data: bytes, wanted: str, part: slice) -> None:
    answer = ask(server, "GET", path, range=wanted)
    assert answer.body == data[part]
    start = len(data) - len(data[part]) if part.start and part.start < 0 else part.start or 0
    assert answer.status in ((206,) if len(answer.body) < len(data) else (200, 206))
    if answer.status == 206:
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.body) - 1}/{len(data)}"


@BOTH
def test_several_ranges_are_sent_as_parts(server: Server, path: str, data: bytes) -> None:
    answer = ask(server, "GET", path, range="bytes=0-3,10-19,-22")
    assert answer.status == 206
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.body, policy=email.policy.HTTP)
    ranges = [part["Content-Range"] for part in message.iter_parts()]
    assert ranges == [
        f"bytes 0-3/{len(data)}",
        f"bytes 10-19/{len(data)}",
        f"bytes {len(data) - 22}-{len(data) - 1}/{len(data)}",
    ]
    assert data[-22:] in answer.body


@BOTH
def test_a_range_outside_is_not_satisfiable(server: Server, path: str, data: bytes) -> None:
    answer = ask(server, "GET", path, range=f"bytes={len(data)}-")
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(data)}")


@BOTH
def test_a_range_of_another_file_is_answered_whole(server: Server, path: str, data: bytes) -> None:
    etag = ask(server, "HEAD", path).headers["etag"]
    assert ask(server, "GET", path, range="bytes=0-3", if_range=etag).body == data[:4]
    assert ask(server, "GET", path, range="bytes=0-3", if_range='"other"').body == data


def test_a_zip_directory_can_be_read_by_ranges(server: Server) -> None:
    tail = ask(server, "GET", LARGE_FILE, range="bytes=-2000")
    start = int(tail.headers["content-range"].split()[1].partition("-")[0])
    names = zipfile.ZipFile(BytesIO(bytes(start) + tail.body)).namelist()
    assert "wheel_of_cheese-1.0.dist-info/METADATA" in names


@BOTH
def test_a_file_that_is_known_is_not_sent_again(server: Server, path: str, data: bytes) -> None:
    head = ask(server, "HEAD", path)
    assert (head.body, int(head.headers["content-length"])) == (b"", len(data))
    for condition in ({"if_none_match": head.headers["etag"]}, {"if_modified_since": head.headers["last-modified"]}):
        answer = ask(server, "GET", path, **condition)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["cache-control"] == "max-age=365000000, immutable, public"


def test_metadata_is_the_bytes_in_the_archive(server: Server) -> None:
    answer = ask(server, "GET", f"{SMALL_FILE}.metadata")
    inside = zipfile.ZipFile(BytesIO(SMALL)).read("cheddar-1.0.dist-info/METADATA")
    assert answer.body == inside
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", [LOCAL_FILE, LOCAL_FILE.replace("+", "%2B"), LOCAL_FILE.replace("+", "%2b")])
def test_a_local_version_is_found_however_its_plus_is_written(server: Server, path: str) -> None:
    assert ask(server, "GET", path).body == BYTES["cheddar-2.0+aged-py3-none-any.whl"]


def test_predictable_addresses_lead_to_the_file(server: Server) -> None:
    answer = ask(server, "GET", "/packages/py3/c/cheddar/cheddar-1.0-py3-none-any.whl")
    assert (answer.status, answer.headers["location"]) == (302, SMALL_FILE)
    assert answer.headers["cache-control"] == "max-age=604800, public"
    missing = ask(server, "GET", "/packages/py3/x/cheddar/cheddar-1.0-py3-none-any.whl")
    assert missing.status == 404
    assert missing.headers["reason"]


def test_a_held_file_answers_nothing_from_the_next_request_on(server: Server) -> None:
    path = "/packages/old-rind/1.0/old_rind-1.0-py3-none-any.whl"
    assert ask(server, "GET", path).status == 200
    run(server, "quarantine", "old-rind", "--reason", "smells")
    assert ask(server, "GET", path).status == 404
    assert ask(server, "GET", f"{path}.metadata").status == 404
    run(server, "clear", "old-rind")
    assert ask(server, "GET", path).status == 200


def test_both_modes_leave_the_same_lines(pair: Pair) -> None:
    requests: list[tuple[str, str, dict[str, str]]] = [
        ("GET", SMALL_FILE, {}),
        ("HEAD", SMALL_FILE, {}),
        ("GET", LARGE_FILE, {"x_country": "NZ"}),
        ("GET", f"{SMALL_FILE}.metadata", {}),
        ("GET", LOCAL_FILE, {}),
        ("GET", LOCAL_FILE.replace("+", "%2B"), {}),
        ("GET", f"{SMALL_FILE}?x=1", {}),
        ("GET", SMALL_FILE, {"range": "bytes=0-9"}),
        ("GET", LARGE_FILE, {"range": "bytes=-10"}),
        ("GET", LARGE_FILE, {"range": f"bytes={len(LARGE)}-"}),
        ("GET", SMALL_FILE, {"if_none_match": ask(pair.python, "HEAD", SMALL_FILE).headers["etag"]}),
        ("GET", LARGE_FILE, {"if_none_match": ask(pair.python, "HEAD", LARGE_FILE).headers["etag"]}),
        ("GET", SMALL_FILE.replace("1.0/", "9.0/"), {}),
        ("GET", "/simple/cheddar/", {}),
        ("GET", "/packages/py3/c/cheddar/cheddar-1.0-py3-none-any.whl", {}),
    ]
    left = {}
    for mode in ("python", "edge"):
        agent = f'an "agent"\\of {mode[:0]}tests/1.0 ({len(mode)})'
        for method, path, headers in requests:
            ask(pair.of(mode), method, path, user_agent=agent, **headers)
        left[mode] = lines_of(pair.of(mode).data, agent, 12)
    assert [list(line) for line in left["edge"]] == [list(FIELDS)] * 12
    for line in (*left["python"], *left["edge"]):
        moment = datetime.fromisoformat(str(line.pop("time")))
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
        line.pop("user_agent")
    # Python writes some lines only after their answer: the order is not part of the contract.
    assert sorted(left["edge"], key=str) == sorted(left["python"], key=str)
    statuses = sorted(line["status"] for line in left["edge"])
    assert statuses == [*(200,) * 7, *(206,) * 2, *(304,) * 2, 416]
    whole = [line["bytes"] for line in left["edge"] if line["file"] == LARGE_FILE.rpartition("/")[2]]
    assert sorted(whole) == [0, 0, 10, len(LARGE)]
    assert {line["address"] for line in left["edge"]} == {"127.0.0.0"}
    assert [line["country"] for line in left["edge"]].count("NZ") == 1


@pytest.mark.parametrize("agent", ["x" * 512, "y" * 513, "z" * 3000, "caf\xe9 \xff", "tab\there", "a|b\\u0000"])
def test_an_awkward_user_agent_is_logged_the_same(pair: Pair, agent: str) -> None:
    logged = agent.encode("latin-1").decode("utf-8", "replace")[:512]
    for mode in ("python", "edge"):
        ask(pair.of(mode), "GET", SMALL_FILE, user_agent=agent)
        assert len(lines_of(pair.of(mode).data, logged, 1)) == 1


def test_a_moment_is_written_in_utc_to_the_second(pair: Pair) -> None:
    for mode in ("python", "edge"):
        ask(pair.of(mode), "GET", SMALL_FILE, user_agent="clock")
        (line,) = lines_of(pair.of(mode).data, "clock", 1)
        written = str(line["time"])
        assert len(written) == len("2026-01-01T00:00:00+00:00")
        assert written.endswith("+00:00")
