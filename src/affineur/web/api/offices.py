"""Those who look after the index: the accounts, offices, and freezing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from affineur.actions import freeze as freezing
from affineur.actions.offices import set_office
from affineur.core.access import Kind, Office
from affineur.core.decision import refuse
from affineur.core.standing import REASON_LIMIT
from affineur.shell.store import accounts, directory
from affineur.shell.store.directory import Wanted

from .operation import Call, Input, Listing, Operation, Output


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


def list_accounts(call: Call) -> Listing:
    """By name."""
    asked: WhichAccounts = call.query
    kind: Kind | None = "automation" if asked.which == "machines" else None
    wanted = Wanted(asked.text, kind, in_office=asked.which == "offices", frozen=asked.which == "frozen")
    with call.index.store.read() as connection:
        found = directory.listed(connection, wanted, after=call.page.after or "", limit=call.page.limit + 1)
        rows = [accounts.by_id(connection, each.id) for each in found[: call.page.limit]]
    shown = [_shown(each) for each in rows if each is not None]
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


def _account(call: Call) -> Account:
    name = call.path["account"]
    with call.index.store.read() as connection:
        found = accounts.find(connection, name)
    if found is None:
        refuse("account.exists", f"There is no account '{name[:100]}' on this index.", "Check its name.")
    return _shown(found)


def _shown(found: accounts.AccountRow) -> Account:
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
