"""Who a request comes from: from its ``Authorization`` header to an `Actor`.

Upload clients send HTTP Basic with the user name ``__token__`` and a token as the password; ``bearer`` and
``token`` are taken too. Passwords of accounts never are.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

from affineur.core.access import Actor
from affineur.core.decision import Decision, deny
from affineur.shell.store import Store, accounts

TOKEN_USER = "__token__"  # noqa: S105 (a user name, not a secret)

NO_IDENTITY = deny(
    "identity.token",
    "Invalid or non-existent authentication information.",
    "Use the user name __token__ and a token of this index as the password; `affineur token create` makes one.",
)
PASSWORDS_REFUSED = deny(
    "identity.password",
    "Username/Password authentication is no longer supported. Migrate to API Tokens or Trusted Publishers instead.",
    "Use the user name __token__ and a token of this index as the password.",
)


def token_in(authorization: str | None) -> str | Decision:
    """The token an ``Authorization`` header brings, or the refusal of what it brings instead."""
    if not authorization:
        return NO_IDENTITY
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        return rest or NO_IDENTITY
    if scheme.lower() != "basic":
        return NO_IDENTITY
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
    except ValueError:  # no base64, or no UTF-8 inside
        return NO_IDENTITY
    if user != TOKEN_USER:
        return PASSWORDS_REFUSED if user else NO_IDENTITY
    return password.strip() or NO_IDENTITY


def identify(store: Store, authorization: str | None) -> Actor | Decision:
    """The actor of a request, or why there is none. Cost: one indexed read."""
    found = token_in(authorization)
    if isinstance(found, Decision):
        return found
    with store.read() as connection:
        return accounts.actor_of(connection, found, datetime.now(UTC)) or NO_IDENTITY


def reader_check(store: Store) -> Callable[[bytes | None], bool]:
    """The question whether a request with this ``Authorization`` may read a private index. Cost: one indexed read."""

    def may_read(authorization: bytes | None) -> bool:
        header = None if authorization is None else authorization.decode("latin-1")
        return not isinstance(identify(store, header), Decision)

    return may_read
