"""Fetching from an upstream that is wrong, hostile or just tired: limits, redirects, retries, credentials."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from tests.shell.hostile_upstream import JSON, Answer, Upstream, hung_upstream, upstream

from affineur.core.decision import Refused
from affineur.core.names import parse_name
from affineur.shell.upstream import fetching
from affineur.shell.upstream.fetching import Fetcher, Patience
from affineur.shell.upstream.offers import OfferedFile, UpstreamAway
from affineur.shell.upstream.simple_index import SimpleIndex

FOO = parse_name("foo")
HURRIED = Patience(attempts=3, first_pause_seconds=0.01, longest_pause_seconds=0.05, timeout_seconds=1.0)
CONTENT = b"cheese" * 1000


@pytest.fixture
def there() -> Iterator[Upstream]:
    with upstream() as running:
        running.answers["/f/foo-1.0.tar.gz"] = Answer(CONTENT, content_type="application/octet-stream")
        yield running


@pytest.fixture
def index(there: Upstream) -> Iterator[SimpleIndex]:
    opened = SimpleIndex(f"{there.url}/simple", patience=HURRIED)
    yield opened
    opened.close()


def offered(there: Upstream, **facts: object) -> OfferedFile:
    return OfferedFile("foo-1.0.tar.gz", f"{there.url}/f/foo-1.0.tar.gz", **facts)  # type: ignore[arg-type]


def rule_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.decision.rule


def test_a_file_arrives_with_its_digests_and_time(there: Upstream, index: SimpleIndex, tmp_path: Path) -> None:
    there.answers["/f/foo-1.0.tar.gz"] = Answer(CONTENT, headers={"last-modified": "Sat, 02 Mar 2019 10:00:00 GMT"})
    digest = hashlib.sha256(CONTENT).hexdigest()
    received = index.fetch(offered(there, digests={"sha256": digest.upper()}, size_bytes=len(CONTENT)), tmp_path / "x")
    assert (received.sha256, received.size_bytes) == (digest, len(CONTENT))
    assert received.modified_at is not None and received.modified_at.isoformat() == "2019-03-02T10:00:00+00:00"
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5", "blake2b"])
def test_a_wrong_digest_is_refused_and_nothing_stays(
    algorithm: str, there: Upstream, index: SimpleIndex, tmp_path: Path
) -> None:
    wrong = hashlib.new(algorithm, b"other").hexdigest()
    with pytest.raises(Refused) as refused:
        index.fetch(offered(there, digests={algorithm: wrong}), tmp_path / "x")
    assert rule_of(refused) == "upstream.digest"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size_bytes", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_file_of_another_size_than_stated_is_refused(
    size_bytes: int, there: Upstream, index: SimpleIndex, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as refused:
        index.fetch(offered(there, size_bytes=size_bytes), tmp_path / "x")
    assert rule_of(refused) == "upstream.size"
    assert not list(tmp_path.iterdir())


def test_a_body_that_ends_too_early_is_asked_for_again(there: Upstream, index: SimpleIndex, tmp_path: Path) -> None:
    there.answers["/f/foo-1.0.tar.gz"] = lambda before: Answer(
        CONTENT if before else CONTENT[:100], claimed_bytes=len(CONTENT)
    )
    assert index.fetch(offered(there), tmp_path / "x").size_bytes == len(CONTENT)
    assert there.asked["/f/foo-1.0.tar.gz"] == 2


def test_an_upstream_that_stays_away_is_given_up_after_some_attempts(there: Upstream, index: SimpleIndex) -> None:
    there.answers["/simple/foo/"] = Answer(status=503)
    with pytest.raises(UpstreamAway, match="3 attempts: status 503"):
        index.project(FOO)
    assert there.asked["/simple/foo/"] == 3


def test_an_upstream_that_hangs_is_left_alone_after_a_while() -> None:
    patience = Patience(2, 0.01, longest_pause_seconds=60.0, timeout_seconds=0.05, longest_silence_seconds=0.2)
    with hung_upstream() as url:
        index = SimpleIndex(url, patience=patience)
        for _ in range(20):  # a few are asked for in vain, twice each
            with pytest.raises(UpstreamAway) as away:
                index.project(FOO)
            if "was not asked for: the upstream was silent" in str(away.value):
                break
        else:
            pytest.fail(f"it is still asked: {away.value}")
        index.close()


def test_an_upstream_that_was_left_alone_is_asked_again_after_its_rest(there: Upstream) -> None:
    there.answers["/simple/foo/"] = Answer(orjson.dumps({"name": "foo", "files": []}), content_type=JSON)
    patience = Patience(1, 0.01, longest_pause_seconds=0.0, timeout_seconds=0.05, longest_silence_seconds=0.0)
    with hung_upstream() as url:
        silent = Fetcher(url, patience=patience)
        for _ in range(3):
            with pytest.raises(UpstreamAway, match="1 attempts"):
                silent.page(f"{url}/simple/foo/", JSON)
        assert silent.page(f"{there.url}/simple/foo/", JSON).body
        silent.close()


def test_any_answer_ends_a_silence(there: Upstream) -> None:
    patience = Patience(2, 0.01, 0.01, timeout_seconds=1.0, longest_silence_seconds=0.0)
    there.answers["/cut"] = Answer(b"", claimed_bytes=1000)
    fetcher = Fetcher(there.url, patience=patience)
    for _ in range(3):  # each time it begins to answer, and ends too early
        with pytest.raises(UpstreamAway, match="2 attempts"):
            fetcher.page(f"{there.url}/cut", "text/html")
    fetcher.close()


def test_an_upstream_that_serves_one_at_a_time_serves_all_in_turn(tmp_path: Path) -> None:
    with upstream(one_at_a_time=True) as there, ThreadPoolExecutor(8) as threads:
        there.answers["/f/foo-1.0.tar.gz"] = Answer(CONTENT)
        index = SimpleIndex(there.url, patience=Patience(timeout_seconds=20.0))
        arrived = [threads.submit(index.fetch, offered(there), tmp_path / str(number)) for number in range(40)]
        assert {one.result().size_bytes for one in arrived} == {len(CONTENT)}
        assert there.asked["/f/foo-1.0.tar.gz"] == 40
        index.close()


def test_retry_after_is_waited_for(there: Upstream) -> None:
    page = orjson.dumps({"name": "foo", "files": []})
    there.answers["/simple/foo/"] = lambda before: (
        Answer(page, content_type=JSON) if before else Answer(status=429, headers={"retry-after": "1"})
    )
    patient = SimpleIndex(f"{there.url}/simple/", patience=Patience(attempts=2, first_pause_seconds=0.01))
    began = time.monotonic()
    assert patient.project(FOO) is not None
    assert time.monotonic() - began >= 1.0
    patient.close()


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_refusal_by_the_upstream_is_not_asked_again(status: int, there: Upstream, index: SimpleIndex) -> None:
    there.answers["/simple/foo/"] = Answer(status=status)
    with pytest.raises(Refused, match=f"status {status}"):
        index.project(FOO)
    assert there.asked["/simple/foo/"] == 1


def test_a_project_that_is_not_there_is_none(index: SimpleIndex) -> None:
    assert index.project(FOO) is None


@pytest.mark.parametrize(
    ("location", "rule"),
    [
        ("file:///etc/passwd", "upstream.scheme"),
        ("ftp://example.org/foo", "upstream.scheme"),
        ("/simple/foo/", "upstream.redirects"),
    ],
)
def test_a_redirect_to_elsewhere_is_refused(location: str, rule: str, there: Upstream, index: SimpleIndex) -> None:
    there.answers["/simple/foo/"] = Answer(status=302, headers={"location": location})
    with pytest.raises(Refused) as refused:
        index.project(FOO)
    assert rule_of(refused) == rule


@pytest.mark.parametrize("place", ["file:///etc/passwd", "javascript:x", "http://[::1", "//", "http://a\nb/"])
def test_a_file_at_no_address_is_refused(place: str, index: SimpleIndex, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        index.fetch(OfferedFile("foo-1.0.tar.gz", place), tmp_path / "x")
    assert rule_of(refused) == "upstream.scheme"


def test_a_page_of_any_other_content_type_is_refused(there: Upstream, index: SimpleIndex) -> None:
    there.answers["/simple/foo/"] = Answer(b"{}", content_type="application/json")
    with pytest.raises(Refused) as refused:
        index.project(FOO)
    assert rule_of(refused) == "upstream.content-type"


def test_a_page_that_is_too_large_is_refused_before_it_is_read(
    there: Upstream, index: SimpleIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.answers["/simple/foo/"] = Answer(b" " * (fetching.MAXIMUM_PAGE_BYTES + 1))
    with pytest.raises(Refused) as refused:
        index.project(FOO)
    assert rule_of(refused) == "upstream.page-size"


def test_credentials_go_to_the_upstream_and_nowhere_else(there: Upstream, tmp_path: Path) -> None:
    with upstream() as other:
        other.answers["/foo-1.0.tar.gz"] = Answer(CONTENT)
        there.answers["/simple/foo/"] = Answer(f'<a href="{other.url}/foo-1.0.tar.gz">foo-1.0.tar.gz</a>'.encode())
        private = SimpleIndex(f"{there.url.replace('//', '//milk%40:s%3Acret@')}/simple/", patience=HURRIED)
        found = private.project(FOO)
        assert found is not None
        private.fetch(found.files[0], tmp_path / "x")
        private.close()
        assert there.seen_headers[0][1]["authorization"] == "Basic bWlsa0A6czpjcmV0"
        assert "authorization" not in other.seen_headers[0][1]


def test_a_token_and_netrc_are_shown_to_the_upstream(
    there: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login milk password cheese\n")
    (tmp_path / ".netrc").chmod(0o600)
    for token, sent in (("tok", "Basic X190b2tlbl9fOnRvaw=="), (None, "Basic bWlsazpjaGVlc2U=")):
        fetcher = Fetcher(there.url, token, HURRIED)
        with pytest.raises(fetching.Gone):
            fetcher.page(f"{there.url}/nothing", "text/html")
        fetcher.close()
        assert there.seen_headers[-1][1]["authorization"] == sent
