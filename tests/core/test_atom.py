"""Atom feeds are well-formed, and say what RFC 4287 asks of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

from affineur.core.atom import Entry, feed

NAMESPACE = {"a": "http://www.w3.org/2005/Atom"}
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def made(*entries: Entry) -> ElementTree.Element:
    body = feed(
        "urn:x:feed", 'A "title" & <more>\x00', "https://example.org/?a=1&b=2", "https://e/f", "Brie", entries, BEGAN
    )
    return ElementTree.fromstring(body)


def text(element: ElementTree.Element, path: str) -> str | None:
    return element.findtext(path, namespaces=NAMESPACE)


def test_a_feed_without_entries_has_all_that_a_feed_must_have() -> None:
    found = made()
    assert text(found, "a:id") == "urn:x:feed"
    assert text(found, "a:title") == 'A "title" & <more>\ufffd'
    assert text(found, "a:updated") == "2026-11-22T00:00:00Z"
    assert text(found, "a:author/a:name") == "Brie"
    links = {each.get("rel"): each.get("href") for each in found.findall("a:link", NAMESPACE)}
    assert links == {"alternate": "https://example.org/?a=1&b=2", "self": "https://e/f"}


def test_a_feed_is_as_new_as_its_newest_entry_and_its_times_are_utc() -> None:
    later = datetime(2026, 12, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    found = made(
        Entry("urn:x:2", "Second", 'https://e/2?q="x"', later, "Text with <b>."), Entry("urn:x:1", "First", "/1", BEGAN)
    )
    assert text(found, "a:updated") == "2026-12-01T12:00:00Z"
    second, first = found.findall("a:entry", NAMESPACE)
    assert text(second, "a:content") == "Text with <b>."
    link = second.find("a:link", NAMESPACE)
    assert link is not None and link.get("href") == 'https://e/2?q="x"'
    assert text(first, "a:content") is None
    assert text(first, "a:updated") == "2026-11-22T00:00:00Z"
