"""Where a refusal becomes an answer: it goes into the security log too, if it belongs there (`actions.refusals`)."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from starlette.requests import Request

from affineur.actions.refusals import record_refusal, record_token_refusal
from affineur.core.access import Actor
from affineur.core.decision import Decision
from affineur.core.security import Caller, is_dangerous, is_refused_token
from affineur.shell.index import Index

from .identity import origin_of, token_in

log = logging.getLogger(__name__)

_ACTOR_KEY = "affineur.actor"
_NOBODY = Actor(account_id=None, name="")


def acts(request: Request, actor: Actor) -> None:
    """Note who a request comes from, for whatever of it may be refused later."""
    request.scope[_ACTOR_KEY] = actor


async def note_refusal(request: Request, decision: Decision) -> None:
    """Put a refusal into the log where it belongs there. Nothing of this ever fails the answer."""
    if is_dangerous(decision) or is_refused_token(decision):
        await asyncio.to_thread(record, request, decision)


def record(request: Request, decision: Decision) -> None:
    """As `note_refusal`, in a thread."""
    index: Index = request.app.state.index
    by = Caller(request.scope.get(_ACTOR_KEY, _NOBODY), datetime.now(UTC), origin_of(request))
    token = token_in(request.headers.get("authorization"))
    try:
        if is_refused_token(decision) and isinstance(token, str):
            record_token_refusal(index, token, decision, by)
        else:
            record_refusal(index, by, decision)
    except Exception:
        log.exception("a refusal could not be recorded", extra={"rule": decision.rule})
