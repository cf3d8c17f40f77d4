"""Following the journal: the background work that keeps every projection up to date.

One loop, two ticks a second: finish pages that a crash or another node left, bring search and dependents up to date,
and, debounced, write the list of all projects and the status files; now and then do what falls due by itself. Runs in
one process of a node (`serve` starts it, or `work`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from affineur.shell.index import Index
from affineur.shell.store import journal
from affineur.shell.tree import ROOT

from . import dependents, mend, pages, search, statuses

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
SETTLE_SECONDS = 60.0
"""How often the public tree is synced to disk: after a loss of power, a minute's pages are written again."""
SWEEP_SECONDS = 3600.0
"""How often what killed uploads left in the spool is removed. What costs more to find, `rebuild --sweep` removes."""
_ROOT_REST = 1.0
"""The root list rests at least this many times as long as its last rebuild took: it costs O(projects), so on a
large index it may never take more than half of one core."""


@dataclass(frozen=True, slots=True)
class Chore:
    """What falls due by itself: ``run`` is called every ``seconds``, does what is due and says how much it was.

    It is cheap when nothing is, and harmless when called twice.
    """

    name: str
    seconds: float
    run: Callable[[Index, datetime], int]


def follow(
    index: Index,
    stop: threading.Event,
    beat: Callable[[], object] = lambda: None,
    chores: Sequence[Chore] = (),
) -> None:
    """Work until ``stop`` is set. A failing step is logged and tried again at the next tick."""
    rest_until = sweep_at = 0.0
    due_at = dict.fromkeys((chore.name for chore in chores), 0.0)
    settling = _Settling(index)
    keeper, arrays = statuses.Keeper(index), dependents.Arrays(index)
    found = search.open_search(index)
    while not stop.is_set():
        beat()
        try:
            pages.catch_up(index)
            search.catch_up(index, found)
            dependents.catch_up(index, dependents.TURN_SECONDS)
            arrays.tick(time.monotonic())
            if time.monotonic() >= rest_until and root_is_behind(index):
                began = time.monotonic()
                pages.project_root(index)
                took = time.monotonic() - began
                rest_until = time.monotonic() + max(index.settings.root_list_seconds, took * _ROOT_REST)
            settling.tick()
            keeper.tick(time.monotonic())
            if time.monotonic() >= sweep_at:
                mend.sweep_left_overs(index, datetime.now(UTC))
                sweep_at = time.monotonic() + SWEEP_SECONDS
            for chore in chores:
                if time.monotonic() >= due_at[chore.name]:
                    due_at[chore.name] = time.monotonic() + chore.seconds
                    _do(chore, index)
        except Exception:  # the loop must outlive a database that is away for a moment
            log.exception("background work failed; trying again")
            stop.wait(5.0)
        stop.wait(TICK_SECONDS)
    keeper.end()
    arrays.end()


def _do(chore: Chore, index: Index) -> None:
    """One chore that fails keeps no other one from its turn."""
    try:
        done = chore.run(index, datetime.now(UTC))
        if done:
            log.info("%s: %s", chore.name, done)
    except Exception:
        log.exception("%s failed; trying again in %g seconds", chore.name, chore.seconds)


class _Settling:
    """Syncs the public tree to disk now and then, in a thread: it may take seconds, and new names must not wait."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._next_at = time.monotonic() + SETTLE_SECONDS
        self._running: threading.Thread | None = None

    def tick(self) -> None:
        """Begin to sync, if it is time and the last one is over."""
        if time.monotonic() < self._next_at or (self._running is not None and self._running.is_alive()):
            return
        self._next_at = time.monotonic() + SETTLE_SECONDS
        self._running = threading.Thread(target=self._settle, name="settling", daemon=True)
        self._running.start()

    def _settle(self) -> None:
        try:
            pages.settle(self._index)
        except Exception:
            log.exception("the public tree was not synced; trying again")


def bring_up(index: Index) -> None:
    """Bring every projection up to date at once, whether or not somebody follows."""
    pages.catch_up(index)
    found = search.open_search(index)
    try:
        search.catch_up(index, found)
    finally:
        found.close()
    dependents.catch_up(index)
    if root_is_behind(index):
        pages.project_root(index)


def root_is_behind(index: Index) -> bool:
    """Whether the journal has moved since the root list was written."""
    with index.store.read() as connection:
        serial, _ = journal.head(connection)
    written = index.tree.serial(ROOT)
    return written is None or written < serial
