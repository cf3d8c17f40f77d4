"""What the pages of those who hold an office share: their sections, and the answer to those who hold none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.access import INDEX, may
from affineur.core.decision import Decision
from affineur.core.permissions import Action
from affineur.core.security import lacks_proof
from affineur.web.pages.account.frame import account_page
from affineur.web.session import Page, PersonalPage, Session, signed_in

SECTIONS = (
    ("/admin/cases", "Cases"),
    ("/admin/", "Accounts"),
    ("/admin/log", "Log"),
    ("/admin/invitations", "Invitations"),
    ("/admin/webhooks", "Webhooks"),
    ("/admin/campaigns", "Vouchers"),
    ("/account/", "Your account"),
)


def admin_page(
    request: Request,
    session: Session,
    template: str,
    values: Mapping[str, object] = MappingProxyType({}),
    *,
    refused: Decision | None = None,
    status: int | None = None,
) -> Response:
    """A page of the office; as `account_page`."""
    shared = {"sections": SECTIONS, **values}
    return account_page(request, session, template, shared, refused=refused, status=status, folder="admin")


def office(action: Action) -> Callable[[PersonalPage], Page]:
    """A page for whoever is signed in and may do ``action`` to the index; everybody else is told who may.

    A proof that is missing keeps nobody from looking: it is asked for when something is sent.
    """

    def wrap(page: PersonalPage) -> Page:
        @signed_in
        @wraps(page)
        async def guarded(request: Request, session: Session) -> Response:
            decision = may(session.actor, action, INDEX, session.now)
            if not decision.allowed and not lacks_proof(decision):
                return admin_page(request, session, "refused.html", refused=decision)
            return await page(request, session)

        return guarded

    return wrap
