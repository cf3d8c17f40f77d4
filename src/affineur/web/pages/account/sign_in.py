"""The pages for signing in and out."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.end_sessions import sign_out
from affineur.actions.proving import works_here
from affineur.actions.sign_in import sign_in
from affineur.core.decision import Decision, Refused
from affineur.web.pages.rendering import index_of
from affineur.web.session import SIGN_IN, current, form, local_path, to

from .cookies import enter, leave
from .frame import DONE
from .strangers import passwords_of, refusing, stranger_of, unsigned_page

DONE["signed-out"] = "You are signed out."


async def show_sign_in(request: Request) -> Response:
    """``GET /account/sign-in``. Whoever is signed in goes on to where they wanted to go."""
    onward = local_path(request.query_params.get("next", ""))
    session = await current(request)
    if session is not None and session.row.stage == "whole":
        return to(request, onward)
    return _page(request, onward)


async def take_sign_in(request: Request) -> Response:
    """``POST /account/sign-in``: name and password. A session that the browser had ends with it."""
    sent = await form(request, None)
    onward, typed = local_path(sent.get("next", "")), sent.get("name", "")
    session = await current(request)
    try:
        begun = await sign_in(
            index_of(request),
            passwords_of(request),
            stranger_of(request),
            typed,
            sent.get("password", ""),
            ends=session.row.id if session else "",
        )
    except Refused as refused:
        return _page(request, onward, typed, refused.decision)
    return enter(request, begun, onward)


async def take_sign_out(request: Request) -> Response:
    """``POST /account/sign-out``: in whatever stage the session is."""
    session = await current(request)
    await form(request, session)
    if session is not None:
        await asyncio.to_thread(sign_out, index_of(request), session.caller(request), session.row.id)
    return leave(request, f"{SIGN_IN}?done=signed-out")


def _page(request: Request, onward: str, typed: str = "", refused: Decision | None = None) -> Response:
    passkeys = works_here(index_of(request)).allowed
    values = {"next": onward, "typed": typed[:254], "passkeys_work": passkeys}
    return unsigned_page(request, "sign_in.html", values, refused=refused)


ROUTES = [
    Route(SIGN_IN, refusing(show_sign_in), methods=["GET"]),
    Route(SIGN_IN, refusing(take_sign_in), methods=["POST"]),
    Route("/account/sign-out", refusing(take_sign_out), methods=["POST"]),
]
