"""The page of an account's addresses: add, verify, choose the primary one, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.addresses import VERIFY
from affineur.actions.emails import (
    add_email,
    remove_email,
    send_link_again,
    set_primary_email,
    verify_email,
)
from affineur.core.decision import Decision
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.shell.store import emails, tickets
from affineur.web.pages.rendering import index_of
from affineur.web.session import PersonalPage, Session, signed_in

from .frame import DONE, NOTHING, Typed, account_page, done, form_on

PAGE = "/account/emails"

DONE["email-added"] = "The address is added. Open the link that was mailed to it."
DONE["email-sent"] = "The link is on its way again; older ones no longer work."
DONE["email-verified"] = "The address is verified."
DONE["email-primary"] = "Mail about your account goes to that address from now on."
DONE["email-removed"] = "The address is removed."


async def show(request: Request, session: Session) -> Response:
    """``GET /account/emails``."""
    return await _page(request, session)


async def _page(
    request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    def values() -> dict[str, object]:
        key = session.actor.account_id or 0
        with index_of(request).store.read() as connection:
            return {"emails": emails.listed(connection, key), "typed": typed.get("email", "")[:254]}

    return account_page(request, session, "emails.html", await asyncio.to_thread(values), refused=refused)


@form_on(PAGE, _page)
async def take_add(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/emails``."""
    await asyncio.to_thread(add_email, index_of(request), session.caller(request), typed.get("email", ""))
    return done(request, PAGE, "email-added")


def _on_one(act: Callable[[Index, Caller, int], object], word: str) -> PersonalPage:
    @form_on(PAGE, _page)
    async def take(request: Request, session: Session, _: Typed) -> Response:
        await asyncio.to_thread(act, index_of(request), session.caller(request), request.path_params["id"])
        return done(request, PAGE, word)

    return take


async def show_verify(request: Request, session: Session) -> Response:
    """``GET /account/emails/verify?ticket=…``: a button, since programs that look through mails open links too."""
    secret = request.query_params.get("ticket", "")

    def address() -> str | None:
        with index_of(request).store.read() as connection:
            found = tickets.look(connection, secret, VERIFY, session.now)
            if found is None or found.account_id != session.actor.account_id or found.account_id is None:
                return None
            row = emails.find(connection, found.account_id, int(found.subject))
            return None if row is None else row.address

    values = {"ticket": secret, "address": await asyncio.to_thread(address)}
    return account_page(request, session, "email_verify.html", values)


@form_on(PAGE, _page)
async def take_verify(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/emails/verify``."""
    await asyncio.to_thread(verify_email, index_of(request), session.caller(request), typed.get("ticket", ""))
    return done(request, PAGE, "email-verified")


ROUTES = [
    Route(PAGE, signed_in(show), methods=["GET"]),
    Route(PAGE, signed_in(take_add), methods=["POST"]),
    Route(f"{PAGE}/verify", signed_in(show_verify), methods=["GET"]),
    Route(f"{PAGE}/verify", signed_in(take_verify), methods=["POST"]),
    Route(f"{PAGE}/{{id:int}}/send", signed_in(_on_one(send_link_again, "email-sent")), methods=["POST"]),
    Route(
        f"{PAGE}/{{id:int}}/primary",
        signed_in(_on_one(set_primary_email, "email-primary")),
        methods=["POST"],
    ),
    Route(
        f"{PAGE}/{{id:int}}/remove",
        signed_in(_on_one(remove_email, "email-removed")),
        methods=["POST"],
    ),
]
