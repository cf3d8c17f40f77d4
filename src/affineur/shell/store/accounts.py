"""Accounts as stored, and what of them decides what they may do.

What does not live here: what an actor may do (`core.access`), and how somebody proves to be one: `tokens`,
`sessions`, `factors`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import lookalike_key
from affineur.core.people.caveats import ALL_ACTIONS, TokenAction
from affineur.core.people.second_factor import FactorKind, Posture, StepUp
from affineur.core.permissions import Kind, Office

from .schema import account, factor, identity, secret


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as stored."""

    id: int
    name: str
    kind: Kind
    office: Office | None
    created_at: datetime
    password_hash: str | None
    password_changed_at: datetime | None
    ladder_from: datetime | None
    ladder_noticed_days: int | None
    sponsors_short_from: datetime | None
    accepts_messages: bool
    trusted_reporter: bool
    frozen_at: datetime | None
    frozen_reason: str | None
    deleted_at: datetime | None


_COLUMNS = (
    account.c.id, account.c.name, account.c.kind, account.c.office, account.c.created_at, account.c.password_hash,
    account.c.password_changed_at, account.c.ladder_from, account.c.ladder_noticed_days, account.c.sponsors_short_from,
    account.c.accepts_messages, account.c.trusted_reporter, account.c.frozen_at, account.c.frozen_reason,
    account.c.deleted_at,
)  # fmt: skip


def _has_factor(kind: FactorKind) -> Any:
    return (
        sa.exists()
        .where(factor.c.account_id == account.c.id, factor.c.kind == kind, factor.c.suspended_at.is_(None))
        .label(f"has_{kind}")
    )


POSTURE = (
    account.c.id.label("account_id"),
    account.c.name.label("account_name"),
    account.c.kind.label("account_kind"),
    account.c.office,
    account.c.frozen_at,
    account.c.deleted_at,
    account.c.ladder_from,
    account.c.sponsors_short_from,
    # A machine is short of sponsors from its first moment until it has had enough.
    sa.func.coalesce(account.c.sponsors_short_from <= account.c.created_at, sa.false()).label("waits_for_sponsors"),
    sa.or_(account.c.password_hash.is_not(None), sa.exists().where(identity.c.account_id == account.c.id)).label(
        "signs_in"
    ),
    _has_factor("passkey"),
    _has_factor("totp"),
)
"""The columns that `actor` reads; to be selected along with whatever proved who it is."""

_BY_ID = sa.select(*POSTURE).where(account.c.id == sa.bindparam("id"))


def actor(
    row: Any,
    *,
    factor_required: bool,
    actions: frozenset[TokenAction] = ALL_ACTIONS,
    projects: frozenset[NormalizedName] | None = None,
    stepped_up: StepUp | None = None,
    token_id: str | None = None,
    token_ends_at: datetime | None = None,
) -> Actor:
    """The actor that a row with the columns `POSTURE` stands for. ``factor_required``: the setting of the index.

    An account that nobody can sign in to needs no second factor: there would be nothing for it to protect.
    """
    there: tuple[tuple[FactorKind, bool], ...] = (("passkey", row.has_passkey), ("totp", row.has_totp))
    kinds = frozenset(kind for kind, has in there if has)
    posture = Posture(
        factors=kinds,
        required=bool(factor_required and row.account_kind == "person" and row.signs_in),
        ladder_from=row.ladder_from,
        stepped_up=stepped_up,
        frozen=row.frozen_at is not None,
        sponsors_short_from=row.sponsors_short_from,
        waits_for_sponsors=bool(row.waits_for_sponsors),
    )
    return Actor(
        row.account_id, row.account_name, row.office, row.account_kind, actions, projects, posture, token_id,
        token_ends_at,
    )  # fmt: skip


def actor_by_id(connection: sa.Connection, account_id: int, *, factor_required: bool) -> Actor | None:
    """An account as an actor that has shown nothing: what it could do, for pages that explain its standing."""
    row = connection.execute(_BY_ID, {"id": account_id}).first()
    return None if row is None or row.deleted_at is not None else actor(row, factor_required=factor_required)


def find(connection: sa.Connection, name: str) -> AccountRow | None:
    """The account of that name, in any case; deleted ones are not found."""
    query = sa.select(*_COLUMNS).where(account.c.name_key.in_([name.lower(), name]), account.c.deleted_at.is_(None))
    # Accounts from before case was ignored may differ by it alone: then the one spelled exactly so is meant.
    row = connection.execute(query.order_by((account.c.name_key == name).desc())).first()
    return None if row is None else AccountRow(*tuple(row))


def by_id(connection: sa.Connection, account_id: int) -> AccountRow | None:
    """The account of that id, deleted ones too."""
    row = connection.execute(sa.select(*_COLUMNS).where(account.c.id == account_id)).first()
    return None if row is None else AccountRow(*tuple(row))


def listed(connection: sa.Connection) -> list[AccountRow]:
    """Every account, deleted ones too, by name. Cost: all of them; pages ask for fewer."""
    return [AccountRow(*tuple(row)) for row in connection.execute(sa.select(*_COLUMNS).order_by(account.c.name_key))]


def account_id(connection: sa.Connection, name: str) -> int | None:
    """The id of the account of that name."""
    found = find(connection, name)
    return None if found is None else found.id


def ever(connection: sa.Connection, name: str) -> int | None:
    """The id of the account that has, or had, that name: what its past is found by."""
    return connection.scalar(sa.select(account.c.id).where(account.c.name_key == name.lower()))


def is_taken(connection: sa.Connection, name: str) -> bool:
    """Whether the name belongs, or ever belonged, to an account: names are not given to somebody else."""
    return connection.scalar(sa.select(account.c.id).where(account.c.name_key == name.lower())) is not None


def lookalike(connection: sa.Connection, name: str) -> str | None:
    """An account, living or deleted, whose name could be mistaken for ``name``. Cost: a look at every name."""
    folded: sa.ColumnElement[Any] = account.c.name_key
    for one, other in (("l", "1"), ("i", "1"), ("o", "0"), ("-", ""), ("_", ""), (".", "")):
        folded = sa.func.replace(folded, one, other)
    return connection.scalar(sa.select(account.c.name).where(folded == lookalike_key(name)).limit(1))


def operators(connection: sa.Connection) -> list[int]:
    """The people who run this index and could act."""
    query = sa.select(account.c.id).where(
        account.c.office == "operator",
        account.c.kind == "person",
        account.c.deleted_at.is_(None),
        account.c.frozen_at.is_(None),
    )
    return list(connection.scalars(query))


def other_operators(connection: sa.Connection, account_id: int) -> int:
    """How many people run this index and could act, beside the account of that id."""
    return sum(each != account_id for each in operators(connection))


def any_account(connection: sa.Connection) -> bool:
    """Whether there is any account."""
    return connection.scalar(sa.select(account.c.id).limit(1)) is not None


def add_account(
    connection: sa.Connection, name: str, at: datetime, *, kind: Kind = "person", office: Office | None = None
) -> int:
    """A new account; its id."""
    row = account.insert().values(name=name, name_key=name.lower(), kind=kind, office=office, created_at=at)
    return int(connection.execute(row.returning(account.c.id)).scalar_one())


def change(connection: sa.Connection, account_id: int, **columns: object) -> None:
    """Set columns of an account."""
    connection.execute(account.update().where(account.c.id == account_id).values(**columns))


def known_secret(connection: sa.Connection, name: str) -> bytes | None:
    """The secret of that name that all processes share; None where none was made yet."""
    return connection.scalar(sa.select(secret.c.value).where(secret.c.name == name))


def shared_secret(connection: sa.Connection, name: str) -> bytes:
    """A random key of 32 bytes, made once and kept. Call inside `Store.write`."""
    found = known_secret(connection, name)
    if found is None:
        found = secrets.token_bytes(32)
        connection.execute(secret.insert().values(name=name, value=found))
    return bytes(found)
