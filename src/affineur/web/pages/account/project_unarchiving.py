"""``/account/projects/{name}/unarchiving``: an unarchiving that waits, which any owner can call off.

The letter to the owners leads here. What does not live here: the acts on a project's state in general.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import permission, status, unarchive
from affineur.core.decision import Decision
from affineur.core.security import lacks_proof
from affineur.shell.store import accounts
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, Typed, done
from .project_frame import ProjectPage, name_of

PAGE = "/account/projects/{name}/unarchiving"

DONE["unarchiving-called-off"] = "It was called off: the project stays archived. All owners were told."
DONE["unarchived"] = "The project takes new files again. Confirm its trusted publishers, if it has any."
DONE["unarchiving-asked"] = "It was asked for, and all owners were told. Each can call it off until then."


@signed_in
async def show(request: Request, session: Session) -> Response:
    """The page."""
    return await _PAGE.shown(request, session)


def _values(request: Request, session: Session, refused: Decision | None, typed: Typed) -> Mapping[str, object]:
    index, name = index_of(request), name_of(request)
    with index.store.read() as connection:
        found = permission.require(connection, session.actor, "see-people", name, session.now)
        asked_by = found.unarchive_asked_by and accounts.by_id(connection, found.unarchive_asked_by)
        may_call_off = permission.ask(connection, session.actor, "archive", found, session.now)
        may_unarchive = permission.ask(connection, session.actor, "unarchive", found, session.now)
    return {
        "section": "/account/projects",
        "project": found,
        "asked_by": asked_by.name if asked_by else None,
        "may_call_off": may_call_off,
        "may_unarchive": may_unarchive.allowed or lacks_proof(may_unarchive),
        "is_mine": found.unarchive_asked_by == session.actor.account_id,
    }


_PAGE = ProjectPage(PAGE, "project_unarchiving.html", _values)


@_PAGE.form
async def call_off(request: Request, session: Session, _: Typed) -> Response:
    """Call it off."""
    name = name_of(request)
    await asyncio.to_thread(unarchive.call_off_unarchiving, index_of(request), session.caller(request), name)
    return done(request, PAGE.format(name=quote(name)), "unarchiving-called-off")


@_PAGE.form
async def do_it(request: Request, session: Session, _: Typed) -> Response:
    """Do it now, as another owner."""
    name, by = name_of(request), session.caller(request)
    outcome = await asyncio.to_thread(
        status.set_status, index_of(request), by.actor, "unarchive", name, by.now, origin=by.origin
    )
    said = "unarchiving-asked" if outcome.waits_until else "unarchived"
    return done(request, PAGE.format(name=quote(name)), said)


ROUTES = [
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, do_it, methods=["POST"]),
    Route(PAGE + "/call-off", call_off, methods=["POST"]),
]
