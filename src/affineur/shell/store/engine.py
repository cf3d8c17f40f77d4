"""Connections and transactions.

Two kinds of transaction exist. `Store.read` sees one consistent state and locks nobody out. `Store.write` is
the only way to change anything: writers stand in line (SQLite: ``BEGIN IMMEDIATE``; PostgreSQL: the row of
`journal_head` is locked first), so what a rule has read is still true when its act is committed, and journal
serials come in commit order.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from . import schema

SCHEMA_REVISION = "0007"
"""The newest migration. A test holds it against `migrations/`."""


_TRUSTED_SECONDS = 30.0
"""A connection to PostgreSQL that rested for longer is asked whether it still answers, before it is used."""


class SchemaMismatch(Exception):
    """The database is older or newer than the program; the message says which and what to do."""


class Store:
    """One database. Safe to share between threads; open one per process."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writing = engine.execution_options(affineur_write=True)
        if self.is_sqlite:
            # An engine that nobody listens to, over the same connections: listeners cost every read 20 µs.
            self._reading = self._asking = sa.create_engine(engine.url, pool=engine.pool, hide_parameters=True)
        else:
            self._reading = engine.execution_options(isolation_level="REPEATABLE READ")
            self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction over one consistent state; nothing done in it is kept."""
        with self._reading.connect() as connection:
            if self.is_sqlite:
                # Neither waits nor fails, so nothing has to stand between: every request that reads begins with it.
                connection.connection.dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]
            yield connection

    @contextmanager
    def ask(self) -> Iterator[sa.Connection]:
        """For a single question: each statement sees one consistent state, two of them may see two.

        No transaction is begun and ended around it, which on PostgreSQL are round trips of their own.
        """
        with self._asking.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """The transaction in which one act happens, whole or not at all. Durable when the block is left."""
        with self._writing.begin() as connection:
            if not self.is_sqlite:
                connection.execute(sa.select(schema.journal_head.c.serial).with_for_update())
            yield connection

    def create(self) -> None:
        """Bring an empty or older database to the present schema."""
        if self.revision() == SCHEMA_REVISION:  # found without what runs migrations, which is dear to load
            return
        from .migrate import upgrade

        upgrade(self.engine)

    def require_current(self) -> None:
        """Raise `SchemaMismatch` unless the schema is the one this program was written for."""
        found = self.revision()
        if found == SCHEMA_REVISION:
            return
        if found is None:
            raise SchemaMismatch("The database is empty. Run `affineur init` first.")
        raise SchemaMismatch(
            f"The database has schema {found}, this program needs {SCHEMA_REVISION}. "
            "Run `affineur migrate` (an older program cannot use a newer database)."
        )

    def revision(self) -> str | None:
        """The migration the database is at; None for an empty one."""
        if not sa.inspect(self.engine).has_table("alembic_version"):
            return None
        with self.engine.connect() as connection:
            found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return None if found is None else str(found)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def connect(url: str) -> Store:
    """Open the database at ``url`` (SQLAlchemy form). The folder of an SQLite file is made where missing."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            parsed, hide_parameters=True, connect_args={"timeout": 30.0, "check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = sa.create_engine(parsed, hide_parameters=True, pool_size=4, max_overflow=12)
        _require_living_connections(engine)
    return Store(engine)


def _require_living_connections(engine: sa.Engine) -> None:
    """Never hand out a connection that the server has given up; it is replaced by a new one.

    Whoever ends a connection says so, and what was said waits to be read: looking whether anything does costs a
    microsecond or two, where asking the server each time would cost a round trip. A network between that forgets
    silently is found by asking after a long rest.
    """

    def rest(_connection: object, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def require(connection: Any, record: Any, _proxy: object) -> None:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        if waiting.poll(0):
            raise sa.exc.DisconnectionError
        rested_seconds = time.monotonic() - record.info.get("rests_since", time.monotonic())
        if rested_seconds > _TRUSTED_SECONDS and not engine.dialect._do_ping_w_event(connection):
            raise sa.exc.DisconnectionError

    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", require)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling would begin too late and with a plain BEGIN; `_begin_sqlite` does it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # an acknowledged upload survives the loss of power
        "foreign_keys = ON",
        "busy_timeout = 30000",
        "cache_size = -8192",  # KiB
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A plain BEGIN that reads and then writes fails at once when another writer came first: it cannot wait,
    # because what it has read is already old. IMMEDIATE waits in line before reading.
    writes = connection.get_execution_options().get("affineur_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
