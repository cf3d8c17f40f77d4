"""Feeds: valid XML whatever people write, and the shape that readers know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.views.feeds import News, author_addresses, newcomers, releases, updates

BASE = "https://index.example.org/"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def news(summary: str | None = "A thing", author_email: str | None = None, version: str = "1.0") -> News:
    return News("foo-bar", "Foo.Bar", version, summary, author_email, AT)


def channel(feed: bytes) -> ElementTree.Element:
    root = ElementTree.fromstring(feed)
    assert (root.tag, root.attrib) == ("rss", {"version": "2.0"})
    (found,) = root
    return found


def test_updates_name_project_and_version() -> None:
    feed = channel(updates([news(author_email="Ann <ann@example.org>")], "Shop", BASE))
    assert [(one.tag, one.text) for one in feed][:4] == [
        ("title", "Shop recent updates"),
        ("link", BASE),
        ("description", "Recent updates to Shop"),
        ("language", "en"),
    ]
    assert [(one.tag, one.text) for one in feed[4]] == [
        ("title", "Foo.Bar 1.0"),
        ("link", f"{BASE}project/foo-bar/1.0/"),
        ("description", "A thing"),
        ("author", "ann@example.org"),
        ("pubDate", "Wed, 04 Mar 2026 05:06:07 GMT"),
    ]


def test_newcomers_have_a_guid() -> None:
    (item,) = channel(newcomers([news()], "Shop", BASE)).iter("item")
    assert [(one.tag, one.text) for one in item][:3] == [
        ("title", "Foo.Bar added to Shop"),
        ("link", f"{BASE}project/foo-bar/"),
        ("guid", f"{BASE}project/foo-bar/"),
    ]


def test_a_projects_releases_are_titled_by_version() -> None:
    feed = channel(releases("foo-bar", "Foo.Bar", [news(version="2.0+x"), news()], "Shop", BASE))
    assert feed.findtext("title") == "Shop recent updates for Foo.Bar"
    assert feed.findtext("link") == f"{BASE}project/foo-bar/"
    assert [item.findtext("title") for item in feed.iter("item")] == ["2.0+x", "1.0"]
    assert next(feed.iter("item")).findtext("link") == f"{BASE}project/foo-bar/2.0%2Bx/"


def test_a_feed_without_news_is_a_channel_without_items() -> None:
    assert list(channel(updates([], "Shop", BASE)).iter("item")) == []


def test_a_moment_of_another_zone_is_told_in_gmt() -> None:
    moment = AT.astimezone(timezone(timedelta(hours=5)))
    item = News("foo", "foo", "1", None, None, moment)
    assert b"<pubDate>Wed, 04 Mar 2026 05:06:07 GMT</pubDate>" in updates([item], "Shop", BASE)


def test_markup_and_control_characters_do_no_harm() -> None:
    feed = channel(updates([news("<b>&amp;]]>\x00\x08\x1b[31m\ufffe\ud800")], "Tom & <Jerry>", BASE))
    assert feed.findtext("title") == "Tom & <Jerry> recent updates"
    summary = next(feed.iter("item")).findtext("description")
    assert summary == "<b>&amp;]]>\ufffd\ufffd\ufffd[31m\ufffd\ufffd"


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_text_gives_well_formed_xml(summary: str, name: str) -> None:
    channel(updates([news(summary, summary)], name, BASE))


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (None, None),
        ("", None),
        ("nobody", None),
        ("ann@example.org", "ann@example.org"),
        ("Ann <ann@example.org>", "ann@example.org"),
        ('"Doe, Ann" <ann@example.org>, bob@example.org', "ann@example.org, bob@example.org"),
        ("ann@example.org, nobody", None),
    ],
)
def test_authors_are_addresses_or_left_out(given_text: str | None, expected: str | None) -> None:
    assert author_addresses(given_text) == expected
