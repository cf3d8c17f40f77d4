"""Who answers for which automation account, and who was asked to: rows, and the letters that a loss calls for.

Whether a machine works with the sponsors it has is decided by `core.access` from two columns of the account that
are kept here. What does not live here: who may become or cease to be a sponsor (`actions.machines`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from affineur.core.access import SPONSORLESS_WAITS, SPONSORS_NEEDED

from . import accounts, emails, grants
from .schema import account, role, sponsor, ticket

OFFER = "sponsor"
"""The purpose of a ticket that is an invitation to sponsor; its subject is ``<machine's id> <who invites>``."""

MachineState = Literal["works", "waits", "short", "paused", "frozen"]


@dataclass(frozen=True, slots=True)
class Sponsor:
    """Somebody who answers for a machine."""

    account_id: int
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation to sponsor that is open. ``id`` is no secret: only ``invited`` can answer it, signed in."""

    id: str
    machine_id: int
    machine: str
    invited_id: int
    invited: str
    by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """An automation account as its sponsors see it. ``waits``: it never had as many sponsors as it takes."""

    id: int
    name: str
    created_at: datetime
    frozen_at: datetime | None
    short_from: datetime | None
    sponsors: tuple[Sponsor, ...]
    roles: tuple[tuple[str, str], ...]
    """Pairs of project and role."""

    @property
    def waits(self) -> bool:
        """Whether it has not begun: it never had as many sponsors as it takes."""
        return self.short_from is not None and self.short_from <= self.created_at

    @property
    def paused_from(self) -> datetime | None:
        """From when it is paused for want of sponsors; None: it has enough."""
        if self.short_from is None:
            return None
        return self.created_at if self.waits else self.short_from + SPONSORLESS_WAITS

    def state(self, now: datetime) -> MachineState:
        """Whether it works at ``now``, and if not, why; ``short``: not for much longer."""
        if self.frozen_at is not None:
            return "frozen"
        if self.waits:
            return "waits"
        if self.paused_from is None:
            return "works"
        return "paused" if self.paused_from <= now else "short"


def of(connection: sa.Connection, machine_id: int) -> list[Sponsor]:
    """The sponsors of a machine, longest first."""
    query = (
        sa.select(account.c.id, account.c.name, sponsor.c.since)
        .join(account, account.c.id == sponsor.c.account_id)
        .where(sponsor.c.machine_id == machine_id)
        .order_by(sponsor.c.since, account.c.id)
    )
    return [Sponsor(*row) for row in connection.execute(query)]


def answers_for(connection: sa.Connection, account_id: int | None, machine_id: int) -> bool:
    """Whether an account is a sponsor of a machine."""
    query = sa.select(sponsor.c.since).where(sponsor.c.machine_id == machine_id, sponsor.c.account_id == account_id)
    return account_id is not None and connection.scalar(query) is not None


def machine(connection: sa.Connection, machine_id: int) -> Machine | None:
    """The automation account of that id; None for a person's, a deleted one, or none."""
    found = accounts.by_id(connection, machine_id)
    if found is None or found.kind != "automation" or found.deleted_at is not None:
        return None
    roles = tuple((each.project, each.role) for each in grants.held_by(connection, machine_id))
    sponsors = tuple(of(connection, machine_id))
    return Machine(found.id, found.name, found.created_at, found.frozen_at, found.sponsors_short_from, sponsors, roles)


def machines(connection: sa.Connection, account_id: int | None = None) -> list[Machine]:
    """The machines that an account answers for, or every one (None), by name."""
    query = sa.select(account.c.id).where(account.c.kind == "automation", account.c.deleted_at.is_(None))
    if account_id is not None:
        query = query.join(sponsor, sponsor.c.machine_id == account.c.id).where(sponsor.c.account_id == account_id)
    ids = list(connection.scalars(query.order_by(account.c.name_key)))
    return [found for each in ids if (found := machine(connection, each)) is not None]


def add(connection: sa.Connection, machine_id: int, account_id: int, at: datetime) -> None:
    """Let an account answer for a machine. With enough sponsors it goes on at once; an open invitation is settled."""
    if not answers_for(connection, account_id, machine_id):
        connection.execute(sponsor.insert().values(machine_id=machine_id, account_id=account_id, since=at))
    for each in offers(connection, at, machine_id=machine_id, invited_id=account_id):
        settle(connection, each.id, at)
    if len(of(connection, machine_id)) >= SPONSORS_NEEDED:
        accounts.change(connection, machine_id, sponsors_short_from=None, ladder_noticed_days=None)


def remove(connection: sa.Connection, machine_id: int, account_id: int, at: datetime) -> None:
    """Let an account cease to answer for a machine. Where too few are left, the time runs and everybody is told."""
    connection.execute(sponsor.delete().where(sponsor.c.machine_id == machine_id, sponsor.c.account_id == account_id))
    found = machine(connection, machine_id)
    if found is None or len(found.sponsors) >= SPONSORS_NEEDED or found.waits:
        return
    if found.short_from is None:
        accounts.change(connection, machine_id, sponsors_short_from=at, ladder_noticed_days=None)
    tell_short(connection, machine_id, at)


def drop(connection: sa.Connection, account_id: int, at: datetime) -> list[Machine]:
    """Everything that a deleted account answered for, it leaves; those machines, as they were before.

    Call it in the transaction of the deletion, before the account's addresses go. What it was asked, it is not any
    more.
    """
    left = machines(connection, account_id)
    for each in left:
        remove(connection, each.id, account_id, at)
    connection.execute(ticket.delete().where(ticket.c.purpose == OFFER, ticket.c.account_id == account_id))
    return left


def forget(connection: sa.Connection, machine_id: int) -> None:
    """A machine has ended: nobody answers for it any more, and nobody is asked to."""
    connection.execute(sponsor.delete().where(sponsor.c.machine_id == machine_id))
    about = ticket.c.subject.startswith(f"{machine_id} ", autoescape=True)
    connection.execute(ticket.delete().where(ticket.c.purpose == OFFER, about))


def short(connection: sa.Connection) -> list[tuple[Machine, int | None]]:
    """The machines with fewer sponsors than they take, each with the reminder that went out last (days left)."""
    query = sa.select(account.c.id, account.c.ladder_noticed_days).where(
        account.c.kind == "automation", account.c.sponsors_short_from.is_not(None), account.c.deleted_at.is_(None)
    )
    found = [(machine(connection, row.id), row.ladder_noticed_days) for row in connection.execute(query).all()]
    return [(each, noticed) for each, noticed in found if each is not None]


def only_for(connection: sa.Connection, account_id: int) -> list[str]:
    """The names of the machines that nobody else answers for."""
    return [each.name for each in machines(connection, account_id) if len(each.sponsors) == 1]


def offer(
    connection: sa.Connection, machine_id: int, invited_id: int, by: str, at: datetime, lifetime: timedelta
) -> str:
    """Invite an account to answer for a machine, in the place of an invitation that is open; the invitation's id."""
    for each in offers(connection, at, machine_id=machine_id, invited_id=invited_id):
        settle(connection, each.id, at)
    key = secrets.token_hex(16)
    connection.execute(
        ticket.insert().values(
            digest=key,
            purpose=OFFER,
            account_id=invited_id,
            subject=f"{machine_id} {by}",
            created_at=at,
            expires_at=at + lifetime,
        )
    )
    return key


def offers(
    connection: sa.Connection, now: datetime, *, machine_id: int | None = None, invited_id: int | None = None
) -> list[Offer]:
    """The open invitations to answer for a machine, or of an account, or both; oldest first."""
    query = (
        sa.select(ticket.c.digest, ticket.c.subject, ticket.c.account_id, account.c.name, ticket.c.expires_at)
        .join(account, account.c.id == ticket.c.account_id)
        .where(ticket.c.purpose == OFFER, ticket.c.used_at.is_(None), ticket.c.expires_at > now)
        .order_by(ticket.c.created_at, ticket.c.digest)
    )
    if invited_id is not None:
        query = query.where(ticket.c.account_id == invited_id)
    if machine_id is not None:
        query = query.where(ticket.c.subject.startswith(f"{machine_id} ", autoescape=True))
    found = []
    for row in connection.execute(query).all():
        of_machine, _, by = row.subject.partition(" ")
        named = accounts.by_id(connection, int(of_machine))
        if named is not None and named.deleted_at is None:
            found.append(Offer(row.digest, named.id, named.name, row.account_id, row.name, by, row.expires_at))
    return found


def settle(connection: sa.Connection, offer_id: str, at: datetime) -> None:
    """An invitation was answered, or withdrawn: it is not open any more."""
    connection.execute(ticket.update().where(ticket.c.purpose == OFFER, ticket.c.digest == offer_id).values(used_at=at))


def tell_short(connection: sa.Connection, machine_id: int, at: datetime) -> int:
    """Write to the sponsors who are left and to the owners of its projects that it needs another; how many letters."""
    found = machine(connection, machine_id)
    if found is None or found.short_from is None:
        return 0
    owners = sa.select(role.c.account_id).where(
        role.c.role == "owner",
        role.c.project_id.in_(sa.select(role.c.project_id).where(role.c.account_id == machine_id)),
    )
    concerned = {each.account_id for each in found.sponsors} | set(connection.scalars(owners))
    values = {
        "machine": found.name,
        "sponsors": len(found.sponsors),
        "until": found.short_from + SPONSORLESS_WAITS,
    }
    return emails.tell_primary(connection, concerned - {machine_id}, "sponsor-short", values, at)
