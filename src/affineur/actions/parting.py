"""Parting: what goes along with a role when it ends, inside an act's own transaction. Not an act itself.

With the role go the tokens that were for this project only, the invitations to it that the person sent, and the
proposals they made; a proposal about them is settled. What they published stays.
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.access import actor_class
from affineur.core.history.journal import Event
from affineur.core.people.roles import Outcome
from affineur.core.security import Caller, Happened
from affineur.shell.store import grants, journal, offers, projects, security, tokens
from affineur.shell.store.grants import Holder
from affineur.shell.store.projects import ProjectRow

TOKEN_GONE = "its only project is none of yours any more"  # noqa: S105 (a sentence)


def part(
    connection: sa.Connection,
    by: Caller,
    found: ProjectRow,
    holder: Holder,
    outcome: Outcome,
    *,
    rule: str = "",
    said_by: str | None = None,
) -> None:
    """End the role of ``holder`` on a project, and what hung on it; the journal tells that, and of nobody's name.

    ``outcome`` is how it came about, which is also how an open proposal about them ends; ``rule`` and ``said_by``
    say it more closely where no person acts. Letters are the caller's.
    """
    grants.take_role(connection, found.id, holder.account_id)
    _revoke_tokens(connection, by, found, holder)
    offers.withdraw_from(connection, found.id, holder.account_id, by.now)
    for each in offers.proposals(connection, found.id, account_id=holder.account_id):
        settle(connection, by, each, outcome)
    for each in offers.proposals(connection, found.id, by=holder.account_id):
        settle(connection, by, each, "withdrawn")
    told = Event(
        "RoleRevoked",
        found.name,
        old={"role": holder.role},
        new={"role": None},
        rule=rule or f"role.{outcome}",
        actor_class=actor_class(by.actor),
    )
    serial = journal.append(connection, by.now, [told], said_by or by.actor.name or None)
    projects.touch(connection, found.id, serial, by.now)
    event = "RoleLeft" if outcome in ("left", "consented") else "RoleRemoved"
    facts = {"role": holder.role, "how": rule or outcome}
    security.append(connection, by, Happened(event, holder.account_id, holder.name, found.name, facts=facts))


def end_role(connection: sa.Connection, by: Caller, project: str, account_id: int, outcome: Outcome, rule: str) -> None:
    """End the role of an account that ends itself, as `part` does; nothing happens where it has none there."""
    found = projects.find(connection, project)
    holder = None if found is None else find_holder(connection, found.id, account_id)
    if found is not None and holder is not None:
        part(connection, by, found, holder, outcome, rule=rule)


def settle(
    connection: sa.Connection, by: Caller, proposal: offers.Proposal, outcome: Outcome, objection: str | None = None
) -> None:
    """Settle a proposal, and put that into the security log."""
    offers.settle(connection, proposal.id, outcome, by.now, objection)
    facts = {"proposal": proposal.id, "outcome": outcome}
    about = Happened("RemovalSettled", proposal.account_id, proposal.account, proposal.project, facts=facts)
    security.append(connection, by, about)


def find_holder(connection: sa.Connection, project_id: int, account_id: int) -> Holder | None:
    """Somebody's role on a project, with all that is known of it."""
    return next((each for each in grants.holders(connection, project_id) if each.account_id == account_id), None)


def _revoke_tokens(connection: sa.Connection, by: Caller, found: ProjectRow, holder: Holder) -> None:
    def is_for_nothing_else(row: tokens.TokenRow) -> bool:
        grant = row.grant
        names = grant.projects is not None and grant.projects <= {found.name}
        return row.state(by.now) == "valid" and (names or grant.project_ids == frozenset({str(found.id)}))

    gone = [row for row in tokens.listed(connection, holder.account_id) if is_for_nothing_else(row)]
    tokens.revoke(connection, [row.id for row in gone], by.now, TOKEN_GONE)
    events = [
        Happened(
            "TokenRevoked",
            holder.account_id,
            holder.name,
            found.name,
            facts={"token": row.id, "label": row.label, "because": TOKEN_GONE},
        )
        for row in gone
    ]
    security.append(connection, by, *events)
