"""Invite people to this index, and make accounts on the console.

An invitation is a link that is mailed to an address, and shown to whoever invites on the console. What does not live
here: what is behind the link (`register`), and invitations to a project.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from affineur.core.access import INDEX, may
from affineur.core.decision import refuse
from affineur.core.people.accounts import registration, require_name
from affineur.core.permissions import Office
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, outbox, security, tickets

from .addresses import TAKEN, require_fit
from .registration_links import INVITATION, invitation_subject, welcome_of

INVITATION_LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that is open. ``path`` is its link below the index's address, known here only."""

    address: str
    office: Office | None
    expires_at: datetime
    path: str | None = None


def invite_account(index: Index, by: Caller, address: str, office: Office | None = None) -> Invitation:
    """Invite whoever reads mail to ``address`` to make an account; an earlier invitation of theirs ends.

    ``office``: what the account is to be on this index, which takes the right to give offices. `Refused`:
    ``access.…``, ``email.format``, ``email.taken``, ``register.closed``.
    """
    may(by.actor, "invite-account", INDEX, by.now).require()
    if office is not None:
        may(by.actor, "set-office", INDEX, by.now).require()
    registration(index.settings.registration, invited=True).require()
    fit = require_fit(address)
    ends = by.now + INVITATION_LASTS
    with index.store.write() as connection:
        if emails.holder(connection, fit) is not None:
            refuse(TAKEN.rule, "An account of this index has verified this address.", "Invite that account instead.")
        for old in tickets.waiting(connection, INVITATION, by.now):
            if welcome_of(old).address == fit:
                tickets.withdraw(connection, INVITATION, by.now, subject=old.subject)
        secret = tickets.issue(connection, INVITATION, None, invitation_subject(fit, office), by.now, INVITATION_LASTS)
        path = f"account/register/finish?ticket={secret}"
        values = {"link": path, "inviter": by.actor.name or None, "expires_at": ends}
        outbox.put(connection, by.now, fit, "registration-invitation", values)
        facts = {"address": fit, "office": office}
        security.append(connection, by, Happened("InvitedToIndex", None, None, facts=facts))
    return Invitation(fit, office, ends, path)


def invitations(index: Index, by: Caller) -> list[Invitation]:
    """The invitations that are open, newest first. `Refused` to all but those who may see accounts."""
    may(by.actor, "see-accounts", INDEX, by.now).require()
    with index.store.read() as connection:
        found = tickets.waiting(connection, INVITATION, by.now)
    return [Invitation(welcome_of(each).address, welcome_of(each).office, each.expires_at) for each in found]


def withdraw_invitation(index: Index, by: Caller, address: str) -> bool:
    """End the open invitation of an address; whether there was one."""
    may(by.actor, "invite-account", INDEX, by.now).require()
    with index.store.write() as connection:
        ended = 0
        for old in tickets.waiting(connection, INVITATION, by.now):
            if welcome_of(old).address == address:
                ended += tickets.withdraw(connection, INVITATION, by.now, subject=old.subject)
        if ended:
            facts = {"address": address, "withdrawn": True}
            security.append(connection, by, Happened("InvitedToIndex", None, None, facts=facts))
    return ended > 0


def create_account(
    index: Index, by: Caller, name: str, address: str | None = None, office: Office | None = None
) -> int:
    """Make a person's account on the console; its id. ``address`` counts as verified: who runs the index vouches.

    It has no password: `passwords.password_link` makes the link behind which its holder chooses one. `Refused`:
    ``access.…``, ``account.name``, ``account.exists``, ``email.format``, ``email.taken``.
    """
    may(by.actor, "set-office" if office else "invite-account", INDEX, by.now).require()
    require_name(name)
    fit = None if address is None else require_fit(address)
    with index.store.write() as connection:
        if accounts.is_taken(connection, name):
            refuse("account.exists", f"There is, or was, an account '{name}' on this index.", "Use another name.")
        if fit is not None and emails.holder(connection, fit) is not None:
            refuse(TAKEN.rule, "An account of this index has verified this address.", "Use another address.")
        key = accounts.add_account(connection, name, by.now, office=office)
        if fit is not None:
            emails.add(connection, key, fit, by.now, verified_at=by.now)
        facts = {"address": fit, "office": office}
        security.append(connection, by, Happened("AccountCreated", key, name, facts=facts))
    return key
