"""Invitations to roles and proposals to take them away, as stored.

An invitation is for an account that was named, or for an address: then whoever has verified it may answer, and who
that is, or whether there is anybody, is not kept with it. What does not live here: how long they last, and whether
they may be made (`core.people.roles`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.names import NormalizedName
from affineur.core.people.accounts import address_key
from affineur.core.people.roles import Answer, Outcome
from affineur.core.permissions import Role

from .schema import account, email, project, removal_proposal, role, role_invitation, sponsor


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a role. ``whom`` is what the inviter typed: the name of an account, or an address.

    ``account_id`` is the account that was named; None for an address. ``by`` is None where the index itself invites,
    or whoever invited is gone.
    """

    id: int
    project_id: int
    project: NormalizedName
    whom: str
    account_id: int | None
    role: Role
    by: str | None
    by_id: int | None
    created_at: datetime
    expires_at: datetime
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal to remove ``account`` from a project. ``role`` is the one they hold now, if any."""

    id: int
    project_id: int
    project: NormalizedName
    account_id: int
    account: str
    role: Role | None
    by: str | None
    by_id: int | None
    reason: str
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    outcome: Outcome | None
    objection: str | None


_LARGEST_KEY = 2**63 - 1
"""What people type into an address can be larger; no row has such an id, and databases take it in no question."""

_giver = account.alias("giver")
_INVITATIONS = (
    sa.select(
        role_invitation.c.id, role_invitation.c.project_id, project.c.name.label("project"),
        sa.func.coalesce(role_invitation.c.address, account.c.name).label("whom"), role_invitation.c.account_id,
        role_invitation.c.role, _giver.c.name.label("by"), role_invitation.c.invited_by, role_invitation.c.created_at,
        role_invitation.c.expires_at, role_invitation.c.answer,
    )
    .join(project, project.c.id == role_invitation.c.project_id)
    .outerjoin(account, account.c.id == role_invitation.c.account_id)
    .outerjoin(_giver, _giver.c.id == role_invitation.c.invited_by)
)  # fmt: skip
_PROPOSALS = (
    sa.select(
        removal_proposal.c.id, removal_proposal.c.project_id, project.c.name.label("project"),
        removal_proposal.c.account_id, account.c.name.label("account"), role.c.role, _giver.c.name.label("by"),
        removal_proposal.c.proposed_by, removal_proposal.c.reason, removal_proposal.c.created_at,
        removal_proposal.c.due_at, removal_proposal.c.settled_at, removal_proposal.c.outcome,
        removal_proposal.c.objection,
    )
    .join(project, project.c.id == removal_proposal.c.project_id)
    .join(account, account.c.id == removal_proposal.c.account_id)
    .outerjoin(
        role,
        sa.and_(
            role.c.project_id == removal_proposal.c.project_id, role.c.account_id == removal_proposal.c.account_id
        ),
    )
    .outerjoin(_giver, _giver.c.id == removal_proposal.c.proposed_by)
)  # fmt: skip


def _unanswered(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(role_invitation.c.answered_at.is_(None), role_invitation.c.expires_at > now)


def add_invitation(
    connection: sa.Connection,
    project_id: int,
    granted: Role,
    by: int | None,
    at: datetime,
    expires_at: datetime,
    *,
    account_id: int | None = None,
    address: str | None = None,
) -> int:
    """Keep an invitation for an account or for an address; its id."""
    row = role_invitation.insert().values(
        project_id=project_id,
        account_id=account_id,
        address=address,
        address_key=None if address is None else address_key(address),
        role=granted,
        invited_by=by,
        created_at=at,
        expires_at=expires_at,
    )
    return int(connection.execute(row.returning(role_invitation.c.id)).scalar_one())


def invitation(connection: sa.Connection, invitation_id: int) -> Invitation | None:
    """The invitation of that id, whatever became of it."""
    if invitation_id > _LARGEST_KEY:
        return None
    row = connection.execute(_INVITATIONS.where(role_invitation.c.id == invitation_id)).first()
    return None if row is None else Invitation(*tuple(row))


def is_offered(
    connection: sa.Connection, project_id: int, now: datetime, *, account_id: int | None = None, address: str = ""
) -> bool:
    """Whether an invitation to the account, or to the address, is open on a project."""
    same = (
        role_invitation.c.address_key == address_key(address)
        if account_id is None
        else role_invitation.c.account_id == account_id
    )
    query = sa.select(role_invitation.c.id).where(role_invitation.c.project_id == project_id, same, _unanswered(now))
    return connection.scalar(query.limit(1)) is not None


def open_on(connection: sa.Connection, project_id: int, now: datetime) -> list[Invitation]:
    """The open invitations to a project, oldest first."""
    query = _INVITATIONS.where(role_invitation.c.project_id == project_id, _unanswered(now))
    return [Invitation(*tuple(row)) for row in connection.execute(query.order_by(role_invitation.c.id))]


def open_for(connection: sa.Connection, account_id: int, now: datetime) -> list[Invitation]:
    """The open invitations that an account may answer, oldest first: to itself, to its addresses, to its machines."""
    query = _INVITATIONS.where(_may_answer(account_id), _unanswered(now)).order_by(role_invitation.c.id)
    return [Invitation(*tuple(row)) for row in connection.execute(query)]


def is_for(connection: sa.Connection, invitation_id: int, account_id: int) -> bool:
    """Whether an account may answer an invitation, as `open_for`."""
    query = sa.select(role_invitation.c.id).where(role_invitation.c.id == invitation_id, _may_answer(account_id))
    return connection.scalar(query) is not None


def _may_answer(account_id: int) -> sa.ColumnElement[bool]:
    keys = sa.select(email.c.address_key).where(email.c.account_id == account_id, email.c.verified_at.is_not(None))
    machines = sa.select(sponsor.c.machine_id).where(sponsor.c.account_id == account_id)
    return sa.or_(
        role_invitation.c.account_id == account_id,
        role_invitation.c.account_id.in_(machines),
        sa.and_(role_invitation.c.account_id.is_(None), role_invitation.c.address_key.in_(keys)),
    )


def answer(connection: sa.Connection, invitation_id: int, given: Answer, at: datetime) -> None:
    """Note what became of an invitation."""
    connection.execute(
        role_invitation.update().where(role_invitation.c.id == invitation_id).values(answered_at=at, answer=given)
    )


def withdraw_from(connection: sa.Connection, project_id: int, inviter_id: int, at: datetime) -> int:
    """Withdraw every open invitation to a project that somebody sent; how many."""
    sent = (role_invitation.c.project_id == project_id, role_invitation.c.invited_by == inviter_id)
    changed = role_invitation.update().where(*sent, _unanswered(at)).values(answered_at=at, answer="withdrawn")
    return connection.execute(changed).rowcount


def withdraw_all_of(connection: sa.Connection, account_id: int, at: datetime) -> None:
    """Withdraw every open invitation that an account sent and every open proposal it made, on all projects.

    For an account that goes: what it began does not go on without it. Call it before the account's row is emptied.
    """
    sent = role_invitation.c.invited_by == account_id
    connection.execute(role_invitation.update().where(sent, _unanswered(at)).values(answered_at=at, answer="withdrawn"))
    made = (removal_proposal.c.proposed_by == account_id, removal_proposal.c.settled_at.is_(None))
    connection.execute(removal_proposal.update().where(*made).values(settled_at=at, outcome="withdrawn"))


def add_proposal(
    connection: sa.Connection,
    project_id: int,
    account_id: int,
    by: int | None,
    reason: str,
    at: datetime,
    due_at: datetime,
) -> int:
    """Keep a proposal to remove somebody; its id."""
    row = removal_proposal.insert().values(
        project_id=project_id, account_id=account_id, proposed_by=by, reason=reason, created_at=at, due_at=due_at
    )
    return int(connection.execute(row.returning(removal_proposal.c.id)).scalar_one())


def proposal(connection: sa.Connection, proposal_id: int) -> Proposal | None:
    """The proposal of that id, whatever became of it."""
    if proposal_id > _LARGEST_KEY:
        return None
    row = connection.execute(_PROPOSALS.where(removal_proposal.c.id == proposal_id)).first()
    return None if row is None else Proposal(*tuple(row))


def proposals(
    connection: sa.Connection,
    project_id: int | None = None,
    *,
    account_id: int | None = None,
    by: int | None = None,
    settled: bool | None = False,
) -> list[Proposal]:
    """Proposals on a project, about an account, made by one; newest first. ``settled`` None: settled or not."""
    query = _PROPOSALS.order_by(removal_proposal.c.id.desc())
    for column, value in (
        (removal_proposal.c.project_id, project_id),
        (removal_proposal.c.account_id, account_id),
        (removal_proposal.c.proposed_by, by),
    ):
        if value is not None:
            query = query.where(column == value)
    if settled is not None:
        over = removal_proposal.c.settled_at
        query = query.where(over.is_not(None) if settled else over.is_(None))
    return [Proposal(*tuple(row)) for row in connection.execute(query)]


def due_proposals(connection: sa.Connection, now: datetime, limit: int = 100) -> list[int]:
    """Ids of proposals that nobody objected to in time, longest due first. Cost where there are none: one read.

    Those about people who are frozen wait: their silence says nothing.
    """
    query = (
        sa.select(removal_proposal.c.id)
        .join(account, account.c.id == removal_proposal.c.account_id)
        .where(removal_proposal.c.settled_at.is_(None), removal_proposal.c.due_at <= now, account.c.frozen_at.is_(None))
    )
    return list(connection.scalars(query.order_by(removal_proposal.c.due_at, removal_proposal.c.id).limit(limit)))


def postpone(connection: sa.Connection, account_id: int, frozen_at: datetime, now: datetime) -> int:
    """Give somebody back the time to object that passed while they were frozen and could not; how many proposals."""
    open_ones = proposals(connection, account_id=account_id)
    for each in open_ones:
        lost = now - max(frozen_at, each.created_at)
        mine = removal_proposal.update().where(removal_proposal.c.id == each.id)
        connection.execute(mine.values(due_at=each.due_at + lost))
    return len(open_ones)


def settle(
    connection: sa.Connection, proposal_id: int, outcome: Outcome, at: datetime, objection: str | None = None
) -> None:
    """Note how a proposal ended."""
    connection.execute(
        removal_proposal.update()
        .where(removal_proposal.c.id == proposal_id)
        .values(settled_at=at, outcome=outcome, objection=objection)
    )
