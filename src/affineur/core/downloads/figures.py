"""Figures: what is asked about downloads, and what is answered. Each says what it counts, and over which days.

What does not live here: how a figure is found (`shell.lake`), and the forms in which it is told (`core.views`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from .classes import CLASSES, Class
from .tables import Kind

Dimension = Literal["version", "installer", "python_major", "python_minor", "system", "country", "class", "ci"]
DIMENSIONS: tuple[Dimension, ...] = (
    "version", "installer", "python_major", "python_minor", "system", "country", "class", "ci",
)  # fmt: skip
WEEK_DAYS, MONTH_DAYS = 7, 30
"""A week and a month, wherever downloads of one are told."""
OTHERS = "other"
"""What everything is summed up as that is beyond the most frequent values of a dimension."""


@dataclass(frozen=True, slots=True)
class Window:
    """Days, both ends included, in UTC."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    @classmethod
    def until(cls, last: date, days: int) -> Window:
        """The ``days`` days that end with ``last``."""
        return cls(last - timedelta(days=days - 1), last)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which downloads count: those of ``classes``; and of ``version`` only, where that is said."""

    classes: frozenset[Class] = frozenset(CLASSES)
    version: str | None = None

    @property
    def sentence(self) -> str:
        """What counts, to stand beside a figure."""
        if self.classes == EVERYTHING.classes:
            who = "all downloads, mirrors and automation included"
        elif self.classes == WITHOUT_MIRRORS.classes:
            who = "downloads without those of mirrors"
        elif self.classes == INSTALLS.classes:
            who = "downloads by installers only: no mirrors, automation, browsers or unknown programs"
        else:
            who = f"downloads of the classes {', '.join(sorted(self.classes))}"
        return f"{who}, of version {self.version}" if self.version else who


def table_for(where: Filter, by: Dimension | None = None) -> Kind:
    """The smallest table that has the answer to a question."""
    return "totals" if where.version is None and by in (None, "class") else "daily"


EVERYTHING = Filter()
WITHOUT_MIRRORS = Filter(frozenset(CLASSES) - {"mirror"})
INSTALLS = Filter(frozenset({"installer"}))


@dataclass(frozen=True, slots=True)
class Point:
    """Downloads of one day, of one value of a dimension (None: not known); `OTHERS` for what is summed up."""

    day: date
    value: str | None
    downloads: int


@dataclass(frozen=True, slots=True)
class Share:
    """Downloads of one value of a dimension, over a window (None: not known)."""

    value: str | None
    downloads: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A project in a list of the most downloaded. ``rank`` counts from 1; equal numbers have equal ranks."""

    project: str
    downloads: int
    rank: int


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a project stands among those with any download that counts. None where it has none itself.

    ``percentile``: the share of them, from 0 to 100, that have fewer.
    """

    downloads: int
    rank: int | None
    among: int
    percentile: float | None

    @classmethod
    def of(cls, downloads: int, more: int, fewer: int, among: int) -> Rank:
        """The rank of a project where ``more`` projects have more, and ``fewer`` have fewer but any."""
        if not downloads:
            return cls(0, None, among, None)
        return cls(downloads, more + 1, among, 100 * fewer / among)


@dataclass(frozen=True, slots=True)
class Recent:
    """Downloads of the last day that is counted whole, and of the week and the month that end with it."""

    last_day: int
    last_week: int
    last_month: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What impact is judged by: a project's installs, each network capped; mirrors and all else that is none left out.

    ``steady``: the lower median of the window's days, days without installs counted as 0, times its days: what is made
    in a burst does not count. ``last_window``/``window_before``: the plain sums of the window and the one before it.
    """

    project: str
    ever: int
    last_month: int
    last_window: int
    window_before: int
    steady: int


@dataclass(frozen=True, slots=True)
class State:
    """How far statistics are: the newest day that is counted whole, the oldest, and events still to be rolled up.

    Days are None where nothing was ever counted.
    """

    first_day: date | None
    last_day: date | None
    events: int
    table_versions: Sequence[int]
