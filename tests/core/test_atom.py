"""Atom feeds are well-formed and valid, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from affineur.core.atom import AtomEntry, AtomFeed, atom

NAMESPACE = "{http://www.w3.org/2005/Atom}"
AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def a_feed(*entries: AtomEntry, title: str = "Journal") -> AtomFeed:
    return AtomFeed("urn:x#journal", title, "https://example.org/", "https://example.org/journal.atom", entries)


def an_entry(text: str, at: datetime = AT) -> AtomEntry:
    return AtomEntry(f"urn:x#{text}", text, f"https://example.org/?q={text}", at, text, text, text)


@given(st.text())
def test_any_text_makes_a_document_that_can_be_read(text: str) -> None:
    root = ElementTree.fromstring(atom(a_feed(an_entry(text), title=text)))
    assert len(root.findall(f"{NAMESPACE}entry")) == 1


def test_what_rfc_4287_asks_for_is_there() -> None:
    later = AT.astimezone(timezone(timedelta(hours=5))) + timedelta(hours=1)
    root = ElementTree.fromstring(atom(a_feed(an_entry("a"), an_entry('<b>"&', later))))
    assert root.findtext(f"{NAMESPACE}updated") == "2026-01-01T13:00:00.000000Z"
    assert {link.get("rel") for link in root.findall(f"{NAMESPACE}link")} == {"self", "alternate"}
    second = root.findall(f"{NAMESPACE}entry")[1]
    assert second.findtext(f"{NAMESPACE}content") == second.findtext(f"{NAMESPACE}title") == '<b>"&'
    for name in ("id", "updated", "published"):
        assert second.findtext(f"{NAMESPACE}{name}")
    category, author = second.find(f"{NAMESPACE}category"), second.findtext(f"{NAMESPACE}author/{NAMESPACE}name")
    assert category is not None
    assert category.get("term") == author == '<b>"&'


def test_an_empty_feed_is_a_feed() -> None:
    assert ElementTree.fromstring(atom(a_feed())).findtext(f"{NAMESPACE}updated") == "1970-01-01T00:00:00.000000Z"
