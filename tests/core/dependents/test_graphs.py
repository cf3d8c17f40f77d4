"""Chains, cuts and reach held against brute force, on small graphs of every shape."""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from affineur.core.dependents.chains import FARTHER, MOST_COUNTED, levels, shortest
from affineur.core.dependents.cutting import bridges
from affineur.core.dependents.reach import transitive

Edges = set[tuple[int, int]]
"""``(dependent, what it requires)``."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges]:
    size = draw(st.integers(1, 9))
    node = st.integers(0, size - 1)
    edges = draw(st.sets(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), max_size=24))
    return size, edges


def reaching(edges: Iterable[tuple[int, int]], target: int) -> set[int]:
    """Everything that reaches ``target``, which is not among it."""
    met, waiting = {target}, [target]
    while waiting:
        node = waiting.pop()
        for tail, head in edges:
            if head == node and tail not in met:
                met.add(tail)
                waiting.append(tail)
    return met - {target}


def ways(edges: Edges, root: int, target: int) -> list[tuple[int, ...]]:
    """All shortest ways, by walking every way."""
    found, level = [], [(root,)]
    while level and not found:
        found = [way for way in level if way[-1] == target]
        level = [(*way, head) for way in level for tail, head in edges if tail == way[-1] and head not in way]
    return sorted(found)


def arrays(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def matrix(size: int, edges: Edges) -> csr_array:
    tails, heads = arrays(edges)
    return csr_array((np.ones(len(tails)), (tails, heads)), shape=(size, size))


@given(graphs(), st.data())
@settings(max_examples=150, deadline=None)
def test_all_shortest_chains_are_found_and_those_not_told_are_counted(
    graph: tuple[int, Edges], data: st.DataObject
) -> None:
    size, edges = graph
    target = data.draw(st.integers(0, size - 1))
    roots = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=4))
    most = data.draw(st.integers(0, 5))
    found = shortest(*arrays(edges), target, roots, most)
    every = [way for root in roots if root != target for way in ways(edges, root, target)]
    assert len(found.chains) == min(most, len(every))
    assert found.more == len(every) - len(found.chains)
    assert set(found.chains) <= set(every)
    assert [len(chain) for chain in found.chains] == sorted(map(len, every))[: len(found.chains)]
    assert set(found.lost) == {root for root in roots if root != target and not ways(edges, root, target)}


def test_more_chains_than_could_be_walked_are_counted() -> None:
    def layers(many: int) -> Edges:
        both = range(3)
        return {(3 * layer + one, 3 * layer + 3 + other) for layer in range(many) for one in both for other in both}

    found = shortest(*arrays(layers(20)), 60, [0], 7)
    assert (len(found.chains), found.more) == (7, 3**19 - 7)
    found = shortest(*arrays(layers(60)), 180, [0, 1], 7)
    assert (len(found.chains), found.more) == (7, MOST_COUNTED - 7)
    assert len(msgspec.json.encode(found.more)) == 15


@given(graphs(), st.data())
@settings(max_examples=100, deadline=None)
def test_levels_are_the_fewest_steps(graph: tuple[int, Edges], data: st.DataObject) -> None:
    size, edges = graph
    start = data.draw(st.integers(0, size - 1))
    found = levels(matrix(size, edges), start)
    expected = [len(ways(edges, start, node)[0]) - 1 if ways(edges, start, node) else FARTHER for node in range(size)]
    assert found.tolist() == expected


@given(graphs(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_cut_removes_exactly_what_no_longer_reaches_the_target(graph: tuple[int, Edges], data: st.DataObject) -> None:
    size, edges = graph
    target = data.draw(st.integers(0, size - 1))
    marked = data.draw(st.sets(st.integers(0, size - 1)))
    marks = np.isin(np.arange(size), list(marked))
    tails, heads = arrays(edges)
    found = bridges(heads, tails, size, target, marks)  # seen from the target, edges are turned round
    told = {
        (int(dependent), int(required)): (int(removed), int(freed))
        for dependent, required, removed, freed in zip(*found[:4], strict=True)
    }
    expected = {}
    for edge in edges:
        lost = reaching(edges, target) - reaching(edges - {edge}, target)
        if lost:
            expected[edge] = (len(lost), len(lost & marked))
            assert set(found.tree.below(edge[0]).tolist()) == lost
    assert told == expected


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_reach_of_a_small_graph_is_exact(graph: tuple[int, Edges]) -> None:
    size, edges = graph
    found = transitive(matrix(size, edges))
    assert found.dependents.tolist() == [len(reaching(edges, node)) for node in range(size)]
    assert found.exact.all()


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_estimates_of_a_tiny_graph_are_right_and_exact_where_they_say_so(graph: tuple[int, Edges]) -> None:
    size, edges = graph
    found = transitive(matrix(size, edges), exact_nodes=0)
    truth = np.array([len(reaching(edges, node)) for node in range(size)])
    assert (np.abs(found.dependents - truth) <= 1).all()
    assert (found.dependents == truth)[found.exact].all()


def invented(size: int, seed: int, *, circles: bool) -> csr_array:
    """A graph in which few projects are required by many."""
    dice = random.Random(seed)
    edges = set()
    for tail in range(size):
        for _ in range(dice.randrange(5)):
            head = int(size * dice.random() ** 3)
            if head != tail and (circles or head < tail):
                edges.add((tail, head))
    return matrix(size, edges)


def test_estimates_are_within_the_stated_error() -> None:
    for seed, circles in ((1, False), (2, True), (3, False)):
        graph = invented(4_000, seed, circles=circles)
        truth, found = transitive(graph), transitive(graph, exact_nodes=0)
        large = truth.dependents >= 20
        assert large.any()
        off = np.abs(found.dependents - truth.dependents)[large] / truth.dependents[large]
        assert off.max() <= 0.05
        assert (found.dependents == truth.dependents)[found.exact].all()


def test_the_same_graph_gives_the_same_estimates() -> None:
    graph = invented(1_000, 5, circles=True)
    first, second = transitive(graph, exact_nodes=0), transitive(graph, exact_nodes=0)
    assert (first.dependents == second.dependents).all()


def test_a_graph_of_nothing_has_no_reach() -> None:
    assert transitive(csr_array((0, 0))).dependents.tolist() == []
