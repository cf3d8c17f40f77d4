"""The forms that hold something of a project or give it back: what is chosen, what will happen, and then the act.

One form with two buttons: the one shows what the act comes to and changes nothing, the other acts.
What does not live here: what an act comes to (`hold_preview`), the acts (`actions.hold`), and the case (`cases`).
"""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import quote

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.hold import hold
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.life.lifecycle import HOLD_CODES, HOLDING, LIFTING, TRANSITIONS, Act, Place, Said, legal, possible
from affineur.core.life.meaning import CODES
from affineur.core.life.standing import REASON_LIMIT, Standing
from affineur.core.moderation.reporters import Outcome as Verdict
from affineur.core.names import NormalizedName, parse_name
from affineur.core.versions import order_key
from affineur.shell.store import cases, projects, reports
from affineur.shell.store.projects import ProjectRow
from affineur.web.pages.account.frame import DONE, NOTHING, Typed, done, form_on
from affineur.web.pages.rendering import index_of, settings_of
from affineur.web.session import Session

from .frame import admin_page, office
from .hold_preview import preview

PAGE = "/admin/projects/{name}"
_QUEUE = "/admin/cases"

DONE |= {
    "quarantine-done": "It is quarantined: nothing of it is on offer any more, and its people were told.",
    "clear-done": "The quarantine is lifted: everything is as it was before, and its people were told.",
    "condemn-done": "It is condemned: it does not come back on offer, and its people were told.",
    "withhold-done": "It is withheld: nothing of it is on offer any more, and its people were told.",
    "unwithhold-done": "It is on offer again, and its people were told.",
    "hold-waits": "Your word is in the case. It happens when a second moderator agrees; until then all stays as it is.",
    "hold-same": "It was so already; nothing has changed.",
}


def _shown(
    request: Request, session: Session, act: Act, refused: Decision | None = None, typed: Typed = NOTHING
) -> Response:
    values: dict[str, object] = {"section": _QUEUE, "act": act}
    try:
        with index_of(request).store.read() as connection:
            values |= _values(connection, request, session, act, typed)
    except Refused as missing:
        return admin_page(request, session, "refused.html", values, refused=refused or missing.decision)
    return admin_page(request, session, "hold.html", values, refused=refused)


def _values(connection: sa.Connection, request: Request, session: Session, act: Act, typed: Typed) -> dict[str, object]:
    found = projects.find(connection, parse_name(request.path_params["name"]))
    if found is None:
        refuse("project.exists", "There is no project of that name on this index.", "Check its name.")
    choices = _choices(connection, found, act)
    chosen = typed.get("place", request.query_params.get("place", ""))
    place = choices.get(chosen)
    if place is None:
        chosen, place = next(iter(choices.items()), ("", Place()))
    case, takes = cases.open_case(connection, found.id), TRANSITIONS[act].takes
    code = typed.get("code", "") if typed else _guessed(connection, case)
    said = Said(typed.get("reason", "")[: 2 * REASON_LIMIT], code or None, evidence=typed.get("evidence") or None)
    return {
        "project": found,
        "case": case,
        "choices": choices,
        "already": {(hold.version, hold.filename) for hold in found.standing.holds} if "code" in takes else set(),
        "chosen": chosen,
        "means": TRANSITIONS[act].means,
        "codes": {code: CODES[code] for code in HOLD_CODES},
        "places_code": "code" in takes,
        "typed": typed,
        "code": code,
        "reason_limit": REASON_LIMIT,
        "nowhere": None if choices else possible(found.name, found.standing, act, Place(), said),
        "preview": preview(connection, settings_of(request), session, act, found, place, said) if choices else None,
    }


def _guessed(connection: sa.Connection, case: cases.CaseRow | None) -> str:
    """The word for why, where reports say it: that of the first which is one."""
    said = [each.kind for each in reports.in_case(connection, case.id)] if case else []
    return next((kind for kind in said if kind in HOLD_CODES), "")


def _choices(connection: sa.Connection, found: ProjectRow, act: Act) -> dict[str, Place]:
    """What ``act`` can be about, by the word that the form sends: the project, its releases, its files."""
    files = sorted(
        projects.file_links(connection, found.id),
        key=lambda each: (order_key(each.version), each.filename),
        reverse=True,
    )
    every = {"": Place()}
    every |= {f"release {each.version}": Place(each.version) for each in files}
    every |= {f"file {each.filename}": Place(each.version, each.filename) for each in files}
    return {word: place for word, place in every.items() if _leads_on(found.standing, act, place)}


def _leads_on(standing: Standing, act: Act, place: Place) -> bool:
    """Whether the table has an edge from here; what is held so already may get another reason."""
    return act in legal(standing, place) or (act in LIFTING and act in legal(standing, place, "upstream"))


def _routes(act: Act) -> list[Route]:
    """The form of one act: shown, and sent."""
    path = f"{PAGE}/{act}"

    @office("see-moderation")
    async def show(request: Request, session: Session) -> Response:
        return await asyncio.to_thread(_shown, request, session, act)

    async def again(request: Request, session: Session, refused: Decision, typed: Typed) -> Response:
        return await asyncio.to_thread(_shown, request, session, act, refused, typed)

    # Owners may withhold, too; on a page of their own, which knows nothing of cases.
    @office("see-moderation")
    @form_on(path, again)
    async def take(request: Request, session: Session, typed: Typed) -> Response:
        if typed.get("step") != "act":
            return await asyncio.to_thread(_shown, request, session, act, None, typed)
        return await asyncio.to_thread(_act, request, session, act, typed)

    return [Route(path, show, methods=["GET"]), Route(path, take, methods=["POST"])]


def _act(request: Request, session: Session, act: Act, typed: Typed) -> Response:
    index, name = index_of(request), parse_name(request.path_params["name"])
    place = _place(request, name, act, typed.get("place", ""))
    said = Said(typed.get("reason") or None, typed.get("code") or None, evidence=typed.get("evidence") or None)
    given = typed.get("verdict")
    verdict = cast(Verdict, given) if given in ("upheld", "dismissed") else None
    outcome = hold(index, session.caller(request), act, name, place, said, verdict)
    word = "hold-waits" if outcome.waits else f"{act}-done" if outcome.changed else "hold-same"
    return done(request, f"{_QUEUE}/{quote(outcome.case, safe='')}" if outcome.case else _QUEUE, word)


def _place(request: Request, name: NormalizedName, act: Act, word: str) -> Place:
    with index_of(request).store.read() as connection:
        found = projects.find(connection, name)
        choices = _choices(connection, found, act) if found else {}
    if word not in choices:
        refuse("project.place", f"There is nothing like that of '{name}' to {act}.", "Choose from what is listed.")
    return choices[word]


ROUTES = [route for act in TRANSITIONS if act in HOLDING for route in _routes(act)]
