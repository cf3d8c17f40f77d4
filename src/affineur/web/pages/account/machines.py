"""Automation accounts: those somebody answers for, what each may do, its tokens, and who else answers for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import machines as acts
from affineur.actions import sponsors as asking
from affineur.actions.machine_access import require
from affineur.actions.minting import Minted
from affineur.core.access import SPONSORS_NEEDED
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import TokenAction, describe
from affineur.core.people.machines import FOR_MACHINES
from affineur.core.security import Caller
from affineur.projections.security_log import seen_by
from affineur.shell.index import Index
from affineur.shell.store import security, sponsors, tokens
from affineur.shell.store.security import Filter
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, account_page, done, form_on

PAGE = "/account/machines"
ONE = "/account/machines/{name}"
_WORDS: dict[TokenAction, str] = {"upload": "publish files", "yank": "yank files", "read": "read this index"}
_DAYS = 90
"""How long a token lives unless told otherwise: a machine's people look at it four times a year."""
_LAST_EVENTS = 20

DONE |= {
    "machine-made": "The automation account is made. It begins once a second person answers for it: invite one.",
    "machine-retired": "The automation account is retired: its tokens and roles are gone.",
    "sponsor-invited": "The invitation is sent.",
    "sponsor-offer-withdrawn": "The invitation is withdrawn.",
    "sponsor-accepted": "You answer for it from now on.",
    "sponsor-refused": "The invitation is refused.",
    "sponsor-left": "You do not answer for it any more.",
    "machine-token-revoked": "The token is revoked.",
}


@signed_in
async def machines(request: Request, session: Session) -> Response:
    """All of them, invitations to answer for one, and the form for a new one."""
    return await asyncio.to_thread(_list, request, session)


async def _list_again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_list, request, session, refused, typed.get("name", "").strip())


async def _one_again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_one, request, session, refused, typed)


@signed_in
@form_on(PAGE, _list_again)
async def create(request: Request, session: Session, typed: Typed) -> Response:
    """Make one."""
    name = typed.get("name", "").strip()
    await asyncio.to_thread(acts.create_machine, index_of(request), session.caller(request), name)
    return done(request, f"{PAGE}/{name}", "machine-made")


@signed_in
async def machine(request: Request, session: Session) -> Response:
    """One of them."""
    return await asyncio.to_thread(_one, request, session)


@signed_in
@form_on(ONE, _one_again)
async def create_token(request: Request, session: Session, typed: Typed) -> Response:
    """Make a token; the page shows it, once."""
    name = request.path_params["name"]
    made = await asyncio.to_thread(_token, index_of(request), session.caller(request), name, typed)
    return await asyncio.to_thread(_one, request, session, made=made)


Act = Callable[[Index, Caller, str, str], object]


def _simple(act: Act, word: str, field: str, back: str = ONE) -> Route:
    """A form with one field (``field``) on the page of a machine; ``back`` is where one goes when it is done."""

    @signed_in
    @form_on(ONE, _one_again)
    async def answer(request: Request, session: Session, typed: Typed) -> Response:
        name, value = request.path_params["name"], typed.get(field, "").strip()
        await asyncio.to_thread(act, index_of(request), session.caller(request), name, value)
        return done(request, back.format(name=name), word)

    return Route(f"{ONE}/{_PATHS[word]}", answer, methods=["POST"])


_PATHS = {
    "sponsor-invited": "invite",
    "sponsor-offer-withdrawn": "withdraw",
    "sponsor-left": "leave",
    "machine-token-revoked": "revoke",
    "machine-retired": "retire",
}


@signed_in
@form_on(PAGE, _list_again)
async def answer_offer(request: Request, session: Session, typed: Typed) -> Response:
    """Accept or refuse to answer for one."""
    offer, accept = request.path_params["offer"], typed.get("answer") == "accept"
    caller = session.caller(request)
    name = await asyncio.to_thread(asking.answer_sponsor_offer, index_of(request), caller, offer, accept)
    return done(request, f"{PAGE}/{name}" if accept else PAGE, "sponsor-accepted" if accept else "sponsor-refused")


def _list(request: Request, session: Session, refused: Decision | None = None, typed: str = "") -> Response:
    with index_of(request).store.read() as connection:
        mine = sponsors.machines(connection, session.actor.account_id)
        offers = sponsors.offers(connection, session.now, invited_id=session.actor.account_id)
    values = {"machines": mine, "offers": offers, "typed": typed, "needed": SPONSORS_NEEDED, "now": session.now}
    return account_page(request, session, "machines.html", values, refused=refused)


def _one(
    request: Request,
    session: Session,
    refused: Decision | None = None,
    typed: Typed = NOTHING,
    made: Minted | None = None,
) -> Response:
    name = request.path_params["name"]
    try:
        with index_of(request).store.read() as connection:
            found = require(connection, session.actor, "see-machine", name, session.now)
            held = tokens.listed(connection, found.id)
            offers = sponsors.offers(connection, session.now, machine_id=found.id)
            happened = list(security.recorded(connection, Filter(account_id=found.id), limit=_LAST_EVENTS))
    except Refused as unseen:
        values = {"machines": [], "offers": [], "typed": "", "needed": SPONSORS_NEEDED, "now": session.now}
        return account_page(request, session, "machines.html", values, refused=unseen.decision, status=404)
    shown = [(each, describe(each.grant), each.state(session.now)) for each in held]
    values = {
        "machine": found,
        "answers": any(each.account_id == session.actor.account_id for each in found.sponsors),
        "tokens": [each for each in shown if each[2] == "valid"],
        "offers": offers,
        "events": [seen_by(each, session.actor.name) for each in happened],
        "typed": typed,
        "made": made,
        "needed": SPONSORS_NEEDED,
        "words": {action: _WORDS[action] for action in sorted(FOR_MACHINES)},
        "days": min(_DAYS, index_of(request).settings.maximum_token_days),
        "most_days": index_of(request).settings.maximum_token_days,
        "now": session.now,
        "section": PAGE,
    }
    return account_page(request, session, "machine.html", values, refused=refused)


def _token(index: Index, by: Caller, name: str, typed: Typed) -> Minted:
    chosen = typed.getlist("action")
    actions: list[TokenAction] = [each for each in sorted(FOR_MACHINES) if each in chosen]
    named = [NormalizedName(value) for value in typed.getlist("project")]
    label = typed.get("label", "").strip()[:100]
    return acts.create_machine_token(
        index, by, name, actions=actions, projects=named, expires_at=_end(typed, by.now), label=label
    )


def _end(typed: Typed, now: datetime) -> datetime:
    days = typed.get("days", "").strip()
    if not (days.isascii() and days.isdigit() and len(days) < 6):
        refuse("token.expiry", f"{days[:20]!a} is no number of days.", "Write a whole number.")
    return now + timedelta(days=int(days))


def _leave(index: Index, by: Caller, name: str, _: str) -> object:
    return asking.leave_machine(index, by, name)


def _withdraw(index: Index, by: Caller, _: str, offer: str) -> object:
    return asking.withdraw_sponsor_offer(index, by, offer)


def _retire(index: Index, by: Caller, name: str, typed: str) -> object:
    if typed.lower() != name.lower():
        refuse("machine.retire", "The name you typed is not the name of this machine.", "Type it to confirm.")
    return acts.retire_machine(index, by, name)


ROUTES = [
    Route(PAGE, machines),
    Route(PAGE, create, methods=["POST"]),
    Route(f"{PAGE}/offers/{{offer}}", answer_offer, methods=["POST"]),
    Route(ONE, machine),
    Route(f"{ONE}/tokens", create_token, methods=["POST"]),
    _simple(asking.invite_sponsor, "sponsor-invited", "account"),
    _simple(_withdraw, "sponsor-offer-withdrawn", "offer"),
    _simple(_leave, "sponsor-left", "leave", back=PAGE),
    _simple(acts.revoke_machine_token, "machine-token-revoked", "token"),
    _simple(_retire, "machine-retired", "name", back=PAGE),
]
