"""Which pages of a mirror are due: fed by whoever reads the origin, worked off by whoever fetches pages.

In memory only: after a restart it is filled again with what the journal has beyond the mark.
What does not live here: reading and fetching (`copying`, `watching`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from affineur.core.following import Stop

_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(slots=True)
class _Due:
    """A project that is behind. ``first`` and ``newest`` are serials; ``at`` is when to look next (monotonic)."""

    first: int
    newest: int
    at: float = 0.0
    pause_seconds: float = 0.25
    taken: bool = False


class Pending:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[str, _Due] = {}
        self._stops: dict[str, int] = {}
        self._closed = False

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
                present.at = 0.0
            self._changed.notify_all()

    def take(self) -> str | None:
        """A project to look at, the one that waits longest first; waits until there is one. None: it is over."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                free = [(due.at, name) for name, due in self._due.items() if not due.taken]
                at, name = min(free, default=(now + _LONGEST_PAUSE_SECONDS, ""))
                if name and at <= now:
                    self._due[name].taken = True
                    return name
                self._changed.wait(max(at - now, 0.001))
            return None

    def shown(self, name: str, serial: int) -> None:
        """The project's page of ``serial`` is shown; it is still due where newer entries were read meanwhile."""
        with self._changed:
            due = self._due[name]
            if due.newest <= serial:
                del self._due[name]
            else:
                self._due[name] = _Due(max(due.first, serial + 1), due.newest)
            self._changed.notify_all()

    def again(self, name: str) -> None:
        """The project's page could not be shown: look again after a pause, which doubles each time."""
        with self._changed:
            due = self._due[name]
            due.taken, due.at = False, time.monotonic() + due.pause_seconds
            due.pause_seconds = min(due.pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            self._changed.notify_all()

    def stopped_at(self, name: str) -> int:
        """The serial of the newest stop order about a project; 0 where there is none."""
        return self._stops.get(name, 0)

    def newest(self, name: str) -> int:
        """The serial of the newest entry about a project that is due; 0 where it is not."""
        with self._changed:
            due = self._due.get(name)
            return due.newest if due else 0

    def shown_up_to(self, known: int) -> int:
        """The serial up to which everything is shown, where the journal is known up to ``known``."""
        with self._changed:
            return min((due.first - 1 for due in self._due.values()), default=known)

    def waiting(self) -> list[str]:
        """The projects that are due."""
        with self._changed:
            return sorted(self._due)

    def close(self) -> None:
        """Let everybody who waits go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
