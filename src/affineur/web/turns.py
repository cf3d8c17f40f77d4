"""Turns: questions about very much are answered a few at a time, so that uploads and pages need not wait for them.

All that takes long runs in one small pool of threads (`asyncio.to_thread`); whoever asks for statistics or chains of
dependents many times at once must not have all of them. What does not live here: the questions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from affineur.core.decision import refuse
from affineur.core.rules.statistics import MOST_WAITING

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """One of these for each process and sort of question: ``at_once`` are answered, `MOST_WAITING` more may wait."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def take(self, make: Callable[P, T], *given: P.args, **also: P.kwargs) -> T:
        """What ``make`` gives, in a thread, when it is its turn. `Refused` (``statistics.busy``) if too many wait."""
        if self._waiting >= MOST_WAITING:
            refuse("statistics.busy", "Too many questions of this sort wait for their answers.", "Ask again later.")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            return await asyncio.to_thread(make, *given, **also)
        finally:
            self._free.release()
