"""Second factors of one's own account: add, rename, remove, and the recovery codes that stand in for them.

Adding takes effect at once; taking away the last that is as strong waits, and everybody it protects is told.
What does not live here: giving a factor to sign in or to confirm (`second_stage`, `confirm`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import refuse
from affineur.core.people import enrolment, recovery, totp
from affineur.core.people.enrolment import KIND_WORDS
from affineur.core.people.second_factor import REMOVAL_WAITS, FactorKind, removal_waits
from affineur.core.security import Caller, Happened, console
from affineur.shell import passkeys
from affineur.shell.index import Index
from affineur.shell.passkeys import CHALLENGE_BYTES
from affineur.shell.store import accounts, emails, factors, security, sessions
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.factors import FactorRow

from . import proving
from .beginning import place_of
from .proving import CEREMONY_LASTS


@dataclass(frozen=True, slots=True)
class Added:
    """A new factor. ``codes``: recovery codes, made with the first one and known here only; else None."""

    id: int
    label: str
    codes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is to take up: ``uri`` as a picture, or ``secret`` typed by hand."""

    secret: str
    uri: str


def begin_passkey(index: Index, by: Caller, session_id: str) -> str:
    """What a browser is to be asked for a new passkey, as JSON; its challenge is kept with the session.

    `Refused` where the account may not be changed, has enough, or passkeys cannot work at this address.
    """
    party, challenge = proving.party_of(index), secrets.token_bytes(CHALLENGE_BYTES)
    with index.store.write() as connection:
        account = _own(connection, by)
        rows = _of_kind(factors.listed(connection, account.id), "passkey")
        enrolment.may_add("passkey", len(rows)).require()
        sessions.set_challenge(connection, session_id, challenge, by.now)
        handle = factors.user_handle(connection, account.id)
        known = [row.passkey for row in rows]
    return passkeys.registration_options(party, challenge, handle, account.name, known)


def add_passkey(index: Index, by: Caller, session_id: str, answer: str, label: str = "") -> Added:
    """Add the passkey that ``answer`` speaks of, for the challenge that `begin_passkey` kept: it works at once.

    `Refused` where the answer is not as it has to be, comes too late or a second time, or names a key in use.
    """
    party = proving.party_of(index)
    with index.store.write() as connection:  # kept whatever follows: a challenge is good for one answer
        challenge = sessions.take_challenge(connection, session_id, by.now - CEREMONY_LASTS)
    if challenge is None:
        refuse(proving.NO_CHALLENGE.rule, proving.NO_CHALLENGE.reason, *proving.NO_CHALLENGE.ways_out)
    made = passkeys.verify_registration(party, challenge, answer)
    with index.store.write() as connection:
        account = _own(connection, by)
        rows = factors.listed(connection, account.id)
        enrolment.may_add("passkey", len(_of_kind(rows, "passkey"))).require()
        if factors.by_credential(connection, made.credential_id) is not None:
            refuse("factor.known", "This security key or passkey is registered here already.", "Use another one.")
        name = enrolment.label(label, [row.label for row in rows], "Passkey")
        key = factors.add_passkey(connection, account.id, name, made, by.now)
        if not rows:
            sessions.step_up(connection, session_id, by.now, "passkey")  # it was just in hand
        return _added(connection, by, account, key, name, "passkey", was_first=not rows)


def totp_enrolment(index: Index, by: Caller, session_id: str) -> Enrolment:
    """What a new authenticator app is to take up. It counts once `add_totp` was given a code of it.

    Until then nothing is stored: the secret is derived for this session, so a page that is loaded again shows the
    same one, and one that is left leaves nothing behind.
    """
    with index.store.write() as connection:
        account = _own(connection, by)
        rows = factors.listed(connection, account.id)
        enrolment.may_add("totp", len(_of_kind(rows, "totp"))).require()
        secret = _secret_for(connection, account, session_id, rows)
    return Enrolment(secret, totp.provisioning_uri(secret, account.name, index.settings.index_name))


def add_totp(index: Index, by: Caller, session_id: str, code: str, label: str = "") -> Added:
    """Add the authenticator app that `totp_enrolment` was made for; ``code`` shows that it has taken the secret up.

    `Refused` (``factor.code``) for a code that is not its.
    """
    with index.store.write() as connection:
        account = _own(connection, by)
        rows = factors.listed(connection, account.id)
        enrolment.may_add("totp", len(_of_kind(rows, "totp"))).require()
        secret = _secret_for(connection, account, session_id, rows)
        step = totp.accepts(secret, code, by.now, None)
        if step is None:
            refuse(
                "factor.code",
                "This is not the code that your app should show now.",
                "Type the newest one. If codes never fit, set the clock of your phone, or take the secret up anew.",
            )
        name = enrolment.label(label, [row.label for row in rows], "Authenticator app")
        key = factors.add_totp(connection, account.id, name, secret, step, by.now)
        if not rows:
            sessions.step_up(connection, session_id, by.now, "totp")
        return _added(connection, by, account, key, name, "totp", was_first=not rows)


def rename_factor(index: Index, by: Caller, factor_id: int, label: str) -> str:
    """Give a factor another name; the name as it is kept. `Refused` where there is none, or the name does not fit."""
    with index.store.write() as connection:
        account = _own(connection, by)
        found = _find(connection, account, factor_id)
        others = [row.label for row in factors.listed(connection, account.id) if row.id != factor_id]
        name = enrolment.label(label, others, found.label)
        factors.rename(connection, factor_id, name)
        facts = {"factor": name, "before": found.label}
        security.append(connection, by, Happened("FactorRenamed", account.id, account.name, facts=facts))
    return name


def remove_factor(index: Index, by: Caller, factor_id: int) -> datetime | None:
    """Remove a factor; None where it is gone, else when it will be.

    At once where one as strong stays that is older than the wait itself: otherwise whoever got hold of a session
    could add a factor of theirs and throw out the owner's within a minute. Every address is told either way.
    """
    with index.store.write() as connection:
        account = _own(connection, by)
        found = _find(connection, account, factor_id)
        if found.removal_due_at is not None:
            return found.removal_due_at
        staying = [row for row in factors.listed(connection, account.id) if row.id != found.id]
        if _may_go_at_once(found, staying, by.now):
            _remove(connection, by, account, found)
            return None
        due_at = by.now + REMOVAL_WAITS
        factors.schedule_removal(connection, found.id, due_at)
        facts = {**_facts(found), "due_at": due_at.isoformat()}
        security.append(connection, by, Happened("FactorRemovalScheduled", account.id, account.name, facts=facts))
        values = {"account": account.name, **_named(found), "due_at": due_at, "page": "account/security"}
        emails.tell(connection, account.id, "factor-removal-scheduled", values, by.now)
    return due_at


def keep_factor(index: Index, by: Caller, factor_id: int) -> None:
    """Cancel the removal of a factor; nothing happens where none was scheduled."""
    with index.store.write() as connection:
        account = _own(connection, by)
        found = _find(connection, account, factor_id)
        if found.removal_due_at is not None:
            factors.schedule_removal(connection, found.id, None)
            happened = Happened("FactorRemovalCancelled", account.id, account.name, facts=_facts(found))
            security.append(connection, by, happened)


def make_recovery_codes(index: Index, by: Caller) -> tuple[str, ...]:
    """Ten new recovery codes in the place of all there were; known here only. `Refused` without a factor."""
    with index.store.write() as connection:
        account = _own(connection, by)
        if not factors.is_guarded(connection, account.id):
            refuse(
                "factor.codes",
                "Recovery codes stand in for a second factor, and your account has none.",
                "Add a passkey or an authenticator app: codes come with it.",
            )
        codes = _new_codes(connection, by, account)
        values = {"account": account.name, "at": by.now, "place": place_of(by.origin)}
        emails.tell(connection, account.id, "recovery-codes-made", values, by.now)
    return codes


def remove_due(index: Index, now: datetime) -> int:
    """Remove the factors whose time has come; how many. A chore: cost one read where there are none."""
    with index.store.read() as connection:
        if not factors.due_for_removal(connection, now):
            return 0
    with index.store.write() as connection:
        due = factors.due_for_removal(connection, now)
        for row in due:
            account = accounts.by_id(connection, row.account_id)
            if account is not None:
                _remove(connection, console(now), account, row)
    return len(due)


def _own(connection: sa.Connection, by: Caller) -> AccountRow:
    """The account of whoever acts, which they may change: signed in, and with a fresh proof."""
    may(by.actor, "change-account", Resource(account_id=by.actor.account_id), by.now).require()
    found = None if by.actor.account_id is None else accounts.by_id(connection, by.actor.account_id)
    if found is None or found.kind != "person":
        refuse("access.own", "Second factors belong to people who sign in.", "Sign in as the holder of an account.")
    return found


def _find(connection: sa.Connection, account: AccountRow, factor_id: int) -> FactorRow:
    found = factors.find(connection, account.id, factor_id)
    if found is None:
        refuse("factor.exists", "Your account has no such second factor.", "Your security page lists all of them.")
    return found


def _of_kind(rows: list[FactorRow], kind: FactorKind) -> list[FactorRow]:
    return [row for row in rows if row.kind == kind]


def _may_go_at_once(leaving: FactorRow, others: list[FactorRow], now: datetime) -> bool:
    working = [row for row in factors.active(others) if row.removal_due_at is None]
    if leaving.suspended_at is not None:
        return bool(working)  # it protects nothing any more, as long as another does
    settled = [row for row in working if now - row.created_at >= REMOVAL_WAITS]
    return not removal_waits(leaving.kind, factors.kinds(settled))


def _secret_for(connection: sa.Connection, account: AccountRow, session_id: str, rows: list[FactorRow]) -> str:
    key = accounts.shared_secret(connection, "totp-enrolment")
    newest = max((row.id for row in rows), default=0)  # another secret for the next app
    subject = f"{account.id}:{session_id}:{newest}".encode()
    return totp.new_secret(hmac.new(key, subject, hashlib.sha256).digest()[: totp.SECRET_BYTES])


def _added(
    connection: sa.Connection,
    by: Caller,
    account: AccountRow,
    key: int,
    label: str,
    kind: FactorKind,
    *,
    was_first: bool,
) -> Added:
    """What follows from every new factor: the log, the mails, codes with the first, and the ladder is left."""
    facts = {"factor": label, "kind": kind}
    security.append(connection, by, Happened("FactorAdded", account.id, account.name, facts=facts))
    values = {"account": account.name, "at": by.now, "name": label, "kind": KIND_WORDS[kind]}
    emails.tell(connection, account.id, "factor-added", values, by.now)
    accounts.change(connection, account.id, ladder_from=None, ladder_noticed_days=None)
    return Added(key, label, _new_codes(connection, by, account) if was_first else None)


def _new_codes(connection: sa.Connection, by: Caller, account: AccountRow) -> tuple[str, ...]:
    codes = recovery.new_codes(secrets.token_bytes(recovery.RANDOM_BYTES))
    digests = [recovery.code_digest(account.id, code) for code in codes]
    factors.set_codes(connection, account.id, [digest for digest in digests if digest is not None])
    security.append(connection, by, Happened("RecoveryCodesMade", account.id, account.name))
    return tuple(codes)


def _remove(connection: sa.Connection, by: Caller, account: AccountRow, row: FactorRow) -> None:
    factors.remove(connection, row.id)
    if not factors.is_guarded(connection, account.id):
        factors.set_codes(connection, account.id, [])  # there is nothing left that they stand in for
    security.append(connection, by, Happened("FactorRemoved", account.id, account.name, facts=_facts(row)))
    values = {"account": account.name, "at": by.now, **_named(row)}
    emails.tell(connection, account.id, "factor-removed", values, by.now)


def _facts(row: FactorRow) -> dict[str, object]:
    return {"factor": row.label, "kind": row.kind}


def _named(row: FactorRow) -> dict[str, object]:
    return {"name": row.label, "kind": KIND_WORDS[row.kind]}
