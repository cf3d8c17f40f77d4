"""Rows of the graph: which project requires which, read and written. One row a requirement, merged by kind.

What does not live here: what the rows are made of (`core.dependents.edges`), when they are made
(`projections.dependents`), and questions that need the whole graph (`shell.dependents`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from affineur.core.dependents.answers import Dependent, Source
from affineur.core.dependents.edges import Edge, Kind, Needs

from .schema import account, edge, file, follower, node, project, release, role

JOURNAL = "dependents"
"""The follower that says how far the journal is in the rows."""
EDGES = "dependents-edges"
"""The follower whose serial grows by one with each transaction that changed the graph: by it arrays know their age."""
_CHUNK = 500
"""Values in one question: SQLite and PostgreSQL both take many more, and gain little by it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A project as the graph knows it; ``source`` is None for a name that others require and nobody has."""

    id: int
    name: str
    source: Source | None
    version: str | None
    dynamic: bool


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a release: where its metadata is."""

    version: str
    wheel: bool
    metadata_sha256: str | None


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """What edges are made of. ``releases`` has ``(version, is yanked)`` of releases with files."""

    name: str
    releases: Sequence[tuple[str, bool]]
    files: Sequence[FileRow]


def position(connection: sa.Connection, name: str = JOURNAL) -> tuple[int, datetime | None]:
    """How far a follower is, and since when; ``(0, None)`` where it has not begun."""
    found = connection.execute(sa.select(follower.c.serial, follower.c.at).where(follower.c.name == name)).one_or_none()
    return (0, None) if found is None else (found.serial, found.at)


def move(connection: sa.Connection, serial: int, now: datetime, name: str = JOURNAL) -> None:
    """Say that the follower is at ``serial``."""
    moved = connection.execute(follower.update().where(follower.c.name == name).values(serial=serial, at=now))
    if not moved.rowcount:
        connection.execute(follower.insert(), {"name": name, "serial": serial, "at": now})


def nodes(connection: sa.Connection, names: Iterable[str]) -> dict[str, Node]:
    """The nodes of ``names``, those that there are."""
    return {
        row.name: Node(row.id, row.name, row.source, row.version, row.dynamic)
        for chunk in _chunks(names)
        for row in connection.execute(_NODE.where(node.c.name.in_(chunk)))
    }


def by_ids(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Node]:
    """The nodes with these ids, those that there are."""
    return {
        row.id: Node(row.id, row.name, row.source, row.version, row.dynamic)
        for chunk in _chunks(ids)
        for row in connection.execute(_NODE.where(node.c.id.in_(chunk)))
    }


def facts(connection: sa.Connection, names: Collection[str]) -> dict[str, ProjectRow | None]:
    """What edges of ``names`` are made of; None: it is not on offer. Names that are no project are left out."""
    known = connection.execute(
        sa.select(project.c.id, project.c.name, project.c.offered).where(project.c.name.in_(list(names)))
    ).all()
    ids = {row.id: row.name for row in known if row.offered}
    columns = (file.c.project_id, release.c.version, file.c.kind, file.c.metadata_sha256, file.c.yanked)
    found: dict[str, tuple[dict[str, bool], list[FileRow]]] = {name: ({}, []) for name in ids.values()}
    for row in connection.execute(
        sa.select(*columns).join(release, release.c.id == file.c.release_id).where(file.c.project_id.in_(list(ids)))
    ):
        releases, files = found[ids[row.project_id]]
        releases[row.version] = releases.get(row.version, True) and row.yanked
        files.append(FileRow(row.version, row.kind == "bdist_wheel", row.metadata_sha256))
    return {
        row.name: ProjectRow(row.name, list(found[row.name][0].items()), found[row.name][1]) if row.offered else None
        for row in known
    }


def release_metadata(connection: sa.Connection, name: str, version: str) -> str:
    """What the release says of itself, as JSON of `core.distributions.metadata.CoreMetadata`."""
    return str(
        connection.scalar(
            sa.select(release.c.core_metadata)
            .join(project, project.c.id == release.c.project_id)
            .where(project.c.name == name, release.c.version == version)
        )
    )


def older(connection: sa.Connection, ids: Iterable[int]) -> dict[int, set[str]]:
    """Of each node, the versions that count though they are not the newest. Where there are none it is left out."""
    found: dict[int, set[str]] = {}
    for chunk in _chunks(ids):
        wanted = sa.select(edge.c.dependent_id, edge.c.version).where(
            edge.c.dependent_id.in_(chunk), edge.c.newest.is_(False)
        )
        for row in connection.execute(wanted.distinct()):
            found.setdefault(row.dependent_id, set()).add(row.version)
    return found


def replace(
    connection: sa.Connection, known: Mapping[str, tuple[Source | None, Needs]], serial: int, now: datetime
) -> int:
    """Make the edges of each project those of its needs; how many rows changed. In the caller's write transaction."""
    targets = {each.target for _, needs in known.values() for each in needs.edges}
    before = nodes(connection, {*known, *targets})
    missing = sorted({*known, *targets} - before.keys())
    ids = {name: found.id for name, found in before.items()} | _add_nodes(connection, missing, serial, now)
    changed, others = 0, False
    for name, (source, needs) in known.items():
        values = (source, needs.version, needs.requirements, needs.dynamic, serial, now)
        said = {f"new_{column}": value for column, value in zip(_LOOKED, values, strict=True)}
        connection.execute(_LOOKED_AT, {"of_id": ids[name], **said})
        changed += _replace_edges(connection, ids[name], {_key(ids, each): each for each in needs.edges})
        was = (before[name].source, before[name].dynamic) if name in before else (None, False)
        others |= was != (source, needs.dynamic)
    if changed or others:
        stamp(connection, now)
    return changed


def stamp(connection: sa.Connection, now: datetime) -> None:
    """Say that edges have changed."""
    move(connection, position(connection, EDGES)[0] + 1, now, EDGES)


def direct(
    connection: sa.Connection,
    target_id: int,
    *,
    kinds: Collection[Kind],
    sources: Collection[Source],
    newest_only: bool,
    owner: str | None = None,
    among: Collection[int] | None = None,
) -> list[tuple[int, Dependent]]:
    """Direct dependents with the ids of their nodes, each once: newest before older, then by kind. In no order.

    ``among``: only these nodes. Cost: linear in the rows of the target, or in ``among``.
    """
    query = (
        sa.select(edge, node.c.name, node.c.source)
        .join(node, node.c.id == edge.c.dependent_id)
        .where(edge.c.target_id == target_id, edge.c.kind.in_([int(kind) for kind in kinds]))
        .where(node.c.source.in_(list(sources)))
    )
    if newest_only:
        query = query.where(edge.c.newest)
    if owner is not None:
        query = query.where(edge.c.dependent_id.in_(owned(owner)))
    best: dict[int, tuple[bool, int, sa.Row[Any]]] = {}
    for part in [None] if among is None else _chunks(among):
        for row in connection.execute(query if part is None else query.where(edge.c.dependent_id.in_(part))):
            rank = (not row.newest, row.kind, row)
            if row.dependent_id not in best or rank[:2] < best[row.dependent_id][:2]:
                best[row.dependent_id] = rank
    return [(row.dependent_id, _dependent(row)) for _, _, row in best.values()]


def owned(owner: str) -> sa.Select[tuple[int]]:
    """The nodes of the projects on which account ``owner`` is an owner, as a question within another."""
    return (
        sa.select(node.c.id)
        .join(project, project.c.name == node.c.name)
        .join(role, role.c.project_id == project.c.id)
        .join(account, account.c.id == role.c.account_id)
        .where(account.c.name == owner, role.c.role == "owner")
    )


def many(connection: sa.Connection, target_id: int | None, most: int) -> bool:
    """Whether the target, or the whole graph where it is None, has more than ``most`` rows. Looks at no more."""
    rows = sa.select(sa.literal(1)).select_from(edge)
    if target_id is not None:
        rows = rows.where(edge.c.target_id == target_id)
    count = connection.scalar(sa.select(sa.func.count()).select_from(rows.limit(most + 1).subquery()))
    return (count or 0) > most


def forward(connection: sa.Connection, ids: Iterable[int], kinds: Collection[Kind]) -> list[tuple[int, int]]:
    """``(dependent, target)`` of every edge of ``ids``, each once."""
    numbers = [int(kind) for kind in kinds]
    return [
        (row.dependent_id, row.target_id)
        for chunk in _chunks(ids)
        for row in connection.execute(
            sa.select(edge.c.dependent_id, edge.c.target_id)
            .where(edge.c.dependent_id.in_(chunk), edge.c.kind.in_(numbers))
            .distinct()
        )
    ]


def between(
    connection: sa.Connection, pairs: Collection[tuple[int, int]], kinds: Collection[Kind]
) -> dict[tuple[int, int], Edge]:
    """The edge of each ``(dependent, target)``: of the newest release first, then the strongest kind."""
    wanted = set(pairs)
    best: dict[tuple[int, int], tuple[bool, int, Edge]] = {}
    for chunk in _chunks({dependent for dependent, _ in wanted}):
        rows = connection.execute(
            sa.select(edge, node.c.name.label("target"))
            .join(node, node.c.id == edge.c.target_id)
            .where(edge.c.dependent_id.in_(chunk), edge.c.kind.in_([int(kind) for kind in kinds]))
        )
        for row in rows:
            pair = (row.dependent_id, row.target_id)
            if pair in wanted and (pair not in best or (not row.newest, row.kind) < best[pair][:2]):
                best[pair] = (not row.newest, row.kind, _edge(row))
    return {pair: found for pair, (_, _, found) in best.items()}


def specifiers(connection: sa.Connection, target_id: int) -> dict[int, str]:
    """Of each direct dependent, by its newest release, the node and the specifier of its strongest kind."""
    query = (
        sa.select(edge.c.dependent_id, edge.c.specifier)
        .where(edge.c.target_id == target_id, edge.c.newest)
        .order_by(edge.c.kind.desc())  # the strongest last, which stays
    )
    return {row.dependent_id: row.specifier for row in connection.execute(query)}


def all_nodes(connection: sa.Connection) -> Iterator[sa.Row[int, str | None, bool]]:
    """``(id, source, dynamic)`` of every node, by id."""
    query = sa.select(node.c.id, node.c.source, node.c.dynamic).order_by(node.c.id)
    return iter(connection.execute(query, execution_options={"yield_per": 50_000}))


def all_names(connection: sa.Connection) -> Iterator[sa.Row[int, str]]:
    """``(id, name)`` of every node, by id."""
    query = sa.select(node.c.id, node.c.name).order_by(node.c.id)
    return iter(connection.execute(query, execution_options={"yield_per": 50_000}))


def all_edges(connection: sa.Connection) -> Iterator[Sequence[sa.Row[int, int, int, bool]]]:
    """``(target_id, dependent_id, kind, newest)`` of every row, by target and dependent, in slices."""
    query = sa.select(edge.c.target_id, edge.c.dependent_id, edge.c.kind, edge.c.newest).order_by(
        edge.c.target_id, edge.c.dependent_id
    )
    return connection.execute(query, execution_options={"yield_per": 50_000}).partitions()


def settled(connection: sa.Connection, youngest: datetime, most_requirements: int) -> Iterator[sa.Row[int, str]]:
    """``(id, name)`` of our projects on offer that were there at ``youngest`` and require at most so many others."""
    query = (
        sa.select(node.c.id, node.c.name)
        .join(project, project.c.name == node.c.name)
        .where(node.c.source == "ours", node.c.requirements <= most_requirements)
        .where(project.c.offered, project.c.created_at <= youngest)
    )
    return iter(connection.execute(query, execution_options={"yield_per": 50_000}))


def owners(connection: sa.Connection) -> Iterator[sa.Row[int, int]]:
    """``(id of a node, id of an account)`` of every owner of a project."""
    query = (
        sa.select(node.c.id, role.c.account_id)
        .join(project, project.c.name == node.c.name)
        .join(role, role.c.project_id == project.c.id)
        .where(role.c.role == "owner")
    )
    return iter(connection.execute(query, execution_options={"yield_per": 50_000}))


def named_ours(connection: sa.Connection) -> list[str]:
    """The names that the graph takes for projects of this index."""
    return list(connection.scalars(sa.select(node.c.name).where(node.c.source == "ours").order_by(node.c.name)))


def with_older(connection: sa.Connection) -> dict[str, set[str]]:
    """Of our projects of which a release counts that is not the newest, those releases."""
    found: dict[str, set[str]] = {}
    query = (
        sa.select(node.c.name, edge.c.version)
        .join(node, node.c.id == edge.c.dependent_id)
        .where(edge.c.newest.is_(False), node.c.source == "ours")
        .distinct()
    )
    for name, version in connection.execute(query):
        found.setdefault(name, set()).add(version)
    return found


def edges_of(connection: sa.Connection, dependent_id: int) -> set[Edge]:
    """The stored edges of one node."""
    rows = connection.execute(
        sa.select(edge, node.c.name.label("target"))
        .join(node, node.c.id == edge.c.target_id)
        .where(edge.c.dependent_id == dependent_id)
    )
    return {_edge(row) for row in rows}


_LOOKED = ("source", "version", "requirements", "dynamic", "serial", "looked_at")
_NODE = sa.select(node.c.id, node.c.name, node.c.source, node.c.version, node.c.dynamic)


_LOOKED_AT = (
    node.update()
    .where(node.c.id == sa.bindparam("of_id"))
    .values({name: sa.bindparam(f"new_{name}") for name in _LOOKED})
)


def _add_nodes(connection: sa.Connection, names: Sequence[str], serial: int, now: datetime) -> dict[str, int]:
    """Nodes for names that have none; their ids."""
    if not names:
        return {}
    empty = {"source": None, "version": None, "requirements": 0, "dynamic": False, "serial": serial, "looked_at": now}
    connection.execute(node.insert(), [{"name": name, **empty} for name in names])
    return {name: found.id for name, found in nodes(connection, names).items()}


def _key(ids: Mapping[str, int], found: Edge) -> tuple[int, str, int]:
    return ids[found.target], found.version, int(found.kind)


def _replace_edges(connection: sa.Connection, dependent_id: int, wanted: dict[tuple[int, str, int], Edge]) -> int:
    stored = {
        (row.target_id, row.version, row.kind): (row.newest, row.specifier, row.condition)
        for row in connection.execute(sa.select(edge).where(edge.c.dependent_id == dependent_id))
    }
    values = {key: (one.newest, one.specifier, one.condition) for key, one in wanted.items()}
    gone = [key for key, said in stored.items() if values.get(key) != said]
    new = [key for key, said in values.items() if stored.get(key) != said]
    if gone:
        connection.execute(
            edge.delete().where(
                edge.c.target_id == sa.bindparam("of_target"),
                edge.c.dependent_id == dependent_id,
                edge.c.version == sa.bindparam("of_version"),
                edge.c.kind == sa.bindparam("of_kind"),
            ),
            [{"of_target": target, "of_version": version, "of_kind": kind} for target, version, kind in gone],
        )
    if new:
        names = ("newest", "specifier", "condition")
        connection.execute(
            edge.insert(),
            [
                {"target_id": target, "dependent_id": dependent_id, "version": version, "kind": kind}
                | dict(zip(names, values[target, version, kind], strict=True))
                for target, version, kind in new
            ],
        )
    return len(gone) + len(new)


def _dependent(row: sa.Row[Any]) -> Dependent:
    return Dependent(row.name, row.version, Kind(row.kind), row.specifier, row.condition, row.source, row.newest)


def _edge(row: sa.Row[Any]) -> Edge:
    return Edge(row.target, row.version, Kind(row.kind), row.newest, row.specifier, row.condition)


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))
