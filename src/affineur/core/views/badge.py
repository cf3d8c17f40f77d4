"""Badges: two words side by side as SVG, flat, with no font or picture from anywhere.

The words' widths come from a small table, and the drawing is told to fit the words into them: it looks alike with
whatever font the reader has. What does not live here: what stands in a badge (`web.statistics.badges`).
"""

from __future__ import annotations

from html import escape
from typing import Literal

Tone = Literal["figure", "good", "warning", "grave", "quiet"]
_COLOURS: dict[Tone, str] = {
    # Each at least 4.5 : 1 under white letters.
    "figure": "#234f86",
    "good": "#2f6130",
    "warning": "#8a5a00",
    "grave": "#8b2513",
    "quiet": "#6b6257",
}
_LABEL_COLOUR = "#3a332a"

# Widths at 11 pixels of a plain sans serif, in tenths of a pixel; what is not named is as wide as most are.
_WIDTHS = {
    **dict.fromkeys("ijl|'!.,:;", 36),
    **dict.fromkeys('ft()[]/-" I', 44),
    **dict.fromkeys("rJ", 52),
    **dict.fromkeys("mwMW@%", 104),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ&", 77),
}
_USUAL_WIDTH = 68
_MARGIN = 6
_LONGEST = 60


def text_width(text: str) -> float:
    """The width of ``text`` in pixels, at 11 pixels."""
    return sum(_WIDTHS.get(character, _USUAL_WIDTH) for character in text) / 10


def badge(label: str, value: str, tone: Tone = "figure") -> bytes:
    """A badge that says ``label``, then ``value``; both may be any text, and are cut where they are too long."""
    label, value = (text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in (label, value))
    left, right = (round(text_width(text) + 2 * _MARGIN) for text in (label, value))
    said = escape(f"{label}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
        f'viewBox="0 0 {left + right} 20" role="img" aria-label="{said}"><title>{said}</title>'
        f'<clipPath id="edge"><rect width="{left + right}" height="20" rx="4"/></clipPath>'
        f'<g clip-path="url(#edge)"><rect width="{left}" height="20" fill="{_LABEL_COLOUR}"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[tone]}"/></g>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_word(label, _MARGIN)}{_word(value, left + _MARGIN)}</g></svg>"
    ).encode()


def _word(text: str, x: int) -> str:
    return f'<text x="{x}" y="14" textLength="{text_width(text):.1f}">{escape(text)}</text>' if text else ""
