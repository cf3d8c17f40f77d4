"""Downloads of each day, kept up: rolled up soon after they were collected, and what nobody reads any more swept.

What does not live here: collecting (`collecting`), and how rolling up is done (`shell.lake`).
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, date, datetime

from affineur.shell.index import Index
from affineur.shell.lake.port import LakeAway

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often somebody looks whether there is anything new."""
SWEEP_SECONDS = 900.0


class Stopped(Exception):
    """Rolling up was given up between two files, because the program ends. Nothing is lost by that."""


class Keeper:
    """Rolls up when there are new events, or a new day, and it has rested as long as the last time took."""

    def __init__(self, index: Index, stop: threading.Event) -> None:
        self._index, self._stop = index, stop
        self._rests_until = self._sweep_at = 0.0
        self._rolled_on: date | None = None

    def tick(self, now: datetime) -> int:
        """Do what is due; the number of days rolled up. Raises `LakeAway`, and `Stopped`."""
        days, lake = 0, self._index.lake
        began = time.monotonic()
        if began >= self._rests_until and (now.date() != self._rolled_on or lake.state().events):
            days = lake.roll_up(now.date(), self._tell)
            self._rolled_on = now.date()
            self._rests_until = time.monotonic() + (time.monotonic() - began)
        if began >= self._sweep_at:
            lake.sweep(now)
            self._sweep_at = began + SWEEP_SECONDS
        return days

    def _tell(self, _step: str, _done: int, _total: int) -> None:
        if self._stop.is_set():
            raise Stopped


def keep_rolling(index: Index, stop: threading.Event, look_seconds: float = LOOK_SECONDS) -> None:
    """Roll up until ``stop`` is set. What fails is logged, and tried again.

    Run it in a thread of its own: after many logs were read it may take minutes.
    """
    keeper = Keeper(index, stop)
    while not stop.wait(look_seconds):
        try:
            keeper.tick(datetime.now(UTC))
        except Stopped:
            return
        except LakeAway as error:
            log.warning("downloads wait to be rolled up", extra={"reason": str(error)})
            stop.wait(60.0)
        except Exception:
            log.exception("downloads were not rolled up; trying again in a minute")
            stop.wait(60.0)
