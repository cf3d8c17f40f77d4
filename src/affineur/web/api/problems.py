"""Refusals of the API: always ``application/problem+json`` (RFC 9457), whatever ``Accept`` says.

What does not live here: refusals in other forms (`web.answers`), and the rules themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused, deny
from affineur.web.addresses import base_url
from affineur.web.answers import status_of
from affineur.web.metrics import RULE_KEY

from .operation import Output

CONTENT_TYPE = "application/problem+json"
HEADERS = {
    # Answers are about one caller and hold at once: nobody on the way keeps them. There is no CORS header: tokens
    # belong into programs, and a page of another site that holds one should not be able to use it here.
    "cache-control": "no-store, private",
    "x-content-type-options": "nosniff",
}
"""Of every answer below ``/api``."""

_STATUS: Mapping[str, int] = {
    "account.exists": 404,
    "api.not-found": 404,
    **dict.fromkeys(("lifecycle.code", "lifecycle.value", "version.specifier"), 422),
    "api.method": 405,
    "publisher": 422,
    "publisher.accept": 406,
    "publisher.exists": 404,
    "publisher.issuer-away": 503,
    **dict.fromkeys(("publisher.there", "publisher.project-exists", "publisher.none", "publisher.open"), 409),
    **dict.fromkeys(("publisher.pending-there", "publisher.pending-most"), 409),
    "api.accept": 406,
    "api.idempotency-running": 409,
    "api.idempotency-unknown": 409,
    "api.idempotency-secret": 409,
    "api.size": 413,
    "api.content-type": 415,
    "api.fields": 422,
    "api.idempotency-reused": 422,
    "api.failed": 500,
}
"""By rule, or by the first part of its id, where it differs from what other clients are told (`web.answers`)."""

RETRY_AFTER = "retry_after_seconds"
"""The fact of a decision that becomes the header ``Retry-After``."""

_CHALLENGE = 'Bearer realm="index"{error}, Basic realm="index", charset="UTF-8"'

FAILED = deny("api.failed", "Something went wrong here. It was logged.", "Try again; if it stays, tell the operator.")


class FieldProblem(Output):
    """One value of a request that does not fit: where it is, and what is wrong with it."""

    source: str
    """``body`` or ``query``."""
    pointer: str
    """A JSON Pointer (RFC 6901) to it; empty for the whole."""
    message: str


class Problem(Output, omit_defaults=True):
    """A refusal (RFC 9457): the rule that refused, its reason, and what can be done."""

    type: str
    title: str
    status: int
    detail: str
    rule: str
    ways_out: list[str] = msgspec.field(default_factory=list)
    facts: dict[str, str | int | float | bool | list[str] | None] = msgspec.field(default_factory=dict)
    errors: list[FieldProblem] = msgspec.field(default_factory=list)


class Unidentified(Refused):
    """Nobody is known by what the request brought, whatever the rule says of it: 401."""


class Unfit(Refused):
    """A request whose values do not fit: the refusal, and each value that is at fault."""

    def __init__(self, *errors: FieldProblem) -> None:
        said = "; ".join(f"{each.pointer.lstrip('/') or each.source}: {each.message}" for each in errors)
        super().__init__(deny("api.fields", f"The request has values that do not fit. {said}"))
        self.errors = errors

    def __reduce__(self) -> tuple[type[Unfit], tuple[FieldProblem, ...]]:  # type: ignore[override]
        return (Unfit, self.errors)


def status_for(decision: Decision) -> int:
    """The HTTP status of a refusal: by its rule, else by the first part of the rule's id, else as elsewhere."""
    return _STATUS.get(decision.rule) or _STATUS.get(decision.rule.partition(".")[0]) or status_of(decision)


def problem(request: Request, refused: Decision | Refused, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a refused request. 401 comes with a challenge, 429 with ``Retry-After``."""
    decision = refused.decision if isinstance(refused, Refused) else refused
    status = 401 if isinstance(refused, Unidentified) else status_for(decision)
    request.scope[RULE_KEY] = decision.rule  # for the counters
    body = Problem(
        type=f"{base_url(request)}help/rules/{decision.rule}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=decision.reason,
        rule=decision.rule,
        ways_out=list(decision.ways_out),
        facts=plain(decision.facts),
        errors=list(refused.errors) if isinstance(refused, Unfit) else [],
    )
    named = {**HEADERS, **_headers_for(request, decision, status), **(headers or {})}
    return Response(msgspec.json.encode(body), status, named, media_type=CONTENT_TYPE)


def _headers_for(request: Request, decision: Decision, status: int) -> dict[str, str]:
    if status == 401:
        # RFC 6750 §3.1: whoever sent nothing is told no error.
        error = ', error="invalid_token"' if "authorization" in request.headers else ""
        return {"www-authenticate": _CHALLENGE.format(error=error)}
    wait = decision.facts.get(RETRY_AFTER)
    return {"retry-after": str(max(1, round(wait)))} if isinstance(wait, int | float) else {}


def plain(facts: Mapping[str, object]) -> dict[str, str | int | float | bool | list[str] | None]:
    """The facts that are single values, or lists of words; moments as RFC 3339 has them."""
    shown: dict[str, str | int | float | bool | list[str] | None] = {}
    for name, value in facts.items():
        if isinstance(value, datetime):
            shown[name] = value.isoformat().replace("+00:00", "Z")
        elif value is None or isinstance(value, str | int | float | bool):
            shown[name] = value
        elif isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
            shown[name] = list(value)
    return shown
