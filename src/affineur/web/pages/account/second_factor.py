"""``/account/second-factor``: the second stage of signing in; and signing in by a passkey alone.

What does not live here: the password (`sign_in`), and what a factor proves (`actions.second_stage`).
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import proving, second_stage
from affineur.core.decision import Decision, Refused
from affineur.shell.store import factors
from affineur.web.pages.rendering import index_of
from affineur.web.session import SIGN_IN, Session, cookie_name, current, form, local_path, set_cookie, to

from .cookies import enter
from .strangers import stranger_of, unsigned_page

PAGE, PASSKEY_PAGE = "/account/second-factor", "/account/sign-in/passkey"
CEREMONY_COOKIE = "affineur_passkey"


async def second_factor(request: Request) -> Response:
    """``GET``: what the account has to give; ``POST``: one of them."""
    session = await current(request)
    onward = local_path(request.query_params.get("next", ""))
    if session is None:
        return to(request, SIGN_IN)
    if session.row.stage == "whole":
        return to(request, onward)
    if request.method == "GET":
        return await _show(request, session)
    try:
        data = await form(request, session)
        act = second_stage.finish_with_passkey if data.get("answer") else second_stage.finish_with_code
        typed = data.get("answer") or data.get("code", "")
        begun = await asyncio.to_thread(act, index_of(request), session.caller(request), session.row, typed)
    except Refused as refused:
        return await _show(request, session, refused.decision)
    return enter(request, begun, onward)


async def _show(request: Request, session: Session, refused: Decision | None = None) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    shared = {"form_key": session.form_key, "me": session.actor}
    return unsigned_page(request, "second_factor.html", {**shared, **values}, refused=refused)


def _values(request: Request, session: Session) -> dict[str, object]:
    index, account_id = index_of(request), session.row.account_id
    with index.store.read() as connection:
        rows = factors.active(factors.listed(connection, account_id))
        codes = factors.codes_left(connection, account_id)
    kinds = factors.kinds(rows)
    return {
        "options": passkey_options(request, session) if "passkey" in kinds else "",
        "passkeys_work": proving.works_here(index),
        "kinds": kinds,
        "codes_left": codes,
    }


def passkey_options(request: Request, session: Session) -> str:
    """What the browser is to be asked for a passkey; empty where passkeys cannot work at this address."""
    index = index_of(request)
    if not proving.works_here(index).allowed:
        return ""
    return second_stage.passkey_options(index, session.caller(request), session.row)


async def passkey_sign_in(request: Request) -> Response:
    """``GET``: asks the browser for any passkey of this index; ``POST``: its answer, which signs in."""
    if request.method == "GET":
        return await _show_passkey(request)
    secret = request.cookies.get(cookie_name(request, CEREMONY_COOKIE), "")
    stranger, before = stranger_of(request), await current(request)
    ends = before.row.id if before else ""
    try:
        data = await form(request, None)
        begun = await asyncio.to_thread(
            second_stage.sign_in_with_passkey,
            index_of(request), stranger, secret, data.get("answer", ""), ends,
        )  # fmt: skip
    except Refused as refused:
        return await _show_passkey(request, refused.decision)
    response = enter(request, begun, request.query_params.get("next", ""))
    set_cookie(request, response, CEREMONY_COOKIE, "", 0)
    return response


async def _show_passkey(request: Request, refused: Decision | None = None) -> Response:
    by = stranger_of(request)
    try:
        asked = await asyncio.to_thread(second_stage.begin_passkey_sign_in, index_of(request), by)
    except Refused as error:
        return unsigned_page(request, "passkey_page.html", {"options": ""}, refused=refused or error.decision)
    response = unsigned_page(request, "passkey_page.html", {"options": asked.options}, refused=refused)
    set_cookie(request, response, CEREMONY_COOKIE, asked.secret, int(proving.CEREMONY_LASTS.total_seconds()))
    return response


ROUTES = [
    Route(PAGE, second_factor, methods=["GET", "POST"]),
    Route(PASSKEY_PAGE, passkey_sign_in, methods=["GET", "POST"]),
]
