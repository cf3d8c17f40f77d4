"""The page of one project's people: who they are, invitations, removals, messages among them, and the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from affineur.actions.invite import invite, withdraw_invitation
from affineur.actions.leave import leave
from affineur.actions.message import block_sender, message
from affineur.actions.propose_removal import propose_removal, withdraw_proposal
from affineur.actions.settle_removal import consent_to_removal, object_to_removal, remove
from affineur.core.decision import Decision, Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people import roles, second_factor
from affineur.core.permissions import Role
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.web import project_people
from affineur.web.pages.rendering import index_of
from affineur.web.session import Page, Session, signed_in

from . import projects
from .frame import DONE, Typed, done
from .project_frame import ProjectPage, name_of, no_project

PAGE = "/account/projects/{name}"
_FIELDS = ("whom", "role", "account", "reason", "objection", "to", "topic", "text")

DONE["invited"] = "The invitation is on its way. To an address it goes if an account has it, or may be made for it."
DONE["invitation-withdrawn"] = "The invitation is withdrawn."
DONE["removal-proposed"] = "The proposal is made, and who is concerned is told."
DONE["removal-withdrawn"] = "The proposal is withdrawn."
DONE["removal-objected"] = "You objected: the proposal has ended, and your role stays. The owners read why."
DONE["removal-consented"] = "You have no role on that project any more."
DONE["removed"] = "They have no role on this project any more, and are told."
DONE["left"] = "You have left the project."
DONE["message-sent"] = "The message is passed on to everybody there who takes messages."
DONE["sender-blocked"] = "You get no more messages from them. They are not told."


@signed_in
async def show(request: Request, session: Session) -> Response:
    """``GET /account/projects/{name}``."""
    return await _PAGE.shown(request, session)


def _values(request: Request, session: Session, _: Decision | None, typed: Typed) -> Mapping[str, object]:
    with index_of(request).store.read() as connection:
        found = project_people.seen(connection, session.actor, name_of(request), session.now)
    others = [each for each in found.people if each.name != session.actor.name]
    fresh = second_factor.strong_enough(session.actor.posture, "proof", session.now).allowed
    return {
        "there": found,
        "section": projects.PAGE,
        "others": others,
        "typed": {field: typed.get(field, "") for field in _FIELDS},
        "topics": roles.TOPICS,
        "is_owner": found.role == "owner" or session.actor.is_operator,
        "may_remove": session.actor.office in ("operator", "moderator"),
        "is_fresh": fresh,
        "limits": {"reason": roles.LONGEST_REASON, "message": roles.LONGEST_MESSAGE},
        "days": {"invitation": roles.INVITATION_LASTS.days, "objection": roles.OBJECTION_LASTS.days},
    }


_PAGE = ProjectPage(PAGE, "project.html", _values)


@signed_in
async def exported(request: Request, session: Session) -> Response:
    """The table of people, as a file."""
    return await asyncio.to_thread(_exported, request, session)


def _exported(request: Request, session: Session) -> Response:
    try:
        with index_of(request).store.read() as connection:
            found = project_people.seen(connection, session.actor, name_of(request), session.now)
    except Refused as unseen:
        return no_project(request, session, unseen.decision)
    kind = request.url.path.rpartition(".")[2]
    body = project_people.as_json(found.people) if kind == "json" else project_people.as_csv(found.people)
    headers = {
        "content-disposition": f'attachment; filename="people-of-{found.project.name}.{kind}"',
        "cache-control": "no-store, private",
        "x-content-type-options": "nosniff",
    }
    return Response(body, 200, headers, media_type="application/json" if kind == "json" else "text/csv; charset=utf-8")


Given = Mapping[str, str]
"""What was typed, and what the path names."""
Deed = Callable[[Index, Caller, NormalizedName, Given], object]


def _taking(deed: Deed, word: str, *, back: str = PAGE) -> Page:
    """A form of the page: do ``deed`` with what was typed, and go on to ``back``."""

    @_PAGE.form
    async def take(request: Request, session: Session, typed: Typed) -> Response:
        given = {**typed, **{name: str(each) for name, each in request.path_params.items()}}
        await asyncio.to_thread(deed, index_of(request), session.caller(request), name_of(request), given)
        return done(request, back.format(**request.path_params), word)

    return take


def _role(typed: Given) -> Role:
    known: dict[str, Role] = {each: each for each in get_args(Role)}
    if typed.get("role") not in known:
        refuse("role.whom", "Choose the role that is offered.", "It is owner or maintainer.")
    return known[typed["role"]]


def _invite(index: Index, by: Caller, name: NormalizedName, typed: Given) -> None:
    invite(index, by, name, typed.get("whom", ""), _role(typed))


def _withdraw_invitation(index: Index, by: Caller, _: NormalizedName, typed: Given) -> None:
    withdraw_invitation(index, by, int(typed["id"]))


def _propose(index: Index, by: Caller, name: NormalizedName, typed: Given) -> None:
    propose_removal(index, by, name, typed.get("account", ""), typed.get("reason", ""))


def _withdraw_proposal(index: Index, by: Caller, _: NormalizedName, typed: Given) -> None:
    withdraw_proposal(index, by, int(typed["id"]))


def _object(index: Index, by: Caller, _: NormalizedName, typed: Given) -> None:
    object_to_removal(index, by, int(typed["id"]), typed.get("objection", ""))


def _consent(index: Index, by: Caller, _: NormalizedName, typed: Given) -> None:
    consent_to_removal(index, by, int(typed["id"]))


def _remove(index: Index, by: Caller, name: NormalizedName, typed: Given) -> None:
    remove(index, by, name, typed.get("account", ""))


def _leave(index: Index, by: Caller, name: NormalizedName, _: Given) -> None:
    leave(index, by, name)


def _message(index: Index, by: Caller, name: NormalizedName, typed: Given) -> None:
    message(index, by, name, typed.get("topic", ""), typed.get("text", ""), typed.get("to") or None)


def _block(index: Index, by: Caller, _: NormalizedName, typed: Given) -> None:
    block_sender(index, by, typed.get("sender", ""), True)


def _form(path: str, taking: Page) -> Route:
    return Route(f"{PAGE}/{path}", taking, methods=["POST"])


ROUTES = [
    Route(PAGE, show),
    Route(f"{PAGE}/people.json", exported),
    Route(f"{PAGE}/people.csv", exported),
    _form("invite", _taking(_invite, "invited")),
    _form("invitations/{id:int}/withdraw", _taking(_withdraw_invitation, "invitation-withdrawn")),
    _form("propose", _taking(_propose, "removal-proposed")),
    _form("proposals/{id:int}/withdraw", _taking(_withdraw_proposal, "removal-withdrawn")),
    _form("proposals/{id:int}/object", _taking(_object, "removal-objected")),
    _form("proposals/{id:int}/consent", _taking(_consent, "removal-consented", back=projects.PAGE)),
    _form("remove", _taking(_remove, "removed")),
    _form("leave", _taking(_leave, "left", back=projects.PAGE)),
    _form("message", _taking(_message, "message-sent")),
    _form("block", _taking(_block, "sender-blocked")),
]
