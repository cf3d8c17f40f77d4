"""Pending publishers: of projects that do not exist yet, which their first token makes. The name is not reserved.

What does not live here: that first token (`exchange`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core import publishers as rules
from affineur.core.access import Resource, may
from affineur.core.decision import refuse
from affineur.core.names import parse_name
from affineur.core.people import throttle
from affineur.core.publishers.publisher import MOST_PENDING, PENDING_LASTS
from affineur.core.security import Caller, Happened, console
from affineur.shell.index import Index
from affineur.shell.store import attempts, emails, projects, publishers, security
from affineur.shell.store.publishers import Pending

from . import naming

LIVES = PENDING_LASTS
REMINDED_BEFORE = timedelta(days=5)
MOST = MOST_PENDING


def add_pending(
    index: Index, by: Caller, project: str, kind: str, issuer: str, fields: Mapping[str, object]
) -> Pending:
    """Let a publisher make the project of that name, for the actor, who will own it.

    `Refused` where the actor may not (``access.…``, ``factor.first``), for an unfit name (``name.…``), a project that
    exists (``publisher.project-exists``), a publisher that is none, one that is pending already
    (``publisher.pending-there``), more than `MOST` (``publisher.pending-most``), or too many a day (``throttle.…``).
    """
    name = parse_name(project.strip())
    described = rules.parse(kind, issuer, fields, rules.admitted_by(index.settings.publisher_issuers))
    actor = by.actor
    may(actor, "reserve", Resource(account_id=actor.account_id), by.now).require()
    if actor.account_id is None:
        refuse("publisher.pending-account", "A pending publisher belongs to an account.", "Sign in with one.")
    counters = attempts.limits(throttle.PENDING_PUBLISHER, "account", str(actor.account_id))
    attempts.take(index.store, counters, by.now).require()
    with index.store.write() as connection:
        if projects.find(connection, name) is not None:
            refuse(
                "publisher.project-exists",
                f"There is a project '{name}' already.",
                "If it is yours, add the publisher to it; otherwise choose another name.",
            )
        new = Resource(name, exists=False, new_projects=index.settings.new_projects)
        may(actor, "create", new, by.now).require()
        naming.new_name(index, connection, name).require()
        mine = publishers.pending_of(connection, actor.account_id, by.now)
        if len(mine) >= MOST:
            refuse(
                "publisher.pending-most",
                f"You have {len(mine)} pending publishers, and {MOST} is the most.",
                "Publish with one of them, or withdraw one.",
                limit=MOST,
            )
        for gone in publishers.expired_pending(connection, by.now):  # the same one may be added anew
            publishers.remove_pending(connection, gone.id)
        if publishers.is_pending(connection, described, name, by.now):
            refuse(
                "publisher.pending-there",
                f"This publisher is pending for project '{name}' already.",
                "Publish from its job, and the project is made.",
            )
        ends = by.now + LIVES
        key = publishers.add_pending(connection, described, project.strip(), actor.account_id, by.now, ends)
        facts = {"publisher": rules.display(described), "id": key}
        security.append(
            connection, by, Happened("PendingPublisherAdded", actor.account_id, actor.name, name, facts=facts)
        )
    return Pending(key, actor.account_id, actor.name, project.strip(), described, by.now, ends)


def remove_pending(index: Index, by: Caller, pending_id: str) -> Pending:
    """Withdraw a pending publisher of the actor's; `Refused` (``publisher.exists``) where there is none of that id.

    It takes nobody's protection away, so it asks for no proof.
    """
    with index.store.write() as connection:
        found = [
            each
            for each in publishers.pending_of(connection, by.actor.account_id or 0, by.now)
            if each.id == pending_id
        ]
        if not found:
            refuse(
                "publisher.exists",
                f"You have no pending publisher {pending_id[:40]!a}.",
                "Your page of trusted publishing lists them.",
            )
        may(by.actor, "manage-account", Resource(account_id=found[0].account_id), by.now).require()
        publishers.remove_pending(connection, pending_id)
        _log_removed(connection, by, found[0])
    return found[0]


def pending_of(index: Index, by: Caller) -> list[Pending]:
    """What the actor has pending: nobody else is shown it. `Refused` where a token may not read."""
    may(by.actor, "see-account", Resource(account_id=by.actor.account_id), by.now).require()
    with index.store.read() as connection:
        return publishers.pending_of(connection, by.actor.account_id or 0, by.now)


def settle_pending(index: Index, now: datetime) -> int:
    """Forget pending publishers whose time is over, and remind of those that end soon; how many. A chore."""
    soon = now + REMINDED_BEFORE
    with index.store.read() as connection:
        if not publishers.expired_pending(connection, now) and not publishers.to_remind(connection, now, soon):
            return 0
    with index.store.write() as connection:
        gone = publishers.expired_pending(connection, now)
        for each in gone:
            publishers.remove_pending(connection, each.id)
            _log_removed(connection, console(now), each)
        reminded = publishers.to_remind(connection, now, soon)
        for each in reminded:
            values = {
                "project": each.display_name,
                "publisher": rules.display(each.publisher),
                "expires_at": each.expires_at,
            }
            emails.tell(connection, each.account_id, "pending-publisher-expiring", values, now)
        publishers.mark_reminded(connection, [each.id for each in reminded], now)
    return len(gone) + len(reminded)


def _log_removed(connection: sa.Connection, by: Caller, gone: Pending) -> None:
    facts = {"publisher": rules.display(gone.publisher), "id": gone.id}
    happened = Happened("PendingPublisherRemoved", gone.account_id, gone.account, gone.project, facts=facts)
    security.append(connection, by, happened)
