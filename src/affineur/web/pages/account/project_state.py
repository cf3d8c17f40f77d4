"""``/account/projects/{name}/state``: what state a project is in, and what its owners can do about it.

::

    GET  …/state            the state, and every act; fields in the query are filled in (``?version=2.0`` ticks it)
    GET  …/state/preview    what an act would come to, for whoever installs; an address that can be passed on
    POST …/state            the act, with the same fields

What does not live here: how an act is read and carried out (`project_state_asked`), how the state reads
(`project_state_words`), and an unarchiving that waits (`project_unarchiving`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions import permission, transition
from affineur.actions.state import ActNow, ReleaseNow, signals_of, state_of
from affineur.core.access import Actor
from affineur.core.decision import Decision, Refused
from affineur.core.life import guards, lifecycle, meaning
from affineur.core.life.lifecycle import Act, Place, Said, lifting
from affineur.core.life.signals import Signal
from affineur.core.life.standing import REASON_LIMIT, Hold, project_status
from affineur.core.names import NormalizedName
from affineur.core.security import asks_for_proof
from affineur.shell.dependents.telling import noticing_told
from affineur.shell.index import Index
from affineur.shell.store import projects
from affineur.shell.store.projects import ProjectRow
from affineur.web.pages.rendering import index_of
from affineur.web.session import Session, fields, signed_in, to

from . import project_state_asked as asking
from .frame import CONFIRM, NOTHING, Typed, account_page, done
from .project_frame import ProjectPage, name_of, no_project
from .project_state_words import OWNERS_ACTS, definition, dimensions

PAGE = "/account/projects/{name}/state"
SHOWN_RELEASES = 60
"""Releases that can be ticked; of more, versions are written (``<2``)."""


@dataclass(frozen=True, slots=True)
class HeldNow:
    """A hold that is in force, the act that lifts it, and what would be said to an owner who does."""

    hold: Hold
    fact: meaning.Fact
    act: Act
    decision: Decision

    @property
    def is_offered(self) -> bool:
        """Whether a button is there for it: owners give back what was withheld, and nothing else."""
        return self.act in OWNERS_ACTS and _is_possible(self.decision)


@signed_in
async def show(request: Request, session: Session) -> Response:
    """The state, and every act."""
    return await _PAGE.shown(request, session, typed=_queried(request))


@signed_in
async def preview(request: Request, session: Session) -> Response:
    """What an act would come to; a refusal is said on the page of the acts, with what was asked."""
    return await asyncio.to_thread(_preview, request, session, _queried(request))


def _preview(request: Request, session: Session, given: Typed) -> Response:
    index, actor, now = index_of(request), session.actor, session.now
    try:
        name = name_of(request)
        with index.store.read() as connection:
            found = permission.require(connection, actor, "see-people", name, now)
    except Refused as unseen:
        return no_project(request, session, unseen.decision)
    try:
        asked = asking.read(name, given)
        foreseen = asking.preview(index, actor, name, asked, now)
    except Refused as refused:
        values = _values(request, session, refused.decision, given)
        return account_page(request, session, "project_state.html", values, refused=refused.decision)
    here = _page_of(name)
    values = {
        "section": "/account/projects",
        "project": found,
        "asked": asked,
        "act_text": OWNERS_ACTS[asked.act],
        "title": f"{OWNERS_ACTS[asked.act]}: {asking.subject(found.display_name, asked)}",
        "definition": definition(asked.act),
        "foreseen": foreseen,
        "notices": [noticing_told(index, name, version) for version in foreseen.yanked[: asking.SHOWN_RELEASES]],
        "needs_proof": asks_for_proof(foreseen.decision),
        "strength": foreseen.decision.facts.get("strength", "proof"),
        "hidden": [(field, given[field]) for field in asking.FIELDS if given.get(field)],
        "versions": " ".join(sorted(asking.ticked(given))),
        "back": asking.address(here, given),
        "here": asking.address(f"{here}/preview", given),
    }
    return account_page(request, session, "project_state_preview.html", values)


@signed_in
async def take(request: Request, session: Session) -> Response:
    """Do it. Where a proof is asked for, the way leads to that, and back to the preview with all that was said."""
    given = NOTHING
    try:
        given = ImmutableMultiDict(await fields(request, session))
        name = name_of(request)
        asked = asking.read(name, given)
        waits = await asyncio.to_thread(asking.carry_out, index_of(request), session.caller(request), name, asked)
    except Refused as refused:
        if not asks_for_proof(refused.decision):
            return await _PAGE.shown(request, session, refused.decision, given)
        back = asking.address(f"{_page_of(request.path_params['name'])}/preview", given)
        strength = refused.decision.facts.get("strength", "proof")
        return to(request, f"{CONFIRM}?strength={strength}&next={quote(back, safe='')}")
    if waits:
        return done(request, f"/account/projects/{quote(name)}/unarchiving", "unarchiving-asked")
    return done(request, _page_of(name), f"state-{asked.act}")


def _values(request: Request, session: Session, _: Decision | None, given: Typed) -> Mapping[str, object]:
    index, actor, name = index_of(request), session.actor, name_of(request)
    with index.store.read() as connection:
        found = permission.require(connection, actor, "see-people", name, session.now)
        every = projects.file_links(connection, found.id)
        held = tuple(_held(connection, session, found))
    state = state_of(index, actor, name, session.now)
    focus = _focus(state.releases, given)
    with index.store.read() as connection:
        can = {each.act: each for each in state.acts}
        if focus is not None:  # of the project as a whole nobody but a moderator withholds
            about = Place(focus.version), Said(code=given.get("code") or guards.OWNERS_WITHHOLD_FOR[0])
            judged = transition.verdict(connection, actor, "withhold", found, session.now, *about)
            can["withhold"] = ActNow("withhold", judged)
    return {
        "section": "/account/projects",
        "project": found,
        "told": project_status(found.standing),
        "dimensions": dimensions(found.standing),
        "facts": meaning.facts(found.standing),
        "held": held,
        "signals": _signals(index, actor, name, session),
        "can": can,
        "possible": {act for act, each in can.items() if _is_possible(each.decision)},
        "texts": OWNERS_ACTS,
        "define": definition,
        "releases": state.releases[:SHOWN_RELEASES],
        "held_files": Counter(hold.version for hold in found.standing.holds if hold.level == "file"),
        "more": max(0, len(state.releases) - SHOWN_RELEASES),
        "focus": focus,
        "files": sorted((file for file in every if focus and file.version == focus.version), key=lambda f: f.filename),
        "typed": {field: given.get(field, "") for field in asking.FIELDS},
        "ticked": asking.ticked(given),
        "yank_codes": [(code, meaning.CODES[code]) for code in lifecycle.YANK_CODES],
        "withhold_codes": [(code, meaning.CODES[code]) for code in guards.OWNERS_WITHHOLD_FOR],
        "wishes": [("none", "nothing"), *meaning.WISHES.items()],
        "limit": REASON_LIMIT,
        "at_most": guards.REPLACEMENTS_AT_MOST,
    }


_PAGE = ProjectPage(PAGE, "project_state.html", _values)


def _is_possible(decision: Decision) -> bool:
    """Whether the form is shown: what only lacks a proof, or would wait, is possible."""
    return decision.allowed or asks_for_proof(decision) or decision.rule == "lifecycle.unarchive-waits"


def _focus(releases: Iterable[ReleaseNow], given: Typed) -> ReleaseNow | None:
    """The release whose files are shown: that which is named or ticked, else the newest."""
    known = {release.version: release for release in releases}
    asked = given.get("release") or next(iter(sorted(asking.ticked(given))), "")
    return known.get(asked) or next(iter(known.values()), None)


def _held(connection: sa.Connection, session: Session, found: ProjectRow) -> Iterable[HeldNow]:
    """Every hold below the level of the project, which the banners above do not tell."""
    for each in found.standing.holds:
        if each.level == "project":
            continue
        act, place = lifting(each.kind), Place(each.version, each.filename)
        said = Said(origin=each.origin)
        decision = transition.verdict(connection, session.actor, act, found, session.now, place, said)
        yield HeldNow(each, _fact(found, each), act, decision)


def _fact(found: ProjectRow, each: Hold) -> meaning.Fact:
    version = each.version or ""
    told = (
        meaning.facts_of_file(found.standing, version, each.filename)
        if each.filename
        else meaning.facts_of_release(found.standing, version)
    )
    return next(fact for fact in told if fact.kind == each.kind)


def _signals(index: Index, actor: Actor, name: NormalizedName, session: Session) -> list[Signal]:
    """What owners should look at; nothing for maintainers."""
    try:
        return signals_of(index, actor, name, session.now)
    except Refused:
        return []


def _queried(request: Request) -> Typed:
    return ImmutableMultiDict(request.query_params.multi_items())


def _page_of(name: str) -> str:
    return PAGE.format(name=quote(name))


ROUTES = [
    Route(PAGE, show, methods=["GET"]),
    Route(PAGE, take, methods=["POST"]),
    Route(PAGE + "/preview", preview, methods=["GET"]),
]
