"""Tickets: what the link in a mail stands for. Each is used once, for one purpose, within its time.

Only the digest of a ticket's secret is stored. What does not live here: what a ticket lets somebody do (`actions`), and
forgetting old ones (`actions.forget`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.shell.bearer import digest_of, new_secret

from .schema import ticket

_LONGEST_SECRET = 100


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket. ``subject`` is what it is about (an address, say); ``account_id`` whose it is, if anybody's."""

    purpose: str
    account_id: int | None
    subject: str
    created_at: datetime
    expires_at: datetime


def issue(
    connection: sa.Connection,
    purpose: str,
    account_id: int | None,
    subject: str,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """Keep a new ticket, and give its secret, which goes into one link and nowhere else."""
    secret = new_secret()
    connection.execute(
        ticket.insert().values(
            digest=digest_of(secret),
            purpose=purpose,
            account_id=account_id,
            subject=subject,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return secret


def look(connection: sa.Connection, secret: str, purpose: str, now: datetime) -> Ticket | None:
    """The ticket, if it could be used at ``now``. It stays usable: programs that look through mails open links."""
    if not 0 < len(secret) <= _LONGEST_SECRET:
        return None
    query = sa.select(
        ticket.c.purpose, ticket.c.account_id, ticket.c.subject, ticket.c.created_at, ticket.c.expires_at
    ).where(
        ticket.c.digest == digest_of(secret),
        ticket.c.purpose == purpose,
        ticket.c.used_at.is_(None),
        ticket.c.expires_at > now,
    )
    row = connection.execute(query).first()
    return None if row is None else Ticket(*tuple(row))


def use(connection: sa.Connection, secret: str, purpose: str, now: datetime) -> Ticket | None:
    """The ticket, once: nobody is given it a second time. None where it is unknown, used, over, or for another end."""
    found = look(connection, secret, purpose, now)
    if found is None:
        return None
    taken = ticket.update().where(ticket.c.digest == digest_of(secret), ticket.c.used_at.is_(None)).values(used_at=now)
    return found if connection.execute(taken).rowcount else None


def withdraw(
    connection: sa.Connection, purpose: str, now: datetime, *, account_id: int | None = None, subject: str | None = None
) -> int:
    """Make tickets of a purpose unusable: those of an account, those about ``subject``, or both; how many."""
    wanted = [ticket.c.purpose == purpose, ticket.c.used_at.is_(None)]
    if account_id is not None:
        wanted.append(ticket.c.account_id == account_id)
    if subject is not None:
        wanted.append(ticket.c.subject == subject)
    if len(wanted) == 2:
        raise ValueError("Whose tickets, or about what?")
    return connection.execute(ticket.update().where(*wanted).values(used_at=now)).rowcount


def waiting(connection: sa.Connection, purpose: str, now: datetime) -> list[Ticket]:
    """The tickets of a purpose that could be used at ``now``, newest first."""
    query = sa.select(
        ticket.c.purpose, ticket.c.account_id, ticket.c.subject, ticket.c.created_at, ticket.c.expires_at
    ).where(ticket.c.purpose == purpose, ticket.c.used_at.is_(None), ticket.c.expires_at > now)
    return [Ticket(*tuple(row)) for row in connection.execute(query.order_by(ticket.c.created_at.desc()))]
