"""One's own security log: what happened to the account and by it, to read, filter and take away."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.core.security import EVENTS
from affineur.projections.security_log import FORMS
from affineur.web import logbook
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import account_page


@signed_in
async def log(request: Request, session: Session) -> Response:
    """A page of it, newest first."""
    return await asyncio.to_thread(_log, request, session)


def _log(request: Request, session: Session) -> Response:
    ask = logbook.asked(request, session.actor.account_id)
    with index_of(request).store.read() as connection:
        found, more = logbook.shown(connection, ask, session.actor.name)
    values = {
        "events": found,
        "typed": ask.typed,
        "kinds": EVENTS,
        "more": more,
        "query": ask.query,
    }
    return account_page(request, session, "log.html", values, refused=ask.refused)


@signed_in
async def exported(request: Request, session: Session) -> Response:
    """All that the filter names, as a file."""
    ask = logbook.asked(request, session.actor.account_id)
    return logbook.export(request, ask, f"log-of-{session.actor.name}", session.actor.name)


ROUTES = [
    Route("/account/log", log),
    *(Route(f"/account/log.{form}", exported) for form in FORMS),
]
