"""What the pages of an account share: their frame, the answer to a form, and the way to confirm that it is you.

After a form the browser is sent on (303), so that reloading does not send it twice; what was done is said by a word
in the query (``?done=…``), looked up in `DONE`, so that no foreign text is ever shown. A refusal is shown on the
page of the form, with what was typed. One that asks for a fresh proof leads to the page that takes it, and back; a
form in which one writes asks for it before it is shown (`forms.proof_first`), so that nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from types import MappingProxyType
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision, Refused
from affineur.core.second_factor import strong_enough
from affineur.core.security import is_dangerous
from affineur.web.addresses import root_path
from affineur.web.answers import status_of
from affineur.web.pages.rendering import personal_page, settings_of
from affineur.web.refused import acts, record
from affineur.web.session import Session, signed_in, to

CONFIRM = "/account/confirm"

SECTIONS = (
    ("/account/", "Account"),
    ("/account/projects", "Projects"),
    ("/account/tokens", "Tokens"),
    ("/account/publishing", "Trusted publishing"),
    ("/account/machines", "Machines"),
    ("/account/security", "Security"),
    ("/account/messages", "Messages"),
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


Form = Callable[[Request, Session], Awaitable[Response]]


def confirmed(page: str) -> Callable[[Form], Form]:
    """For forms: a refusal that asks for a fresh proof leads to the confirmation, and then back to ``page``.

    ``page`` is the path of the page with the form; ``{name}`` in it is filled from the path of the request.
    """

    def wrap(handler: Form) -> Form:
        @wraps(handler)
        async def answer(request: Request, session: Session) -> Response:
            try:
                return await handler(request, session)
            except Refused as refused:
                if refused.decision.rule != "access.step-up":
                    raise
                back = quote(page.format(**request.path_params), safe="")
                strength = refused.decision.facts.get("strength", "proof")
                return to(request, f"{CONFIRM}?strength={strength}&next={back}")

        return answer

    return wrap


__all__ = ["CONFIRM", "DONE", "SECTIONS", "account_page", "confirmed", "done", "signed_in"]
