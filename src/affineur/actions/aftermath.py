"""Aftermath: what follows from an act on a project's standing, in its own transaction. Not an act itself.

Letters to the other owners, publishers that have to be confirmed, an unarchiving that waits. One place for pages,
API, command line and chores: whoever changes a standing cannot forget to tell. What every act leaves in journal and
log is `transition`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa

from affineur.core.life.guards import UNARCHIVE_WAITS
from affineur.core.life.lifecycle import TRANSITIONS, Act
from affineur.core.life.standing import project_status
from affineur.core.publishers import display
from affineur.core.security import Caller, Happened
from affineur.shell.store import (
    bystanders,
    emails,
    grants,
    outbox,
    projects,
    publishers,
    reading,
    replacements,
    security,
    tokens,
    unarchiving,
)
from affineur.shell.store.outbox import Letter
from affineur.shell.store.projects import ProjectRow

from .transition import Moved

_DONE: Mapping[Act, str] = MappingProxyType(
    {
        "archive": "archived",
        "unarchive": "unarchived",
        "finish": "finished",
        "resume": "resumed",
        "deprecate": "deprecated",
        "undeprecate": "no longer deprecated",
        "wish": "its owners' wish was changed",
        "reclassify": "its class of impact was changed",
    }
)
_EVERYWHERE: frozenset[Act] = frozenset({"archive", "unarchive", "deprecate"})
"""What a thief of an account would do quietly: told to every address of every other owner."""
_NOT_AGAIN_WITHIN = timedelta(days=180)
"""After a deprecation was taken back, owners of dependents are not told of the next one for so long."""
_MOST_NAMED = 20
"""Projects of the reader's that a letter names."""


def settle(connection: sa.Connection, by: Caller, act: Act, moved: Moved) -> None:
    """What follows from ``act`` (none of `lifecycle.HOLDING`), which led to ``moved``."""
    found = moved.project
    if found.unarchives_at is not None and act == "archive":
        call_off(connection, by, found)
    if not moved.changed:
        return
    _tell_owners(connection, by, act, found)
    if act == "unarchive":
        unarchiving.forget(connection, found.id)
        _ask_to_confirm(connection, by, found)
    if act == "deprecate":
        _tell_replacements(connection, by, moved)
        if moved.before.advice != "deprecated":
            _tell_dependents(connection, by, found)


def ask_to_unarchive(connection: sa.Connection, by: Caller, found: ProjectRow) -> datetime:
    """Note that ``by`` asked to unarchive a widely used project; when it takes effect. Owners get a letter.

    Asked for twice, the first time counts.
    """
    if found.unarchives_at is not None:
        return found.unarchives_at
    due_at = by.now + UNARCHIVE_WAITS
    unarchiving.ask(connection, found.id, by.actor.account_id, due_at)
    grants.note_act(connection, found.id, by.actor.account_id, by.now)
    _log(connection, by, "UnarchiveAsked", found, due_at=due_at.isoformat())
    values = {
        "project": found.display_name,
        "by": by.actor.name or None,
        "due_at": due_at,
        "page": f"account/projects/{found.name}/unarchiving",
    }
    grants.tell_people(connection, found.id, "unarchive-asked", values, by.now, everywhere=True)
    return due_at


def call_off(connection: sa.Connection, by: Caller, found: ProjectRow, why: str | None = None) -> None:
    """End an unarchiving that waits, undone; owners get a letter. ``why``: where no owner said so."""
    unarchiving.forget(connection, found.id)
    grants.note_act(connection, found.id, by.actor.account_id, by.now)
    _log(connection, by, "UnarchiveCancelled", found, **({"reason": why} if why else {}))
    values = {"project": found.display_name, "by": by.actor.name or None, "why": why, "at": by.now}
    grants.tell_people(connection, found.id, "unarchive-cancelled", values, by.now, everywhere=True)


def _tell_owners(connection: sa.Connection, by: Caller, act: Act, found: ProjectRow) -> None:
    """The letter to all owners but whoever did it."""
    values = {
        "project": found.display_name,
        "what": _DONE[act],
        "means": TRANSITIONS[act].means,
        "reason": project_status(found.standing).reason,
        "by": by.actor.name or None,
        "at": by.now,
        "page": f"project/{found.name}/",
    }
    but = () if by.actor.account_id is None else (by.actor.account_id,)
    everywhere = act in _EVERYWHERE
    grants.tell_people(connection, found.id, "state-changed", values, by.now, but=but, everywhere=everywhere)


def _ask_to_confirm(connection: sa.Connection, by: Caller, found: ProjectRow) -> None:
    """Workflows slept with the project, and whoever holds them now was not asked: an owner says that they are meant."""
    there = publishers.of_project(connection, found.id)
    if not there:
        return
    publishers.ask_to_confirm(connection, found.id)
    live = publishers.live_tokens(connection, found.id, by.now)
    tokens.revoke(connection, live, by.now, "its project was unarchived")
    values = {
        "project": found.display_name,
        "publishers": [display(each.publisher) for each in there],
        "at": by.now,
        "page": f"account/projects/{found.name}/publishing",
    }
    grants.tell_people(connection, found.id, "publishers-to-confirm", values, by.now)


def _tell_replacements(connection: sa.Connection, by: Caller, moved: Moved) -> None:
    """Owners of a project that strangers advise to use learn of it, and again when the advice changes."""
    found = moved.project
    for one in found.standing.replacements:
        if one in moved.before.replacements:
            continue
        named = projects.find(connection, one.name)
        if named is None or not replacements.owners_apart(connection, found.id, named.id):
            continue
        values = {
            "project": named.display_name,
            "instead_of": found.display_name,
            "versions": one.specifier or None,
            "at": by.now,
            "page": f"project/{found.name}/",
        }
        grants.tell_people(connection, named.id, "named-as-replacement", values, by.now)


def _tell_dependents(connection: sa.Connection, by: Caller, found: ProjectRow) -> None:
    """Owners of what requires a project learn that it is deprecated: once, however often that is said and unsaid."""
    unsaid_at = reading.last_time(connection, found.name, "ProjectUndeprecated")
    if unsaid_at is not None and by.now - unsaid_at < _NOT_AGAIN_WITHIN:
        return
    letters = [
        Letter(
            address,
            "dependency-deprecated",
            {
                "project": found.display_name,
                "projects": theirs[:_MOST_NAMED],
                "reason": found.standing.advice_reason,
                "at": by.now,
                "page": f"project/{found.name}/",
            },
            account_id,
        )
        for account_id, theirs in bystanders.owners_of_dependents(connection, found.name).items()
        for address in emails.verified(connection, account_id)[:1]
    ]
    outbox.put_all(connection, by.now, letters)


def _log(connection: sa.Connection, by: Caller, event: str, found: ProjectRow, **facts: object) -> None:
    happened = Happened(event, by.actor.account_id, by.actor.name or None, found.name, facts=facts)
    security.append(connection, by, happened)
