"""Installs of every project beside the graph: one array by node, written once a day, that puts dependents in order.

What does not live here: how installs are counted (`shell.lake`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.figures import Usage
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows

if TYPE_CHECKING:
    import numpy as np

_SLICE = 5_000


def note(index: Index, usage: Iterable[Usage]) -> int:
    """Keep the installs of a month of each project in ``usage``; how many of them the graph knows."""
    import numpy as np

    ids, counts, rest = [], [], iter(usage)
    while part := list(islice(rest, _SLICE)):
        with index.store.read() as connection:
            known = rows.nodes(connection, [one.project for one in part])
        for one in part:
            if one.project in known and one.last_month > 0:
                ids.append(known[one.project].id)
                counts.append(one.last_month)
    both = np.array([ids, counts], np.int64).reshape(2, -1)
    path = _path(index)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(prefix=".installs-", dir=path.parent)
    with os.fdopen(handle, "wb") as opened:
        np.save(opened, both[:, np.argsort(both[0], kind="stable")])
        opened.flush()
        os.fsync(opened.fileno())
    Path(new).replace(path)
    return len(ids)


def of(index: Index, ids: Collection[int]) -> np.ndarray | None:
    """Installs of each node, in the order of ``ids``, 0 where there were none; None: not counted, or unreadable."""
    import numpy as np

    try:
        known, counts = _load(_path(index), _path(index).stat().st_mtime_ns)
    except (OSError, ValueError, EOFError):  # damaged, they only put less in order, until they are noted again
        return None
    wanted = np.fromiter(ids, np.int64, len(ids))
    places = np.searchsorted(known, wanted)
    places[places == len(known)] = 0
    return np.where(known[places] == wanted, counts[places], 0) if len(known) else np.zeros(len(wanted), np.int64)


def _path(index: Index) -> Path:
    return index.settings.data / "graph" / "installs.npy"


@lru_cache(maxsize=2)
def _load(path: Path, _written_ns: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    both = np.load(path, mmap_mode="r")
    return both[0], both[1]
