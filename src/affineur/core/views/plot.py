"""Plots as SVG: stacked areas over days, with axes, and a small line for a summary.

Colours come from the page's style sheet by class (``series-0`` …), so that they follow light, dark and paper; each
series has a hatching and, where there is room, its name beside it: colour is never the only carrier. The numbers
are beside every plot as a table. What does not live here: what is counted (`periods`), and the page around.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import accumulate
from itertools import count as count_from

from ..downloads.figures import OTHERS, Window
from .periods import Series

HATCHINGS = (
    "", "M0 8L8 0M-2 2L2 -2M6 10L10 6", "M1 2h2v2h-2zM5 6h2v2h-2z", "M0 0L8 8M-2 6L2 10M6 -2L10 2", "M0 2h8M0 6h8",
    "M2 0v8M6 0v8", "M0 4h8M4 0v8", "M3 3h3v3h-3z",
)  # fmt: skip
"""A series' lines, drawn in the colour of the paper within 8 by 8 units; the first has none."""
COLOURS = len(HATCHINGS)
_REST = "rest"
_FONT = 12
_LABEL_HEIGHT = 15


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a plot, and what is left free around the field that is drawn in. In pixels, at its own size."""

    width: int
    height: int
    left: int = 52
    right: int = 16
    top: int = 10
    bottom: int = 30

    @property
    def field_width(self) -> int:
        """Of what is drawn in."""
        return self.width - self.left - self.right

    @property
    def field_height(self) -> int:
        """Of what is drawn in."""
        return self.height - self.top - self.bottom


WIDE = Frame(1072, 340, right=120)
WIDE_ALONE = Frame(1072, 340)
"""Of a single series, which needs no name beside it."""
NARROW = Frame(360, 260, left=44)


def look(place: int, value: str | None) -> str:
    """The class of the series at ``place``: what is summed up or not known is grey, wherever it comes."""
    if value is None:
        return "series-unknown"
    return f"series-{_REST}" if value == OTHERS else f"series-{place % COLOURS}"


def hatchings() -> str:
    """The definitions that plots and swatches refer to, once on a page; nothing of it is seen."""
    patterns = "".join(
        f'<pattern id="hatching-{place}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path class="hatching" d="{lines}"/></pattern>'
        for place, lines in enumerate(HATCHINGS)
        if lines
    )
    return f'<svg class="unseen" aria-hidden="true" focusable="false"><defs>{patterns}</defs></svg>'


def swatch(place: int, value: str | None) -> str:
    """What stands beside a series' name: its colour and its hatching."""
    square = '<rect width="16" height="16" rx="3"{}/>'
    return (
        f'<svg class="swatch {look(place, value)}" width="16" height="16" aria-hidden="true" focusable="false">'
        f"{square.format('')}{square.format(_hatched(place, value)) if _hatched(place, value) else ''}</svg>"
    )


def stacked(among: Sequence[Window], series: Sequence[Series], title: str, frame: Frame, name: str) -> str:
    """Stacked areas: downloads a day, of each part of ``among`` on average. ``name`` is unique on the page.

    The first series lies at the bottom. Cost: parts times series.
    """
    days = [part.days for part in among]
    layers = [[count / length for count, length in zip(each.counts, days, strict=True)] for each in series]
    tops = list(accumulate(layers, lambda below, own: [a + b for a, b in zip(below, own, strict=True)]))
    ticks = nice_ticks(max(tops[-1], default=0.0) if tops else 0.0)
    scale = _Scale(among, ticks[-1], frame)
    drawn = [
        *_rules(scale, ticks),
        *(each for place in range(len(series)) for each in _area(scale, tops, series, place, name)),
        *_dates(scale),
        *(_names(scale, tops, series) if frame.right >= _ROOM_FOR_NAMES else ()),
    ]
    first, last = (among[0].first, among[-1].last) if among else (date.min, date.min)
    return (
        f'<svg class="plot" role="img" aria-labelledby="{name}-title" viewBox="0 0 {frame.width} {frame.height}" '
        f'data-left="{frame.left}" data-right="{frame.width - frame.right}" data-width="{frame.width}" '
        f'data-first="{first}" data-last="{last}"><title id="{name}-title">{escape(title)}</title>'
        f"{''.join(drawn)}</svg>"
    )


def sparkline(counts: Sequence[int], title: str, width: int = 160, height: int = 32) -> str:
    """A line without axes, for a summary. ``counts`` first to last."""
    most = max(counts, default=0) or 1
    step = width / max(len(counts) - 1, 1)
    points = " ".join(f"{place * step:.1f},{height - 2 - count / most * (height - 4):.1f}"
                      for place, count in enumerate(counts))  # fmt: skip
    return (
        f'<svg class="sparkline" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{escape(title)}</title>"
        f'<polygon points="0,{height} {points} {width},{height}"/><polyline points="{points}"/></svg>'
    )


def nice_ticks(most: float, wanted: int = 5) -> list[int]:
    """Whole numbers from 0 to the first at or above ``most``, in steps of 1, 2 or 5 times a power of ten."""
    steps = (factor * 10**power for power in count_from(0) for factor in (1, 2, 5))
    step = next(step for step in steps if step * wanted >= most)
    count = max(1, math.ceil(most / step))
    return [step * number for number in range(count + 1)]


def short(number: int) -> str:
    """A number for an axis or a badge, with three digits that mean something: ``1.2k``, ``35M``."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size * 0.9995:  # what would be rounded up to it counts as well
            shown = number / size
            digits = 0 if shown >= 99.95 else 1
            return f"{shown:.{digits}f}".removesuffix(".0") + letter
    return str(number)


_ROOM_FOR_NAMES = 80


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a day and a number of downloads lie. Of a single part, the line goes from edge to edge."""

    among: Sequence[Window]
    most: int
    frame: Frame

    def across(self, part: int) -> float:
        return self.frame.left + self.frame.field_width * part / max(len(self.among) - 1, 1)

    def of_day(self, day: date) -> float:
        whole = (self.among[-1].last - self.among[0].first).days or 1
        return self.frame.left + self.frame.field_width * (day - self.among[0].first).days / whole

    def up(self, count: float) -> float:
        return self.frame.top + self.frame.field_height * (1 - count / self.most)


def _rules(scale: _Scale, ticks: Sequence[int]) -> Iterator[str]:
    frame = scale.frame
    for tick in ticks:
        y = scale.up(tick)
        kind = "axis" if tick == 0 else "rule"
        yield f'<path class="{kind}" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>'
        yield f'<text x="{frame.left - 8}" y="{y + _FONT / 3:.1f}" text-anchor="end">{short(tick)}</text>'


def _area(scale: _Scale, tops: Sequence[Sequence[float]], series: Sequence[Series], place: int,
          name: str) -> Iterator[str]:  # fmt: skip
    """One series: its area, its hatching over it, and a line on its top."""
    top = tops[place]
    bottom = tops[place - 1] if place else [0.0] * len(top)
    upper, lower = _line(scale, top), _line(scale, bottom, backwards=True)
    shape, value = f"{name}-{place}", series[place].value
    yield f'<g class="{look(place, value)}"><path id="{shape}" d="M{upper}L{lower}z"/></g>'
    if hatched := _hatched(place, value):
        yield f'<use href="#{shape}"{hatched}/>'
    yield f'<path class="top {look(place, value)}" d="M{upper}"/>'


def _line(scale: _Scale, heights: Sequence[float], *, backwards: bool = False) -> str:
    points = [(scale.across(part), scale.up(height)) for part, height in enumerate(heights)]
    if len(points) == 1:  # one day is a bar
        points.append((scale.frame.width - scale.frame.right, points[0][1]))
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in (reversed(points) if backwards else points))


def _hatched(place: int, value: str | None) -> str:
    if value is None or value == OTHERS:
        return ' fill="url(#hatching-1)"' if value == OTHERS else ""
    return f' fill="url(#hatching-{place % COLOURS})"' if HATCHINGS[place % COLOURS] else ""


def _names(scale: _Scale, tops: Sequence[Sequence[float]], series: Sequence[Series]) -> Iterator[str]:
    """The names of those series whose right end is as high as a line of text. A single one needs none."""
    if len(series) < 2 or not scale.among:
        return
    x = scale.frame.width - scale.frame.right + 8
    for place, each in enumerate(series):
        upper = scale.up(tops[place][-1])
        lower = scale.up(tops[place - 1][-1] if place else 0)
        if lower - upper >= _LABEL_HEIGHT:
            label = each.label if len(each.label) <= _LONGEST_NAME else each.label[: _LONGEST_NAME - 1] + "…"
            yield f'<text x="{x}" y="{(upper + lower) / 2 + _FONT / 3:.1f}">{escape(label)}</text>'


_LONGEST_NAME = 15


def _dates(scale: _Scale) -> Iterator[str]:
    """The days below the axis, as many as can be read."""
    if not scale.among:
        return
    frame = scale.frame
    room, last_x = frame.field_width, float("-inf")
    for day, text in dates_for(scale.among[0].first, scale.among[-1].last, room // 62):
        x = scale.of_day(day)
        if x - last_x < _FONT * 3.5:
            continue
        last_x = x
        foot = frame.height - frame.bottom
        yield f'<path class="axis" d="M{x:.1f} {foot}v5"/>'
        anchor = "end" if x > frame.width - 30 else "middle"
        yield f'<text x="{x:.1f}" y="{foot + 19}" text-anchor="{anchor}">{text}</text>'


def dates_for(first: date, last: date, most: int) -> list[tuple[date, str]]:
    """At most about ``most`` days that stand on an axis, with what is written there: days, months or years."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if len(days) <= 2 * most:
        each = days[:: 2 if len(days) > most else 1]
        return [(day, f"{day.day} {day:%b}") for day in each]
    for weeks in (1, 2):
        mondays = [day for day in days if day.weekday() == 0][::weeks]
        if len(mondays) <= most:
            return [(day, f"{day.day} {day:%b}") for day in mondays]
    for months in (1, 2, 3, 6):
        firsts = [day for day in days if day.day == 1 and (day.month - 1) % months == 0]
        if len(firsts) <= most:
            return [(day, f"{day.year}" if day.month == 1 else f"{day:%b}") for day in firsts]
    years = [day for day in days if (day.month, day.day) == (1, 1)]
    return [(day, str(day.year)) for day in years[:: -(-len(years) // most)]]
