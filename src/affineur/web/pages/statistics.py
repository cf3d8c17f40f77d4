"""Statistics pages: who downloads a project, and what is downloaded from this index; numbers, plots and tables.

::

    /project/<name>/statistics/     of a project; also of one that is held, removed, or not here any more
    /statistics/                    of the whole index, and the most downloaded projects

Every figure says what counts and over which days. What does not live here: what programs read (`web.statistics`),
the drawing (`core.views.plot`), and the script that lets people drag over a plot (``statistics.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.core.downloads.figures import Dimension, Filter, Point, Share, State, Window
from affineur.core.life import meaning
from affineur.core.names import NormalizedName, is_normalized
from affineur.core.views import plot
from affineur.core.views.periods import UNKNOWN, Series, Step, in_parts, parts, step_for
from affineur.core.views.statistics import COUNTS, NAMES, PRESETS, Asked, asked
from affineur.shell.lake.port import Lake, LakeAway
from affineur.web.addresses import moved, root_path
from affineur.web.statistics.answering import away
from affineur.web.statistics.recently import recent_month
from affineur.web.statistics.seen import seen

from .errors import project_not_found
from .rendering import index_of, page

if TYPE_CHECKING:
    from markupsafe import Markup

_SHOWN: tuple[Dimension, ...] = ("version", "installer", "python_minor", "system", "country", "class")
"""What the page tells the downloads apart by, each in a table of its own."""
_SERIES = 7
"""Values with an area of their own; more could not be told apart."""
_SHARES = 8
_PARTS_DRAWN = 370
_PARTS_TOLD = 40
"""Rows of a table that somebody still reads."""
_HEAD = 50
"""Projects of the list that the page of the index shows."""

_WORDS = {
    "without-mirrors": "Without mirrors",
    "installs": "Installs only",
    "all": "Everything",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A series as the page tells it: its swatch, name, downloads, and their share of all in percent."""

    swatch: Markup
    label: str
    downloads: int
    percent: float


@dataclass(frozen=True, slots=True)
class Table:
    """Downloads by one dimension: ``rows`` are name, downloads, percent."""

    dimension: Dimension
    title: str
    rows: Sequence[tuple[str, int, float]]


@dataclass(frozen=True, slots=True)
class Told:
    """Everything about one question.

    ``drawn``: where each part of the plot begins, and its downloads. ``rows``: the same by longer steps, with the
    downloads of each series, in the order of ``lines``, and all of them.
    """

    total: int
    wide: Markup
    narrow: Markup
    hatchings: Markup
    lines: Sequence[Line]
    drawn: Sequence[tuple[date, int]]
    drawn_step: Step
    rows: Sequence[tuple[Window, Sequence[int], int]]
    step: Step
    tables: Sequence[Table]


async def of_project(request: Request) -> Response:
    """``/project/<name>/statistics/``."""
    return await _answer(request, _of_project)


async def of_index(request: Request) -> Response:
    """``/statistics/``."""
    return await _answer(request, _of_index)


def downloads(request: Request, name: NormalizedName) -> dict[str, object]:
    """What a project's own page shows of its downloads: the last ``month``, and a line of it; None where unknown."""
    month = recent_month(request, name)
    title = f"Downloads a day, the 30 days until {month.last}" if month else ""
    return {"month": month, "sparkline": _safe(plot.sparkline(month.counts, title)) if month else None}


async def _answer(request: Request, make: Callable[[Request], Response]) -> Response:
    try:
        answer: Response = await request.app.state.questions.take(make, request)
        return answer
    except LakeAway:
        return page(request, "refused.html", {"decision": away()}, status=503)


def _of_project(request: Request) -> Response:
    name: str = request.path_params["name"]
    found = seen(index_of(request), name)
    if found is None:
        return project_not_found(request, name)
    path = f"/project/{found.name}/statistics/"
    if not is_normalized(name) or not request.url.path.endswith("/"):
        return moved(request, path)
    lake, state = index_of(request).lake, found.state
    question = asked(request.query_params, state)
    values = {
        "found": found,
        "facts": meaning.facts(found.project.standing) if found.project else (),
        "about": f"{root_path(request)}/project/{found.name}/",
        **_shared(request, state, question, path),
    }
    if question is not None and found.ever:
        values |= _figures(lake, found.name, question, state)
        values["ever"] = lake.total(found.name, None, question.where)
        values["rank"] = lake.rank(found.name, question.window, question.where)
        values["told"] = _told(lake, found.name, question, found.display_name)
    return page(request, "statistics_project.html", values)


def _of_index(request: Request) -> Response:
    if not request.url.path.endswith("/"):
        return moved(request, "/statistics/")
    lake = index_of(request).lake
    state = lake.state()
    question = asked(request.query_params, state)
    values = _shared(request, state, question, "/statistics/")
    if question is not None:
        values |= _figures(lake, "", question, state)
        values["ever"] = lake.total("", None, question.where)
        values["top"] = lake.top(question.window, question.where, _HEAD)
        values["told"] = _told(lake, "", question, index_of(request).settings.index_name)
    return page(request, "statistics_index.html", values)


def _shared(request: Request, state: State, question: Asked | None, path: str) -> dict[str, object]:
    """What both pages need beside the figures. Links repeat the question, with one thing exchanged."""
    address = root_path(request) + path

    def link(**other: object) -> str:
        assert question is not None  # noqa: S101 - links are shown beside figures only
        said: dict[str, object] = {"count": question.count, "by": question.by or ""}
        said |= {"days": question.days} if question.days else _days(question.window)
        said |= {"version": question.version} if question.version else {}
        return f"{address}?{urlencode({key: value for key, value in (said | other).items() if value})}"

    return {
        "state": state,
        "question": question,
        "told": None,
        "address": address,
        "link": link,
        "export": urlencode(_days(question.window)) if question else "",
        "presets": PRESETS,
        "count_words": {word: (_WORDS[word], where.sentence) for word, where in COUNTS.items()},
        "dimensions": {each: NAMES[each] for each in _SHOWN},
    }


def _days(window: Window) -> dict[str, object]:
    return {"from": window.first, "to": window.last}


def _figures(lake: Lake, project: str, question: Asked, state: State) -> dict[str, object]:
    assert state.last_day is not None  # noqa: S101 - else nobody could have asked
    return {"recent": lake.recent(project, state.last_day, question.where)}


def _told(lake: Lake, project: str, question: Asked, title: str) -> Told:
    window, where = question.window, question.where
    points = lake.series(project, window, where, question.by, _SERIES)
    drawn = parts(window, step_for(window, _PARTS_DRAWN))
    rows = parts(window, step_for(window, _PARTS_TOLD))
    series = _series(points, drawn, question)
    in_rows = {each.value: each.counts for each in _series(points, rows, question)}
    cells = list(zip(*(in_rows[each.value] for each in series), strict=True)) or [()] * len(rows)
    columns = list(zip(*(each.counts for each in series), strict=True)) or [()] * len(drawn)
    total = sum(each.total for each in series)
    about = f"Downloads of {title} a day, from {window.first} to {window.last}: {where.sentence}."
    return Told(
        total,
        _safe(plot.stacked(drawn, series, about, plot.WIDE if question.by else plot.WIDE_ALONE, "broad")),
        _safe(plot.stacked(drawn, series, about, plot.NARROW, "slim")),
        _safe(plot.hatchings()),
        [
            Line(_safe(plot.swatch(place, each.value)), each.label, each.total, _percent(each.total, total))
            for place, each in enumerate(series)
        ],
        [(part.first, sum(column)) for part, column in zip(drawn, columns, strict=True)],
        step_for(window, _PARTS_DRAWN),
        [(part, column, sum(column)) for part, column in zip(rows, cells, strict=True)],
        step_for(window, _PARTS_TOLD),
        [_table(lake, project, window, where, each) for each in _SHOWN],
    )


def _series(points: Sequence[Point], among: Sequence[Window], question: Asked) -> list[Series]:
    if question.by:
        return in_parts(points, among)
    (whole,) = in_parts(points, among, known=(None,))
    return [Series("all together", whole.counts)]


def _table(lake: Lake, project: str, window: Window, where: Filter, by: Dimension) -> Table:
    shares: list[Share] = lake.shares(project, window, where, by, _SHARES)
    total = sum(each.downloads for each in shares)
    rows = [
        (UNKNOWN if each.value is None else each.value, each.downloads, _percent(each.downloads, total))
        for each in shares
    ]
    return Table(by, NAMES[by], rows)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _safe(svg: str) -> Markup:
    """A drawing as what it is; whatever text is in it was escaped by whoever drew it (`core.views.plot`)."""
    from markupsafe import Markup

    return Markup(svg)  # noqa: S704


ROUTES = (
    Route("/statistics", of_index),
    Route("/statistics/", of_index),
    Route("/project/{name}/statistics", of_project),
    Route("/project/{name}/statistics/", of_project),
)
