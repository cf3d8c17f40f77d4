"""What people are given on a project: roles, and limits of the project's own.

What does not live here: whether that may be done (`core.access`), and the project itself (`projects`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.names import NormalizedName
from affineur.core.people.roles import Crew
from affineur.core.permissions import Kind, Role

from . import emails, outbox
from .outbox import Letter
from .schema import account, device, project, release, role, session


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a role on a project.

    ``granted_by`` is None where the index itself gave it, or whoever did is gone; ``last_act_at`` is the last use of
    the role, ``seen_at`` when they were last signed in: people are told it roughly only
    (`core.people.roles.signed_in`).
    """

    account_id: int
    name: str
    kind: Kind
    role: Role
    granted_at: datetime
    granted_by: str | None
    last_act_at: datetime | None
    seen_at: datetime | None
    accepts_messages: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has: on which project, and how that stands. ``released_at``: its newest release."""

    project_id: int
    project: NormalizedName
    display_name: str
    role: Role
    granted_at: datetime
    version: str | None
    released_at: datetime | None
    publishers_only: bool
    publishers_only_ends_at: datetime | None
    last_act_at: datetime | None


def roles(connection: sa.Connection, project_id: int) -> list[tuple[str, str, datetime]]:
    """Who has which role on a project since when, as ``(account name, role, granted at)``, by name."""
    query = (
        sa.select(account.c.name, role.c.role, role.c.granted_at)
        .join(account, account.c.id == role.c.account_id)
        .where(role.c.project_id == project_id)
        .order_by(account.c.name)
    )
    return [(row.name, row.role, row.granted_at) for row in connection.execute(query)]


def holders(connection: sa.Connection, project_id: int) -> list[Holder]:
    """Everybody with a role on a project: owners first, then by name. Cost: linear in them."""
    giver = account.alias("giver")
    on_device = sa.select(sa.func.max(device.c.seen_at)).where(device.c.account_id == account.c.id)
    in_session = sa.select(sa.func.max(session.c.seen_at)).where(session.c.account_id == account.c.id)
    query = (
        sa.select(
            account.c.id, account.c.name, account.c.kind, role.c.role, role.c.granted_at,
            giver.c.name.label("granted_by"), role.c.last_act_at, account.c.accepts_messages,
            on_device.scalar_subquery().label("on_device"), in_session.scalar_subquery().label("in_session"),
        )
        .join(account, account.c.id == role.c.account_id)
        .outerjoin(giver, giver.c.id == role.c.granted_by)
        .where(role.c.project_id == project_id)
        .order_by(role.c.role.desc(), account.c.name_key)
    )  # fmt: skip
    return [
        Holder(
            row.id,
            row.name,
            row.kind,
            row.role,
            row.granted_at,
            row.granted_by,
            row.last_act_at,
            max((at for at in (row.on_device, row.in_session) if at is not None), default=None),
            row.accepts_messages,
        )
        for row in connection.execute(query)
    ]


def crew(connection: sa.Connection, project_id: int) -> Crew:
    """How many people hold which role. Machines do not count: they decide nothing."""
    query = (
        sa.select(role.c.role, sa.func.count().label("people"))
        .join(account, account.c.id == role.c.account_id)
        .where(role.c.project_id == project_id, account.c.kind == "person")
        .group_by(role.c.role)
    )
    found = {row.role: int(row.people) for row in connection.execute(query)}
    return Crew(found.get("owner", 0), found.get("maintainer", 0))


def held_by(connection: sa.Connection, account_id: int) -> list[Held]:
    """The projects on which an account has a role, by name."""
    other = release.alias()
    newest = sa.select(other.c.id).where(other.c.project_id == project.c.id).correlate(project)
    newest = newest.order_by(other.c.created_at.desc(), other.c.id.desc()).limit(1)
    query = (
        sa.select(
            project.c.id, project.c.name, project.c.display_name, role.c.role, role.c.granted_at, release.c.version,
            release.c.created_at, project.c.publishers_only, project.c.publishers_only_ends_at,
            role.c.last_act_at,
        )
        .join(project, project.c.id == role.c.project_id)
        .outerjoin(release, release.c.id == newest.scalar_subquery())
        .where(role.c.account_id == account_id)
        .order_by(project.c.name)
    )  # fmt: skip
    return [Held(*tuple(row)) for row in connection.execute(query)]


def tell_people(
    connection: sa.Connection,
    project_id: int,
    template: str,
    values: Mapping[str, object],
    now: datetime,
    *,
    roles: Collection[str] = ("owner",),
    but: Collection[int | None] = (),
    everywhere: bool = False,
) -> int:
    """Put a letter to the primary address of everybody with one of ``roles`` into the outbox; how many.

    ``but``: accounts that are told in another way. ``everywhere``: to every verified address of theirs, as for what
    protects the project: a thief who changes it has one mailbox, not all of them. Raises as `outbox.put`.
    """
    query = sa.select(role.c.account_id).where(role.c.project_id == project_id, role.c.role.in_(roles))
    told = [each for each in connection.scalars(query.order_by(role.c.account_id)) if each not in but]
    most = None if everywhere else 1
    letters = [
        Letter(address, template, values, each) for each in told for address in emails.verified(connection, each)[:most]
    ]
    return outbox.put_all(connection, now, letters)


def set_role(
    connection: sa.Connection, project_id: int, account_id: int, granted: str, at: datetime, by: int | None
) -> None:
    """Give an account the role ``granted``, in the place of the one it has; ``by`` is who gave it."""
    take_role(connection, project_id, account_id)
    connection.execute(
        role.insert().values(project_id=project_id, account_id=account_id, role=granted, granted_at=at, granted_by=by)
    )


def take_role(connection: sa.Connection, project_id: int, account_id: int) -> None:
    """Take the role of an account away; nothing happens where it has none."""
    connection.execute(role.delete().where(role.c.project_id == project_id, role.c.account_id == account_id))


def set_limits(
    connection: sa.Connection, project_id: int, file_limit_bytes: int | None, total_limit_bytes: int | None
) -> None:
    """Set a project's own limits; None where the index's own apply."""
    connection.execute(
        project.update()
        .where(project.c.id == project_id)
        .values(file_limit_bytes=file_limit_bytes, total_limit_bytes=total_limit_bytes)
    )


def note_act(connection: sa.Connection, project_id: int, account_id: int | None, at: datetime) -> None:
    """Note that somebody used the role they have on a project; nothing happens where they have none."""
    if account_id is not None:
        connection.execute(
            role.update().where(role.c.project_id == project_id, role.c.account_id == account_id).values(last_act_at=at)
        )
