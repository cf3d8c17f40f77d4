"""The security log of the whole index: to read, filter and take away."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.core.decision import Decision
from affineur.core.people.accounts import unknown
from affineur.core.security import EVENTS
from affineur.projections.security_log import FORMS
from affineur.shell.store import accounts
from affineur.web import logbook
from affineur.web.logbook import Asked
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session

from .frame import admin_page, office

PAGE = "/admin/log"


@office("see-log")
async def log(request: Request, session: Session) -> Response:
    """A page of it, newest first."""
    return await asyncio.to_thread(_log, request, session)


def _log(request: Request, session: Session) -> Response:
    ask, unknown = _asked(request)
    with index_of(request).store.read() as connection:
        found, more = logbook.shown(connection, ask)
    values = {
        "events": [] if unknown else found,
        "typed": ask.typed,
        "kinds": EVENTS,
        "more": None if unknown else more,
        "query": ask.query,
    }
    return admin_page(request, session, "log.html", values, refused=unknown or ask.refused)


@office("see-log")
async def exported(request: Request, session: Session) -> Response:
    """All that the filter names, as a file."""
    ask, unknown = await asyncio.to_thread(_asked, request)
    if unknown is not None:
        return admin_page(request, session, "refused.html", refused=unknown)
    return logbook.export(request, ask, "security-log")


def _asked(request: Request) -> tuple[Asked, Decision | None]:
    """The filter, and the refusal where it names an account that is not there."""
    name = request.query_params.get("account", "").strip().replace("\0", "")
    if not name:
        return logbook.asked(request, None), None
    with index_of(request).store.read() as connection:
        key = accounts.ever(connection, name)
    return logbook.asked(request, key), (unknown(name) if key is None else None)


ROUTES = [Route(PAGE, log), *(Route(f"{PAGE}.{form}", exported) for form in FORMS)]
