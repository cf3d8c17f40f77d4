"""What the company's answers have in common: each is taken once, and groups are renewed. Not an act itself.

What groups come to is decided in `core.people.company`; here offices and roles are given and taken accordingly, in the
transaction of the act, and people, journal and log are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.decision import Refused, deny, refuse
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people import company
from affineur.core.people.company import Changes, Due, RoleChange
from affineur.core.people.company_errand import LASTS
from affineur.core.people.company_identity import Identity
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, departures, emails, identities, journal, projects, publishers, security
from affineur.shell.store.accounts import AccountRow

from . import parting

_KEPT = LASTS + timedelta(minutes=5)
_RULE = "company"
"""What the journal says a role came or went by."""

USED = deny(
    "company.used",
    "This answer of your company's sign-in was taken before.",
    "Begin again on the sign-in page.",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the company: who it is, and what stands for this very errand (`company_errand`)."""

    who: Identity
    reuse_key: str


def require_set_up(index: Index) -> None:
    """`Refused` (``company.off``) where this index knows no company."""
    if not index.settings.company_issuer or not index.settings.company_client_id:
        refuse("company.off", "This index has no company sign-in.", "Sign in with a password, or a passkey.")


def use_up(connection: sa.Connection, answer: Answer, now: datetime) -> None:
    """Take an answer; `Refused` (``company.used``) where it was taken before."""
    if not publishers.spend(connection, answer.who.issuer, answer.reuse_key, now + _KEPT):
        raise Refused(USED)


def renew(connection: sa.Connection, index: Index, by: Caller, account: AccountRow, owed: Due) -> list[NormalizedName]:
    """Give and take what groups come to; the projects whose pages change, to be made anew after the transaction."""
    held = identities.held(connection, account.id)
    known = identities.existing(connection, {*owed.roles, *held.roles})
    last = accounts.other_operators(connection, account.id) == 0
    alone = departures.sole_owner_of(connection, account.id)
    found = company.changes(
        held, owed, known, last_operator=last, only_owner_of=[NormalizedName(each) for each in alone]
    )
    _renew_office(connection, index, by, account, found)
    for change in found.roles:
        _renew_role(connection, index, by, account, change)
    newly = identities.note_kept(connection, account.id, [known[each] for each in found.kept])
    for project in found.kept:
        if known[project] in newly:
            _tell_kept(connection, index, by, account, project)
    return [change.project for change in found.roles]


def _renew_office(connection: sa.Connection, index: Index, by: Caller, account: AccountRow, found: Changes) -> None:
    identities.give_office(connection, account.id, found.office, found.given_office)
    if found.office == account.office:
        return
    facts = {"old": account.office, "new": found.office, "via": "company"}
    security.append(connection, by, Happened("OfficeChanged", account.id, account.name, facts=facts))
    values = {"account": account.name, "at": by.now, "office": found.office, "by": _giver(index)}
    emails.tell(connection, account.id, "office-changed", values, by.now)


def _renew_role(connection: sa.Connection, index: Index, by: Caller, account: AccountRow, change: RoleChange) -> None:
    """Change one role; the journal tells that, and never whose. What hung on a role goes with it (`parting`)."""
    found = projects.find(connection, change.project)
    assert found is not None, "only projects that exist are renewed"  # noqa: S101
    if change.after is None:
        holder = parting.find_holder(connection, found.id, account.id)
        assert holder is not None, "what is taken is held"  # noqa: S101
        parting.part(connection, by, found, holder, "ended", rule=_RULE, said_by=_giver(index))
    else:
        identities.give_role(connection, found.id, account.id, change.after, by.now)
        old, new = {"role": change.before}, {"role": change.after}
        told = Event("RoleGranted", change.project, old=old, new=new, rule=_RULE, actor_class="system")
        projects.touch(connection, found.id, journal.append(connection, by.now, [told], _giver(index)), by.now)
        facts = {"old": change.before, "new": change.after, "via": "company"}
        happened = Happened("RoleGranted", account.id, account.name, change.project, facts=facts)
        security.append(connection, by, happened)
    values = {"project": change.project, "role": change.after or change.before, "account": account.name}
    letter = "role-granted" if change.after else "role-removed"
    emails.tell(connection, account.id, letter, {**values, "by": _giver(index), "at": by.now}, by.now)


def _tell_kept(
    connection: sa.Connection, index: Index, by: Caller, account: AccountRow, project: NormalizedName
) -> None:
    """Tell the only owner, and the operators, that a project waits for another one; once, not at each sign-in."""
    facts = {"role": "owner", "via": "company"}
    security.append(connection, by, Happened("RoleKept", account.id, account.name, project, facts=facts))
    values = {"project": project, "account": account.name, "by": _giver(index), "at": by.now}
    for key in {account.id, *accounts.operators(connection)}:
        emails.tell(connection, key, "role-kept", values, by.now)


def _giver(index: Index) -> str:
    """Who gave it, in letters and for the operator."""
    return f"the groups of {index.settings.company_name}"
