"""Atom feeds are well-formed, and say what RFC 4287 asks of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from affineur.core.views.atom import AtomEntry, AtomFeed, atom

NAMESPACE = {"a": "http://www.w3.org/2005/Atom"}
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def made(*entries: AtomEntry) -> ElementTree.Element:
    title = 'A "title" & <more>\x00'
    feed = AtomFeed("urn:x:feed", title, "https://example.org/?a=1&b=2", "https://e/f", entries, BEGAN)
    return ElementTree.fromstring(atom(feed))


def text(element: ElementTree.Element, path: str) -> str:
    return element.findtext(path, default="", namespaces=NAMESPACE)


def test_a_feed_without_entries_has_all_that_a_feed_must_have() -> None:
    found = made()
    assert text(found, "a:id") == "urn:x:feed"
    assert text(found, "a:title") == 'A "title" & <more>\ufffd'
    assert datetime.fromisoformat(text(found, "a:updated")) == BEGAN
    links = {each.get("rel"): each.get("href") for each in found.findall("a:link", NAMESPACE)}
    assert links == {"alternate": "https://example.org/?a=1&b=2", "self": "https://e/f"}


def test_a_feed_is_as_new_as_its_newest_entry_and_its_times_are_utc() -> None:
    later = datetime(2026, 12, 1, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    found = made(
        AtomEntry("urn:x:2", "Second", 'https://e/2?q="x"', later, "Brie", "Text with <b>.", "cheese"),
        AtomEntry("urn:x:1", "First", "/1", BEGAN, "Brie", "", "cheese"),
    )
    assert text(found, "a:updated").startswith("2026-12-01T12:00:00") and text(found, "a:updated").endswith("Z")
    second, first = found.findall("a:entry", NAMESPACE)
    assert text(second, "a:content") == "Text with <b>."
    assert text(second, "a:author/a:name") == "Brie", "RFC 4287 §4.1.1: every entry has an author, or the feed has"
    link = second.find("a:link", NAMESPACE)
    assert link is not None and link.get("href") == 'https://e/2?q="x"'
    assert datetime.fromisoformat(text(first, "a:updated")) == BEGAN


@given(st.text())
def test_any_text_makes_a_document_that_can_be_read(anything: str) -> None:
    entry = AtomEntry(anything, anything, f"https://e/?q={anything}", BEGAN, anything, anything, anything)
    assert len(made(entry).findall("a:entry", NAMESPACE)) == 1
