"""``/danger-api/``: PyPI's form of reporting, so that scanners that report there report here with another address.

``POST /danger-api/projects/{name}/observations`` takes a report (202), ``/danger-api/echo`` says whose token it is.
Like theirs it takes tokens only. What does not live here: what a report must hold (`core.moderation.observations`), and
what becomes of it (`actions.report`).
Source: ``warehouse/api/echo.py`` and ``warehouse/api/openapi.yaml`` in pypi/warehouse, 2026.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from affineur.actions.report import report
from affineur.core.access import Actor, not_frozen
from affineur.core.decision import Decision, Refused, deny
from affineur.core.moderation.observations import MEDIA_TYPE, answer, read_observation
from affineur.core.names import parse_name
from affineur.shell.index import Index

from .answers import refusal, status_of
from .identity import NO_IDENTITY, caller_of, identify
from .refused import acts, note_refusal

MAXIMUM_BYTES = 256 * 1024
"""Of a body: more than all its parts may have together, in any encoding."""
_TOO_LONG = deny("report.form", f"A report has at most {MAXIMUM_BYTES} bytes.", "Link to the rest as evidence.")
_NO_JSON = deny("report.form", "The body is not JSON.", "Send an object with kind and summary.")


async def receive_observation(request: Request) -> Response:
    """Take a report in."""
    try:
        actor = await _actor(request)
        said = read_observation(request.path_params["name"], await _body(request))
        index: Index = request.app.state.index
        await asyncio.to_thread(report, index, caller_of(request, actor, datetime.now(UTC)), said)
    except Refused as refused:
        return await _refused(request, refused.decision)
    except ClientDisconnect:
        return Response(status_code=400)
    return _said(answer(parse_name(request.path_params["name"])), 202)


async def echo(request: Request) -> Response:
    """Say whose token it is: what a client asks first."""
    try:
        return _said({"username": (await _actor(request)).name}, 200)
    except Refused as refused:
        return await _refused(request, refused.decision)


async def _actor(request: Request) -> Actor:
    """Whose token the request brings; `Refused` where there is none that holds, or its account is frozen."""
    index: Index = request.app.state.index
    found = await asyncio.to_thread(identify, index, request.headers.get("authorization"), datetime.now(UTC))
    if isinstance(found, Decision):
        raise Refused(found)
    acts(request, found)
    not_frozen(found).require()
    return found


async def _body(request: Request) -> object:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAXIMUM_BYTES:
            raise Refused(_TOO_LONG)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Refused(_NO_JSON) from None


async def _refused(request: Request, decision: Decision) -> Response:
    await note_refusal(request, decision)
    nobody = decision.rule == NO_IDENTITY.rule
    response = refusal(request, decision, 401 if nobody else status_of(decision))
    wait = decision.facts.get("retry_after_seconds")
    if wait is not None:
        response.headers["retry-after"] = str(wait)
    if nobody:
        response.headers["www-authenticate"] = 'Bearer realm="index"'
    return response


def _said(body: dict[str, str], status: int) -> Response:
    return Response(orjson.dumps(body), status, {"cache-control": "no-store"}, media_type=MEDIA_TYPE)
