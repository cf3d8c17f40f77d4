"""Tables as text: each a gzip file whose first line names the columns and whose other lines are rows.

The form is the same for both databases and carries its own kinds, so a dump of one is loaded into the other, and
an older one into an older schema that is then migrated. Moments are microseconds since 1970 UTC; bytes are Base64.
What does not live here: blobs, and what makes a whole backup (`backup`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import orjson
import sqlalchemy as sa

from .progress import Tell
from .store import Store, schema

Kind = Literal["value", "moment", "boolean", "bytes"]
BATCH = 1000
LEFT_OUT = frozenset({"node", "edge", "follower"})
"""Tables that are made anew of the others: who requires whom. An upstream's projects among them are learned again."""
FORGOTTEN = frozenset({("lake_day", "salt")})
"""Columns that are written empty: what is forgotten after some days is not to be found in a backup of years ago."""
_LEVEL = 3  # a tenth of level 9's time for a few per cent more bytes


class Table(msgspec.Struct, frozen=True):
    """One dumped table: its name, how many rows it has, and the SHA-256 of its file."""

    name: str
    rows: int
    sha256: str


class Column(msgspec.Struct, frozen=True):
    """A column as the first line of a file names it."""

    name: str
    kind: Kind


class RowsUnfit(Exception):
    """A dump cannot be loaded into this program's schema; the message says why."""


def write(connection: sa.Connection, folder: Path, tell: Tell) -> list[Table]:
    """Every table but those that are derived, one file each in ``folder``, as of the caller's transaction."""
    written = []
    for table in schema.metadata.sorted_tables:
        name = str(table.name)  # SQLAlchemy's own kind of text until here
        if name in LEFT_OUT:
            continue
        columns = [Column(str(column.name), _kind(column.type)) for column in table.columns]
        plain = _plain(name, columns).columns
        query = sa.select(*(sa.null() if (name, column.name) in FORGOTTEN else column for column in plain))
        rows = connection.execute(query, execution_options={"yield_per": BATCH})
        total = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        written.append(write_file(folder, name, columns, _told(rows, name, total, tell)))
    return written


def write_file(folder: Path, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Table:
    """Write one table; what was written."""
    path = file_of(folder, name)
    count = 0
    binary = [number for number, column in enumerate(columns) if column.kind == "bytes"]
    with gzip.GzipFile(path, "wb", compresslevel=_LEVEL, mtime=0) as stream:
        stream.write(msgspec.json.encode(columns) + b"\n")
        for row in rows:
            values = list(row)
            for number in binary:
                values[number] = _text(values[number])
            stream.write(orjson.dumps(values) + b"\n")
            count += 1
    return Table(name, count, _sha256(path))


def read_file(folder: Path, name: str) -> tuple[list[Column], Iterator[list[Any]]]:
    """The columns and rows of a table. `OSError` or `EOFError` where its file cannot be read."""
    path = file_of(folder, name)
    with gzip.open(path, "rb") as stream:
        columns = msgspec.json.decode(stream.readline(), type=list[Column])

    def rows() -> Iterator[list[Any]]:
        binary = [number for number, column in enumerate(columns) if column.kind == "bytes"]
        with gzip.open(path, "rb") as stream:
            next(stream)
            for line in stream:
                values = orjson.loads(line)
                for number in binary:
                    values[number] = None if values[number] is None else base64.b64decode(values[number])
                yield values

    return columns, rows()


def verify(folder: Path, tables: Sequence[Table]) -> list[str]:
    """Which files are not what was written, as sentences; none means all are whole."""
    faults = []
    for table in tables:
        path = file_of(folder, table.name)
        if not path.exists():
            faults.append(f"{path.name} is missing.")
        elif _sha256(path) != table.sha256:
            faults.append(f"{path.name} was changed.")
    return faults


def load(store: Store, folder: Path, tables: Sequence[Table], revision: str, tell: Tell) -> None:
    """Bring ``store`` to ``revision``, put the rows in, all or none, and bring it to the present schema.

    What stood in the tables is deleted. `RowsUnfit` where the program does not know the revision.
    """
    _migrate_to(store, revision)
    known = {table.name: table for table in schema.metadata.sorted_tables}
    chosen = sorted((table for table in tables if table.name in known), key=lambda each: list(known).index(each.name))
    with store.write() as connection:
        for table in reversed(chosen):
            connection.execute(sa.delete(sa.table(table.name)))
        for table in chosen:
            columns, rows = read_file(folder, table.name)
            plain = _plain(table.name, columns)
            done = 0
            for batch in batches(rows, BATCH):
                names = [column.name for column in columns]
                connection.execute(plain.insert(), [dict(zip(names, row, strict=True)) for row in batch])
                done += len(batch)
                tell(table.name, done, table.rows)
            if not store.is_sqlite and known[table.name].autoincrement_column is not None:
                _advance_sequence(connection, table.name)
    store.create()


def file_of(folder: Path, name: str) -> Path:
    """Where the table ``name`` is in ``folder``."""
    return folder / f"{name}.jsonl.gz"


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """``items`` in lists of at most ``size``."""
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _kind(type_: sa.types.TypeEngine[Any]) -> Kind:
    if isinstance(type_, schema.Moment):
        return "moment"
    if isinstance(type_, sa.Boolean):
        return "boolean"
    return "bytes" if isinstance(type_, sa.LargeBinary) else "value"


def _plain(name: str, columns: Sequence[Column]) -> sa.TableClause:
    """The table with columns that are read and written as they are stored."""
    types: dict[Kind, Any] = {"boolean": sa.Boolean, "bytes": sa.LargeBinary, "moment": sa.BigInteger}
    return sa.table(name, *(sa.column(each.name, types.get(each.kind)) for each in columns))


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _told(rows: Iterable[Any], name: str, total: int, tell: Tell) -> Iterator[Any]:
    for done, row in enumerate(rows):
        if done % BATCH == 0:
            tell(name, done, total)
        yield row


def _migrate_to(store: Store, revision: str) -> None:
    from alembic import command
    from alembic.util import CommandError

    from .store.migrate import configuration

    try:
        with store.engine.execution_options(affineur_write=True).begin() as connection:
            command.upgrade(configuration(connection), revision)
    except CommandError:
        raise RowsUnfit(
            f"The backup is of database schema {revision}, which this program does not know. "
            "Restore it with the version of the program that made it, or a newer one."
        ) from None


def _advance_sequence(connection: sa.Connection, name: str) -> None:
    # Rows came with their keys; the next one that the database gives must not be among them.
    connection.execute(
        sa.text(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), "  # noqa: S608 - a name from our own schema
            f"(SELECT coalesce(max(id), 0) + 1 FROM {name}), false)"
        )
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
