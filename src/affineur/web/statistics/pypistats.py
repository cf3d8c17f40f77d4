"""``/api/packages/<name>/…``: the pypistats API, for its clients and all who have written their own.

``package`` may be ``__all__``, the whole index, as there. What does not live here: the documents
(`core.views.pypistats`).
"""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.downloads.figures import EVERYTHING, WITHOUT_MIRRORS, Dimension, Recent, Window
from affineur.core.names import NormalizedName
from affineur.core.views import pypistats
from affineur.core.views.pypistats import PERIODS, Period
from affineur.shell.index import Index
from affineur.web import cors

from .answering import figures as answer_figures
from .seen import seen

_EVERY = "__all__"
_JSON = "application/json"
_SERIES: dict[str, tuple[Dimension, str]] = {
    "python_major": ("python_major", "version"),
    "python_minor": ("python_minor", "version"),
    "system": ("system", "os"),
}
"""The dimension of each, and the name of the parameter that asks for one category."""
_VALUES = 1000
"""More categories than any project has."""


async def figures(request: Request) -> Response:
    """A figure or a series of a project."""
    return await answer_figures(request, _figures)


async def elsewhere(request: Request) -> Response:
    """Below ``/api/packages/``, where nothing is; scripts may ask all the same."""
    return await cors.preflight(request) if request.method == "OPTIONS" else _error("There is no such figure.", 404)


def _figures(request: Request) -> tuple[bytes, str] | Response:
    index: Index = request.app.state.index
    asked, kind = request.path_params["name"], request.path_params["kind"]
    if kind not in ("recent", "overall", *_SERIES):
        return _error("There is no such figure.", 404)
    if asked == _EVERY:
        name, shown, last = NormalizedName(""), _EVERY, index.lake.state().last_day
    else:
        found = seen(index, asked)
        if found is None:
            return _error("Nothing is known of a project of that name.", 404)
        name, shown, last = found.name, str(found.name), found.state.last_day
    if kind == "recent":
        return _recent(request, name, shown)
    window = Window.until(last, pypistats.DAYS) if last else None
    if kind == "overall":
        return _overall(request, name, shown, window)
    dimension, parameter = _SERIES[kind]
    points = index.lake.series(name, window, WITHOUT_MIRRORS, dimension, _VALUES) if window else []
    category = request.query_params.get(parameter)
    return pypistats.series_document(shown, kind, points, category, window, WITHOUT_MIRRORS), _JSON


def _recent(request: Request, name: NormalizedName, shown: str) -> tuple[bytes, str] | Response:
    index: Index = request.app.state.index
    wanted = request.query_params.get("period")
    period: Period | None = next((each for each in get_args(Period) if each == wanted), None)
    if wanted and period is None:
        return _error(f"period is one of {', '.join(PERIODS)}.", 400)
    last = index.lake.state().last_day
    recent = index.lake.recent(name, last, WITHOUT_MIRRORS) if last else Recent(0, 0, 0)
    return pypistats.recent_document(shown, recent, period, last, WITHOUT_MIRRORS), _JSON


def _overall(request: Request, name: NormalizedName, shown: str, window: Window | None) -> tuple[bytes, str] | Response:
    index: Index = request.app.state.index
    wanted = request.query_params.get("mirrors", "").lower()
    if wanted not in ("", "true", "false"):
        return _error("mirrors is true or false.", 400)
    filters = {"with_mirrors": EVERYTHING, "without_mirrors": WITHOUT_MIRRORS}
    left_out = {"true": "without_mirrors", "false": "with_mirrors"}.get(wanted)
    series = {
        word: index.lake.series(name, window, where) if window else []
        for word, where in filters.items()
        if word != left_out
    }
    return pypistats.overall_document(shown, series, window), _JSON


def _error(sentence: str, status: int) -> Response:
    headers = {**cors.HEADERS, "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(pypistats.error_document(sentence), status, headers, media_type=_JSON)
