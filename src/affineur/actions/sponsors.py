"""Sponsors: the people who answer for an automation account. Ask somebody, answer, withdraw, leave; remind of a lack.

What does not live here: the machine itself (`machines`), and how many it takes (`core.access`).
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

import sqlalchemy as sa

from affineur.core.access import SPONSORS_NEEDED, Resource, may
from affineur.core.decision import Refused, refuse
from affineur.core.people import machines
from affineur.core.people.accounts import unknown
from affineur.core.people.throttle import INVITATION
from affineur.core.permissions import Action
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, attempts, emails, security, sponsors
from affineur.shell.store.accounts import AccountRow
from affineur.shell.store.sponsors import Machine, Offer

from .machine_access import require

PAGE = "account/machines"
"""Where invitations are answered, as letters say it."""


def invite_sponsor(index: Index, by: Caller, machine: str, account: str) -> str:
    """Ask ``account`` to answer for a machine; the id of the invitation, which ends after `machines.OFFER_LASTS`.

    `Refused` where the caller does not answer for it, there is no such person, or they answer for it already.
    """
    if by.actor.account_id is not None:
        attempts.take(index.store, attempts.limits(INVITATION, str(by.actor.account_id)), by.now).require()
    with index.store.write() as connection:
        found = require(connection, by.actor, "run-machine", machine, by.now)
        invited = _person(connection, found, account)
        key = sponsors.offer(connection, found.id, invited.id, by.actor.name, by.now, machines.OFFER_LASTS)
        facts = {"invited": invited.name, "expires_at": (by.now + machines.OFFER_LASTS).isoformat()}
        security.append(connection, by, Happened("SponsorInvited", found.id, found.name, facts=facts))
        values: dict[str, object] = {
            "account": invited.name,
            "machine": found.name,
            "by": by.actor.name or None,
            "expires_at": by.now + machines.OFFER_LASTS,
            "page": PAGE,
        }
        emails.tell_primary(connection, [invited.id], "sponsor-invitation", values, by.now)
    return key


def answer_sponsor_offer(index: Index, by: Caller, offer_id: str, accept: bool) -> str:
    """Accept or refuse to answer for a machine; its name. `Refused` where the invitation is another's, or over."""
    with index.store.write() as connection:
        action: Action = "sponsor" if accept else "see-account"  # to say no takes nothing
        may(by.actor, action, Resource(account_id=by.actor.account_id), by.now).require()
        offer = _offer(connection, offer_id, by.now)
        found = sponsors.machine(connection, offer.machine_id)
        if by.actor.account_id != offer.invited_id or found is None:
            _no_offer()
        if accept:
            _require_inviter(connection, found, offer)
            machines.may_make(len(sponsors.machines(connection, offer.invited_id))).require()
            _add(connection, by, found, offer.invited_id, offer.invited)
        else:
            sponsors.settle(connection, offer.id, by.now)
            facts = {"invited": offer.invited, "answer": "refused"}
            security.append(connection, by, Happened("SponsorOfferAnswered", found.id, found.name, facts=facts))
    return found.name


def withdraw_sponsor_offer(index: Index, by: Caller, offer_id: str) -> str:
    """Take an invitation back that was not answered yet; the name of the machine. `Refused` as for inviting."""
    with index.store.write() as connection:
        offer = _offer(connection, offer_id, by.now)
        found = require(connection, by.actor, "run-machine", offer.machine, by.now)
        sponsors.settle(connection, offer.id, by.now)
        facts = {"invited": offer.invited, "answer": "withdrawn"}
        security.append(connection, by, Happened("SponsorOfferAnswered", found.id, found.name, facts=facts))
    return found.name


def leave_machine(index: Index, by: Caller, machine: str) -> int:
    """Cease to answer for a machine; how many still do. `Refused` for the last one, with the ways out.

    With fewer than it takes, those who are left and the owners of its projects are told, and the time runs.
    """
    with index.store.write() as connection:
        found = require(connection, by.actor, "release-machine", machine, by.now)
        if by.actor.account_id is None or not sponsors.answers_for(connection, by.actor.account_id, found.id):
            refuse("machine.sponsor", f"You do not answer for '{found.name}'.", "Nothing has to be done.")
        _remove(connection, by, found, by.actor.account_id, by.actor.name)
    return len(found.sponsors) - 1


def set_sponsor(index: Index, by: Caller, machine: str, account: str, answers: bool) -> bool:
    """Say, as an operator, that ``account`` answers for a machine or does no more; whether anything changed.

    For machines whose people are gone. They have agreed elsewhere; `Refused` for the last one, as in leaving.
    """
    with index.store.write() as connection:
        found = require(connection, by.actor, "set-sponsors", machine, by.now)
        names = {each.name: each.account_id for each in found.sponsors}
        key = accounts.account_id(connection, account)
        if (key in names.values()) == answers:
            return False
        if answers:
            person = _person(connection, found, account)
            _add(connection, by, found, person.id, person.name)
        elif key is not None:
            _remove(connection, by, found, key, account)
    return True


def remind_of_sponsors(index: Index, now: datetime) -> int:
    """Write once more where a machine is about to be paused for want of sponsors; how many machines. A chore.

    Due hourly. Where nothing is due it costs one read.
    """
    with index.store.read() as connection:
        short = sponsors.short(connection)
        due = [(each, days) for each, noticed in short if (days := _due(each, noticed, now)) is not None]
    if not due:
        return 0
    with index.store.write() as connection:
        for each, days in due:
            accounts.change(connection, each.id, ladder_noticed_days=days)
            sponsors.tell_short(connection, each.id, now)
    return len(due)


def _due(machine: Machine, noticed: int | None, now: datetime) -> int | None:
    if machine.short_from is None or machine.waits:
        return None
    return machines.reminder(machine.short_from, noticed, now)


def _person(connection: sa.Connection, machine: Machine, account: str) -> AccountRow:
    invited = accounts.find(connection, account)
    if invited is None:
        raise Refused(unknown(account))
    names = [each.name for each in machine.sponsors]
    machines.may_invite(invited.kind, invited.name, names, frozen=invited.frozen_at is not None).require()
    return invited


def _offer(connection: sa.Connection, offer_id: str, now: datetime) -> Offer:
    found = next((each for each in sponsors.offers(connection, now) if each.id == offer_id), None)
    if found is None:
        _no_offer()
    return found


def _require_inviter(connection: sa.Connection, machine: Machine, offer: Offer) -> None:
    """Whoever ceased to answer for a machine, or is frozen, does not choose who does after them."""
    if not offer.by:  # the console
        return
    inviter = accounts.find(connection, offer.by)
    if inviter is None or inviter.frozen_at is not None or inviter.name not in {each.name for each in machine.sponsors}:
        _no_offer()


def _no_offer() -> NoReturn:
    refuse("machine.offer", "There is no such invitation, or it is over.", "Ask for another one.")


def _add(connection: sa.Connection, by: Caller, machine: Machine, account_id: int, name: str) -> None:
    sponsors.add(connection, machine.id, account_id, by.now)
    facts = {"sponsor": name, "sponsors": len(machine.sponsors) + 1, "needed": SPONSORS_NEEDED}
    security.append(connection, by, Happened("SponsorAdded", machine.id, machine.name, facts=facts))


def _remove(connection: sa.Connection, by: Caller, machine: Machine, account_id: int, name: str) -> None:
    machines.may_leave(machine.name, len(machine.sponsors)).require()
    sponsors.remove(connection, machine.id, account_id, by.now)
    facts = {"sponsor": name, "sponsors": len(machine.sponsors) - 1, "needed": SPONSORS_NEEDED}
    security.append(connection, by, Happened("SponsorLeft", machine.id, machine.name, facts=facts))
