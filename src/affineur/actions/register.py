"""Register: first the address, by a mailed link; then, behind the link, name and password.

So nothing is kept of whoever enters an address that is not theirs, names are not taken by accounts that never come
to life, and an account is never without a verified address. The page answers the same whether or not somebody has
the address; only its mailbox is told. What does not live here: further addresses (`emails`), invitations
(`invite_account`).
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from affineur.core.decision import Decision, Refused, deny
from affineur.core.people import throttle
from affineur.core.people.accounts import address_key, chosen_name, registration
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.passwords import PasswordWork
from affineur.shell.store import accounts, attempts, emails, outbox, security, tickets

from .addresses import TAKEN
from .beginning import Begun, Stranger, begin, caller_for
from .registration_links import INVITATION, REGISTER, Welcome, welcome_of

LINK_LASTS = timedelta(hours=24)

LINK_OVER = deny(
    "register.link",
    "This link was used before, or its time is over.",
    "Enter your address again, or ask whoever invited you for a new invitation. "
    "If you used it to make an account, sign in.",
)


def ask_to_register(index: Index, by: Stranger, address: str) -> None:
    """Mail a link for registering to ``address``, or, where an account has it, a note that it does.

    `Refused`: ``register.…``, ``throttle.registration``, ``throttle.verify-mail``; none of them tells of an account.
    """
    registration(index.settings.registration, invited=False).require()
    counted = [
        *attempts.limits(throttle.REGISTRATION, "address", throttle.network(by.address)),
        *attempts.limits(throttle.VERIFY_MAIL, "mailbox", address_key(address)),
    ]
    attempts.take(index.store, counted, by.now).require()
    with index.store.write() as connection:
        held = emails.holder(connection, address)
        if held is not None:
            outbox.put(connection, by.now, held[1], "address-taken", {"at": by.now}, held[0].id)
            return
        tickets.withdraw(connection, REGISTER, by.now, subject=address)
        secret = tickets.issue(connection, REGISTER, None, address, by.now, LINK_LASTS)
        values = {"link": f"account/register/finish?ticket={secret}", "minutes": _minutes(LINK_LASTS)}
        outbox.put(connection, by.now, address, "registration", values)


def look_at_link(index: Index, by: Stranger, secret: str) -> Welcome:
    """What a link for registering would do; nothing is changed by looking. `Refused`: ``register.…``."""
    with index.store.read() as connection:
        found = _find(connection, by, secret)
    if isinstance(found, Decision):
        raise Refused(found)
    registration(index.settings.registration, found.invited).require()
    return found


async def register(index: Index, work: PasswordWork, by: Stranger, secret: str, name: str, password: str) -> Begun:
    """Make an account behind a link, with its verified address, and sign in. The link is used up.

    `Refused`: ``register.…``, ``account.name`` and its neighbours, ``password.…``, ``email.taken``, ``signin.busy``;
    the link then stays good.
    """
    welcome = await asyncio.to_thread(look_at_link, index, by, secret)
    (await asyncio.to_thread(_judge_name, index, name)).require()
    about = (name, welcome.address, index.settings.index_name)
    (await work.judge(password, about, index.settings.breached_passwords)).require()
    hashed = await work.hash(password)
    return await asyncio.to_thread(_register, index, by, secret, name, hashed)


def _judge_name(index: Index, name: str) -> Decision:
    with index.store.read() as connection:
        return name_decision(connection, name)


def name_decision(connection: sa.Connection, name: str) -> Decision:
    """Whether an account may be given ``name`` now."""
    taken = accounts.is_taken(connection, name)
    return chosen_name(name, taken, accounts.lookalike(connection, name))


def _register(index: Index, by: Stranger, secret: str, name: str, hashed: str) -> Begun:
    with index.store.write() as connection:
        welcome = _find(connection, by, secret)
        if isinstance(welcome, Decision):
            raise Refused(welcome)
        name_decision(connection, name).require()
        if emails.holder(connection, welcome.address) is not None:
            raise Refused(TAKEN)
        for purpose in (REGISTER, INVITATION):
            tickets.use(connection, secret, purpose, by.now)
        key = accounts.add_account(connection, name, by.now, office=welcome.office)
        accounts.change(connection, key, password_hash=hashed, password_changed_at=by.now)
        emails.add(connection, key, welcome.address, by.now, verified_at=by.now)
        account = accounts.by_id(connection, key)
        assert account is not None  # noqa: S101 - it was added just now
        _tell(connection, caller_for(connection, index, account, by.origin, by.now), welcome)
        return begin(connection, index, account, by, via="password", proof="password", proved_at=by.now)


def _tell(connection: sa.Connection, by: Caller, welcome: Welcome) -> None:
    key, name = by.actor.account_id, by.actor.name
    facts = {"invited": welcome.invited, "office": welcome.office}
    made = Happened("AccountCreated", key, name, facts=facts)
    security.append(connection, by, made, Happened("EmailVerified", key, name, facts={"address": welcome.address}))
    outbox.put(connection, by.now, welcome.address, "welcome", {"account": name}, key)


def _find(connection: sa.Connection, by: Stranger, secret: str) -> Welcome | Decision:
    for purpose in (REGISTER, INVITATION):
        ticket = tickets.look(connection, secret, purpose, by.now)
        if ticket is not None:
            return welcome_of(ticket)
    return LINK_OVER


def _minutes(duration: timedelta) -> int:
    return int(duration.total_seconds() // 60)
