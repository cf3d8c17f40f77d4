"""HTML read for what the simple API puts into it: anchors, `meta` and `base`. Everything else is passed over.

Not done with a parser from a library: Python's own and HTML 5 parsers that build a tree take minutes for a few
hundred kilobytes made to hurt (unclosed tags, character references), and pages come from hosts that are not trusted.
This reader looks at each character once and gives up on a page whose tags do not end.
Source: HTML Living Standard §13.1.2 (how tags and attributes are written), PEP 503.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_MAXIMUM_TAG_CHARACTERS = 16 * 1024
_MAXIMUM_TEXT_CHARACTERS = 512

_NEXT = re.compile(
    r"<(?:(?P<end>/?)(?P<tag>a|base|meta)(?=[\s/>])|(?P<skip>!--|script(?=[\s>])|style(?=[\s>])))", re.IGNORECASE
)
_REST = re.compile(r"""(?P<attributes>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")
_TAG = re.compile(r"<[^<>]*>")
_SKIP_TO = {"!--": re.compile("-->"), "script": re.compile("</script", re.I), "style": re.compile("</style", re.I)}


class Malformed(ValueError):
    """A tag that does not end, or is longer than any that means something."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An ``<a>`` that has an ``href``. An attribute without a value has the value ``""``."""

    attributes: Mapping[str, str]
    text: str


@dataclass(slots=True)
class Hypertext:
    """What a page says. ``meta`` goes from lowercase name to content."""

    anchors: list[Anchor] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    base: str = ""


def read_hypertext(text: str) -> Hypertext:
    """Read a page in time linear in its length. `Malformed` where a tag has no end."""
    found = Hypertext()
    position = 0
    while match := _NEXT.search(text, position):
        if skip := match["skip"]:
            end = _SKIP_TO[skip.lower()].search(text, match.end())
            if end is None:
                break
            position = end.end()
            continue
        rest = _REST.match(text, match.end(), match.end() + _MAXIMUM_TAG_CHARACTERS)
        if rest is None:
            raise Malformed(f"the tag at character {match.start():,} has no end")
        position = rest.end()
        if not match["end"]:
            _note(found, match["tag"].lower(), _attributes(rest["attributes"]), text, position)
    return found


def _note(found: Hypertext, tag: str, attributes: dict[str, str], text: str, position: int) -> None:
    if tag == "a" and attributes.get("href"):
        found.anchors.append(Anchor(attributes, _text_at(text, position)))
    elif tag == "base":
        found.base = found.base or attributes.get("href", "")
    elif tag == "meta" and "name" in attributes:
        found.meta.setdefault(attributes["name"].lower(), attributes.get("content", ""))


def _attributes(written: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(written):
        # Of two attributes of one name the first one counts.
        attributes.setdefault(name.lower(), html.unescape("".join(values)))
    return attributes


def _text_at(text: str, position: int) -> str:
    """What an anchor reads, other tags taken out."""
    raw = text[position : position + _MAXIMUM_TEXT_CHARACTERS]
    end = raw.lower().find("</a")
    return html.unescape(_TAG.sub("", raw if end < 0 else raw[:end])).strip()
