"""Passwords: which ones may be chosen, and in which form two of them are the same.

What does not live here: hashing, and looking into lists of breached passwords (`shell.passwords`); how often one
may guess (`throttle`). Sources: OWASP ASVS 5.0 §6.2, RFC 8265 §4.2 (OpaqueString), zxcvbn (Wheeler, USENIX
Security 2016).
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection

from zxcvbn import zxcvbn

from ..decision import Decision, allow, deny

SHORTEST = 12
"""Characters. ASVS 5.0 §6.2.1 asks for 8 at least and would rather see 15; together with the strength below, 12 is
where four common words or a generated password begin."""

LONGEST = 1024
"""Characters. Far above what a password manager makes, and low enough that no one sends a book to be hashed."""

LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: at least 10^8 guesses, which `throttle` spreads over millennia."""

_JUDGED = 72
"""Characters that zxcvbn sees. Its time grows with the square of the length (15 ms for 72, 35 ms for 100). What
follows them can only make a password harder to guess, so this errs on the side of refusing."""

_LEAST_OF_OWN = 8
"""Letters and digits that a password has besides words about its owner. zxcvbn alone lets name, dot, name pass: it
takes every further piece for 10^4 guesses at least."""

_MOST_WORDS = 50
_SHORTEST_WORD = 3
_BETWEEN_WORDS = re.compile(r"[\W_]+")

# zxcvbn keeps the words of the person it is judging for in a table of the module: one judgement at a time, or two
# people's words would be mixed up.
_ONE_AT_A_TIME = threading.Lock()


def prepare(password: str) -> str:
    """The form in which a password is counted, hashed and looked up: NFC, and nothing else is changed.

    RFC 8265 §4.2.2: keyboards differ in whether "é" arrives as one code point or as two, and both are the same
    password. NFKC would go further and take visibly different characters (``ﬁ`` and ``fi``, ``²`` and ``2``) for
    the same, which ASVS 5.0 §6.2.8 forbids; so would folding case or cutting off spaces.
    """
    return unicodedata.normalize("NFC", password)


def is_possible(password: str) -> bool:
    """Whether this may be the password of anybody, by length alone: what is not need not be hashed to be refused."""
    return 0 < len(password) <= 4 * LONGEST and len(prepare(password)) <= LONGEST  # NFC shrinks at most 4 to 1


def judge(password: str, about: Collection[str], breached: bool) -> Decision:
    """Whether somebody may choose this password.

    ``about``: what anybody can know of them (account name, display name, e-mail addresses, name of the index);
    ``breached``: it is on the operator's list. Refused by ``password.length``, ``password.breached`` and
    ``password.guessable``. Any characters will do, in any mixture (ASVS 5.0 §6.2.5).

    It takes up to 20 ms: not for an event loop.
    """
    length = _length(password)
    if not length.allowed:
        return length
    if breached:
        return deny(
            "password.breached",
            "This password is in a published list of stolen passwords.",
            "Choose one that you use nowhere else.",
            "If you use this one elsewhere, change it there too.",
        )
    return _strength(prepare(password), words_about(about))


def words_about(about: Collection[str]) -> list[str]:
    """The words that are easy to guess for this person: each text whole and in parts, at most 50 of them."""
    texts = [text.casefold()[:100] for text in about]
    parts = [part for text in texts for part in _BETWEEN_WORDS.split(text)]
    distinct = dict.fromkeys(word for word in (*texts, *parts) if len(word) >= _SHORTEST_WORD)
    return list(distinct)[:_MOST_WORDS]


def _length(password: str) -> Decision:
    characters = len(password) if len(password) > 4 * LONGEST else len(prepare(password))
    if characters < SHORTEST:
        return deny(
            "password.length",
            f"A password has at least {SHORTEST} characters, and this one has {characters}.",
            "Four unrelated words are easy to remember and hard to guess.",
            characters=characters,
        )
    if characters > LONGEST:
        return deny(
            "password.length",
            f"A password has at most {LONGEST} characters, and this one has {characters}.",
            "Choose a shorter one.",
            characters=characters,
        )
    return allow("password.length")


def _strength(password: str, words: list[str]) -> Decision:
    with _ONE_AT_A_TIME:
        found = zxcvbn(password[:_JUDGED], user_inputs=words)
    is_about_them = _characters_of_own(password, words) < _LEAST_OF_OWN
    if found["score"] >= LEAST_SCORE and not is_about_them:
        return allow("password")
    warning = "It is made of what anybody can know about you." if is_about_them else found["feedback"]["warning"]
    advice = found["feedback"]["suggestions"] or ["Add another word or two. Uncommon words are better."]
    return deny(
        "password.guessable",
        " ".join(filter(None, ("This password is too easy to guess.", str(warning).strip()))),
        *(str(each) for each in advice),
        score=found["score"],
        least=LEAST_SCORE,
    )


def _characters_of_own(password: str, words: list[str]) -> int:
    """How many letters and digits are left when the words about its owner are taken out of a password.

    Signs count where there are no words at all: a password of nothing but emoji says nothing about anybody.
    """
    left = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, " ")
    return len(_BETWEEN_WORDS.sub("", left)) if left != password.casefold() else len(left)
