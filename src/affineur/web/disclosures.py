"""``POST /_/secrets/disclose-token``: who scans published code for secrets reports tokens here, and they are revoked.

Answers: 204 the report was taken (whatever it held); 400 it cannot be read, or is not signed as it says; 404 the
request has the headers of nobody whom the setting ``disclosure_keys`` names; 503 the keys cannot be had, try again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from affineur.actions.disclose import revoke_disclosed
from affineur.core.access import SYSTEM
from affineur.core.decision import Refused, deny
from affineur.core.people.disclosure import MAXIMUM_REPORT_BYTES, find_reporter, parse_report, parse_reporters
from affineur.core.security import Caller
from affineur.shell.disclosure_keys import DisclosureKeys
from affineur.shell.index import Index

from .answers import refusal
from .identity import origin_of

PATH = "/_/secrets/disclose-token"
_STRANGER = deny(
    "disclosure.reporter",
    "Nobody reports found tokens with these headers here.",
    "The operator names those who may in the setting disclosure_keys.",
)
_TOO_LONG = deny(
    "disclosure.report", f"A report has at most {MAXIMUM_REPORT_BYTES} bytes.", "Send it in several parts."
)


async def receive_disclosure(request: Request) -> Response:
    """Take a report of found tokens."""
    index: Index = request.app.state.index
    reporter = find_reporter(parse_reporters(index.settings.disclosure_keys), request.headers)
    if reporter is None:
        return refusal(request, _STRANGER, 404)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_REPORT_BYTES:
            return refusal(request, _TOO_LONG)
    keys = _keys_of(request)
    now = datetime.now(UTC)
    key_id, signature = request.headers[reporter.key_header], request.headers[reporter.signature_header]
    by = Caller(SYSTEM, now, origin_of(request))
    try:
        await asyncio.to_thread(keys.require_signed, reporter, key_id, signature, body, now)
        await asyncio.to_thread(revoke_disclosed, index, by, reporter.name, parse_report(body))
    except Refused as refused:
        away = refused.decision.rule == "disclosure.keys-away"
        return refusal(request, refused.decision, 503 if away else 400)
    return Response(status_code=204, headers={"cache-control": "no-store"})


def _keys_of(request: Request) -> DisclosureKeys:
    """The process's one keeper of keys, made when the first report comes."""
    state = request.app.state
    if not hasattr(state, "disclosure_keys"):
        state.disclosure_keys = DisclosureKeys()
    found: DisclosureKeys = state.disclosure_keys
    return found
