"""The pages for making an account: an address first; name and password behind the link that is mailed to it."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.addresses import require_fit
from affineur.actions.register import ask_to_register, look_at_link, register
from affineur.core.decision import Decision, Refused
from affineur.core.people.accounts import LONGEST_CHOSEN_NAME
from affineur.core.people.passwords import SHORTEST
from affineur.web.pages.rendering import index_of
from affineur.web.session import form

from .cookies import enter
from .frame import DONE
from .strangers import passwords_of, refusing, stranger_of, unsigned_page

DONE["welcome"] = "Your account is ready, and your address is verified."


async def show_register(request: Request) -> Response:
    """``GET /account/register``: the form for an address, or why there is none."""
    return unsigned_page(request, "register.html", {"typed": ""})


async def take_register(request: Request) -> Response:
    """``POST /account/register``. The answer is the same whether or not an account has the address."""
    typed = (await form(request, None)).get("email", "")
    try:
        address = require_fit(typed)
        await asyncio.to_thread(ask_to_register, index_of(request), stranger_of(request), address)
    except Refused as refused:
        return unsigned_page(request, "register.html", {"typed": typed[:254]}, refused=refused.decision)
    return unsigned_page(request, "mail_sent.html", {"address": address, "what": "register"})


async def show_finish(request: Request) -> Response:
    """``GET /account/register/finish?ticket=…``: name and password. Looking uses nothing up."""
    return await _finish_page(request, request.query_params.get("ticket", ""))


async def take_finish(request: Request) -> Response:
    """``POST /account/register/finish``: the account is made, and its holder signed in."""
    sent = await form(request, None)
    secret, name = sent.get("ticket", ""), sent.get("name", "").strip()
    try:
        begun = await register(
            index_of(request), passwords_of(request), stranger_of(request), secret, name, sent.get("password", "")
        )
    except Refused as refused:
        return await _finish_page(request, secret, name, refused.decision)
    return enter(request, begun, "/account/?done=welcome")


async def _finish_page(request: Request, secret: str, name: str = "", refused: Decision | None = None) -> Response:
    if refused is not None and refused.rule.startswith("register."):
        raise Refused(refused)
    found = await asyncio.to_thread(look_at_link, index_of(request), stranger_of(request), secret)
    values = {
        "ticket": secret,
        "address": found.address,
        "office": found.office,
        "typed": name[:100],
        "longest_name": LONGEST_CHOSEN_NAME,
        "shortest_password": SHORTEST,
    }
    return unsigned_page(request, "register_finish.html", values, refused=refused)


ROUTES = [
    Route("/account/register", refusing(show_register), methods=["GET"]),
    Route("/account/register", refusing(take_register), methods=["POST"]),
    Route("/account/register/finish", refusing(show_finish), methods=["GET"]),
    Route("/account/register/finish", refusing(take_finish), methods=["POST"]),
]
