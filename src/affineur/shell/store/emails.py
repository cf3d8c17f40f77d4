"""E-mail addresses of accounts as stored, and notices to all of them.

An address counts once its link was opened; until then it is a wish. What does not live here: what makes two
addresses the same (`core.people.accounts.address_key`), the mails themselves (`outbox`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.people.accounts import address_key

from . import accounts, outbox
from .outbox import Letter
from .schema import account, email


@dataclass(frozen=True, slots=True)
class EmailRow:
    """An address as stored. ``failed_at``: since when mail to it is refused for good."""

    id: int
    account_id: int
    address: str
    is_primary: bool
    added_at: datetime
    verified_at: datetime | None
    failed_at: datetime | None


_COLUMNS = (
    email.c.id, email.c.account_id, email.c.address, email.c.is_primary, email.c.added_at, email.c.verified_at,
    email.c.failed_at,
)  # fmt: skip

_BEYOND_IDS = 2**63


def listed(connection: sa.Connection, account_id: int) -> list[EmailRow]:
    """The addresses of an account: the primary one first, then by age."""
    query = sa.select(*_COLUMNS).where(email.c.account_id == account_id)
    return [EmailRow(*tuple(row)) for row in connection.execute(query.order_by(email.c.is_primary.desc(), email.c.id))]


def verified(connection: sa.Connection, account_id: int) -> list[str]:
    """The verified addresses of an account, the primary one first."""
    return [row.address for row in listed(connection, account_id) if row.verified_at is not None]


def primary(connection: sa.Connection, account_id: int) -> str | None:
    """The address that mail to an account goes to, if it has a verified one."""
    return next(iter(verified(connection, account_id)), None)


def find(connection: sa.Connection, account_id: int, email_id: int) -> EmailRow | None:
    """An address of that account, by its id."""
    if not 0 < email_id < _BEYOND_IDS:  # a database would not take such a number even to look for it
        return None
    row = connection.execute(
        sa.select(*_COLUMNS).where(email.c.id == email_id, email.c.account_id == account_id)
    ).first()
    return None if row is None else EmailRow(*tuple(row))


def holder(connection: sa.Connection, address: str) -> tuple[accounts.AccountRow, str] | None:
    """The account that verified ``address``, and the address *as that account wrote it*: mail goes there only.

    Two spellings that compare equal here may be two mailboxes elsewhere, so what somebody typed is never mailed to
    in another's name.
    """
    query = (
        sa.select(email.c.account_id, email.c.address)
        .join(account, account.c.id == email.c.account_id)
        .where(
            email.c.address_key == address_key(address),
            email.c.verified_at.is_not(None),
            account.c.deleted_at.is_(None),
        )
    )
    row = connection.execute(query.limit(1)).first()
    found = None if row is None else accounts.by_id(connection, row.account_id)
    return None if row is None or found is None else (found, row.address)


def add(
    connection: sa.Connection, account_id: int, address: str, at: datetime, verified_at: datetime | None = None
) -> int:
    """Keep an address; its id. The first verified one becomes the primary one."""
    is_primary = verified_at is not None and primary(connection, account_id) is None
    row = email.insert().values(
        account_id=account_id,
        address=address,
        address_key=address_key(address),
        is_primary=is_primary,
        added_at=at,
        verified_at=verified_at,
    )
    return int(connection.execute(row.returning(email.c.id)).scalar_one())


def verify(connection: sa.Connection, row: EmailRow, at: datetime) -> None:
    """Note that the link sent to an address was opened; it becomes the primary one where there is none yet."""
    is_primary = row.is_primary or primary(connection, row.account_id) is None
    connection.execute(
        email.update().where(email.c.id == row.id).values(verified_at=at, failed_at=None, is_primary=is_primary)
    )


def set_primary(connection: sa.Connection, row: EmailRow) -> None:
    """Let mail to the account go to this address."""
    mine = email.c.account_id == row.account_id
    connection.execute(email.update().where(mine, email.c.id != row.id).values(is_primary=False))
    connection.execute(email.update().where(email.c.id == row.id).values(is_primary=True))


def remove(connection: sa.Connection, row: EmailRow) -> None:
    """Forget an address."""
    connection.execute(email.delete().where(email.c.id == row.id))


def note_failure(connection: sa.Connection, account_id: int | None, address: str, at: datetime) -> None:
    """Note that mail to an address is refused for good: what `projections.post` is told to call."""
    mine = email.c.account_id == account_id
    same = email.c.address_key == address_key(address)
    connection.execute(email.update().where(mine, same, email.c.failed_at.is_(None)).values(failed_at=at))


def tell(connection: sa.Connection, account_id: int, template: str, values: Mapping[str, object], now: datetime) -> int:
    """Put a letter to *every* verified address of an account into the outbox; how many.

    For what a thief would like to keep quiet: whoever took one mailbox does not have the others. Raises as
    `outbox.put`.
    """
    letters = [Letter(address, template, values, account_id) for address in verified(connection, account_id)]
    return outbox.put_all(connection, now, letters)


def tell_primary(
    connection: sa.Connection, account_ids: Iterable[int], template: str, values: Mapping[str, object], now: datetime
) -> int:
    """Put a letter to the primary address of each account into the outbox; how many have one. Raises as `tell`."""
    found = ((each, primary(connection, each)) for each in account_ids)
    letters = [Letter(address, template, values, each) for each, address in found if address is not None]
    return outbox.put_all(connection, now, letters)
