"""Chains: all shortest ways from roots to a target, over the edges of the part of the graph that matters.

What does not live here: which edges those are (`shell.dependents`). Nodes are numbers, edges are arrays of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FARTHER = -1
"""The distance of a node from which the target cannot be reached."""
MOST_COUNTED = 10**15
"""Chains are counted up to this: a few hundred projects can have more of them than JSON has numbers for."""


@dataclass(frozen=True, slots=True)
class Shortest:
    """``chains``: nodes from root to target, shortest first; ``more``: how many are not among them, counted
    up to `MOST_COUNTED` in all; ``lost``: roots from which the target cannot be reached."""

    chains: tuple[tuple[int, ...], ...]
    more: int
    lost: tuple[int, ...]


def shortest(tails: np.ndarray, heads: np.ndarray, target: int, roots: Sequence[int], most: int) -> Shortest:
    """All shortest chains from each of ``roots`` to ``target`` along edges ``tails[i]`` → ``heads[i]``; ``most`` told.

    The target itself is no root. Cost: linear in the edges, and in the chains that are told.
    """
    import numpy as np

    nodes = np.unique(np.concatenate((tails, heads, np.array([target, *roots], tails.dtype))))
    far = distances(np.searchsorted(nodes, heads), np.searchsorted(nodes, tails), len(nodes),
                    int(np.searchsorted(nodes, target)))  # fmt: skip
    away = {int(node): int(distance) for node, distance in zip(nodes, far, strict=True) if distance != FARTHER}
    nearer: dict[int, list[int]] = {}
    for tail, head in set(zip(tails.tolist(), heads.tolist(), strict=True)):
        if head in away and away[tail] == away[head] + 1:
            nearer.setdefault(tail, []).append(head)
    for heads_of_one in nearer.values():
        heads_of_one.sort()
    reached = sorted({root for root in roots if root in away and root != target}, key=lambda root: (away[root], root))
    every = min(sum(counts(nearer, target, reached).values()), MOST_COUNTED)
    told = [chain for _, chain in zip(range(most), _walk(nearer, target, reached), strict=False)]
    return Shortest(tuple(told), every - len(told), tuple(root for root in roots if root not in away))


def distances(tails: np.ndarray, heads: np.ndarray, size: int, start: int) -> np.ndarray:
    """Steps from ``start`` to every one of ``size`` nodes along the edges; `FARTHER` for those never reached."""
    import numpy as np
    from scipy.sparse import csr_array

    graph = csr_array((np.ones(len(tails)), (tails, heads)), shape=(size, size))
    return levels(graph, start)


def levels(graph: object, start: int) -> np.ndarray:
    """Steps from ``start`` to every node of a matrix of `scipy.sparse`; `FARTHER` for those never reached.

    Nodes are met in the order of their distance, and so are those they were met from: a level ends where the last
    one's nodes do.
    """
    import numpy as np
    from scipy.sparse.csgraph import breadth_first_order

    order, before = breadth_first_order(graph, start, directed=True, return_predecessors=True)
    place = np.empty(len(before), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    met_from = place[before[order[1:]]]
    found = np.full(len(before), FARTHER, np.int32)
    found[start] = 0
    end, distance = 1, 0
    while end < len(order):
        after = 1 + int(np.searchsorted(met_from, end))
        distance += 1
        found[order[end:after]] = distance
        end = after
    return found


def counts(nearer: Mapping[int, Sequence[int]], target: int, roots: Sequence[int]) -> dict[int, int]:
    """How many ways there are from each root, up to `MOST_COUNTED`; more of them than could ever be walked."""
    ways = {target: 1}
    for root in roots:
        waiting = [root]
        while waiting:
            node = waiting[-1]
            open_ones = [after for after in nearer[node] if after not in ways] if node not in ways else []
            if open_ones:
                waiting += open_ones
                continue
            waiting.pop()
            if node not in ways:
                ways[node] = min(sum(ways[after] for after in nearer[node]), MOST_COUNTED)
    return {root: ways[root] for root in roots}


def _walk(nearer: Mapping[int, Sequence[int]], target: int, roots: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for root in roots:
        waiting: list[tuple[int, ...]] = [(root,)]
        while waiting:
            chain = waiting.pop()
            if chain[-1] == target:
                yield chain
            else:
                waiting += [(*chain, after) for after in reversed(nearer[chain[-1]])]
