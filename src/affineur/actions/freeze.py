"""Freeze and thaw: a moderator stops an account, whole and at once, and lets it go on.

Its tokens and sessions pause with the next request to any process: every check reads the account's row. Nothing
else changes: roles, projects, files and the tokens themselves stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from affineur.core.access import INDEX, may
from affineur.core.decision import Refused
from affineur.core.life.standing import printable_reason
from affineur.core.people import offices
from affineur.core.people.accounts import unknown
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, offers, security, sponsors
from affineur.shell.store.accounts import AccountRow


def freeze(index: Index, by: Caller, account: str, reason: str) -> bool:
    """Freeze ``account``; whether it was not frozen before (then nothing changes, not even the reason).

    ``reason`` is put on one line of at most 200 characters and mailed to every verified address; of a machine to
    its sponsors. `Refused` where the caller may not, there is no such account, or no reason is left.
    """
    said = printable_reason(reason)
    with index.store.write() as connection:
        found = _require(connection, by, account)
        offices.fit_reason(said).require()
        if found.frozen_at is not None:
            return False
        accounts.change(connection, found.id, frozen_at=by.now, frozen_reason=said)
        security.append(connection, by, Happened("AccountFrozen", found.id, found.name, facts={"reason": said}))
        _tell(connection, by, found, "account-frozen", {"reason": said})
    return True


def thaw(index: Index, by: Caller, account: str) -> bool:
    """Lift the freeze of ``account``; whether there was one. `Refused` as for freezing.

    What was proposed about them meanwhile waits on for as long as they could not object.
    """
    with index.store.write() as connection:
        found = _require(connection, by, account)
        if found.frozen_at is None:
            return False
        accounts.change(connection, found.id, frozen_at=None, frozen_reason=None)
        offers.postpone(connection, found.id, found.frozen_at, by.now)
        facts = {"frozen_at": found.frozen_at.isoformat(), "reason": found.frozen_reason}
        security.append(connection, by, Happened("AccountThawed", found.id, found.name, facts=facts))
        _tell(connection, by, found, "account-thawed", {})
    return True


def _require(connection: sa.Connection, by: Caller, account: str) -> AccountRow:
    may(by.actor, "freeze", INDEX, by.now).require()
    found = accounts.find(connection, account)
    if found is None:
        raise Refused(unknown(account))
    offices.may_freeze(by.actor, found.id, found.office).require()
    return found


def _tell(connection: sa.Connection, by: Caller, found: AccountRow, template: str, more: dict[str, object]) -> None:
    readers: Iterable[int] = [found.id]
    if found.kind == "automation":
        readers = [each.account_id for each in sponsors.of(connection, found.id)]
    for reader in readers:
        emails.tell(connection, reader, template, {"account": found.name, "at": by.now, **more}, by.now)
