"""The whole graph at once: what impact is judged by.

What does not live here: what follows from these numbers (`core.impact`), and how sets are counted
(`core.dependents.reach`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from affineur.core.dependents.answers import FOLLOWED, Basis
from affineur.core.dependents.edges import Kind
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows

from . import snapshot

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array

_EDGES_AT_ONCE = 500_000


@dataclass(frozen=True)
class Reach:
    """Transitive dependents of every project in the graph, as arrays in the order of ``ids`` (of `node` rows).

    ``exact`` says of each number whether it is counted; the others are estimates with ``standard_error`` (a share).
    """

    ids: np.ndarray
    dependents: np.ndarray
    exact: np.ndarray
    standard_error: float
    basis: Basis

    def by_name(self, index: Index) -> Iterator[tuple[str, int, bool]]:
        """``(name, dependents, exact)`` of every project that is in the database still, in the order of ids."""
        with index.store.read() as connection:
            place = 0
            for number, name in rows.all_names(connection):
                while place < len(self.ids) and self.ids[place] < number:
                    place += 1
                if place < len(self.ids) and self.ids[place] == number:
                    yield name, int(self.dependents[place]), bool(self.exact[place])


def reach_of_all(index: Index, kinds: Collection[Kind] = FOLLOWED) -> Reach:
    """Transitive dependents of every project: exact in small graphs, else estimated. Minutes, and up to 1 GiB."""
    from affineur.core.dependents.reach import STANDARD_ERROR, transitive

    graph = snapshot.current(index)
    found = transitive(graph.matrix(kinds, forward=True))
    error = 0.0 if found.exact.all() else STANDARD_ERROR
    with index.store.read() as connection:
        basis = snapshot.basis(connection, graph)
    return Reach(graph.ids, found.dependents, found.exact, error, basis)


def outside(
    index: Index,
    used: Collection[str],
    now: datetime,
    *,
    least_age_days: int = 30,
    most_requirements: int = 500,
) -> Iterator[tuple[str, int]]:
    """Outside dependents of every project that has any, as ``(name, how many)``.

    Such a dependent is one of ours and on offer, among the names ``used``, at least ``least_age_days`` old at ``now``,
    requires it always in its newest release, lists at most ``most_requirements``, and has no owner in common with it.
    """
    import numpy as np

    graph = snapshot.current(index)
    with index.store.read() as connection:
        fit = _fit(graph, connection, used, now - timedelta(days=least_age_days), most_requirements)
        owners = _owners(graph, connection)
    starts, ends = graph.arrays["back_starts"], graph.arrays["back_ends"]
    always = np.uint8(1 << Kind.ALWAYS)
    found = np.zeros(graph.size, np.int64)
    for begin in range(0, len(ends), _EDGES_AT_ONCE):
        part = slice(begin, min(begin + _EDGES_AT_ONCE, len(ends)))
        kept = begin + np.flatnonzero(((graph.arrays["back_kinds"][part] & always) != 0) & fit[ends[part]])
        targets, dependents = np.searchsorted(starts, kept, side="right") - 1, ends[kept]
        shared = np.asarray(owners[targets].multiply(owners[dependents]).sum(axis=1)).ravel()
        np.add.at(found, targets[shared == 0], 1)
    with index.store.read() as connection:
        for number, name in rows.all_names(connection):
            for place in graph.numbers([number]):
                if found[place]:
                    yield name, int(found[place])


def _fit(
    graph: snapshot.Graph, connection: sa.Connection, used: Collection[str], youngest: datetime, most: int
) -> np.ndarray:
    """Of each node, whether it may count as somebody's outside dependent."""
    import numpy as np

    wanted = used if isinstance(used, set | frozenset) else set(used)
    ids = [row.id for row in rows.settled(connection, youngest, most) if row.name in wanted]
    fit = np.zeros(graph.size, bool)
    fit[graph.numbers(ids)] = True
    return fit


def _owners(graph: snapshot.Graph, connection: sa.Connection) -> csr_array:
    """Nodes by accounts: 1 where the account is an owner."""
    import numpy as np
    from scipy.sparse import csr_array

    pairs = np.array([(row[0], row[1]) for row in rows.owners(connection)], np.int64).reshape(-1, 2)
    known = np.isin(pairs[:, 0], graph.ids)
    numbers = graph.numbers(pairs[known, 0])
    accounts, columns = np.unique(pairs[known, 1], return_inverse=True)
    return csr_array((np.ones(len(numbers), np.int32), (numbers, columns)), shape=(graph.size, max(len(accounts), 1)))
