"""``/admin/webhooks``: who is told of everything that happens on this index, for its operators.

What does not live here: the pages themselves (`pages.webhooks`).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from affineur.core.decision import Decision
from affineur.web.pages.webhooks import Place, routes
from affineur.web.session import Session

from .frame import SECTIONS, admin_page, office

PAGE = "/admin/webhooks"


def _unseen(request: Request, session: Session, why: Decision) -> Response:
    missing = why.rule == "webhook.exists"
    return admin_page(request, session, "refused.html", refused=why, status=404 if missing else None)


ROUTES = routes(
    Place(PAGE, lambda _: None, office("see-index-webhooks"), {"section": PAGE, "sections": SECTIONS}, _unseen)
)
