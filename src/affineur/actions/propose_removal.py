"""Propose to remove somebody from a project, and withdraw such a proposal.

Who is concerned has `core.people.roles.OBJECTION_LASTS` to object (`settle_removal`). Machines are removed at once:
they have no word in it, and their sponsors are told.
"""

from __future__ import annotations

from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people import roles
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, offers, security, sponsors

from . import parting, permission


def propose_removal(index: Index, by: Caller, project: NormalizedName, account: str, reason: str) -> int | None:
    """Propose that ``account`` lose its role; the proposal's id, or None for a machine, whose role ends at once.

    Who is concerned is told at every verified address, with the reason; the other owners are told too. `Refused`
    where the caller may not, ``account`` has no role, is the caller or the only owner, or a proposal is open.
    """
    reason = reason.strip()
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "propose-removal", project, by.now)
        known = accounts.find(connection, account)
        holder = None if known is None else parting.find_holder(connection, found.id, known.id)
        if holder is None:
            raise Refused(roles.NO_ROLE)
        is_open = bool(offers.proposals(connection, found.id, account_id=holder.account_id))
        roles.may_propose(by.actor.account_id, holder.account_id, holder.role, is_open=is_open).require()
        if holder.kind == "person":
            roles.may_part(holder.role, grants.crew(connection, found.id), found.display_name).require()
        roles.fit_text(reason, roles.LONGEST_REASON, "The reason").require()
        due_at = by.now + roles.OBJECTION_LASTS
        shared = {"project": found.display_name, "role": holder.role, "account": holder.name}
        if holder.kind == "automation":
            letter: dict[str, object] = {**shared, "by": by.actor.name or None, "at": by.now}
            answering = [each.account_id for each in sponsors.of(connection, holder.account_id)]
            grants.tell_people(connection, found.id, "role-removed", letter, by.now, but=answering)
            emails.tell_primary(connection, answering, "role-removed", letter, by.now)
            parting.part(connection, by, found, holder, "removed")
            made = None
        else:
            made = offers.add_proposal(
                connection, found.id, holder.account_id, by.actor.account_id, reason, by.now, due_at
            )
            facts = {"proposal": made, "due_at": due_at.isoformat()}
            about = Happened("RemovalProposed", holder.account_id, holder.name, project, facts=facts)
            security.append(connection, by, about)
            letter = {**shared, "by": by.actor.name or None, "reason": reason, "due_at": due_at,
                      "page": f"account/projects/{project}"}  # fmt: skip
            emails.tell(connection, holder.account_id, "removal-proposed", letter, by.now)
            told_otherwise = (holder.account_id, by.actor.account_id)
            grants.tell_people(connection, found.id, "removal-proposed", letter, by.now, but=told_otherwise)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
    pages.project(index, project)
    return made


def withdraw_proposal(index: Index, by: Caller, proposal_id: int) -> None:
    """Take a proposal back. `Refused` unless the caller made it, or is an operator, and it is not settled."""
    with index.store.write() as connection:
        found = offers.proposal(connection, proposal_id)
        if found is None:
            raise Refused(roles.NO_PROPOSAL)
        permission.require(connection, by.actor, "propose-removal", found.project, by.now)
        roles.may_object(found.due_at, found.outcome, by.now).require()
        if not by.actor.is_operator and found.by_id != by.actor.account_id:
            refuse(
                "removal.proposer",
                "Only who made a proposal can withdraw it.",
                f"Talk to {found.by or 'the operators of this index'}; who is concerned can object.",
            )
        parting.settle(connection, by, found, "withdrawn")
