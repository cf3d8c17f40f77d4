"""The people of a project as whoever looks may see them: on the page, through the API, and as a file.

Owners, and offices of the index, see who gave a role and when, when it was last used, and roughly when somebody was
last signed in; who is ready (has a second factor) is for owners only. Maintainers see who is there.
What does not live here: who may look at all (`core.access`), and the rows (`shell.store.grants`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from affineur.actions import permission
from affineur.core import spreadsheet
from affineur.core.access import Actor
from affineur.core.names import NormalizedName
from affineur.core.people import roles
from affineur.core.people.roles import SignedIn
from affineur.core.permissions import Kind, Role
from affineur.shell.store import factors, grants, offers, projects
from affineur.shell.store.offers import Invitation, Proposal
from affineur.shell.store.projects import ProjectRow


class Person(msgspec.Struct, omit_defaults=False):
    """Somebody with a role. What the reader may not see is null."""

    name: str
    kind: Kind
    role: Role
    granted_at: datetime
    granted_by: str | None = None
    last_act_at: datetime | None = None
    last_signed_in: SignedIn | None = None
    second_factor: Literal["ready", "not yet"] | None = None


@dataclass(frozen=True, slots=True)
class ProjectPeople:
    """A project and its people as one reader sees them. ``role``: the reader's own; ``in_full``: as owners see it."""

    project: ProjectRow
    role: str | None
    in_full: bool
    people: tuple[Person, ...]
    invitations: tuple[Invitation, ...]
    proposals: tuple[Proposal, ...]
    settled: tuple[Proposal, ...]


def seen(connection: sa.Connection, actor: Actor, project: NormalizedName, now: datetime) -> ProjectPeople:
    """What ``actor`` sees of a project's people, invitations and proposals; `Refused` without a role or an office.

    Of proposals owners see all, everybody else those about themselves.
    """
    found = permission.require(connection, actor, "see-people", project, now)
    mine = None if actor.account_id is None else projects.role_of(connection, found.id, actor.account_id)
    in_full = mine == "owner" or actor.office is not None
    ready = factors.readiness(connection, found.id) if mine == "owner" else {}
    people = []
    for each in grants.holders(connection, found.id):
        if not in_full:
            people.append(Person(each.name, each.kind, each.role, each.granted_at))
            continue
        there = roles.signed_in(each.seen_at, now) if each.kind == "person" else None
        people.append(
            Person(
                each.name,
                each.kind,
                each.role,
                each.granted_at,
                each.granted_by,
                each.last_act_at,
                there,
                ready.get(each.account_id),
            )
        )
    about = None if in_full else actor.account_id
    return ProjectPeople(
        found,
        mine,
        in_full,
        tuple(people),
        tuple(offers.open_on(connection, found.id, now)) if in_full else (),
        tuple(offers.proposals(connection, found.id, account_id=about)),
        tuple(offers.proposals(connection, found.id, account_id=about, settled=True)[:10]),
    )


def as_csv(people: tuple[Person, ...]) -> bytes:
    """People as CSV with a line of names on top; moments as RFC 3339 has them."""
    names = Person.__struct_fields__
    return spreadsheet.line(names) + b"".join(
        spreadsheet.line(_written(getattr(each, name)) for name in names) for each in people
    )


def as_json(people: tuple[Person, ...]) -> bytes:
    """People as a JSON list."""
    return msgspec.json.encode(people)


def _written(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
