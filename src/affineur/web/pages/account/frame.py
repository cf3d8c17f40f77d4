"""What the pages of an account share: their frame, the answer to a form, and the way to confirm that it is you.

After a form the browser is sent on (303), so that reloading does not send it twice; what was done is said by a word
in the query (``?done=…``), looked up in `DONE`, so that no foreign text is ever shown. A refusal is shown on the
page of the form, with what was typed. One that asks for a fresh proof leads to the page that takes it, and back
(`form_on` does both); a form in which one writes asks for it before it is shown, so that nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from types import MappingProxyType
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.people.second_factor import strong_enough
from affineur.core.security import asks_for_proof, is_dangerous
from affineur.web.addresses import root_path
from affineur.web.answers import status_of
from affineur.web.pages.rendering import personal_page, settings_of
from affineur.web.refused import acts, record
from affineur.web.session import PersonalPage, Session, fields, signed_in, to

CONFIRM = "/account/confirm"

SECTIONS = (
    ("/account/", "Account"),
    ("/account/projects", "Projects"),
    ("/account/tokens", "Tokens"),
    ("/account/publishing", "Trusted publishing"),
    ("/account/machines", "Machines"),
    ("/account/security", "Security"),
    ("/account/messages", "Mail"),
    ("/account/reports", "Reports"),
    ("/account/log", "Log"),
)

DONE: dict[str, str] = {}
"""Word in the query → what is said at the top of the page. Each subject adds its own."""


def account_page(
    request: Request,
    session: Session,
    template: str,
    values: Mapping[str, object] = MappingProxyType({}),
    *,
    refused: Decision | None = None,
    status: int | None = None,
    folder: str = "account",
) -> Response:
    """A page of somebody's account. ``refused``: what the form that led here was answered.

    ``folder``: where the template is; pages of those who hold an office share the frame.
    """
    settings = settings_of(request)
    shared = {
        "me": session.actor,
        "company_name": settings.company_name if settings.company_issuer else "",
        "is_fresh": strong_enough(session.actor.posture, "proof", session.now).allowed,
        "form_key": session.form_key,
        "sections": SECTIONS,
        "section": request.url.path.removeprefix(root_path(request)),
        "done": DONE.get(request.query_params.get("done", "")),
        "refused": refused,
    }
    given = status or (status_of(refused) if refused else 200)
    response = personal_page(request, f"{folder}/{template}", {**shared, **values}, status=given)
    if refused is not None and is_dangerous(refused):
        acts(request, session.actor)
        response.background = BackgroundTask(record, request, refused)
    return response


def done(request: Request, path: str, word: str) -> Response:
    """Go on to ``path`` and say there that it is done."""
    assert word in DONE, word  # noqa: S101 - a word without its sentence is a mistake of ours
    return to(request, f"{path}{'&' if '?' in path else '?'}done={word}")


Typed = ImmutableMultiDict[str, str]
"""The fields of a form. Of one sent twice, `get` gives the last and `getlist` all."""
NOTHING: Typed = ImmutableMultiDict()
"""What was typed where nothing was, or where the form is not ours."""
Form = Callable[[Request, Session, Typed], Awaitable[Response]]
Again = Callable[[Request, Session, Decision, Typed], Awaitable[Response]]
"""The page of a form after a refusal, with what was typed."""


def form_on(page: str, again: Again) -> Callable[[Form], PersonalPage]:
    """For the forms of a page: a refusal is said on the page itself, ``again``; else as `confirmed`."""

    def wrap(handler: Form) -> PersonalPage:
        @confirmed(page)
        @wraps(handler)
        async def answer(request: Request, session: Session) -> Response:
            typed = NOTHING
            try:
                typed = ImmutableMultiDict(await fields(request, session))
                return await handler(request, session, typed)
            except Refused as refused:
                if asks_for_proof(refused.decision):
                    raise
                return await again(request, session, refused.decision, typed)

        return answer

    return wrap


def confirmed(page: str) -> Callable[[PersonalPage], PersonalPage]:
    """For pages and forms: a refusal that asks for a fresh proof leads to the confirmation, and then back to ``page``.

    ``page`` is the path of the page with the form; ``{name}`` in it is filled from the path of the request.
    """

    def wrap(handler: PersonalPage) -> PersonalPage:
        @wraps(handler)
        async def answer(request: Request, session: Session) -> Response:
            try:
                return await handler(request, session)
            except Refused as refused:
                if not asks_for_proof(refused.decision):
                    raise
                back = quote(page.format(**request.path_params), safe="")
                strength = refused.decision.facts.get("strength", "proof")
                return to(request, f"{CONFIRM}?strength={strength}&next={back}")

        return answer

    return wrap


__all__ = [
    "CONFIRM",
    "DONE",
    "NOTHING",
    "SECTIONS",
    "Typed",
    "account_page",
    "confirmed",
    "done",
    "form_on",
    "signed_in",
]
