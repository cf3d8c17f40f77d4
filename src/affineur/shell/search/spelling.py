"""Typing errors: which known word was probably meant.

A word is found by its *deletions*: two words that differ by one letter put in, left out, changed, or
swapped with its neighbour share one when each loses at most one letter (the symmetric form of Mor and
Fraenkel, "A hash code method for detecting and correcting spelling errors", CACM 25(12), 1982). So an engine
needs nothing but a table from deletion to word, and one look-up by equality. Long words typed with two
errors are found where losing two letters on the typed side is enough.

The dictionary is the names, and the words within names, of the `DICTIONARY` heaviest projects: nobody means
a project that nobody uses, and all of 886,000 names would cost ten million rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz.distance import OSA

DICTIONARY = 100_000
"""How many of the heaviest projects a rebuild takes words from (each later change adds its own)."""

SHORTEST = 4
LONGEST = 20
_LONG = 8
"""From this length on, two errors are allowed."""


@dataclass(frozen=True, slots=True)
class Known:
    """A word of the dictionary and the id of the heaviest project whose name has it."""

    word: str
    best: int


def is_correctable(word: str) -> bool:
    """Whether a word is long enough for a guess to mean something, and plain enough to look up."""
    return SHORTEST <= len(word) <= LONGEST and not word.isdecimal()


def deletions(word: str) -> Iterator[str]:
    """The word, and the word with any one letter left out: the keys under which it is known."""
    yield word
    yield from {word[:place] + word[place + 1 :] for place in range(len(word))}


def keys_to_look_up(typed: str) -> list[str]:
    """The keys under which a word meant by ``typed`` is known: at most 1 + 20 + 190."""
    keys = set(deletions(typed))
    if len(typed) >= _LONG:
        for first, second in combinations(range(len(typed)), 2):
            keys.add(typed[:first] + typed[first + 1 : second] + typed[second + 1 :])
    return sorted(keys)


def nearest(typed: str, known: Iterable[Known]) -> Known | None:
    """The word of ``known`` with the fewest errors, then the heaviest project; not ``typed`` itself."""
    most = 2 if len(typed) >= _LONG else 1
    best: tuple[int, int, str] | None = None
    for candidate in known:
        errors = OSA.distance(typed, candidate.word, score_cutoff=most)
        if 0 < errors <= most:
            found = (errors, candidate.best, candidate.word)
            best = found if best is None else min(best, found)
    return Known(best[2], best[1]) if best else None
