"""Feeds: what is new, as RSS 2.0, a pure function of what the store found.

What does not live here: the questions to the store (`shell.store.documents`) and the routes (`web.feeds`).
Sources: RSS 2.0 (RSS Advisory Board, 2.0.11); XML 1.0 §2.2 (which characters there are); RFC 822 dates as RFC 5322
has them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from ..addresses import are_email_addresses

# XML 1.0 §2.2: no escape makes these characters allowed; one of them in somebody's summary would make the whole feed
# unreadable for everybody.
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTED_PART = re.compile(r'"[^"]*"')
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a feed. ``guid`` is whether the link also identifies it; ``author`` are bare addresses."""

    title: str
    link: str
    description: str
    published_at: datetime
    author: str | None = None
    guid: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """A project or release that is new. ``summary`` and ``author_email`` are as its metadata has them."""

    name: str
    display_name: str
    version: str
    summary: str | None
    author_email: str | None
    at: datetime


def updates(news: Iterable[News], index_name: str, base_url: str) -> bytes:
    """The newest releases of the whole index, newest first. ``base_url`` ends in ``/``."""
    items = [_item(one, f"{one.display_name} {one.version}", base_url, one.version) for one in news]
    return rss(f"{index_name} recent updates", base_url, f"Recent updates to {index_name}", items)


def newcomers(news: Iterable[News], index_name: str, base_url: str) -> bytes:
    """The newest projects, newest first."""
    items = [_item(one, f"{one.display_name} added to {index_name}", base_url) for one in news]
    return rss(f"{index_name} newest projects", base_url, f"Newest projects registered at {index_name}", items)


def releases(project: str, display_name: str, news: Iterable[News], index_name: str, base_url: str) -> bytes:
    """The newest releases of one project, newest first."""
    items = [_item(one, one.version, base_url, one.version) for one in news]
    title = f"{index_name} recent updates for {display_name}"
    link = f"{base_url}project/{project}/"
    return rss(title, link, f"Recent updates to {display_name} at {index_name}", items)


def rss(title: str, link: str, description: str, items: Sequence[Item]) -> bytes:
    """A channel with ``items`` as a UTF-8 document; always well-formed, whatever the texts are."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<rss version="2.0">',
        "<channel>",
        f"<title>{xml_text(title)}</title>",
        f"<link>{xml_text(link)}</link>",
        f"<description>{xml_text(description)}</description>",
        "<language>en</language>",
    ]
    for item in items:
        lines.extend(_item_lines(item))
    lines += ["</channel>", "</rss>", ""]
    return "\n".join(lines).encode()


def author_addresses(text: str | None) -> str | None:
    """The bare addresses in an Author-email, joined by commas; None where there are none or one is malformed."""
    if not text or not are_email_addresses(text):
        return None
    return ", ".join(_ADDRESS.findall(_QUOTED_PART.sub("", text))) or None


def _item(news: News, title: str, base_url: str, version: str | None = None) -> Item:
    link = f"{base_url}project/{news.name}/" + (f"{quote(version)}/" if version else "")
    return Item(title, link, news.summary or "", news.at, author_addresses(news.author_email), guid=version is None)


def _item_lines(item: Item) -> Iterable[str]:
    yield "<item>"
    yield f"<title>{xml_text(item.title)}</title>"
    yield f"<link>{xml_text(item.link)}</link>"
    if item.guid:
        yield f"<guid>{xml_text(item.link)}</guid>"
    yield f"<description>{xml_text(item.description)}</description>"
    if item.author:
        yield f"<author>{xml_text(item.author)}</author>"
    yield f"<pubDate>{format_datetime(item.published_at.astimezone(UTC), usegmt=True)}</pubDate>"
    yield "</item>"


def xml_text(text: str) -> str:
    """``text`` as it may stand between tags; characters that XML does not know become U+FFFD."""
    return html.escape(_NOT_IN_XML.sub("\ufffd", text), quote=False)
