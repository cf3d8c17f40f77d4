"""The search index in PostgreSQL, in the schema ``affineur_search`` (tsvector, and pg_trgm where there is).

PostgreSQL can't read the matches of a word in the order of weight: a GIN index gives all of them, to be
fetched and sorted. So the index is cut into *tiers* of growing size, heaviest projects first (4,000, then
four times as many, …), each with its own partial indexes, and a search goes down only until it has enough.
A tier that gave fewer than n matches means about 4 n in the next, so the work is bounded by what is asked
for, not by how common a word is. Where the tiers end is noted in ``meta`` and fixed anew when the number of
projects has doubled.

pg_trgm finds a text within names; where the extension is missing and may not be created, that one step is
left out. Correcting slips needs no extension (`spelling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from affineur.core.names import NormalizedName

from . import ranking
from .lending import Lender
from .port import Document, Order, Progress, Results
from .postgresql_lookups import SHORT_BEGINNING, Connection, PostgresqlLookups, tier_conditions
from .spelling import DICTIONARY, deletions, is_correctable
from .weight import SEATS, first_id, level_of
from .words import FORMAT, all_words, compact, name_words, storable

SEARCH_MILLISECONDS = 500
"""A look-up that takes longer is cut off; the search answers with what it has."""

READERS = 4
TIERS = (4_000, 16_000, 64_000, 256_000)
"""Projects in each tier but the last, which has the rest."""

_LOCK = 0x61666E72  # "afnr": the advisory lock that writers take turns by
_STRIDE = 10_000
_T = TypeVar("_T")

_TABLES = """
CREATE TABLE document{0} (
    id bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    display_name text NOT NULL,
    version text NOT NULL,
    summary text NOT NULL,
    compact text COLLATE "C" NOT NULL,
    updated_at timestamptz NOT NULL,
    name_words tsvector NOT NULL,
    any_words tsvector NOT NULL
);
CREATE TABLE known_word{0} (word text COLLATE "C" PRIMARY KEY, best bigint NOT NULL);
CREATE TABLE deletion{0} (key text COLLATE "C", word text COLLATE "C", PRIMARY KEY (key, word));
"""


class PostgresqlSearch:
    """`SearchIndex` in the database at ``url``, whose user may create a schema there (or owns it)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._readers = Lender(self._open_reader, READERS)
        self._writers = Lender(self._open, 1)
        with self._writing() as connection:
            _prepare(connection)

    def replace(self, documents: Iterable[Document], *, serial: int | None = None) -> None:
        """See `SearchIndex.replace`."""
        with self._writing() as connection:
            added = sum(_put(connection, document) for document in documents)
            _note_serial(connection, serial)
            if added:
                _count_added(connection, added)

    def remove(self, names: Iterable[NormalizedName], *, serial: int | None = None) -> None:
        """See `SearchIndex.remove`."""
        with self._writing() as connection:
            connection.execute("DELETE FROM document WHERE name = ANY(%s)", (list(names),))
            _note_serial(connection, serial)

    def rebuild(self, documents: Iterable[Document], *, serial: int = 0, progress: Progress | None = None) -> None:
        """See `SearchIndex.rebuild`. One transaction; readers wait only while tables change names."""
        with self._writing() as connection:
            connection.execute("SET LOCAL maintenance_work_mem = '128MB'")
            _execute(connection, _TABLES.format("_next"))
            _fill(connection, documents, progress)
            _learn_heaviest(connection)
            _cut_tiers(connection, "_next")
            for table in ("document", "known_word", "deletion"):
                _execute(connection, f"DROP TABLE {table}; ALTER TABLE {table}_next RENAME TO {table}")
            _note_serial(connection, serial)
        with self._writers.lend() as connection:
            connection.execute("VACUUM document, known_word, deletion")

    def search(self, text: str, *, limit: int = 20, offset: int = 0, order: Order = Order.RELEVANCE) -> Results:
        """See `SearchIndex.search`. Raises `psycopg.OperationalError` where the server can't be reached."""
        return self._read(lambda connection: ranking.search(PostgresqlLookups(connection), text, limit, offset, order))

    def count(self) -> int:
        """See `SearchIndex.count`."""
        return self._read(_count)

    def serial(self) -> int:
        """See `SearchIndex.serial`."""
        statement = "SELECT value FROM meta WHERE key = 'serial'"
        return int(self._read(lambda connection: _value(connection, statement)))

    def set_serial(self, serial: int) -> None:
        """See `SearchIndex.set_serial`."""
        with self._writing() as connection:
            _note_serial(connection, serial)

    def close(self) -> None:
        """See `SearchIndex.close`."""
        self._writers.close()
        self._readers.close()

    def _open(self) -> Connection:
        connection = psycopg.connect(self._url, autocommit=True)
        # A plan made for one word is wrong for another that is a thousand times as common.
        connection.prepare_threshold = None
        connection.execute("SET search_path TO affineur_search")
        connection.execute("SET jit TO off")
        return connection

    def _open_reader(self) -> Connection:
        connection = self._open()
        _execute(connection, f"SET statement_timeout TO {SEARCH_MILLISECONDS}")
        connection.execute("SET max_parallel_workers_per_gather TO 0")  # tiers one after another
        # Rows lie in the order of ids, which tempts the planner to read a whole tier and test each row.
        connection.execute("SET enable_indexscan TO off")
        connection.execute("SET enable_seqscan TO off")
        connection.execute("SET default_transaction_read_only TO on")
        return connection

    def _read(self, action: Callable[[Connection], _T]) -> _T:
        """The answer of ``action``, asked once more where the server was restarted since."""
        try:
            with self._readers.lend() as connection:
                return action(connection)
        except psycopg.errors.QueryCanceled:
            raise
        except psycopg.OperationalError:
            self._readers.close()
            with self._readers.lend() as connection:
                return action(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._writers.lend() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield connection


def _execute(connection: Connection, statement: str, values: Sequence[object] | None = None) -> None:
    """Run a statement put together from constants of this module."""
    connection.execute(statement, values)


def _value(connection: Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row[0] if row else 0


def _count(connection: Connection) -> int:
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout TO 0")
        return int(_value(connection, "SELECT count(*) FROM document"))


def _prepare(connection: Connection) -> None:
    """Make schema and tables where they are missing or of another format."""
    # Not CREATE … IF NOT EXISTS: that asks for the right to create schemas even where there is nothing to do.
    if _value(connection, "SELECT count(*) FROM pg_namespace WHERE nspname = 'affineur_search'") == 0:
        connection.execute("CREATE SCHEMA affineur_search")
    connection.execute("CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value bigint NOT NULL)")
    if _value(connection, "SELECT value FROM meta WHERE key = 'format'") == FORMAT:
        return
    connection.execute("DROP TABLE IF EXISTS document, known_word, deletion")
    connection.execute("TRUNCATE meta")
    _execute(connection, "INSERT INTO meta VALUES ('format', %s), ('serial', 0), ('added', 0)", (FORMAT,))
    _execute(connection, _TABLES.format(""))
    _cut_tiers(connection, "")


def _note_serial(connection: Connection, serial: int | None) -> None:
    if serial is not None:
        connection.execute("UPDATE meta SET value = %s WHERE key = 'serial'", (serial,))


# --- tiers ----------------------------------------------------------------------------------------------


def _cut_tiers(connection: Connection, suffix: str) -> None:
    """Note where the tiers end now, and make the indexes of each (and drop those of former tiers)."""
    ends: list[int] = []
    offset = 0
    for size in TIERS:
        offset += size
        statement = f"SELECT id FROM document{suffix} ORDER BY id OFFSET %s LIMIT 1"  # noqa: S608
        row = connection.execute(statement, (offset - 1,)).fetchone()
        if row is None:
            break
        ends.append(row[0])
    connection.execute("DELETE FROM meta WHERE key LIKE 'tier%'")
    for place, end in enumerate(ends):
        connection.execute("INSERT INTO meta VALUES (%s, %s)", (f"tier{place}", end))
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'added'")
    _drop_tier_indexes(connection, suffix)
    columns = ["name_words", "any_words", *_trigram_column(connection)]
    for condition in tier_conditions(ends):
        for column in columns:
            _execute(
                connection,
                f"CREATE INDEX ON document{suffix} USING gin ({column}) WITH (fastupdate = off) WHERE {condition}",
            )
    _execute(connection, f"ANALYZE document{suffix}")


def _drop_tier_indexes(connection: Connection, suffix: str) -> None:
    rows = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "JOIN pg_am ON pg_am.oid = relam WHERE indrelid = to_regclass(%s) AND amname = 'gin'",
        (f"document{suffix}",),
    ).fetchall()
    for (name,) in rows:
        _execute(connection, f"DROP INDEX {name}")


def _trigram_column(connection: Connection) -> list[str]:
    """What to index for texts within names: nothing where pg_trgm is neither there nor may be created."""
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA affineur_search")
    except psycopg.Error:
        return []
    schema = _value(
        connection,
        "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'",
    )
    return [f"compact {schema}.gin_trgm_ops"]


def _count_added(connection: Connection, added: int) -> None:
    """Cut the tiers anew when as many projects were added since as there were (and at least one tier)."""
    connection.execute("UPDATE meta SET value = value + %s WHERE key = 'added'", (added,))
    since = int(_value(connection, "SELECT value FROM meta WHERE key = 'added'"))
    if since > TIERS[0] and since * 2 > _count(connection):
        _cut_tiers(connection, "")


# --- writing --------------------------------------------------------------------------------------------


def _row(identifier: int, document: Document) -> tuple[object, ...]:
    names = name_words(document.name, document.display_name)
    everything = all_words(names, document.summary, document.keywords)
    return (
        identifier,
        document.name,
        storable(document.display_name),
        storable(document.version),
        storable(document.summary),
        compact(document.name),
        document.updated_at,
        _vector(names),
        _vector(everything),
    )


def _vector(words: Sequence[str]) -> str:
    """The words as a tsvector is written, and their short beginnings marked as such (see `beginning`).

    Words are letters and digits only: there is nothing to escape.
    """
    lexemes = dict.fromkeys(words)
    for length in range(1, SHORT_BEGINNING + 1):
        lexemes.update({f"{word[:length]}*": None for word in words if len(word) >= length})
    return " ".join(f"'{lexeme}'" for lexeme in lexemes)


def _put(connection: Connection, document: Document) -> int:
    """Add a document or replace the one of its name; the number of documents that are new."""
    low = first_id(level_of(document.weight))
    old = connection.execute("SELECT id FROM document WHERE name = %s", (document.name,)).fetchone()
    if old is not None and low <= old[0] < low + SEATS:
        identifier = old[0]
    else:
        highest = connection.execute(
            "SELECT max(id) FROM document WHERE id >= %s AND id < %s", (low, low + SEATS)
        ).fetchone()
        identifier = low if highest is None or highest[0] is None else highest[0] + 1
    connection.execute(
        "INSERT INTO document (id, name, display_name, version, summary, compact, updated_at, name_words, "
        "any_words) VALUES (%s, %s, %s, %s, %s, %s, %s, %s::tsvector, %s::tsvector) "
        "ON CONFLICT (name) DO UPDATE SET id = excluded.id, display_name = excluded.display_name, "
        "version = excluded.version, summary = excluded.summary, updated_at = excluded.updated_at, "
        "name_words = excluded.name_words, any_words = excluded.any_words",
        _row(identifier, document),
    )
    words = list(filter(is_correctable, name_words(document.name, document.display_name)))
    for word in words:
        connection.execute(
            "INSERT INTO known_word VALUES (%s, %s) ON CONFLICT (word) DO UPDATE "
            "SET best = excluded.best WHERE known_word.best > excluded.best",
            (word, identifier),
        )
    pairs = [(key, word) for word in words for key in deletions(word)]
    connection.execute(
        "INSERT INTO deletion SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
        ([key for key, _ in pairs], [word for _, word in pairs]),
    )
    return 0 if old else 1


def _fill(connection: Connection, documents: Iterable[Document], progress: Progress | None) -> None:
    """Copy the documents in, then put them in the order of ids: what is read together lies together."""
    connection.execute(
        "CREATE TEMPORARY TABLE arriving (arrival bigint, LIKE document_next) ON COMMIT DROP",
    )
    taken: dict[int, int] = {}
    with connection.cursor().copy("COPY arriving FROM STDIN") as copy:
        for done, document in enumerate(documents, 1):
            level = level_of(document.weight)
            seat = taken[level] = taken.get(level, -1) + 1
            copy.write_row((done, *_row(first_id(level) + seat, document)))
            if progress and done % _STRIDE == 0:
                progress(done)
    connection.execute("CREATE INDEX ON arriving (name, arrival)")
    connection.execute("ANALYZE arriving")
    connection.execute(
        "DELETE FROM arriving AS one USING arriving AS later "
        "WHERE later.name = one.name AND later.arrival > one.arrival"
    )
    connection.execute("ALTER TABLE arriving DROP COLUMN arrival")
    connection.execute("INSERT INTO document_next SELECT * FROM arriving ORDER BY id")
    if progress and taken:
        progress(done)


def _learn_heaviest(connection: Connection) -> None:
    best_of_word: dict[str, int] = {}
    rows = connection.execute("SELECT id, name, display_name FROM document_next ORDER BY id LIMIT %s", (DICTIONARY,))
    for identifier, name, display_name in rows:
        for word in filter(is_correctable, name_words(name, display_name)):
            best_of_word.setdefault(word, identifier)
    with connection.cursor().copy("COPY known_word_next FROM STDIN") as copy:
        for known in best_of_word.items():
            copy.write_row(known)
    with connection.cursor().copy("COPY deletion_next FROM STDIN") as copy:
        for word in best_of_word:
            for key in dict.fromkeys(deletions(word)):
                copy.write_row((key, word))
    connection.execute("ANALYZE known_word_next, deletion_next")
