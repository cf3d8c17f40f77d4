"""The search page, and the search that other pages use to guess what was meant."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.life import meaning
from affineur.core.life.standing import permits
from affineur.projections.search import open_search
from affineur.shell.search import Hit, Order, Results, SearchIndex
from affineur.shell.store import reading

from .rendering import index_of, page

log = logging.getLogger(__name__)

PAGE_SIZE = 20
_LONGEST_QUERY = 500
_NOTHING = Results((), 0, True, None)
_opening = Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with what people should know of its project."""

    hit: Hit
    facts: tuple[meaning.Fact, ...]


async def search(request: Request) -> Response:
    """``/search?q=…&order=…&page=…``."""
    return await asyncio.to_thread(_search, request)


def _search(request: Request) -> Response:
    text = request.query_params.get("q", "").strip()[:_LONGEST_QUERY]
    order = _order(request.query_params.get("order", ""))
    number = _page_number(request.query_params.get("page", ""))
    results = _NOTHING
    if text:
        results = index_of_search(request).search(text, limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE, order=order)
    values = {
        "text": text,
        "order": order.value,
        "orders": [each.value for each in Order],
        "number": number,
        "first": (number - 1) * PAGE_SIZE + 1,
        "results": results,
        "found": with_status(request, results.hits),
        "has_more": results.total > number * PAGE_SIZE,
    }
    return page(request, "search.html", values)


def with_status(request: Request, hits: tuple[Hit, ...]) -> list[Found]:
    """Each hit with the facts of its project; those that are not on offer, or gone since, are left out."""
    with index_of(request).store.read() as connection:
        standings = reading.standings(connection, [hit.name for hit in hits])
    shown = [(hit, standings[hit.name]) for hit in hits if hit.name in standings]
    return [Found(hit, meaning.facts(standing)) for hit, standing in shown if permits(standing).offer]


def similar(request: Request, text: str, limit: int = 5) -> list[Found]:
    """Projects that may have been meant by ``text``; none where search is away, for a guess is not worth an error."""
    try:
        results = index_of_search(request).search(text[:_LONGEST_QUERY], limit=limit)
        return with_status(request, results.hits)
    except Exception:
        log.exception("no suggestions: search failed")
        return []


def index_of_search(request: Request) -> SearchIndex:
    """The search index of the application, opened when it is first needed."""
    state = request.app.state
    with _opening:
        if not hasattr(state, "search"):
            state.search = open_search(index_of(request))
        opened: SearchIndex = state.search
    return opened


def _order(text: str) -> Order:
    return Order(text) if text in tuple(Order) else Order.RELEVANCE


def _page_number(text: str) -> int:
    return min(int(text), 1000) if text.isascii() and text.isdecimal() and 0 < len(text) < 6 and int(text) else 1
