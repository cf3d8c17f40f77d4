"""Answering invitations to a role: forms on the page of one's projects (`projects`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.answer_invitation import accept_invitation, refuse_invitation
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.web.pages.rendering import index_of
from affineur.web.session import PersonalPage, Session, signed_in

from . import projects
from .frame import DONE, Typed, done, form_on

DONE["invitation-accepted"] = "The role is yours from now on. The owners are told."
DONE["invitation-refused"] = "You said no. Whoever invited you is told."


def _answering(act: Callable[[Index, Caller, int], object], word: str) -> PersonalPage:
    @form_on(projects.PAGE, projects.page)
    async def take(request: Request, session: Session, _: Typed) -> Response:
        await asyncio.to_thread(act, index_of(request), session.caller(request), request.path_params["id"])
        return done(request, projects.PAGE, word)

    return take


ROUTES = [
    Route(
        "/account/invitations/{id:int}/accept",
        signed_in(_answering(accept_invitation, "invitation-accepted")),
        methods=["POST"],
    ),
    Route(
        "/account/invitations/{id:int}/refuse",
        signed_in(_answering(refuse_invitation, "invitation-refused")),
        methods=["POST"],
    ),
]
