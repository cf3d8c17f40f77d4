"""Invitations to the index: those that are open, to send one, to withdraw one."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.invite_account import invitations, invite_account, withdraw_invitation
from affineur.core.decision import Decision
from affineur.core.people.offices import OFFICES, office_called
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.web.pages.account.frame import DONE, Typed, done, form_on
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session

from .frame import admin_page, office

PAGE = "/admin/invitations"

DONE |= {
    "invited": "The invitation is sent.",
    "invitation-withdrawn": "The invitation is withdrawn.",
}


@office("see-accounts")
async def shown(request: Request, session: Session) -> Response:
    """Those that are open, and the form."""
    return await asyncio.to_thread(_page, request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_page, request, session, refused, typed.get("address", "").strip())


@office("invite-account")
@form_on(PAGE, _again)
async def sent(request: Request, session: Session, typed: Typed) -> Response:
    """Send one, or withdraw one."""
    withdraws = typed.get("act") == "withdraw"
    address, office = typed.get("address", "").strip(), typed.get("office", "")
    await asyncio.to_thread(_act, index_of(request), session.caller(request), address, office, withdraws)
    return done(request, PAGE, "invitation-withdrawn" if withdraws else "invited")


def _act(index: Index, by: Caller, address: str, office: str, withdraws: bool) -> None:
    if withdraws:
        withdraw_invitation(index, by, address)
    else:
        invite_account(index, by, address, office_called(office))


def _page(request: Request, session: Session, refused: Decision | None = None, typed: str = "") -> Response:
    by = Caller(session.actor, session.now)
    values = {
        "invitations": invitations(index_of(request), by),
        "typed": typed,
        "offices": OFFICES,
        "may_invite": session.actor.is_operator,
        "closed": index_of(request).settings.registration == "closed",
    }
    return admin_page(request, session, "invitations.html", values, refused=refused)


ROUTES = [Route(PAGE, shown), Route(PAGE, sent, methods=["POST"])]
