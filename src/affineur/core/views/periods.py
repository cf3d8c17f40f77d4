"""Periods: a window of days in parts that people read well, days, weeks or months, and what falls into each.

What does not live here: how it is drawn (`plot`), and how it is found (`shell.lake`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from ..downloads.figures import OTHERS, Point, Window

Step = Literal["day", "week", "month"]
STEPS: tuple[Step, ...] = ("day", "week", "month")
UNKNOWN = "not known"
"""What stands where a user agent did not say."""


@dataclass(frozen=True, slots=True)
class Series:
    """The downloads of one value of a dimension, in the parts of a window. ``value`` None: not known."""

    value: str | None
    counts: Sequence[int]

    @property
    def label(self) -> str:
        """Its name for people."""
        return UNKNOWN if self.value is None else self.value

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


def step_for(window: Window, most: int) -> Step:
    """The shortest step that makes at most ``most`` parts of the window; months, where none does."""
    return next((step for step in STEPS if len(parts(window, step)) <= most), "month")


def parts(window: Window, step: Step) -> list[Window]:
    """The window in parts, first to last. Weeks begin on Mondays; the window cuts the first and the last part."""
    found = []
    first = window.first
    while first <= window.last:
        last = min(_last_of(first, step), window.last)
        found.append(Window(first, last))
        first = last + timedelta(days=1)
    return found


def in_parts(points: Iterable[Point], among: Sequence[Window], known: Sequence[str | None] = ()) -> list[Series]:
    """The points as series over the parts ``among``: most downloads first, what is summed up and not known last.

    ``known``: values that get a series whatever there is. Cost: linear in points and days.
    """
    place = {part.first + timedelta(days=day): number for number, part in enumerate(among) for day in range(part.days)}
    counts: dict[str | None, list[int]] = {value: [0] * len(among) for value in known}
    for point in points:
        if point.day in place:
            counts.setdefault(point.value, [0] * len(among))[place[point.day]] += point.downloads
    series = [Series(value, of_value) for value, of_value in counts.items()]
    return sorted(series, key=lambda each: (each.value is None, each.value == OTHERS, -each.total, each.label))


def _last_of(first: date, step: Step) -> date:
    if step == "day":
        return first
    if step == "week":
        return first + timedelta(days=6 - first.weekday())
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return following - timedelta(days=1)
