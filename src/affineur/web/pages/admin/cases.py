"""The moderators' queue and one case, with what is done in it: take it, write in it, agree, dismiss, answer appeals.

What does not live here: what a case shows (`case_view`), and the forms that hold something or give it back (`holding`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast, get_args
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import appeal as appealing
from affineur.actions import moderate as moderating
from affineur.core.access import INDEX, may
from affineur.core.decision import Decision, Refused
from affineur.core.moderation.case_words import due, is_overdue
from affineur.core.moderation.reports import KINDS, Kind
from affineur.core.names import parse_name
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.shell.store import case_queue
from affineur.shell.store.case_queue import Wanted, Which
from affineur.web.pages.account.frame import DONE, NOTHING, Typed, done, form_on
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in, to

from . import case_view
from .frame import admin_page, office

PAGE = "/admin/cases"
ONE = "/admin/cases/{number}"
_PER_PAGE = 50
_LONGEST_START = 7

DONE |= {
    "case-taken": "The case is yours: others see that you work on it.",
    "case-given-back": "Others can take the case.",
    "case-noted": "The note is in the case. Moderators read it, nobody else.",
    "case-dismissed": "The case is closed, and its reporters were told that nothing has to be held.",
    "case-agreed": "You agreed: what stands has been looked at by two.",
    "case-condemned": "Two moderators agreed: it is condemned.",
    "appeal-lifted": "The hold is lifted, and whoever appealed was told.",
    "appeal-kept": "The hold stays, and whoever appealed was told why.",
}


@office("see-moderation")
async def queue(request: Request, session: Session) -> Response:
    """``GET /admin/cases``."""
    return await asyncio.to_thread(_queue, request, session)


def _queue(request: Request, session: Session) -> Response:
    asked = request.query_params
    which = cast(Which, asked.get("which")) if asked.get("which") in get_args(Which) else "open"
    kind = cast(Kind, asked.get("kind")) if asked.get("kind") in KINDS else None
    given = asked.get("start", "")
    start = int(given) if given.isascii() and given.isdecimal() and len(given) < _LONGEST_START else 0
    text, refused, project = asked.get("project", "").strip()[:214], None, None
    try:
        project = parse_name(text) if text else None
    except Refused as no_name:
        refused = no_name.decision
    wanted = Wanted(which, kind, project, session.actor.account_id)
    with index_of(request).store.read() as connection:
        found = case_queue.queue(connection, wanted, session.now, start=start, limit=_PER_PAGE + 1)
        counts = case_queue.counts(connection, session.now)
    chosen = {"which": which, "kind": kind or "", "project": text}
    values = {
        "cases": found[:_PER_PAGE],
        "more": urlencode({**chosen, "start": start + _PER_PAGE}) if found[_PER_PAGE:] else "",
        "open_count": counts[0],
        "overdue_count": counts[1],
        "kinds": KINDS,
        "typed": chosen,
        "due": lambda at: due(at, session.now),
        "is_overdue": lambda at: is_overdue(at, session.now),
        "section": PAGE,
    }
    return admin_page(request, session, "cases.html", values, refused=refused)


@office("see-moderation")
async def find(request: Request, session: Session) -> Response:
    """``GET /admin/projects?name=``: on to the form that holds a project that nobody reported."""
    name = request.query_params.get("name", "")
    try:
        return to(request, f"/admin/projects/{quote(parse_name(name), safe='')}/quarantine")
    except Refused as refused:
        return admin_page(request, session, "refused.html", {"section": PAGE}, refused=refused.decision)


@signed_in
async def case(request: Request, session: Session) -> Response:
    """``GET /admin/cases/<number>``."""
    return await asyncio.to_thread(_case, request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_case, request, session, refused, typed)


def _case(request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING) -> Response:
    place = {"section": PAGE}
    seen = may(session.actor, "see-moderation", INDEX, session.now)
    if not seen.allowed:
        return admin_page(request, session, "refused.html", place, refused=seen)
    try:
        with index_of(request).store.read() as connection:
            values = case_view.everything(connection, request.path_params["number"], session)
    except Refused as missing:
        return admin_page(request, session, "refused.html", place, refused=refused or missing.decision)
    return admin_page(request, session, "case.html", {**values, "typed": typed, **place}, refused=refused)


Act = Callable[[Index, Caller, str, Typed], str]
"""What a form does in the case of that number, with what was typed; the word that says that it is done."""


def _route(last: str, act: Act) -> Route:
    """The form at ``<case>/<last>``, which ends on the page of the case."""

    @form_on(ONE, _again)
    async def answer(request: Request, session: Session, typed: Typed) -> Response:
        number = request.path_params["number"]
        word = await asyncio.to_thread(act, index_of(request), session.caller(request), number, typed)
        return done(request, f"{PAGE}/{quote(number, safe='')}", word)

    return Route(f"{ONE}/{last}", signed_in(answer), methods=["POST"])


def _take(index: Index, by: Caller, number: str, _: Typed) -> str:
    moderating.take(index, by, number)
    return "case-taken"


def _give_back(index: Index, by: Caller, number: str, _: Typed) -> str:
    moderating.give_back(index, by, number)
    return "case-given-back"


def _note(index: Index, by: Caller, number: str, typed: Typed) -> str:
    moderating.note(index, by, number, typed.get("note", ""))
    return "case-noted"


def _dismiss(index: Index, by: Caller, number: str, typed: Typed) -> str:
    moderating.dismiss(index, by, number, typed.get("why", ""))
    return "case-dismissed"


def _confirm(index: Index, by: Caller, number: str, _: Typed) -> str:
    agreed = moderating.confirm(index, by, number)
    return "case-condemned" if agreed.act == "condemn" else "case-agreed"


def _answer(index: Index, by: Caller, _: str, typed: Typed) -> str:
    given = typed.get("appeal", "")
    asked = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
    answered = appealing.answer(index, by, asked, typed.get("answer", ""), lift=typed.get("outcome") == "lifted")
    return f"appeal-{answered.outcome}"


ROUTES = [
    Route(PAGE, queue),
    Route("/admin/projects", find),
    Route(ONE, case, methods=["GET"]),
    _route("take", _take),
    _route("give-back", _give_back),
    _route("note", _note),
    _route("dismiss", _dismiss),
    _route("confirm", _confirm),
    _route("answer", _answer),
]
