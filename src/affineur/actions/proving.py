"""Proving: whether a code, or the answer of a passkey, is one of an account's factors. Not an act itself.

What is true is noted in the transaction of the act that asked (a code is used up, a counter goes on). What is not is
*answered*, not raised: the act has to be kept even so, since a copied key is suspended by its very refusal.
What does not live here: what follows from a proof (`second_stage`, `confirm`).
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from affineur.core.decision import Decision, Refused, deny
from affineur.core.people import recovery, throttle, totp
from affineur.core.people.enrolment import KIND_WORDS
from affineur.core.people.second_factor import DEVICE_SETTLES, Proof
from affineur.core.security import Caller, Happened
from affineur.shell import passkeys
from affineur.shell.index import Index
from affineur.shell.passkeys import RelyingParty
from affineur.shell.store import attempts, emails, factors, security
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.attempts import Counters
from affineur.shell.store.factors import FactorRow

from .beginning import place_of

CEREMONY_LASTS = timedelta(milliseconds=2 * passkeys.TIMEOUT_MILLISECONDS)
"""How long a challenge is good for: the browser's own time for the key, and as much to press the button."""

WRONG = deny(
    "factor.code",
    "This code is not right, or it was used before.",
    "Wait for the next code of your app; each works once. A recovery code has six groups of four.",
    "If codes of your app are never right, set the clock of your phone.",
)
NO_CHALLENGE = deny(
    "factor.challenge",
    "This page was open for too long, or its answer was sent before.",
    "Try again: the page now asks anew.",
)


def party_of(index: Index) -> RelyingParty:
    """The relying party that passkeys of this index are bound to; `Refused` (``factor.address``) where none can be."""
    return passkeys.relying_party(index.settings.base_url, index.settings.index_name)


def works_here(index: Index) -> Decision:
    """Whether passkeys can be used at the address of this index."""
    try:
        party_of(index)
    except Refused as refused:
        return refused.decision
    return Decision(True, "factor.address", "")


def counters(account_id: int) -> Counters:
    """The counters of wrong codes for an account."""
    return attempts.limits(throttle.SECOND_FACTOR, "account", str(account_id))


def code(connection: sa.Connection, by: Caller, account: AccountRow, typed: str) -> Proof | Decision:
    """Which proof ``typed`` is: a code of an authenticator app, or a recovery code; the refusal where it is none.

    The code is used up with it. Guesses are to be counted by whoever calls (`counters`).
    """
    for row in factors.active(factors.listed(connection, account.id)):
        if row.kind != "totp" or row.secret is None:
            continue
        step = totp.accepts(row.secret.decode(), typed, by.now, row.last_step)
        if step is not None and factors.use_step(connection, row.id, step, by.now):
            return "totp"
    digest = recovery.code_digest(account.id, typed)
    if digest is not None and factors.use_code(connection, account.id, digest, by.now):
        _tell_code_used(connection, by, account)
        return "recovery"
    return WRONG


def passkey(
    connection: sa.Connection,
    index: Index,
    by: Caller,
    account: AccountRow,
    challenge: bytes | None,
    answer: str,
    *,
    passwordless: bool = False,
) -> Proof | Decision:
    """Whether ``answer`` (JSON of ``PublicKeyCredential``) is of one of the account's passkeys, for ``challenge``.

    Refused by the rules of `shell.passkeys.verify_authentication`. A key whose counter did not rise is suspended,
    and every address of the account is told. One that was added just now proves what a code does (`_has_settled`).
    """
    if challenge is None:
        return NO_CHALLENGE
    rows = [row for row in factors.active(factors.listed(connection, account.id)) if row.kind == "passkey"]
    handle = factors.user_handle(connection, account.id)
    known = [row.passkey for row in rows]
    try:
        found = passkeys.verify_authentication(
            party_of(index), challenge, answer, known, handle, passwordless=passwordless
        )
    except Refused as refused:
        if refused.decision.rule == "factor.cloned":
            _suspend(connection, by, account, _meant(rows, answer))
        return refused.decision
    used = next(row for row in rows if row.passkey.credential_id == found.credential_id)
    factors.use_passkey(connection, used.id, found.sign_count, by.now)
    return "passkey" if _has_settled(used, factors.listed(connection, account.id), by) else "totp"


def _has_settled(used: FactorRow, rows: list[FactorRow], by: Caller) -> bool:
    """Whether a passkey proves more than the factor it was added with: after a day, or where it was the first.

    Otherwise whoever phished one code would add a key of their own, and have within a minute what codes on a new
    device are not believed for a day.
    """
    return by.now - used.created_at >= DEVICE_SETTLES or all(row.id >= used.id for row in rows)


def _meant(rows: list[FactorRow], answer: str) -> FactorRow:
    named = passkeys.named_credential(answer).credential_id
    return next(row for row in rows if row.passkey.credential_id == named)


def _suspend(connection: sa.Connection, by: Caller, account: AccountRow, row: FactorRow) -> None:
    factors.suspend(connection, row.id, by.now)
    facts = {"factor": row.label, "kind": row.kind}
    security.append(connection, by, Happened("FactorSuspended", account.id, account.name, facts=facts))
    values = {"account": account.name, "at": by.now, "name": row.label, "kind": KIND_WORDS[row.kind]}
    emails.tell(connection, account.id, "factor-suspended", values, by.now)


def _tell_code_used(connection: sa.Connection, by: Caller, account: AccountRow) -> None:
    left = factors.codes_left(connection, account.id)
    security.append(connection, by, Happened("RecoveryCodeUsed", account.id, account.name, facts={"left": left}))
    values = {"account": account.name, "at": by.now, "left": left, "place": place_of(by.origin)}
    emails.tell(connection, account.id, "recovery-codes-used", values, by.now)
