"""Ways through the graph: why something is pulled in, and which requirement to replace.

What does not live here: counting and listing dependents (`questions`), and the algorithms (`core.dependents`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import sqlalchemy as sa

from affineur.core.dependents.answers import FOLLOWED, Chain, Cut, Cuts, Step, Why
from affineur.core.dependents.edges import Edge, Kind
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows

from . import snapshot

if TYPE_CHECKING:
    import numpy as np

MOST_CHAINS = 100
"""Chains that are told; the others are counted."""
_MOST_NODES = 1_500
"""What roots require is read from the rows up to so many projects, beyond that from the arrays."""


def why(index: Index, target: str, roots: Sequence[str], *, kinds: Collection[Kind] = FOLLOWED) -> Why:
    """All shortest chains from each of ``roots`` to ``target``; at most `MOST_CHAINS` of them are told."""
    from affineur.core.dependents.chains import shortest

    with index.store.read() as connection:
        known = rows.nodes(connection, {target, *roots})
        absent = tuple(root for root in dict.fromkeys(roots) if root not in known)
        starts = [known[root] for root in dict.fromkeys(roots) if root in known]
        dynamic = tuple(start.name for start in starts if start.dynamic)
        basis = snapshot.basis(connection)
        if target not in known:
            lost = tuple(start.name for start in starts)
            return Why(target, (), 0, lost, absent, dynamic, basis)
        goal, graph = known[target].id, None
        edges = _edges_from_rows(connection, [start.id for start in starts], goal, kinds)
        if edges is None:
            graph = snapshot.current(index)
            edges = _edges_from_arrays(graph, [start.id for start in starts], kinds)
            basis = snapshot.basis(connection, graph)
        found = shortest(*edges, goal, [start.id for start in starts], MOST_CHAINS)
        chains = _told(connection, found.chains, kinds)
    names = {start.id: start.name for start in starts}
    lost = tuple(names[root] for root in found.lost)
    return Why(target, chains, found.more + len(found.chains) - len(chains), lost, absent, dynamic, basis)


def cut(
    index: Index,
    target: str,
    roots: Sequence[str] | None = None,
    *,
    kinds: Collection[Kind] = FOLLOWED,
    limit: int = 20,
) -> Cuts:
    """Which single requirement, if replaced, removes most of the reach of ``target``, at most ``limit`` of them.

    ``roots``: only what lies between them and the target counts; None: every dependent.
    """
    import numpy as np

    from affineur.core.dependents.cutting import bridges

    graph = snapshot.current(index)
    with index.store.read() as connection:
        known = rows.nodes(connection, {target, *(roots or ())})
        basis = snapshot.basis(connection, graph)
        goals = graph.numbers([known[target].id] if target in known else [])
        starts = graph.numbers([known[root].id for root in dict.fromkeys(roots or ()) if root in known])
        if not len(goals):
            return Cuts(target, (), 0, 0, basis)
        goal = int(goals[0])
        nodes, tails, heads = _part(graph, goal, None if roots is None else starts, kinds)
        marks = np.isin(nodes, starts[starts != goal])
        found = bridges(tails, heads, len(nodes), int(np.searchsorted(nodes, goal)), marks)
        best = np.lexsort((found.dependents, -found.removed, -found.marked))[:limit]
        chosen = found.dependents[best], found.targets[best], found.removed[best]
        below = [found.tree.below(int(end)) for end in chosen[0]]
        freed = [inside[marks[inside]] for inside in below]
        ids = graph.ids[nodes]
        needed = {int(ids[place]) for places in (*chosen[:2], *freed) for place in places}
        named = {number: one.name for number, one in rows.by_ids(connection, needed).items()}
    reach = len(nodes) - 1
    cuts = [
        Cut(named[int(ids[dependent])], named[int(ids[required])], int(removed), int(removed) / reach,
            tuple(sorted(named[int(ids[root])] for root in some)))
        for dependent, required, removed, some in zip(*chosen, freed, strict=True)
        if int(ids[dependent]) in named and int(ids[required]) in named
    ]  # fmt: skip
    return Cuts(target, tuple(cuts), reach, int(marks.sum()), basis)


def _edges_from_rows(
    connection: sa.Connection, roots: Sequence[int], goal: int, kinds: Collection[Kind]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Edges of all that roots require, level by level; None where that is too much.

    From a single root nothing is read beyond the level on which the goal is found: no shortest chain leads there.
    """
    import numpy as np

    seen, fresh = set(roots), list(dict.fromkeys(roots))
    edges: list[tuple[int, int]] = []
    while fresh:
        if len(seen) > _MOST_NODES:
            return None
        level = rows.forward(connection, [node for node in fresh if node != goal], kinds)
        edges += level
        fresh = list({head for _, head in level} - seen)
        seen.update(fresh)
        if len(roots) == 1 and goal in seen:
            break
    pairs = np.array(edges, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _edges_from_arrays(
    graph: snapshot.Graph, roots: Sequence[int], kinds: Collection[Kind]
) -> tuple[np.ndarray, np.ndarray]:
    """Edges of all that roots require, by the ids of nodes."""
    import numpy as np

    tails, heads = _edges_within(graph.matrix(kinds, forward=True), _closure(graph, graph.numbers(roots), kinds))
    return graph.ids[tails].astype(np.int64), graph.ids[heads].astype(np.int64)


def _closure(graph: snapshot.Graph, starts: np.ndarray, kinds: Collection[Kind]) -> np.ndarray:
    """The numbers of all that ``starts`` require, themselves included, ascending."""
    import numpy as np
    from scipy.sparse.csgraph import breadth_first_order

    matrix = graph.matrix(kinds, forward=True)
    reached = np.zeros(graph.size, bool)
    for start in starts.tolist():
        if not reached[start]:
            reached[breadth_first_order(matrix, start, directed=True, return_predecessors=False)] = True
    return np.flatnonzero(reached)


def _edges_within(matrix: object, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges that begin at one of ``nodes``, as numbers of nodes."""
    import numpy as np

    part = matrix[nodes]  # type: ignore[index]
    return np.repeat(nodes, np.diff(part.indptr)), part.indices


def _part(
    graph: snapshot.Graph, goal: int, starts: np.ndarray | None, kinds: Collection[Kind]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes between ``starts`` (None: all dependents) and the goal, and the edges between them from each node to its
    dependents, by places among these nodes."""
    import numpy as np
    from scipy.sparse.csgraph import breadth_first_order

    back = graph.matrix(kinds, forward=False)
    nodes = np.sort(breadth_first_order(back, goal, directed=True, return_predecessors=False))
    if starts is not None:
        nodes = np.union1d(np.intersect1d(nodes, _closure(graph, starts, kinds), assume_unique=True), [goal])
    tails, heads = _edges_within(back, nodes)
    place = np.full(graph.size, -1, np.int32)
    place[nodes] = np.arange(len(nodes), dtype=np.int32)
    inside = place[heads] >= 0
    return nodes, place[tails[inside]], place[heads[inside]]


def _told(connection: sa.Connection, chains: Sequence[tuple[int, ...]], kinds: Collection[Kind]) -> tuple[Chain, ...]:
    """Chains in words; those with an edge that is gone meanwhile are left out."""
    pairs = {pair for chain in chains for pair in pairwise(chain)}
    edges = rows.between(connection, pairs, kinds)
    names = {number: found.name for number, found in rows.by_ids(connection, {tail for tail, _ in pairs}).items()}
    return tuple(
        Chain(tuple(_step(names, edges, *pair) for pair in pairwise(chain)))
        for chain in chains
        if all(pair in edges for pair in pairwise(chain))
    )


def _step(names: Mapping[int, str], edges: Mapping[tuple[int, int], Edge], tail: int, head: int) -> Step:
    edge = edges[tail, head]
    lines = [
        edge.target + specifier + (f"; {condition}" if condition else "")
        for specifier, condition in zip(edge.specifier.split("\n"), edge.condition.split("\n"), strict=True)
    ]
    return Step(names[tail], edge.version, edge.target, edge.kind, "\n".join(lines))
