"""The page of the projects on which somebody has a role, and of the invitations and messages that reach them."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.message import accept_messages, block_sender
from affineur.core.access import publishers_only
from affineur.core.decision import Decision
from affineur.shell.store import accounts, grants, offers, relay
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, account_page, done, form_on

PAGE = "/account/projects"

DONE["messages-on"] = "Messages from people who share a project with you reach you."
DONE["messages-off"] = "You get no more messages from people who share a project with you. They are not told."
DONE["sender-unblocked"] = "Their messages reach you again."


@signed_in
async def show(request: Request, session: Session) -> Response:
    """``GET /account/projects``."""
    return await page(request, session)


async def page(request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING) -> Response:
    """The page, after a form was answered by ``refused``, if it was."""
    return await asyncio.to_thread(_page, request, session, refused)


def _page(request: Request, session: Session, refused: Decision | None) -> Response:
    me = session.actor.account_id
    assert me is not None  # noqa: S101 - a session is an account's
    with index_of(request).store.read() as connection:
        account = accounts.by_id(connection, me)
        held = grants.held_by(connection, me)
        values = {
            "held": [
                (each, publishers_only(each.publishers_only, each.publishers_only_ends_at, session.now))
                for each in held
            ],
            "invitations": offers.open_for(connection, me, session.now),
            "concerning": offers.proposals(connection, account_id=me),
            "accepts": account is not None and account.accepts_messages,
            "blocked": relay.blocked_names(connection, me),
            "my_id": me,
        }
    return account_page(request, session, "projects.html", values, refused=refused)


@signed_in
@form_on(PAGE, page)
async def take_messages(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/projects/messages``: take messages, or none."""
    accepts = typed.get("accepts") == "yes"
    await asyncio.to_thread(accept_messages, index_of(request), session.caller(request), accepts)
    return done(request, PAGE, "messages-on" if accepts else "messages-off")


@signed_in
@form_on(PAGE, page)
async def take_unblock(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/projects/unblock``: let somebody's messages through again."""
    sender = typed.get("sender", "")
    await asyncio.to_thread(block_sender, index_of(request), session.caller(request), sender, False)
    return done(request, PAGE, "sender-unblocked")


ROUTES = [
    Route(PAGE, show),
    Route("/account/invitations", show),
    Route(f"{PAGE}/messages", take_messages, methods=["POST"]),
    Route(f"{PAGE}/unblock", take_unblock, methods=["POST"]),
]
