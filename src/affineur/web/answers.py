"""Answers that several routes give: refusals in the form the client asked for, and plain texts.

A refusal says the same in every form: the sentence of the `Decision`. Upload clients show people the reason
phrase, so it carries the sentence too.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision

from .addresses import base_url
from .metrics import RULE_KEY
from .protocol import REASON_HEADER, reason_phrase

_STATUS = {
    "access": 403,
    "identity": 403,
    "factor": 403,
    "token.made": 409,
    "token.revoked": 403,
    "token.expired": 403,
    "token.not-yet": 403,
    "token.caveat": 403,
    "upload.state": 403,
    "form.origin": 403,
    "project.exists": 404,
    "lifecycle": 409,
    **dict.fromkeys(("lifecycle.code", "lifecycle.value"), 400),
    **dict.fromkeys(("lifecycle.archive", "lifecycle.withhold", "lifecycle.withhold-second"), 403),
    **dict.fromkeys(("lifecycle.withhold-often", "lifecycle.unwithhold"), 403),
    "examine.exists": 404,
    "project.place": 404,
    "case.exists": 404,
    **dict.fromkeys(("case.closed", "case.held", "case.nothing"), 409),
    "appeal.exists": 404,
    **dict.fromkeys(("appeal.nothing", "appeal.open", "appeal.most", "appeal.answered"), 409),
    "appeal.own-decision": 403,
    "hold.second-moderator": 409,
    "token.exists": 404,
    "role.no-invitation": 404,
    "removal.exists": 404,
    "removal.role": 404,
    "message.nobody": 404,
    "role.held": 409,
    "role.offered": 409,
    "role.invitation": 409,
    "role.last-owner": 409,
    "removal.open": 409,
    "removal.settled": 409,
    "removal.proposer": 403,
    "machine.exists": 404,
    "machine.offer": 404,
    "machine.last-sponsor": 409,
    "machine.only-owner": 409,
    "freeze.operator": 403,
    "freeze.self": 403,
    "office.last-operator": 409,
    "form.action-gone": 410,
    "follow": 403,
    "webhook.exists": 404,
    "webhook.delivery": 404,
    "webhook.there": 409,
    "webhook.most": 409,
    "webhook.often": 429,
    "throttle": 429,
    "signin.busy": 503,
    "signin": 403,
    "register": 403,
    "company.away": 503,
    "company.setting": 503,
    "company.off": 404,
    "company.member": 403,
    "email.unknown": 404,
    "session.exists": 404,
    "campaign.exists": 404,
    "voucher": 403,
    **dict.fromkeys(("voucher.once", "voucher.closed", "voucher.left", "voucher.region"), 409),
    "impact.run": 404,
    "statistics.export": 403,
    "statistics.busy": 503,
    "statistics.away": 503,
}


def status_of(decision: Decision) -> int:
    """The HTTP status of a refusal: by its rule, else by the first part of the rule's id, else 400."""
    return _STATUS.get(decision.rule) or _STATUS.get(decision.rule.partition(".")[0], 400)


def refusal(request: Request, decision: Decision, status: int | None = None) -> Response:
    """The answer to a refused request, in the form that ``Accept`` prefers.

    JSON with ``message``, ``code``, ``title``; problem details (RFC 9457); else plain text.
    """
    status = status or status_of(decision)
    request.scope[RULE_KEY] = decision.rule  # for the counters
    title = HTTPStatus(status).phrase
    kind = preferred(request.headers.get("accept", "*/*"), _REFUSAL_TYPES)
    sentence = decision.sentence
    if kind == "application/problem+json":
        body = orjson.dumps(
            {
                "type": f"{base_url(request)}help/rules/{decision.rule}",
                "title": title,
                "status": status,
                "detail": sentence,
                "rule": decision.rule,
            }
        )
    elif kind == "application/json":
        body = orjson.dumps(
            {"message": sentence, "code": f"{status} {sentence}", "title": title, "rule": decision.rule}
        )
    else:
        body = f"{status} {title}\n\n{sentence}\n".encode()
    headers = {REASON_HEADER.decode(): reason_phrase(sentence).decode("latin-1"), "cache-control": "no-store"}
    return Response(body, status, headers, media_type=kind)


def text(body: str, status: int = 200, **headers: str) -> Response:
    """A plain text answer. Header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, named, media_type="text/plain")


def preferred(accept: str, offers: tuple[str, ...]) -> str:
    """The offer that ``accept`` gives the highest quality; the first of them on a tie, and where none fits."""
    from affineur.core.views.negotiation import media_ranges, quality

    ranges = list(media_ranges(accept))
    return max(offers, key=lambda offer: (quality(offer, ranges), -offers.index(offer)))


_REFUSAL_TYPES = ("text/plain", "application/json", "application/problem+json")
