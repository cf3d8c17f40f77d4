"""``/account/``: who I am here, what is missing, where I am signed in; and the way out for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.beginning import public_id
from affineur.actions.claim_voucher import vouchers_of
from affineur.actions.delete_account import delete_account
from affineur.actions.end_sessions import end_others, end_session
from affineur.core.decision import Decision, refuse
from affineur.core.people.devices import spoken
from affineur.shell.store import account_standing, accounts, departures, emails, sessions
from affineur.web.addresses import base_url
from affineur.web.pages import commands
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import SIGN_IN, Session, signed_in

from .cookies import leave
from .first_steps import first_steps
from .frame import DONE, NOTHING, Typed, account_page, done, form_on

DONE["session-ended"] = "The session has ended."
DONE["sessions-ended"] = "All your other sessions have ended."
DONE["deleted"] = "Your account is deleted."

_ROLES_SHOWN = 8


async def show(request: Request, session: Session) -> Response:
    """``GET /account/``."""
    return await _page(request, session)


async def _page(request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING) -> Response:
    values = await asyncio.to_thread(_values, request, session)
    return account_page(request, session, "overview.html", values, refused=refused)


@form_on("/account/", _page)
async def take_end(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/sessions/{id}/end``."""
    await asyncio.to_thread(end_session, index_of(request), session.caller(request), request.path_params["id"])
    return done(request, "/account/", "session-ended")


@form_on("/account/", _page)
async def take_end_others(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/sessions/end-others``."""
    await asyncio.to_thread(end_others, index_of(request), session.caller(request), session.row.id)
    return done(request, "/account/", "sessions-ended")


def _values(request: Request, session: Session) -> Mapping[str, object]:
    key = session.actor.account_id or 0
    vouchers = vouchers_of(index_of(request), session.caller(request))
    with index_of(request).store.read() as connection:
        roles = departures.roles_of(connection, key)
        return {
            "vouchers": vouchers,
            "account": accounts.by_id(connection, key),
            "emails": emails.listed(connection, key),
            "sessions": [
                {
                    "id": public_id(row.id),
                    "device": spoken(row.user_agent),
                    "address": row.address,
                    "created_at": row.created_at,
                    "seen_at": row.seen_at,
                    "is_this": row.id == session.row.id,
                }
                for row in sessions.listed(connection, key, session.now)
            ],
            "standing": account_standing.standing(index_of(request), connection, key, session.now),
            "first": first_steps(index_of(request), connection, session.actor, session.now),
            "publish": commands.publish(base_url(request), settings_of(request).index_name),
            "roles": roles[:_ROLES_SHOWN],
            "more_roles": max(0, len(roles) - _ROLES_SHOWN),
        }


async def show_delete(request: Request, session: Session) -> Response:
    """``GET /account/delete``: what goes and what stays."""
    return await _delete_page(request, session)


async def _delete_page(
    request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    return account_page(request, session, "delete.html", refused=refused)


@form_on("/account/delete", _delete_page)
async def take_delete(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/delete``: the name is typed once more."""
    if typed.get("name", "").strip() != session.actor.name:
        refuse(
            "account.confirmed",
            "What you typed is not the name of your account.",
            f"Type {session.actor.name} to delete it.",
        )
    await asyncio.to_thread(delete_account, index_of(request), session.caller(request), session.actor.name)
    return leave(request, f"{SIGN_IN}?done=deleted")


ROUTES = [
    Route("/account", signed_in(show), methods=["GET"]),
    Route("/account/", signed_in(show), methods=["GET"]),
    Route("/account/sessions/end-others", signed_in(take_end_others), methods=["POST"]),
    Route("/account/sessions/{id}/end", signed_in(take_end), methods=["POST"]),
    Route("/account/delete", signed_in(show_delete), methods=["GET"]),
    Route("/account/delete", signed_in(take_delete), methods=["POST"]),
]
