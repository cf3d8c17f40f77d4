"""The page of the mail that was sent to an account: what its holder compares a doubtful mail with.

Every mail ends with its number and says that it is listed here. What a mail said is not shown: it may hold a link
that opens the account. What does not live here: messages among people of a project (`projects`), and the sending
(`projections.post`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.shell.mail.rendering import House, render
from affineur.shell.store import outbox
from affineur.shell.store.outbox import LISTED, OutboxRow
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import Session, signed_in

from .frame import account_page

PAGE = "/account/messages"
_SHOWN = 50
"""On one page; older ones are a link away, so that whatever is not listed did not come from here."""
_LARGEST_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail as the page shows it. ``subject`` is empty where it is not known any more."""

    row: OutboxRow
    subject: str
    state: Literal["sent", "waits", "failed"]


@signed_in
async def show(request: Request, session: Session) -> Response:
    """``GET /account/messages``; ``?before=`` shows mails with lower numbers."""
    values = await asyncio.to_thread(_values, request, session)
    return account_page(request, session, "messages.html", values)


def _values(request: Request, session: Session) -> dict[str, object]:
    settings, before = settings_of(request), _number(request.query_params.get("before", ""))
    with index_of(request).store.read() as connection:
        found = outbox.mails_to(
            connection, session.actor.account_id or 0, _SHOWN + 1, before=before, sent_only=False
        )  # one more than is shown tells whether there are older ones
    house = House.of(settings)
    return {
        "mails": [_shown(row, house) for row in found[:_SHOWN]],
        "older": found[_SHOWN - 1].id if len(found) > _SHOWN else None,
        "is_first": before is None,
        "days": LISTED.days,
        "sends_mail": bool(settings.mail_server),
    }


def _number(text: str) -> int | None:
    """A mail's number; None for anything else, which shows the newest."""
    return min(int(text), _LARGEST_NUMBER) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _shown(row: OutboxRow, house: House) -> Shown:
    if row.sent_at is not None:
        return Shown(row, row.subject, "sent")
    subject = (
        render(row.template, row.values, house, number=row.id, written_at=row.due_at).subject if row.values else ""
    )
    return Shown(row, subject, "failed" if row.failed_at is not None else "waits")


ROUTES = [Route(PAGE, show, methods=["GET"])]
