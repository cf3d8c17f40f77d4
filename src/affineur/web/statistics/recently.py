"""The downloads of a project's last thirty days, kept in memory: project pages and the JSON API show them each time.

What cannot be had is left out: a page is never missing because its numbers are. What does not live here: questions
that are asked for themselves (the modules beside this one).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date

from starlette.requests import Request

from affineur.core.downloads.figures import MONTH_DAYS, WEEK_DAYS, WITHOUT_MIRRORS, Recent, Window
from affineur.core.views.periods import in_parts, parts
from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway

log = logging.getLogger(__name__)

_MOST = 20_000
"""Projects that are remembered; about a kilobyte each."""
_STATE_SECONDS = 10.0
"""How long it may take until a new day is noticed."""
_FRESH_SECONDS = 600.0
"""How long numbers are shown: those of a day may still grow, by what comes late."""
_AWAY_SECONDS = 30.0
"""How long nothing is asked of statistics that could not be read: pages would wait for them, one after the other."""


@dataclass(frozen=True, slots=True)
class Month:
    """Downloads without mirrors of the `MONTH_DAYS` days that end with ``last``, first to last."""

    last: date
    counts: tuple[int, ...]

    @property
    def recent(self) -> Recent:
        """The last day, week and month."""
        return Recent(self.counts[-1], sum(self.counts[-WEEK_DAYS:]), sum(self.counts))


class Recently:
    """What was told last. Safe to use from several threads."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Month]] = OrderedDict()
        self._last: date | None = None
        self._looked_at = self._away_until = float("-inf")

    def month(self, name: str) -> Month | None:
        """The last thirty days of the project of that normalised name; None where nothing is counted, or known."""
        if time.monotonic() < self._away_until:
            return None
        try:
            last = self._last_day()
            return self._month(name, last) if last else None
        except LakeAway as away:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            log.warning("Downloads cannot be shown for a while: %s", away)
            return None
        except Exception:  # whatever is wrong with the statistics, pages and documents are there without them
            self._away_until = time.monotonic() + _AWAY_SECONDS
            log.warning("The downloads of %s could not be read.", name, exc_info=True)
            return None

    def _month(self, name: str, last: date) -> Month:
        now = time.monotonic()
        with self._lock:
            at, known = self._known.get(name, (0.0, None))
            if known is not None and known.last == last and now - at < _FRESH_SECONDS:
                self._known.move_to_end(name)
                return known
        window = Window.until(last, MONTH_DAYS)
        points = self._index.lake.series(name, window, WITHOUT_MIRRORS)
        (series,) = in_parts(points, parts(window, "day"), known=[None])
        month = Month(last, tuple(series.counts))
        with self._lock:
            self._known[name] = (now, month)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return month

    def _last_day(self) -> date | None:
        now = time.monotonic()
        if now - self._looked_at > _STATE_SECONDS:
            self._last, self._looked_at = self._index.lake.state().last_day, now
        return self._last


def recent_downloads(request: Request, name: str) -> Recent | None:
    """The last day, week and month of the project of that normalised name; None where they are not known."""
    month = recent_month(request, name)
    return month.recent if month else None


def recent_month(request: Request, name: str) -> Month | None:
    """Its last thirty days; None where nothing is counted, or known."""
    recently: Recently = request.app.state.recently
    return recently.month(name)
