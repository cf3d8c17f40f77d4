"""Reach: how many projects depend on each one, over however many steps; of all projects at once.

Nodes that require each other in a circle are one (strong components); what is left is swept once, dependents before
what they require, each passing on the set of those that reach it. In a small graph the sets are exact (bits); in a
large one they are estimated by HyperLogLog registers. Both are swept in slices, so that memory stays bounded.
Sources: P. Flajolet et al., "HyperLogLog" (2007); the estimator is that of O. Ertl, "New cardinality estimation
algorithms for HyperLogLog sketches" (2017), section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array

EXACT_NODES = 30_000
"""Up to so many nodes all sets are counted: they come to n²/8 bytes."""
PRECISION = 12
"""Bits of the number of registers."""
REGISTERS = 1 << PRECISION
STANDARD_ERROR = 1.04 / REGISTERS**0.5
"""Of an estimate, as a share of it (Flajolet 2007): 1.6 %; two of a thousand estimates are more than 5 % off."""
_BITS_AT_ONCE = 4096
_REGISTERS_AT_ONCE = 64
_EDGES_AT_ONCE = 200_000


class Reached(NamedTuple):
    """Transitive dependents of each node, itself left out, and whether the number is exact."""

    dependents: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True)
class Condensed:
    """A graph without circles: ``component`` of each node, and edges between components, level by level.

    Every edge leads from a lower level to a higher one; edges are sorted by the level of their head, then by head;
    level ``n``'s (from 1) are those from ``borders[n - 1]`` to ``borders[n]``.
    """

    component: np.ndarray
    count: int
    tails: np.ndarray
    heads: np.ndarray
    borders: np.ndarray


def transitive(forward: csr_array, exact_nodes: int = EXACT_NODES) -> Reached:
    """Of each node how many others reach it; row by row the matrix says what each one requires.

    Cost: edges × nodes / 8 bytes moved where exact, else edges × `REGISTERS`. The same graph gives the same numbers.
    """
    import numpy as np

    condensed = condense(forward)
    size = forward.shape[0]
    if size <= exact_nodes:
        reached = _exact(condensed, size)
        return Reached(reached[condensed.component] - 1, np.ones(size, bool))
    estimated = np.rint(_estimated(condensed, size)).astype(np.int64)[condensed.component] - 1
    direct, simple = _leaves_only(forward)
    estimated[simple] = direct[simple]
    return Reached(np.maximum(estimated, direct), simple)


def condense(forward: csr_array) -> Condensed:
    """Strong components of the graph, and what is between them."""
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    count, component = connected_components(forward, directed=True, connection="strong")
    tails = np.repeat(component, np.diff(forward.indptr))
    heads = component[forward.indices]
    keys = np.unique(heads[tails != heads].astype(np.int64) * count + tails[tails != heads])
    heads, tails = (keys // max(count, 1)).astype(np.int32), (keys % max(count, 1)).astype(np.int32)
    level = _levels(tails, heads, count)
    order = np.argsort(level[heads], kind="stable")
    tails, heads = tails[order], heads[order]
    borders = np.searchsorted(level[heads], np.arange(1, int(level.max(initial=0)) + 2))
    return Condensed(component, count, tails, heads, borders)


def estimate(zeros: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """Ertl's improved estimate, of how many registers are zero and the sum of 2^-value over all others.

    Registers never fill up here: their values come from hashes of 64 bits.
    """
    import numpy as np

    share = zeros / REGISTERS
    sigma, power, factor = share.copy(), share.copy(), 1.0
    for _ in range(60):  # x + Σ x^(2^k) · 2^(k-1); converges long before
        power = power * power
        sigma += power * factor
        factor *= 2.0
    with np.errstate(divide="ignore"):
        found = (0.5 / np.log(2.0)) * REGISTERS**2 / (powers + REGISTERS * sigma)
    return np.where(zeros == REGISTERS, 0.0, found)


def _levels(tails: np.ndarray, heads: np.ndarray, count: int) -> np.ndarray:
    """The longest way to each component from one that nothing leads to."""
    import numpy as np

    order = np.argsort(tails, kind="stable")
    ends = heads[order]
    starts = np.searchsorted(tails[order], np.arange(count + 1))
    waiting = np.bincount(heads, minlength=count)
    level = np.zeros(count, np.int32)
    ready, depth = np.flatnonzero(waiting == 0), 0
    while len(ready):
        level[ready] = depth
        depth += 1
        met = ends[_ranges(starts[ready], starts[ready + 1])]
        touched, times = np.unique(met, return_counts=True)
        waiting[touched] -= times
        ready = touched[waiting[touched] == 0]
    return level


def _ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The numbers of all ranges, one after the other."""
    import numpy as np

    lengths = ends - starts
    shift = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return shift + np.arange(int(lengths.sum()))


def _sweep(condensed: Condensed, sets: np.ndarray, joined: np.ufunc) -> None:
    """Pass on each component's row to all that it leads to, in place, joined with what is there."""
    for part in _parts(condensed):
        heads = condensed.heads[part]
        first = _firsts(heads)
        passed = joined.reduceat(sets[condensed.tails[part]], first, axis=0)
        sets[heads[first]] = joined(sets[heads[first]], passed)


def _parts(condensed: Condensed) -> Iterator[slice]:
    """Edges of one level after the other, few at once."""
    for begin, end in zip(condensed.borders[:-1].tolist(), condensed.borders[1:].tolist(), strict=True):
        for start in range(begin, end, _EDGES_AT_ONCE):
            yield slice(start, min(start + _EDGES_AT_ONCE, end))


def _firsts(heads: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.flatnonzero(np.concatenate(([True], heads[1:] != heads[:-1])))


def _exact(condensed: Condensed, size: int) -> np.ndarray:
    import numpy as np

    reached = np.zeros(condensed.count, np.int64)
    for start in range(0, size, _BITS_AT_ONCE):
        members = np.arange(start, min(start + _BITS_AT_ONCE, size))
        sets = np.zeros((condensed.count, _BITS_AT_ONCE // 8), np.uint8)
        places = members - start
        bits = np.left_shift(1, places % 8).astype(np.uint8)
        np.bitwise_or.at(sets, (condensed.component[members], places // 8), bits)
        _sweep(condensed, sets, np.bitwise_or)
        reached += np.bitwise_count(sets).sum(axis=1, dtype=np.int64)
    return reached


def _estimated(condensed: Condensed, size: int) -> np.ndarray:
    import numpy as np

    register, value = _hashed(size)
    order = np.argsort(register, kind="stable")
    borders = np.searchsorted(register[order], np.arange(0, REGISTERS + 1, _REGISTERS_AT_ONCE))
    zeros, powers = np.zeros(condensed.count, np.int32), np.zeros(condensed.count, np.float64)
    table = np.ldexp(1.0, -np.arange(66)).astype(np.float32)
    table[0] = 0.0
    for part in range(len(borders) - 1):
        members = order[borders[part] : borders[part + 1]]
        sets = np.zeros((condensed.count, _REGISTERS_AT_ONCE), np.uint8)
        places = register[members] - part * _REGISTERS_AT_ONCE
        np.maximum.at(sets, (condensed.component[members], places), value[members])
        _sweep(condensed, sets, np.maximum)
        for start in range(0, condensed.count, _EDGES_AT_ONCE):
            some = slice(start, start + _EDGES_AT_ONCE)
            zeros[some] += (sets[some] == 0).sum(axis=1, dtype=np.int32)
            powers[some] += table[sets[some]].sum(axis=1, dtype=np.float64)
    return estimate(zeros, powers)


def _hashed(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A register, and a value from 1 on, for each node: from its number, mixed (the finaliser of SplitMix64)."""
    import numpy as np

    with np.errstate(over="ignore"):
        mixed = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    rest = mixed & np.uint64((1 << (64 - PRECISION)) - 1)
    _, exponent = np.frexp(rest.astype(np.float64))
    return (mixed >> np.uint64(64 - PRECISION)).astype(np.int32), (64 - PRECISION + 1 - exponent).astype(np.uint8)


def _leaves_only(forward: csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Direct dependents of each node, and whether nobody depends on any of these: then there are no others."""
    import numpy as np

    size = forward.shape[0]
    direct = np.bincount(forward.indices, minlength=size)
    inner = np.repeat(direct > 0, np.diff(forward.indptr))
    return direct, np.bincount(forward.indices[inner], minlength=size) == 0
