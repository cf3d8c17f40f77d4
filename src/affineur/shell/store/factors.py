"""Second factors and recovery codes as stored. Nothing here is ever shown to anybody but their holder.

A factor that is suspended is not accepted, yet the account goes on being one that has factors (`is_guarded`): a copy
of somebody's key must not turn their account into one that a password opens.
What does not live here: whether a proof is right (`actions.proving`), and what factors permit
(`core.people.second_factor`).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import orjson
import sqlalchemy as sa

from affineur.core.people.second_factor import FactorKind
from affineur.shell.passkeys import USER_HANDLE_BYTES, Passkey

from . import accounts
from .schema import account, factor, recovery_code, role

Readiness = Literal["ready", "not yet"]


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A factor as stored. ``secret`` (of a TOTP app) never leaves the machine again once it was confirmed."""

    id: int
    account_id: int
    kind: FactorKind
    label: str
    secret: bytes | None = field(repr=False)
    last_step: int | None
    credential_id: str | None
    public_key: bytes | None = field(repr=False)
    sign_count: int | None
    transports: str | None
    created_at: datetime
    last_used_at: datetime | None
    suspended_at: datetime | None
    removal_due_at: datetime | None

    @property
    def passkey(self) -> Passkey:
        """The credential of a passkey, as `shell.passkeys` wants it."""
        assert self.credential_id is not None and self.public_key is not None, "a passkey has both"  # noqa: S101
        transports = tuple(orjson.loads(self.transports or "[]"))
        return Passkey(decoded(self.credential_id), self.public_key, self.sign_count or 0, transports)


_COLUMNS = (
    factor.c.id, factor.c.account_id, factor.c.kind, factor.c.label, factor.c.secret, factor.c.last_step,
    factor.c.credential_id, factor.c.public_key, factor.c.sign_count, factor.c.transports, factor.c.created_at,
    factor.c.last_used_at, factor.c.suspended_at, factor.c.removal_due_at,
)  # fmt: skip


def encoded(credential_id: bytes) -> str:
    """A credential's id as it is kept: Base64url without padding, as browsers write it."""
    return urlsafe_b64encode(credential_id).rstrip(b"=").decode("ascii")


def decoded(credential_id: str) -> bytes:
    """The id back from what is kept."""
    return urlsafe_b64decode(credential_id + "=" * (-len(credential_id) % 4))


def listed(connection: sa.Connection, account_id: int) -> list[FactorRow]:
    """All factors of an account, suspended ones too, oldest first."""
    query = sa.select(*_COLUMNS).where(factor.c.account_id == account_id).order_by(factor.c.created_at, factor.c.id)
    return [FactorRow(*tuple(row)) for row in connection.execute(query)]


def find(connection: sa.Connection, account_id: int, factor_id: int) -> FactorRow | None:
    """One factor of an account."""
    query = sa.select(*_COLUMNS).where(factor.c.account_id == account_id, factor.c.id == factor_id)
    row = connection.execute(query).first()
    return None if row is None else FactorRow(*tuple(row))


def by_credential(connection: sa.Connection, credential_id: bytes) -> FactorRow | None:
    """The passkey with that credential, whosever it is."""
    query = sa.select(*_COLUMNS).where(factor.c.credential_id == encoded(credential_id))
    row = connection.execute(query).first()
    return None if row is None else FactorRow(*tuple(row))


def is_guarded(connection: sa.Connection, account_id: int) -> bool:
    """Whether signing in to the account takes more than a password: it has a factor, be it a suspended one."""
    return connection.scalar(sa.select(factor.c.id).where(factor.c.account_id == account_id).limit(1)) is not None


def active(rows: Iterable[FactorRow]) -> list[FactorRow]:
    """Those of ``rows`` that are accepted."""
    return [row for row in rows if row.suspended_at is None]


def kinds(rows: Iterable[FactorRow]) -> frozenset[FactorKind]:
    """The kinds among those of ``rows`` that are accepted."""
    return frozenset(row.kind for row in active(rows))


def add_passkey(connection: sa.Connection, account_id: int, label: str, made: Passkey, at: datetime) -> int:
    """Keep a new passkey; its id."""
    row = factor.insert().values(
        account_id=account_id,
        kind="passkey",
        label=label,
        credential_id=encoded(made.credential_id),
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=orjson.dumps(made.transports).decode(),
        created_at=at,
    )
    return int(connection.execute(row.returning(factor.c.id)).scalar_one())


def add_totp(connection: sa.Connection, account_id: int, label: str, secret: str, step: int, at: datetime) -> int:
    """Keep a new authenticator app, confirmed by the code of the time step ``step``; its id."""
    row = factor.insert().values(
        account_id=account_id, kind="totp", label=label, secret=secret.encode(), last_step=step, created_at=at
    )
    return int(connection.execute(row.returning(factor.c.id)).scalar_one())


def rename(connection: sa.Connection, factor_id: int, label: str) -> None:
    """Give a factor another name."""
    connection.execute(factor.update().where(factor.c.id == factor_id).values(label=label))


def remove(connection: sa.Connection, factor_id: int) -> None:
    """Take a factor away."""
    connection.execute(factor.delete().where(factor.c.id == factor_id))


def remove_all(connection: sa.Connection, account_id: int) -> int:
    """Take every factor and recovery code of an account away; how many factors there were."""
    connection.execute(recovery_code.delete().where(recovery_code.c.account_id == account_id))
    return connection.execute(factor.delete().where(factor.c.account_id == account_id)).rowcount


def schedule_removal(connection: sa.Connection, factor_id: int, due_at: datetime | None) -> None:
    """Note when a factor is to be removed; None: it stays."""
    connection.execute(factor.update().where(factor.c.id == factor_id).values(removal_due_at=due_at))


def due_for_removal(connection: sa.Connection, now: datetime) -> list[FactorRow]:
    """The factors whose removal was scheduled for a time that has come."""
    query = sa.select(*_COLUMNS).where(factor.c.removal_due_at <= now).order_by(factor.c.removal_due_at)
    return [FactorRow(*tuple(row)) for row in connection.execute(query)]


def use_step(connection: sa.Connection, factor_id: int, step: int, at: datetime) -> bool:
    """Note the time step of a code that was given; False where that step, or a later one, was used before."""
    later = sa.or_(factor.c.last_step.is_(None), factor.c.last_step < step)
    changed = factor.update().where(factor.c.id == factor_id, later).values(last_step=step, last_used_at=at)
    return connection.execute(changed).rowcount > 0


def use_passkey(connection: sa.Connection, factor_id: int, sign_count: int, at: datetime) -> None:
    """Note that a passkey was used, and what its counter says."""
    changed = factor.update().where(factor.c.id == factor_id)
    connection.execute(changed.values(sign_count=sign_count, last_used_at=at))


def suspend(connection: sa.Connection, factor_id: int, at: datetime) -> None:
    """Accept a factor no more, and keep it."""
    connection.execute(factor.update().where(factor.c.id == factor_id).values(suspended_at=at))


def set_codes(connection: sa.Connection, account_id: int, digests: Iterable[str]) -> None:
    """Give an account these recovery codes, in the place of all it had."""
    connection.execute(recovery_code.delete().where(recovery_code.c.account_id == account_id))
    rows = [{"account_id": account_id, "digest": digest} for digest in digests]
    if rows:
        connection.execute(recovery_code.insert(), rows)


def use_code(connection: sa.Connection, account_id: int, digest: str, at: datetime) -> bool:
    """Use a recovery code up; False where it is none of the account's, or was used."""
    changed = recovery_code.update().where(
        recovery_code.c.account_id == account_id, recovery_code.c.digest == digest, recovery_code.c.used_at.is_(None)
    )
    return connection.execute(changed.values(used_at=at)).rowcount > 0


def codes_left(connection: sa.Connection, account_id: int) -> int:
    """How many recovery codes of an account are unused."""
    unused = (recovery_code.c.account_id == account_id, recovery_code.c.used_at.is_(None))
    return int(connection.scalar(sa.select(sa.func.count()).select_from(recovery_code).where(*unused)) or 0)


def user_handle(connection: sa.Connection, account_id: int) -> bytes:
    """What passkeys know an account by: 64 bytes that say nothing to anybody (WebAuthn §14.6.1).

    Derived from a key of this index, so that it is the same for ever and needs no column. Call inside `Store.write`.
    """
    key = accounts.shared_secret(connection, "passkey-user-handle")
    return hmac.new(key, str(account_id).encode(), hashlib.sha512).digest()[:USER_HANDLE_BYTES]


def readiness(connection: sa.Connection, project_id: int) -> dict[int, Readiness]:
    """Whether each person with a role on a project has a second factor: for the owners of that project only.

    Nobody else is ever told (project-life rows A6, A15); whoever calls this has asked `core.access` before.
    Machines are not among them: they have no factor to add.
    """
    has_factor = sa.exists().where(factor.c.account_id == account.c.id, factor.c.suspended_at.is_(None))
    query = (
        sa.select(account.c.id, has_factor.label("has_factor"))
        .join(role, role.c.account_id == account.c.id)
        .where(role.c.project_id == project_id, account.c.kind == "person", account.c.deleted_at.is_(None))
    )
    return {row.id: "ready" if row.has_factor else "not yet" for row in connection.execute(query)}
