"""Accounts and their tokens, as stored. A token's secret is kept only as its SHA-256.

What does not live here: what an actor may do (`core.access`).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa

from affineur.core.access import Actor, Scope
from affineur.core.names import NormalizedName

from .schema import account, secret, token

TOKEN_PREFIX = "affineur-"  # noqa: S105 (not a secret)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as listed; the secret is not known any more."""

    id: str
    account: str
    label: str
    scope: str
    projects: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


_BY_SECRET = (
    sa.select(account.c.id, account.c.name, account.c.is_operator, token.c.scope, token.c.projects)
    .join(account, account.c.id == token.c.account_id)
    .where(
        token.c.secret_sha256 == sa.bindparam("digest"),
        token.c.revoked_at.is_(None),
        sa.or_(token.c.expires_at.is_(None), token.c.expires_at > sa.bindparam("now")),
    )
)


def actor_of(connection: sa.Connection, secret_text: str, now: datetime) -> Actor | None:
    """Whom a token's secret stands for; None for an unknown, expired or revoked one. Cost: one indexed read.

    The digest is looked up, not compared: no timing tells how much of a guess was right.
    """
    digest = hashlib.sha256(secret_text.encode("utf-8", "surrogateescape")).hexdigest()
    row = connection.execute(_BY_SECRET, {"digest": digest, "now": now}).first()
    if row is None:
        return None
    projects = None if row.projects is None else frozenset(NormalizedName(name) for name in orjson.loads(row.projects))
    return Actor(row.id, row.name, row.is_operator, row.scope, projects)


def account_id(connection: sa.Connection, name: str) -> int | None:
    """The account of that name."""
    return connection.scalar(sa.select(account.c.id).where(account.c.name == name))


def any_account(connection: sa.Connection) -> bool:
    """Whether there is any account."""
    return connection.scalar(sa.select(account.c.id).limit(1)) is not None


def add_account(connection: sa.Connection, name: str, at: datetime, *, is_operator: bool) -> int:
    """A new account; its id."""
    row = account.insert().values(name=name, is_operator=is_operator, created_at=at)
    return int(connection.execute(row.returning(account.c.id)).scalar_one())


def add_token(
    connection: sa.Connection,
    owner_id: int,
    label: str,
    at: datetime,
    *,
    scope: Scope = "publish",
    projects: tuple[NormalizedName, ...] | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, str]:
    """A new token as ``(id, secret)``. The secret is shown once and never again."""
    key = secrets.token_hex(4)
    secret_text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        token.insert().values(
            id=key,
            account_id=owner_id,
            label=label,
            secret_sha256=hashlib.sha256(secret_text.encode()).hexdigest(),
            scope=scope,
            projects=None if projects is None else orjson.dumps(list(projects)).decode(),
            created_at=at,
            expires_at=expires_at,
        )
    )
    return key, secret_text


def tokens(connection: sa.Connection) -> list[TokenRow]:
    """Every token, newest first."""
    query = (
        sa.select(
            token.c.id,
            account.c.name,
            token.c.label,
            token.c.scope,
            token.c.projects,
            token.c.created_at,
            token.c.expires_at,
            token.c.revoked_at,
        )
        .join(account, account.c.id == token.c.account_id)
        .order_by(token.c.created_at.desc())
    )
    return [
        TokenRow(*row[:4], None if row.projects is None else tuple(orjson.loads(row.projects)), *row[5:])
        for row in connection.execute(query)
    ]


def revoke(connection: sa.Connection, key: str, at: datetime) -> bool:
    """Revoke a token by id; whether there was one to revoke."""
    done = connection.execute(
        token.update().where(token.c.id == key, token.c.revoked_at.is_(None)).values(revoked_at=at)
    )
    return done.rowcount > 0


def shared_secret(connection: sa.Connection, name: str) -> bytes:
    """A random key of 32 bytes, made once and kept. Call inside `Store.write`."""
    found = connection.scalar(sa.select(secret.c.value).where(secret.c.name == name))
    if found is None:
        found = secrets.token_bytes(32)
        connection.execute(secret.insert().values(name=name, value=found))
    return bytes(found)
