"""``/project/<name>/report/``: telling the moderators of a project; and what became of what one reported.

What does not live here: what a report must hold (`core.moderation.reports`), and what comes of it (`actions.report`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.report import report
from affineur.core.decision import Decision, Refused
from affineur.core.moderation import reporters
from affineur.core.moderation import reports as rules
from affineur.core.moderation.case_words import span
from affineur.core.moderation.cases import DUE
from affineur.core.names import parse_name
from affineur.core.versions import order_key
from affineur.shell.store import projects, reports
from affineur.shell.store.projects import ProjectRow
from affineur.web.pages.errors import project_not_found
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, account_page, done, form_on
from .open_frame import open_project_page, reader

PAGE = "/project/{name}/report/"
MINE = "/account/reports"
_PER_PAGE = 50
_LARGEST_KEY = 2**63 - 1
_DUE = {kind: span(length) for kind, length in DUE.items()}

DONE["report-again"] = "You reported that before, and it waits for a moderator: nothing was added."


async def show(request: Request) -> Response:
    """``GET /project/<name>/report/``: the form, or for strangers how to come to it."""
    session = await reader(request)
    return await asyncio.to_thread(_form, request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_form, request, session, refused, typed)


def _form(
    request: Request, session: Session | None, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    def values(connection: sa.Connection, found: ProjectRow) -> Mapping[str, object]:
        return {
            "kinds": rules.KINDS,
            "versions": sorted(projects.versions(connection, found.id), key=order_key, reverse=True),
            "typed": typed or request.query_params,
            "summary_limit": rules.SUMMARY_LIMIT,
            "evidence_limit": rules.EVIDENCE_LIMIT,
            "limits": _limits(connection, session),
            "due": _DUE,
        }

    return open_project_page(request, session, PAGE, "report.html", values, refused=refused)


def _limits(connection: sa.Connection, session: Session | None) -> list[tuple[int, str]]:
    """How often whoever reads may report: a number, and within what."""
    key = session.actor.account_id if session else None
    record = reporters.NEWCOMER if key is None else reports.record(connection, key)
    return [(each.attempts, "an hour" if each.window.days < 1 else "a day") for each in reporters.limits(record)]


@form_on(PAGE, _again)
async def take(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /project/<name>/report/``."""
    return await asyncio.to_thread(_take, request, session, typed)


def _take(request: Request, session: Session, typed: Typed) -> Response:
    said = rules.read_report(
        typed.get("kind", ""),
        request.path_params["name"],
        typed.get("summary", ""),
        version=typed.get("version") or None,
        evidence=typed.get("evidence", "").splitlines(),
    )
    outcome = report(index_of(request), session.caller(request), said)
    page = f"{PAGE.format(name=quote(said.project, safe=''))}sent?case={quote(outcome.case, safe='')}"
    return done(request, page, "report-again" if outcome.duplicate else "report-taken")


DONE["report-taken"] = "Thank you. Your report is with the moderators."


@signed_in
async def sent(request: Request, session: Session) -> Response:
    """``GET /project/<name>/report/sent?case=``: what happens next with one's own report."""
    return await asyncio.to_thread(_sent, request, session)


def _sent(request: Request, session: Session) -> Response:
    asked, number = request.path_params["name"], request.query_params.get("case", "")
    with index_of(request).store.read() as connection:
        mine = reports.by_account(connection, session.actor.account_id or 0)
        found = _project(connection, asked)
    if found is None:
        return project_not_found(request, asked)
    row = next((each for each in mine if each.case_number == number and each.project == found.name), None)
    values = {"project": found, "report": row, "due": _DUE, "section": MINE}
    return account_page(request, session, "report_sent.html", values, status=None if row else 404)


def _project(connection: sa.Connection, asked: str) -> ProjectRow | None:
    try:
        return projects.find(connection, parse_name(asked))
    except Refused:
        return None


@signed_in
async def mine(request: Request, session: Session) -> Response:
    """``GET /account/reports``: what one reported, newest first, and what became of each."""
    return await asyncio.to_thread(_mine, request, session)


def _mine(request: Request, session: Session) -> Response:
    given = request.query_params.get("before", "")
    before = min(int(given), _LARGEST_KEY) if given.isascii() and given.isdecimal() and len(given) < 20 else None
    key = session.actor.account_id or 0
    with index_of(request).store.read() as connection:
        rows = reports.by_account(connection, key, _PER_PAGE + 1, before)
        record = reports.record(connection, key)
    values = {
        "reports": rows[:_PER_PAGE],
        "more": rows[_PER_PAGE - 1].id if rows[_PER_PAGE:] else None,
        "record": record,
        "trusted": reporters.is_trusted(record),
    }
    return account_page(request, session, "reports.html", values)


ROUTES = [Route(MINE, mine)]
OPEN_ROUTES = [
    Route(PAGE.rstrip("/"), show, methods=["GET"]),
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, signed_in(take), methods=["POST"]),
    Route(f"{PAGE}sent", sent, methods=["GET"]),
]
"""Those among the pages of projects."""
