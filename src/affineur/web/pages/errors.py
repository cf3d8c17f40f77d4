"""What a browser is shown where there is no page: not found, not allowed, refused, gone wrong; each with a way on.

Programs get plain text instead. What does not live here: refusals of uploads (`web.answers`), and those that a page
shows beside its own form (`account.frame`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.names import parse_name
from affineur.core.views.negotiation import media_ranges, quality
from affineur.web.answers import refusal, status_of
from affineur.web.refused import note_refusal

from .rendering import page, settings_of
from .searching import similar

Handler = Callable[[Request, Exception], Awaitable[Response]]


def handlers() -> Mapping[int | type[Exception], Handler]:
    """What the application answers where no route does, or where one fails."""
    return {HTTPException: _no_answer, Refused: _refused, Exception: _failed}


def wants_html(request: Request) -> bool:
    """Whether a person looks at the answer: nothing is wanted more than ``text/html``, as browsers have it.

    pip and uv name ``text/html`` too, as the last of the forms of the simple API.
    """
    ranges = list(media_ranges(request.headers.get("accept", "")))
    wished, specificity = quality("text/html", ranges)
    return specificity == _BY_NAME and wished > 0 and wished == max(each for _, each in ranges)


_BY_NAME = 2


def project_not_found(request: Request, asked: str, version: str | None = None) -> Response:
    """The page for a project, or a version of one, that is not here."""
    try:
        name, problem = str(parse_name(asked)), ""
    except Refused as refused:
        name, problem = "", refused.decision.sentence
    values = {
        "asked": asked,
        "name": name,
        "version": version,
        "problem": problem,
        "similar": similar(request, asked) if version is None else [],
    }
    return page(request, "not_found_project.html", values, status=404)


def not_found(request: Request) -> Response:
    """The page for an address that leads nowhere. A private index names no project there: anybody can be at some."""
    last = request.url.path.rstrip("/").rpartition("/")[2] if settings_of(request).read != "token" else ""
    return page(request, "not_found.html", {"similar": similar(request, last) if last else []}, status=404)


def private_page(request: Request, decision: Decision) -> Response:
    """What a browser shows when somebody has no token for a private index. The caller adds the challenge."""
    return page(request, "private.html", {"decision": decision}, status=401)


async def _no_answer(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if not wants_html(request):
        return Response(f"{status} {HTTPStatus(status).phrase}\n", status, headers, media_type="text/plain")
    if status == 404:
        return await asyncio.to_thread(not_found, request)
    response = _error_page(request, status)
    response.headers.update(headers)
    return response


async def _refused(request: Request, error: Exception) -> Response:
    """What a rule refused and no page has shown beside its form: the sentence, with the status of the rule."""
    assert isinstance(error, Refused)  # noqa: S101 - as registered
    decision = error.decision
    await note_refusal(request, decision)
    if not wants_html(request):
        return refusal(request, decision)
    return page(request, "refused.html", {"decision": decision}, status=status_of(decision))


async def _failed(request: Request, _: Exception) -> Response:
    """Starlette logs the exception itself, after this has answered."""
    if not wants_html(request):
        return Response("500 Internal Server Error\n", 500, media_type="text/plain")
    return _error_page(request, 500)


def _error_page(request: Request, status: int) -> Response:
    return page(request, "error.html", {"status": status, "title": HTTPStatus(status).phrase}, status=status)
