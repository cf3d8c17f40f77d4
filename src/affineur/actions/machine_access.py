"""What every act on an automation account begins with. Not an act itself.

It finds the machine and whether the actor answers for it, inside the act's own transaction, and asks
`core.access.may`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from affineur.core.access import Actor, Resource, may
from affineur.core.decision import refuse
from affineur.core.people.caveats import ALL_ACTIONS
from affineur.core.permissions import Action
from affineur.shell.store import accounts, sponsors
from affineur.shell.store.sponsors import Machine


def require(connection: sa.Connection, actor: Actor, action: Action, name: str, now: datetime) -> Machine:
    """The machine of that name, where ``actor`` may do ``action`` to it. `Refused` where not, or there is none.

    Whoever may not see it is told the same as where there is none.
    """
    key = accounts.account_id(connection, name)
    found = None if key is None else sponsors.machine(connection, key)
    answers = found is not None and sponsors.answers_for(connection, actor.account_id, found.id)
    resource = Resource(account_id=key, sponsored=answers)
    # Whatever its token is for: one that is not for reading must not tell which machines there are.
    whole = replace(actor, actions=ALL_ACTIONS)
    if found is None or may(whole, "see-machine", resource, now).rule == "access.sponsor":
        refuse("machine.exists", f"You answer for no automation account '{name[:100]}'.", "Check its name.")
    may(actor, action, resource, now).require()
    return found
