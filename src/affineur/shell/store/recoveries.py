"""Recoveries as stored: somebody who lost every factor asks to get back in. At most one is open for an account.

What does not live here: how long one waits, and who may shorten it (`core.people.recovery`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from affineur.core.people import recovery as rules
from affineur.core.people.recovery import KEPT_OPEN, Recovery

from .schema import account, outbox, recovery, recovery_voucher, role


@dataclass(frozen=True, slots=True)
class RecoveryRow:
    """A recovery as stored."""

    id: int
    account_id: int
    account: str
    opened_at: datetime
    due_at: datetime
    cancelled_at: datetime | None
    completed_at: datetime | None
    knows_password: bool
    co_owners: int
    """How many co-owners have vouched."""
    by_operator: bool
    """Whether somebody who ran the index then has."""

    @property
    def facts(self) -> Recovery:
        """What the rules look at."""
        cancelled = self.cancelled_at is not None
        return Recovery(self.opened_at, self.knows_password, self.co_owners, self.by_operator, cancelled)


def _vouched(*, by_operator: bool) -> sa.ScalarSelect[int]:
    counted = sa.select(sa.func.count()).select_from(recovery_voucher)
    mine = (recovery_voucher.c.recovery_id == recovery.c.id, recovery_voucher.c.is_operator == by_operator)
    return counted.where(*mine).correlate(recovery).scalar_subquery()


_ROWS = sa.select(
    recovery.c.id,
    recovery.c.account_id,
    account.c.name,
    recovery.c.opened_at,
    recovery.c.due_at,
    recovery.c.cancelled_at,
    recovery.c.completed_at,
    recovery.c.knows_password,
    _vouched(by_operator=False),
    _vouched(by_operator=True) > 0,
).join(account, account.c.id == recovery.c.account_id)
_UNSETTLED = (recovery.c.cancelled_at.is_(None), recovery.c.completed_at.is_(None))


def open_of(connection: sa.Connection, account_id: int, now: datetime) -> RecoveryRow | None:
    """The recovery of an account that is neither done, cancelled nor out of time."""
    query = _ROWS.where(recovery.c.account_id == account_id, *_UNSETTLED, recovery.c.due_at > now - KEPT_OPEN)
    row = connection.execute(query.order_by(recovery.c.id.desc()).limit(1)).first()
    return None if row is None else RecoveryRow(*tuple(row))


def find(connection: sa.Connection, recovery_id: int) -> RecoveryRow | None:
    """The recovery of that id."""
    row = connection.execute(_ROWS.where(recovery.c.id == recovery_id)).first()
    return None if row is None else RecoveryRow(*tuple(row))


def waiting(connection: sa.Connection, now: datetime) -> list[RecoveryRow]:
    """Every recovery whose time has not come yet."""
    return [RecoveryRow(*tuple(row)) for row in connection.execute(_ROWS.where(*_UNSETTLED, recovery.c.due_at > now))]


def add(connection: sa.Connection, account_id: int, at: datetime, due_at: datetime, *, knows_password: bool) -> int:
    """Open a recovery; its id."""
    row = recovery.insert().values(account_id=account_id, opened_at=at, due_at=due_at, knows_password=knows_password)
    return int(connection.execute(row.returning(recovery.c.id)).scalar_one())


def vouch(
    connection: sa.Connection, row: RecoveryRow, voucher_id: int | None, at: datetime, *, is_operator: bool
) -> RecoveryRow:
    """Note that somebody vouched (``voucher_id`` None: the console), and let it end earlier; as it stands now."""
    said = recovery_voucher.insert().values(recovery_id=row.id, account_id=voucher_id, is_operator=is_operator, at=at)
    connection.execute(said)
    found = find(connection, row.id)
    assert found is not None, "it was there, and its account waits for this transaction"  # noqa: S101
    due_at = found.opened_at + rules.recovery_wait(found.facts)
    connection.execute(recovery.update().where(recovery.c.id == row.id).values(due_at=due_at))
    return replace(found, due_at=due_at)


def has_vouched(connection: sa.Connection, recovery_id: int, account_id: int) -> bool:
    """Whether an account has vouched in a recovery."""
    said = (recovery_voucher.c.recovery_id == recovery_id, recovery_voucher.c.account_id == account_id)
    return connection.scalar(sa.select(recovery_voucher.c.id).where(*said)) is not None


def cancel(connection: sa.Connection, account_id: int, at: datetime) -> bool:
    """Cancel what is open for an account; whether anything was."""
    changed = recovery.update().where(recovery.c.account_id == account_id, *_UNSETTLED)
    return connection.execute(changed.values(cancelled_at=at)).rowcount > 0


def complete(connection: sa.Connection, recovery_id: int, at: datetime) -> None:
    """Note that somebody got back in."""
    connection.execute(recovery.update().where(recovery.c.id == recovery_id).values(completed_at=at))


def last_completed(connection: sa.Connection, account_id: int) -> datetime | None:
    """When an account's factors were last taken away by recovery."""
    newest = sa.select(sa.func.max(recovery.c.completed_at)).where(recovery.c.account_id == account_id)
    found: datetime | None = connection.scalar(newest)
    return found


def owners_together_since(connection: sa.Connection, one: int, other: int) -> datetime | None:
    """Since when two accounts are both owners of one project, the longest such time; None where they are of none."""
    mine, theirs = role.alias("mine"), role.alias("theirs")
    query = sa.select(mine.c.granted_at, theirs.c.granted_at).join(
        theirs, sa.and_(theirs.c.project_id == mine.c.project_id, theirs.c.account_id == other)
    )
    rows = connection.execute(query.where(mine.c.account_id == one, mine.c.role == "owner", theirs.c.role == "owner"))
    return min((max(*tuple(row)) for row in rows), default=None)


def of_co_owners(connection: sa.Connection, account_id: int, now: datetime) -> list[RecoveryRow]:
    """The open recoveries of people with whom an account owns a project: what it may be able to vouch for."""
    mine, theirs = role.alias("mine"), role.alias("theirs")
    shared = sa.exists().where(
        mine.c.account_id == account_id, mine.c.role == "owner",
        theirs.c.project_id == mine.c.project_id, theirs.c.account_id == recovery.c.account_id,
        theirs.c.role == "owner",
    )  # fmt: skip
    wanted = (shared, recovery.c.account_id != account_id, recovery.c.due_at > now)
    query = _ROWS.where(*_UNSETTLED, *wanted).order_by(recovery.c.id)
    rows = [RecoveryRow(*tuple(row)) for row in connection.execute(query)]
    return [row for row in rows if rules.can_be_shorter(row.facts) and not has_vouched(connection, row.id, account_id)]


def told_last(connection: sa.Connection, row: RecoveryRow) -> datetime | None:
    """When the account was last told of a recovery: from the letters themselves, which outlast any recovery."""
    about = ("recovery-opened", "recovery-vouched")
    letters = (outbox.c.account_id == row.account_id, outbox.c.template.in_(about))
    newest = sa.select(sa.func.max(outbox.c.created_at)).where(*letters, outbox.c.created_at >= row.opened_at)
    found: datetime | None = connection.scalar(newest)
    return found
