"""Beginning a session, inside the transaction of the act that proved who somebody is. Not an act itself.

Whoever gave the first proof gets a session in the stage "factor", which opens nothing, where the account has second
factors; the second proof ends that session and begins a new one with a new secret, so that a secret that somebody
knew before is worth nothing after (session fixation; ASVS 5.0 §7.2.4). What does not live here: the proofs, and
the cookies (`web.session`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from affineur.core.decision import deny
from affineur.core.people.accounts import NOBODY
from affineur.core.people.devices import spoken
from affineur.core.people.second_factor import FACTOR_WITHIN, Proof, StepUp
from affineur.core.security import Caller, Happened, Origin
from affineur.shell.bearer import digest_of, new_secret
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, security, sessions
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.sessions import SessionRow, Stage

Via = Literal["password", "company", "passkey"]


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who is not signed in. ``address``: whole, for counting attempts and nothing else; ``origin`` is kept.

    ``device``: the secret of the device cookie that came along.
    """

    now: datetime
    origin: Origin
    address: str = ""
    device: str | None = None

    @property
    def caller(self) -> Caller:
        """Nobody in particular, as the log has it."""
        return Caller(NOBODY, self.now, self.origin)


FROZEN = deny(
    "signin.frozen",
    "The account is frozen by the moderators of this index.",
    "They wrote to your addresses why; answer that mail.",
)
"""What whoever proved to be the holder of a frozen account is answered."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that began, and the secrets of its cookies. ``device_secret`` None: the browser keeps the one it has.

    ``seconds``: how long the session's cookie is good for.
    """

    session_secret: str
    device_secret: str | None
    stage: Stage
    seconds: int


def begin(
    connection: sa.Connection,
    index: Index,
    account: AccountRow,
    by: Stranger,
    *,
    via: Via,
    proof: Proof,
    proved_at: datetime | None,
    needs_factor: bool = False,
    ends: str = "",
) -> Begun:
    """Begin a session for ``account``, which has given ``proof``, in the place of the one whose id is ``ends``.

    ``proved_at``: when they gave it, which is what a fresh proof is counted from; None: nobody says, so it counts as
    none. ``needs_factor``: a second factor is still asked for; `complete` then makes the session whole. A device that
    no account has used is given a secret of ours: nobody is followed by a cookie that somebody else put into their
    browser.
    """
    if ends:
        sessions.end(connection, ends)
    known = by.device is not None and sessions.is_device(connection, digest_of(by.device))
    given = None if known else new_secret()
    device_id = digest_of(given or by.device or "")
    if needs_factor:
        secret = new_secret()
        sessions.add(connection, _row(account, by, secret, "factor", via, device_id, FACTOR_WITHIN), None)
        return Begun(secret, given, "factor", int(FACTOR_WITHIN.total_seconds()))
    begun = _whole(connection, index, account, by, via, proof, device_id, proved_at)
    return replace(begun, device_secret=given)


def complete(
    connection: sa.Connection, index: Index, waiting: SessionRow, account: AccountRow, proof: Proof, by: Caller
) -> Begun:
    """Make a session of the stage "factor" whole: the second factor, ``proof``, was given. The old one ends."""
    sessions.end(connection, waiting.id)
    device_id = waiting.device_id or digest_of(new_secret())
    return _whole(connection, index, account, by, waiting.via, proof, device_id, by.now)


def _whole(
    connection: sa.Connection,
    index: Index,
    account: AccountRow,
    asks: Stranger | Caller,
    via: str,
    proof: Proof,
    device_id: str,
    proved_at: datetime | None,
) -> Begun:
    secret, lasts = new_secret(), timedelta(days=index.settings.session_days)
    by = caller_for(connection, index, account, asks.origin, asks.now)
    since = sessions.device_known(connection, account.id, device_id)
    if since is None and sessions.any_device(connection, account.id):
        _tell_new_device(connection, account, by)
    sessions.see_device(connection, account.id, device_id, by.now, by.origin.user_agent)
    row = _row(account, by, secret, "whole", via, device_id, lasts)
    sessions.add(connection, row, None if proved_at is None else StepUp(proved_at, proof, since))
    facts = {"via": via, "proof": proof, "session": public_id(row.id)}
    security.append(connection, by, Happened("SignedIn", account.id, account.name, facts=facts))
    return Begun(secret, None, "whole", int(lasts.total_seconds()))


def place_of(origin: Origin) -> str:
    """Where somebody acted from, as mails say it."""
    return origin.address or "an address that is not kept"


def public_id(session_id: str) -> str:
    """What a session is called on pages and in the log: enough to tell it from others, and no way to use it."""
    return session_id[:16]


def _tell_new_device(connection: sa.Connection, account: AccountRow, by: Caller) -> None:
    security.append(connection, by, Happened("NewDevice", account.id, account.name))
    values = {
        "account": account.name,
        "at": by.now,
        "device": spoken(by.origin.user_agent),
        "place": place_of(by.origin),
    }
    emails.tell(connection, account.id, "new-device", values, by.now)


def caller_for(connection: sa.Connection, index: Index, account: AccountRow, origin: Origin, now: datetime) -> Caller:
    """Who acts once it is known that somebody is ``account``. ValueError for one that was deleted."""
    actor = accounts.actor_by_id(connection, account.id, factor_required=index.settings.second_factor_required)
    if actor is None:
        raise ValueError("A session cannot begin for an account that was deleted.")
    return Caller(actor, now, origin)


def _row(
    account: AccountRow, by: Stranger | Caller, secret: str, stage: Stage, via: str, device_id: str, lasts: timedelta
) -> SessionRow:
    return SessionRow(
        id=digest_of(secret),
        account_id=account.id,
        stage=stage,
        via=via,
        created_at=by.now,
        seen_at=by.now,
        expires_at=by.now + lasts,
        address=by.origin.address,
        user_agent=by.origin.user_agent,
        device_id=device_id,
        challenge=None,
        challenge_at=None,
    )
