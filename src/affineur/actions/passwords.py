"""Passwords of accounts: change, forget and set anew through a link.

A link never signs in and never stands for a second factor: it only sets the password. Every address is told, and
every session but the one at hand ends. What does not live here: signing in, and which passwords may be chosen
(`core.people.passwords`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from affineur.core.access import INDEX, Actor, Resource, may
from affineur.core.decision import Refused, deny, refuse
from affineur.core.people import throttle
from affineur.core.people.accounts import address_key, unknown
from affineur.core.people.second_factor import StepUp
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.passwords import PasswordWork
from affineur.shell.store import accounts, attempts, emails, outbox, security, sessions, tickets
from affineur.shell.store.accounts import AccountRow

from .beginning import Stranger, caller_for, place_of

RESET = "password"
RESET_LASTS = timedelta(minutes=60)
CONSOLE_LINK_LASTS = timedelta(hours=24)

NOT_CURRENT = deny(
    "password.current",
    "The present password is not right.",
    'If you do not remember it, sign out and choose "Forgotten?" on the page for signing in.',
)
LINK_OVER = deny(
    "password.link", "This link was used before, or its time is over.", "Ask for a new one on the page for signing in."
)


async def change_password(
    index: Index, work: PasswordWork, by: Caller, session_id: str, current: str, password: str, address: str
) -> None:
    """Set a new password for the caller, who gives the present one too; other sessions end.

    ``address``: the whole one the request came from, for counting. Where the account has no second factor the
    present password is the proof; else the session has to be confirmed by it. `Refused`: ``access.…``,
    ``password.…``, ``throttle.…``, ``signin.busy``.
    """
    account = await asyncio.to_thread(_account_of, index, by.actor)
    actor = by.actor
    if account.password_hash is not None:
        await _require_current(index, work, by, account, current, address)
        if not actor.posture.factors:
            actor = replace(actor, posture=replace(actor.posture, stepped_up=StepUp(by.now, "password")))
    may(actor, "change-account", Resource(account_id=account.id), by.now).require()
    hashed = await _hash(index, work, account, password)
    await asyncio.to_thread(_keep, index, by, account, hashed, session_id)


def ask_for_link(index: Index, by: Stranger, address: str) -> None:
    """Mail a link for a new password to ``address`` if an account verified it. The answer is the same if none did.

    The mail goes to the address as its account wrote it, never to what was typed. `Refused`: ``throttle.reset-…``.
    """
    counted = [
        *attempts.limits(throttle.RESET_ADDRESS, "address", throttle.network(by.address)),
        *attempts.limits(throttle.RESET_MAIL, "mailbox", address_key(address)),
    ]
    attempts.take(index.store, counted, by.now).require()
    with index.store.write() as connection:
        held = emails.holder(connection, address)
        if held is None or held[0].kind != "person" or not index.settings.password_sign_in:
            # A link of nobody: the answer takes as long as where one is mailed.
            tickets.issue(connection, RESET, None, "", by.now, RESET_LASTS)
            return
        account, written = held
        values = {
            "account": account.name,
            "link": f"account/password/reset?ticket={_ticket(connection, by.caller, account, RESET_LASTS)}",
            "minutes": int(RESET_LASTS.total_seconds() // 60),
            "place": place_of(by.origin),
        }
        outbox.put(connection, by.now, written, "password-reset", values, account.id)


def password_link(index: Index, by: Caller, name: str) -> str:
    """The path, below the index's address, at which the holder of an account chooses a password; good once.

    For the console: it needs no mail, and is how the first operator comes to sign in. `Refused`: ``access.…``,
    ``account.exists``, ``account.machine``.
    """
    may(by.actor, "set-office", INDEX, by.now).require()
    with index.store.write() as connection:
        found = accounts.find(connection, name)
        if found is None:
            raise Refused(unknown(name, "`affineur account list`."))
        if found.kind != "person":
            refuse("account.machine", f"'{name}' is a machine: nobody signs in as one.", "Make it a token instead.")
        return f"account/password/reset?ticket={_ticket(connection, by, found, CONSOLE_LINK_LASTS)}"


def look_at_link(index: Index, by: Stranger, secret: str) -> AccountRow:
    """Whose password a link sets; nothing is changed by looking. `Refused`: ``password.link``."""
    with index.store.read() as connection:
        ticket = tickets.look(connection, secret, RESET, by.now)
        found = None if ticket is None or ticket.account_id is None else accounts.by_id(connection, ticket.account_id)
    if found is None or found.deleted_at is not None:
        raise Refused(LINK_OVER)
    return found


async def reset_password(index: Index, work: PasswordWork, by: Stranger, secret: str, password: str) -> str:
    """Set a new password through a link; every session ends. The account's name: now one signs in with it.

    `Refused`: ``password.…``, ``signin.busy``; the link stays good unless it is over.
    """
    account = await asyncio.to_thread(look_at_link, index, by, secret)
    hashed = await _hash(index, work, account, password)
    await asyncio.to_thread(_reset, index, by, secret, account, hashed)
    return account.name


async def _require_current(
    index: Index, work: PasswordWork, by: Caller, account: AccountRow, current: str, address: str
) -> None:
    """Guesses at the present password count like guesses at the door, from a known device."""
    device = f"session of {account.id}"
    counted = throttle.sign_in(account.id, account.name, address, device)
    (await asyncio.to_thread(attempts.take, index.store, counted, by.now)).require()
    right, _ = await work.verify(account.password_hash, current)
    if not right:
        await asyncio.to_thread(_note_wrong, index, by)
        raise Refused(NOT_CURRENT)
    await asyncio.to_thread(attempts.give_back, index.store, counted)


def _note_wrong(index: Index, by: Caller) -> None:
    with index.store.write() as connection:
        wrong = Happened("StepUpRefused", by.actor.account_id, by.actor.name, outcome="refused", rule=NOT_CURRENT.rule)
        security.append(connection, by, wrong)


async def _hash(index: Index, work: PasswordWork, account: AccountRow, password: str) -> str:
    addresses = await asyncio.to_thread(_addresses, index, account)
    about = (account.name, *addresses, index.settings.index_name)
    (await work.judge(password, about, index.settings.breached_passwords)).require()
    return await work.hash(password)


def _addresses(index: Index, account: AccountRow) -> list[str]:
    with index.store.read() as connection:
        return [row.address for row in emails.listed(connection, account.id)]


def _account_of(index: Index, actor: Actor) -> AccountRow:
    with index.store.read() as connection:
        found = None if actor.account_id is None else accounts.by_id(connection, actor.account_id)
    if found is None:
        refuse("account.exists", "There is no account that could have a password.", "Sign in.")
    return found


def _keep(index: Index, by: Caller, account: AccountRow, hashed: str, session_id: str) -> None:
    with index.store.write() as connection:
        _set(connection, by, account, hashed, "PasswordChanged")
        sessions.end_all(connection, account.id, but=session_id)


def _reset(index: Index, by: Stranger, secret: str, account: AccountRow, hashed: str) -> None:
    with index.store.write() as connection:
        if tickets.use(connection, secret, RESET, by.now) is None:
            raise Refused(LINK_OVER)
        _set(connection, caller_for(connection, index, account, by.origin, by.now), account, hashed, "PasswordReset")
        sessions.end_all(connection, account.id)


def _set(connection: sa.Connection, by: Caller, account: AccountRow, hashed: str, event: str) -> None:
    accounts.change(connection, account.id, password_hash=hashed, password_changed_at=by.now)
    tickets.withdraw(connection, RESET, by.now, account_id=account.id)  # no other link sets it again
    told = {"account": account.name, "at": by.now, "place": place_of(by.origin)}
    emails.tell(connection, account.id, "password-changed", told, by.now)
    security.append(connection, by, Happened(event, account.id, account.name))


def _ticket(connection: sa.Connection, by: Caller, account: AccountRow, lifetime: timedelta) -> str:
    security.append(connection, by, Happened("PasswordResetAsked", account.id, account.name))
    return tickets.issue(connection, RESET, account.id, account.name, by.now, lifetime)
