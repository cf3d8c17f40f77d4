"""The page of one's tokens: what each may do and when it was used, making one, confirming one, revoking one.

A new token is on the answer to its form and nowhere else: it cannot be shown again. Making one takes a fresh proof,
which is asked for before the form, so that nothing typed is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.tokens import Created, confirm_token, create_token, revoke_token
from affineur.core.decision import Decision, refuse
from affineur.core.names import NormalizedName, parse_name
from affineur.core.people.caveats import TokenAction, describe
from affineur.core.people.second_factor import STEP_UP_LASTS, strong_enough
from affineur.core.people.tokens import LONGEST_LABEL, USUAL_ACTIONS
from affineur.shell.bearer import new_secret
from affineur.shell.store import grants, tokens
from affineur.shell.store.tokens import TokenRow
from affineur.web.addresses import base_url
from affineur.web.pages import commands
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import Session, signed_in

from .first_steps import FirstSteps, first_steps
from .frame import CONFIRM, DONE, Typed, account_page, done, form_on

PAGE = "/account/tokens"
WORDS: Mapping[TokenAction, str] = {
    "upload": "publish files, and new projects",
    "read": "read what this index shows to holders of a token",
    "yank": "yank files, and take that back",
    "archive": "archive and deprecate projects, and take that back",
    "manage": "manage people, trusted publishers and tokens. Seldom needed: it stands for you",
}
_USUAL_DAYS = 365
_SHOWN_AFTER_END = timedelta(days=30)
_ANSWERS_TO_PROOF: frozenset[TokenAction] = frozenset({"archive", "manage"})
"""What takes a fresh proof, at least in part: only tokens for this are worth confirming."""

DONE["token-revoked"] = "The token is revoked: from now on it is refused."
DONE["token-confirmed"] = "The token is confirmed: for a few minutes it may do what takes a fresh proof."


@dataclass(frozen=True, slots=True)
class Wish:
    """The token that somebody wants, as the form has it."""

    label: str = ""
    actions: tuple[str, ...] = USUAL_ACTIONS
    only: bool = False
    projects: frozenset[str] = field(default_factory=frozenset)
    days: str = ""
    once: str = ""
    """The word of this very form, by which it makes one token only."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token as the page shows it."""

    row: TokenRow
    may: str
    state: str
    confirmed_until: datetime | None
    can_be_confirmed: bool


async def show(request: Request, session: Session) -> Response:
    """``GET /account/tokens``."""
    return await _page(request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    """The page after a refusal; the form for a new token holds what was typed, if it is what was sent."""
    return await _page(request, session, refused, _wish(typed) if "label" in typed else None)


@form_on(PAGE, _again)
async def take_new(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/tokens``: the answer shows the new token, once."""
    wish = _wish(typed)
    made = await asyncio.to_thread(_create, request, session, wish)
    return _made_page(request, session, made, wish)


@form_on(PAGE, _again)
async def take_revoke(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/tokens/{id}/revoke``."""
    caller = session.caller(request)
    await asyncio.to_thread(revoke_token, index_of(request), caller, request.path_params["id"])
    return done(request, PAGE, "token-revoked")


@form_on(PAGE, _again)
async def take_confirm(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/tokens/{id}/confirm``."""
    caller = session.caller(request)
    await asyncio.to_thread(confirm_token, index_of(request), caller, request.path_params["id"])
    return done(request, PAGE, "token-confirmed")


def _wish(typed: Typed) -> Wish:
    return Wish(
        typed.get("label", ""),
        tuple(typed.getlist("action")),
        typed.get("for") == "these",
        frozenset(typed.getlist("project")),
        typed.get("days", "").strip(),
        typed.get("once", "")[:100],
    )


def _create(request: Request, session: Session, wish: Wish) -> Created:
    actions: list[TokenAction] = [action for action in WORDS if action in wish.actions]
    projects: list[NormalizedName] | None = None
    if wish.only:
        projects = [parse_name(name) for name in sorted(wish.projects)]
        if not projects:
            refuse("token.projects", "No project is chosen.", "Choose at least one, or all of yours.")
    return create_token(
        index_of(request),
        session.caller(request),
        session.actor.name,
        label=wish.label,
        actions=actions,
        projects=projects,
        once=wish.once,
        expires_at=_end(wish.days, session.now, settings_of(request).maximum_token_days),
    )


def _end(days: str, now: datetime, maximum_days: int) -> datetime | None:
    if not days:
        return None
    if not days.isascii() or not days.isdigit() or not 0 < int(days[:6]) <= maximum_days or len(days) > 5:
        refuse(
            "token.longest",
            f"A token of this index lives from 1 to {maximum_days} days.",
            "Write a whole number of days.",
            limit_days=maximum_days,
        )
    return now + timedelta(days=int(days))


def _made_page(request: Request, session: Session, made: Created, wish: Wish) -> Response:
    settings, address = settings_of(request), base_url(request)
    values = {
        "made": made,
        "label": wish.label,
        "publish": commands.publish_with(address, settings.index_name, made.secret) if "upload" in wish.actions else (),
        "netrc": f"machine {urlsplit(address).hostname}\nlogin __token__\npassword {made.secret}",
        "reads": "read" in wish.actions and settings.read == "token",
    }
    return account_page(request, session, "token_made.html", values)


async def _page(
    request: Request, session: Session, refused: Decision | None = None, wish: Wish | None = None
) -> Response:
    maximum_days = settings_of(request).maximum_token_days
    usual = Wish(days=str(min(_USUAL_DAYS, maximum_days)))
    fresh = strong_enough(session.actor.posture, "proof", session.now).allowed
    listed, projects, first = await asyncio.to_thread(_read, request, session)
    values = {
        "first": first,
        "publish": commands.publish(base_url(request), settings_of(request).index_name),
        "tokens": listed,
        "projects": projects,
        "words": WORDS,
        "typed": wish or usual,
        "most_days": maximum_days,
        "longest_label": LONGEST_LABEL,
        "fresh": fresh,
        "once": new_secret(),
        "confirm": f"{CONFIRM}?next={PAGE}",
    }
    return account_page(request, session, "tokens.html", values, refused=refused)


def _read(request: Request, session: Session) -> tuple[list[Shown], list[NormalizedName], FirstSteps | None]:
    """The tokens to show, those in force first; the projects one may publish to; a newcomer's next steps."""
    key = session.actor.account_id
    assert key is not None, "whoever is signed in has an account"  # noqa: S101
    with index_of(request).store.read() as connection:
        rows = tokens.listed(connection, key)
        projects = [held.project for held in grants.held_by(connection, key)]
        first = first_steps(index_of(request), connection, session.actor, session.now)
    shown = [_shown(row, session.now) for row in rows if _is_recent(row, session.now)]
    return sorted(shown, key=lambda one: one.state != "valid"), projects, first


def _is_recent(row: TokenRow, now: datetime) -> bool:
    ended = row.revoked_at or row.expires_at
    return row.state(now) == "valid" or ended is None or now - ended < _SHOWN_AFTER_END


def _shown(row: TokenRow, now: datetime) -> Shown:
    until = None if row.stepped_up_at is None else row.stepped_up_at + STEP_UP_LASTS
    state = row.state(now)
    return Shown(
        row,
        describe(row.grant),
        state,
        until if until is not None and until > now and state == "valid" else None,
        state == "valid" and bool(row.grant.actions & _ANSWERS_TO_PROOF),
    )


ROUTES = [
    Route(PAGE, signed_in(show), methods=["GET"]),
    Route(PAGE, signed_in(take_new), methods=["POST"]),
    Route(f"{PAGE}/{{id}}/revoke", signed_in(take_revoke), methods=["POST"]),
    Route(f"{PAGE}/{{id}}/confirm", signed_in(take_confirm), methods=["POST"]),
]
