"""Forget: rows that have served their purpose go: sessions, links, counters, spent identities, kept answers."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.throttle import LONGEST_WINDOW
from affineur.shell.index import Index
from affineur.shell.store import schema

KEPT = timedelta(days=1)
"""How long an answer is kept for a repeated request, and a minted token after its end, to say that it expired."""


def forget_expired(index: Index, now: datetime) -> int:
    """Delete what has expired; how many rows. Cost: those that go; each table has an index for it."""
    with index.store.write() as connection:
        return sum(connection.execute(statement).rowcount for statement in _expired(now))


def _expired(now: datetime) -> list[sa.Delete]:
    session, ticket, spent, token = schema.session, schema.ticket, schema.spent_identity, schema.token
    return [
        session.delete().where(session.c.expires_at <= now),
        ticket.delete().where(ticket.c.expires_at <= now),
        spent.delete().where(spent.c.expires_at <= now),
        schema.attempt.delete().where(schema.attempt.c.since <= now - LONGEST_WINDOW),
        schema.idempotency.delete().where(schema.idempotency.c.created_at <= now - KEPT),
        # People look at their own expired tokens for longer; those of publishers live for minutes.
        token.delete().where(token.c.publisher_id.is_not(None), token.c.expires_at <= now - KEPT),
    ]
