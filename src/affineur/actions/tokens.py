"""Create, confirm and revoke tokens. Those that were found in public are revoked by `disclose`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.access import Resource, may
from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import require_name, unknown
from affineur.core.people.caveats import ALL_ACTIONS, Grant, TokenAction, scope_of
from affineur.core.people.second_factor import STEP_UP_LASTS
from affineur.core.people.tokens import end_of, label_of, may_be_for
from affineur.core.security import Caller, Happened
from affineur.shell.bearer import digest_of
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, publishers, security, tokens
from affineur.shell.store.tokens import TokenRow

from . import minting

_FORM = "form"
"""In the place of an issuer, among what is taken once (`publishers.spend`)."""
_FORM_KEPT = timedelta(days=1)
"""Whoever reloads later has to prove anew who they are, and that leads to an empty form."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new token. ``secret`` is known here only; ``new_account`` says that its account was made with it."""

    id: str
    secret: str
    account: str
    new_account: bool
    expires_at: datetime | None


def create_token(
    index: Index,
    by: Caller,
    account: str,
    *,
    label: str = "",
    actions: Collection[TokenAction] = ALL_ACTIONS,
    projects: Collection[NormalizedName] | None = None,
    expires_at: datetime | None = None,
    operator: bool = False,
    once: str = "",
) -> Created:
    """A token for ``account``: one's own, or from the console anybody's, which is made where there is none.

    It ends at ``expires_at`` (aware UTC), at the latest after ``maximum_token_days``, which is also what holds when
    nothing is said. ``operator`` makes a new account an operator's. ``once``: a word of the form that asked, by which
    it makes one token: sent again, it is refused (``token.made``). Its owner is told by mail. `Refused` for an
    existing one that is not (rights are not given in passing), for an unfit name, and as `core.people.tokens` says.
    """
    named = label_of(label)
    ends = end_of(expires_at, by.now, index.settings.maximum_token_days, by.actor)
    with index.store.write() as connection:
        found = accounts.find(connection, account)
        if found is None and by.actor.kind != "system":
            raise Refused(unknown(account))
        may(by.actor, "create-token", Resource(account_id=found.id if found else None), by.now).require()
        may_be_for(by.actor, actions, tokens.in_force(connection, found.id, by.now) if found else 0).require()
        _take_once(connection, by, once)
        key = _new_account(connection, by, account, operator) if found is None else found.id
        if found is not None and operator and found.office != "operator":
            refuse(
                "token.operator",
                f"The account '{account}' exists and is no operator.",
                "Use another name for the operator's account.",
            )
        name = found.name if found else account
        made = minting.account_token(
            connection, key, named, by.now, actions=actions, projects=projects, expires_at=ends
        )
        grant = Grant(actions=frozenset(actions), projects=None if projects is None else frozenset(projects))
        _tell(connection, by, key, name, made, named, grant)
    return Created(made.id, made.secret, name, found is None, ends)


def revoke_token(index: Index, by: Caller, token_id: str, because: str = "revoked by hand") -> str:
    """Revoke a token by its id, or by the beginning of it: from now on it is refused. Its whole id.

    `Refused` (``token.exists``) where no such token of one's own is in force.
    """
    with index.store.write() as connection:
        found = _own(connection, by, token_id)
        may(by.actor, "revoke-token", Resource(account_id=found.account_id), by.now).require()
        tokens.revoke(connection, [found.id], by.now, because)
        facts = {"token": found.id, "label": found.label}
        security.append(connection, by, Happened("TokenRevoked", found.account_id, found.account, facts=facts))
    return found.id


def confirm_token(index: Index, by: Caller, token_id: str) -> datetime:
    """Let a token stand for the proof that its owner, who is signed in, has just given; until when (aware UTC).

    It is good for as long as that proof is, so nothing is ever done on a proof older than `STEP_UP_LASTS`. A code from
    an app counts as a proof there, never as one that cannot be phished: a token knows no device. `Refused`:
    ``token.exists``, ``access.step-up``, and ``access.signed-in`` for whoever comes with a token.
    """
    with index.store.write() as connection:
        found = _own(connection, by, token_id)
        may(by.actor, "change-account", Resource(account_id=found.account_id), by.now).require()
        given = by.actor.posture.stepped_up
        assert given is not None, "changing an account asks for a proof"  # noqa: S101
        tokens.confirm(connection, found.id, given)
        facts = {"token": found.id, "label": found.label, "proof": given.proof}
        security.append(connection, by, Happened("TokenConfirmed", found.account_id, found.account, facts=facts))
    return given.at + STEP_UP_LASTS


def _take_once(connection: sa.Connection, by: Caller, once: str) -> None:
    if once and not publishers.spend(
        connection, _FORM, digest_of(f"{by.actor.account_id}:{once}"), by.now + _FORM_KEPT
    ):
        refuse(
            "token.made",
            "This form has made its token already, and a token is shown only once.",
            "If you did not copy it, revoke it in the list and make another one.",
        )


def _tell(
    connection: sa.Connection, by: Caller, key: int, name: str, made: minting.Minted, label: str, grant: Grant
) -> None:
    """Note a new token in the log, and write to its owner."""
    facts = {
        "token": made.id,
        "label": label,
        "actions": sorted(grant.actions),
        "projects": None if grant.projects is None else sorted(grant.projects),
        "expires_at": made.expires_at and made.expires_at.isoformat(),
    }
    security.append(connection, by, Happened("TokenCreated", key, name, facts=facts))
    told = {"account": name, "at": by.now, "label": label or made.id, "scope": scope_of(grant),
            "expires_at": made.expires_at}  # fmt: skip
    emails.tell(connection, key, "token-created", told, by.now)


def _own(connection: sa.Connection, by: Caller, token_id: str) -> TokenRow:
    """The token in force that ``by`` means, the console any. Whether others have such a one is nobody's business."""
    found = tokens.find(connection, token_id)
    foreign = found is not None and by.actor.kind != "system" and found.account_id != by.actor.account_id
    if found is None or found.account_id is None or foreign or found.state(by.now) != "valid":
        refuse("token.exists", f"There is no token {token_id[:40]!a} in force.", "The list of tokens shows them.")
    return found


def _new_account(connection: sa.Connection, by: Caller, name: str, operator: bool) -> int:
    require_name(name)
    key = accounts.add_account(connection, name, by.now, office="operator" if operator else None)
    security.append(connection, by, Happened("AccountCreated", key, name))
    return key
