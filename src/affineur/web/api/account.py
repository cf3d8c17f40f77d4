"""The account that calls: who am I, and what may this token do?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from affineur.core.access import Kind, Office
from affineur.core.caveats import TokenAction
from affineur.shell.store.schema import token

from .operation import Call, Operation, Output


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
)
