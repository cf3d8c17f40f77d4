"""Automation accounts: make one, make and revoke its tokens, retire it.

A machine never signs in: it has no password and no address, only tokens, which the people make who answer for it.
What does not live here: who those are (`sponsors`), and its roles, which owners give and its sponsors accept.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from affineur.core.access import Resource, may
from affineur.core.decision import refuse
from affineur.core.names import NormalizedName
from affineur.core.people import accounts as account_rules
from affineur.core.people import machines
from affineur.core.people.caveats import TokenAction
from affineur.core.people.roles import may_end
from affineur.core.people.tokens import end_of, label_of, may_be_for
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import accounts, departures, emails, security, sponsors, tokens

from . import minting, parting
from .machine_access import require
from .minting import Minted


def create_machine(index: Index, by: Caller, name: str) -> int:
    """An automation account that the caller answers for; its id. It waits until another person does, too.

    `Refused` where the name does not fit or is taken, or the caller may not, or answers for too many already. From
    the console it has no sponsor yet.
    """
    with index.store.write() as connection:
        may(by.actor, "create-machine", Resource(account_id=by.actor.account_id), by.now).require()
        similar = accounts.lookalike(connection, name)
        account_rules.chosen_name(name, accounts.is_taken(connection, name), similar).require()
        if by.actor.account_id is not None:
            machines.may_make(len(sponsors.machines(connection, by.actor.account_id))).require()
        key = accounts.add_account(connection, name, by.now, kind="automation")
        accounts.change(connection, key, sponsors_short_from=by.now)  # from its first moment: it waits
        security.append(connection, by, Happened("MachineCreated", key, name))
        if by.actor.account_id is not None:
            sponsors.add(connection, key, by.actor.account_id, by.now)
            security.append(connection, by, Happened("SponsorAdded", key, name, facts={"sponsor": by.actor.name}))
    return key


def create_machine_token(
    index: Index,
    by: Caller,
    machine: str,
    *,
    actions: Collection[TokenAction],
    projects: Collection[NormalizedName] | None,
    expires_at: datetime,
    label: str = "",
) -> Minted:
    """A token for a machine, made by somebody who answers for it: ends, and is for certain projects.

    `Refused` where the caller does not answer for it, `core.people.machines.fit_token` finds the token unfit, or it
    would do more, or live longer, than the token it is made with (`core.people.tokens`).
    """
    label = label_of(label)
    end_of(expires_at, by.now, index.settings.maximum_token_days, by.actor)
    with index.store.write() as connection:
        found = require(connection, by.actor, "run-machine", machine, by.now)
        roles = [project for project, _ in found.roles]
        machines.fit_token(found.name, actions, projects, roles, expires_at).require()
        may_be_for(by.actor, actions, tokens.in_force(connection, found.id, by.now)).require()
        made = minting.account_token(
            connection, found.id, label, by.now, actions=actions, projects=projects or None, expires_at=expires_at
        )
        facts = {
            "token": made.id,
            "label": label,
            "actions": sorted(actions),
            "projects": sorted(projects or ()),
            "expires_at": expires_at.isoformat(),
        }
        security.append(connection, by, Happened("TokenCreated", found.id, found.name, facts=facts))
        scope = f"{', '.join(sorted(actions))} on {', '.join(sorted(projects)) if projects else 'every project'}"
        told: dict[str, object] = {
            "account": found.name,
            "at": by.now,
            "label": label or made.id,
            "scope": scope,
            "expires_at": expires_at,
        }
        emails.tell_primary(connection, [each.account_id for each in found.sponsors], "token-created", told, by.now)
    return made


def revoke_machine_token(index: Index, by: Caller, machine: str, token_id: str) -> str:
    """Revoke a token of a machine by its id, or the beginning of it; its whole id. `Refused` where there is none."""
    with index.store.write() as connection:
        found = require(connection, by.actor, "revoke-machine-token", machine, by.now)
        held = tokens.find(connection, token_id)
        if held is None or held.account_id != found.id or held.revoked_at is not None:
            refuse("token.exists", f"There is no token {token_id[:40]!a} in force.", "The list of tokens shows them.")
        tokens.revoke(connection, [held.id], by.now, "revoked by a sponsor")
        facts = {"token": held.id, "label": held.label}
        security.append(connection, by, Happened("TokenRevoked", found.id, found.name, facts=facts))
    return held.id


def retire_machine(index: Index, by: Caller, machine: str) -> tuple[str, ...]:
    """End a machine: tokens, roles and sponsors go, its name is never given again. The projects it had roles on.

    What it published stays. `Refused` where the caller may not, or it is the only owner of a project.
    """
    with index.store.write() as connection:
        found = require(connection, by.actor, "retire-machine", machine, by.now)
        may_end(found.name, "automation", departures.sole_owner_of(connection, found.id)).require()
        in_force = [each.id for each in tokens.listed(connection, found.id)]
        revoked = tokens.revoke(connection, in_force, by.now, "the machine was retired")
        for project, _ in found.roles:  # after the tokens: all of them go, for one reason
            parting.end_role(connection, by, project, found.id, "ended", "machine")
        sponsors.forget(connection, found.id)
        accounts.change(connection, found.id, deleted_at=by.now, office=None, sponsors_short_from=None)
        facts = {"tokens": revoked, "projects": [project for project, _ in found.roles]}
        security.append(connection, by, Happened("MachineRetired", found.id, found.name, facts=facts))
    for project, _ in found.roles:
        pages.project(index, NormalizedName(project))
    return tuple(project for project, _ in found.roles)
