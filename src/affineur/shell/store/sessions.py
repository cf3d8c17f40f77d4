"""Sessions as stored: who is signed in, on which device, and the newest proof they gave.

The cookie's secret is kept as its SHA-256 only. What does not live here: the cookie (`web.session`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.people.second_factor import Proof, StepUp

from . import accounts
from .schema import account, device, session

Stage = Literal["factor", "whole"]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored. In the stage "factor" it may do nothing but bring the second one."""

    id: str
    account_id: int
    stage: Stage
    via: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    device_id: str | None
    challenge: bytes | None
    challenge_at: datetime | None


_COLUMNS = (
    session.c.id, session.c.account_id, session.c.stage, session.c.via, session.c.created_at, session.c.seen_at,
    session.c.expires_at, session.c.address, session.c.user_agent, session.c.device_id, session.c.challenge,
    session.c.challenge_at,
)  # fmt: skip
_BY_ID = (
    sa.select(
        *(column.label(f"session_{column.name}") for column in _COLUMNS),
        session.c.stepped_up_at,
        session.c.stepped_up_with,
        device.c.first_seen_at.label("device_since"),
        *accounts.POSTURE,
    )
    .join(account, account.c.id == session.c.account_id)
    .outerjoin(device, sa.and_(device.c.id == session.c.device_id, device.c.account_id == session.c.account_id))
    .where(session.c.id == sa.bindparam("id"), session.c.expires_at > sa.bindparam("now"))
)


def find(
    connection: sa.Connection, session_id: str, now: datetime, *, factor_required: bool
) -> tuple[SessionRow, Actor] | None:
    """A session in force, and whom it stands for; cost: one indexed read."""
    row = connection.execute(_BY_ID, {"id": session_id, "now": now}).first()
    if row is None or row.deleted_at is not None:
        return None
    stepped_up = None
    if row.stepped_up_at is not None:
        stepped_up = StepUp(row.stepped_up_at, row.stepped_up_with, row.device_since)
    found = SessionRow(*tuple(row)[: len(_COLUMNS)])
    return found, accounts.actor(row, factor_required=factor_required, stepped_up=stepped_up)


def add(connection: sa.Connection, row: SessionRow, step_up: StepUp | None) -> None:
    """Begin a session."""
    connection.execute(
        session.insert().values(
            id=row.id,
            account_id=row.account_id,
            stage=row.stage,
            via=row.via,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            address=row.address,
            user_agent=row.user_agent[:200],
            device_id=row.device_id,
            stepped_up_at=step_up and step_up.at,
            stepped_up_with=step_up and step_up.proof,
        )
    )


def listed(connection: sa.Connection, account_id: int, now: datetime) -> list[SessionRow]:
    """The sessions of an account that are in force, newest first."""
    query = (
        sa.select(*_COLUMNS)
        .where(session.c.account_id == account_id, session.c.expires_at > now, session.c.stage == "whole")
        .order_by(session.c.seen_at.desc())
    )
    return [SessionRow(*tuple(row)) for row in connection.execute(query)]


def end(connection: sa.Connection, session_id: str) -> bool:
    """End a session; whether there was one."""
    return connection.execute(session.delete().where(session.c.id == session_id)).rowcount > 0


def end_all(connection: sa.Connection, account_id: int, *, but: str | None = None) -> int:
    """End every session of an account, but one where ``but`` names it; how many."""
    gone = session.delete().where(session.c.account_id == account_id)
    if but is not None:
        gone = gone.where(session.c.id != but)
    return connection.execute(gone).rowcount


def step_up(connection: sa.Connection, session_id: str, at: datetime, proof: Proof) -> None:
    """Note a proof that was given in a session."""
    connection.execute(
        session.update().where(session.c.id == session_id).values(stepped_up_at=at, stepped_up_with=proof)
    )


def see(connection: sa.Connection, session_id: str, at: datetime, address: str) -> None:
    """Note that a session was used."""
    connection.execute(session.update().where(session.c.id == session_id).values(seen_at=at, address=address))


def set_challenge(connection: sa.Connection, session_id: str, challenge: bytes, at: datetime) -> None:
    """Keep the challenge of a WebAuthn ceremony."""
    connection.execute(session.update().where(session.c.id == session_id).values(challenge=challenge, challenge_at=at))


def take_challenge(connection: sa.Connection, session_id: str, since: datetime) -> bytes | None:
    """The challenge of a ceremony begun after ``since``, once: a second answer to it finds none."""
    row = connection.execute(
        sa.select(session.c.challenge, session.c.challenge_at).where(session.c.id == session_id)
    ).first()
    connection.execute(session.update().where(session.c.id == session_id).values(challenge=None, challenge_at=None))
    if row is None or row.challenge is None or row.challenge_at < since:
        return None
    return bytes(row.challenge)


def device_known(connection: sa.Connection, account_id: int, device_id: str) -> datetime | None:
    """Since when an account uses a device."""
    return connection.scalar(
        sa.select(device.c.first_seen_at).where(device.c.account_id == account_id, device.c.id == device_id)
    )


def is_device(connection: sa.Connection, device_id: str) -> bool:
    """Whether any account was ever used on a device of that id: one that we named."""
    return connection.scalar(sa.select(device.c.id).where(device.c.id == device_id).limit(1)) is not None


def any_device(connection: sa.Connection, account_id: int) -> bool:
    """Whether the account was ever used on a device."""
    return connection.scalar(sa.select(device.c.id).where(device.c.account_id == account_id).limit(1)) is not None


def see_device(connection: sa.Connection, account_id: int, device_id: str, at: datetime, user_agent: str) -> None:
    """Note that an account uses a device."""
    done = connection.execute(
        device.update()
        .where(device.c.account_id == account_id, device.c.id == device_id)
        .values(seen_at=at, user_agent=user_agent[:200])
    )
    if not done.rowcount:
        connection.execute(
            device.insert().values(
                id=device_id, account_id=account_id, first_seen_at=at, seen_at=at, user_agent=user_agent[:200]
            )
        )
