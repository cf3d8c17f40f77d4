"""State: what state a project is in, what whoever asks may do about it, and what its owners should look at.

Nothing is changed here. What does not live here: the acts (`status`, `yank`, `hold`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.decision import Decision
from affineur.core.life import signals as measured
from affineur.core.life.lifecycle import TRANSITIONS, WHOLE, Act, Said
from affineur.core.life.policy import release_window
from affineur.core.life.signals import Signal
from affineur.core.life.standing import Hold, Standing, Window, hold_on
from affineur.core.names import NormalizedName
from affineur.core.versions import order_key
from affineur.shell.index import Index
from affineur.shell.store import releases
from affineur.shell.store import signals as signals_stored
from affineur.shell.store.projects import ProjectRow

from . import permission, transition


@dataclass(frozen=True, slots=True)
class ActNow:
    """An act, and what would be said to it: allowed, or the first objection, with the ways out."""

    act: Act
    decision: Decision


@dataclass(frozen=True, slots=True)
class ReleaseNow:
    """A release: whether it takes new files, until when, what is yanked, and what holds it."""

    version: str
    since: datetime
    window: Window
    closes_at: datetime | None
    files: int
    yanked: int
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class State:
    """A project, its releases (newest first), and every act there is on the whole of it."""

    project: ProjectRow
    releases: tuple[ReleaseNow, ...]
    acts: tuple[ActNow, ...]


def state_of(index: Index, actor: Actor, project: NormalizedName, now: datetime) -> State:
    """The state of ``project``, and what ``actor`` may do; `Refused` where there is no such project.

    Whoever may read it may ask. An act that would wait (``lifecycle.unarchive-waits``) is shown with that objection:
    asking for it begins the wait.
    """
    with index.store.read() as connection:
        found = permission.require(connection, actor, "read", project, now)
        return State(found, _releases(index, connection, found, now), tuple(_acts(connection, actor, found, now)))


def signals_of(index: Index, actor: Actor, project: NormalizedName, now: datetime) -> list[Signal]:
    """What the owners of ``project`` should look at; `Refused` for others but those with an office here."""
    with index.store.read() as connection:
        found = permission.require(connection, actor, "see-signals", project, now)
        return measured.signals(signals_stored.facts(connection, found), now)


def _acts(connection: sa.Connection, actor: Actor, found: ProjectRow, now: datetime) -> Iterator[ActNow]:
    for act in TRANSITIONS:
        said = _as_it_is(act, found.standing)
        yield ActNow(act, transition.verdict(connection, actor, act, found, now, WHOLE, said))


def _as_it_is(act: Act, standing: Standing) -> Said:
    """Something that the act can lead to: whether it may be done does not hang on which."""
    if act == "wish":
        return Said(value=standing.wish)
    return Said(value=standing.impact or "C1") if act == "reclassify" else Said()


def _releases(index: Index, connection: sa.Connection, found: ProjectRow, now: datetime) -> tuple[ReleaseNow, ...]:
    days = index.settings.release_window_days
    lasts = timedelta(days=days) if days else None
    rows = sorted(
        releases.of_project(connection, found.id), key=lambda row: (order_key(row.version), row.version), reverse=True
    )
    return tuple(
        ReleaseNow(
            row.version,
            row.created_at,
            release_window(row.created_at, lasts, now),
            row.created_at + lasts if lasts else None,
            row.files,
            row.yanked,
            hold_on(found.standing, row.version),
        )
        for row in rows
    )
