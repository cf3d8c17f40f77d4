"""``/account/security``: second factors and recovery codes, and vouching for people one works with.

What does not live here: giving a factor (`second_factor`, `confirm`), and getting in without one (`recovery`).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import factors as acts
from affineur.actions import proving, recover
from affineur.actions.factors import Added
from affineur.core.decision import Decision, Refused
from affineur.core.people.enrolment import KIND_WORDS
from affineur.core.people.recovery import CODES
from affineur.core.people.second_factor import REMOVAL_WAITS
from affineur.core.people.totp import spoken_secret
from affineur.core.security import asks_for_proof
from affineur.shell.store import factors, recoveries
from affineur.web.pages.qr import qr_svg
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session

from .first_steps import first_steps
from .frame import DONE, NOTHING, Typed, account_page, confirmed, done, form_on, signed_in

PAGE, NEW_PASSKEY, NEW_APP = "/account/security", "/account/security/passkeys/new", "/account/security/apps/new"

DONE |= {
    "factor-added": "The second factor was added and works at once.",
    "factor-renamed": "The second factor has its new name.",
    "factor-removed": "The second factor was removed.",
    "factor-leaving": "The second factor will be removed; we told all your addresses when. Until then it works.",
    "factor-kept": "The second factor stays.",
    "recovery-cancelled": "It was cancelled: nobody gets in without a second factor.",
    "vouched": "Thank you. They were told, and wait less long.",
    "recovered": "You are back. The old second factors are gone: add a new one now.",
}


async def _show(request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    return account_page(request, session, "security.html", values, refused=refused)


def _values(request: Request, session: Session) -> dict[str, object]:
    index, account_id = index_of(request), session.row.account_id
    with index.store.read() as connection:
        return {
            "first": first_steps(index, connection, session.actor, session.now),
            "factors": factors.listed(connection, account_id),
            "kind_words": KIND_WORDS,
            "codes_left": factors.codes_left(connection, account_id),
            "codes_made": CODES,
            "removal_hours": REMOVAL_WAITS // timedelta(hours=1),
            "passkeys_work": proving.works_here(index),
            "recovery": recoveries.open_of(connection, account_id, session.now),
            "asking": recoveries.of_co_owners(connection, account_id, session.now),
        }


@signed_in
async def security(request: Request, session: Session) -> Response:
    """``GET /account/security``."""
    return await _show(request, session)


async def _show_new_passkey(
    request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    by = session.caller(request)
    try:
        options = await asyncio.to_thread(acts.begin_passkey, index_of(request), by, session.row.id)
    except Refused as error:
        if asks_for_proof(error.decision):
            raise
        options, refused = "", refused or error.decision
    return account_page(request, session, "passkey_new.html", {"options": options}, refused=refused)


@signed_in
@confirmed(NEW_PASSKEY)
async def new_passkey(request: Request, session: Session) -> Response:
    """``GET /account/security/passkeys/new``: asks the browser for a key, with a challenge of its own."""
    return await _show_new_passkey(request, session)


@signed_in
@form_on(NEW_PASSKEY, _show_new_passkey)
async def add_passkey(request: Request, session: Session, typed: Typed) -> Response:
    """``POST`` of the same: the browser's answer."""
    by = session.caller(request)
    added = await asyncio.to_thread(
        acts.add_passkey, index_of(request), by, session.row.id, typed.get("answer", ""), typed.get("label", "")
    )
    return _added(request, session, added)


async def _show_new_app(
    request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    by, values = session.caller(request), {"svg": Markup(""), "spoken": "", "uri": ""}
    try:
        made = await asyncio.to_thread(acts.totp_enrolment, index_of(request), by, session.row.id)
        picture = Markup(qr_svg(made.uri, "QR code for your authenticator app"))  # noqa: S704 - SVG of our own making
        values = {"svg": picture, "spoken": spoken_secret(made.secret), "uri": made.uri}
    except Refused as error:
        if asks_for_proof(error.decision):
            raise
        refused = refused or error.decision
    return account_page(request, session, "app_new.html", values, refused=refused)


@signed_in
@confirmed(NEW_APP)
async def new_app(request: Request, session: Session) -> Response:
    """``GET /account/security/apps/new``: the secret, as a picture and as text."""
    return await _show_new_app(request, session)


@signed_in
@form_on(NEW_APP, _show_new_app)
async def add_app(request: Request, session: Session, typed: Typed) -> Response:
    """``POST`` of the same: the app's first code."""
    by = session.caller(request)
    added = await asyncio.to_thread(
        acts.add_totp, index_of(request), by, session.row.id, typed.get("code", ""), typed.get("label", "")
    )
    return _added(request, session, added)


def _added(request: Request, session: Session, added: Added) -> Response:
    """On to the list; or, with the first factor, the codes, which are shown this once."""
    if added.codes is None:
        return done(request, PAGE, "factor-added")
    return account_page(request, session, "codes.html", {"codes": added.codes, "first": added.label})


@signed_in
@form_on(PAGE, _show)
async def make_codes(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/security/codes``: new recovery codes, shown this once."""
    codes = await asyncio.to_thread(acts.make_recovery_codes, index_of(request), session.caller(request))
    return account_page(request, session, "codes.html", {"codes": codes, "first": None})


@signed_in
@form_on(PAGE, _show)
async def rename(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/security/factors/{id}/rename``."""
    label, key = typed.get("label", ""), request.path_params["id"]
    await asyncio.to_thread(acts.rename_factor, index_of(request), session.caller(request), key, label)
    return done(request, PAGE, "factor-renamed")


@signed_in
@form_on(PAGE, _show)
async def remove(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/security/factors/{id}/remove``."""
    key = request.path_params["id"]
    due_at = await asyncio.to_thread(acts.remove_factor, index_of(request), session.caller(request), key)
    return done(request, PAGE, "factor-removed" if due_at is None else "factor-leaving")


@signed_in
@form_on(PAGE, _show)
async def keep(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/security/factors/{id}/keep``."""
    key = request.path_params["id"]
    await asyncio.to_thread(acts.keep_factor, index_of(request), session.caller(request), key)
    return done(request, PAGE, "factor-kept")


@signed_in
@form_on(PAGE, _show)
async def cancel_recovery(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/security/recovery/cancel``: a protection is kept, so no fresh proof is asked for."""
    await asyncio.to_thread(recover.cancel_own, index_of(request), session.caller(request))
    return done(request, PAGE, "recovery-cancelled")


@signed_in
@form_on(PAGE, _show)
async def vouch(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/security/recoveries/{id}/vouch``."""
    key = request.path_params["id"]
    await asyncio.to_thread(recover.vouch, index_of(request), session.caller(request), key)
    return done(request, PAGE, "vouched")


_ONE = "/account/security/factors/{id:int}"
ROUTES = [
    Route(PAGE, security, methods=["GET"]),
    Route(NEW_PASSKEY, new_passkey, methods=["GET"]),
    Route(NEW_PASSKEY, add_passkey, methods=["POST"]),
    Route(NEW_APP, new_app, methods=["GET"]),
    Route(NEW_APP, add_app, methods=["POST"]),
    Route("/account/security/codes", make_codes, methods=["POST"]),
    Route(f"{_ONE}/rename", rename, methods=["POST"]),
    Route(f"{_ONE}/remove", remove, methods=["POST"]),
    Route(f"{_ONE}/keep", keep, methods=["POST"]),
    Route("/account/security/recovery/cancel", cancel_recovery, methods=["POST"]),
    Route("/account/security/recoveries/{id:int}/vouch", vouch, methods=["POST"]),
]
