"""Automation accounts: make them, answer for them, make and revoke their tokens, retire them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, TypeVar

import msgspec

from affineur.actions import machines as acts
from affineur.actions import sponsors as asking
from affineur.actions.machine_access import require
from affineur.core.names import parse_name
from affineur.core.people.caveats import TokenAction
from affineur.shell.store import sponsors, tokens
from affineur.shell.store.sponsors import Machine, MachineState

from .operation import Call, Input, Listing, Made, Operation, Output, Page

Shown = TypeVar("Shown")

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class NewMachine(Input):
    """The name of a new automation account."""

    name: _Name


class Invitation(Input):
    """Who is asked to answer for it."""

    account: _Name


class Answer(Input):
    """Whether one will answer for it."""

    answer: Literal["accept", "refuse"]


class NewMachineToken(Input):
    """What a token is for. ``projects`` may be empty for one that only reads."""

    actions: list[TokenAction]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    projects: Annotated[list[_Name], msgspec.Meta(max_length=100)] = msgspec.field(default_factory=list)
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""


class SponsorOut(Output):
    """Somebody who answers for it."""

    account: str
    since: datetime


class RoleOut(Output):
    """A role it holds."""

    project: str
    role: str


class MachineOut(Output):
    """An automation account. ``state``: whether it works, and if not, why."""

    name: str
    state: MachineState
    created_at: datetime
    paused_from: datetime | None
    """From when it is, or will be, paused for want of people who answer for it."""
    sponsors: list[SponsorOut]
    roles: list[RoleOut]


class MachineTokenOut(Output):
    """A token of it, in force."""

    id: str
    label: str
    actions: list[TokenAction]
    projects: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewToken(Output):
    """A new token. Its text is told once."""

    id: str
    token: str
    expires_at: datetime | None


class Sponsorship(Output):
    """Whether somebody answers for a machine now, and whether this changed it."""

    machine: str
    account: str
    answers: bool
    changed: bool


class OfferOut(Output):
    """An invitation to answer for a machine."""

    id: str
    machine: str
    account: str
    by: str
    expires_at: datetime


class OfferMade(Output):
    """The id of an invitation."""

    id: str


def list_machines(call: Call) -> Listing:
    """Those the caller answers for."""
    with call.index.store.read() as connection:
        found = sponsors.machines(connection, call.actor.account_id)
    return _part([_shown(each, call.now) for each in found], call.page, lambda each: each.name)


def create(call: Call) -> Made:
    """A new one."""
    acts.create_machine(call.index, call.caller, call.body.name)
    return Made(_machine(call, call.body.name), call.body.name, f"/machines/{call.body.name}")


def show(call: Call) -> MachineOut:
    """One of them."""
    return _machine(call, call.path["machine"])


def retire(call: Call) -> None:
    """End it."""
    acts.retire_machine(call.index, call.caller, call.path["machine"])


def invite(call: Call) -> Made:
    """Ask somebody to answer for it."""
    name = call.path["machine"]
    key = asking.invite_sponsor(call.index, call.caller, name, call.body.account)
    return Made(OfferMade(id=key), key, "/machine-invitations")


def set_sponsor(call: Call, *, answers: bool) -> Sponsorship:
    """Say who answers for it, as an operator."""
    machine, account = call.path["machine"], call.path["account"]
    changed = asking.set_sponsor(call.index, call.caller, machine, account, answers)
    return Sponsorship(machine=machine, account=account, answers=answers, changed=changed)


def leave(call: Call) -> None:
    """Cease to answer for it."""
    asking.leave_machine(call.index, call.caller, call.path["machine"])


def list_offers(call: Call) -> Listing:
    """Invitations to the caller."""
    with call.index.store.read() as connection:
        found = sponsors.offers(connection, call.now, invited_id=call.actor.account_id)
    shown = [OfferOut(each.id, each.machine, each.invited, each.by, each.expires_at) for each in found]
    return _part(shown, call.page, lambda each: each.id)


def answer(call: Call) -> None:
    """Accept or refuse."""
    accepts = call.body.answer == "accept"
    asking.answer_sponsor_offer(call.index, call.caller, call.path["invitation"], accepts)


def withdraw(call: Call) -> None:
    """Take an invitation back."""
    asking.withdraw_sponsor_offer(call.index, call.caller, call.path["invitation"])


def list_tokens(call: Call) -> Listing:
    """Its tokens in force."""
    with call.index.store.read() as connection:
        found = require(connection, call.actor, "see-machine", call.path["machine"], call.now)
        held = [each for each in tokens.listed(connection, found.id) if each.state(call.now) == "valid"]
    shown = [
        MachineTokenOut(
            id=each.id,
            label=each.label,
            actions=sorted(each.grant.actions),
            projects=None if each.grant.projects is None else sorted(each.grant.projects),
            created_at=each.created_at,
            expires_at=each.expires_at,
            last_used_at=each.last_used_at,
        )
        for each in held
    ]
    return _part(shown, call.page, lambda each: each.id)


def create_token(call: Call) -> Made:
    """A token for it."""
    body: NewMachineToken = call.body
    name = call.path["machine"]
    made = acts.create_machine_token(
        call.index,
        call.caller,
        name,
        actions=body.actions,
        projects=[parse_name(each) for each in body.projects],
        expires_at=body.expires_at,
        label=body.label,
    )
    told = NewToken(id=made.id, token=made.secret, expires_at=made.expires_at)
    return Made(told, made.id, f"/machines/{name}/tokens/{made.id}")


def revoke_token(call: Call) -> None:
    """Revoke one."""
    acts.revoke_machine_token(call.index, call.caller, call.path["machine"], call.path["token"])


def _part(items: list[Shown], page: Page, key: Callable[[Shown], str]) -> Listing:
    """The items after the one whose key was given as the position; all of them are few."""
    keys = [key(each) for each in items]
    start = keys.index(page.after) + 1 if page.after in keys else 0
    end = start + page.limit
    return Listing(items[start:end], keys[end - 1] if end < len(items) else None)


def _machine(call: Call, name: str) -> MachineOut:
    with call.index.store.read() as connection:
        return _shown(require(connection, call.actor, "see-machine", name, call.now), call.now)


def _shown(found: Machine, now: datetime) -> MachineOut:
    return MachineOut(
        name=found.name,
        state=found.state(now),
        created_at=found.created_at,
        paused_from=found.paused_from,
        sponsors=[SponsorOut(account=each.name, since=each.since) for each in found.sponsors],
        roles=[RoleOut(project=project, role=role) for project, role in found.roles],
    )


OPERATIONS = (
    Operation(
        method="GET", path="/machines", name="listMachines", tag="machines",
        summary="The automation accounts that the caller answers for.",
        handler=list_machines, answer=MachineOut, paged=True, needs="see-account",
    ),
    Operation(
        method="POST", path="/machines", name="createMachine", tag="machines",
        summary="Make an automation account, which waits until a second person answers for it.",
        handler=create, body=NewMachine, answer=MachineOut, status=201, needs="create-machine",
    ),
    Operation(
        method="GET", path="/machines/{machine}", name="getMachine", tag="machines",
        summary="One automation account.", handler=show, answer=MachineOut, needs="see-machine",
    ),
    Operation(
        method="DELETE", path="/machines/{machine}", name="retireMachine", tag="machines",
        summary="End it: tokens and roles go, the name is never given again.",
        handler=retire, status=204, needs="retire-machine",
    ),
    Operation(
        method="POST", path="/machines/{machine}/invitations", name="inviteSponsor", tag="machines",
        summary="Ask somebody to answer for it.",
        handler=invite, body=Invitation, answer=OfferMade, status=201, needs="run-machine",
    ),
    Operation(
        method="PUT", path="/machines/{machine}/sponsors/{account}", name="addSponsor", tag="machines",
        summary="Let somebody answer for it who agreed to that elsewhere, as an operator.",
        handler=partial(set_sponsor, answers=True), answer=Sponsorship, needs="set-sponsors",
    ),
    Operation(
        method="DELETE", path="/machines/{machine}/sponsors/{account}", name="removeSponsor", tag="machines",
        summary="Let somebody cease to answer for it, as an operator; never the last one.",
        handler=partial(set_sponsor, answers=False), answer=Sponsorship, needs="set-sponsors",
    ),
    Operation(
        method="DELETE", path="/machines/{machine}/sponsorship", name="leaveMachine", tag="machines",
        summary="Cease to answer for it.", handler=leave, status=204, needs="release-machine",
    ),
    Operation(
        method="GET", path="/machine-invitations", name="listMachineInvitations", tag="machines",
        summary="Invitations to the caller to answer for an automation account.",
        handler=list_offers, answer=OfferOut, paged=True, needs="see-account",
    ),
    Operation(
        method="POST", path="/machine-invitations/{invitation}", name="answerMachineInvitation", tag="machines",
        summary="Accept or refuse to answer for an automation account.",
        handler=answer, body=Answer, status=204,
    ),
    Operation(
        method="DELETE", path="/machine-invitations/{invitation}", name="withdrawMachineInvitation", tag="machines",
        summary="Take an invitation back that was not answered.", handler=withdraw, status=204, needs="run-machine",
    ),
    Operation(
        method="GET", path="/machines/{machine}/tokens", name="listMachineTokens", tag="machines",
        summary="Its tokens in force.", handler=list_tokens, answer=MachineTokenOut, paged=True, needs="see-machine",
    ),
    Operation(
        method="POST", path="/machines/{machine}/tokens", name="createMachineToken", tag="machines",
        summary="Make a token for it, which ends and is for certain projects.",
        handler=create_token, body=NewMachineToken, answer=NewToken, status=201, needs="run-machine", secret=True,
    ),
    Operation(
        method="DELETE", path="/machines/{machine}/tokens/{token}", name="revokeMachineToken", tag="machines",
        summary="Revoke a token of it.", handler=revoke_token, status=204, needs="revoke-machine-token",
    ),
)  # fmt: skip
