"""The documents of the pypistats API: what its clients read of a project's downloads.

Source: the API page of PyPI Stats (pypistats.org/api), and what its client library (pypistats 1.x) reads. Names of
members are theirs, ``package`` included. What does not live here: the routes (`web.statistics.pypistats`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Literal

import orjson

from ..downloads.figures import Filter, Point, Recent, Window

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
DAYS = 180
"""How far back a series goes, as there."""
_NULL = "null"
"""The category of what is not known, as there."""


def recent_document(project: str, recent: Recent, period: Period | None, last: date | None, where: Filter) -> bytes:
    """``recent``: the last day, week and month, or the one that is asked for. ``last`` None: nothing was counted."""
    figures = {"last_day": recent.last_day, "last_month": recent.last_month, "last_week": recent.last_week}
    told = {f"last_{period}": figures[f"last_{period}"]} if period else figures
    return _document(project, "recent", told, {"filter": where.sentence, "last_day": _written(last)})


def overall_document(project: str, series: Mapping[str, Iterable[Point]], window: Window | None) -> bytes:
    """``overall``: downloads a day, by the name of what counts (``with_mirrors``, ``without_mirrors``)."""
    rows = [(point.day, category, point.downloads) for category, points in series.items() for point in points]
    return _document(project, "overall", _rows(rows), _window(window, None))


def series_document(project: str, kind: str, points: Iterable[Point], category: str | None, window: Window | None,
                    where: Filter) -> bytes:  # fmt: skip
    """``python_major``, ``python_minor`` or ``system``: downloads a day by category; of one only, where it is said."""
    wanted = category.casefold() if category else None
    rows = [
        (point.day, name, point.downloads)
        for point in points
        if (name := point.value or _NULL) and (wanted is None or name.casefold() == wanted)
    ]
    return _document(project, kind, _rows(rows), _window(window, where))


def error_document(sentence: str) -> bytes:
    """What stands in an answer that has no figures."""
    return orjson.dumps({"message": sentence})


def _rows(rows: Iterable[tuple[date, str, int]]) -> list[dict[str, object]]:
    return [{"category": name, "date": str(day), "downloads": count} for day, name, count in sorted(rows)]


def _window(window: Window | None, where: Filter | None) -> dict[str, object]:
    said: dict[str, object] = {"filter": where.sentence} if where else {}
    days = (window.first, window.last) if window else (None, None)
    return said | {"first_day": _written(days[0]), "last_day": _written(days[1])}


def _document(project: str, kind: str, data: object, said: Mapping[str, object]) -> bytes:
    # Beside theirs, one member of ours, as everywhere in what others have designed: what was counted, and when.
    return orjson.dumps({"data": data, "package": project, "type": f"{kind}_downloads", "_index": said})


def _written(day: date | None) -> str | None:
    return None if day is None else str(day)
