"""Create and revoke tokens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.accounts import require_name
from affineur.core.caveats import ALL_ACTIONS, TokenAction
from affineur.core.decision import refuse
from affineur.core.names import NormalizedName
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, security, tokens

from . import minting


@dataclass(frozen=True, slots=True)
class Created:
    """A new token. ``secret`` is known here only; ``new_account`` says that its account was made with it."""

    id: str
    secret: str
    account: str
    new_account: bool
    expires_at: datetime | None


def create_token(
    index: Index,
    by: Caller,
    account: str,
    *,
    label: str = "",
    actions: Collection[TokenAction] = ALL_ACTIONS,
    projects: Collection[NormalizedName] | None = None,
    expires_at: datetime | None = None,
    operator: bool = False,
) -> Created:
    """A token for ``account``: one's own, or from the console anybody's, which is made where there is none.

    It ends at ``expires_at`` (aware UTC), at the latest after ``maximum_token_days``, which is also what holds when
    nothing is said. ``operator`` makes a new account an operator's. `Refused` for an existing one that is not
    (rights are not given in passing), for an unfit name, an end that has passed or is too late.
    """
    ends = _end(index, by.now, expires_at)
    with index.store.write() as connection:
        found = accounts.find(connection, account)
        may(by.actor, "create-token", Resource(account_id=found.id if found else None), by.now).require()
        new = found is None
        if found is None:
            key = _new_account(connection, by, account, operator)
        else:
            key = found.id
            if operator and found.office != "operator":
                refuse(
                    "token.operator",
                    f"The account '{account}' exists and is no operator.",
                    "Use another name for the operator's account.",
                )
        made = minting.account_token(
            connection, key, label, by.now, actions=actions, projects=projects, expires_at=ends
        )
        facts = {"token": made.id, "label": label, "actions": sorted(actions), "expires_at": ends and ends.isoformat()}
        security.append(connection, by, Happened("TokenCreated", key, account, facts=facts))
    return Created(made.id, made.secret, account, new, ends)


def revoke_token(index: Index, by: Caller, token_id: str, because: str = "revoked by hand") -> str:
    """Revoke a token by its id, or by the beginning of it: from now on it is refused. Its whole id.

    `Refused` where no such token is in force, or it is another account's.
    """
    with index.store.write() as connection:
        found = tokens.find(connection, token_id)
        if found is None or found.account_id is None or found.revoked_at is not None:
            refuse("token.exists", f"There is no token {token_id[:40]!a} in force.", "The list of tokens shows them.")
        may(by.actor, "revoke-token", Resource(account_id=found.account_id), by.now).require()
        tokens.revoke(connection, [found.id], by.now, because)
        facts = {"token": found.id, "label": found.label}
        security.append(connection, by, Happened("TokenRevoked", found.account_id, found.account, facts=facts))
    return found.id


def _end(index: Index, now: datetime, expires_at: datetime | None) -> datetime:
    latest = now + timedelta(days=index.settings.maximum_token_days)
    if expires_at is None:
        return latest
    if expires_at <= now:
        refuse("token.expiry", "The token would have expired before it was made.", "Choose a later end.")
    if expires_at > latest:
        days = index.settings.maximum_token_days
        refuse("token.longest", f"Tokens of this index live for at most {days} days.", "Choose an earlier end.")
    return expires_at


def _new_account(connection: sa.Connection, by: Caller, name: str, operator: bool) -> int:
    require_name(name)
    key = accounts.add_account(connection, name, by.now, office="operator" if operator else None)
    security.append(connection, by, Happened("AccountCreated", key, name))
    return key
