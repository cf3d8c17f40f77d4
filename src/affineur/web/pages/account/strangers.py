"""What the pages for people who are not signed in share: who asks, and the page again with what was refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from affineur.actions.beginning import Stranger
from affineur.core.decision import Decision, Refused
from affineur.shell.passwords import PasswordWork
from affineur.web.answers import status_of
from affineur.web.clients import client_of
from affineur.web.identity import origin_of
from affineur.web.pages.rendering import personal_page, settings_of

from .cookies import device_of
from .frame import DONE


def stranger_of(request: Request) -> Stranger:
    """Whoever sends the request, as far as that is known of somebody who is not signed in."""
    return Stranger(datetime.now(UTC), origin_of(request), client_of(request), device_of(request))


def passwords_of(request: Request) -> PasswordWork:
    """The threads in which this process checks passwords."""
    work: PasswordWork = request.app.state.passwords
    return work


def unsigned_page(
    request: Request,
    template: str,
    values: Mapping[str, object] = MappingProxyType({}),
    *,
    refused: Decision | None = None,
    status: int | None = None,
) -> Response:
    """A page for somebody who is not signed in. ``refused``: what the form that led here was answered."""
    settings = settings_of(request)
    shared = {
        "refused": refused,
        "done": DONE.get(request.query_params.get("done", "")),
        "registration": settings.registration,
        "password_sign_in": settings.password_sign_in,
        "sends_mail": bool(settings.mail_server),
        "company_name": settings.company_name if settings.company_issuer else "",
    }
    given = status or (status_of(refused) if refused else 200)
    response = personal_page(request, f"account/{template}", {**shared, **values}, status=given)
    wait = refused.facts.get("retry_after_seconds") if refused else None
    if isinstance(wait, int):
        response.headers["retry-after"] = str(wait)
    return response


Page = Callable[[Request], Awaitable[Response]]


def refusing(page: Page) -> Page:
    """A page whose refusal leaves nothing to show again: it is answered by a page of its own, with its ways out."""

    @wraps(page)
    async def answering(request: Request) -> Response:
        try:
            return await page(request)
        except Refused as refused:
            return unsigned_page(request, "refused.html", refused=refused.decision)

    return answering
