"""What pages of a project share that everybody may read, and on which those who are signed in can do something.

Nothing of them is kept by anybody: they differ from reader to reader. What does not live here: what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.names import parse_name
from affineur.core.security import is_dangerous
from affineur.shell.store import projects
from affineur.shell.store.projects import ProjectRow
from affineur.web.addresses import moved, root_path
from affineur.web.answers import status_of
from affineur.web.pages.errors import project_not_found
from affineur.web.pages.rendering import index_of, personal_page, settings_of
from affineur.web.refused import acts, record
from affineur.web.session import Session, current

from .frame import DONE


async def reader(request: Request) -> Session | None:
    """Who is signed in and could act; None for everybody else."""
    session = await current(request)
    return session if session and session.row.stage == "whole" and not session.actor.posture.frozen else None


def open_project_page(
    request: Request,
    session: Session | None,
    page: str,
    template: str,
    values: Callable[[sa.Connection, ProjectRow], Mapping[str, object]],
    *,
    refused: Decision | None = None,
) -> Response:
    """The page at ``page`` about the project that the address names, with what ``values`` says of it.

    Another spelling of the name leads to the usual one; where there is no such project, the page says so.
    """
    asked = request.path_params["name"]
    try:
        name = parse_name(asked)
    except Refused:
        return project_not_found(request, asked)
    if asked != name:
        return moved(request, page.format(name=name))
    with index_of(request).store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            return project_not_found(request, name)
        shown = values(connection, found)
    return open_page(request, session, template, {"project": found, **shown}, refused=refused)


def open_page(
    request: Request,
    session: Session | None,
    template: str,
    values: Mapping[str, object],
    *,
    refused: Decision | None = None,
    status: int | None = None,
) -> Response:
    """The page for whoever reads it. ``refused``: what the form that led here was answered."""
    settings = settings_of(request)
    shared = {
        "me": session.actor if session else None,
        "form_key": session.form_key if session else "",
        "here": request.url.path.removeprefix(root_path(request)),
        "contact": settings.mail_contact.strip(),
        "done": DONE.get(request.query_params.get("done", "")),
        "refused": refused,
    }
    given = status or (status_of(refused) if refused else 200)
    response = personal_page(request, f"account/{template}", {**shared, **values}, status=given)
    if refused is not None and session is not None and is_dangerous(refused):
        acts(request, session.actor)
        response.background = BackgroundTask(record, request, refused)
    return response
