"""Link an account to its holder at the company, and unlink it.

Whoever links is signed in to both, and says yes on a page of this index. What does not live here: signing in
(`company_sign_in`), and whether the company's word is to be believed (`core.people.company_identity`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.access import SYSTEM, Resource, may
from affineur.core.decision import refuse
from affineur.core.people.company import Due
from affineur.core.people.company_errand import LASTS
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, identities, security, tickets
from affineur.shell.store.identities import IdentityRow

from .beginning import place_of
from .company_groups import Answer, renew, require_set_up, use_up

PURPOSE = "company-link"


def may_link(index: Index, by: Caller) -> None:
    """`Refused` unless the caller may link their account now: it takes a fresh proof."""
    may(by.actor, "change-account", Resource(account_id=by.actor.account_id), by.now).require()
    with index.store.read() as connection:
        _require_unlinked(connection, index, by.actor.account_id or 0)


def propose_link(index: Index, by: Caller, answer: Answer) -> str:
    """Keep what the company answered until the caller says yes to it; the secret of the form that says so.

    Only that form links: an answer alone may have been begun by a page of somebody else. `Refused`: as `link`.
    """
    may_link(index, by)
    with index.store.write() as connection:
        use_up(connection, answer, by.now)
        _require_free(connection, answer.who.issuer, answer.who.subject)
        return tickets.issue(connection, PURPOSE, by.actor.account_id, answer.who.subject, by.now, LASTS)


def link(index: Index, by: Caller, secret: str) -> None:
    """Link the caller's account to whom they proved to be at their company (`propose_link`). All addresses are told.

    `Refused`: ``access.…``, ``company.state``, ``company.linked`` (the account is, or somebody else's is).
    """
    may(by.actor, "change-account", Resource(account_id=by.actor.account_id), by.now).require()
    with index.store.write() as connection:
        found = tickets.use(connection, secret, PURPOSE, by.now)
        if found is None or found.account_id is None or found.account_id != by.actor.account_id:
            refuse(
                "company.state", "This form was used before, or is more than 10 minutes old.", "Begin to link again."
            )
        row = IdentityRow(index.settings.company_issuer, found.subject, found.account_id, by.now)
        _link(connection, index, by, row, by.actor.name)


def link_by_operator(index: Index, by: Caller, account: str, subject: str) -> None:
    """Link ``account`` to the person whom the company calls ``subject``: for accounts that nobody can sign in to.

    The console's only. `Refused`: ``account.exists``, ``company.linked``, ``company.off``.
    """
    require_set_up(index)
    may(by.actor, "set-office", Resource(), by.now).require()
    with index.store.write() as connection:
        found = accounts.find(connection, account)
        if found is None or found.kind != "person":
            refuse(
                "account.exists", f"There is no person's account '{account[:100]}' on this index.", "Check its name."
            )
        _link(connection, index, by, IdentityRow(index.settings.company_issuer, subject, found.id, by.now), found.name)


def unlink(index: Index, by: Caller, account: str) -> bool:
    """Take the link of ``account`` away, and with it what groups gave; whether there was one. All addresses are told.

    One's own, or from the console anybody's. `Refused`: ``access.…``, ``company.only-way`` where nothing else would
    let its holder in.
    """
    with index.store.write() as connection:
        found = accounts.find(connection, account)
        key = found.id if found else None
        may(by.actor, "change-account", Resource(account_id=key or -1), by.now).require()
        if found is None:
            return False
        has_password = found.password_hash is not None and index.settings.password_sign_in
        if not has_password and by.actor.kind != "system":
            refuse(
                "company.only-way",
                "Your company's sign-in is the only way into your account.",
                "Set a password first, where this index has passwords.",
            )
        if not identities.unlink(connection, found.id, index.settings.company_issuer):
            return False
        changed = renew(connection, index, Caller(SYSTEM, by.now, by.origin), found, Due())
        _tell(connection, by, found.id, found.name, "IdentityUnlinked", "The company sign-in was unlinked.")
    for name in changed:
        pages.project(index, name)
    return True


def _require_unlinked(connection: sa.Connection, index: Index, account_id: int) -> None:
    if identities.of_account(connection, account_id, index.settings.company_issuer) is not None:
        refuse("company.linked", "The account is linked to your company already.", "Unlink it first.")


def _require_free(connection: sa.Connection, issuer: str, subject: str) -> None:
    if identities.find(connection, issuer, subject) is not None:
        refuse(
            "company.linked",
            "Another account of this index is linked to this person at your company.",
            "Sign in with your company: you will be in that account, and can unlink it there.",
        )


def _link(connection: sa.Connection, index: Index, by: Caller, row: IdentityRow, name: str) -> None:
    _require_unlinked(connection, index, row.account_id)
    _require_free(connection, row.issuer, row.subject)
    identities.link(connection, row)
    note = f"The account can now be signed in to with {index.settings.company_name}."
    _tell(connection, by, row.account_id, name, "IdentityLinked", note, issuer=row.issuer, subject=row.subject)


def _tell(
    connection: sa.Connection, by: Caller, account_id: int, name: str, event: str, note: str, **facts: object
) -> None:
    security.append(connection, by, Happened(event, account_id, name, facts=facts))
    values = {"account": name, "at": by.now, "note": note, "place": place_of(by.origin)}
    emails.tell(connection, account_id, "session-note", values, by.now)
