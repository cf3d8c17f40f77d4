"""The outbox: mails that are to be sent, put there by the same transaction as the act they tell of.

What does not live here: what a mail says (`shell.mail`) and the sending (`projections.post`).

A mail is sent at least once. Whoever sends claims a row first, so that several nodes never work on the same one;
a crash between the server's acceptance and `settle_sent` lets the claim lapse, and the mail goes out a second time
under the same Message-ID. It never goes out zero times without `failed_at` saying so.

What a row holds is emptied once it is sent: it may be a link that opens an account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import sqlalchemy as sa

from affineur.shell.mail.letters import TEMPLATES, require_fit

from .schema import outbox

CLAIM = timedelta(minutes=10)
"""How long a sender has for one mail: about ten steps of SMTP, none longer than `sending.TIMEOUT_SECONDS`."""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440, 1440, 1440))
"""What lies between two attempts. Together 4.9 days: RFC 5321 §4.5.4.1 asks for at least 4 to 5."""

WAITS_AT_MOST = timedelta(days=5)
"""How long a mail waits for a server that is away, or not set up. After that its links have long ended."""

KEPT_AFTER_FAILURE = timedelta(days=14)
"""How long the contents of a mail that failed are kept, so that it can be tried again."""

LISTED = timedelta(days=90)
"""How long people find in their account that a mail was sent to them."""

_ROWS_PER_STATEMENT = 500
_EMPTY = "{}"
_WITH_LINK = [name for name, values in TEMPLATES.items() if "link" in values]
"""Letters with a link that works once: it opens something that an account has to be there for."""
_TOO_LATE = "Not sent within 5 days."
_WAITS = outbox.c.sent_at.is_(None) & outbox.c.failed_at.is_(None)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be sent. ``template`` and the names of ``values`` are those of `shell.mail.letters.TEMPLATES`."""

    to_address: str
    template: str
    values: Mapping[str, object]
    account_id: int | None = None
    """Whom it is for, if that is an account: there the mail is listed."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A mail as it stands in the outbox. Moments in ``values`` are text (ISO 8601)."""

    id: int
    to_address: str
    account_id: int | None
    template: str
    subject: str
    """Empty until it is sent."""
    values: Mapping[str, object]
    """Empty after it is sent, and some time after it failed."""
    created_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    failed_at: datetime | None
    last_error: str | None


def put(
    connection: sa.Connection,
    at: datetime,
    to_address: str,
    template: str,
    values: Mapping[str, object],
    account_id: int | None = None,
) -> int:
    """A mail to ``to_address``, due at once; its number. Call it inside the transaction of the act it tells of.

    Raises `shell.mail.letters.UnfitMail` for an unknown letter, for values that are missing or not known to it, and
    for what is not one address: nothing is then in the outbox.
    """
    row = outbox.insert().values(_row(at, Letter(to_address, template, values, account_id)))
    return int(connection.execute(row.returning(outbox.c.id)).scalar_one())


def put_all(connection: sa.Connection, at: datetime, letters: Iterable[Letter]) -> int:
    """As `put`, many at once, in few statements; how many."""
    rows = [_row(at, letter) for letter in letters]
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        connection.execute(outbox.insert(), rows[start : start + _ROWS_PER_STATEMENT])
    return len(rows)


def anything_due(connection: sa.Connection, now: datetime) -> bool:
    """Whether a mail waits to be sent at ``now``. Reads only: it may be asked every second."""
    return connection.scalar(sa.select(outbox.c.id).where(_claimable(now)).limit(1)) is not None


def claim(connection: sa.Connection, now: datetime) -> OutboxRow | None:
    """The mail that is due longest, which nobody else is given before ``now`` + `CLAIM`; None where there is none.

    Writers stand in line (`Store.write`), so two senders cannot claim the same.
    """
    due = sa.select(outbox.c.id).where(_claimable(now)).order_by(outbox.c.due_at, outbox.c.id).limit(1)
    changed = outbox.update().where(outbox.c.id == due.scalar_subquery()).values(claimed_until=now + CLAIM)
    row = connection.execute(changed.returning(*outbox.c)).first()
    return None if row is None else _read(row)


def settle_sent(connection: sa.Connection, number: int, subject: str, at: datetime) -> None:
    """The mail was accepted by a server: it is listed with its ``subject``, and what it held is gone."""
    _change(connection, number, sent_at=at, subject=subject, last_error=None, values=_EMPTY)


def settle_later(connection: sa.Connection, row: OutboxRow, error: str, now: datetime) -> bool:
    """The attempt came to nothing: due again after a growing pause, or, after the last one, failed.

    Returns whether it was given up.
    """
    attempts = row.attempts + 1
    if attempts > len(PAUSES):
        _change(connection, row.id, failed_at=now, attempts=attempts, last_error=error)
        return True
    _change(connection, row.id, due_at=now + PAUSES[attempts - 1], attempts=attempts, last_error=error)
    return False


def settle_failed(connection: sa.Connection, row: OutboxRow, error: str, at: datetime) -> None:
    """The mail is refused for good; nothing is tried again by itself."""
    _change(connection, row.id, failed_at=at, attempts=row.attempts + 1, last_error=error)


def give_back(connection: sa.Connection, row: OutboxRow, error: str) -> None:
    """The mail could not be tried at all, the server being away: due as before, and this was no attempt."""
    _change(connection, row.id, last_error=error)


def retry(connection: sa.Connection, now: datetime, numbers: Collection[int] | None = None) -> list[int]:
    """Make mails that are not sent due at ``now``, with all their attempts; their numbers.

    ``numbers`` names them; None means every one that waits or failed. One whose contents are gone cannot be sent.
    """
    wanted = (outbox.c.sent_at.is_(None), outbox.c["values"] != _EMPTY)
    chosen = wanted if numbers is None else (*wanted, outbox.c.id.in_(numbers))
    changed = outbox.update().where(*chosen).values(due_at=now, attempts=0, failed_at=None, claimed_until=None)
    return sorted(connection.scalars(changed.returning(outbox.c.id)))


def needs_tidying(connection: sa.Connection, now: datetime) -> bool:
    """Whether `tidy` would change anything. Reads only."""
    conditions = (_too_late(now), _to_be_emptied(now), outbox.c.created_at < now - LISTED)
    return connection.scalar(sa.select(outbox.c.id).where(sa.or_(*conditions)).limit(1)) is not None


def tidy(connection: sa.Connection, now: datetime) -> list[int]:
    """Give up what waited too long, empty what failed long ago, and forget what is old; numbers of those given up.

    This holds with a mail server and without: links do not lie about for ever.
    """
    given_up = outbox.update().where(_too_late(now))
    changed = given_up.values(failed_at=now, last_error=sa.func.coalesce(outbox.c.last_error, _TOO_LATE))
    numbers = sorted(connection.scalars(changed.returning(outbox.c.id)))
    connection.execute(outbox.update().where(_to_be_emptied(now)).values({"values": _EMPTY}))
    connection.execute(outbox.delete().where(outbox.c.created_at < now - LISTED, sa.not_(_WAITS)))
    return numbers


def mails(connection: sa.Connection, *, unsent_only: bool, limit: int) -> list[OutboxRow]:
    """Mails, newest first; only those that wait or failed with ``unsent_only``."""
    query = sa.select(outbox).order_by(outbox.c.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query.where(outbox.c.sent_at.is_(None)) if unsent_only else query)]


def mails_to(
    connection: sa.Connection, account_id: int, limit: int, *, before: int | None = None, sent_only: bool = True
) -> list[OutboxRow]:
    """Mails to an account within `LISTED`, newest first: what a reader compares a mail with.

    ``before``: only those with a lower number, for the next part of a long list. Without ``sent_only``, also those
    that wait or failed.
    """
    query = sa.select(outbox).where(outbox.c.account_id == account_id)
    if sent_only:
        query = query.where(outbox.c.sent_at.is_not(None))
    if before is not None:
        query = query.where(outbox.c.id < before)
    return [_read(row) for row in connection.execute(query.order_by(outbox.c.id.desc()).limit(limit))]


def forget_account(connection: sa.Connection, account_id: int) -> None:
    """Forget the mails of an account that is deleted, but for notices that wait: these are still sent.

    So nobody keeps a notice from its reader by deleting the account.
    """
    over = sa.or_(sa.not_(_WAITS), outbox.c.template.in_(_WITH_LINK))
    connection.execute(outbox.delete().where(outbox.c.account_id == account_id, over))


def _claimable(now: datetime) -> sa.ColumnElement[bool]:
    unclaimed = sa.or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now)
    return sa.and_(_WAITS, outbox.c.due_at <= now, unclaimed)


def _too_late(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_claimable(now), outbox.c.due_at < now - WAITS_AT_MOST)


def _to_be_emptied(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(outbox.c.failed_at < now - KEPT_AFTER_FAILURE, outbox.c["values"] != _EMPTY)


def _change(connection: sa.Connection, number: int, **values: object) -> None:
    changed = outbox.update().where(outbox.c.id == number, outbox.c.sent_at.is_(None))
    connection.execute(changed.values({"claimed_until": None, **values}))


def _row(at: datetime, letter: Letter) -> dict[str, object]:
    require_fit(letter.to_address, letter.template, letter.values)
    return {
        "to_address": letter.to_address,
        "account_id": letter.account_id,
        "template": letter.template,
        "subject": "",
        "values": orjson.dumps(dict(letter.values)).decode(),
        "created_at": at,
        "due_at": at,
        "attempts": 0,
    }


def _read(row: sa.Row[tuple[object, ...]]) -> OutboxRow:
    found = row._mapping
    return OutboxRow(
        found["id"],
        found["to_address"],
        found["account_id"],
        found["template"],
        found["subject"],
        orjson.loads(found["values"]),
        found["created_at"],
        found["due_at"],
        found["attempts"],
        found["sent_at"],
        found["failed_at"],
        found["last_error"],
    )
