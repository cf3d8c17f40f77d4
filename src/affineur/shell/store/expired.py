"""What has expired, in all the tables whose rows serve a purpose for a while only.

What does not live here: when it is deleted (`actions.forget`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.people.throttle import LONGEST_WINDOW

from .schema import attempt, idempotency, session, spent_identity, ticket, token

KEPT = timedelta(days=1)
"""How long an answer is kept for a repeated request, and a minted token after its end, to say that it expired."""


def delete(connection: sa.Connection, now: datetime) -> int:
    """Delete what has expired at ``now``; how many rows. Cost: those that go; each table has an index for it."""
    return sum(connection.execute(statement).rowcount for statement in _expired(now))


def _expired(now: datetime) -> list[sa.Delete]:
    return [
        session.delete().where(session.c.expires_at <= now),
        ticket.delete().where(ticket.c.expires_at <= now),
        spent_identity.delete().where(spent_identity.c.expires_at <= now),
        attempt.delete().where(attempt.c.since <= now - LONGEST_WINDOW),
        idempotency.delete().where(idempotency.c.created_at <= now - KEPT),
        # People look at their own expired tokens for longer; those of publishers live for minutes.
        token.delete().where(token.c.publisher_id.is_not(None), token.c.expires_at <= now - KEPT),
    ]
