"""What pages of a project share that everybody may read, and on which those who are signed in can do something.

Nothing of them is kept by anybody: they differ from reader to reader. What does not live here: what they say.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision
from affineur.core.security import is_dangerous
from affineur.web.addresses import root_path
from affineur.web.answers import status_of
from affineur.web.pages.rendering import personal_page, settings_of
from affineur.web.refused import acts, record
from affineur.web.session import Session, current

from .frame import DONE


async def reader(request: Request) -> Session | None:
    """Who is signed in and could act; None for everybody else."""
    session = await current(request)
    return session if session and session.row.stage == "whole" and not session.actor.posture.frozen else None


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
