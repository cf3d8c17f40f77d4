"""``/account/projects/{name}/publishing``: who may publish a project without a secret, and whether only they may.

What does not live here: publishers of projects that do not exist yet (`publishing`), and people (`project`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import permission
from affineur.actions import publishers as acts
from affineur.actions import publishers_only as closing
from affineur.core import publishers as rules
from affineur.core.access import publishers_only as is_closed
from affineur.core.decision import Decision
from affineur.core.names import NormalizedName
from affineur.core.people import second_factor
from affineur.core.security import EVENTS, lacks_proof
from affineur.shell.index import Index
from affineur.shell.store import publishers, security
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import Session, signed_in

from .frame import DONE, Typed, done
from .project_frame import ProjectPage, name_of
from .publishing import chosen_issuer, fields_typed, publisher_form

PAGE = "/account/projects/{name}/publishing"
_LAST_EVENTS = 5

DONE["publisher-added"] = "The publisher may publish from now on. All owners were told."
DONE["publisher-confirmed"] = "The publisher publishes again. All owners were told."
DONE["publisher-removed"] = "The publisher is removed, and tokens it had do not work any more. All owners were told."
DONE["publishers-required"] = "Only trusted publishers may upload now. All owners were told."
DONE["publishers-release"] = "Tokens may upload again in three days. All owners were told, and each can call it off."
DONE["publishers-kept"] = "It was called off: only trusted publishers may upload, as before."


@signed_in
async def show(request: Request, session: Session) -> Response:
    """The page."""
    return await _PAGE.shown(request, session)


def _values(request: Request, session: Session, refused: Decision | None, typed: Typed) -> Mapping[str, object]:
    shown = _of_project(index_of(request), session, name_of(request))
    return {**shown, **publisher_form(request, refused, typed)}


_PAGE = ProjectPage(PAGE, "project_publishing.html", _values)


def _of_project(index: Index, session: Session, name: NormalizedName) -> Mapping[str, object]:
    actor, now = session.actor, session.now
    with index.store.read() as connection:
        found = permission.require(connection, actor, "see-people", name, now)
        registered = publishers.of_project(connection, found.id)
        may_change = permission.ask(connection, actor, "set-publishers", found, now)
        recent = [
            event
            for kind in ("IdentityRefused", "IdentityExchanged")
            for event in security.recorded(connection, security.Filter(project=name, event=kind), limit=_LAST_EVENTS)
        ]
    return {
        "section": "/account/publishing",
        "project": found,
        "waiting": any(each.unconfirmed for each in registered),
        "publishers": [(each, rules.display(each.publisher)) for each in registered],
        "closed": is_closed(found.publishers_only, found.publishers_only_ends_at, now),
        "may_change": may_change.allowed or lacks_proof(may_change),
        "why_not": may_change,
        "is_fresh": may_change.allowed,
        "hours": second_factor.REMOVAL_WAITS // timedelta(hours=1),
        "recent": sorted(recent, key=lambda event: event.id, reverse=True)[:_LAST_EVENTS],
        "events": EVENTS,
    }


@_PAGE.form
async def add(request: Request, session: Session, typed: Typed) -> Response:
    """Add a publisher."""
    issuer = chosen_issuer(settings_of(request), typed.get("service", ""))
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(
        acts.add_publisher, index_of(request), caller, name, issuer.kind, issuer.url, fields_typed(typed)
    )
    return done(request, _page_of(name), "publisher-added")


@_PAGE.form
async def remove(request: Request, session: Session, _: Typed) -> Response:
    """Remove a publisher."""
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(acts.remove_publisher, index_of(request), caller, name, request.path_params["id"])
    return done(request, _page_of(name), "publisher-removed")


@_PAGE.form
async def confirm(request: Request, session: Session, _: Typed) -> Response:
    """Confirm a publisher of a project that was unarchived."""
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(acts.confirm_publisher, index_of(request), caller, name, request.path_params["id"])
    return done(request, _page_of(name), "publisher-confirmed")


@_PAGE.form
async def require(request: Request, session: Session, _: Typed) -> Response:
    """Close uploads to all but publishers."""
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(closing.require_publishers, index_of(request), caller, name)
    return done(request, _page_of(name), "publishers-required")


@_PAGE.form
async def release(request: Request, session: Session, _: Typed) -> Response:
    """Open uploads to tokens again, in three days."""
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(closing.release_publishers, index_of(request), caller, name)
    return done(request, _page_of(name), "publishers-release")


@_PAGE.form
async def keep(request: Request, session: Session, _: Typed) -> Response:
    """Call that off."""
    name, caller = name_of(request), session.caller(request)
    await asyncio.to_thread(closing.keep_publishers, index_of(request), caller, name)
    return done(request, _page_of(name), "publishers-kept")


def _page_of(name: NormalizedName) -> str:
    return PAGE.format(name=quote(name))


ROUTES = [
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, add, methods=["POST"]),
    Route(PAGE + "/require", require, methods=["POST"]),
    Route(PAGE + "/release", release, methods=["POST"]),
    Route(PAGE + "/keep", keep, methods=["POST"]),
    Route(PAGE + "/{id}/confirm", confirm, methods=["POST"]),
    Route(PAGE + "/{id}/remove", remove, methods=["POST"]),
]
