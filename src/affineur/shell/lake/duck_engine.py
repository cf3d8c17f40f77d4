"""DuckDB as the lake uses it: what questions and long work may take, and its tables as Parquet files.

What does not live here: what is asked (`duck_questions`), and what is made of events (`rolling`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from affineur.core.downloads.tables import TABLES, Column, Fields, Kind, Type
from affineur.shell.duck_memory import connect, reading_parquet

if TYPE_CHECKING:
    import duckdb

QUESTION_MIB = 256
"""What all questions of a process may take together."""
WORK_MIB = 1024
"""What rolling up may take; what does not fit goes to disk, beside the lake."""
THREADS = 2
_SCALARS: dict[Type, str] = {
    "text": "VARCHAR",
    "number": "BIGINT",
    "truth": "BOOLEAN",
    "moment": "TIMESTAMPTZ",
    "day": "DATE",
    "hash": "UBIGINT",
}
FORM = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3"
ROW_GROUP = 61_440
"""Rows: whoever looks for one project reads a group of them of each file."""


class Asking:
    """Questions, asked from any thread: one database in memory for a process, a cursor of it for each question.

    A process that was forked off gets one of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._root: duckdb.DuckDBPyConnection | None = None
        self._pid = 0

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one question."""
        with self._lock:
            if self._root is None or self._pid != os.getpid():
                self._root, self._pid = connect(QUESTION_MIB, threads=THREADS), os.getpid()
            cursor = self._root.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            if self._root is not None and self._pid == os.getpid():
                self._root.close()
            self._root = None


@contextmanager
def working(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for long work, which may use ``scratch`` where memory does not suffice."""
    connection = connect(WORK_MIB, threads=THREADS, scratch=scratch)
    try:
        yield connection
    finally:
        connection.close()


def columns(kind: Kind) -> str:
    """The columns of a table as DuckDB declares them: ``"day" DATE, "project" VARCHAR …``."""
    return _fields(TABLES[kind])


def reading(paths: Sequence[Path], kind: Kind) -> str:
    """What stands after FROM to read these files of ``kind``: an empty table where there are none."""
    if not paths:
        nulls = ", ".join(f'NULL::{_type(column)} AS "{column.name}"' for column in TABLES[kind])
        return f"(SELECT {nulls} LIMIT 0)"
    return reading_parquet(*paths)


def events_by_day(duck: duckdb.DuckDBPyConnection, batch: Path) -> list[tuple[date, int]]:
    """How many events the file ``batch`` has of each day. Raises `ValueError` for other columns than table `events`."""
    rows = reading([batch], "events")
    found = [row[0] for row in duck.execute(f"DESCRIBE FROM {rows}").fetchall()]
    if found != [column.name for column in TABLES["events"]]:
        raise ValueError(f"These are not events: the columns are {', '.join(found)}.")
    return duck.execute(f"FROM {rows} SELECT timestamp::DATE, count(*) GROUP BY ALL ORDER BY 1").fetchall()


def _fields(fields: Fields) -> str:
    return ", ".join(f'"{column.name}" {_type(column)}' for column in fields)


def _type(column: Column) -> str:
    return f"STRUCT({_fields(column.type)})" if isinstance(column.type, tuple) else _SCALARS[column.type]
