"""Trusted publishing on the wire: which audience, an identity for a token, and the token back when it is done with.

Two families of addresses lead to the same act (`actions.exchange`):

- ``/_/oidc/…``, which uv, twine and the publishing actions build from the host of the upload address. A refusal is
  422 with ``message`` and ``errors`` (pairs of ``code`` and ``description``), which they print. Source: the API of
  warehouse (``warehouse/oidc/views.py``); ``burn-token``: pypi/warehouse#20197, astral-sh/uv#21423.
- ``/.well-known/pytp`` and what it names, as PEP 807 (draft) has it; a refusal is problem details (RFC 9457).

What does not live here: whose an identity is, and what its token may do.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.publishers import admitted_by, audience_of, error_code
from affineur.core.views.negotiation import media_ranges, quality
from affineur.shell.index import Index

from .addresses import base_url, root_path
from .api.problems import problem
from .clients import client_of
from .identity import origin_of
from .metrics import RULE_KEY

if TYPE_CHECKING:
    from affineur.actions.exchange import Exchanged
    from affineur.shell.issuers import Issuers

MAXIMUM_BODY_BYTES = 64 * 1024
PYTP = "application/vnd.pypi.pytp.v1+json"
FEATURES = ("multi-use-token",)
"""What our tokens are (PEP 807): good for all files of a release, not for a single one."""

_NOT_KEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_MAKING = threading.Lock()


async def audience(request: Request) -> Response:
    """The audience that identity tokens have to be made for: ``{"audience": …}``."""
    return _json({"audience": _audience(request)})


async def mint_token(request: Request) -> Response:
    """An identity token for an upload token: ``{"success": true, "token": …, "expires": …}``."""
    try:
        made = await _exchange(request, await _body(request))
    except Refused as refused:
        return _token_refused(request, refused.decision)
    return _json({"success": True, "token": made.secret, "expires": int(made.expires_at.timestamp())})


async def burn_token(request: Request) -> Response:
    """Give an upload token back: 202, whether there was one or not. Nothing is told about tokens."""
    try:
        text = _text_of(await _body(request))
    except Refused as refused:
        return _token_refused(request, refused.decision)
    await asyncio.to_thread(_burn, request, text)
    return _json({"message": "Accepted"}, 202)


async def discover(request: Request) -> Response:
    """Where to ask, for the upload address whose path is ``?discover=…``; 404 for every other path (PEP 807)."""
    if not _accepts_pytp(request):
        return _not_acceptable(request)
    ours = {f"{root_path(request)}/legacy/", "/legacy/"}
    if request.query_params.get("discover") not in ours:
        return Response(status_code=404, headers=_NOT_KEPT)
    base = base_url(request)
    found = {
        "audience-endpoint": f"{base}_/pytp/audience",
        "token-mint-endpoint": f"{base}_/pytp/mint-token",
        "features": list(FEATURES),
        "default-features": list(FEATURES),
    }
    return _json(found, kind=PYTP)


async def pytp_audience(request: Request) -> Response:
    """As `audience`, in the form of PEP 807."""
    if not _accepts_pytp(request):
        return _not_acceptable(request)
    return _json({"audience": _audience(request)}, kind=PYTP)


async def pytp_mint_token(request: Request) -> Response:
    """As `mint_token`, in the form of PEP 807: ``{"token": …, "expires": …}``, refusals as problem details."""
    if not _accepts_pytp(request):
        return _not_acceptable(request)
    try:
        body = await _body(request)
        _require_features(body)
        made = await _exchange(request, body)
    except Refused as refused:
        return problem(request, refused)
    return _json({"token": made.secret, "expires": int(made.expires_at.timestamp())}, kind=PYTP)


def issuers_of(app: Starlette) -> Issuers:
    """What reads identity tokens in this process; made with the first of them, since few processes see any."""
    from affineur.shell.issuers import Issuers

    with _MAKING:
        if not hasattr(app.state, "issuers"):
            index: Index = app.state.index
            app.state.issuers = Issuers(admitted_by(index.settings.publisher_issuers))
        found: Issuers = app.state.issuers
        return found


async def _exchange(request: Request, body: Mapping[str, object]) -> Exchanged:
    text = _text_of(body)
    return await asyncio.to_thread(_exchange_now, request, text)


def _exchange_now(request: Request, text: str) -> Exchanged:
    from affineur.actions.exchange import exchange

    index: Index = request.app.state.index
    return exchange(
        index,
        issuers_of(request.app),
        text,
        _audience(request),
        client_of(request),
        origin_of(request),
        datetime.now(UTC),
    )


def _burn(request: Request, text: str) -> bool:
    from affineur.actions.exchange import burn

    return burn(request.app.state.index, text, origin_of(request), datetime.now(UTC))


def _audience(request: Request) -> str:
    settings = request.app.state.index.settings
    return audience_of(settings.publisher_audience, urlsplit(settings.base_url).hostname)


async def _body(request: Request) -> Mapping[str, object]:
    """The JSON object of a request; `Refused` (``publisher.invalid-payload``) for anything else."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAXIMUM_BODY_BYTES:
                refuse("publisher.invalid-payload", f"The body has more than {MAXIMUM_BODY_BYTES} bytes.")
        found = orjson.loads(body)
    except ClientDisconnect:
        refuse("publisher.invalid-payload", "The body was cut off.")
    except orjson.JSONDecodeError:
        refuse("publisher.invalid-payload", "The body is no JSON.", 'Send {"token": "…"}.')
    if not isinstance(found, dict):
        refuse("publisher.invalid-payload", "The body is no JSON object.", 'Send {"token": "…"}.')
    return found


def _text_of(body: Mapping[str, object]) -> str:
    text = body.get("token")
    if not isinstance(text, str) or not text:
        refuse("publisher.invalid-payload", "The body has no token, as text.", 'Send {"token": "…"}.')
    return text


def _require_features(body: Mapping[str, object]) -> None:
    """Whoever asks for a token that is good for less must not be given one that is good for more."""
    wanted = body.get("features", list(FEATURES))
    if not isinstance(wanted, list) or any(each not in FEATURES for each in wanted):
        refuse(
            "publisher.features",
            "This index makes no tokens with the features that were asked for.",
            f"Ask for {' or '.join(FEATURES)}, or for none.",
        )


def _token_refused(request: Request, decision: Decision) -> Response:
    """The refusal as upload clients read it; 429 where there were too many."""
    request.scope[RULE_KEY] = decision.rule  # for the counters
    error = {"code": error_code(decision.rule), "description": decision.sentence}
    wait = decision.facts.get("retry_after_seconds")
    headers = {"retry-after": str(wait)} if wait else {}
    status = 429 if decision.rule.startswith("throttle.") else 422
    return _json({"message": "Token request failed", "errors": [error]}, status, headers=headers)


def _accepts_pytp(request: Request) -> bool:
    accept = request.headers.get("accept", "").strip()
    return not accept or quality(PYTP, list(media_ranges(accept[:4096])))[0] > 0


def _not_acceptable(request: Request) -> Response:
    return problem(request, deny("publisher.accept", "This is answered as PEP 807 has it.", f"Accept {PYTP}."))


def _json(
    value: object, status: int = 200, *, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(value), status, {**_NOT_KEPT, **(headers or {})}, media_type=kind)


ROUTES: list[BaseRoute] = [
    Route("/_/oidc/audience", audience),
    Route("/_/oidc/mint-token", mint_token, methods=["POST"]),
    Route("/_/oidc/github/mint-token", mint_token, methods=["POST"]),
    Route("/_/oidc/burn-token", burn_token, methods=["POST"]),
    Route("/.well-known/pytp", discover),
    Route("/_/pytp/audience", pytp_audience),
    Route("/_/pytp/mint-token", pytp_mint_token, methods=["POST"]),
]
