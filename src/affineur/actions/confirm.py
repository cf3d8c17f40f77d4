"""Confirm that it is still you: the step-up that dangerous acts ask for, good for five minutes.

What does not live here: which act asks for what (`core.access`), and whether a proof is right (`proving`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.decision import Decision, Refused, deny
from affineur.core.people import throttle
from affineur.core.people.second_factor import Proof
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, attempts, factors, security, sessions
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.attempts import Counters
from affineur.shell.store.sessions import SessionRow

from . import proving
from .proving import CEREMONY_LASTS

NOT_ENOUGH = deny(
    "confirm.factor",
    "A password alone is not enough here: your account has a second factor.",
    "Confirm with a passkey, a code of your app, or a recovery code.",
)
WRONG_PASSWORD = deny("confirm.password", "This is not your password.", "Type it again.")


def with_code(index: Index, by: Caller, session: SessionRow, typed: str) -> Proof:
    """Confirm by a code of an app, or by a recovery code. `Refused`: ``factor.code``, ``throttle.second-factor``."""
    counted = proving.counters(session.account_id)
    attempts.take(index.store, counted, by.now).require()
    with index.store.write() as connection:
        account = _account(connection, session)
        proof = proving.code(connection, by, account, typed)
        if not isinstance(proof, Decision):
            attempts.give_back_in(connection, counted)
        _note(connection, by, session, account, proof)
    return _required(proof)


def with_passkey(index: Index, by: Caller, session: SessionRow, answer: str) -> Proof:
    """Confirm by a passkey's answer to `second_stage.passkey_options`. `Refused` as `proving.passkey` answers."""
    with index.store.write() as connection:
        account = _account(connection, session)
        challenge = sessions.take_challenge(connection, session.id, by.now - CEREMONY_LASTS)
        proof = proving.passkey(connection, index, by, account, challenge, answer)
        _note(connection, by, session, account, proof)
    return _required(proof)


def may_try_password(index: Index, by: Caller, session: SessionRow) -> None:
    """Count one try of the password, before it is hashed. `Refused` where a factor is asked for, or by throttling."""
    with index.store.read() as connection:
        if factors.is_guarded(connection, session.account_id):
            raise Refused(NOT_ENOUGH)
    attempts.take(index.store, _password_counters(session), by.now).require()


def with_password(index: Index, by: Caller, session: SessionRow, is_right: bool) -> Proof:
    """Confirm by the password, where the account has nothing better; ``is_right`` after `may_try_password`.

    `Refused`: ``confirm.password`` where it was wrong, ``confirm.factor`` where a factor has come meanwhile.
    """
    with index.store.write() as connection:
        account = _account(connection, session)
        outcome: Proof | Decision = "password" if is_right else WRONG_PASSWORD
        if factors.is_guarded(connection, account.id):
            outcome = NOT_ENOUGH
        elif is_right:
            attempts.give_back_in(connection, _password_counters(session))
        _note(connection, by, session, account, outcome)
    return _required(outcome)


def _note(
    connection: sa.Connection, by: Caller, session: SessionRow, account: AccountRow, outcome: Proof | Decision
) -> None:
    """Note the outcome with the session and in the log; a refusal is raised after it is kept."""
    if isinstance(outcome, Decision):
        happened = Happened("StepUpRefused", account.id, account.name, outcome="refused", rule=outcome.rule)
    else:
        sessions.step_up(connection, session.id, by.now, outcome)
        happened = Happened("SteppedUp", account.id, account.name, facts={"proof": outcome})
    security.append(connection, by, happened)


def _required(outcome: Proof | Decision) -> Proof:
    if isinstance(outcome, Decision):
        raise Refused(outcome)
    return outcome


def _account(connection: sa.Connection, session: SessionRow) -> AccountRow:
    found = accounts.by_id(connection, session.account_id)
    if found is None or found.deleted_at is not None:
        raise Refused(deny("signin.stage", "This sign-in is over.", "Sign in again."))
    return found


def _password_counters(session: SessionRow) -> Counters:
    subject = ("account", str(session.account_id), "device", session.device_id or session.id)
    return attempts.limits(throttle.SIGN_IN_DEVICE, *subject)
