"""Roles on projects through the API: who has them, invitations, removals, leaving, and messages among the people.

What does not live here: the acts themselves (`actions.invite` and its neighbours), who sees what
(`web.project_people`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from affineur.actions.answer_invitation import accept_invitation, refuse_invitation
from affineur.actions.grant import set_role
from affineur.actions.invite import invite, withdraw_invitation
from affineur.actions.leave import leave
from affineur.actions.message import accept_messages, block_sender, message
from affineur.actions.propose_removal import propose_removal, withdraw_proposal
from affineur.actions.settle_removal import consent_to_removal, object_to_removal, remove
from affineur.core.access import Resource, may, publishers_only
from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName, parse_name
from affineur.core.people import roles
from affineur.core.permissions import Action, Role
from affineur.core.security import Caller
from affineur.shell.index import Index
from affineur.shell.store import grants, offers
from affineur.web import project_people
from affineur.web.project_people import Person, ProjectPeople

from .operation import Call, Input, Listing, Made, Operation, Output

Account = Annotated[str, msgspec.Meta(min_length=1, max_length=100, description="The name of an account.")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=roles.LONGEST_REASON, description="Read by the owners.")]


class InvitationRequest(Input):
    """Whom to invite, and to what."""

    whom: Annotated[
        str, msgspec.Meta(min_length=1, max_length=254, description="The name of an account, or an e-mail address.")
    ]
    role: Role


class RemovalRequest(Input):
    """Whose removal is proposed, and why."""

    account: Account
    reason: Words


class Objection(Input):
    """Why somebody objects."""

    objection: Words


class GivenRole(Input):
    """The role that is given."""

    role: Role


class Message(Input):
    """A message to the people of a project. ``to``: one of them; null: all."""

    topic: Annotated[str, msgspec.Meta(description=f"One of {', '.join(roles.TOPICS)}.")]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=roles.LONGEST_MESSAGE)]
    to: Account | None = None


class Messaging(Input):
    """Whether messages from people who share a project are taken."""

    accepts: bool


class HeldRole(Output):
    """A role of the caller's."""

    project: str
    role: Role
    granted_at: datetime
    last_release: str | None
    last_release_at: datetime | None
    trusted_publishers_only: bool


class OpenInvitation(Output):
    """An invitation that has not been answered. ``whom``: as the inviter named them."""

    id: int
    project: str
    whom: str
    role: Role
    by: str | None
    created_at: datetime
    expires_at: datetime


class Removal(Output):
    """A proposal to remove somebody. ``outcome`` is null until it is settled."""

    id: int
    project: str
    account: str
    by: str | None
    reason: str
    created_at: datetime
    due_at: datetime
    outcome: roles.Outcome | None
    objection: str | None


class Proposed(Output):
    """What a proposal came to. ``id`` is null where the role ended at once: a machine's."""

    id: int | None


def my_projects(call: Call) -> Listing:
    """The roles of the caller, by project."""
    me = _me(call, "see-account")
    with call.index.store.read() as connection:
        held = grants.held_by(connection, me)
    items = [
        HeldRole(
            project=each.project,
            role=each.role,
            granted_at=each.granted_at,
            last_release=each.version,
            last_release_at=each.released_at,
            trusted_publishers_only=publishers_only(each.publishers_only, each.publishers_only_ends_at, call.now),
        )
        for each in held
    ]
    return _part(call, items)


def my_invitations(call: Call) -> Listing:
    """The invitations that the caller can answer."""
    me = _me(call, "see-account")
    with call.index.store.read() as connection:
        return _part(call, [_invitation(each) for each in offers.open_for(connection, me, call.now)])


def people(call: Call) -> Listing:
    """The people of a project, as the caller may see them."""
    return _part(call, _seen(call).people)


def invitations(call: Call) -> Listing:
    """The open invitations to a project; for its owners."""
    return _part(call, [_invitation(each) for each in _seen(call).invitations])


def removals(call: Call) -> Listing:
    """Proposals on a project: owners see all, others those about themselves."""
    found = _seen(call)
    items = [
        Removal(
            id=each.id,
            project=each.project,
            account=each.account,
            by=each.by,
            reason=each.reason,
            created_at=each.created_at,
            due_at=each.due_at,
            outcome=each.outcome,
            objection=each.objection,
        )
        for each in (*found.proposals, *found.settled)
    ]
    return _part(call, items)


def make_invitation(call: Call) -> Made:
    """Invite somebody."""
    name = _project(call)
    made = invite(call.index, call.caller, name, call.body.whom, call.body.role)
    answer = OpenInvitation(
        id=made.id,
        project=name,
        whom=made.whom,
        role=call.body.role,
        by=call.actor.name or None,
        created_at=call.now,
        expires_at=made.expires_at,
    )
    return Made(answer, str(made.id), f"/projects/{name}/invitations/{made.id}")


def make_removal(call: Call) -> Proposed:
    """Propose to remove somebody."""
    return Proposed(id=propose_removal(call.index, call.caller, _project(call), call.body.account, call.body.reason))


def give_role(call: Call) -> None:
    """Give a role without asking, as an operator."""
    set_role(call.index, call.caller, _project(call), call.path["account"], call.body.role)


def take_role(call: Call) -> None:
    """Remove somebody at once, as a moderator."""
    remove(call.index, call.caller, _project(call), call.path["account"])


def leave_project(call: Call) -> None:
    """Give up one's own role."""
    leave(call.index, call.caller, _project(call))


def send_message(call: Call) -> None:
    """Write to the people of a project."""
    message(call.index, call.caller, _project(call), call.body.topic, call.body.text, call.body.to)


def set_messaging(call: Call) -> None:
    """Take messages, or none."""
    accept_messages(call.index, call.caller, call.body.accepts)


def object_to(call: Call) -> None:
    """Object to one's own removal."""
    object_to_removal(call.index, call.caller, _number(call, "removal", roles.NO_PROPOSAL), call.body.objection)


def stop_sender(call: Call) -> None:
    """Stop somebody's messages."""
    block_sender(call.index, call.caller, call.path["account"], True)


def admit_sender(call: Call) -> None:
    """Let somebody's messages through again."""
    block_sender(call.index, call.caller, call.path["account"], False)


def _on(name: str, missing: Decision, act: Callable[[Index, Caller, int], object]) -> Callable[[Call], None]:
    """A handler that does ``act`` to the invitation or removal that the path names."""

    def handler(call: Call) -> None:
        act(call.index, call.caller, _number(call, name, missing))

    return handler


def _number(call: Call, name: str, missing: Decision) -> int:
    text = call.path[name]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(missing)
    return int(text)


def _part(call: Call, items: Sequence[object]) -> Listing:
    """The part of a list that is asked for, by place; all of them are few."""
    start = call.page.after_number or 0
    end = start + call.page.limit
    return Listing(items[start:end], str(end) if end < len(items) else None)


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _seen(call: Call) -> ProjectPeople:
    with call.index.store.read() as connection:
        return project_people.seen(connection, call.actor, _project(call), call.now)


def _me(call: Call, action: Action) -> int:
    may(call.actor, action, Resource(account_id=call.actor.account_id), call.now).require()
    assert call.actor.account_id is not None  # noqa: S101 - only who has an account has one of their own
    return call.actor.account_id


def _invitation(each: offers.Invitation) -> OpenInvitation:
    return OpenInvitation(
        id=each.id,
        project=each.project,
        whom=each.whom,
        role=each.role,
        by=each.by,
        created_at=each.created_at,
        expires_at=each.expires_at,
    )


_PROJECT = "/projects/{project}"


def _read(
    path: str, name: str, summary: str, handler: Callable[[Call], object], answer: type, needs: Action
) -> Operation:
    return Operation(method="GET", path=path, name=name, summary=summary, tag="roles", handler=handler, answer=answer,
                     needs=needs, paged=True)  # fmt: skip


def _do(method: str, path: str, name: str, summary: str, handler: Callable[[Call], object], needs: Action,
        body: type[Input] | None = None) -> Operation:  # fmt: skip
    return Operation(method=method, path=path, name=name, summary=summary, tag="roles",  # type: ignore[arg-type]
                     handler=handler, body=body, status=204, needs=needs)  # fmt: skip


OPERATIONS = (
    _read("/account/projects", "getMyProjects", "The projects on which the caller has a role.", my_projects, HeldRole,
          "see-account"),
    _read("/account/invitations", "getMyInvitations", "The invitations that the caller can answer.", my_invitations,
          OpenInvitation, "see-account"),
    _do("POST", "/account/invitations/{invitation}/accept", "acceptInvitation", "Accept an invitation to a role.",
        _on("invitation", roles.NO_INVITATION, accept_invitation), "answer-invitation"),
    _do("POST", "/account/invitations/{invitation}/refuse", "refuseInvitation", "Refuse an invitation to a role.",
        _on("invitation", roles.NO_INVITATION, refuse_invitation), "answer-invitation"),
    _do("PUT", "/account/messaging", "setMessaging", "Take messages from people who share a project, or none.",
        set_messaging, "manage-account", Messaging),
    _do("PUT", "/account/messaging/blocked/{account}", "blockSender", "Take no messages from somebody.", stop_sender,
        "manage-account"),
    _do("DELETE", "/account/messaging/blocked/{account}", "unblockSender", "Take messages from somebody again.",
        admit_sender, "manage-account"),
    _read(f"{_PROJECT}/people", "getPeople", "The people of a project; owners see more of it.", people, Person,
          "see-people"),
    _do("PUT", f"{_PROJECT}/people/{{account}}", "giveRole", "Give a role without asking, as an operator.", give_role,
        "grant", GivenRole),
    _do("DELETE", f"{_PROJECT}/people/{{account}}", "removePerson", "Remove somebody at once, as a moderator.",
        take_role, "remove"),
    _do("POST", f"{_PROJECT}/leave", "leaveProject", "Give up one's own role.", leave_project, "leave"),
    _read(f"{_PROJECT}/invitations", "getInvitations", "The open invitations to a project, for its owners.",
          invitations, OpenInvitation, "see-people"),
    Operation(method="POST", path=f"{_PROJECT}/invitations", name="invite", tag="roles",
              summary="Invite an account, or whoever has an address, to a role.", handler=make_invitation,
              body=InvitationRequest, answer=OpenInvitation, status=201, needs="invite"),
    _do("DELETE", f"{_PROJECT}/invitations/{{invitation}}", "withdrawInvitation", "Withdraw an invitation.",
        _on("invitation", roles.NO_INVITATION, withdraw_invitation), "invite"),
    _read(f"{_PROJECT}/removals", "getRemovals", "Proposals to remove somebody: to owners, and about the caller.",
          removals, Removal, "see-people"),
    Operation(method="POST", path=f"{_PROJECT}/removals", name="proposeRemoval", tag="roles",
              summary="Propose to remove somebody, who has 14 days to object.", handler=make_removal,
              body=RemovalRequest, answer=Proposed, needs="propose-removal"),
    _do("DELETE", f"{_PROJECT}/removals/{{removal}}", "withdrawRemoval", "Withdraw one's own proposal.",
        _on("removal", roles.NO_PROPOSAL, withdraw_proposal), "propose-removal"),
    _do("POST", f"{_PROJECT}/removals/{{removal}}/object", "objectToRemoval", "Object to one's own removal.",
        object_to, "message", Objection),
    _do("POST", f"{_PROJECT}/removals/{{removal}}/consent", "consentToRemoval", "Agree to one's own removal, at once.",
        _on("removal", roles.NO_PROPOSAL, consent_to_removal), "leave"),
    _do("POST", f"{_PROJECT}/messages", "sendMessage", "Write to the people of a project; no address is shown.",
        send_message, "message", Message),
)  # fmt: skip
