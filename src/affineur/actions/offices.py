"""Offices: who runs this index, who moderates it, who reads its log."""

from __future__ import annotations

from affineur.core.access import INDEX, may
from affineur.core.decision import Refused
from affineur.core.people import offices
from affineur.core.people.accounts import unknown
from affineur.core.permissions import Office
from affineur.core.security import Caller, Happened
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, security


def set_office(index: Index, by: Caller, account: str, office: Office | None) -> bool:
    """Give ``account`` an office in the place of the one it holds, or none; whether anything changed.

    It is told at every verified address. `Refused` where the caller is no operator, there is no such account, it is
    a machine, or the only operator would be none.
    """
    with index.store.write() as connection:
        may(by.actor, "set-office", INDEX, by.now).require()
        found = accounts.find(connection, account)
        if found is None:
            raise Refused(unknown(account))
        if found.office == office:
            return False
        offices.may_take_over(found.kind, office, found.name).require()
        offices.may_step_down(by.actor, found.office, office, accounts.other_operators(connection, found.id)).require()
        accounts.change(connection, found.id, office=office)
        facts = {"old": found.office, "new": office}
        security.append(connection, by, Happened("OfficeChanged", found.id, found.name, facts=facts))
        values = {"account": found.name, "at": by.now, "office": office, "by": by.actor.name or None}
        emails.tell(connection, found.id, "office-changed", values, by.now)
    return True
