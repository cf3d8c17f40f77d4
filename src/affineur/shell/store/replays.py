"""Keys of repeated requests as stored: claimed before an act, answered after it, forgotten in time.

What does not live here: what a key is and what a repetition is told (`web.api.replays`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from .schema import idempotency


@dataclass(frozen=True, slots=True)
class Claimed:
    """A key that came before: with which request, when (aware UTC), and how it was answered (None: not yet)."""

    fingerprint: str
    created_at: datetime
    status: int | None
    body: bytes


def claim(
    connection: sa.Connection, account_id: int, key: str, fingerprint: str, now: datetime, forget_before: datetime
) -> Claimed | None:
    """Write a key of an account down, inside the caller's write transaction; where it is there already, what it was.

    Keys that are older than ``forget_before`` are forgotten.
    """
    connection.execute(idempotency.delete().where(idempotency.c.created_at < forget_before))
    row = connection.execute(sa.select(idempotency).where(*_is(account_id, key))).first()
    if row is not None:
        return Claimed(row.fingerprint, row.created_at, row.status, row.body or b"")
    values = {"account_id": account_id, "key": key, "fingerprint": fingerprint, "created_at": now}
    connection.execute(idempotency.insert().values(values))
    return None


def finish(connection: sa.Connection, account_id: int, key: str, status: int, body: bytes) -> None:
    """Keep how a request was answered."""
    connection.execute(idempotency.update().where(*_is(account_id, key)).values(status=status, body=body))


def release(connection: sa.Connection, account_id: int, key: str) -> None:
    """Give a key back that has no answer yet."""
    connection.execute(idempotency.delete().where(*_is(account_id, key), idempotency.c.status.is_(None)))


def _is(account_id: int, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return idempotency.c.account_id == account_id, idempotency.c.key == key
