"""The account that calls: who am I, what may this token do, where is mail sent, where am I signed in?

Programs that read addresses and sessions, or end them, show a token for managing. What does not live here: adding
and removing addresses and passwords, for which no token is enough (`web.pages.account`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from affineur.actions.beginning import public_id
from affineur.actions.end_sessions import end_others, end_session
from affineur.actions.message import accept_messages
from affineur.core.decision import refuse
from affineur.core.people.caveats import TokenAction
from affineur.core.people.devices import spoken
from affineur.core.permissions import Kind, Office
from affineur.shell.store import emails, sessions
from affineur.shell.store.schema import token

from .operation import Call, Input, Listing, Operation, Output


class TokenInHand(Output):
    """The token of the request, and what it was narrowed to."""

    id: str
    label: str
    actions: list[TokenAction]
    projects: list[str] | None
    """Null: every project that the account may act on."""
    created_at: datetime
    expires_at: datetime | None
    """As it was made; its holder may have narrowed it to end earlier."""


class Caller(Output):
    """Who calls."""

    name: str
    kind: Kind
    office: Office | None
    via: Literal["token", "session"]
    token: TokenInHand | None


def who_am_i(call: Call) -> Caller:
    """The caller as this index sees it."""
    actor = call.actor
    return Caller(
        name=actor.name,
        kind=actor.kind,
        office=actor.office,
        via="session" if actor.token_id is None else "token",
        token=_token_of(call),
    )


def _token_of(call: Call) -> TokenInHand | None:
    actor = call.actor
    query = sa.select(token.c.id, token.c.label, token.c.created_at, token.c.expires_at)
    with call.index.store.read() as connection:
        row = connection.execute(query.where(token.c.id == actor.token_id)).first()
    if row is None:  # signed in, and not by a token
        return None
    return TokenInHand(
        id=row.id,
        label=row.label,
        actions=sorted(actor.actions),
        projects=None if actor.projects is None else sorted(actor.projects),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


class AccountChange(Input):
    """What a holder can change by program. Addresses and passwords are changed where somebody is signed in."""

    accepts_messages: bool
    """Whether people who share a project with the account can write to it."""


class EmailAddress(Output):
    """An address of the account."""

    id: int
    address: str
    is_primary: bool
    added_at: datetime
    verified_at: datetime | None
    failed_at: datetime | None
    """Since when mail to it is refused for good."""


class OpenSession(Output):
    """Where the account is signed in."""

    id: str
    device: str
    """As the browser calls itself; nothing holds it to the truth."""
    address: str
    """As far as this index keeps addresses."""
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class EndedSessions(Output):
    """How many sessions have ended."""

    ended: int


def change_account(call: Call) -> Caller:
    """Change what can be changed by program; the account as it is now."""
    accept_messages(call.index, call.caller, call.body.accepts_messages)
    return who_am_i(call)


def list_emails(call: Call) -> Listing:
    """The addresses of the account, the primary one first."""
    key = _own(call)
    with call.index.store.read() as connection:
        rows = emails.listed(connection, key)
    return _part(call, [
        EmailAddress(row.id, row.address, row.is_primary, row.added_at, row.verified_at, row.failed_at) for row in rows
    ])  # fmt: skip


def list_sessions(call: Call) -> Listing:
    """The sessions of the account, newest use first."""
    key = _own(call)
    with call.index.store.read() as connection:
        rows = sessions.listed(connection, key, call.now)
    return _part(call, [
        OpenSession(public_id(row.id), spoken(row.user_agent), row.address, row.created_at, row.seen_at, row.expires_at)
        for row in rows
    ])  # fmt: skip


def end_one(call: Call) -> None:
    """End a session."""
    end_session(call.index, call.caller, call.path["id"])


def end_all(call: Call) -> EndedSessions:
    """End every session."""
    return EndedSessions(end_others(call.index, call.caller, None))


def _own(call: Call) -> int:
    if call.actor.account_id is None:
        refuse("access.own", "A trusted publisher has no account.", "Use a token of an account.")
    return call.actor.account_id


def _part(call: Call, items: Sequence[object]) -> Listing:
    """The part of a short list that is asked for; positions are numbers."""
    after = call.page.after or "0"
    first = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0
    last = first + call.page.limit
    return Listing(items[first:last], str(last) if last < len(items) else None)


OPERATIONS = (
    Operation(
        method="GET",
        path="/account",
        name="getAccount",
        summary="Who calls, by which token, and what it may do.",
        tag="account",
        handler=who_am_i,
        answer=Caller,
    ),
    Operation(
        method="PATCH",
        path="/account",
        name="changeAccount",
        summary="Change what programs can change of an account; addresses and passwords take somebody signed in.",
        tag="account",
        handler=change_account,
        body=AccountChange,
        answer=Caller,
        needs="manage-account",
        idempotent=True,
    ),
    Operation(
        method="GET",
        path="/account/emails",
        name="listEmails",
        summary="The addresses of the account, the primary one first.",
        tag="account",
        handler=list_emails,
        answer=EmailAddress,
        needs="manage-account",
        paged=True,
    ),
    Operation(
        method="GET",
        path="/account/sessions",
        name="listSessions",
        summary="Where the account is signed in, newest use first.",
        tag="account",
        handler=list_sessions,
        answer=OpenSession,
        needs="manage-account",
        paged=True,
    ),
    Operation(
        method="DELETE",
        path="/account/sessions",
        name="endSessions",
        summary="End every session of the account; tokens go on.",
        tag="account",
        handler=end_all,
        answer=EndedSessions,
        needs="manage-account",
    ),
    Operation(
        method="DELETE",
        path="/account/sessions/{id}",
        name="endSession",
        summary="End one session of the account.",
        tag="account",
        handler=end_one,
        status=204,
        needs="manage-account",
    ),
)
