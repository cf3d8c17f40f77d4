"""Project names: what is a valid one, how it is normalised, and which other names it may be mistaken for.

What does not live here: whether a name is free (that is a question to the store, decided in `policy`).
Sources: name format and normalisation (PyPA "Names and normalization", PEP 503).
"""

from __future__ import annotations

import re
import sys
from typing import NewType

from .decision import refuse

NormalizedName = NewType("NormalizedName", str)
"""A project name in PEP 503 form: lowercase ASCII, runs of ``-_.`` folded to one ``-``."""

# `\Z`, not `$`: `$` would let a trailing newline pass. ASCII: with IGNORECASE alone, U+017F (long s) and
# U+212A (Kelvin sign) would count as letters.
_VALID = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)
_SEPARATORS = re.compile(r"[-_.]+")
_NORMALIZED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z", re.ASCII)
_LOOKALIKE = str.maketrans({"l": "1", "i": "1", "o": "0", "-": None})

MAXIMUM_LENGTH = 200
"""Characters. A name becomes a path component, and file systems stop at 255 bytes; a wheel's file name must
still hold its version and tags beside it."""

_STANDARD_LIBRARY = frozenset(_SEPARATORS.sub("-", name).lower() for name in sys.stdlib_module_names)


def parse_name(text: str) -> NormalizedName:
    """The normalised form of ``text``; `Refused` (``name.format``) where it is no valid project name."""
    if not _VALID.match(text) or len(text) > MAXIMUM_LENGTH:
        shown = text[:80].encode("ascii", "backslashreplace").decode()
        refuse(
            "name.format",
            f"{shown!r} is an invalid value for Name.",
            "Start and end with a letter or digit, use only ASCII letters, digits, '.', '_' and '-', "
            f"and at most {MAXIMUM_LENGTH} characters.",
            length=len(text),
        )
    return NormalizedName(_SEPARATORS.sub("-", text).lower())


def is_normalized(text: str) -> bool:
    """Whether ``text`` is already a valid name in normalised form."""
    return bool(_NORMALIZED.match(text)) and len(text) <= MAXIMUM_LENGTH


def escape_for_filename(name: NormalizedName) -> str:
    """The name as it stands in a wheel's or an sdist's file name (PEP 427, PEP 625): ``-`` becomes ``_``."""
    return name.replace("-", "_")


def lookalike_key(name: NormalizedName) -> str:
    """A key that names easily mistaken for each other share: ``l``/``i``/``1``, ``o``/``0``, separators."""
    return name.translate(_LOOKALIKE)


def is_standard_library(name: NormalizedName) -> bool:
    """Whether the name is that of a module of Python's standard library (of the running Python)."""
    return name in _STANDARD_LIBRARY
