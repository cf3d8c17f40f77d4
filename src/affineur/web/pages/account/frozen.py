"""What somebody sees whose account moderators have frozen: why, what stays, and how to answer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.shell.store import accounts
from affineur.web.pages.rendering import index_of, personal_page
from affineur.web.session import FROZEN, SIGN_IN, current, to


async def frozen(request: Request) -> Response:
    """The one page that is left to them; everybody else goes to their account."""
    session = await current(request)
    if session is None or not session.actor.posture.frozen:
        return to(request, SIGN_IN if session is None else "/account/")
    index = index_of(request)
    found = await asyncio.to_thread(_account, request, session.row.account_id)
    values = {
        "me": session.actor,
        "form_key": session.form_key,
        "reason": found.frozen_reason if found else None,
        "since": found.frozen_at if found else None,
        "contact": index.settings.mail_contact.strip(),
    }
    return personal_page(request, "account/frozen.html", values, status=403)


def _account(request: Request, account_id: int) -> accounts.AccountRow | None:
    with index_of(request).store.read() as connection:
        return accounts.by_id(connection, account_id)


ROUTES = [Route(FROZEN, frozen)]
