"""``/account/confirm``: the step-up. Asks for the best proof the account has, and goes back to where it came from.

What does not live here: which act asks for one (`core.access`), and that a form leads here (`frame.confirmed`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import confirm as acts
from affineur.actions import proving
from affineur.core.decision import Decision, Refused
from affineur.core.people.second_factor import STEP_UP_LASTS, StepUp, Strength, strong_enough
from affineur.shell.store import accounts, factors
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, form, local_path, to

from .frame import CONFIRM, account_page, signed_in
from .second_factor import passkey_options
from .strangers import passwords_of


@signed_in
async def confirm(request: Request, session: Session) -> Response:
    """``GET``: what can be given; ``POST``: one of them, and back to ``next``."""
    if request.method == "GET":
        return await _show(request, session)
    try:
        await _given(request, session, await form(request, session))
    except Refused as refused:
        return await _show(request, session, refused.decision)
    return to(request, local_path(request.query_params.get("next", "")))


async def _given(request: Request, session: Session, data: Mapping[str, str]) -> None:
    index, by, row = index_of(request), session.caller(request), session.row
    if data.get("answer"):
        await asyncio.to_thread(acts.with_passkey, index, by, row, data["answer"])
    elif data.get("password"):
        await _by_password(request, session, data["password"])
    else:
        await asyncio.to_thread(acts.with_code, index, by, row, data.get("code", ""))


async def _by_password(request: Request, session: Session, typed: str) -> None:
    index, by, work = index_of(request), session.caller(request), passwords_of(request)
    await asyncio.to_thread(acts.may_try_password, index, by, session.row)
    hashed = await asyncio.to_thread(_hash_of, request, session)
    right, _ = await work.verify(hashed, typed)
    await asyncio.to_thread(acts.with_password, index, by, session.row, right)


def _hash_of(request: Request, session: Session) -> str | None:
    with index_of(request).store.read() as connection:
        found = accounts.by_id(connection, session.row.account_id)
    return found.password_hash if found else None


async def _show(request: Request, session: Session, refused: Decision | None = None) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    return account_page(request, session, "confirm.html", values, refused=refused)


def _values(request: Request, session: Session) -> dict[str, object]:
    index, account_id = index_of(request), session.row.account_id
    with index.store.read() as connection:
        found = accounts.by_id(connection, account_id)
        rows = factors.listed(connection, account_id)
        codes = factors.codes_left(connection, account_id)
    kinds, onward = factors.kinds(rows), local_path(request.query_params.get("next", ""))
    return {
        "options": passkey_options(request, session) if "passkey" in kinds else "",
        "passkeys_work": proving.works_here(index),
        "kinds": kinds,
        "codes_left": codes,
        "guarded": bool(rows),
        "has_password": bool(found and found.password_hash) and index.settings.password_sign_in,
        "company": session.row.via == "company",
        "company_page": f"/account/company?confirm=1&next={quote(onward, safe='')}",
        "minutes": int(STEP_UP_LASTS.total_seconds()) // 60,
        "too_weak": _code_would_be_too_weak(request, session),
    }


def _code_would_be_too_weak(request: Request, session: Session) -> Decision | None:
    """Why a code, given now, would not do for the act that asks; None where it would."""
    asked: Strength = "strong" if request.query_params.get("strength") == "strong" else "proof"
    posture = session.actor.posture
    known_since = posture.stepped_up.device_since if posture.stepped_up else None
    given = replace(posture, stepped_up=StepUp(session.now, "totp", known_since))
    decision = strong_enough(given, asked, session.now)
    return None if decision.allowed else decision


ROUTES = [Route(CONFIRM, confirm, methods=["GET", "POST"])]
