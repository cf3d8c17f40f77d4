"""Invite somebody to a role on a project, by the name of their account or by an address; withdraw an invitation.

Whoever invites an address learns nothing about it: the answer, and what is kept and listed, are the same whether an
account has it or not. Nothing happens unless the other side accepts (`answer_invitation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people import roles, throttle
from affineur.core.people.accounts import registration, unknown
from affineur.core.permissions import Role
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.mail.letters import UnfitMail, require_address
from affineur.shell.store import accounts, attempts, emails, grants, offers, outbox, projects, security, sponsors
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.projects import ProjectRow

from . import permission

PAGE = "account/projects"
"""Where invitations are answered, below the address of the index."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that was made. ``whom``: as the inviter named them."""

    id: int
    whom: str
    expires_at: datetime


def invite(index: Index, by: Caller, project: NormalizedName, whom: str, role: Role) -> Invited:
    """Offer ``role`` to ``whom``: the name of an account, or an e-mail address; it lasts `roles.INVITATION_LASTS`.

    `Refused` where the caller may not, the name is unknown (names are public; addresses are not, and are never
    refused for that), they hold the role or are invited already, or too many were invited today.
    """
    whom = whom.strip()
    with index.store.read() as connection:
        found = permission.require(connection, by.actor, "invite", project, by.now)
        named = _named(connection, whom)
    _count(index, by, found)
    expires_at = by.now + roles.INVITATION_LASTS
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "invite", project, by.now)
        if named is not None:
            _require_offerable(connection, by, found, named, role)
        elif offers.is_offered(connection, found.id, by.now, address=whom):
            roles.may_offer(None, role, is_open=True).require()
        account_id = None if named is None else named.id
        made = offers.add_invitation(
            connection,
            found.id,
            role,
            by.actor.account_id,
            by.now,
            expires_at,
            account_id=account_id,
            address=whom if named is None else None,
        )
        facts = {"role": role, "invitation": made, "by_address": named is None}
        about = Happened("RoleOffered", account_id, None if named is None else named.name, project, facts=facts)
        security.append(connection, by, about)
        letter: dict[str, object] = {
            "project": found.display_name,
            "role": role,
            "by": by.actor.name or None,
            "expires_at": expires_at,
            "page": PAGE,
        }
        _tell(connection, index, by, named, whom, letter)
        grants.note_act(connection, found.id, by.actor.account_id, by.now)
    return Invited(made, whom if named is None else named.name, expires_at)


def withdraw_invitation(index: Index, by: Caller, invitation_id: int) -> None:
    """Take an invitation back before it is answered. `Refused` where the caller may not invite, or none is open."""
    with index.store.write() as connection:
        found = offers.invitation(connection, invitation_id)
        if found is None:
            raise Refused(roles.NO_INVITATION)
        permission.require(connection, by.actor, "invite", found.project, by.now)
        roles.still_open(found.expires_at, found.answer, by.now).require()
        offers.answer(connection, found.id, "withdrawn", by.now)
        facts = {"invitation": found.id, "answer": "withdrawn"}
        whom = found.whom if found.account_id is not None else None
        security.append(
            connection, by, Happened("RoleOfferAnswered", found.account_id, whom, found.project, facts=facts)
        )


def _named(connection: sa.Connection, whom: str) -> AccountRow | None:
    """The account of that name; None for an address. `Refused` for what is neither."""
    found = accounts.find(connection, whom)
    if found is not None:
        return found
    if "@" not in whom:
        raise Refused(unknown(whom, "Check the name, or give an e-mail address."))
    try:
        require_address(whom)
    except UnfitMail:
        refuse("role.whom", "This is neither the name of an account nor one e-mail address.", "Check what you typed.")
    return None


def _count(index: Index, by: Caller, found: ProjectRow) -> None:
    if by.actor.account_id is None:
        return
    counters = [
        *attempts.limits(throttle.INVITATION, "account", str(by.actor.account_id)),
        *attempts.limits(roles.INVITATION_PROJECT, "project", str(found.id)),
    ]
    attempts.take(index.store, counters, by.now).require()


def _require_offerable(connection: sa.Connection, by: Caller, found: ProjectRow, named: AccountRow, role: Role) -> None:
    held = projects.role_of(connection, found.id, named.id)
    is_open = offers.is_offered(connection, found.id, by.now, account_id=named.id)
    roles.may_offer(held, role, is_open=is_open).require()
    roles.fits_kind(named.kind, role).require()


def _tell(
    connection: sa.Connection,
    index: Index,
    by: Caller,
    named: AccountRow | None,
    whom: str,
    letter: dict[str, object],
) -> None:
    """Write to whoever is invited: to a machine's sponsors; to an address only where an account has it, or may."""
    if named is not None:
        machine = [each.account_id for each in sponsors.of(connection, named.id)] if named.kind == "automation" else []
        emails.tell_primary(connection, machine or [named.id], "role-invitation", letter, by.now)
        return
    holder = emails.holder(connection, whom)
    if holder is not None:
        outbox.put(connection, by.now, holder[1], "role-invitation", letter, holder[0].id)
    elif registration(index.settings.registration, invited=False).allowed:
        outbox.put(connection, by.now, whom, "role-invitation", letter)
