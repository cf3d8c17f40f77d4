"""The second stage of signing in: the factor after the password; or a passkey, which is both at once.

Signing in with a factor ends a recovery that somebody opened: its owner is there. What does not live here: the first
stage (`sign_in`), and how a session begins (`beginning`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.people import throttle
from affineur.core.people.accounts import NOBODY
from affineur.core.people.second_factor import Proof
from affineur.core.security import Caller, Happened
from affineur.shell import passkeys
from affineur.shell.index import Index
from affineur.shell.passkeys import CHALLENGE_BYTES
from affineur.shell.store import accounts, attempts, factors, security, sessions, tickets
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.factors import decoded, encoded
from affineur.shell.store.sessions import SessionRow

from . import beginning, proving
from .beginning import Begun, Stranger
from .calling_off import call_off
from .proving import CEREMONY_LASTS

_PASSKEY_SIGN_IN = "passkey-sign-in"
_BY_FACTOR = "signed in with a factor"
_NOBODYS = deny(
    "factor.unknown",
    "This security key or passkey does not belong to any account here.",
    "Sign in with your password, and use it as the second factor.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is to be asked (JSON), and the secret by which its answer is known again."""

    options: str
    secret: str


def finish_with_code(index: Index, by: Caller, waiting: SessionRow, typed: str) -> Begun:
    """Make a session whole by a code of an app, or a recovery code.

    `Refused`: ``factor.code``; ``throttle.second-factor`` after too many wrong ones, whatever is typed then.
    """
    counted = proving.counters(waiting.account_id)
    attempts.take(index.store, counted, by.now).require()
    with index.store.write() as connection:
        account = _waiting_account(connection, by, waiting)
        proof = proving.code(connection, by, account, typed)
        if not isinstance(proof, Decision):
            attempts.give_back_in(connection, counted)
            return _finish(connection, index, by, waiting, account, proof)
        _log_refusal(connection, by, account, proof)
    raise Refused(proof)


def passkey_options(index: Index, by: Caller, session: SessionRow) -> str:
    """What a browser is to be asked for one of the account's passkeys, as JSON; for signing in and for confirming.

    `Refused` (``factor.unknown``) where the account has none, ``factor.address`` where they cannot work here.
    """
    party, challenge = proving.party_of(index), secrets.token_bytes(CHALLENGE_BYTES)
    with index.store.write() as connection:
        rows = factors.active(factors.listed(connection, session.account_id))
        known = [row.passkey for row in rows if row.kind == "passkey"]
        if not known:
            refuse("factor.unknown", "This account has no passkey that is accepted.", "Use another second factor.")
        sessions.set_challenge(connection, session.id, challenge, by.now)
    return passkeys.authentication_options(party, challenge, known)


def finish_with_passkey(index: Index, by: Caller, waiting: SessionRow, answer: str) -> Begun:
    """Make a session whole by a passkey's answer to `passkey_options`. `Refused` as `proving.passkey` answers."""
    with index.store.write() as connection:
        account = _waiting_account(connection, by, waiting)
        challenge = sessions.take_challenge(connection, waiting.id, by.now - CEREMONY_LASTS)
        proof = proving.passkey(connection, index, by, account, challenge, answer)
        if not isinstance(proof, Decision):
            return _finish(connection, index, by, waiting, account, proof)
        _log_refusal(connection, by, account, proof)
    raise Refused(proof)


def begin_passkey_sign_in(index: Index, by: Stranger) -> Asked:
    """What a browser is to be asked for a passkey that says by itself whose it is; nobody is named.

    `Refused`: ``signin.company-only``, ``throttle.passkey-sign-in``: each is a row, and anybody can ask for it.
    """
    _require_own_sign_in(index)
    counted = attempts.limits(throttle.PASSKEY_SIGN_IN, "address", throttle.network(by.address))
    attempts.take(index.store, counted, by.now).require()
    party, challenge = proving.party_of(index), secrets.token_bytes(CHALLENGE_BYTES)
    with index.store.write() as connection:
        secret = tickets.issue(connection, _PASSKEY_SIGN_IN, None, encoded(challenge), by.now, CEREMONY_LASTS)
    return Asked(passkeys.authentication_options(party, challenge, passwordless=True), secret)


def sign_in_with_passkey(index: Index, by: Stranger, secret: str, answer: str, ends: str = "") -> Begun:
    """Begin a session by a passkey alone, which has seen a PIN, finger or face: two factors in one.

    ``secret`` is that of `begin_passkey_sign_in`. `Refused` as `proving.passkey` answers; the same way for a key of
    nobody as for one of an account that cannot sign in. ``ends``: id of the session that the browser had until now.
    """
    _require_own_sign_in(index)
    named = passkeys.named_credential(answer)
    with index.store.write() as connection:
        ticket = tickets.use(connection, secret, _PASSKEY_SIGN_IN, by.now)
        challenge = None if ticket is None else decoded(ticket.subject)
        row = factors.by_credential(connection, named.credential_id)
        account = None if row is None else accounts.by_id(connection, row.account_id)
        if account is None or account.deleted_at is not None:
            raise Refused(_NOBODYS)
        proof = proving.passkey(connection, index, by.caller, account, challenge, answer, passwordless=True)
        if not isinstance(proof, Decision):
            _require_not_frozen(connection, index, by.caller, account)
            caller = beginning.caller_for(connection, index, account, by.origin, by.now)
            call_off(connection, caller, account, _BY_FACTOR)
            return beginning.begin(
                connection, index, account, by, via="passkey", proof=proof, proved_at=by.now, ends=ends
            )
        _log_refusal(connection, by.caller, account, proof)
    raise Refused(proof)


def _finish(
    connection: sa.Connection, index: Index, by: Caller, waiting: SessionRow, account: AccountRow, proof: Proof
) -> Begun:
    _require_not_frozen(connection, index, by, account)
    call_off(connection, by, account, _BY_FACTOR)
    return beginning.complete(connection, index, waiting, account, proof, by)


def _waiting_account(connection: sa.Connection, by: Caller, waiting: SessionRow) -> AccountRow:
    found = accounts.by_id(connection, waiting.account_id)
    still = sessions.find(connection, waiting.id, by.now, factor_required=False)
    if found is None or still is None or still[0].stage != "factor":
        refuse("signin.stage", "This sign-in is over, or was finished already.", "Sign in again.")
    return found


def _require_not_frozen(connection: sa.Connection, index: Index, by: Caller, account: AccountRow) -> None:
    actor = accounts.actor_by_id(connection, account.id, factor_required=index.settings.second_factor_required)
    if actor is not None:
        may(actor, "see-account", Resource(account_id=account.id), by.now).require()


def _require_own_sign_in(index: Index) -> None:
    if not index.settings.password_sign_in:
        refuse(
            "signin.company-only",
            "People sign in to this index through their company only.",
            "Use the company's sign-in; a passkey is then your second factor.",
        )


def _log_refusal(connection: sa.Connection, by: Caller, account: AccountRow, refused: Decision) -> None:
    happened = Happened("SignInRefused", account.id, account.name, outcome="refused", rule=refused.rule)
    security.append(connection, replace(by, actor=NOBODY), happened)  # who has not given the factor is not known
