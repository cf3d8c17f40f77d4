"""Create and revoke tokens. A token belongs to an account, which is made along with its first token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from affineur.core.access import Scope
from affineur.core.decision import refuse
from affineur.core.names import NormalizedName
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Created:
    """A new token. ``secret`` is known here only; ``new_account`` says that its account was made with it."""

    id: str
    secret: str
    account: str
    new_account: bool


def create_token(
    index: Index,
    account: str,
    now: datetime,
    *,
    label: str = "",
    scope: Scope = "publish",
    projects: tuple[NormalizedName, ...] = (),
    expires_at: datetime | None = None,
    operator: bool = False,
) -> Created:
    """A token for ``account``, narrowed to ``projects`` where any are named. Moments are aware UTC.

    ``operator`` makes a new account one that may do everything; `Refused` for an existing one that is not
    (rights are not given in passing), for an unfit name, and for a moment that has passed.
    """
    if not _ACCOUNT_NAME.match(account):
        refuse(
            "account.name",
            f"{account[:100]!a} cannot be the name of an account.",
            "Use up to 100 ASCII letters, digits and `.`, `_`, `@`, `+`, `-`, starting with a letter or digit.",
        )
    if expires_at is not None and expires_at <= now:
        refuse("token.expiry", "The token would have expired before it was made.", "Choose a later end.")
    with index.store.write() as connection:
        key = accounts.account_id(connection, account)
        new = key is None
        if key is None:
            key = accounts.add_account(connection, account, now, is_operator=operator)
        elif operator and not grants.is_operator(connection, key):
            refuse(
                "token.operator",
                f"The account '{account}' exists and is no operator.",
                "Use another name for the operator's account.",
            )
        token_id, secret = accounts.add_token(
            connection, key, label, now, scope=scope, projects=projects or None, expires_at=expires_at
        )
    return Created(token_id, secret, account, new)


def revoke_token(index: Index, token_id: str, now: datetime) -> None:
    """Revoke a token by its id: from now on it is refused. `Refused` where no such token is in force."""
    with index.store.write() as connection:
        if not accounts.revoke(connection, token_id, now):
            refuse(
                "token.exists", f"There is no token {token_id[:20]!a} in force.", "`affineur token list` shows them."
            )
