"""What somebody typed, made harmless and small."""

from __future__ import annotations

from dataclasses import dataclass

from .words import storable, words_of

TEXT_LENGTH = 200
"""Characters of a query that are looked at; the longest project name has as many."""

TERMS = 6
"""Distinct words of a query that are looked at: each costs a pass over its list of projects."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: at most `TERMS` distinct words of letters and digits; the last may be a beginning.

    ``name`` is the project name it would be (``Flask SQLAlchemy`` is ``flask-sqlalchemy``), ``compact`` the
    same without separators.
    """

    terms: tuple[str, ...]
    name: str
    compact: str

    @property
    def whole(self) -> tuple[str, ...]:
        """The words that must stand as they are."""
        return self.terms[:-1]

    @property
    def beginning(self) -> str:
        """The last word, which is still being typed."""
        return self.terms[-1]

    def with_terms(self, terms: tuple[str, ...]) -> Query:
        """The query for other words."""
        return _from_words(list(terms))


def parse_query(text: str) -> Query | None:
    """The query in ``text``; ``None`` where there is no letter or digit in it. Never raises."""
    words = words_of(storable(text[:TEXT_LENGTH])[:TEXT_LENGTH])
    return _from_words(words) if words else None


def _from_words(words: list[str]) -> Query:
    # The last word stays last, it is the one being typed: of a repeated word the later place counts.
    distinct = list(dict.fromkeys(reversed(words)))[::-1]
    kept = distinct if len(distinct) <= TERMS else [*distinct[: TERMS - 1], distinct[-1]]
    return Query(tuple(kept), "-".join(words), "".join(words))
