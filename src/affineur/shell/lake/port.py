"""The port of statistics: what an engine takes in, what it is asked, and what it promises.

One engine is embedded (`duck`: DuckDB over Parquet files, local or in S3), one is for more than a machine
(`clickhouse`). Both keep the same tables and answer the same questions with the same numbers; one set of tests is run
on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

from affineur.core.downloads.figures import Dimension, Entry, Filter, Point, Rank, Recent, Share, State, Usage, Window

Progress = Callable[[str, int, int], object]
"""Told what is done, how far it is, and how far it will go."""
ExportForm = Literal["csv", "jsonl", "parquet"]


class LakeAway(Exception):
    """The engine cannot be reached or does not answer for now: nothing is lost, and asking later may help."""


class Lake(Protocol):
    """Download statistics. Safe to use from several threads and processes; readers see whole days only.

    Every question counts roll-ups, never events: the day that is still going on is in them as far as it was rolled up,
    and `last_day` of `state` is the newest one that is over, by the newest ``now_day`` of `roll_up`. A project that
    nothing is known of has zeros, no error. Any method may raise `LakeAway`.

    Values of a dimension: ``python_major`` is what stands before the first point of ``python``, ``python_minor`` the
    whole of it; ``ci`` is "true" or "false"; None is a value as any other. Equal numbers come in the order of their
    values, by code points, None behind all. A value that is itself called as `OTHERS` is told together with the rest.
    """

    def append(self, name: str, events: Path, progress: Progress | None = None) -> None:
        """Take in the events of the Parquet file ``events``, whose batch is called ``name``.

        Durable on return. The same name is taken in once: to be called again after a crash is no harm. A day whose
        events are new is to be rolled up.
        """

    def roll_up(self, now_day: date, progress: Progress | None = None) -> int:
        """Roll up every day with new events, put small files together, and forget what is past its time.

        ``now_day`` is today in UTC. The number of days rolled up. Cost: linear in the events of those days.
        """

    def reclass(self, progress: Progress | None = None) -> int:
        """Class all stored events by the newest table, and roll their days up anew; the number of events."""

    def state(self) -> State:
        """How far statistics are."""

    def recent(self, project: str, last: date, where: Filter) -> Recent:
        """Downloads of the day ``last``, and of the week and month that end with it."""

    def total(self, project: str, window: Window | None, where: Filter) -> int:
        """All downloads of ``window``; None: ever."""

    def series(
        self, project: str, window: Window, where: Filter, by: Dimension | None = None, values: int = 10
    ) -> list[Point]:
        """Downloads a day, by ``by`` where that is said; days without are left out. By day, then value.

        Beyond the ``values`` values that are most frequent in the window the rest is summed up as `OTHERS`.
        ``project`` "" is the whole index.
        """

    def shares(self, project: str, window: Window, where: Filter, by: Dimension, values: int = 100) -> list[Share]:
        """Downloads in the window by ``by``, most first; `OTHERS`, as in `series`, is behind them."""

    def version_shares(self, window: Window, where: Filter, least: float) -> Iterator[tuple[str, str]]:
        """``(project, version)`` of each version with at least the share ``least`` (0 to 1) of its project's downloads.

        Of all projects in one pass, by project, then version; a version that is not known has no share.
        """

    def top(self, window: Window, where: Filter, limit: int, offset: int = 0) -> list[Entry]:
        """The most downloaded projects; equal ones by name."""

    def rank(self, project: str, window: Window, where: Filter) -> Rank:
        """Where the project stands."""

    def usage(self, window: Window, last_month: Window) -> Iterator[Usage]:
        """What impact is judged by, of every project that was ever installed, by name. Counts what is `capped`.

        ``ever`` counts all days that are kept; installs are the class ``installer`` alone.
        """

    def export(self, target: Path, window: Window, form: ExportForm, projects: Sequence[str] = ()) -> int:
        """Write table ``daily`` of ``window`` to ``target``; of ``projects`` only, where any are named; its rows.

        Ordered by project, day and the other columns in their order, nulls last. Of both engines, CSV and
        JSON lines have the same bytes, Parquet the same rows.
        """

    def sweep(self, now: datetime) -> int:
        """Remove what counts no more and nobody reads any more, and what crashes left behind; the number of files."""

    def close(self) -> None:
        """Give everything back. The lake must not be used afterwards."""
