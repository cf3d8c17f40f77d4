"""The whole graph as arrays, in files beside the database: `data/graph/<number>/`, and `current`, a link to the newest.

They are written from the rows in one pass, never changed, and mapped into memory: every process of a machine shares
them. Each edge stands once in either direction, with a bit for each kind. What no `Kind` of newest releases gives is
in the bits above.
What does not live here: the rows (`shell.store.dependents`), and what is computed (`core.dependents`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa

from affineur.core.dependents.answers import FOLLOWED, Basis, Source
from affineur.core.dependents.edges import Kind
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows
from affineur.shell.store import journal

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array

SMALL_EDGES = 20_000
"""Up to so many rows a graph is read anew whenever it has changed: that takes a tenth of a second."""
_OLDER_BITS = 3
_SOURCES: tuple[Source | None, ...] = (None, "ours", "upstream")
_ARRAYS = (
    "ids", "sources", "dynamic",
    "forward_starts", "forward_ends", "forward_kinds", "back_starts", "back_ends", "back_kinds",
    "followed_starts", "followed_ends", "following_starts", "following_ends",
)  # fmt: skip


@dataclass(frozen=True)
class Graph:
    """The graph. Nodes are numbered from 0 in the order of ``ids``, which are those of `node` rows, ascending.

    ``forward`` goes from dependents to what they require, ``back`` from a project to its dependents: ends of node
    ``n`` are ``ends[starts[n]:starts[n + 1]]``, ascending, with ``kinds`` beside. ``followed`` (back) and
    ``following`` (forward) have the edges of `core.dependents.answers.FOLLOWED` only.
    """

    stamp: int
    serial: int
    as_of: datetime
    arrays: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.arrays["ids"])

    @property
    def ids(self) -> np.ndarray:
        """The ids of nodes."""
        return self.arrays["ids"]

    def numbers(self, ids: Collection[int]) -> np.ndarray:
        """The numbers of the nodes with these ids; those that are not here are left out. In the order of ``ids``."""
        import numpy as np

        wanted = np.fromiter(ids, np.int64, len(ids))
        places = np.searchsorted(self.ids, wanted)
        places[places == self.size] = 0
        found: np.ndarray = places[self.ids[places] == wanted] if self.size else places[:0]
        return found

    def dependents(self, number: int, kinds: Collection[Kind], *, newest_only: bool) -> np.ndarray:
        """Numbers of the direct dependents of a node, by any of ``kinds``."""
        import numpy as np

        back = slice(*self.arrays["back_starts"][number : number + 2])
        wanted = (self.arrays["back_kinds"][back] & np.uint8(_mask(kinds, newest_only=newest_only))) != 0
        found: np.ndarray = self.arrays["back_ends"][back][wanted]
        return found

    def of_sources(self, numbers: np.ndarray, sources: Collection[Source]) -> np.ndarray:
        """Those of ``numbers`` that are of ``sources``."""
        import numpy as np

        wanted = np.array([_SOURCES.index(source) for source in sources], np.uint8)
        return numbers[np.isin(self.arrays["sources"][numbers], wanted)]

    def unknown(self, sources: Collection[Source]) -> int:
        """How many projects of ``sources`` do not say what they require before they are built."""
        import numpy as np

        return len(self.of_sources(np.flatnonzero(self.arrays["dynamic"]), sources))

    def matrix(self, kinds: Collection[Kind] = FOLLOWED, *, forward: bool) -> csr_array:
        """The edges of ``kinds`` as a matrix for `scipy.sparse.csgraph`: row by row where each node leads."""
        if set(kinds) == set(FOLLOWED):
            return self._following if forward else self._followed
        way = "forward" if forward else "back"
        return _filtered(self.arrays, way, _mask(kinds, newest_only=False))

    @cached_property
    def _following(self) -> csr_array:
        return _matrix(self.arrays["following_starts"], self.arrays["following_ends"])

    @cached_property
    def _followed(self) -> csr_array:
        return _matrix(self.arrays["followed_starts"], self.arrays["followed_ends"])


def current(index: Index) -> Graph:
    """The newest arrays; read from the rows where there are none, or they are behind and the graph is small."""
    known = _remembered(index)
    with index.store.read() as connection:
        stamp, _ = rows.position(connection, rows.EDGES)
        if known is not None and known.stamp == stamp:
            return known
        small = not rows.many(connection, None, SMALL_EDGES)
        made = _read_rows(connection) if small else None
    if made is None:
        stored = _stored(index)
        if stored is None:
            write(index)
            stored = _stored(index)
        made = stored if stored is not None else _from_rows(index)
    _MEMORY[_folder(index)] = made
    return made


def basis(connection: sa.Connection, graph: Graph | None = None) -> Basis:
    """What an answer from the rows stands on, or one from ``graph``: the rows, too, where they are still the same."""
    if graph is not None and graph.stamp != rows.position(connection, rows.EDGES)[0]:
        return Basis(graph.as_of, graph.serial)
    serial, at = rows.position(connection)
    behind = serial < journal.head(connection)[0]
    return Basis((at or datetime.fromtimestamp(0, UTC)) if behind else datetime.now(UTC), serial)


def is_behind(index: Index) -> bool:
    """Whether a graph that is not small has changed since its arrays were written."""
    with index.store.read() as connection:
        stamp, _ = rows.position(connection, rows.EDGES)
        return stamp != _stored_stamp(index) and rows.many(connection, None, SMALL_EDGES)


def write(index: Index) -> None:
    """Write the arrays of the rows as they are. Cost: linear in the edges, and a sort of them."""
    import numpy as np

    made = _from_rows(index)
    folder = _folder(index)
    folder.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        for name in _ARRAYS:
            with (new / f"{name}.npy").open("wb") as stream:
                np.save(stream, made.arrays[name])
                _sync(stream)
        said = {"stamp": made.stamp, "serial": made.serial, "as_of": made.as_of.isoformat()}
        with (new / "graph.json").open("wb") as stream:
            stream.write(json.dumps(said).encode())
            _sync(stream)
        new.chmod(0o750)
        named = folder / f"{made.stamp}-{new.name.removeprefix('.new-')}"
        new.rename(named)
        link = folder / f".link-{named.name}"
        link.symlink_to(named.name)
        link.replace(folder / "current")
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _sweep(folder)


def forget(index: Index) -> None:
    """Give back what this process remembers of the arrays of ``index``."""
    _MEMORY.pop(_folder(index), None)


_MEMORY: dict[Path, Graph] = {}


def _folder(index: Index) -> Path:
    return index.settings.data / "graph"


def _remembered(index: Index) -> Graph | None:
    known = _MEMORY.get(_folder(index))
    stored = _stored_stamp(index)
    if stored is not None and (known is None or stored > known.stamp):
        known = _stored(index)
        if known is not None:
            _MEMORY[_folder(index)] = known
    return known


def _stored_stamp(index: Index) -> int | None:
    try:
        return int(os.readlink(_folder(index) / "current").partition("-")[0])
    except (OSError, ValueError):
        return None


def _stored(index: Index) -> Graph | None:
    """The arrays in files, mapped; None where there are none that can be read."""
    import numpy as np

    for _ in range(3):  # they may be replaced while they are opened
        try:
            folder = (_folder(index) / "current").resolve(strict=True)
            said = json.loads((folder / "graph.json").read_text())
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
            return Graph(said["stamp"], said["serial"], datetime.fromisoformat(said["as_of"]), arrays)
        except (OSError, ValueError, EOFError, KeyError):  # EOFError: a file is empty
            continue
    return None


def _sync(stream: IO[bytes]) -> None:
    """After a loss of power the link must not lead to arrays that are empty, or half there."""
    stream.flush()
    os.fsync(stream.fileno())


def _sweep(folder: Path) -> None:
    """Remove what is not current: whoever has it mapped keeps it until they let go."""
    with contextlib.suppress(OSError):
        kept = os.readlink(folder / "current")
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink() and path.name != kept and not path.name.startswith(".new-"):
                shutil.rmtree(path, ignore_errors=True)


def _from_rows(index: Index) -> Graph:
    with index.store.read() as connection:
        return _read_rows(connection)


def _read_rows(connection: sa.Connection) -> Graph:
    import numpy as np

    stamp, _ = rows.position(connection, rows.EDGES)
    known = basis(connection)
    arrays = _nodes(connection)
    ids = arrays["ids"]
    targets, dependents, kinds = _edges(connection, ids)
    _add(arrays, "back", len(ids), targets, dependents, kinds)
    order = np.lexsort((targets, dependents))
    _add(arrays, "forward", len(ids), dependents[order], targets[order], kinds[order])
    for name, way in (("followed", "back"), ("following", "forward")):
        matrix = _filtered(arrays, way, _mask(FOLLOWED, newest_only=False))
        arrays[f"{name}_starts"], arrays[f"{name}_ends"] = matrix.indptr, matrix.indices
    return Graph(stamp, known.serial, known.as_of, arrays)


def _nodes(connection: sa.Connection) -> dict[str, np.ndarray]:
    import numpy as np

    read = [(row.id, _SOURCES.index(row.source), row.dynamic) for row in rows.all_nodes(connection)]
    both = np.array(read, np.int64).reshape(-1, 3)
    return {"ids": both[:, 0].copy(), "sources": both[:, 1].astype(np.uint8), "dynamic": both[:, 2].astype(np.uint8)}


def _edges(connection: sa.Connection, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, dependents (numbers of nodes) and bits of kinds, by target, then dependent, each pair once."""
    import numpy as np

    parts = []
    for part in rows.all_edges(connection):
        read = np.array([(row[0], row[1], row[2] + (0 if row[3] else _OLDER_BITS)) for row in part], np.int64)
        pairs = np.searchsorted(ids, read[:, :2]).astype(np.int32)
        parts.append((pairs[:, 0].copy(), pairs[:, 1].copy(), np.left_shift(1, read[:, 2]).astype(np.uint8)))
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    targets, dependents, bits = (np.concatenate(column) for column in zip(*parts, strict=True))
    parts.clear()
    first = np.flatnonzero(
        np.concatenate(([True], (targets[1:] != targets[:-1]) | (dependents[1:] != dependents[:-1])))
    )
    return targets[first], dependents[first], np.bitwise_or.reduceat(bits, first)


def _add(
    arrays: dict[str, np.ndarray], way: str, size: int, tails: np.ndarray, heads: np.ndarray, kinds: np.ndarray
) -> None:
    """Put edges, sorted by tail, among the arrays."""
    import numpy as np

    starts = np.zeros(size + 1, np.int32)
    np.cumsum(np.bincount(tails, minlength=size), out=starts[1:])
    arrays |= {f"{way}_starts": starts, f"{way}_ends": heads, f"{way}_kinds": kinds}


def _mask(kinds: Collection[Kind], *, newest_only: bool) -> int:
    newest = sum(1 << kind for kind in set(kinds))
    return newest if newest_only else newest | newest << _OLDER_BITS


def _filtered(arrays: dict[str, np.ndarray], way: str, wanted: int) -> csr_array:
    import numpy as np

    kept = (arrays[f"{way}_kinds"] & np.uint8(wanted)) != 0
    before = np.zeros(len(kept) + 1, np.int32)
    np.cumsum(kept, out=before[1:])
    return _matrix(before[arrays[f"{way}_starts"]], arrays[f"{way}_ends"][kept])


def _matrix(starts: np.ndarray, ends: np.ndarray) -> csr_array:
    import numpy as np
    from scipy.sparse import csr_array

    size = len(starts) - 1
    ones = np.broadcast_to(np.float64(1), len(ends))  # nobody looks at weights, so they need no memory
    return csr_array((ones, ends, starts), shape=(size, size))
