"""``/account/recovery``: getting back in when every second factor and every code is gone.

Whoever is here has given the password and nothing more. What does not live here: how long it takes
(`core.people.recovery`), and the owner's own view of it (`security`).
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import recover
from affineur.actions.calling_off import OPEN
from affineur.core.decision import Decision, Refused
from affineur.core.people.recovery import can_be_shorter, may_complete
from affineur.shell.store import recoveries, tickets
from affineur.web.pages.rendering import index_of
from affineur.web.session import SIGN_IN, Session, current, form, to

from .cookies import enter
from .strangers import stranger_of, unsigned_page

PAGE = "/account/recovery"
_AFTERWARDS = "/account/security?done=recovered"


async def recovery(request: Request) -> Response:
    """``GET``: where it stands; ``POST``: mail the link that opens one."""
    session = await current(request)
    if session is None or session.row.stage == "whole":
        return to(request, SIGN_IN if session is None else "/account/security")
    if request.method == "GET":
        return await _show(request, session)
    try:
        await form(request, session)
        sent = await asyncio.to_thread(recover.ask, index_of(request), session.caller(request), session.row)
    except Refused as refused:
        return await _show(request, session, refused.decision)
    return await _show(request, session, sent=sent)


async def complete(request: Request) -> Response:
    """``POST /account/recovery/complete``: after the wait, the old factors go and a whole session begins."""
    session = await current(request)
    if session is None or session.row.stage == "whole":
        return to(request, SIGN_IN if session is None else "/account/security")
    try:
        await form(request, session)
        begun = await asyncio.to_thread(recover.complete, index_of(request), session.caller(request), session.row)
    except Refused as refused:
        return await _show(request, session, refused.decision)
    return enter(request, begun, _AFTERWARDS)


async def _show(request: Request, session: Session, refused: Decision | None = None, sent: int = 0) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    shared = {"me": session.actor, "form_key": session.form_key, "sent": sent}
    return unsigned_page(request, "recovery.html", {**shared, **values}, refused=refused)


def _values(request: Request, session: Session) -> dict[str, object]:
    with index_of(request).store.read() as connection:
        row = recoveries.open_of(connection, session.row.account_id, session.now)
    ready = None if row is None else may_complete(row.facts, session.now)
    shorter = row is not None and can_be_shorter(row.facts)
    return {"recovery": row, "can_be_shorter": shorter, "ready": ready is not None and ready.allowed}


async def open_by_link(request: Request) -> Response:
    """``/account/recovery/open?ticket=…``: asks first, since programs that look through mails open links too."""
    return await _by_link(request, OPEN)


async def cancel_by_link(request: Request) -> Response:
    """``/account/recovery/cancel?ticket=…``: the same for the link that cancels."""
    return await _by_link(request, recover.CANCEL)


async def _by_link(request: Request, purpose: str) -> Response:
    secret = request.query_params.get("ticket", "")
    act = recover.open_recovery if purpose == OPEN else recover.cancel_by_link
    values: dict[str, object] = {"purpose": purpose, "row": None, "is_done": False}
    try:
        if request.method == "POST":
            await form(request, None)
            by = stranger_of(request).caller
            values["row"] = await asyncio.to_thread(act, index_of(request), by, secret)
            values["is_done"] = True
        else:
            await asyncio.to_thread(_require_link, request, secret, purpose)
    except Refused as refused:
        return unsigned_page(request, "recovery_link.html", values, refused=refused.decision)
    return unsigned_page(request, "recovery_link.html", values)


def _require_link(request: Request, secret: str, purpose: str) -> None:
    with index_of(request).store.read() as connection:
        if tickets.look(connection, secret, purpose, stranger_of(request).now) is None:
            raise Refused(recover.LINK_OVER)


ROUTES = [
    Route(PAGE, recovery, methods=["GET", "POST"]),
    Route(f"{PAGE}/complete", complete, methods=["POST"]),
    Route(f"{PAGE}/open", open_by_link, methods=["GET", "POST"]),
    Route(f"{PAGE}/cancel", cancel_by_link, methods=["GET", "POST"]),
]
