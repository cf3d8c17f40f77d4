"""Files whose blobs are in S3, from upload to download, by a real server before a real S3."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from tests.services.affineur import MODES, Mode, Server, affineur, initialise, serve
from tests.services.s3 import Bucket, new_bucket
from tests.walks.uploading import Got, Reader, Wheel, upload

WHEEL = Wheel("cheese", "1.0")
PATH = f"/packages/cheese/1.0/{WHEEL.filename}"
SIZE = len(WHEEL.body)


def environment_of(bucket: Bucket, **more: str) -> dict[str, str]:
    """The settings of an index whose blobs are in ``bucket``."""
    chosen = {"AFFINEUR_BLOBS": f"s3://{bucket.name}/cellar", "AFFINEUR_S3_ENDPOINT": bucket.endpoint}
    return bucket.environment | chosen | more


@pytest.fixture(scope="module", params=MODES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one project of one wheel."""
    mode: Mode = request.param
    with new_bucket() as bucket:
        environment = environment_of(bucket)
        data = tmp_path_factory.mktemp("s3") / "data"
        with serve(data, initialise(data, environment), mode=mode, environment=environment) as server:
            assert upload(server.url, server.token, WHEEL) == (200, "")
            yield server


@pytest.fixture
def get(served: Server) -> Iterator[Callable[..., Got]]:
    reader = Reader(served.url)
    yield reader.get
    reader.close()


def test_nothing_of_the_file_is_kept_on_this_machine(served: Server) -> None:
    link = served.data / "public" / PATH.lstrip("/")
    assert link.is_symlink()
    assert str(link.readlink()) == f"sha256:{WHEEL.sha256}"
    assert list((served.data / "spool").iterdir()) == []
    assert not (served.data / "blobs").exists()


def test_a_file_comes_whole(get: Callable[..., Got]) -> None:
    got = get(PATH)
    assert (got.status, got.body) == (200, WHEEL.body)
    assert got.headers["content-length"] == str(SIZE)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["accept-ranges"] == "bytes"
    assert "immutable" in got.headers["cache-control"]


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), (f"bytes={SIZE - 5}-", SIZE - 5, SIZE), ("bytes=-7", SIZE - 7, SIZE),
     ("bytes=10-999999999", 10, SIZE), ("bytes=-999999999", 0, SIZE)],
)  # fmt: skip
def test_a_range_comes_as_asked_for(get: Callable[..., Got], wanted: str, start: int, end: int) -> None:
    got = get(PATH, range=wanted)
    assert (got.status, got.body) == (206, WHEEL.body[start:end])
    assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert got.headers["content-length"] == str(end - start)


def test_a_range_outside_the_file_is_refused(get: Callable[..., Got]) -> None:
    got = get(PATH, range=f"bytes={SIZE}-")
    assert got.status == 416
    assert got.headers["content-range"] == f"bytes */{SIZE}"


def test_head_says_what_get_would(get: Callable[..., Got]) -> None:
    got = get(PATH, "HEAD")
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", str(SIZE))
    assert got.headers["etag"] == get(PATH).headers["etag"]


def test_a_client_that_has_the_file_is_told_so(get: Callable[..., Got]) -> None:
    etag = get(PATH).headers["etag"]
    got = get(PATH, if_none_match=etag)
    assert (got.status, got.body) == (304, b"")
    assert get(PATH, if_none_match='"other"').status == 200


def test_metadata_is_beside_the_file_and_has_the_digest_of_the_page(get: Callable[..., Got], served: Server) -> None:
    reader = Reader(served.url)
    page = reader.page("cheese")
    reader.close()
    assert page
    (listed,) = page["files"]  # type: ignore[misc]
    got = get(f"{PATH}.metadata")
    assert got.status == 200
    assert got.headers["content-type"].startswith("text/plain")
    assert hashlib.sha256(got.body).hexdigest() == listed["core-metadata"]["sha256"]


def test_what_is_not_there_is_not_found(get: Callable[..., Got]) -> None:
    assert get(PATH.replace("1.0", "1.1")).status == 404


def test_every_download_leaves_its_line(get: Callable[..., Got], served: Server) -> None:
    get(PATH, user_agent="a-client-to-be-found/1.0")
    deadline = time.monotonic() + 20  # lines are written a moment after the answer
    while not (found := lines_with(served, "a-client-to-be-found/1.0")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [WHEEL.filename in line for line in found] == [True]


def lines_with(server: Server, text: str) -> list[str]:
    """Lines of the request log that contain ``text``."""
    lines = [line for log in (server.data / "logs").iterdir() for line in log.read_text().splitlines()]
    return [line for line in lines if text in line]


def test_by_redirect_the_file_comes_from_the_bucket_itself(server: Callable[..., Server], s3: Bucket) -> None:
    running = server(environment=environment_of(s3, AFFINEUR_S3_DELIVERY="redirect"))
    assert upload(running.url, running.token, WHEEL) == (200, "")
    reader = Reader(running.url)
    sent = reader.get(PATH)
    assert sent.status == 302
    assert sent.headers["location"].startswith(s3.endpoint)
    assert sent.headers["cache-control"] == "no-store"
    with build_opener(ProxyHandler({})).open(sent.headers["location"], timeout=10) as answer:
        assert answer.read() == WHEEL.body
    # Installers fetch metadata by small requests: a redirect would double them.
    assert reader.get(f"{PATH}.metadata").status == 200
    reader.close()


def test_a_hold_takes_the_file_away_and_clearing_gives_it_back(server: Callable[..., Server], s3: Bucket) -> None:
    environment = environment_of(s3)
    running = server(environment=environment)
    assert upload(running.url, running.token, WHEEL) == (200, "")
    reader = Reader(running.url)
    assert reader.get(PATH).status == 200
    affineur("quarantine", "cheese", "--reason", "looks odd", "--data", running.data, environment=environment)
    assert reader.get(PATH).status == 404
    assert reader.get(PATH, range="bytes=0-1").status == 404
    affineur("clear", "cheese", "--data", running.data, environment=environment)
    assert reader.get(PATH).body == WHEEL.body
    reader.close()


def test_a_check_reads_every_blob_in_the_bucket(server: Callable[..., Server], s3: Bucket, tmp_path: Path) -> None:
    environment = environment_of(s3)
    running = server(environment=environment)
    assert upload(running.url, running.token, WHEEL) == (200, "")
    affineur("fsck", "--data", running.data, environment=environment)
