"""Tokens of the account that calls: list them, make one, revoke one.

Narrowing needs no request: whoever holds a token does that alone (`affineur token narrow`). Confirming one is done
where somebody is signed in, never with the token itself. What does not live here: the acts (`actions.tokens`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from affineur.actions.tokens import create_token, revoke_token
from affineur.core.decision import refuse
from affineur.core.names import parse_name
from affineur.core.people.caveats import TokenAction, scope_of
from affineur.core.people.tokens import LONGEST_LABEL, USUAL_ACTIONS
from affineur.shell.store import tokens
from affineur.shell.store.tokens import TokenRow

from .operation import Call, Input, Listing, Made, Operation, Output

_MOST_PROJECTS = 200


class TokenWanted(Input):
    """What the new token is for."""

    label: Annotated[str, msgspec.Meta(max_length=LONGEST_LABEL, description="Where it will lie.")] = ""
    actions: Annotated[list[TokenAction], msgspec.Meta(min_length=1, max_length=5)] = msgspec.field(
        default_factory=lambda: list(USUAL_ACTIONS)
    )
    projects: Annotated[list[str], msgspec.Meta(min_length=1, max_length=_MOST_PROJECTS)] | None = None
    """Null: every project that the account may act on."""
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """Null: as late as this index allows."""


class TokenListed(Output):
    """A token; the secret is not known any more."""

    id: str
    label: str
    actions: list[TokenAction]
    projects: list[str] | None
    may: str
    """The same in words, as the end of "It may …"."""
    state: Literal["valid", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_because: str | None
    last_used_at: datetime | None
    last_used_address: str | None


class TokenMade(Output):
    """A new token. ``token`` is its secret, told only now."""

    id: str
    token: str
    expires_at: datetime | None


def list_tokens(call: Call) -> Listing:
    """The tokens of the account, newest first."""
    key = call.actor.account_id
    if key is None:  # a trusted publisher has none but the one it calls with
        return Listing([])
    with call.index.store.read() as connection:
        rows = tokens.listed(connection, key)
    after = call.page.after
    start = 0 if after is None else next((n for n, row in enumerate(rows, 1) if row.id == after), len(rows))
    shown = rows[start : start + call.page.limit]
    return Listing([_listed(row, call.now) for row in shown], shown[-1].id if start + len(shown) < len(rows) else None)


def get_token(call: Call) -> TokenListed:
    """One token of the account that calls; ``token.exists`` where it has no such one."""
    with call.index.store.read() as connection:
        found = tokens.find(connection, call.path["token"])
    if found is None or found.account_id is None or found.account_id != call.actor.account_id:
        refuse("token.exists", "There is no such token of yours.", "The list of tokens shows them.")
    return _listed(found, call.now)


def make_token(call: Call) -> Made:
    """Make a token for the account that calls."""
    wanted: TokenWanted = call.body
    made = create_token(
        call.index,
        call.caller,
        call.actor.name,
        label=wanted.label,
        actions=wanted.actions,
        projects=None if wanted.projects is None else [parse_name(name) for name in wanted.projects],
        expires_at=wanted.expires_at,
    )
    return Made(TokenMade(id=made.id, token=made.secret, expires_at=made.expires_at), made.id, f"/tokens/{made.id}")


def revoke(call: Call) -> None:
    """Revoke a token of the account that calls: the one in hand, too."""
    revoke_token(call.index, call.caller, call.path["token"], "revoked through the API")


def _listed(row: TokenRow, now: datetime) -> TokenListed:
    grant = row.grant
    return TokenListed(
        id=row.id,
        label=row.label,
        actions=sorted(grant.actions),
        projects=None if grant.projects is None else sorted(grant.projects),
        may=scope_of(grant),
        state=row.state(now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_because=row.revoked_because,
        last_used_at=row.last_used_at,
        last_used_address=row.last_used_address,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/tokens",
        name="listTokens",
        summary="The tokens of the account that calls, newest first.",
        tag="tokens",
        handler=list_tokens,
        answer=TokenListed,
        needs="see-account",
        paged=True,
    ),
    Operation(
        method="POST",
        path="/tokens",
        name="createToken",
        summary="Make a token. It takes one that may manage and was confirmed within five minutes; it is told once.",
        tag="tokens",
        handler=make_token,
        body=TokenWanted,
        answer=TokenMade,
        status=201,
        needs="create-token",
        secret=True,
    ),
    Operation(
        method="GET",
        path="/tokens/{token}",
        name="getToken",
        summary="A token of the account that calls.",
        tag="tokens",
        handler=get_token,
        answer=TokenListed,
        needs="see-account",
    ),
    Operation(
        method="DELETE",
        path="/tokens/{token}",
        name="revokeToken",
        summary="Revoke a token: it is refused from the next request on.",
        tag="tokens",
        handler=revoke,
        status=204,
        needs="revoke-token",
    ),
)
