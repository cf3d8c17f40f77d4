"""``/statistics/top-30-days…``: the list of the most downloaded projects, for programs.

What does not live here: its form (`core.views.top_list`), and the page that shows its head (`web.pages.statistics`).
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import refuse
from affineur.core.downloads.figures import MONTH_DAYS, Entry, Filter, Window
from affineur.core.views.statistics import COUNT, COUNTS, asked
from affineur.core.views.top_list import MOST_ROWS, top_csv, top_document
from affineur.shell.index import Index

from .answering import figures


async def whole(request: Request) -> Response:
    """The list as JSON that people can read."""
    return await figures(request, lambda one: (top_document(*_list(one), small=False), "application/json"))


async def small(request: Request) -> Response:
    """The list as short JSON."""
    return await figures(request, lambda one: (top_document(*_list(one), small=True), "application/json"))


async def table(request: Request) -> Response:
    """The list as CSV."""
    return await figures(request, lambda one: (top_csv(_list(one)[0]), "text/csv; charset=utf-8"))


def limit_in(text: str | None) -> int:
    """The number of rows that is asked for; `Refused` (``statistics.question``) for what is none."""
    if text is None:
        return MOST_ROWS
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_ROWS):
        refuse("statistics.question", f"limit cannot be {text[:40]!r}.", f"It is a number from 1 to {MOST_ROWS}.")
    return int(text)


def _list(request: Request) -> tuple[Sequence[Entry], Window | None, Filter]:
    index: Index = request.app.state.index
    said = {"count": request.query_params.get("count", "")}
    limit = limit_in(request.query_params.get("limit"))
    question = asked(said, index.lake.state(), MONTH_DAYS)
    if question is None:
        return (), None, COUNTS[said["count"] or COUNT]
    return index.lake.top(question.window, question.where, limit), question.window, question.where
