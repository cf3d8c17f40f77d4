"""The search itself: which lists are read, how far, and in which order hits come.

Both engines share it. They answer a handful of look-ups (`Lookups`), each of which gives ids heaviest first
and stops at a given number, so that a search costs about the same whatever is asked. The order of hits:

1. the project whose name was typed, then those that differ from it in separators only,
2. if there are few, and a word looks like a slip: everything for the corrected spelling,
3. projects whose name begins with what was typed,
4. all others by weight, where words in the name count more than words elsewhere; if there are few, also
   those whose name contains the text somewhere,
5. if there are none at all, those that have some of the words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from affineur.core.names import NormalizedName

from .port import PAGE_LIMIT, Hit, Order, Results
from .query import Query, parse_query
from .spelling import Known, is_correctable, keys_to_look_up, nearest
from .weight import STEPS, doublings, level_of_id
from .words import compact

POOL = 1000
"""Ids read of one list. Nobody pages past the thousandth hit, and reading costs about 3 µs an id."""

FEW = 10
"""Fewer hits than this, and other readings of the text are tried."""

PARTS = 200
"""With fewer hits than this, and at most as many as this, names that contain the text are added."""

_PART_TERMS = 3
"""Nobody types four words that are the inside of a name."""

SOME = 100
"""Ids read of one word's list when no project has all words."""

_HEAVIER = 5 * STEPS
"""A word that exists is taken for a slip only when the other one is 2**5 times heavier."""

_WHOLE_WORD = 2.0
_IN_NAME = 6.0
_PART = 2.0
"""In doublings: a word in the name outweighs 2**6 times the downloads; a part of one costs a quarter."""

_TYPED = (0, 1, 12, 13)
_CORRECTED = (2, 3, 4, 5)
_SOME = (20, 21, 22, 23)
"""Groups in which hits come, for: the very name, the name but for separators, a name that begins so, all
words anywhere, the text as a part of a name."""


class OutOfTimeError(Exception):
    """A look-up was stopped at its time limit."""


class Lookups(Protocol):
    """What an engine answers. Ids and rows come in the order of ids, that is heaviest first."""

    def named(self, query: Query) -> list[tuple[int, NormalizedName]]:
        """The projects whose name, with or without separators, is the query's."""

    def in_names(self, query: Query, most: int) -> list[tuple[int, NormalizedName]]:
        """Projects with all words in the name, or a name's word that begins with the words joined."""

    def anywhere(self, query: Query, most: int) -> list[int]:
        """Projects with all words in name, summary or keywords."""

    def with_word(self, word: str, beginning: bool, most: int) -> list[int]:
        """Projects with one word (or one that begins with it) in name, summary or keywords."""

    def with_part(self, part: str, most: int) -> list[tuple[int, NormalizedName]]:
        """Projects whose name, without separators, contains ``part`` (three characters or more)."""

    def known(self, keys: Sequence[str]) -> list[Known]:
        """The words of the dictionary that have one of ``keys`` among their deletions."""

    def hits(self, ids: Sequence[int]) -> dict[int, Hit]:
        """The projects with these ids."""


@dataclass(slots=True)
class _Found:
    """Hits so far: for each id its place, which is the group it belongs to, then its score."""

    places: dict[int, tuple[int, float]] = field(default_factory=dict)
    complete: bool = True

    def add(self, identifier: int, group: int, score: float) -> None:
        """Note a hit; the first place counts, for groups are tried best first."""
        self.places.setdefault(identifier, (group, -score))

    def in_order(self) -> list[int]:
        """The ids, best first."""
        return [identifier for _, identifier in sorted((place, i) for i, place in self.places.items())]


def search(lookups: Lookups, text: str, limit: int, offset: int, order: Order) -> Results:
    """What `SearchIndex.search` promises, from an engine's look-ups."""
    query = parse_query(text)
    if query is None:
        return Results((), 0, True, None)
    found = _Found()
    corrected: Query | None = None
    try:
        _gather(lookups, query, found, _TYPED)
        if len(found.places) < FEW:
            corrected = _corrected(lookups, query)
        if corrected is not None:
            _gather(lookups, corrected, found, _CORRECTED)
        if not found.places and len(query.terms) > 1:
            _gather_some(lookups, query, found)
    except OutOfTimeError:
        found.complete = False
    meant = " ".join(corrected.terms) if corrected else None
    return _page(lookups, found, order, start=max(offset, 0), limit=min(max(limit, 0), PAGE_LIMIT), meant=meant)


def _gather(lookups: Lookups, query: Query, found: _Found, groups: Sequence[int]) -> None:
    """Add the hits that have all words."""
    before = len(found.places)
    in_names = lookups.in_names(query, POOL)
    for identifier, name in (*lookups.named(query), *in_names):
        found.add(identifier, groups[_nearness(query, name)], _name_score(query, identifier, name))
    anywhere = lookups.anywhere(query, POOL)
    for identifier in anywhere:
        found.add(identifier, groups[3], doublings(identifier))
    if max(len(in_names), len(anywhere)) >= POOL:
        found.complete = False
    if len(found.places) - before < PARTS and len(query.compact) > 2 and len(query.terms) <= _PART_TERMS:
        _gather_parts(lookups, query, found, groups[3])


def _nearness(query: Query, name: str) -> int:
    """Which of the groups a project with all words in its name belongs to."""
    if name == query.name:
        return 0
    if compact(name) == query.compact:
        return 1
    return 2 if name.startswith(query.name) else 3


def _name_score(query: Query, identifier: int, name: str) -> float:
    score = doublings(identifier) + _IN_NAME
    pieces = name.split("-")
    if all(term in pieces for term in query.terms):
        score += _WHOLE_WORD
    return score


def _gather_parts(lookups: Lookups, query: Query, found: _Found, group: int) -> None:
    """Add the hits whose name contains the text anywhere (``http`` in ``aiohttp``)."""
    rows = lookups.with_part(query.compact, PARTS)
    for identifier, name in rows:
        if query.compact in compact(name):
            found.add(identifier, group, doublings(identifier) - _PART)
    if len(rows) >= PARTS:
        found.complete = False


def _corrected(lookups: Lookups, query: Query) -> Query | None:
    """The query with slips put right, or ``None`` where nothing better is known."""
    terms = tuple(
        _corrected_word(lookups, term, beginning=place == len(query.terms) - 1)
        for place, term in enumerate(query.terms)
    )
    return query.with_terms(terms) if terms != query.terms else None


def _corrected_word(lookups: Lookups, typed: str, beginning: bool) -> str:
    if not is_correctable(typed):
        return typed
    known = lookups.known(keys_to_look_up(typed))
    meant = nearest(typed, known)
    if meant is None:
        return typed
    # The dictionary may know the typed word too; asking it is cheaper than asking for a common word.
    there = [word.best for word in known if word.word == typed]
    if not _is_heavier(meant, there) or not _is_heavier(meant, lookups.with_word(typed, beginning, 1)):
        return typed
    return meant.word


def _is_heavier(meant: Known, there: Sequence[int]) -> bool:
    return not there or level_of_id(meant.best) >= level_of_id(there[0]) + _HEAVIER


def _gather_some(lookups: Lookups, query: Query, found: _Found) -> None:
    """Add hits that have some of the words: all that exist, or else those with the rarer ones first."""
    ids_of_term = {
        term: lookups.with_word(term, place == len(query.terms) - 1, SOME) for place, term in enumerate(query.terms)
    }
    existing = tuple(term for term, ids in ids_of_term.items() if ids)
    if existing and len(existing) < len(query.terms):
        _gather(lookups, query.with_terms(existing), found, _SOME)
    if found.places:
        return
    scores: dict[int, float] = {}
    for ids in ids_of_term.values():
        found.complete = found.complete and len(ids) < SOME
        for identifier in ids:
            scores[identifier] = scores.get(identifier, 0.0) + 1 + math.log2(SOME / len(ids))
    for identifier, score in scores.items():
        found.add(identifier, _SOME[-1], score * 4 + doublings(identifier) / 2)


def _page(lookups: Lookups, found: _Found, order: Order, *, start: int, limit: int, meant: str | None) -> Results:
    ids = found.in_order()
    by_relevance = order is Order.RELEVANCE
    if by_relevance:
        ids = ids[start : start + limit]
    try:
        by_id = lookups.hits(ids)
    except OutOfTimeError:
        return Results((), 0, False, meant)
    page = [by_id[identifier] for identifier in ids if identifier in by_id]
    if not by_relevance:
        page = _sorted(page, order)[start : start + limit]
    return Results(tuple(page), len(found.places), found.complete, meant)


def _sorted(hits: Iterable[Hit], order: Order) -> list[Hit]:
    if order is Order.NAME:
        return sorted(hits, key=lambda hit: hit.name)
    return sorted(hits, key=lambda hit: (-hit.updated_at.timestamp(), hit.name))
