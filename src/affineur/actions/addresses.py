"""E-mail addresses that people give: whether one can be one, and the link that verifies it. Not an act itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.decision import deny, refuse
from affineur.shell.mail.letters import UnfitMail, require_address
from affineur.shell.store import outbox, tickets
from affineur.shell.store.emails import EmailRow

VERIFY = "verify-email"
"""The purpose of the ticket in a link that verifies an address, and the letter it is in."""
LINK_LASTS = timedelta(hours=24)

TAKEN = deny(
    "email.taken",
    "Another account of this index has verified this address.",
    "Sign in there; Forgotten? on the sign-in page helps where you do not remember how.",
)


def require_fit(address: str) -> str:
    """``address`` without spaces around it; `Refused` (``email.format``) where it is not one address."""
    try:
        require_address(address.strip())
    except UnfitMail:
        refuse(
            "email.format",
            "This is not an e-mail address.",
            "It looks like name@example.org, without a name beside it.",
        )
    return address.strip()


def send_link(connection: sa.Connection, account: str, now: datetime, row: EmailRow) -> None:
    """Mail the link that verifies an address to it; older ones end. ``account``: the name of whose it is."""
    tickets.withdraw(connection, VERIFY, now, account_id=row.account_id, subject=str(row.id))
    secret = tickets.issue(connection, VERIFY, row.account_id, str(row.id), now, LINK_LASTS)
    values = {
        "account": account,
        "link": f"account/emails/verify?ticket={secret}",
        "minutes": int(LINK_LASTS.total_seconds() // 60),
    }
    outbox.put(connection, now, row.address, VERIFY, values, row.account_id)
