"""Those who look after the index: the accounts, invitations to make one, offices, and freezing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from affineur.actions import freeze as freezing
from affineur.actions import invite_account as inviting
from affineur.actions.offices import set_office
from affineur.core.decision import Refused
from affineur.core.life.standing import REASON_LIMIT
from affineur.core.people.accounts import unknown
from affineur.core.permissions import Kind, Office
from affineur.shell.store import accounts, directory
from affineur.shell.store.directory import Wanted

from .operation import Call, Input, Listing, Made, Operation, Output

Email = Annotated[str, msgspec.Meta(min_length=1, max_length=254, description="An e-mail address.")]


class WhichAccounts(Input):
    """Which accounts are asked for."""

    text: Annotated[str, msgspec.Meta(max_length=254, description="In the name, or the whole address.")] = ""
    which: Literal["all", "offices", "machines", "frozen"] = "all"


class Account(Output):
    """An account."""

    name: str
    kind: Kind
    office: Office | None
    created_at: datetime
    frozen_at: datetime | None
    frozen_reason: str | None


class Freeze(Input):
    """Why an account is frozen: mailed to its holder."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_LIMIT)]


class NewOffice(Input):
    """The office an account is to hold; null: none."""

    office: Office | None


class NewInvitation(Input):
    """Who is invited to make an account, and what it is to be on this index; null: nothing but an account."""

    email: Email
    office: Office | None = None


class Withdrawal(Input):
    """Whose invitation is taken back."""

    email: Email


class AccountInvitation(Output):
    """An open invitation to make an account. Its link is mailed, and told nobody else."""

    email: str
    office: Office | None
    expires_at: datetime


def list_accounts(call: Call) -> Listing:
    """By name."""
    asked: WhichAccounts = call.query
    kind: Kind | None = "automation" if asked.which == "machines" else None
    wanted = Wanted(asked.text, kind, in_office=asked.which == "offices", frozen=asked.which == "frozen")
    with call.index.store.read() as connection:
        found = directory.listed(connection, wanted, after=call.page.after or "", limit=call.page.limit + 1)
    shown = [_shown(each) for each in found[: call.page.limit]]
    return Listing(shown, shown[-1].name.lower() if len(found) > call.page.limit else None)


def get_account(call: Call) -> Account:
    """One account."""
    return _account(call)


def freeze(call: Call) -> Account:
    """Stop it."""
    freezing.freeze(call.index, call.caller, call.path["account"], call.body.reason)
    return _account(call)


def thaw(call: Call) -> Account:
    """Let it go on."""
    freezing.thaw(call.index, call.caller, call.path["account"])
    return _account(call)


def give_office(call: Call) -> Account:
    """Give it an office, another one, or none."""
    set_office(call.index, call.caller, call.path["account"], call.body.office)
    return _account(call)


def list_invitations(call: Call) -> Listing:
    """Those that are open, newest first."""
    found = [_invitation(each) for each in inviting.invitations(call.index, call.caller)]
    start = call.page.after_number or 0
    end = start + call.page.limit
    return Listing(found[start:end], str(end) if end < len(found) else None)


def invite(call: Call) -> Made:
    """Mail somebody a link."""
    made = inviting.invite_account(call.index, call.caller, call.body.email, call.body.office)
    return Made(_invitation(made), made.address, "/invitations")


def withdraw(call: Call) -> None:
    """End the link of somebody, if there is one."""
    inviting.withdraw_invitation(call.index, call.caller, call.body.email)


def _invitation(found: inviting.Invitation) -> AccountInvitation:
    return AccountInvitation(email=found.address, office=found.office, expires_at=found.expires_at)


def _account(call: Call) -> Account:
    name = call.path["account"]
    with call.index.store.read() as connection:
        found = accounts.find(connection, name)
    if found is None:
        raise Refused(unknown(name))
    return _shown(found)


def _shown(found: accounts.AccountRow | directory.Listed) -> Account:
    return Account(
        name=found.name,
        kind=found.kind,
        office=found.office,
        created_at=found.created_at,
        frozen_at=found.frozen_at,
        frozen_reason=found.frozen_reason,
    )


OPERATIONS = (
    Operation(
        method="GET", path="/invitations", name="listAccountInvitations", tag="offices",
        summary="The open invitations to make an account: for those who hold an office.",
        handler=list_invitations, answer=AccountInvitation, paged=True, needs="see-accounts",
    ),
    Operation(
        method="POST", path="/invitations", name="inviteAccount", tag="offices",
        summary="Invite whoever reads mail to an address to make an account; an earlier link of theirs ends.",
        handler=invite, body=NewInvitation, answer=AccountInvitation, status=201, needs="invite-account",
    ),
    Operation(
        method="POST", path="/invitations/withdraw", name="withdrawAccountInvitation", tag="offices",
        summary="Take an invitation to make an account back.", handler=withdraw, body=Withdrawal, status=204,
        needs="invite-account", idempotent=True,
    ),
    Operation(
        method="GET", path="/accounts", name="listAccounts", tag="offices",
        summary="The accounts of the index, by name: for those who hold an office.",
        handler=list_accounts, query=WhichAccounts, answer=Account, paged=True, needs="see-accounts",
    ),
    Operation(
        method="GET", path="/accounts/{account}", name="getAnyAccount", tag="offices",
        summary="One account: for those who hold an office.",
        handler=get_account, answer=Account, needs="see-accounts",
    ),
    Operation(
        method="PUT", path="/accounts/{account}/freeze", name="freezeAccount", tag="offices",
        summary="Freeze an account: its tokens and sessions pause at once, nothing else changes.",
        handler=freeze, body=Freeze, answer=Account, needs="freeze",
    ),
    Operation(
        method="DELETE", path="/accounts/{account}/freeze", name="thawAccount", tag="offices",
        summary="Lift the freeze of an account.", handler=thaw, answer=Account, needs="freeze",
    ),
    Operation(
        method="PUT", path="/accounts/{account}/office", name="setOffice", tag="offices",
        summary="Give an account an office on the index, another one, or none.",
        handler=give_office, body=NewOffice, answer=Account, needs="set-office",
    ),
)  # fmt: skip
