"""Waiting for the journal to move: one question to the database, four times a second, for all who wait.

Whoever waits costs a small object and no thread; the question is asked only while somebody does. What does not live
here: what waiters are answered (`web.journal`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

ASK_SECONDS = 0.25
"""Time between two questions: how late a waiter learns of an entry, at most."""

MAXIMUM_WAITERS = 2_000
"""In one process. Each holds a connection; nothing else grows with them."""


@dataclass(slots=True, eq=False)
class Waiter:
    """Somebody who waits for an entry after ``since``; ``moved`` gets the newest serial, or the one asked after."""

    since: int
    moved: asyncio.Future[int]


@dataclass(slots=True)
class Watch:
    """The waiters of one process, and what asks for them. ``newest`` asks the database for the newest serial."""

    newest: Callable[[], int]
    most: int = MAXIMUM_WAITERS
    is_ending: Callable[[], bool] = lambda: False
    """Whether the process is about to end: nobody is kept then."""
    _waiters: set[Waiter] = field(default_factory=set)
    _asking: asyncio.Task[None] | None = None
    _shared: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    @property
    def is_asking(self) -> bool:
        """Whether the database is being asked."""
        return self._asking is not None

    async def after(self, since: int, seconds: float, gone: Callable[[], Coroutine[Any, Any, None]]) -> int | None:
        """The newest serial, as soon as it is greater than ``since``, or after ``seconds``.

        None at once where too many wait already, and where ``gone`` returns first: the client has left.
        """
        if len(self._waiters) >= self.most:
            return None
        waiter = Waiter(since, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        leaving = asyncio.create_task(gone())
        try:
            both: set[asyncio.Future[Any]] = {waiter.moved, leaving}
            await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if waiter.moved.done():
                return waiter.moved.result()
            return None if leaving.done() else since
        finally:
            leaving.cancel()
            self._waiters.discard(waiter)

    async def together(self, key: Hashable, build: Callable[[], T]) -> T:
        """What ``build`` makes, in a thread; whoever asks for the same ``key`` meanwhile gets the same."""
        task: asyncio.Task[T] | None = self._shared.get(key)
        if task is None:
            task = self._shared[key] = asyncio.create_task(asyncio.to_thread(build))
            task.add_done_callback(lambda _: self._shared.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(self) -> None:
        try:
            while self._waiters:
                serial = await asyncio.to_thread(self.newest)
                ending = self.is_ending()
                for waiter in tuple(self._waiters):
                    if (serial > waiter.since or ending) and not waiter.moved.done():
                        waiter.moved.set_result(serial)
                await asyncio.sleep(ASK_SECONDS)
        except Exception:
            log.exception("the journal cannot be watched; whoever waits is answered")
            for waiter in tuple(self._waiters):
                if not waiter.moved.done():
                    waiter.moved.set_result(waiter.since)
        finally:
            self._asking = None
