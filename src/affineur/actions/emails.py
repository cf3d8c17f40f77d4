"""Addresses of an account: add, verify, choose, remove.

An address counts once the link that was mailed to it was opened by whoever is signed in to that very account: nobody
can attach their account to another's mailbox, nor another's mailbox to theirs. What changes is told to every address
that was verified before. What does not live here: the first address (`register`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Refused, refuse
from affineur.core.people import throttle
from affineur.core.people.accounts import MOST_ADDRESSES, address_key
from affineur.core.people.second_factor import REMOVAL_WAITS
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import attempts, emails, security, tickets
from affineur.shell.store.emails import EmailRow

from .addresses import TAKEN, VERIFY, require_fit, send_link


def add_email(index: Index, by: Caller, address: str) -> EmailRow:
    """Add an address to the caller's account; a link is mailed to it, and the others are told.

    `Refused`: ``access.…``, ``email.format``, ``email.exists`` (it is yours already), ``email.most``,
    ``throttle.verify-mail``. Whether another account has the address is not told here: only whoever reads its mail
    finds out (`verify_email`).
    """
    fit, key = require_fit(address), _own(by)
    _count(index, by, fit)
    with index.store.write() as connection:
        mine = emails.listed(connection, key)
        if any(address_key(row.address) == address_key(fit) for row in mine):
            refuse("email.exists", f"The address {fit} is in your account already.", "Ask for its link again there.")
        if len(mine) >= MOST_ADDRESSES:
            refuse("email.most", f"An account has at most {MOST_ADDRESSES} addresses.", "Remove one first.")
        told = {"account": by.actor.name, "at": by.now, "address": fit}
        emails.tell(connection, key, "email-added", told, by.now)
        found = emails.find(connection, key, emails.add(connection, key, fit, by.now))
        assert found is not None  # noqa: S101 - it was added just now
        send_link(connection, by.actor.name, by.now, found)
        security.append(connection, by, Happened("EmailAdded", key, by.actor.name, facts={"address": fit}))
    return found


def send_link_again(index: Index, by: Caller, email_id: int) -> EmailRow:
    """Mail the link once more; older ones end. `Refused`: ``email.unknown``, ``throttle.verify-mail``."""
    key = by.actor.account_id or 0
    may(by.actor, "manage-account", Resource(account_id=key), by.now).require()
    with index.store.read() as connection:
        row = _find(connection, key, email_id)
    _count(index, by, row.address)
    with index.store.write() as connection:
        row = _find(connection, key, email_id)
        if row.verified_at is None:
            send_link(connection, by.actor.name, by.now, row)
    return row


def verify_email(index: Index, by: Caller, secret: str) -> EmailRow:
    """Verify the address that a mailed link is for; the caller is signed in to its account.

    `Refused`: ``email.link`` (used, over, or another account's), ``email.taken`` (another account verified it).
    """
    key = by.actor.account_id
    with index.store.write() as connection:
        ticket = tickets.use(connection, secret, VERIFY, by.now)
        row = None
        if ticket is not None and ticket.account_id == key and key is not None:
            row = emails.find(connection, key, int(ticket.subject))
        if row is None:
            refuse(
                "email.link",
                "This link was used before, is too old, or is for another account.",
                "Ask for a new one at your addresses.",
            )
        if emails.holder(connection, row.address) is not None:
            raise Refused(TAKEN)
        emails.verify(connection, row, by.now)
        security.append(connection, by, Happened("EmailVerified", key, by.actor.name, facts={"address": row.address}))
    return row


def set_primary_email(index: Index, by: Caller, email_id: int) -> EmailRow:
    """Let mail about the account go to a verified address. `Refused`: ``access.…``, ``email.unverified``."""
    key = _own(by)
    with index.store.write() as connection:
        row = _find(connection, key, email_id)
        if row.verified_at is None:
            refuse("email.unverified", "This address is not verified yet.", "Open the link that was mailed to it.")
        if not row.is_primary:
            emails.set_primary(connection, row)
            told = {"account": by.actor.name, "at": by.now, "address": row.address}
            emails.tell(connection, key, "primary-changed", told, by.now)
            facts = {"address": row.address}
            security.append(connection, by, Happened("PrimaryEmailChanged", key, by.actor.name, facts=facts))
    return row


def remove_email(index: Index, by: Caller, email_id: int) -> EmailRow:
    """Remove an address; it and all others are told.

    `Refused`: ``access.…``, ``email.last`` (the last verified), ``email.new`` (none that stays was verified before it,
    nor `REMOVAL_WAITS` ago): else whoever got hold of a session puts their own address in the place of the owner's,
    who is warned and helped through it.
    """
    key = _own(by)
    with index.store.write() as connection:
        row = _find(connection, key, email_id)
        verified = [each for each in emails.listed(connection, key) if each.verified_at is not None]
        if [each.id for each in verified] == [row.id]:
            refuse(
                "email.last",
                "This is the only verified address of your account: without it nobody could reach you.",
                "Add another one, open the link that is mailed to it, and then remove this one.",
            )
        _require_settled(row, verified, by.now)
        told = {"account": by.actor.name, "at": by.now, "address": row.address}
        emails.tell(connection, key, "email-removed", told, by.now)
        tickets.withdraw(connection, VERIFY, by.now, account_id=key, subject=str(row.id))
        emails.remove(connection, row)
        left = [each for each in verified if each.id != row.id]
        if row.is_primary and left:
            emails.set_primary(connection, left[0])
        facts = {"address": row.address}
        security.append(connection, by, Happened("EmailRemoved", key, by.actor.name, facts=facts))
    return row


def _require_settled(leaving: EmailRow, verified: list[EmailRow], now: datetime) -> None:
    """`Refused` where nothing but newcomers would stay of the addresses that reach somebody."""
    since = leaving.verified_at
    stay = [each.verified_at for each in verified if each.id != leaving.id and each.verified_at is not None]
    if since is None or any(each <= since or now - each >= REMOVAL_WAITS for each in stay):
        return
    free_at = min(stay) + REMOVAL_WAITS
    refuse(
        "email.new",
        f"The addresses that would stay were verified less than {REMOVAL_WAITS // timedelta(hours=1)} hours ago.",
        f"Remove this one after {free_at:%Y-%m-%d %H:%M} UTC; until then it is told what happens here.",
        free_at=free_at.isoformat(),
    )


def _own(by: Caller) -> int:
    may(by.actor, "change-account", Resource(account_id=by.actor.account_id), by.now).require()
    return by.actor.account_id or 0


def _find(connection: sa.Connection, account_id: int, email_id: int) -> EmailRow:
    row = emails.find(connection, account_id, email_id)
    if row is None:
        refuse("email.unknown", "There is no such address in your account.", "The list shows those that there are.")
    return row


def _count(index: Index, by: Caller, address: str) -> None:
    counted = attempts.limits(throttle.VERIFY_MAIL, "mailbox", address_key(address))
    attempts.take(index.store, counted, by.now).require()
