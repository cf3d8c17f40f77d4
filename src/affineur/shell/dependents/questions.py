"""What is asked about dependents. Names are normalised; a name that nobody knows has no dependents, and is no error.

Direct dependents and chains are read from the rows, and are true at once; only what would be too many rows comes from
the arrays of the whole graph (`snapshot`), as does everything about its whole. These are written anew in the
background, and an answer says as of when it holds. A small graph is always read anew.
What does not live here: how edges come to be (`projections.dependents`), cutting and chains (`routes`), reach of all
projects at once (`whole`), and all that is pure (`core.dependents`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from affineur.core.dependents.answers import (
    FOLLOWED,
    KINDS,
    SOURCES,
    Counts,
    Dependent,
    Noticing,
    Reached,
    Source,
)
from affineur.core.dependents.edges import Kind
from affineur.core.dependents.noticing import Effect, effect
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows

from . import installs, snapshot
from .routes import MOST_CHAINS, cut, why
from .whole import Reach, outside, reach_of_all

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MOST_CHAINS", "Reach", "counts", "cut", "direct", "indirect", "noticing", "outside", "reach_of_all", "why"]

MANY_ROWS = 1_000
"""Beyond so many rows of one project its dependents are counted and put in order by the arrays."""


def counts(
    index: Index, name: str, *, sources: Collection[Source] = SOURCES, kinds: Collection[Kind] = KINDS
) -> Counts:
    """How many depend on ``name``, by ``kinds`` and from ``sources``.

    What is indirect follows those of `FOLLOWED` only that are among ``kinds``.
    """
    graph = snapshot.current(index)
    with index.store.read() as connection:
        target = rows.nodes(connection, [name]).get(name)
        basis, unknown = snapshot.basis(connection, graph), graph.unknown(sources)
        if target is None:
            return Counts(dict.fromkeys(kinds, 0), 0, 0, unknown, basis)
        if rows.many(connection, target.id, MANY_ROWS):
            by_kind, older, ids = _counted_by_arrays(graph, target.id, sources, kinds)
        else:
            by_kind, older, ids = _counted_by_rows(connection, target.id, sources, kinds)
    numbers = graph.numbers([target.id])
    followed = [kind for kind in FOLLOWED if kind in set(kinds)]
    indirect = 0
    if len(numbers) and followed:
        indirect = len(graph.of_sources(_farther(graph, int(numbers[0]), followed)[0], sources))
    found = installs.of(index, ids)
    return Counts(by_kind, older, indirect, unknown, basis, None if found is None else int(found.sum()))


def direct(
    index: Index,
    name: str,
    *,
    sources: Collection[Source] = SOURCES,
    kinds: Collection[Kind] = KINDS,
    newest_only: bool = True,
    owner: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Dependent]:
    """Direct dependents, most installed first, then by name; of account ``owner`` only, where one is named.

    Beyond `MANY_ROWS`, equally often installed ones are in the order in which they became known.
    """
    with index.store.read() as connection:
        target = rows.nodes(connection, [name]).get(name)
        if target is None:
            return []
        among = None
        if owner is None and rows.many(connection, target.id, MANY_ROWS):
            among = _page(index, target.id, sources, kinds, newest_only, slice(offset, offset + limit))
            if not among:
                return []
        found = rows.direct(
            connection, target.id, kinds=kinds, sources=sources, newest_only=newest_only, owner=owner, among=among
        )
    known = _with_installs(index, found)
    known.sort(key=lambda one: (-(one.installs or 0), one.name))
    return known if among is not None else known[offset : offset + limit]


def indirect(
    index: Index,
    name: str,
    *,
    sources: Collection[Source] = SOURCES,
    kinds: Collection[Kind] = FOLLOWED,
    owner: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Reached]:
    """Dependents at least two steps away by edges of ``kinds``: nearest first, then most installed."""
    import numpy as np

    graph = snapshot.current(index)
    with index.store.read() as connection:
        target = rows.nodes(connection, [name]).get(name)
        numbers = graph.numbers([] if target is None else [target.id])
        if not len(numbers):
            return []
        found, distances = _farther(graph, int(numbers[0]), kinds)
        kept = np.isin(found, graph.of_sources(found, sources))
        if owner is not None:
            kept &= np.isin(graph.ids[found], list(connection.scalars(rows.owned(owner))))
        found, distances = found[kept], distances[kept]
        ids = graph.ids[found]
        used = installs.of(index, ids)
        order = np.lexsort((ids, np.zeros(len(ids)) if used is None else -used, distances))[offset : offset + limit]
        nodes = rows.by_ids(connection, ids[order].tolist())
    told = []
    for place in order.tolist():
        node = nodes.get(int(ids[place]))
        if node is not None and node.source is not None:
            count = None if used is None else int(used[place])
            told.append(Reached(node.name, int(distances[place]), node.source, count))
    return told


def noticing(index: Index, name: str, version: str, *, limit: int = 1_000) -> Noticing:
    """Who would notice if ``version`` of ``name`` were yanked: direct dependents, by what they would get instead.

    At most ``limit`` of either sort are told. ``version`` is canonical; one that the project does not have serves
    nobody. Cost: linear in the dependents, and in their different specifiers times the project's releases.
    """
    with index.store.read() as connection:
        basis = snapshot.basis(connection)
        target = rows.nodes(connection, [name]).get(name)
        row = rows.facts(connection, [name]).get(name)
        if target is None:
            return Noticing(name, version, (), (), 0, basis)
        releases = [] if row is None else row.releases
        wanted = rows.specifiers(connection, target.id)
        effects = {each: effect(each, version, releases) for each in set(wanted.values())}
        hit = {number: effects[specifier] for number, specifier in wanted.items() if effects[specifier] is not None}
        breaking = _told(
            index, connection, target.id, [number for number in hit if _instead(hit[number]) is None], limit
        )
        moving = _told(index, connection, target.id, [number for number in hit if _instead(hit[number])], limit)
    broken = sum(_instead(one) is None for one in hit.values())
    return Noticing(
        name,
        version,
        tuple(one for _, one in breaking),
        tuple((one, str(_instead(hit[number]))) for number, one in moving),
        len(wanted) - len(hit),
        basis,
        broken - len(breaking),
        len(hit) - broken - len(moving),
    )


def _instead(found: Effect | None) -> str | None:
    return None if found is None else found.instead


def _told(
    index: Index, connection: sa.Connection, target_id: int, ids: Sequence[int], limit: int
) -> list[tuple[int, Dependent]]:
    """Those of ``ids`` that are installed most, as dependents of the target."""
    used = installs.of(index, ids)
    best = ids if used is None else [number for _, number in sorted(zip((-used).tolist(), ids, strict=True))]
    found = rows.direct(connection, target_id, kinds=KINDS, sources=SOURCES, newest_only=True, among=best[:limit])
    known = zip((number for number, _ in found), _with_installs(index, found), strict=True)
    return sorted(known, key=lambda pair: (-(pair[1].installs or 0), pair[1].name))


def _counted_by_rows(
    connection: sa.Connection, target_id: int, sources: Collection[Source], kinds: Collection[Kind]
) -> tuple[Mapping[Kind, int], int, list[int]]:
    found = rows.direct(connection, target_id, kinds=kinds, sources=sources, newest_only=False)
    by_kind = {kind: sum(one.newest and one.kind == kind for _, one in found) for kind in sorted(kinds)}
    return by_kind, sum(not one.newest for _, one in found), [number for number, _ in found]


def _counted_by_arrays(
    graph: snapshot.Graph, target_id: int, sources: Collection[Source], kinds: Collection[Kind]
) -> tuple[Mapping[Kind, int], int, Sequence[int]]:
    numbers = graph.numbers([target_id])
    if not len(numbers):
        return dict.fromkeys(kinds, 0), 0, []
    number, stronger, by_kind = int(numbers[0]), 0, {}
    for count, kind in enumerate(sorted(kinds), 1):
        some = graph.of_sources(graph.dependents(number, sorted(kinds)[:count], newest_only=True), sources)
        by_kind[kind], stronger = len(some) - stronger, len(some)
    every = graph.of_sources(graph.dependents(number, kinds, newest_only=False), sources)
    return by_kind, len(every) - stronger, graph.ids[every]


def _page(
    index: Index,
    target_id: int,
    sources: Collection[Source],
    kinds: Collection[Kind],
    newest_only: bool,
    wanted: slice,
) -> list[int]:
    """The ids of one page of the dependents of a project that has very many."""
    import numpy as np

    graph = snapshot.current(index)
    numbers = graph.numbers([target_id])
    if not len(numbers):
        return []
    found = graph.dependents(int(numbers[0]), kinds, newest_only=newest_only)
    ids = graph.ids[graph.of_sources(found, sources)]
    used = installs.of(index, ids)
    ordered = ids if used is None else ids[np.lexsort((ids, -used))]
    return [int(number) for number in ordered[wanted]]


def _farther(graph: snapshot.Graph, number: int, kinds: Collection[Kind]) -> tuple[np.ndarray, np.ndarray]:
    """Nodes at least two steps before this one, and how many steps."""
    import numpy as np

    from affineur.core.dependents.chains import levels

    away = levels(graph.matrix(kinds, forward=False), number)
    found = np.flatnonzero(away >= 2)
    return found, away[found]


def _with_installs(index: Index, found: Sequence[tuple[int, Dependent]]) -> list[Dependent]:
    used = installs.of(index, [number for number, _ in found])
    if used is None:
        return [one for _, one in found]
    return [replace(one, installs=int(count)) for (_, one), count in zip(found, used, strict=True)]
