"""The way to the company's sign-in and back: to sign in, to confirm that it is you, to link an account.

The company is asked in threads of its own, a few only: where it is slow, nobody else waits for it.
What does not live here: what an answer has to say (`core.people.company_identity`), and what it opens (`actions`).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from affineur.actions import company_link, company_sign_in
from affineur.actions.company_groups import Answer, require_set_up
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.people import throttle
from affineur.core.people.company_errand import (
    LASTS,
    LOST,
    Errand,
    challenge_of,
    errand_of,
    nonce_of,
    reuse_key,
    state_of,
    verifier_of,
)
from affineur.shell.bearer import new_secret
from affineur.shell.company import Company
from affineur.shell.store import attempts, identities
from affineur.web.addresses import base_url
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import SIGN_IN, Session, cookie_name, current, local_path, set_cookie, signed_in, to

from .cookies import enter
from .frame import DONE, Typed, account_page, confirmed, done, form_on
from .strangers import stranger_of, unsigned_page

log = logging.getLogger(__name__)

GO = "/account/company"
BACK = f"{GO}/back"
LINK = f"{GO}/link"
COOKIE = "affineur_company"
"""Holds the secret of an errand (`core.people.company_errand`) while the browser is away."""
_ASKING_AT_ONCE = 4
_TOLD_BY_THE_ACT = frozenset({"signin.frozen", "company.member"})
"""Refusals that are in the log already, together with whose they are."""
_ERROR_CODE = re.compile(r"[a-z_]{1,40}\Z")

DONE["company-linked"] = "Your account is linked to your company. From now on you can sign in there."
DONE["company-unlinked"] = "Your account is no longer linked to your company."

Answered = TypeVar("Answered")


async def go(request: Request) -> Response:
    """``GET /account/company``: off to the company, with ``next`` in mind; ``confirm=1`` to prove oneself anew,
    ``link=1`` to link the account that is signed in."""
    session = await current(request)
    try:
        return await _gone(request, session)
    except Refused as refused:
        return await _turned_away(request, session, refused.decision)


async def _gone(request: Request, session: Session | None) -> Response:
    require_set_up(index_of(request))
    asked, onward = request.query_params, local_path(request.query_params.get("next", ""))
    is_whole = session is not None and session.row.stage == "whole"
    if not (asked.get("confirm") or asked.get("link")):
        return to(request, onward) if is_whole else await _send(request, Errand("sign-in", onward, datetime.now(UTC)))
    if session is None or not is_whole:
        return to(request, f"{SIGN_IN}?next={quote(onward, safe='')}")
    if asked.get("confirm"):
        return await _send(request, Errand("confirm", onward, session.now, session.row.id[:16]))
    return await _go_and_link(request, session)


@confirmed(f"{GO}?link=1")
async def _go_and_link(request: Request, session: Session) -> Response:
    await asyncio.to_thread(company_link.may_link, index_of(request), session.caller(request))
    return await _send(request, Errand("link", LINK, session.now, session.row.id[:16]))


async def _send(request: Request, errand: Errand) -> Response:
    secret = new_secret()
    company = _company(request)
    address = await _ask(
        company.address,
        _redirect_uri(request),
        state_of(errand, secret),
        nonce_of(secret),
        challenge_of(verifier_of(secret)),
        errand.begun_at,
        anew=errand.purpose == "confirm",
    )
    response = RedirectResponse(address, 303, {"cache-control": "no-store"})
    set_cookie(request, response, COOKIE, secret, int(LASTS.total_seconds()))
    return response


async def back(request: Request) -> Response:
    """``GET /account/company/back``: what the company answered, good once and in this browser only."""
    session = await current(request)
    try:
        response = await _came_back(request, session)
    except Refused as refused:
        response = await _turned_away(request, session, refused.decision)
    set_cookie(request, response, COOKIE, "", 0)
    return response


async def _turned_away(request: Request, session: Session | None, why: Decision) -> Response:
    """The page that says why it did not work, and what to do."""
    inside = session if session is not None and session.row.stage == "whole" else None
    await _note(request, inside, why)
    values = {"company_name": settings_of(request).company_name, "inside": inside is not None}
    return unsigned_page(request, "company_refused.html", values, refused=_in_its_name(request, why))


async def _came_back(request: Request, session: Session | None) -> Response:
    index, now, said = index_of(request), datetime.now(UTC), request.query_params
    require_set_up(index)
    secret = request.cookies.get(cookie_name(request, COOKIE), "")
    errand = errand_of(said.get("state", ""), secret, now)
    if isinstance(errand, Decision):
        raise Refused(errand)
    counted = attempts.limits(throttle.SIGN_IN_ADDRESS, "address", throttle.network(stranger_of(request).address))
    (await asyncio.to_thread(attempts.take, index.store, counted, now)).require()
    company = _company(request)
    await _ask(company.check_origin, said.get("iss"), now)
    code = said.get("code", "")
    if "error" in said or not code:
        _declined(said.get("error", ""))
    nonce, verifier = nonce_of(secret), verifier_of(secret)
    who = await _ask(company.identity, code, verifier, nonce, _redirect_uri(request), now)
    await asyncio.to_thread(attempts.give_back, index.store, counted)
    answer = Answer(who, reuse_key(secret))
    if errand.purpose == "sign-in":
        stranger, ends = stranger_of(request), session.row.id if session else ""
        begun = await asyncio.to_thread(company_sign_in.sign_in, index, stranger, answer, ends)
        return enter(request, begun, errand.onward)
    if session is None or session.row.stage != "whole" or session.row.id[:16] != errand.session:
        raise Refused(LOST)
    if errand.purpose == "confirm":
        await asyncio.to_thread(company_sign_in.confirm, index, session.caller(request), session.row, answer)
        return to(request, local_path(errand.onward))
    ticket = await asyncio.to_thread(company_link.propose_link, index, session.caller(request), answer)
    proposal = {"ticket": ticket, "name": who.suggested_name, "address": who.address, "subject": who.subject}
    return await _link_page(request, session, proposal=proposal)


async def show_link(request: Request, session: Session) -> Response:
    """``GET /account/company/link``: whether the account is linked, and what can be done about it."""
    return await _link_page(request, session)


async def _link_again(request: Request, session: Session, refused: Decision, _: Typed) -> Response:
    return await _link_page(request, session, refused=refused)


@form_on(LINK, _link_again)
async def take_link(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /account/company/link``: yes to what came back."""
    index, by = index_of(request), session.caller(request)
    await asyncio.to_thread(company_link.link, index, by, typed.get("ticket", ""))
    return done(request, LINK, "company-linked")


@form_on(LINK, _link_again)
async def take_unlink(request: Request, session: Session, _: Typed) -> Response:
    """``POST /account/company/unlink``."""
    index, by = index_of(request), session.caller(request)
    await asyncio.to_thread(company_link.unlink, index, by, session.actor.name)
    return done(request, LINK, "company-unlinked")


async def _link_page(
    request: Request, session: Session, *, proposal: object = None, refused: Decision | None = None
) -> Response:
    settings = settings_of(request)

    def linked() -> object:
        with index_of(request).store.read() as connection:
            return identities.of_account(connection, session.row.account_id, settings.company_issuer)

    values = {
        "company_name": settings.company_name,
        "there_is_one": bool(settings.company_issuer),
        "linked": await asyncio.to_thread(linked),
        "proposal": proposal,
    }
    return account_page(request, session, "company_link.html", values, refused=refused)


def _declined(error: str) -> None:
    """What the company says instead of a code (RFC 6749, section 4.1.2.1). Its own words are not repeated."""
    named = f" ({error})" if _ERROR_CODE.match(error) else ""
    refuse(
        "company.declined",
        f"Your company's sign-in did not let you in{named}.",
        "Begin again; if it says no once more, ask whoever runs it.",
    )


async def _note(request: Request, session: Session | None, why: Decision) -> None:
    if why.rule in _TOLD_BY_THE_ACT or why.rule == "company.off":
        return
    if why.rule in ("company.away", "company.setting"):
        log.error("the company's sign-in does not work", extra={"rule": why.rule, "reason": why.reason})
    stranger = stranger_of(request)
    by, event = (session.caller(request), "StepUpRefused") if session else (stranger.caller, "SignInRefused")
    await asyncio.to_thread(company_sign_in.note_refusal, index_of(request), by, stranger.address, why, event)


def _in_its_name(request: Request, why: Decision) -> Decision:
    """The refusal, with what the company is called here."""
    name = settings_of(request).company_name
    first = name[:1].upper() + name[1:]
    return replace(why, reason=why.reason.replace("Your company", first).replace("your company", name))


def _redirect_uri(request: Request) -> str:
    """Where the company sends people back to: it has to know this very address."""
    return base_url(request).rstrip("/") + BACK


def _company(request: Request) -> Company:
    """The company's sign-in, one for each process."""
    state = request.app.state
    if not hasattr(state, "company"):
        state.company = Company(settings_of(request))
    company: Company = state.company
    return company


async def _ask(question: Callable[..., Answered], *arguments: object, **named: object) -> Answered:
    """Ask the company, off the event loop and off the threads that everybody else waits for."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), partial(question, *arguments, **named))


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_ASKING_AT_ONCE, thread_name_prefix="company")


ROUTES = [
    Route(GO, go, methods=["GET"]),
    Route(BACK, back, methods=["GET"]),
    Route(LINK, signed_in(show_link), methods=["GET"]),
    Route(LINK, signed_in(take_link), methods=["POST"]),
    Route(f"{GO}/unlink", signed_in(take_unlink), methods=["POST"]),
]
