"""Answer an invitation to a role: accept it, or refuse it. For a machine one of its sponsors answers."""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.access import Resource, actor_class, may
from affineur.core.decision import Refused, refuse
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people import roles, second_factor
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, journal, offers, outbox, projects, security
from affineur.shell.store.offers import Invitation

from . import permission


def accept_invitation(index: Index, by: Caller, invitation_id: int) -> NormalizedName:
    """Take the role that was offered, at once; the project's name. Its owners are told.

    `Refused` where there is no such invitation for the caller, it has ended, whoever sent it may invite nobody any
    more, or the caller has no second factor and needs one: it comes before the first role.
    """
    with index.store.write() as connection:
        found = _mine(connection, by, invitation_id)
        _require_inviter(connection, index, by, found)
        holder_id = _holder(connection, by, found)
        held = projects.role_of(connection, found.project_id, holder_id)
        roles.may_offer(held, found.role, is_open=False).require()
        offers.answer(connection, found.id, "accepted", by.now)
        grants.set_role(connection, found.project_id, holder_id, found.role, by.now, found.by_id)
        told = Event(
            "RoleGranted",
            found.project,
            old={"role": held},
            new={"role": found.role},
            rule="role.offer",
            actor_class=actor_class(by.actor),
        )
        serial = journal.append(connection, by.now, [told], by.actor.name or None)
        projects.touch(connection, found.project_id, serial, by.now)
        _log_and_tell_of_role(connection, by, found, holder_id, held)
    pages.project(index, found.project)
    return found.project


def refuse_invitation(index: Index, by: Caller, invitation_id: int) -> NormalizedName:
    """Say no to an invitation; the project's name. Who invited is told. `Refused` as `accept_invitation`."""
    with index.store.write() as connection:
        found = _mine(connection, by, invitation_id)
        offers.answer(connection, found.id, "refused", by.now)
        _log_answer(connection, by, found, "refused")
        # Not the account's name: whoever invited an address is not told who has it.
        _tell_inviter(connection, by, found, found.whom, "refused")
    return found.project


def _mine(connection: sa.Connection, by: Caller, invitation_id: int) -> Invitation:
    me = by.actor.account_id
    may(by.actor, "answer-invitation", Resource(account_id=me), by.now).require()
    found = offers.invitation(connection, invitation_id)
    if found is None or me is None or not offers.is_for(connection, invitation_id, me):
        raise Refused(roles.NO_INVITATION)
    roles.still_open(found.expires_at, found.answer, by.now).require()
    return found


def _require_inviter(connection: sa.Connection, index: Index, by: Caller, found: Invitation) -> None:
    # A thief's first act is to invite themselves; it must not outlive the freezing of the account they had.
    if not permission.stands(connection, index, found.by_id, "invite", found.project, by.now):
        refuse(
            "role.invitation",
            f"Whoever sent this invitation cannot invite to project '{found.project}' any more.",
            "Ask an owner of the project for another one.",
        )


def _holder(connection: sa.Connection, by: Caller, found: Invitation) -> int:
    """Whose role it becomes: the caller's, or that of a machine the caller answers for."""
    me = by.actor.account_id
    assert me is not None  # noqa: S101 - `_mine` has asked
    if found.account_id in (None, me):
        second_factor.first_role(by.actor.posture).require()
        return me
    may(by.actor, "run-machine", Resource(account_id=found.account_id, sponsored=True), by.now).require()
    return found.account_id


def _log_and_tell_of_role(
    connection: sa.Connection, by: Caller, found: Invitation, holder_id: int, held: str | None
) -> None:
    holder = accounts.by_id(connection, holder_id)
    name = holder.name if holder else by.actor.name
    _log_answer(connection, by, found, "accepted")
    facts = {"role": found.role, "before": held, "by": found.by}
    security.append(connection, by, Happened("RoleGranted", holder_id, name, found.project, facts=facts))
    _tell_inviter(connection, by, found, name, "accepted")
    letter = {"project": found.project, "role": found.role, "account": name, "by": found.by, "at": by.now}
    told_otherwise = (found.by_id, by.actor.account_id, holder_id)
    grants.tell_people(connection, found.project_id, "role-granted", letter, by.now, but=told_otherwise)


def _log_answer(connection: sa.Connection, by: Caller, found: Invitation, answer: str) -> None:
    facts = {"invitation": found.id, "answer": answer, "role": found.role}
    account_id = by.actor.account_id if found.account_id is None else found.account_id
    name = by.actor.name if found.account_id is None else found.whom
    security.append(connection, by, Happened("RoleOfferAnswered", account_id, name, found.project, facts=facts))


def _tell_inviter(connection: sa.Connection, by: Caller, found: Invitation, name: str, answer: str) -> None:
    address = None if found.by_id is None else emails.primary(connection, found.by_id)
    if address is not None:
        letter = {"project": found.project, "role": found.role, "account": name, "answer": answer, "at": by.now}
        outbox.put(connection, by.now, address, "invitation-answered", letter, found.by_id)
