"""Which pages of a mirror are due: fed by whoever reads the origin, worked off by whoever fetches pages.

In memory only: after a restart it is filled again with what the journal has beyond the mark.
What does not live here: reading and fetching (`copying`, `watching`).
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from affineur.core.history.following import Stop

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class _Due:
    """A project that is behind. ``first`` and ``newest`` are serials. ``queued``: somebody will be given it."""

    first: int
    newest: int
    pause_seconds: float = _FIRST_PAUSE_SECONDS
    queued: bool = False
    taken: bool = False


class Pending:
    """Safe to share between threads. Every call costs next to nothing, however many projects are due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[str, _Due] = {}
        self._ready: deque[str] = deque()
        self._later: list[tuple[float, str]] = []
        self._stops: dict[str, int] = {}
        self._closed = False
        self.shown_pages = 0

    def stop(self, stops: tuple[Stop, ...]) -> None:
        """Note stop orders: no page from before them is shown any more. Call before they are carried out."""
        with self._changed:
            for each in stops:
                self._stops[each.project] = max(each.serial, self._stops.get(each.project, 0))

    def add(self, due: Mapping[str, tuple[int, int]]) -> None:
        """More entries were read: ``due`` as in `Plan`."""
        with self._changed:
            for name, (first, newest) in due.items():
                present = self._due.setdefault(name, _Due(first, newest))
                present.newest = max(present.newest, newest)
                self._queue(name, present)
            self._changed.notify_all()

    def take(self) -> str | None:
        """A project to look at; waits until there is one. None: it is over."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    _, name = heapq.heappop(self._later)
                    if name in self._due:
                        self._queue(name, self._due[name])
                if self._ready:
                    name = self._ready.popleft()
                    due = self._due[name]
                    due.queued, due.taken = False, True
                    return name
                self._changed.wait(self._later[0][0] - now if self._later else None)
            return None

    def shown(self, name: str, serial: int) -> None:
        """The project's page of ``serial`` is shown; it is still due where newer entries were read meanwhile."""
        with self._changed:
            due = self._due.pop(name)
            self.shown_pages += 1
            if due.newest > serial:
                left = self._due[name] = _Due(max(due.first, serial + 1), due.newest)
                self._queue(name, left)
                self._changed.notify()

    def again(self, name: str) -> None:
        """The project's page could not be shown: look again after a pause, which doubles each time."""
        with self._changed:
            due = self._due[name]
            due.taken = False
            heapq.heappush(self._later, (time.monotonic() + due.pause_seconds, name))
            due.pause_seconds = min(due.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            self._changed.notify()

    def stopped_at(self, name: str) -> int:
        """The serial of the newest stop order about a project; 0 where there is none."""
        return self._stops.get(name, 0)

    def shown_up_to(self, known: int) -> int:
        """The serial up to which everything is shown, where the journal is known up to ``known``.

        Cost: linear in the projects that are due.
        """
        with self._changed:
            return min((due.first - 1 for due in self._due.values()), default=known)

    def is_empty(self) -> bool:
        """Whether nothing is due."""
        return not self._due

    def waiting(self) -> list[str]:
        """The projects that are due. Cost: linear in them."""
        with self._changed:
            return sorted(self._due)

    def close(self) -> None:
        """Let everybody who waits go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _queue(self, name: str, due: _Due) -> None:
        """Have it taken next, unless somebody has it: then `shown` or `again` decide."""
        if not due.queued and not due.taken:
            due.queued = True
            self._ready.append(name)
