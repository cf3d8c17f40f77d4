"""The search index in an SQLite file of its own (FTS5, WAL).

Layout: ``document`` holds what is shown; the three FTS5 tables hold only words (``content=''``,
``detail=none``: no positions, a fifth of the size) and are read in rowid order, which is the order of weight
(`weight`). FTS5 gives matches in that order as it finds them, so a ``LIMIT`` ends the work. Sources:
SQLite's documentation of FTS5, sections 4.4 (contentless tables), 4.2 (prefix indexes), 4.6 (detail).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from affineur.core.names import NormalizedName

from . import ranking
from .lending import Lender
from .port import Document, Order, Progress, Results
from .spelling import DICTIONARY, deletions, is_correctable
from .sqlite_lookups import EPOCH, SqliteLookups
from .weight import SEATS, first_id, level_of
from .words import FORMAT, all_words, compact, name_words, storable

SEARCH_SECONDS = 0.5
"""A search that takes longer is cut off and answers with what it has."""

WRITER_PATIENCE_SECONDS = 600
"""How long a writer waits for another: a rebuild of 886,000 projects holds the file for about a minute."""

READERS = 4
"""Connections that search; more than a machine's cores bring nothing, and each has a cache."""

_READER_CACHE_KIB = 4096
_REBUILD_CACHE_KIB = 131072
_STRIDE = 10_000

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS document (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    version TEXT NOT NULL,
    summary TEXT NOT NULL,
    keywords TEXT NOT NULL,
    updated_us INTEGER NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS document_name ON document (name);
CREATE VIRTUAL TABLE IF NOT EXISTS name_word USING fts5(
    words, content='', columnsize=0, detail=none, tokenize='ascii', prefix='1 2 3 4 5 6 7 8');
CREATE VIRTUAL TABLE IF NOT EXISTS any_word USING fts5(
    words, content='', columnsize=0, detail=none, tokenize='ascii', prefix='1 2 3 4 5 6 7 8');
CREATE VIRTUAL TABLE IF NOT EXISTS name_part USING fts5(
    name, content='', columnsize=0, detail=none, tokenize='trigram');
CREATE TABLE IF NOT EXISTS known_word (word TEXT PRIMARY KEY, best INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deletion (key TEXT, word TEXT, PRIMARY KEY (key, word)) WITHOUT ROWID;
"""
_TABLE_NAMES = ("document", "name_word", "any_word", "name_part", "known_word", "deletion")


class SqliteSearch:
    """`SearchIndex` in the file ``path``, whose folder must exist. Delete it only while nobody has it open."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._readers = Lender(self._open_reader, READERS)
        self._write_lock = threading.Lock()
        self._writer = self._open_writer()

    def replace(self, documents: Iterable[Document], *, serial: int | None = None) -> None:
        """See `SearchIndex.replace`."""
        with self._writing() as connection:
            for document in documents:
                _put(connection, document)
            _note_serial(connection, serial)

    def remove(self, names: Iterable[NormalizedName], *, serial: int | None = None) -> None:
        """See `SearchIndex.remove`."""
        with self._writing() as connection:
            for name in names:
                old = _stored(connection, name)
                if old is not None:
                    _take_out(connection, *old)
            _note_serial(connection, serial)

    def rebuild(self, documents: Iterable[Document], *, serial: int = 0, progress: Progress | None = None) -> None:
        """See `SearchIndex.rebuild`. One transaction: while it runs, the file holds both indexes."""
        with self._writing() as connection:
            connection.execute(f"PRAGMA cache_size=-{_REBUILD_CACHE_KIB}")
            try:
                for table in _TABLE_NAMES:
                    connection.execute(f"DROP TABLE {table}")
                _create(connection)
                _fill(connection, documents, progress)
                _index(connection, progress)
                _note_serial(connection, serial)
            finally:
                connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")

    def search(self, text: str, *, limit: int = 20, offset: int = 0, order: Order = Order.RELEVANCE) -> Results:
        """See `SearchIndex.search`."""
        with self._readers.lend() as connection:
            deadline = time.monotonic() + SEARCH_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            connection.execute("BEGIN")  # one view for all look-ups, whatever is written meanwhile
            try:
                return ranking.search(SqliteLookups(connection), text, limit, offset, order)
            finally:
                connection.set_progress_handler(None, 0)
                connection.rollback()

    def count(self) -> int:
        """See `SearchIndex.count`."""
        with self._readers.lend() as connection:
            return int(connection.execute("SELECT count(*) FROM document").fetchone()[0])

    def serial(self) -> int:
        """See `SearchIndex.serial`."""
        with self._readers.lend() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'serial'").fetchone()
        return int(row[0]) if row else 0

    def set_serial(self, serial: int) -> None:
        """See `SearchIndex.set_serial`."""
        with self._writing() as connection:
            _note_serial(connection, serial)

    def close(self) -> None:
        """See `SearchIndex.close`."""
        with self._write_lock:
            self._writer.close()
        self._readers.close()

    def _open_reader(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _open_writer(self) -> sqlite3.Connection:
        """The connection that writes, to a file that is there, whole, and of this format."""
        try:
            connection = _connect_writer(self._path)
            row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
            if row is not None and row[0] == FORMAT:
                return connection
            connection.close()
        except sqlite3.OperationalError:
            raise  # the place can't be reached or written: throwing the index away would not help
        except sqlite3.DatabaseError:
            pass
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self._path + suffix):
                os.unlink(self._path + suffix)
        return _connect_writer(self._path)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.rollback()
                raise
            self._writer.execute("COMMIT")


def _connect_writer(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WRITER_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
    # NORMAL: a power cut may lose the last writes, never the file; the serial goes with them.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")
    connection.execute("PRAGMA journal_size_limit=16777216")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        _create(connection)
        connection.execute("INSERT INTO meta VALUES ('format', ?), ('serial', 0)", (FORMAT,))
    connection.execute("COMMIT")
    return connection


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        connection.execute(statement)


def _note_serial(connection: sqlite3.Connection, serial: int | None) -> None:
    if serial is not None:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'serial'", (serial,))


# --- writing one document -------------------------------------------------------------------------------


def _row(document: Document) -> tuple[str, str, str, str, str, int]:
    return (
        document.name,
        storable(document.display_name),
        storable(document.version),
        storable(document.summary),
        json.dumps(document.keywords),
        (document.updated_at - EPOCH) // timedelta(microseconds=1),
    )


def _from_row(row: Sequence[object]) -> Document:
    name, display_name, version, summary, keywords, updated_us = map(str, row)
    updated_at = EPOCH + timedelta(microseconds=int(updated_us))
    words = tuple(json.loads(keywords))
    return Document(NormalizedName(name), display_name, version, summary, words, 0.0, updated_at)


def _texts(document: Document) -> tuple[str, str, str]:
    """What the three FTS5 tables hold of a document; to delete, it must be the same for the row read back."""
    names = name_words(document.name, document.display_name)
    everything = all_words(names, document.summary, document.keywords)
    return " ".join(names), " ".join(everything), compact(document.name)


def _stored(connection: sqlite3.Connection, name: str) -> tuple[int, Document] | None:
    row = connection.execute(
        "SELECT id, name, display_name, version, summary, keywords, updated_us FROM document WHERE name = ?",
        (name,),
    ).fetchone()
    return (row[0], _from_row(row[1:])) if row else None


def _put(connection: sqlite3.Connection, document: Document) -> None:
    """Add a document or replace the one of its name; the word lists are only touched where they change."""
    low = first_id(level_of(document.weight))
    old = _stored(connection, document.name)
    keeps_place = old is not None and low <= old[0] < low + SEATS
    new = _from_row(_row(document))
    if old is not None and keeps_place and _texts(old[1]) == _texts(new):
        connection.execute(
            "UPDATE document SET name=?, display_name=?, version=?, summary=?, keywords=?, updated_us=? WHERE id=?",
            (*_row(document), old[0]),
        )
        return
    if old is not None:
        _take_out(connection, *old)
    identifier = old[0] if old is not None and keeps_place else _next_id(connection, low)
    connection.execute("INSERT INTO document VALUES (?,?,?,?,?,?,?)", (identifier, *_row(document)))
    _add_words(connection, identifier, new)
    words = filter(is_correctable, name_words(new.name, new.display_name))
    _learn(connection, dict.fromkeys(words, identifier))


def _next_id(connection: sqlite3.Connection, low: int) -> int:
    row = connection.execute("SELECT max(id) FROM document WHERE id >= ? AND id < ?", (low, low + SEATS)).fetchone()
    return low if row[0] is None else int(row[0]) + 1


def _add_words(connection: sqlite3.Connection, identifier: int, document: Document) -> None:
    names, everything, part = _texts(document)
    connection.execute("INSERT INTO name_word (rowid, words) VALUES (?,?)", (identifier, names))
    connection.execute("INSERT INTO any_word (rowid, words) VALUES (?,?)", (identifier, everything))
    connection.execute("INSERT INTO name_part (rowid, name) VALUES (?,?)", (identifier, part))


def _take_out(connection: sqlite3.Connection, identifier: int, document: Document) -> None:
    """Take a document out. Its words stay in the dictionary: a guess that finds nothing is not offered."""
    names, everything, part = _texts(document)
    for table, column, text in (
        ("name_word", "words", names),
        ("any_word", "words", everything),
        ("name_part", "name", part),
    ):
        connection.execute(
            f"INSERT INTO {table} ({table}, rowid, {column}) VALUES ('delete',?,?)",  # noqa: S608
            (identifier, text),
        )
    connection.execute("DELETE FROM document WHERE id = ?", (identifier,))


def _learn(connection: sqlite3.Connection, best_of_word: dict[str, int]) -> None:
    """Put words into the dictionary, each with the id of the heaviest project that has it."""
    connection.executemany(
        "INSERT INTO known_word VALUES (?,?) ON CONFLICT DO UPDATE SET best = min(best, excluded.best)",
        best_of_word.items(),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO deletion VALUES (?,?)",
        ((key, word) for word in best_of_word for key in deletions(word)),
    )


# --- rebuilding -----------------------------------------------------------------------------------------


def _fill(connection: sqlite3.Connection, documents: Iterable[Document], progress: Progress | None) -> None:
    taken: dict[int, int] = {}
    for done, document in enumerate(documents, 1):
        level = level_of(document.weight)
        seat = taken[level] = taken.get(level, -1) + 1
        connection.execute(
            "INSERT OR REPLACE INTO document VALUES (?,?,?,?,?,?,?)",
            (first_id(level) + seat, *_row(document)),
        )
        if progress and done % _STRIDE == 0:
            progress(done)


def _index(connection: sqlite3.Connection, progress: Progress | None) -> None:
    """Fill the word lists in the order of ids (FTS5 is slow in any other), and the dictionary."""
    best_of_word: dict[str, int] = {}
    rows = connection.execute(
        "SELECT id, name, display_name, version, summary, keywords, updated_us FROM document ORDER BY id"
    )
    for done, row in enumerate(rows, 1):
        document = _from_row(row[1:])
        _add_words(connection, row[0], document)
        if done <= DICTIONARY:
            for word in filter(is_correctable, name_words(document.name, document.display_name)):
                best_of_word.setdefault(word, row[0])
        if progress and done % _STRIDE == 0:
            progress(done)
    _learn(connection, best_of_word)
    for table in ("name_word", "any_word", "name_part"):
        connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608
