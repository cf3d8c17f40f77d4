"""The port of search: what goes in, what comes out, and what an engine promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from affineur.core.names import NormalizedName

Progress = Callable[[int], None]
"""Told how many documents are done so far."""

PAGE_LIMIT = 100
"""Most hits that one search gives back."""


class Order(StrEnum):
    """How hits are put in order."""

    RELEVANCE = "relevance"
    UPDATED = "updated"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Document:
    """What search knows of one project.

    ``weight`` is a rank that does not depend on what is asked, such as downloads a month; heavier comes
    first. It counts by its ratio: values from 1/256 to 2**40 are told apart when they differ by about 3 %,
    0 is "nothing known". ``updated_at`` is an aware UTC datetime.
    """

    name: NormalizedName
    display_name: str
    version: str
    summary: str
    keywords: tuple[str, ...]
    weight: float
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One project found."""

    name: NormalizedName
    display_name: str
    version: str
    summary: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found.

    ``total`` counts every hit that can be paged to; where ``total_is_exact`` is false there are more, and
    ``total`` is "at least". ``corrected`` is the text that was probably meant ("did you mean"), whose hits
    then follow those of the text as typed.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    corrected: str | None


class SearchIndex(Protocol):
    """A search index. Safe to use from several threads and several processes.

    Writers take turns; readers are never kept waiting and see the index before or after a write, never
    between. A method that writes takes ``serial``, the journal serial the index reflects once the write is
    done, and stores it in the same transaction; ``None`` leaves the stored one alone.
    """

    def replace(self, documents: Iterable[Document], *, serial: int | None = None) -> None:
        """Put each document in the place of the one of the same name, or add it."""

    def remove(self, names: Iterable[NormalizedName], *, serial: int | None = None) -> None:
        """Take the named projects out; a name that is not there is passed over."""

    def rebuild(self, documents: Iterable[Document], *, serial: int = 0, progress: Progress | None = None) -> None:
        """Replace everything by ``documents`` at once. If the iterable raises, nothing has changed.

        A name that comes twice counts once, the later one. ``progress`` is called with the number of
        documents read, then, while they are indexed, with that of those indexed.
        """

    def search(self, text: str, *, limit: int = 20, offset: int = 0, order: Order = Order.RELEVANCE) -> Results:
        """The projects that match ``text``: any text at all, it can neither fail nor run for long.

        ``limit`` is held between 0 and `PAGE_LIMIT`. `Order.UPDATED` and `Order.NAME` sort the hits that
        can be paged to; where there are more (``total_is_exact`` is false), those are the best ones.
        """

    def count(self) -> int:
        """How many projects the index holds."""

    def serial(self) -> int:
        """The last journal serial the index reflects; 0 for an index that was never filled."""

    def set_serial(self, serial: int) -> None:
        """Note that the index reflects ``serial``, where the events up to it changed no document."""

    def close(self) -> None:
        """Close every connection. The index must not be used afterwards."""
