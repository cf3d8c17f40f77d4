"""``/rss/…`` over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, initialise, serve
from tests.web.states import at_hand, keep_back
from tests.web.uploading import Answer, a_wheel, ask, published, upload

from affineur.core.life.lifecycle import WHOLE

FEEDS = ("/rss/updates.xml", "/rss/packages.xml", "/rss/project/brie/releases.xml")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which two projects with three releases are published, oldest first."""
    data = tmp_path_factory.mktemp("feeds") / "data"
    with serve(data, initialise(data), environment={"AFFINEUR_INDEX_NAME": "Tom & Jerry's"}) as running:
        fields = [("Summary", "Soft \x1b<cheese> & \U0001f9c0"), ("Author-email", "Ann <ann@example.org>")]
        published(upload(running, a_wheel("Brie", metadata=core_metadata("Brie", fields=fields))))
        published(upload(running, a_wheel("edam")))
        published(upload(running, a_wheel("Brie", "2.0")))
        yield running


def titles(answer: Answer) -> list[str | None]:
    assert answer.status == 200
    return [item.findtext("title") for item in ElementTree.fromstring(answer.body).iter("item")]


def test_the_newest_releases_and_projects_come_first(index: Server) -> None:
    updates, packages, releases = (ask(index, "GET", path) for path in FEEDS)
    assert titles(updates) == ["Brie 2.0", "edam 1.0", "Brie 1.0"]
    assert titles(packages) == ["edam added to Tom & Jerry's", "Brie added to Tom & Jerry's"]
    assert titles(releases) == ["2.0", "1.0"]


def test_an_item_has_link_summary_author_and_date(index: Server) -> None:
    feed = ElementTree.fromstring(ask(index, "GET", "/rss/updates.xml").body)
    oldest = list(feed.iter("item"))[-1]
    assert oldest.findtext("link") == f"{index.url}project/brie/1.0/"
    assert oldest.findtext("description") == "Soft \ufffd<cheese> & \U0001f9c0"
    assert oldest.findtext("author") == "ann@example.org"
    date = parsedate_to_datetime(str(oldest.findtext("pubDate")))
    assert date.utcoffset() is not None
    page = ask(index, "GET", "/pypi/brie/1.0/json").json
    assert date.strftime("%Y-%m-%dT%H:%M:%S") == page["urls"][0]["upload_time"]


@pytest.mark.parametrize("path", FEEDS)
def test_headers_suit_feed_readers(index: Server, path: str) -> None:
    answer = ask(index, "GET", path)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ask(index, "GET", path, if_none_match=answer.headers["etag"]).status == 304
    assert ask(index, "HEAD", path).body == b""
    assert ask(index, "OPTIONS", path).status == 204


def test_names_are_normalised_and_unknown_projects_404(index: Server) -> None:
    moved = ask(index, "GET", "/rss/project/B.rie/releases.xml")
    assert (moved.status, moved.headers["location"]) == (301, "/rss/project/b-rie/releases.xml")
    assert ask(index, "GET", "/rss/project/b-rie/releases.xml").status == 404
    assert ask(index, "GET", "/rss/project/-/releases.xml").status == 404


def test_a_quarantined_project_is_in_no_feed(server: Callable[..., Server]) -> None:
    held = server()
    published(upload(held, a_wheel("brie")))
    published(upload(held, a_wheel("edam")))
    with at_hand(held) as acting:
        keep_back(acting, "quarantine", "brie", WHOLE)
    assert [titles(ask(held, "GET", path)) for path in FEEDS] == [["edam 1.0"], ["edam added to Affineur"], []]


def test_an_empty_index_has_empty_feeds(server: Callable[..., Server]) -> None:
    empty = server()
    assert [titles(ask(empty, "GET", path)) for path in FEEDS[:2]] == [[], []]
