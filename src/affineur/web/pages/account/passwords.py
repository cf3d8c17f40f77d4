"""The pages for passwords: change, forget, set anew behind a link."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.addresses import require_fit
from affineur.actions.passwords import ask_for_link, change_password, look_at_link, reset_password
from affineur.core.decision import Decision, Refused
from affineur.core.people.passwords import SHORTEST
from affineur.shell.store import accounts
from affineur.web.clients import client_of
from affineur.web.pages.rendering import index_of
from affineur.web.session import SIGN_IN, Session, form, signed_in, to

from .cookies import leave
from .frame import DONE, NOTHING, Typed, account_page, done, form_on
from .strangers import passwords_of, refusing, stranger_of, unsigned_page

DONE["password-changed"] = "Your password is changed, and all your other sessions have ended."
DONE["password-set"] = "Your new password is set, and every session has ended. Sign in with it."


async def show_forgotten(request: Request) -> Response:
    """``GET /account/forgotten``: the form for an address."""
    return unsigned_page(request, "forgotten.html", {"typed": ""})


async def take_forgotten(request: Request) -> Response:
    """``POST /account/forgotten``. The answer is the same whether or not an account has the address."""
    typed = (await form(request, None)).get("email", "")
    try:
        address = require_fit(typed)
        await asyncio.to_thread(ask_for_link, index_of(request), stranger_of(request), address)
    except Refused as refused:
        return unsigned_page(request, "forgotten.html", {"typed": typed[:254]}, refused=refused.decision)
    return unsigned_page(request, "mail_sent.html", {"address": address, "what": "password"})


async def show_reset(request: Request) -> Response:
    """``GET /account/password/reset?ticket=…``. Looking uses nothing up."""
    return await _reset_page(request, request.query_params.get("ticket", ""))


async def take_reset(request: Request) -> Response:
    """``POST /account/password/reset``: the password is set; nobody is signed in by it."""
    sent = await form(request, None)
    secret = sent.get("ticket", "")
    try:
        await reset_password(
            index_of(request), passwords_of(request), stranger_of(request), secret, sent.get("password", "")
        )
    except Refused as refused:
        return await _reset_page(request, secret, refused.decision)
    return leave(request, f"{SIGN_IN}?done=password-set")


async def _reset_page(request: Request, secret: str, refused: Decision | None = None) -> Response:
    if refused is not None and refused.rule == "password.link":
        raise Refused(refused)
    account = await asyncio.to_thread(look_at_link, index_of(request), stranger_of(request), secret)
    values = {"ticket": secret, "account": account.name, "shortest_password": SHORTEST}
    return unsigned_page(request, "password_reset.html", values, refused=refused)


async def show_change(request: Request, session: Session) -> Response:
    """``GET /account/password``."""
    return await _change_page(request, session)


async def _change_page(
    request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    def has_one() -> bool:
        with index_of(request).store.read() as connection:
            found = accounts.by_id(connection, session.actor.account_id or 0)
        return found is not None and found.password_hash is not None

    values = {"has_password": await asyncio.to_thread(has_one), "shortest_password": SHORTEST}
    return account_page(request, session, "password.html", values, refused=refused)


@form_on("/account/password", _change_page)
async def take_change(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/password``: the present one and the new one."""
    await change_password(
        index_of(request),
        passwords_of(request),
        session.caller(request),
        session.row.id,
        typed.get("current", ""),
        typed.get("password", ""),
        client_of(request),
    )
    return done(request, "/account/", "password-changed")


async def well_known(request: Request) -> Response:
    """``GET /.well-known/change-password``: where password managers look for the form (W3C, A Well-Known URL for …)."""
    return to(request, "/account/password")


ROUTES = [
    Route("/account/forgotten", refusing(show_forgotten), methods=["GET"]),
    Route("/account/forgotten", refusing(take_forgotten), methods=["POST"]),
    Route("/account/password/reset", refusing(show_reset), methods=["GET"]),
    Route("/account/password/reset", refusing(take_reset), methods=["POST"]),
    Route("/account/password", signed_in(show_change), methods=["GET"]),
    Route("/account/password", signed_in(take_change), methods=["POST"]),
    Route("/.well-known/change-password", well_known, methods=["GET"]),
]
