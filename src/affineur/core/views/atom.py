"""Atom feeds (RFC 4287) as bytes, always well-formed, whatever the texts in them are.

What does not live here: what is in a feed (`core.history.chronicle_words` and others), and RSS (`core.views.feeds`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .feeds import xml_text


@dataclass(frozen=True, slots=True)
class AtomEntry:
    """One entry. ``id`` is an IRI that never changes (RFC 4287 §4.2.6); ``text`` is plain, not HTML."""

    id: str
    title: str
    link: str
    updated_at: datetime
    author: str
    text: str
    category: str


@dataclass(frozen=True, slots=True)
class AtomFeed:
    """A feed. ``link`` is the page it is about, ``address`` its own; ``began_at`` counts where it has no entries."""

    id: str
    title: str
    link: str
    address: str
    entries: Sequence[AtomEntry]
    began_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def atom(feed: AtomFeed) -> bytes:
    """The feed as a UTF-8 document, its entries in the order given."""
    updated_at = max((entry.updated_at for entry in feed.entries), default=feed.began_at)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{_text(feed.id)}</id>",
        f"<title>{_text(feed.title)}</title>",
        f"<updated>{_moment(updated_at)}</updated>",
        f'<link rel="self" type="application/atom+xml" href="{_text(feed.address)}"/>',
        f'<link rel="alternate" type="text/html" href="{_text(feed.link)}"/>',
    ]
    for entry in feed.entries:
        lines.extend(_entry(entry))
    return "\n".join([*lines, "</feed>", ""]).encode()


def _entry(entry: AtomEntry) -> Iterable[str]:
    yield "<entry>"
    yield f"<id>{_text(entry.id)}</id>"
    yield f"<title>{_text(entry.title)}</title>"
    yield f"<updated>{_moment(entry.updated_at)}</updated>"
    yield f"<published>{_moment(entry.updated_at)}</published>"
    yield f"<author><name>{_text(entry.author)}</name></author>"
    yield f'<category term="{_text(entry.category)}"/>'
    yield f'<link rel="alternate" type="text/html" href="{_text(entry.link)}"/>'
    yield f'<content type="text">{_text(entry.text)}</content>'
    yield "</entry>"


def _moment(moment: datetime) -> str:
    """RFC 3339, as RFC 4287 §3.3 wants it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text(text: str) -> str:
    return xml_text(text).replace(chr(34), "&quot;")
