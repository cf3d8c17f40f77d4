"""What a search asks of SQLite. How the tables come about is in `sqlite`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from affineur.core.names import NormalizedName

from .port import Hit
from .query import Query
from .ranking import OutOfTimeError
from .spelling import Known

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Times are kept as microseconds since then."""


class SqliteLookups:
    """`Lookups` on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def named(self, query: Query) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.named`."""
        return self._rows("SELECT id, name FROM document WHERE name IN (?,?)", (query.name, query.compact))

    def in_names(self, query: Query, most: int) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.in_names`."""
        match = _all_of(query)
        if len(query.terms) > 1:
            match = f'({match}) OR "{query.compact[:40]}" *'
        return self._rows(
            "SELECT d.id, d.name FROM name_word AS w CROSS JOIN document AS d ON d.id = w.rowid "
            "WHERE w.name_word MATCH ? ORDER BY w.rowid LIMIT ?",
            (match, most),
        )

    def anywhere(self, query: Query, most: int) -> list[int]:
        """See `Lookups.anywhere`."""
        return self._ids("any_word", _all_of(query), most)

    def with_word(self, word: str, beginning: bool, most: int) -> list[int]:
        """See `Lookups.with_word`."""
        return self._ids("any_word", f'"{word}" *' if beginning else f'"{word}"', most)

    def with_part(self, part: str, most: int) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.with_part`."""
        threes = dict.fromkeys(part[place : place + 3] for place in range(min(len(part) - 2, 16)))
        return self._rows(
            "SELECT d.id, d.name FROM name_part AS p CROSS JOIN document AS d ON d.id = p.rowid "
            "WHERE p.name_part MATCH ? ORDER BY p.rowid LIMIT ?",
            (" AND ".join(f'"{three}"' for three in threes), most),
        )

    def known(self, keys: Sequence[str]) -> list[Known]:
        """See `Lookups.known`."""
        marks = ",".join("?" * len(keys))
        rows = self._rows(
            f"SELECT DISTINCT word, best FROM deletion JOIN known_word USING (word) WHERE key IN ({marks})",  # noqa: S608
            tuple(keys),
        )
        return [Known(word, best) for word, best in rows]

    def hits(self, ids: Sequence[int]) -> dict[int, Hit]:
        """See `Lookups.hits`."""
        rows = self._rows(
            "SELECT id, name, display_name, version, summary, updated_us FROM document "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {row[0]: Hit(row[1], row[2], row[3], row[4], EPOCH + timedelta(microseconds=row[5])) for row in rows}

    def _ids(self, table: str, match: str, most: int) -> list[int]:
        statement = f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid LIMIT ?"  # noqa: S608
        return [row[0] for row in self._rows(statement, (match, most))]

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise OutOfTimeError from error
            raise


def _all_of(query: Query) -> str:
    """The FTS5 expression for all words of a query. Its words are letters and digits: nothing to escape."""
    return " AND ".join([*(f'"{term}"' for term in query.whole), f'"{query.beginning}" *'])
