"""``/admin/campaigns``: campaigns that give vouchers: make one, add codes, write to people, close it; and the counts.

Codes that were added are counted and shown to nobody but their claimers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import campaigns as acts
from affineur.core.access import INDEX, may
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.impact import vouchers
from affineur.core.impact.policy import CLASSES
from affineur.core.impact.vouchers import Eligible, described, parse_eligible, phase
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.web.pages.account.frame import DONE, NOTHING, Typed, done, form_on
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session

from .frame import admin_page, office

PAGE = "/admin/campaigns"
ONE = "/admin/campaigns/{name}"
_DAYS = 60
"""How long a campaign lasts unless told otherwise."""
_FAULTS: Mapping[vouchers.Fault, str] = {
    "unfit": "no code",
    "repeated": "twice in what you sent",
    "known": "there already",
    "expired": "expired",
}

DONE |= {
    "campaign-made": "The campaign is made. It gives nothing until you add codes.",
    "campaign-closed": "The campaign is closed. What was claimed stays with its claimers.",
}


@office("see-campaigns")
async def shown(request: Request, session: Session) -> Response:
    """All of them, and the form for a new one."""
    return await _list_again(request, session)


@office("see-campaigns")
async def one(request: Request, session: Session) -> Response:
    """One of them: its counts, and what can be done."""
    return await _one_again(request, session)


async def _list_again(
    request: Request, session: Session, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    return await asyncio.to_thread(_list, request, session, refused, typed)


async def _one_again(
    request: Request, session: Session, refused: Decision | None = None, _: Typed = NOTHING
) -> Response:
    return await asyncio.to_thread(_one, request, session, refused)


@office("set-campaigns")
@form_on(PAGE, _list_again)
async def make(request: Request, session: Session, typed: Typed) -> Response:
    """Make one."""
    name = await asyncio.to_thread(_make, index_of(request), session.caller(request), typed)
    return done(request, f"{PAGE}/{name}", "campaign-made")


@office("set-campaigns")
@form_on(ONE, _one_again)
async def act(request: Request, session: Session, typed: Typed) -> Response:
    """``act=import`` (``codes``), ``announce`` or ``close``."""
    index, by, name = index_of(request), session.caller(request), request.path_params["name"]
    what = typed.get("act")
    if what == "close":
        await asyncio.to_thread(acts.close_campaign, index, by, name)
        return done(request, ONE.format(name=name), "campaign-closed")
    said = await asyncio.to_thread(_announced if what == "announce" else _imported, index, by, name, typed)
    return await asyncio.to_thread(_one, request, session, None, said)


def _make(index: Index, by: Caller, typed: Typed) -> str:
    may(by.actor, "set-campaigns", INDEX, by.now).require()  # before what was typed is read
    name = typed.get("name", "").strip()
    opens_at, closes_at = _moments(typed, by.now)
    title, text = typed.get("title", ""), typed.get("text", "")
    return acts.make_campaign(index, by, name, title, text, _eligible(typed), opens_at, closes_at).name


def _imported(index: Index, by: Caller, name: str, typed: Typed) -> str:
    made = acts.import_codes(index, by, name, typed.get("codes", ""))
    left_out = ", ".join(f"{count:,} {_FAULTS[fault]}" for fault, count in made.refused.items())
    added = f"{made.added:,} code{'' if made.added == 1 else 's'} added."
    return f"{added} Left out: {left_out}." if left_out else added


def _announced(index: Index, by: Caller, name: str, _: Typed) -> str:
    made = acts.announce(index, by, name)
    return (
        f"Letters sent: {made.letters:,}. Written to before: {made.before:,}. Not to be reached, since they take no "
        f"messages or have no address: {made.unreachable:,}."
    )


def _list(request: Request, session: Session, refused: Decision | None, typed: Typed) -> Response:
    by = session.caller(request)
    found = acts.listed(index_of(request), by)
    values = {
        "campaigns": [(each, stock, phase(each.opens_at, each.closes_at, by.now)) for each, stock in found],
        "may_run": session.actor.is_operator,
        "typed": typed,
        "chosen": {"classes": typed.getlist("class"), "roles": typed.getlist("role")},
        "classes": CLASSES,
        "roles": vouchers.ROLES,
        "today": f"{by.now:%Y-%m-%d}",
        "ends": f"{by.now + timedelta(days=_DAYS):%Y-%m-%d}",
        "limits": vouchers,
        "section": PAGE,
    }
    return admin_page(request, session, "campaigns.html", values, refused=refused)


def _one(request: Request, session: Session, refused: Decision | None, said: str = "") -> Response:
    by = session.caller(request)
    try:
        found, numbers = acts.shown(index_of(request), by, request.path_params["name"])
    except Refused as missing:
        return admin_page(request, session, "refused.html", {"section": PAGE}, refused=missing.decision)
    values = {
        "campaign": found,
        "whom": described(found.eligible),
        "phase": phase(found.opens_at, found.closes_at, by.now),
        "numbers": numbers,
        "may_run": session.actor.is_operator,
        "section": PAGE,
        **({"done": said} if said else {}),
    }
    return admin_page(request, session, "campaign.html", values, refused=refused)


def _eligible(typed: Typed) -> Eligible:
    days = {name: _number(typed.get(name, "").strip()) for name in ("account_days", "seen_days")}
    return parse_eligible(
        {
            "classes": typed.getlist("class"),
            "roles": typed.getlist("role"),
            "without": typed.get("without") or None,
            **days,
        }
    )


def _number(text: str) -> object:
    return int(text or 0) if (text or "0").isascii() and (text or "0").isdecimal() and len(text) < 6 else text


def _moments(typed: Typed, now: datetime) -> tuple[datetime, datetime]:
    """From the beginning of the first day, or from now where that is today, until the end of the last, in UTC."""
    try:
        first, last = (date.fromisoformat(typed.get(name, "").strip()) for name in ("opens", "closes"))
        closes_at = datetime.combine(last + timedelta(days=1), time.min, UTC)
    except (ValueError, OverflowError):
        refuse("campaign.time", "These are no days.", "Write them as 2027-01-31.")
    opens_at = datetime.combine(first, time.min, UTC)
    return max(opens_at, now) if first == now.date() else opens_at, closes_at


ROUTES = [
    Route(PAGE, shown),
    Route(PAGE, make, methods=["POST"]),
    Route(ONE, one),
    Route(ONE, act, methods=["POST"]),
]
