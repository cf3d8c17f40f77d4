"""Parquet, written and compared by DuckDB: in memory, in one thread, and never by way of the network.

Both take what they read as a file of JSON lines, so that the two forms of a table cannot drift apart.
What does not live here: what is in the table (`core.views.bulk_statuses`).
"""

from __future__ import annotations

from pathlib import Path

from affineur.core.views.bulk_statuses import COLUMNS, FIELDS, Kind
from affineur.shell.duck_memory import connect, quoted, reading_parquet, written

MEMORY_MIB = 384
"""What DuckDB may take; a row group is in memory as a whole."""
ROW_BYTES = 32 * 1024 * 1024
"""The longest line: a project with a hundred thousand files, each held by itself. Memory is some of these."""
_ROW_GROUP = 40_960
"""Rows: whoever looks for one project by range reads one group of them."""


def write_parquet(source: Path, target: Path) -> None:
    """Write the rows of ``source`` (JSON lines, gzip) to ``target``, in their order. The same rows give the same bytes.

    Raises `duckdb.Error` for a line that is no row. Cost: linear in rows, memory bounded by `MEMORY_MIB`.
    """
    with connect(MEMORY_MIB, ordered=True) as connection:
        connection.execute(
            f"COPY (SELECT * FROM {_lines(source)}) TO {written(target)} "  # noqa: S608 -- only our own names and paths
            f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE {_ROW_GROUP})"
        )


def same_rows(source: Path, made: Path) -> bool:
    """Whether the Parquet file ``made`` has the rows of ``source``, in their order: held against each other by hash.

    Raises `duckdb.Error` for a file that is not Parquet, or damaged.
    """
    with connect(MEMORY_MIB, ordered=True) as connection:
        # One pass over each and nothing kept: laying them side by side would hold all of one in memory.
        sums = [
            connection.execute(
                "SELECT count(*), sum(hash(place, one)::HUGEINT) "  # noqa: S608 -- only our own names and paths
                f"FROM (SELECT row_number() OVER () AS place, one FROM {rows} one)"
            ).fetchone()
            for rows in (_lines(source), reading_parquet(made))
        ]
    return sums[0] == sums[1]


def _lines(path: Path) -> str:
    columns = ", ".join(f"'{column.name}': '{_type(column.kind)}'" for column in COLUMNS)
    return (
        f"read_json({quoted(path)}, columns = {{{columns}}}, format = 'newline_delimited', "
        f"compression = 'gzip', maximum_object_size = {ROW_BYTES}, hive_partitioning = false)"
    )


def _type(kind: Kind) -> str:
    if kind in FIELDS:
        fields = ", ".join(f'"{name}" {_SCALARS["moment" if name == "since" else "text"]}' for name in FIELDS[kind])
        return f"STRUCT({fields})[]"
    return _SCALARS[kind]


_SCALARS: dict[Kind, str] = {
    "text": "VARCHAR",
    "truth": "BOOLEAN",
    "number": "BIGINT",
    "moment": "TIMESTAMPTZ",
    "texts": "VARCHAR[]",
}
