"""A few open connections, lent to one thread at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Generic, Protocol, TypeVar


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class Lender(Generic[C]):
    """Lends at most ``most`` connections, opened when first needed; who comes later waits."""

    def __init__(self, open_one: Callable[[], C], most: int) -> None:
        self._open_one = open_one
        self._idle: LifoQueue[C | None] = LifoQueue()
        self._most = most
        for _ in range(most):
            self._idle.put(None)

    @contextmanager
    def lend(self) -> Iterator[C]:
        """A connection for the time of the block; one in whose block an exception arose is closed."""
        connection = self._idle.get()
        try:
            connection = connection or self._open_one()
            yield connection
        except BaseException:
            if connection is not None:
                connection.close()
                connection = None
            raise
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Close the idle connections."""
        for _ in range(self._most):
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return
            if connection is not None:
                connection.close()
            self._idle.put(None)
