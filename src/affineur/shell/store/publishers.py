"""Trusted publishers as stored: those of projects, those that wait for theirs, and the identities that were used up.

Every project keeps its own pins of a publisher, so that whoever registers it first decides for nobody else.
What does not live here: whose a token's claims are (`core.publishers`), and who may change this (`core.access`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
import sqlalchemy as sa

from affineur.core import publishers
from affineur.core.names import NormalizedName, parse_name
from affineur.core.publishers import Publisher

from .schema import account, pending_publisher, project, project_publisher, publisher, role, spent_identity, token


@dataclass(frozen=True, slots=True)
class Registered:
    """A publisher of a project, with the project's own pins. ``added_by``: the account, if it is still there.

    ``unconfirmed``: the project was unarchived since, and no owner has said yet that it may publish again.
    """

    id: str
    project_id: int
    project: NormalizedName
    publisher: Publisher
    added_by: str | None
    added_at: datetime
    last_used_at: datetime | None
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A publisher of a project that does not exist yet. ``display_name`` is its name as it was typed."""

    id: str
    account_id: int
    account: str
    display_name: str
    publisher: Publisher
    created_at: datetime
    expires_at: datetime

    @property
    def project(self) -> NormalizedName:
        """The name in normalised form."""
        return parse_name(self.display_name)


_REGISTERED = (
    sa.select(
        publisher.c.id, publisher.c.kind, publisher.c.issuer, publisher.c.fields, project_publisher.c.pins,
        project_publisher.c.project_id, project.c.name, account.c.name.label("added_by"),
        project_publisher.c.added_at, project_publisher.c.last_used_at, project_publisher.c.unconfirmed,
    )
    .select_from(
        project_publisher.join(publisher, publisher.c.id == project_publisher.c.publisher_id)
        .join(project, project.c.id == project_publisher.c.project_id)
        .outerjoin(account, account.c.id == project_publisher.c.added_by)
    )
    .order_by(project_publisher.c.added_at, publisher.c.id)
)  # fmt: skip

_PENDING = (
    sa.select(
        pending_publisher.c.id, pending_publisher.c.kind, pending_publisher.c.issuer, pending_publisher.c.fields,
        pending_publisher.c.account_id, account.c.name.label("account"), pending_publisher.c.project,
        pending_publisher.c.created_at, pending_publisher.c.expires_at,
    )
    .join(account, account.c.id == pending_publisher.c.account_id)
    .order_by(pending_publisher.c.created_at, pending_publisher.c.id)
)  # fmt: skip


def read_publisher(kind: str, issuer: str, fields: str, pins: str = "{}") -> Publisher:
    """A publisher from its columns."""
    known, kept = orjson.loads(fields), orjson.loads(pins)
    return Publisher(kind, issuer, MappingProxyType(known), MappingProxyType(kept))  # type: ignore[arg-type]


def of_project(connection: sa.Connection, project_id: int) -> list[Registered]:
    """The publishers of a project, in the order in which they were added."""
    return _registered(connection, _REGISTERED.where(project_publisher.c.project_id == project_id))


def at_home(connection: sa.Connection, home: str) -> list[Registered]:
    """The publishers of all projects that live at `core.publishers.home`. Cost: those of one owner."""
    return _registered(connection, _REGISTERED.where(publisher.c.home == home))


def pending_at_home(connection: sa.Connection, home: str, now: datetime) -> list[Pending]:
    """As `at_home`, of projects that do not exist yet; those that have ended are left out."""
    wanted = _PENDING.where(pending_publisher.c.home == home, pending_publisher.c.expires_at > now)
    return _pendings(connection, wanted)


def pending_of(connection: sa.Connection, account_id: int, now: datetime) -> list[Pending]:
    """What an account has pending."""
    wanted = _PENDING.where(pending_publisher.c.account_id == account_id, pending_publisher.c.expires_at > now)
    return _pendings(connection, wanted)


def owned_projects(connection: sa.Connection, account_id: int) -> list[tuple[NormalizedName, int, bool]]:
    """The projects an account owns: name, number of publishers, whether only those may upload. By name."""
    count = (
        sa.select(sa.func.count())
        .where(project_publisher.c.project_id == project.c.id)
        .correlate(project)
        .scalar_subquery()
    )
    query = (
        sa.select(project.c.name, count, project.c.publishers_only)
        .join(role, role.c.project_id == project.c.id)
        .where(role.c.account_id == account_id, role.c.role == "owner")
        .order_by(project.c.name)
    )
    return [(NormalizedName(name), int(many), bool(only)) for name, many, only in connection.execute(query)]


def register(
    connection: sa.Connection, found: Publisher, project_id: int, added_by: int | None, at: datetime
) -> str | None:
    """Let a publisher publish for a project; its id. None where it may already."""
    known = connection.scalar(sa.select(publisher.c.id).where(publisher.c.fingerprint == publishers.fingerprint(found)))
    key = known or _keep(connection, found, at)
    there = sa.select(project_publisher.c.publisher_id).where(
        project_publisher.c.publisher_id == key, project_publisher.c.project_id == project_id
    )
    if connection.scalar(there) is not None:
        return None
    connection.execute(
        project_publisher.insert().values(
            publisher_id=key,
            project_id=project_id,
            added_by=added_by,
            added_at=at,
            pins=_json(found.pins),
        )
    )
    return str(key)


def unregister(connection: sa.Connection, publisher_id: str, project_id: int) -> None:
    """Let a publisher no longer publish for a project. Its row stays: tokens that it had say that they are revoked."""
    connection.execute(
        project_publisher.delete().where(
            project_publisher.c.publisher_id == publisher_id, project_publisher.c.project_id == project_id
        )
    )


def ask_to_confirm(connection: sa.Connection, project_id: int) -> None:
    """No publisher of a project publishes for it before an owner confirms it."""
    mine = project_publisher.c.project_id == project_id
    connection.execute(project_publisher.update().where(mine).values(unconfirmed=True))


def confirm(connection: sa.Connection, publisher_id: str, project_id: int) -> None:
    """Let a publisher publish for a project again."""
    mine = (project_publisher.c.publisher_id == publisher_id) & (project_publisher.c.project_id == project_id)
    connection.execute(project_publisher.update().where(mine).values(unconfirmed=False))


def note_use(connection: sa.Connection, found: Registered, learned: Mapping[str, str], at: datetime) -> None:
    """Note that a publisher was used for a project, and what was learned of it with its first token."""
    values: dict[str, object] = {"last_used_at": at}
    if learned:
        values["pins"] = _json(publishers.with_pins(found.publisher, learned).pins)
    connection.execute(
        project_publisher.update()
        .where(project_publisher.c.publisher_id == found.id, project_publisher.c.project_id == found.project_id)
        .values(**values)
    )


def live_tokens(connection: sa.Connection, project_id: int, now: datetime) -> list[str]:
    """The tokens of any publisher that are good for a project at ``now``. Cost: the tokens of 15 minutes."""
    query = sa.select(token.c.id, token.c.caveats).where(
        token.c.publisher_id.is_not(None), token.c.revoked_at.is_(None), token.c.expires_at > now
    )
    return [row.id for row in connection.execute(query) if _names(row.caveats, project_id)]


def add_pending(
    connection: sa.Connection, found: Publisher, display_name: str, account_id: int, at: datetime, expires_at: datetime
) -> str:
    """Keep a publisher of a project to come; its id."""
    key = str(uuid.uuid4())
    connection.execute(
        pending_publisher.insert().values(
            id=key,
            **_columns(found),
            project=display_name,
            account_id=account_id,
            created_at=at,
            expires_at=expires_at,
        )
    )
    return key


def is_pending(connection: sa.Connection, found: Publisher, name: NormalizedName, now: datetime) -> bool:
    """Whether somebody has this publisher pending for a project of that name."""
    wanted = _PENDING.where(
        pending_publisher.c.fingerprint == publishers.fingerprint(found), pending_publisher.c.expires_at > now
    )
    return any(each.project == name for each in _pendings(connection, wanted))


def remove_pending(connection: sa.Connection, pending_id: str) -> None:
    """Forget a publisher of a project to come."""
    connection.execute(pending_publisher.delete().where(pending_publisher.c.id == pending_id))


def expired_pending(connection: sa.Connection, now: datetime) -> list[Pending]:
    """Those whose time is over."""
    return _pendings(connection, _PENDING.where(pending_publisher.c.expires_at <= now))


def to_remind(connection: sa.Connection, now: datetime, until: datetime) -> list[Pending]:
    """Those that end after ``now`` and by ``until``, and whose account was not told yet."""
    wanted = _PENDING.where(
        pending_publisher.c.expires_at > now,
        pending_publisher.c.expires_at <= until,
        pending_publisher.c.reminded_at.is_(None),
    )
    return _pendings(connection, wanted)


def mark_reminded(connection: sa.Connection, pending_ids: Iterable[str], at: datetime) -> None:
    """Note that accounts were told."""
    changed = pending_publisher.update().where(pending_publisher.c.id.in_(list(pending_ids)))
    connection.execute(changed.values(reminded_at=at))


def spend(connection: sa.Connection, issuer: str, reuse_key: str, until: datetime) -> bool:
    """Use an identity up, remembered until ``until``; False where it was used before. Call inside `Store.write`.

    Writers stand in line, so of two at the same moment one finds the row of the other; the key of the table says so
    a second time.
    """
    mine = (spent_identity.c.issuer == issuer) & (spent_identity.c.jti == reuse_key)
    if connection.scalar(sa.select(spent_identity.c.jti).where(mine)) is not None:
        return False
    connection.execute(spent_identity.insert().values(issuer=issuer, jti=reuse_key, expires_at=until))
    return True


def set_only(connection: sa.Connection, project_id: int, only: bool, ends_at: datetime | None) -> None:
    """Whether only publishers may upload to a project, and when that ends."""
    connection.execute(
        project.update().where(project.c.id == project_id).values(publishers_only=only, publishers_only_ends_at=ends_at)
    )


def releases_due(connection: sa.Connection, now: datetime) -> list[NormalizedName]:
    """Projects that were to be opened to tokens again by ``now``."""
    wanted = sa.select(project.c.name).where(project.c.publishers_only, project.c.publishers_only_ends_at <= now)
    return [NormalizedName(name) for name in connection.scalars(wanted)]


def _keep(connection: sa.Connection, found: Publisher, at: datetime) -> str:
    key = str(uuid.uuid4())
    connection.execute(publisher.insert().values(id=key, **_columns(found), created_at=at))
    return key


def _columns(found: Publisher) -> dict[str, object]:
    return {
        "kind": found.kind,
        "issuer": found.issuer,
        "fields": _json(found.fields),
        "fingerprint": publishers.fingerprint(found),
        "home": publishers.home(found),
    }


def _json(mapping: Mapping[str, str]) -> str:
    return orjson.dumps(dict(mapping)).decode()


def _names(stored: str, project_id: int) -> bool:
    """Whether a token's stored caveats name a project (``[2, [ids]]``, `core.people.caveats.for_project_ids`)."""
    found = [orjson.loads(each) for each in orjson.loads(stored)]
    return any(each[0] == 2 and str(project_id) in each[1] for each in found)


def _registered(connection: sa.Connection, query: Any) -> list[Registered]:
    return [
        Registered(
            row.id,
            row.project_id,
            NormalizedName(row.name),
            read_publisher(row.kind, row.issuer, row.fields, row.pins),
            row.added_by,
            row.added_at,
            row.last_used_at,
            row.unconfirmed,
        )
        for row in connection.execute(query)
    ]


def _pendings(connection: sa.Connection, query: Any) -> list[Pending]:
    return [
        Pending(
            row.id,
            row.account_id,
            row.account,
            row.project,
            read_publisher(row.kind, row.issuer, row.fields),
            row.created_at,
            row.expires_at,
        )
        for row in connection.execute(query)
    ]
