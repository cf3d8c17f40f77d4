"""``/project/<name>/impact/``: the class of a project, by what evidence, what it changes, and the ways out.

Its people and those who hold an office see all evidence; everybody else the class and what it means, where classes
are public (setting ``impact_public``), and nothing where they are not. What does not live here: the answers
(`web.api.impact`, which programs are told as well).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import permission
from affineur.actions.status import set_status
from affineur.core.decision import Decision, Refused
from affineur.core.impact.letter import NO_DUTY
from affineur.core.life import meaning
from affineur.core.life.lifecycle import Said
from affineur.core.names import parse_name
from affineur.core.views.impact import SENTENCES, WORDS
from affineur.shell.store import projects
from affineur.web.addresses import moved
from affineur.web.api.impact import impact_told
from affineur.web.pages.errors import not_found, project_not_found
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, done, form_on
from .open_frame import open_page, reader

PAGE = "/project/{name}/impact/"

DONE |= {
    "wish-help": "The project's page says from now on that help is wanted. You owe nobody anything beyond that.",
    "wish-handoff": "The project's page says from now on that you look for somebody to hand it to.",
    "wish-none": "The project's page says nothing of it any more.",
}


async def shown(request: Request) -> Response:
    """``GET /project/<name>/impact/``."""
    return await _again(request, await reader(request))


async def _again(
    request: Request, session: Session | None, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    return await asyncio.to_thread(_show, request, session, refused)


@signed_in
@form_on(PAGE, _again)
async def wish(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /project/<name>/impact/``: an owner says what they wish for (``wish``: help, handoff or none)."""
    name, wanted = parse_name(request.path_params["name"]), typed.get("wish", "")
    by = session.caller(request)
    await asyncio.to_thread(
        set_status, index_of(request), by.actor, "wish", name, by.now, Said(value=wanted), by.origin
    )
    return done(request, PAGE.format(name=name), f"wish-{wanted}")


def _show(request: Request, session: Session | None, refused: Decision | None) -> Response:
    index, asked = index_of(request), request.path_params["name"]
    try:
        name = parse_name(asked)
    except Refused:
        return project_not_found(request, asked)
    if request.method != "POST" and (asked != name or not request.url.path.endswith("/")):
        return moved(request, PAGE.format(name=name))
    sees = may_wish = False
    with index.store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            return project_not_found(request, name)
        if session is not None:
            sees = permission.ask(connection, session.actor, "see-impact", found, session.now).allowed
            may_wish = permission.ask(connection, session.actor, "archive", found, session.now).allowed
    if not sees and not index.settings.impact_public:
        return not_found(request)
    told = impact_told(index, found, _now(session), evidence=sees)
    values = {
        "project": found,
        "told": told,
        "sees": sees,
        "may_wish": may_wish,
        "word": WORDS[told.impact] if told.impact else "",
        "sentence": SENTENCES[told.impact] if told.impact else "",
        "no_duty": NO_DUTY,
        "facts": meaning.facts(found.standing),
        "public": index.settings.impact_public,
        "people": f"/account/projects/{found.name}",
    }
    return open_page(request, session, "impact.html", values, refused=refused)


def _now(session: Session | None) -> datetime:
    return session.now if session else datetime.now(UTC)


OPEN_ROUTES = [
    Route("/project/{name}/impact", shown),
    Route(PAGE, shown),
    Route(PAGE, wish, methods=["POST"]),
]
