"""The standing of every project, read in one go and in order of name, whatever their number.

Projects, holds and yanks are three questions whose answers are laid side by side as they come: memory stays small, and
nothing is asked project by project. What does not live here: what is told of them (`core.views.bulk_statuses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from affineur.core.views.bulk_statuses import Known, YankedRelease

from . import holds
from .schema import file, hold, project, release

_AT_ONCE = 2_000
"""Rows that are fetched at a time."""
_ABOUT = (project.c.name, project.c.created_at, project.c.serial, project.c.changed_at)


def every(connection: sa.Connection) -> Iterator[Known]:
    """Every project by name, byte by byte. One state: that of the caller's transaction.

    Cost: linear in projects, holds in force and releases with yanked files.
    """
    # On SQLite the unique index has the names in this order: nothing is sorted, which it would do in memory.
    name = sa.collate(project.c.name, "C") if connection.dialect.name == "postgresql" else project.c.name
    held = _Beside(_streamed(connection, _held(name)))
    yanked = _Beside(_streamed(connection, _yanked(name)))
    for found in _streamed(connection, sa.select(*_ABOUT, *holds.STANDING).order_by(name)):
        name_of, created_at, serial, changed_at = found[: len(_ABOUT)]
        yanks = yanked.of(name_of)
        yield Known(
            name_of,
            created_at,
            serial,
            changed_at,
            holds.standing(found[len(_ABOUT) :], [one[1:] for one in held.of(name_of)]),
            tuple(YankedRelease(version, reason, code) for _, version, left, _, reason, code in yanks if not left),
            sum(count for _, _, _, count, _, _ in yanks),
        )


class _Beside:
    """Rows sorted by their first value, handed out by that value to one who asks in the same order."""

    def __init__(self, rows: Iterator[Sequence[Any]]) -> None:
        self._rows = rows
        self._next: Sequence[Any] | None = next(rows, None)

    def of(self, key: str) -> list[Sequence[Any]]:
        """The rows of ``key``; none come twice."""
        found = []
        while self._next is not None and self._next[0] == key:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    rows: Iterable[sa.Row[Any]] = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
    return (tuple(row) for row in rows)


def _held(name: sa.ColumnElement[str]) -> sa.Select[Any]:
    query = sa.select(project.c.name, *holds.HOLD).join_from(hold, project, holds.IN_FORCE)
    return query.order_by(name, hold.c.id)


def _yanked(name: sa.ColumnElement[str]) -> sa.Select[Any]:
    """Name, version, files that are left, files that are yanked, reason, code: of each release with a yanked file."""
    some = sa.select(file.c.release_id).where(file.c.yanked)
    gone = sa.func.sum(sa.case((file.c.yanked, 1), else_=0))
    return (
        sa.select(
            project.c.name,
            release.c.version,
            sa.func.count() - gone,
            gone,
            sa.func.min(file.c.yanked_reason),
            sa.func.min(file.c.yanked_code),
        )
        .select_from(release)
        .join(file, file.c.release_id == release.c.id)
        .join(project, project.c.id == release.c.project_id)
        .where(release.c.id.in_(some))
        .group_by(project.c.name, release.c.id, release.c.version)
        .order_by(name, release.c.id)
    )
