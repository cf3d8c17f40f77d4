"""Content negotiation of the simple API (PEP 691): from an ``Accept`` header to one form of a page.

Reads q-values, wildcards and specificity as RFC 9110 §12.5.1 has them, with any white space around ``;`` and
``,`` (pip writes ``; q=0.1``). What does not live here: which bytes a form has (`simple`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

Form = Literal["v1.json", "v1.html", "v1.htm"]
"""A form of a page, named as its file in the public tree. ``v1.htm`` is ``v1.html`` under the name ``text/html``."""

CONTENT_TYPES: dict[Form, str] = {
    "v1.json": "application/vnd.pypi.simple.v1+json",
    "v1.html": "application/vnd.pypi.simple.v1+html",
    "v1.htm": "text/html; charset=utf-8",
}

_OFFERS: tuple[tuple[str, Form], ...] = (
    # In order of preference for equal quality: PEP 691 advises the richest form, `text/html` last.
    ("application/vnd.pypi.simple.v1+json", "v1.json"),
    ("application/vnd.pypi.simple.latest+json", "v1.json"),
    ("application/vnd.pypi.simple.v1+html", "v1.html"),
    ("application/vnd.pypi.simple.latest+html", "v1.html"),
    ("text/html", "v1.htm"),
)
_BY_TYPE = dict(_OFFERS)

MAXIMUM_HEADER = 4096
"""Characters of an ``Accept`` header that are read; a longer one is not acceptable to us."""

NOT_ACCEPTABLE = (
    "406 Not Acceptable: this index speaks "
    + ", ".join(name for name, _ in _OFFERS)
    + ". Name one of them in Accept, or in ?format=."
)


@lru_cache(maxsize=512)
def choose(accept: str | None, wanted: str | None = None) -> Form | None:
    """The form to answer with, or None where nothing we have is acceptable (then answer 406).

    ``wanted`` is the value of ``?format=``; a known one beats ``accept`` (PEP 691 SHOULD), an unknown one is
    not acceptable. No ``Accept`` is ``*/*``; for that and for ``text/*`` the answer is HTML as a browser reads
    it, since only people and very old clients ask like that.
    """
    if wanted is not None:
        return _BY_TYPE.get(wanted)
    if accept is None or not accept.strip():
        accept = "*/*"
    if len(accept) > MAXIMUM_HEADER:
        return None
    ranges = list(media_ranges(accept))
    best: tuple[float, int, int] | None = None
    chosen: Form | None = None
    for order, (offer, form) in enumerate(_OFFERS):
        wished, specificity = quality(offer, ranges)
        if ".latest+" in offer and specificity != _EXACT:
            continue  # an alias to ask by name: what is sent is the concrete version
        # A range such as */* matches every offer alike: prefer what needs no knowledge of the protocol.
        preference = -order if specificity == _EXACT else order
        rank = (wished, specificity, preference)
        if wished > 0 and (best is None or rank > best):
            best, chosen = rank, form
    return chosen


_EXACT = 2


def media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    """The media ranges of an ``Accept`` header with their qualities, lowercase, in order."""
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        if "/" not in kind:
            continue
        wished = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                wished = _parse_quality(value.strip())
        yield kind, wished


def _parse_quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0


def quality(offer: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The quality the header gives ``offer``, and how specific the range was: the most specific one counts."""
    family = offer.partition("/")[0] + "/*"
    found = (0.0, -1)
    for kind, wished in ranges:
        specificity = _EXACT if kind == offer else 1 if kind == family else 0 if kind == "*/*" else -1
        if specificity > found[1]:
            found = (wished, specificity)
    return found if found[1] >= 0 else (0.0, -1)
