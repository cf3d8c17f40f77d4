"""What a search asks of PostgreSQL. How the tables come about is in `postgresql`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import psycopg

from affineur.core.names import NormalizedName

from .port import Hit
from .query import Query
from .ranking import OutOfTimeError
from .spelling import Known

Connection = psycopg.Connection[tuple[Any, ...]]

SHORT_BEGINNING = 2
"""Letters: beginnings up to here are kept as words of their own, ``p*`` and ``py*``. Gathering the 300,000
projects that have a word with ``p`` from the lists of all those words would take 40 ms."""


def tier_conditions(ends: Sequence[int]) -> list[str]:
    """The SQL condition of each tier, from the id each but the last ends with."""
    lows, highs = [None, *ends], [*ends, None]
    return [
        " AND ".join(part for part in (f"id > {low}" if low else "", f"id <= {high}" if high else "") if part) or "true"
        for low, high in zip(lows, highs, strict=True)
    ]


def _ends(connection: Connection) -> list[int]:
    rows = connection.execute("SELECT value FROM meta WHERE key LIKE 'tier%' ORDER BY value").fetchall()
    return [row[0] for row in rows]


class PostgresqlLookups:
    """`Lookups` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiers = tier_conditions(_ends(connection))

    def named(self, query: Query) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.named`."""
        names = [query.name, query.compact]
        return self._rows("SELECT id, name FROM document WHERE name = ANY(%s)", (names,))

    def in_names(self, query: Query, most: int) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.in_names`."""
        match = _all_of(query)
        if len(query.terms) > 1:
            match = f"{match} | {_beginning(query.compact[:40])}"
        return self._heaviest("name_words @@ %s::tsquery", match, most)

    def anywhere(self, query: Query, most: int) -> list[int]:
        """See `Lookups.anywhere`."""
        return [row[0] for row in self._heaviest("any_words @@ %s::tsquery", _all_of(query), most)]

    def with_word(self, word: str, beginning: bool, most: int) -> list[int]:
        """See `Lookups.with_word`."""
        match = _beginning(word) if beginning else f"'{word}'"
        return [row[0] for row in self._heaviest("any_words @@ %s::tsquery", match, most)]

    def with_part(self, part: str, most: int) -> list[tuple[int, NormalizedName]]:
        """See `Lookups.with_part`."""
        if not self._rows("SELECT FROM pg_extension WHERE extname = 'pg_trgm'", ()):
            return []
        return self._heaviest("compact LIKE %s", f"%{part}%", most)

    def known(self, keys: Sequence[str]) -> list[Known]:
        """See `Lookups.known`."""
        rows = self._rows(
            "SELECT DISTINCT word, best FROM deletion JOIN known_word USING (word) WHERE key = ANY(%s)",
            (list(keys),),
        )
        return [Known(word, best) for word, best in rows]

    def hits(self, ids: Sequence[int]) -> dict[int, Hit]:
        """See `Lookups.hits`."""
        rows = self._rows(
            "SELECT id, name, display_name, version, summary, updated_at FROM document WHERE id = ANY(%s)",
            (list(ids),),
        )
        return {row[0]: Hit(row[1], row[2], row[3], row[4], row[5].astimezone(UTC)) for row in rows}

    def _heaviest(self, condition: str, value: str, most: int) -> list[tuple[int, NormalizedName]]:
        """The matches of one tier after the other, until there are ``most``.

        ``id + 0`` keeps the planner from walking the primary key in the hope of an early end.
        """
        parts = [
            f"(SELECT id, name FROM document WHERE {condition} AND {tier} ORDER BY id + 0 LIMIT {most})"  # noqa: S608
            for tier in self._tiers
        ]
        together = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS tiers LIMIT {most}"  # noqa: S608
        return self._rows(together, (value,) * len(parts))

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except psycopg.errors.QueryCanceled as error:
            raise OutOfTimeError from error


def _all_of(query: Query) -> str:
    """The tsquery for all words of a query."""
    return " & ".join([*(f"'{term}'" for term in query.whole), _beginning(query.beginning)])


def _beginning(letters: str) -> str:
    """The tsquery for words that begin so."""
    return f"'{letters}*'" if len(letters) <= SHORT_BEGINNING else f"'{letters}':*"
