"""The status files held against what the rows give.

They are written a while after the pages, so that missing ones, and ones of an earlier serial, are no damage: the
background comes to them. What claims to be of the present serial must be what the rows give.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from affineur.core.views.bulk_statuses import lines
from affineur.shell import parquet
from affineur.shell.index import Index
from affineur.shell.status_files import LINES, PARQUET, StatusFiles
from affineur.shell.store import journal, statuses

from .findings import Finding


def check(index: Index) -> Iterator[Finding]:
    """Faults of the status files. Cost: making every row once, and reading both files."""
    files = StatusFiles(index.settings.public)
    serial = files.serial
    with index.store.read() as connection:
        head, _ = journal.head(connection)
        if serial == head:
            as_lines = files.path(serial, LINES)
            fault = _fault_of_lines(
                as_lines, lines(statuses.every(connection), index.origin, impact=index.settings.impact_public)
            )
            if fault:
                yield Finding("forged-statuses", LINES, fault)
                return  # the other is made of it
    if serial == head:
        fault = _fault_of_parquet(as_lines, files.path(serial, PARQUET))
        if fault:
            yield Finding("forged-statuses", PARQUET, fault)
    elif serial is not None and serial > head:
        yield Finding("forged-statuses", str(serial), f"They claim serial {serial}, the journal ends at {head}.")


def _fault_of_lines(path: Path, wanted: Iterator[bytes]) -> str | None:
    try:
        with gzip.open(path, "rb") as found:
            for number, (one, other) in enumerate(zip_longest(found, wanted), 1):
                if one != other:
                    return f"Line {number} is not what the rows give."
    except (OSError, EOFError, zlib.error) as error:
        return f"It cannot be read: {error}."
    return None


def _fault_of_parquet(as_lines: Path, path: Path) -> str | None:
    import duckdb

    try:
        same = parquet.same_rows(as_lines, path)
    except duckdb.Error as error:
        return f"It cannot be read: {str(error).splitlines()[0]}"
    return None if same else f"Its rows are not those of {LINES}."
