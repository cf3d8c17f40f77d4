"""``/account/vouchers``: what campaigns give you, and the codes that you have of them. No page shows them to others."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.claim_voucher import claim_voucher, vouchers_of
from affineur.core.decision import Decision
from affineur.core.impact.vouchers import described
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, account_page, done, form_on

PAGE = "/account/vouchers"
DONE["voucher-claimed"] = "The voucher is yours. Its code stands here from now on, for you alone."


@signed_in
async def shown(request: Request, session: Session) -> Response:
    """What there is for you, and what you have."""
    return await _page(request, session)


async def _page(request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING) -> Response:
    return await asyncio.to_thread(_show, request, session, refused)


@signed_in
@form_on(PAGE, _page)
async def claim(request: Request, session: Session, typed: Typed) -> Response:
    """Take one; ``region``, where there is a choice."""
    name, region = request.path_params["name"], typed.get("region")
    await asyncio.to_thread(claim_voucher, index_of(request), session.caller(request), name, region)
    return done(request, PAGE, "voucher-claimed")


def _show(request: Request, session: Session, refused: Decision | None) -> Response:
    found = vouchers_of(index_of(request), session.caller(request))
    values = {
        "claims": found.claims,
        "offers": [(each, described(each.campaign.eligible)) for each in found.offers],
        "now": session.now,
        "section": PAGE,
    }
    return account_page(request, session, "vouchers.html", values, refused=refused)


ROUTES = [Route(PAGE, shown), Route(f"{PAGE}/{{name}}", claim, methods=["POST"])]
