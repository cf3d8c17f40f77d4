"""Calling off a recovery, inside the transaction of whatever showed that its owner is there. Not an act itself.

The link that opened it is of no use any more, so that it is not simply opened anew. What does not live here: what
calls it off, which is a link in a mail, somebody who is signed in (`recover`), or a factor (`second_stage`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.security import Caller, Happened
from affineur.shell.store import emails, recoveries, security, tickets
from affineur.shell.store.accounts import AccountRow

from .beginning import place_of

OPEN = "recovery-open"
"""The purpose of the tickets that open a recovery."""


def call_off(connection: sa.Connection, by: Caller, account: AccountRow, because: str) -> None:
    """End the open recovery of ``account`` and tell every address; nothing happens where none is open.

    ``because``: what showed it, for the log.
    """
    if not recoveries.cancel(connection, account.id, by.now):
        return
    tickets.withdraw(connection, OPEN, by.now, account_id=account.id)
    facts = {"because": because}
    security.append(connection, by, Happened("RecoveryCancelled", account.id, account.name, facts=facts))
    values = {"account": account.name, "at": by.now, "place": place_of(by.origin)}
    emails.tell(connection, account.id, "recovery-cancelled", values, by.now)
