"""Answering with figures: until when they may be reused, and what is said where statistics cannot be reached.

What does not live here: the figures.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused, deny
from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway
from affineur.web import cors
from affineur.web.answers import refusal
from affineur.web.documents import document

KEPT_SECONDS = 300
"""Figures change when a day is rolled up: asking more often than this shows nothing new."""


async def figures(request: Request, make: Callable[[Request], tuple[bytes, str] | Response]) -> Response:
    """The body and content type that ``make`` gives when it is its turn, with a validator; its own one; a refusal."""
    try:
        made = await request.app.state.questions.take(make, request)
    except Refused as refused:
        return allowing(refusal(request, refused.decision))
    except LakeAway:
        return allowing(refusal(request, away()))
    if isinstance(made, Response):
        return made
    response = document(request, *made)
    response.headers["cache-control"] = cache_control(request)
    return response


def away() -> Decision:
    """The decision that nothing can be told now."""
    return deny("statistics.away", "The statistics of this index cannot be reached just now.", "Ask again in a minute.")


def allowing(response: Response) -> Response:
    """The answer, for scripts of other sites as well."""
    response.headers.update({**cors.HEADERS, "x-content-type-options": "nosniff"})
    return response


def cache_control(request: Request) -> str:
    """Shared caches may keep figures of a public index, and nobody else's."""
    index: Index = request.app.state.index
    return f"max-age={KEPT_SECONDS}, {'private' if index.settings.read == 'token' else 'public'}"
