"""The accounts of the index: the list, and one account, to freeze it, to trust its reports or to give it an office."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import freeze as freezing
from affineur.actions import recover
from affineur.actions.moderate import set_trusted
from affineur.actions.offices import set_office
from affineur.core.access import INDEX, may
from affineur.core.decision import Decision, refuse
from affineur.core.moderation import reporters
from affineur.core.people.accounts import unknown
from affineur.core.people.caveats import describe
from affineur.core.people.offices import OFFICES, office_called
from affineur.core.people.recovery import can_be_shorter
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.shell.store import accounts, directory, emails, recoveries, reports, sponsors, tokens
from affineur.shell.store.directory import Wanted
from affineur.web.pages.account.frame import DONE, NOTHING, Typed, done, form_on
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, to

from .frame import admin_page, office

PAGE = "/admin/accounts"
ONE = "/admin/accounts/{name}"
_PER_PAGE = 50

DONE |= {
    "account-frozen": "The account is frozen, and its holder was told why.",
    "account-thawed": "The account is open again, and its holder was told.",
    "recovery-vouched": "They were told, and wait less long.",
    "office-changed": "The office is changed, and its holder was told.",
    "reporter-trusted": "Reports by this account are trusted from now on, while its record does not speak against it.",
    "reporter-untrusted": "Reports by this account count like anybody's.",
}


@office("see-accounts")
async def listed(request: Request, session: Session) -> Response:
    """The list, with a search."""
    return await asyncio.to_thread(_list, request, session)


def _list(request: Request, session: Session) -> Response:
    asked = request.query_params
    which = asked.get("which", "")
    text = asked.get("q", "").strip().replace("\0", "")[:254]
    wanted = Wanted(
        text, "automation" if which == "machines" else None, in_office=which == "offices", frozen=which == "frozen"
    )
    with index_of(request).store.read() as connection:
        after = asked.get("after", "").replace("\0", "")[:200]
        found = directory.listed(connection, wanted, after=after, limit=_PER_PAGE + 1)
    more = (
        urlencode({"q": text, "which": which, "after": found[_PER_PAGE - 1].name.lower()}) if found[_PER_PAGE:] else ""
    )
    values = {"accounts": found[:_PER_PAGE], "typed": text, "which": which, "more": more, "section": "/admin/"}
    return admin_page(request, session, "accounts.html", values)


@office("see-accounts")
async def account(request: Request, session: Session) -> Response:
    """One account."""
    return await asyncio.to_thread(_one, request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_one, request, session, refused, typed)


def _one(request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING) -> Response:
    name = request.path_params["name"]
    with index_of(request).store.read() as connection:
        found = accounts.find(connection, name)
        if found is None:
            missing = unknown(name)
            return admin_page(request, session, "refused.html", refused=missing, status=404)
        held = [(each, describe(each.grant), each.state(session.now)) for each in tokens.listed(connection, found.id)]
        values: dict[str, Any] = {
            "account": found,
            "roles": directory.roles_of(connection, found.id),
            "tokens": held,
            "sessions": directory.session_count(connection, found.id, session.now),
            "addresses": emails.listed(connection, found.id) if session.actor.is_operator else None,
            "recovery": recoveries.open_of(connection, found.id, session.now) if session.actor.is_operator else None,
            "machine": sponsors.machine(connection, found.id),
            "machines": sponsors.machines(connection, found.id),
            "record": reports.record(connection, found.id),
        }
    values |= {
        "offices": OFFICES,
        # Without the proof that it takes: who holds the office sees the form, and is asked when it is sent.
        "may_freeze": may(session.actor, "freeze", INDEX, session.now).rule != "access.office",
        "may_give": may(session.actor, "set-office", INDEX, session.now).rule != "access.office",
        "may_log": may(session.actor, "see-log", INDEX, session.now).allowed,
        "may_trust": may(session.actor, "trust-reporters", INDEX, session.now).rule != "access.office",
        "weight": reporters.weight(values["record"]),
        "is_trusted": reporters.is_trusted(values["record"]),
        "can_be_shorter": values["recovery"] is not None and can_be_shorter(values["recovery"].facts),
        "typed": typed,
        "section": "/admin/",
    }
    return admin_page(request, session, "account.html", values, refused=refused)


@office("freeze")
@form_on(ONE, _again)
async def freeze(request: Request, session: Session, typed: Typed) -> Response:
    """Freeze it, or lift that."""
    return await _act(request, session, _freeze, typed)


@office("set-office")
@form_on(ONE, _again)
async def give(request: Request, session: Session, typed: Typed) -> Response:
    """Give it an office, another one, or none."""
    return await _act(request, session, _set_office, typed)


@office("trust-reporters")
@form_on(ONE, _again)
async def trust(request: Request, session: Session, typed: Typed) -> Response:
    """Trust its reports, or cease to."""
    return await _act(request, session, _trust, typed)


@office("set-office")
@form_on(ONE, _again)
async def vouch(request: Request, session: Session, typed: Typed) -> Response:
    """Vouch, as an operator, for its holder who waits to get back in."""
    return await _act(request, session, _vouch, typed)


Act = Callable[[Index, Caller, str, Typed], str]
"""What a form does, with what was typed; the word that says that it is done."""


async def _act(request: Request, session: Session, act: Act, typed: Typed) -> Response:
    name = request.path_params["name"]
    word = await asyncio.to_thread(act, index_of(request), session.caller(request), name, typed)
    return done(request, f"{PAGE}/{quote(name, safe='')}", word)


def _freeze(index: Index, by: Caller, name: str, typed: Typed) -> str:
    if typed.get("act") == "thaw":
        freezing.thaw(index, by, name)
        return "account-thawed"
    freezing.freeze(index, by, name, typed.get("reason", ""))
    return "account-frozen"


def _set_office(index: Index, by: Caller, name: str, typed: Typed) -> str:
    wanted = typed.get("office", "none")
    chosen = office_called(wanted)
    if chosen is None and wanted != "none":
        refuse("office.name", "There is no such office.", f"There are {', '.join(OFFICES)}, and none.")
    set_office(index, by, name, chosen)
    return "office-changed"


def _trust(index: Index, by: Caller, name: str, typed: Typed) -> str:
    trusted = typed.get("act") == "trust"
    set_trusted(index, by, name, trusted)
    return "reporter-trusted" if trusted else "reporter-untrusted"


def _vouch(index: Index, by: Caller, name: str, _: Typed) -> str:
    with index.store.read() as connection:
        found = accounts.find(connection, name)
        waiting = None if found is None else recoveries.open_of(connection, found.id, by.now)
    recover.vouch(index, by, 0 if waiting is None else waiting.id)
    return "recovery-vouched"


async def home(request: Request) -> Response:
    """The list is at ``/admin/``."""
    return to(request, "/admin/", 308)


ROUTES = [
    Route("/admin", home),
    Route("/admin/", listed),
    Route(ONE, account),
    Route(f"{ONE}/freeze", freeze, methods=["POST"]),
    Route(f"{ONE}/vouch", vouch, methods=["POST"]),
    Route(f"{ONE}/reports", trust, methods=["POST"]),
    Route(f"{ONE}/office", give, methods=["POST"]),
]
