"""Cutting: which single edge, if it went away, would take most of a target's reach with it.

Seen from the target, along edges turned round, a node dominates another where no way leads past it. An edge is a
bridge where its far end is dominated by its near one, and every other way into the far end comes through that itself;
then all that the far end dominates is lost with the edge.
Source: dominators as in T. Lengauer, R. E. Tarjan, "A fast algorithm for finding dominators in a flowgraph" (1979).
What does not live here: which part of the graph is looked at (`shell.dependents`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_SLICE = 100_000


class Bridges(NamedTuple):
    """Edges whose going away takes something with it, as arrays of the same length, in no order.

    ``dependents[i]`` requires ``targets[i]``; without that, ``removed[i]`` nodes no longer reach the target, and
    ``marked[i]`` of the marked ones.
    """

    dependents: np.ndarray
    targets: np.ndarray
    removed: np.ndarray
    marked: np.ndarray
    tree: Tree


class Tree(NamedTuple):
    """The tree of dominators: of each node its ``parent`` (of the target and of unreached ones, the node itself).

    A node's whole subtree has the ``place`` from its own on, ``weight`` of them; those never reached have place -1.
    """

    parent: np.ndarray
    place: np.ndarray
    weight: np.ndarray

    def below(self, node: int) -> np.ndarray:
        """The nodes that ``node`` dominates, itself included."""
        import numpy as np

        first = self.place[node]
        return np.flatnonzero((self.place >= first) & (self.place < first + self.weight[node]))


def bridges(tails: np.ndarray, heads: np.ndarray, size: int, target: int, marks: np.ndarray) -> Bridges:
    """The bridges among edges that go from each node to its dependents; ``marks`` says which nodes are marked.

    Nodes are numbered from 0 to ``size``. Cost: nearly linear in the edges.
    """
    import numpy as np

    tree, marked = _tree(_parents(tails, heads, size, target), target, marks)
    inner = (tree.place[heads] >= 0) & (tree.place[tails] >= 0) & (heads != target)
    tails, heads = tails[inner], heads[inner]
    from_parent = tails == tree.parent[heads]
    within = (tree.place[tails] >= tree.place[heads]) & (tree.place[tails] < tree.place[heads] + tree.weight[heads])
    other_way = np.zeros(size, bool)
    other_way[heads[~from_parent & ~within]] = True
    known = np.zeros(size, bool)
    known[heads[from_parent]] = True
    ends = np.flatnonzero(known & ~other_way)
    return Bridges(ends, tree.parent[ends], tree.weight[ends], marked[ends], tree)


def _parents(tails: np.ndarray, heads: np.ndarray, size: int, target: int) -> np.ndarray:
    """The immediate dominator of each node; of the target itself, and -1 for those never reached.

    Most nodes are leaves: no way leads on from them, so they dominate nobody, and the library need not see them. Theirs
    is the nearest node that dominates all that lead to them.
    """
    import numpy as np

    inner = np.zeros(size, bool)
    inner[tails] = inner[target] = True
    nodes, between = np.flatnonzero(inner), inner[heads]
    place = np.cumsum(inner) - 1
    found = _dominators(place[tails[between]], place[heads[between]], len(nodes), int(place[target]))
    parents = np.full(size, -1, np.int64)
    reached = found >= 0
    parents[nodes[reached]] = nodes[found[reached]]
    to_leaf = ~between & (parents[tails] >= 0)
    if to_leaf.any():
        _add_leaves(parents, tails[to_leaf], heads[to_leaf], target)
    return parents


def _dominators(tails: np.ndarray, heads: np.ndarray, size: int, target: int) -> np.ndarray:
    import numpy as np
    import rustworkx

    graph = rustworkx.PyDiGraph(multigraph=True)
    graph.add_nodes_from(range(size))
    for start in range(0, len(tails), _SLICE):  # as Python's numbers they are large, so not all at once
        part = slice(start, start + _SLICE)
        graph.extend_from_edge_list(list(zip(tails[part].tolist(), heads[part].tolist(), strict=True)))
    parents = np.full(size, -1, np.int64)
    for node, parent in rustworkx.immediate_dominators(graph, target).items():
        parents[node] = parent
    parents[target] = target
    return parents


def _add_leaves(parents: np.ndarray, tails: np.ndarray, heads: np.ndarray, target: int) -> None:
    """Give each leaf, the ``heads``, its parent: where the ways up from all its ``tails`` meet."""
    import numpy as np

    depth = _depths(parents, target)
    order = np.argsort(heads, kind="stable")
    tails, heads = tails[order], heads[order]
    leaves, starts, counts = np.unique(heads, return_index=True, return_counts=True)
    meeting = tails[starts].astype(np.int64)
    for number in range(1, int(counts.max())):
        more = np.flatnonzero(counts > number)
        meeting[more] = _meet(meeting[more], tails[starts[more] + number].astype(np.int64), parents, depth)
    parents[leaves] = meeting


def _meet(one: np.ndarray, other: np.ndarray, parents: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The deepest nodes at or above both of each pair."""
    import numpy as np

    one, other = one.copy(), other.copy()
    apart = np.flatnonzero(one != other)
    while len(apart):
        first, second = one[apart], other[apart]
        one[apart] = np.where(depth[first] >= depth[second], parents[first], first)
        other[apart] = np.where(depth[second] >= depth[first], parents[second], second)
        apart = apart[one[apart] != other[apart]]
    return one


def _depths(parents: np.ndarray, target: int) -> np.ndarray:
    """The level of each node in the tree; `chains.FARTHER` for those that are not in it."""
    import numpy as np

    from .chains import distances

    children = np.flatnonzero((parents >= 0) & (np.arange(len(parents)) != target))
    return distances(parents[children], children, len(parents), target)


def _tree(parent: np.ndarray, target: int, marks: np.ndarray) -> tuple[Tree, np.ndarray]:
    """The tree with its places, and how many marked nodes each subtree has."""
    import numpy as np

    from .chains import FARTHER

    size, depth = len(parent), _depths(parent, target)
    reached = np.flatnonzero(depth != FARTHER)
    by_depth = reached[np.lexsort((parent[reached], depth[reached]))]
    borders = np.searchsorted(depth[by_depth], np.arange(int(depth.max()) + 2))
    weight, marked = (depth != FARTHER).astype(np.int64), (marks & (depth != FARTHER)).astype(np.int64)
    for level in range(len(borders) - 2, 0, -1):
        nodes = by_depth[borders[level] : borders[level + 1]]
        np.add.at(weight, parent[nodes], weight[nodes])
        np.add.at(marked, parent[nodes], marked[nodes])
    place = np.full(size, -1, np.int64)
    place[target] = 0
    for level in range(1, len(borders) - 1):
        nodes = by_depth[borders[level] : borders[level + 1]]
        before = np.cumsum(weight[nodes]) - weight[nodes]
        first = np.concatenate(([True], parent[nodes][1:] != parent[nodes][:-1]))
        group = before[np.flatnonzero(first)][np.cumsum(first) - 1]
        place[nodes] = place[parent[nodes]] + 1 + before - group
    return Tree(np.where(parent < 0, np.arange(size), parent), place, weight), marked
