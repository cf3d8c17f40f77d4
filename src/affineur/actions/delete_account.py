"""Delete an account: what belongs to the person goes, what others depend on stays.

No project is ever taken along, nor left without an owner: whoever is the only one hands it over first. Files that
were published stay as they are. The name is never given to somebody else.
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import unknown
from affineur.core.people.roles import Outcome, listed, may_end
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, departures, emails, offers, outbox, security, sponsors
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.outbox import Letter

from . import parting


def delete_account(index: Index, by: Caller, name: str) -> tuple[str, ...]:
    """Delete the account ``name``: one's own, or, on the console, anybody's; the projects it had a role on.

    `Refused`: ``access.…`` (a strong proof is asked for), ``account.exists``, ``account.sole-owner`` (facts:
    ``projects``), ``account.sole-sponsor`` (facts: ``machines``), ``account.last-operator``.
    """
    with index.store.write() as connection:
        found = accounts.find(connection, name)
        if found is None:
            raise Refused(unknown(name))
        may(by.actor, "delete-account", Resource(account_id=found.id), by.now).require()
        _require_nothing_is_orphaned(connection, found)
        held = departures.roles_of(connection, found.id)
        _tell(connection, by, found)
        outcome: Outcome = "left" if by.actor.account_id == found.id else "ended"
        for project, _, _ in held:
            parting.end_role(connection, by, project, found.id, outcome, "delete-account")
        sponsors.drop(connection, found.id, by.now)
        offers.withdraw_all_of(connection, found.id, by.now)
        departures.empty(connection, found.id, by.now)
    for project, _, _ in held:
        pages.project(index, NormalizedName(project))
    return tuple(project for project, _, _ in held)


def _require_nothing_is_orphaned(connection: sa.Connection, found: AccountRow) -> None:
    may_end(found.name, found.kind, departures.sole_owner_of(connection, found.id)).require()
    machines = sponsors.only_for(connection, found.id)
    if machines:
        refuse(
            "account.sole-sponsor",
            f"Nobody but '{found.name}' answers for {listed(machines)}.",
            "Invite another sponsor, or delete the automation account first.",
            machines=machines,
        )
    if found.office == "operator" and accounts.other_operators(connection, found.id) == 0:
        refuse(
            "account.last-operator",
            f"'{found.name}' is the last operator of this index.",
            "Give the office to somebody else first.",
        )


def _tell(connection: sa.Connection, by: Caller, found: AccountRow) -> None:
    """While there still are addresses. The letters belong to no account: this one lists none any more."""
    told = {"account": found.name, "at": by.now}
    addresses = emails.verified(connection, found.id)
    security.append(connection, by, Happened("AccountDeleted", found.id, found.name))
    outbox.put_all(connection, by.now, [Letter(each, "account-deleted", told) for each in addresses])
