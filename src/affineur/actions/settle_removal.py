"""Settle a proposal to remove somebody: by objection, by consent, by silence; or let a moderator decide at once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import SYSTEM
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people import roles
from affineur.core.security import Caller, Origin
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, offers, projects
from affineur.shell.store.offers import Proposal

from . import parting, permission

BACKGROUND = Origin(user_agent="background")
_EVERYBODY = ("owner", "maintainer")


def object_to_removal(index: Index, by: Caller, proposal_id: int, objection: str) -> None:
    """Say no to one's own removal: the proposal ends, the role stays, and the owners read why.

    `Refused` where it is about somebody else, is settled, or its time is over.
    """
    objection = objection.strip()
    with index.store.write() as connection:
        found = _about_me(connection, by, proposal_id)
        permission.require(connection, by.actor, "message", found.project, by.now)
        roles.fit_text(objection, roles.LONGEST_REASON, "The objection").require()
        parting.settle(connection, by, found, "objected", objection)
        grants.note_act(connection, found.project_id, by.actor.account_id, by.now)
        letter = {"project": found.project, "role": found.role or "", "account": found.account, "objection": objection,
                  "at": by.now}  # fmt: skip
        grants.tell_people(connection, found.project_id, "removal-objected", letter, by.now, but=(found.account_id,))


def consent_to_removal(index: Index, by: Caller, proposal_id: int) -> None:
    """Agree to one's own removal, which is then done at once; as strong a proof as for leaving. `Refused` as above."""
    with index.store.write() as connection:
        found = _about_me(connection, by, proposal_id)
        permission.require(connection, by.actor, "leave", found.project, by.now)
        if not _remove(connection, by, found, "consented"):
            holder = parting.find_holder(connection, found.project_id, found.account_id)
            held = "owner" if holder is None else holder.role
            roles.may_part(held, grants.crew(connection, found.project_id), found.project).require()
    pages.project(index, found.project)


def remove(index: Index, by: Caller, project: NormalizedName, account: str) -> None:
    """Take somebody's role away at once, as a moderator; every address of theirs is told, and everybody there.

    `Refused` where the caller is none, ``account`` has no role, or is the only owner.
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "remove", project, by.now)
        known = accounts.find(connection, account)
        holder = None if known is None else parting.find_holder(connection, found.id, known.id)
        if holder is None:
            raise Refused(roles.NO_ROLE)
        if holder.kind == "person":
            roles.may_part(holder.role, grants.crew(connection, found.id), found.display_name).require()
        letter = {"project": found.display_name, "role": holder.role, "account": holder.name,
                  "by": by.actor.name or None, "at": by.now}  # fmt: skip
        parting.part(connection, by, found, holder, "moderator")
        grants.tell_people(connection, found.id, "role-removed", letter, by.now, roles=_EVERYBODY)
        emails.tell(connection, holder.account_id, "role-removed", letter, by.now)
    pages.project(index, project)


def settle_removals(index: Index, now: datetime) -> int:
    """Do what was proposed and not objected to in time; how many. A chore: idempotent, one read where none is due."""
    with index.store.read() as connection:
        due = offers.due_proposals(connection, now)
    return sum(_settle_due(index, Caller(SYSTEM, now, BACKGROUND), each) for each in due)


def _settle_due(index: Index, by: Caller, proposal_id: int) -> bool:
    with index.store.write() as connection:
        found = offers.proposal(connection, proposal_id)
        if found is None or found.outcome is not None or not roles.is_due(found.due_at, by.now):
            return False
        stands = permission.stands(connection, index, found.by_id, "propose-removal", found.project, by.now)
        done = stands and _remove(connection, by, found, "removed")
        if not done:  # its proposer may not propose it any more, or it is the only owner by now, or has no role
            parting.settle(connection, by, found, "withdrawn")
    if done:
        pages.project(index, found.project)
    return True


def _about_me(connection: sa.Connection, by: Caller, proposal_id: int) -> Proposal:
    found = offers.proposal(connection, proposal_id)
    if found is None or by.actor.account_id is None or found.account_id != by.actor.account_id:
        raise Refused(roles.NO_PROPOSAL)
    roles.may_object(found.due_at, found.outcome, by.now).require()
    return found


def _remove(connection: sa.Connection, by: Caller, found: Proposal, outcome: roles.Outcome) -> bool:
    """End the role the proposal is about, and tell everybody concerned; whether that could be done."""
    project = projects.find(connection, found.project)
    holder = parting.find_holder(connection, found.project_id, found.account_id)
    if project is None or holder is None:
        return False
    if not roles.may_part(holder.role, grants.crew(connection, project.id), project.display_name).allowed:
        return False
    parting.part(connection, by, project, holder, outcome)
    letter = {"project": project.display_name, "role": holder.role, "account": holder.name, "at": by.now}
    grants.tell_people(connection, project.id, "removal-done", letter, by.now)
    emails.tell(connection, holder.account_id, "removal-done", letter, by.now)
    return True
