"""Trusted publishers of a project: add one, remove one, confirm one. Removing works at once, for tokens under way too.

What does not live here: publishers of projects that do not exist yet (`pending_publishers`), and what a publisher
does with its identity (`exchange`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from affineur.core import publishers as rules
from affineur.core.access import Actor, actor_class
from affineur.core.decision import refuse
from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people import throttle
from affineur.core.publishers import Publisher
from affineur.core.security import Caller, Happened
from affineur.projections import pages
from affineur.shell.index import Index
from affineur.shell.store import attempts, grants, journal, projects, publishers, security, tokens
from affineur.shell.store.publishers import Registered

from . import permission


@dataclass(frozen=True, slots=True)
class Added:
    """A publisher that may publish from now on."""

    id: str
    project: NormalizedName
    publisher: Publisher


def add_publisher(
    index: Index, by: Caller, project: NormalizedName, kind: str, issuer: str, fields: Mapping[str, object]
) -> Added:
    """Let a publisher publish for ``project``; every owner is told.

    ``fields`` as `core.publishers.fields_of` names them. `Refused` where the actor may not (``access.…``), the
    publisher is none (``publisher.kind``, ``.issuer``, ``.field``), it is registered already (``publisher.there``),
    or there were too many of one account's today (``throttle.pending-publisher``).
    """
    described = rules.parse(kind, issuer, fields, rules.admitted_by(index.settings.publisher_issuers))
    with index.store.read() as connection:  # who may not, uses nothing up
        permission.require(connection, by.actor, "set-publishers", project, by.now)
    count_registration(index, by)
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "set-publishers", project, by.now)
        key = publishers.register(connection, described, found.id, by.actor.account_id, by.now)
        if key is None:
            refuse(
                "publisher.there",
                f"This publisher may publish to project '{project}' already.",
                "Nothing else is needed: publish from its job.",
            )
        _tell(connection, by, found, "PublisherAdded", key, described)
    pages.project(index, project)
    return Added(key, project, described)


def remove_publisher(index: Index, by: Caller, project: NormalizedName, publisher_id: str) -> Registered:
    """Take a publisher off ``project``; tokens it was given for it end now, and every owner is told.

    `Refused` where the actor may not, or the project has no such publisher (``publisher.exists``).
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "set-publishers", project, by.now)
        there = _registered(connection, found, publisher_id)
        publishers.unregister(connection, publisher_id, found.id)
        live = publishers.live_tokens(connection, found.id, by.now)
        tokens.revoke(connection, live, by.now, "its publisher was removed")
        _tell(connection, by, found, "PublisherRemoved", publisher_id, there.publisher)
    pages.project(index, project)
    return there


def confirm_publisher(index: Index, by: Caller, project: NormalizedName, publisher_id: str) -> Registered:
    """Let a publisher of a project that was unarchived publish again; every owner is told.

    One that may publish already is left alone. `Refused` as `remove_publisher`.
    """
    with index.store.write() as connection:
        found = permission.require(connection, by.actor, "set-publishers", project, by.now)
        there = _registered(connection, found, publisher_id)
        if there.unconfirmed:
            publishers.confirm(connection, publisher_id, found.id)
            grants.note_act(connection, found.id, by.actor.account_id, by.now)
            _log_and_write(connection, by, found, "PublisherConfirmed", publisher_id, there.publisher)
    return replace(there, unconfirmed=False)


def publishers_of(index: Index, by: Caller, project: NormalizedName) -> list[Registered]:
    """The publishers of a project, for whoever has a role on it or an office here; `Refused` for others."""
    with index.store.read() as connection:
        found = permission.require(connection, by.actor, "see-people", project, by.now)
        return publishers.of_project(connection, found.id)


def count_registration(index: Index, by: Caller) -> None:
    """Count one registration of the actor's account; `Refused` where there were too many today."""
    if by.actor.account_id is not None:
        counters = attempts.limits(throttle.PENDING_PUBLISHER, "account", str(by.actor.account_id))
        attempts.take(index.store, counters, by.now).require()


_LETTERS = {
    "PublisherAdded": "publisher-added",
    "PublisherRemoved": "publisher-removed",
    "PublisherConfirmed": "publisher-confirmed",
}


def _registered(connection: sa.Connection, found: projects.ProjectRow, publisher_id: str) -> Registered:
    there = [each for each in publishers.of_project(connection, found.id) if each.id == publisher_id]
    if not there:
        refuse(
            "publisher.exists",
            f"Project '{found.name}' has no publisher {publisher_id[:40]!a}.",
            "The list of its publishers shows them.",
        )
    return there[0]


def _tell(
    connection: sa.Connection, by: Caller, found: projects.ProjectRow, event: str, key: str, described: Publisher
) -> None:
    """The journal, the security log and the owners, of one publisher that was added or removed."""
    actor: Actor = by.actor
    # Which job it is may name a person (an e-mail address): the public journal learns the service only.
    kind = {"kind": described.kind}
    added = event == "PublisherAdded"
    told = Event(
        event,
        found.name,
        old={} if added else kind,
        new=kind if added else {},
        rule="set-publishers",
        actor_class=actor_class(actor),
    )
    projects.touch(connection, found.id, journal.append(connection, by.now, [told], actor.name or None), by.now)
    grants.note_act(connection, found.id, actor.account_id, by.now)
    _log_and_write(connection, by, found, event, key, described)


def _log_and_write(
    connection: sa.Connection, by: Caller, found: projects.ProjectRow, event: str, key: str, described: Publisher
) -> None:
    """The security log and the owners."""
    actor = by.actor
    name = rules.display(described)
    happened = Happened(event, actor.account_id, actor.name or None, found.name, facts={"publisher": name, "id": key})
    security.append(connection, by, happened)
    values = {"project": str(found.name), "publisher": name, "by": actor.name or None, "at": by.now}
    grants.tell_people(connection, found.id, _LETTERS[event], values, by.now, everywhere=True)
