"""From text to words: the one place that says what a word is, for documents and for queries alike.

Both engines are given words that are ready, and neither's own tokeniser decides anything: so the same text
finds the same projects on both, and no character of a query means anything to an engine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FORMAT = 1
"""Raise it whenever this module or a table changes: an index of another format is thrown away and rebuilt."""

WORD_LENGTH = 40
"""Longer words are cut: nobody types them, and they would swell the vocabulary."""

DOCUMENT_WORDS = 250
"""Distinct words taken from one document. A summary has at most 512 characters (core metadata); keywords
have no limit, and a project must not be able to put itself into every result."""

# Chinese and Japanese are written without spaces: there, each character is a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_LETTERS = re.compile(r"[a-z]{2,}")


def fold(text: str) -> str:
    """``text`` without case, accents and compatibility forms (``"Ｎumpy É"`` becomes ``"numpy e"``)."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def storable(text: str) -> str:
    """``text`` without what a database refuses: NUL (PostgreSQL) and lone surrogates (both)."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def words_of(text: str) -> list[str]:
    """The words of ``text``, folded, in order, repeats included."""
    return [word[:WORD_LENGTH] for word in _WORD.findall(fold(text)) if word.isalnum()]


def compact(name: str) -> str:
    """A name without its separators: ``scikit-learn`` and ``scikitlearn`` are the same here."""
    return name.replace("-", "")


def name_words(name: str, display_name: str) -> list[str]:
    """The distinct words a project's name is made of.

    ``Flask-SQLAlchemy2`` gives ``flask``, ``sqlalchemy2``, ``sqlalchemy``, ``alchemy`` and, so that people
    who leave the separators out find it too, ``flasksqlalchemy2``.
    """
    pieces = name.split("-")
    letters = [run for piece in pieces if not piece.isalpha() for run in _LETTERS.findall(piece)]
    humps = [hump.lower() for hump in _CAMEL.findall(display_name) if len(hump) > 1]
    found = dict.fromkeys((*pieces, compact(name), *letters, *humps))
    return [word[:WORD_LENGTH] for word in found]


def all_words(names: list[str], summary: str, keywords: Iterable[str]) -> list[str]:
    """The distinct words of a whole document: ``names`` (see `name_words`), summary and keywords."""
    found = dict.fromkeys(names)
    found.update(dict.fromkeys(words_of(summary[:2048])))
    for keyword in keywords:
        if len(found) >= DOCUMENT_WORDS:
            break
        found.update(dict.fromkeys(words_of(keyword[:256])))
    return list(found)[:DOCUMENT_WORDS]
