"""Recovery: getting back in when every second factor and every code is gone.

Somebody who knows the password follows a link in a mail; then a wait begins, in which every address is told each
day, anybody who is signed in or reads that mail can end it, and a co-owner can vouch. After it the old factors go.
Tokens stay: they are narrower than what was just recovered, and ending them would break publishing for nothing; the
letter names them. What does not live here: how long the wait is (`core.people.recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Refused, deny, refuse
from affineur.core.people import recovery as rules
from affineur.core.people import throttle
from affineur.core.people.recovery import KEPT_OPEN, WAITS, Recovery, Voucher
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import (
    accounts,
    attempts,
    emails,
    factors,
    outbox,
    recoveries,
    security,
    sessions,
    tickets,
    tokens,
)
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.outbox import Letter
from affineur.shell.store.recoveries import RecoveryRow
from affineur.shell.store.sessions import SessionRow

from . import beginning
from .beginning import Begun, place_of
from .calling_off import OPEN, call_off

CANCEL = "recovery-cancel"
"""The purpose of the tickets that end a recovery; `OPEN` is that of those that open one."""
LINK_LASTS = timedelta(hours=1)
TOLD_EVERY = timedelta(hours=24)
MOST_TOKENS_NAMED = 30

LINK_OVER = deny(
    "recovery.link",
    "This link was used, or its time is over.",
    "The newest mail about it has one that works; or sign in with your password and ask anew.",
)


def ask(index: Index, by: Caller, waiting: SessionRow) -> int:
    """Mail the link that opens a recovery to every verified address; how many.

    ``waiting`` is a session in the stage "factor": whoever has it knows the password. `Refused` where there is no
    address to prove anything by (``recovery.address``), and where it was asked for too often.
    """
    attempts.take(
        index.store, attempts.limits(throttle.RESET_MAIL, "recovery", str(waiting.account_id)), by.now
    ).require()
    with index.store.write() as connection:
        account = _guarded(connection, waiting.account_id)
        if not emails.verified(connection, account.id):
            refuse(
                "recovery.address",
                "Your account has no verified e-mail address, so nothing can show that it is yours.",
                "Write to an operator of this index, who can see who you are in another way.",
            )
        link = tickets.issue(connection, OPEN, account.id, "", by.now, LINK_LASTS)
        minutes = int(LINK_LASTS.total_seconds()) // 60
        values = {"account": account.name, "at": by.now, "minutes": minutes, "place": place_of(by.origin)}
        values["link"] = f"account/recovery/open?ticket={link}"
        return emails.tell(connection, account.id, "recovery-asked", values, by.now)


def open_recovery(index: Index, by: Caller, secret: str) -> RecoveryRow:
    """Open a recovery by the link that `ask` mailed, or find the one that is open; every address is told.

    A password counts as known where it is older than the longest wait: a newer one may have been set by mail alone.
    """
    with index.store.write() as connection:
        ticket = tickets.use(connection, secret, OPEN, by.now)
        if ticket is None or ticket.account_id is None:
            raise Refused(LINK_OVER)
        account = _guarded(connection, ticket.account_id)
        there = recoveries.open_of(connection, account.id, by.now)
        if there is not None:
            return there
        changed_at = account.password_changed_at
        knows = account.password_hash is not None and (changed_at is None or by.now - changed_at >= WAITS[-1])
        due_at = by.now + rules.recovery_wait(Recovery(by.now, knows, 0, operator_vouches=False))
        found = _require(connection, recoveries.add(connection, account.id, by.now, due_at, knows_password=knows))
        facts = {"due_at": due_at.isoformat()}
        security.append(connection, by, Happened("RecoveryOpened", account.id, account.name, facts=facts))
        values = {"account": account.name, "at": by.now, "due_at": due_at, "place": place_of(by.origin)}
        _tell(connection, found, "recovery-opened", values, by.now)
    return found


def cancel_by_link(index: Index, by: Caller, secret: str) -> None:
    """Cancel a recovery by the link in a notice of it. `Refused` (``recovery.link``) where the link is over."""
    with index.store.write() as connection:
        ticket = tickets.use(connection, secret, CANCEL, by.now)
        if ticket is None or ticket.account_id is None:
            raise Refused(LINK_OVER)
        account = _account(connection, ticket.account_id)
        call_off(connection, by, account, "a link in a mail")


def cancel_own(index: Index, by: Caller) -> None:
    """Cancel a recovery of one's own account, being signed in; nothing happens where none is open."""
    with index.store.write() as connection:
        account = _account(connection, by.actor.account_id)
        may(by.actor, "see-account", Resource(account_id=account.id), by.now).require()
        call_off(connection, by, account, "somebody who is signed in")


def vouch(index: Index, by: Caller, recovery_id: int) -> datetime:
    """Vouch that it is really them who asks to get back in; when the recovery is due now.

    `Refused` without a fresh proof, by `core.people.recovery.may_vouch`, and where nothing waits that could be shorter
    (``recovery.exists``). An operator, and the console, vouch for two.
    """
    with index.store.write() as connection:
        voucher = None
        if by.actor.kind != "system":
            voucher = _account(connection, by.actor.account_id)
            may(by.actor, "change-account", Resource(account_id=voucher.id), by.now).require()
        row = recoveries.find(connection, recovery_id)
        open_one = None if row is None else recoveries.open_of(connection, row.account_id, by.now)
        if row is None or open_one is None or open_one.id != row.id or not rules.can_be_shorter(row.facts):
            refuse("recovery.exists", "There is no such recovery that waits for a voucher.", "It may be over.")
        if voucher is not None:
            rules.may_vouch(_voucher(connection, voucher, row), by.now).require()
        is_operator = voucher is None or voucher.office == "operator"
        said = None if voucher is None else voucher.id
        row = recoveries.vouch(connection, row, said, by.now, is_operator=is_operator)
        facts = {"due_at": row.due_at.isoformat(), "as": "operator" if is_operator else "owner"}
        security.append(connection, by, Happened("RecoveryVouched", row.account_id, row.account, facts=facts))
        said_by = "an operator of this index" if voucher is None else voucher.name
        values = {"account": row.account, "by": said_by, "due_at": row.due_at}
        _tell(connection, row, "recovery-vouched", values, by.now)
    return row.due_at


def complete(index: Index, by: Caller, waiting: SessionRow) -> Begun:
    """Take the old factors away after the wait, and let somebody who knows the password in, to enrol anew.

    `Refused` by `core.people.recovery.may_complete`, or where no recovery is open. Every other session ends.
    """
    with index.store.write() as connection:
        account = _guarded(connection, waiting.account_id)
        row = recoveries.open_of(connection, account.id, by.now)
        if row is None:
            refuse("recovery.exists", "No recovery of this account is open.", "Ask for one first.")
        rules.may_complete(row.facts, by.now).require()
        factors.remove_all(connection, account.id)
        recoveries.complete(connection, row.id, by.now)
        sessions.end_all(connection, account.id, but=waiting.id)
        security.append(connection, by, Happened("RecoveryDone", account.id, account.name))
        named = [
            token.label or token.id for token in tokens.listed(connection, account.id) if token.state(by.now) == "valid"
        ]
        values = {"account": account.name, "at": by.now, "tokens": named[:MOST_TOKENS_NAMED]}
        emails.tell(connection, account.id, "recovery-done", values, by.now)
        return beginning.complete(connection, index, waiting, account, "password", by)


def remind(index: Index, now: datetime) -> int:
    """Tell every address again of recoveries that wait, once a day; how many. A chore: cheap where none is open."""
    with index.store.read() as connection:
        if not _untold(connection, now):
            return 0
    with index.store.write() as connection:
        rows = _untold(connection, now)
        for row in rows:
            values = {"account": row.account, "at": row.opened_at, "due_at": row.due_at, "place": "as told before"}
            _tell(connection, row, "recovery-opened", values, now)
    return len(rows)


def _untold(connection: sa.Connection, now: datetime) -> list[RecoveryRow]:
    found: list[RecoveryRow] = []
    for row in recoveries.waiting(connection, now):
        last = recoveries.told_last(connection, row) or row.opened_at
        if now - last >= TOLD_EVERY:
            found.append(row)
    return found


def _tell(
    connection: sa.Connection, row: RecoveryRow, template: str, values: Mapping[str, object], now: datetime
) -> None:
    """A letter to every address, each with a link of its own that cancels."""
    letters = []
    for address in emails.verified(connection, row.account_id):
        secret = tickets.issue(
            connection, CANCEL, row.account_id, str(row.id), now, row.due_at - now + KEPT_OPEN + TOLD_EVERY
        )
        page = f"account/recovery/cancel?ticket={secret}"
        letters.append(Letter(address, template, {**values, "page": page}, row.account_id))
    outbox.put_all(connection, now, letters)


def _voucher(connection: sa.Connection, voucher: AccountRow, row: RecoveryRow) -> Voucher:
    together = recoveries.owners_together_since(connection, voucher.id, row.account_id)
    if voucher.office == "operator" and voucher.id != row.account_id:
        together = voucher.created_at  # operators answer for everybody on the index
    return Voucher(
        is_same_person=voucher.id == row.account_id,
        is_human=voucher.kind == "person",
        has_second_factor=bool(factors.active(factors.listed(connection, voucher.id))),
        owner_together_since=together,
        has_vouched=recoveries.has_vouched(connection, row.id, voucher.id),
        recovered_at=recoveries.last_completed(connection, voucher.id),
    )


def _guarded(connection: sa.Connection, account_id: int) -> AccountRow:
    found = _account(connection, account_id)
    if found.frozen_at is not None or not factors.is_guarded(connection, found.id):
        refuse("recovery.exists", "There is nothing to recover here.", "Sign in with your password.")
    return found


def _account(connection: sa.Connection, account_id: int | None) -> AccountRow:
    found = None if account_id is None else accounts.by_id(connection, account_id)
    if found is None or found.deleted_at is not None:
        refuse("signin.stage", "This sign-in is over.", "Sign in again.")
    return found


def _require(connection: sa.Connection, recovery_id: int) -> RecoveryRow:
    found = recoveries.find(connection, recovery_id)
    assert found is not None, "it was just added"  # noqa: S101
    return found
