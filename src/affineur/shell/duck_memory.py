"""DuckDB in memory, as everything here uses it: bounded, never by way of the network; and what files are in its SQL.

What does not live here: what is asked of it (`shell.parquet`, `shell.lake`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    import duckdb


def connect(
    memory_mib: int, *, threads: int = 1, ordered: bool = False, scratch: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A database of its own, in UTC, that takes at most ``memory_mib`` and draws nothing into what a command prints.

    ``ordered``: rows stay in the order in which they are read, which takes memory. ``scratch``: a folder for what does
    not fit; without one, such a statement raises `duckdb.OutOfMemoryException`.
    """
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": f"{memory_mib}MiB",
            "preserve_insertion_order": ordered,
            "autoinstall_known_extensions": False,
            "parquet_metadata_cache": True,  # files never change
            "temp_directory": str(scratch) if scratch else "",
            "TimeZone": "UTC",
        },
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


def quoted(path: Path) -> str:
    """The path of this one file as text in SQL, where a pattern for several could stand."""
    return written(Path(re.sub(r"[*?\[]", r"[\g<0>]", str(path))))


def written(path: Path) -> str:
    """The path of a file that is to be written, as text in SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write each row as a line of JSON."""
    with path.open("wb") as stream:
        stream.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def reading_lines(path: Path, columns: Mapping[str, str]) -> str:
    """What stands after FROM to read such lines; ``columns``: the type of each as DuckDB calls it."""
    typed = ", ".join(f"'{name}': '{kind.replace(chr(39), chr(39) * 2)}'" for name, kind in columns.items())
    return f"read_json({quoted(path)}, columns = {{{typed}}}, format = 'newline_delimited', hive_partitioning = false)"


def reading_parquet(*paths: Path) -> str:
    """What stands after FROM to read Parquet files, which have the same columns."""
    # A folder called `a=b` on the way to them is no column.
    return f"read_parquet([{', '.join(map(quoted, paths))}], hive_partitioning = false)"
