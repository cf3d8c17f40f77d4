"""``/project/<name>/appeal/``: what is on hold and why, for everybody; and for its people, how to object.

Who reported something, and in which words, is told to nobody but moderators.
What does not live here: who may appeal and how often (`core.moderation.appeals`), and the act (`actions.appeal`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import permission
from affineur.actions.appeal import appeal
from affineur.core.decision import Decision
from affineur.core.life import meaning
from affineur.core.life.meaning import Fact
from affineur.core.life.standing import Standing
from affineur.core.moderation import appeals as rules
from affineur.core.names import parse_name
from affineur.shell.store import appeals, cases, reports
from affineur.shell.store.appeals import AppealRow
from affineur.shell.store.projects import ProjectRow
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, signed_in

from .frame import DONE, NOTHING, Typed, done, form_on
from .open_frame import open_project_page, reader

PAGE = "/project/{name}/appeal/"

DONE["appeal-filed"] = "Your appeal is with the moderators. The answer comes by mail, and stands here."


@dataclass(frozen=True, slots=True)
class Objection:
    """A case that holds something, as the project's people see it. ``reported``: how many said what of which release;
    ``evidence``: what the moderators show of what they found.

    ``decision``: whether whoever reads can appeal now.
    """

    number: str
    opened_at: object
    reported: Sequence[tuple[str, str | None, int]]
    evidence: Sequence[str]
    decision: Decision


async def show(request: Request) -> Response:
    """``GET /project/<name>/appeal/``."""
    session = await reader(request)
    return await asyncio.to_thread(_page, request, session)


async def _again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
    return await asyncio.to_thread(_page, request, session, refused, typed)


def _page(
    request: Request, session: Session | None, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    def values(connection: sa.Connection, found: ProjectRow) -> Mapping[str, object]:
        may = permission.ask(connection, session.actor, "appeal", found, session.now) if session else None
        allowed = may is not None and may.allowed
        filed = appeals.on_project(connection, found.id) if allowed else []
        return {
            "facts": _held(found.standing),
            "may": may,
            "objections": _objections(connection, found, session, filed) if session and allowed else [],
            "appeals": filed,
            "typed": typed,
            "text_limit": rules.TEXT_LIMIT,
            "at_most": rules.AT_MOST,
        }

    return open_project_page(request, session, PAGE, "appeal.html", values, refused=refused)


def _held(standing: Standing) -> list[Fact]:
    """Everything that is on hold, the whole project first."""
    held = [fact for fact in meaning.facts(standing) if fact.is_hold]
    parts = sorted({(hold.version, hold.filename) for hold in standing.holds if hold.version}, key=str)
    for version, filename in parts:
        if filename is None:
            held += meaning.facts_of_release(standing, version or "")
        else:
            held += meaning.facts_of_file(standing, version or "", filename)
    return held


def _objections(
    connection: sa.Connection, found: ProjectRow, session: Session, filed: list[AppealRow]
) -> list[Objection]:
    """Each case that holds something of the project.

    To what owners withhold themselves they have nothing to object; with it they would see what is reported since.
    """
    made = []
    for case in cases.history(connection, found.id):
        if not cases.is_held_by_others(connection, case.id):
            continue
        said = Counter((each.kind, each.version) for each in reports.in_case(connection, case.id))
        facts = [each.fact for each in filed if each.case_id == case.id]
        decision = rules.may_file(session.actor.account_id, facts, held=True)
        reported = [(kind, version, number) for (kind, version), number in sorted(said.items(), key=str)]
        made.append(Objection(case.number, case.opened_at, reported, cases.shown(connection, case.id), decision))
    return made


@form_on(PAGE, _again)
async def take(request: Request, session: Session, typed: Typed) -> Response:
    """``POST /project/<name>/appeal/``."""
    name = parse_name(request.path_params["name"])
    index, caller = index_of(request), session.caller(request)
    await asyncio.to_thread(appeal, index, caller, name, typed.get("text", ""), typed.get("case") or None)
    return done(request, PAGE.format(name=name), "appeal-filed")


OPEN_ROUTES = [
    Route(PAGE.rstrip("/"), show, methods=["GET"]),
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, signed_in(take), methods=["POST"]),
]
"""Those among the pages of projects."""
