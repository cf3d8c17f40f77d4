"""Questions about downloads as people and programs write them: what counts, which days, told apart by what.

A question is read from the texts of a query or a command line, against the days that there are. What does not live
here: the answers (`shell.lake`), and their forms (`pypistats`, `top_list`, `plot`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import get_args

from ..decision import refuse
from ..downloads.figures import DIMENSIONS, EVERYTHING, INSTALLS, WITHOUT_MIRRORS, Dimension, Filter, State, Window

COUNTS: Mapping[str, Filter] = MappingProxyType(
    {"without-mirrors": WITHOUT_MIRRORS, "installs": INSTALLS, "all": EVERYTHING}
)
"""What may count, by its word; the first unless told. It is what the pypistats API has always counted."""
COUNT = next(iter(COUNTS))
NAMES: Mapping[Dimension, str] = MappingProxyType(
    {
        "version": "Version",
        "installer": "Installer",
        "python_minor": "Python",
        "system": "System",
        "country": "Country",
        "class": "Class",
        "ci": "Continuous integration",
        "python_major": "Python (major version)",
    }
)
"""What downloads are told apart by, in words, in the order in which it is shown."""
PRESETS = (7, 30, 90, 180, 365)
"""Days, of which one may be chosen by a click."""
USUAL_DAYS = 90
LONGEST_EXPORT_DAYS = 92
"""Of the whole index, at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: which downloads count (``count`` is its word), of which days, told apart ``by`` what.

    ``days``: the preset that the window is, if it is one. ``is_whole``: all of its days are over.
    """

    count: str
    window: Window
    by: Dimension | None = None
    version: str | None = None
    days: int | None = None
    is_whole: bool = True

    @property
    def where(self) -> Filter:
        """What counts."""
        return replace(COUNTS[self.count], version=self.version)


def asked(said: Mapping[str, str], state: State, usual_days: int = USUAL_DAYS) -> Asked | None:
    """The question that ``said`` puts by ``count``, ``by``, ``version``, ``from``, ``to``, ``days``.

    ``days`` ending with the last one whole; ``from`` and ``to`` win over it. The window is cut to the days that there
    are. None where nothing was ever counted. `Refused` (``statistics.question``) for what cannot be meant.
    """
    count, by = said.get("count") or COUNT, said.get("by") or None
    if count not in COUNTS:
        refuse("statistics.question", f"count cannot be {count[:40]!r}.", f"It is one of {', '.join(COUNTS)}.")
    if by is not None and by not in DIMENSIONS:
        refuse("statistics.question", f"by cannot be {by[:40]!r}.", f"It is one of {', '.join(DIMENSIONS)}.")
    days = _number(said["days"]) if said.get("days") else None
    first, last = (_day(said[end]) if said.get(end) else None for end in ("from", "to"))
    if state.last_day is None or state.first_day is None:
        return None
    if first is None and last is None:
        days = days or usual_days
    end = last or state.last_day
    window = Window(first, end) if first else _until(end, days or usual_days)
    if window.first > window.last:
        refuse("statistics.question", f"{window.first} is after {window.last}.", "Exchange the two days.")
    is_preset = first is None and last is None
    cut = _cut(window, state.first_day, state.last_day)
    return Asked(count, cut, _dimension(by), said.get("version") or None, days if is_preset else None)


def asked_of(today: date, said: Mapping[str, str]) -> Asked:
    """The question that ``said`` puts while no day is counted whole: about today, and what may be left of yesterday."""
    question = asked(said, State(today - timedelta(days=1), today, 0, ()))
    assert question is not None  # noqa: S101 -- there is a day
    return replace(question, is_whole=False)


def _until(last: date, days: int) -> Window:
    """The ``days`` days that end with ``last``, as many as a calendar has."""
    return Window.until(last, min(days, last.toordinal() - date.min.toordinal() + 1))


def _cut(window: Window, first: date, last: date) -> Window:
    """The part of ``window`` of which something is known; a single day where it lies outside."""
    begin = min(max(window.first, first), last)
    return Window(begin, max(begin, min(window.last, last)))


def _dimension(word: str | None) -> Dimension | None:
    return next((each for each in get_args(Dimension) if each == word), None)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse("statistics.question", f"{text[:40]!r} is no day.", "Write it as 2026-01-31.")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0):
        refuse("statistics.question", f"days cannot be {text[:40]!r}.", "It is a whole number from 1 on.")
    return int(text)
