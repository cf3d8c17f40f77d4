"""Sign in with a name, or a verified e-mail address, and a password.

A guess is counted before it is checked and given back where it was right; what is counted, and from where, is
`core.people.throttle.sign_in`. Whoever is refused is told the same, and after the same time, whether or not there is
such an account. What does not live here: the second factor (which completes what begins here), passkeys, companies.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from affineur.core.decision import Decision, Refused, deny
from affineur.core.people import throttle
from affineur.core.people.throttle import Limit
from affineur.core.security import Happened
from affineur.shell.bearer import digest_of
from affineur.shell.index import Index
from affineur.shell.passwords import PasswordWork
from affineur.shell.store import accounts, attempts, emails, factors, security, sessions
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.attempts import Counters

from .beginning import FROZEN, Begun, Stranger, begin, caller_for

WRONG = deny(
    "signin.wrong",
    "Name or password is not right.",
    'If you do not remember one of them, choose "Forgotten?" below.',
)
OFF = deny(
    "signin.off",
    "Signing in with a password is switched off on this index.",
    "Sign in with your company: the button for it is on the sign-in page.",
)

_NOTED = (Limit("signin-noted", 1, timedelta(hours=1)),)
"""How often something that anybody can do without end goes into the log, which is never shortened."""
_UNNOTED = (Limit("signin-unnoted", 10**9, timedelta(days=1)),)
"""The others are counted only, for no other reason than that a guess takes as long as one that goes into the log."""


async def sign_in(index: Index, work: PasswordWork, by: Stranger, typed: str, password: str, ends: str = "") -> Begun:
    """Begin a session for whoever ``typed`` (a name, in any case, or a verified address) and ``password`` stand for.

    ``ends``: id of the session that the browser had until now; it ends. `Refused`: ``signin.wrong``,
    ``signin.off``, ``signin.frozen``, ``signin.busy``, ``throttle.sign-in-…``.
    """
    if not index.settings.password_sign_in:
        raise Refused(OFF)
    work.require_room()
    account, counters = await asyncio.to_thread(_who, index, by, typed)
    admitted = await asyncio.to_thread(attempts.take, index.store, counters, by.now)
    if not admitted.allowed:
        await asyncio.to_thread(_note, index, by, account, admitted, rarely=True)
        raise Refused(admitted)
    try:
        right, is_outdated = await work.verify(account.password_hash if account else None, password)
    except Refused:  # nothing was tried
        await asyncio.to_thread(attempts.give_back, index.store, counters)
        raise
    if not right or account is None:
        await asyncio.to_thread(_note, index, by, account, WRONG, rarely=account is None)
        raise Refused(WRONG)
    renewed = await work.hash(password) if is_outdated else None
    return await asyncio.to_thread(_begin, index, by, account, counters, renewed, ends)


def _who(index: Index, by: Stranger, typed: str) -> tuple[AccountRow | None, Counters]:
    """The account that was meant, if there is one that passwords open, and what is counted."""
    with index.store.read() as connection:
        found = _account(connection, typed.strip())
        device = digest_of(by.device) if by.device else None
        known = device and found and sessions.device_known(connection, found.id, device) is not None
    key = found.id if found else None
    return found, throttle.sign_in(key, typed.strip(), by.address, device if known else None)


def _account(connection: sa.Connection, typed: str) -> AccountRow | None:
    if not 0 < len(typed) <= 254 or "\0" in typed:
        return None
    named = accounts.find(connection, typed)
    if named is not None:
        return named if named.kind == "person" else None
    held = emails.holder(connection, typed) if "@" in typed else None
    return held[0] if held else None


def _note(index: Index, by: Stranger, account: AccountRow | None, why: Decision, *, rarely: bool) -> None:
    """Write the refusal into the log: of an account each wrong guess, all else once an hour for each address.

    What was typed for a name is not written down: now and then it is a password.
    """
    subject = ("account", str(account.id)) if account else ("address", throttle.network(by.address))
    if rarely and not attempts.take(index.store, attempts.limits(_NOTED, *subject), by.now).allowed:
        if account is None:
            attempts.take(index.store, attempts.limits(_UNNOTED, *subject), by.now)
        return
    key, name = (account.id, account.name) if account else (None, None)
    with index.store.write() as connection:
        security.append(connection, by.caller, Happened("SignInRefused", key, name, outcome="refused", rule=why.rule))


def _begin(
    index: Index, by: Stranger, account: AccountRow, counters: Counters, renewed: str | None, ends: str
) -> Begun:
    with index.store.write() as connection:
        now_there = accounts.by_id(connection, account.id)
        if now_there is None or now_there.deleted_at is not None or now_there.password_hash != account.password_hash:
            raise Refused(WRONG)  # changed while the password was checked
        attempts.give_back_in(connection, counters)
        if now_there.frozen_at is None:
            return _welcome(connection, index, by, now_there, renewed, ends)
        caller = caller_for(connection, index, now_there, by.origin, by.now)
        refused = Happened("SignInRefused", account.id, account.name, outcome="refused", rule=FROZEN.rule)
        security.append(connection, caller, refused)
    raise Refused(FROZEN)  # after the block: the log is kept


def _welcome(
    connection: sa.Connection, index: Index, by: Stranger, account: AccountRow, renewed: str | None, ends: str
) -> Begun:
    if renewed is not None:
        accounts.change(connection, account.id, password_hash=renewed)
    guarded = factors.is_guarded(connection, account.id)
    return begin(
        connection, index, account, by,
        via="password", proof="password", proved_at=by.now, needs_factor=guarded, ends=ends,
    )  # fmt: skip
