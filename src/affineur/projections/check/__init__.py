"""The check (`fsck`): every kind of damage an index can have, found and named.

The rows are the truth, the journal their witness, blobs what rows name, and the public tree and search what rows
give. `rows`, `blobs`, `tree` and `statuses` each hold one of these against another, `mirrored` what a mirror has
instead of rows; `findings` has the kinds. Safe while serving: what is merely on its way (an upload between its blob and
its rows, a page about to be written) is looked at again before it is called damage.
What does not live here: mending (`projections.mend`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from affineur.shell.following import is_mirror
from affineur.shell.index import Index
from affineur.shell.progress import Tell, tell_nobody

from . import blobs, dependents, mirrored, rows, search, statuses, tree
from .findings import KINDS, Finding, Kind

__all__ = ["KINDS", "Finding", "Kind", "check"]


def check(index: Index, now: datetime, *, quick: bool = False, tell: Tell = tell_nobody) -> Iterator[Finding]:
    """Everything that is wrong with ``index``, as it is found. ``now`` is aware UTC; ages are taken from it.

    ``quick`` trusts a blob of the right size instead of reading it. Cost: reading every blob, and making every page.
    """
    if index.store.is_sqlite:
        damaged = list(rows.database_file(index))
        if damaged:
            yield from damaged  # nothing that a broken database says can be held against anything else
            return
    if is_mirror(index.settings):
        yield from mirrored.check(index, quick=quick, tell=tell)
        return
    yield from rows.check(index, tell)
    yield from blobs.check(index, now, quick=quick, tell=tell)
    yield from tree.check(index, now, tell)
    yield from search.check(index, now, tell)
    yield from dependents.check(index, now, tell)
    yield from statuses.check(index)
