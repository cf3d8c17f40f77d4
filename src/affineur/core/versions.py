"""Versions: parsing, canonical form and order (PEP 440).

Also here: which version of a project is the one people mean (`latest`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NewType

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from .decision import refuse

CanonicalVersion = NewType("CanonicalVersion", str)
"""A version in the normal form of PEP 440, trailing zeros kept (``1.0`` and ``1.0.0`` are equal, not identical)."""


MAXIMUM_LENGTH = 200
"""Characters. A file name must hold it beside the project's name; Python reads no number of over 4,300 digits."""


@lru_cache(maxsize=4096)
def _parse(text: str) -> Version:
    return Version(text)


def parse_version(text: str) -> Version:
    """The parsed version; `Refused` (``version.format``) where ``text`` is none."""
    try:
        if len(text) > MAXIMUM_LENGTH:
            raise InvalidVersion
        return _parse(text)
    except InvalidVersion:
        shown = text[:80].encode("ascii", "backslashreplace").decode()
        refuse(
            "version.format",
            f"{shown!r} is an invalid value for Version.",
            "Use a version as PEP 440 defines it.",
        )


def canonical(version: Version) -> CanonicalVersion:
    """The normal form in which a version is stored, shown and put into URLs."""
    return CanonicalVersion(str(version))


def specified(text: str) -> SpecifierSet:
    """The versions that PEP 440 specifiers such as ``>=1,<2`` stand for; `Refused` (``version.specifier``) for others.

    Whoever narrows to some releases of a project must not hit all of them: empty specifiers are refused, too.
    """
    try:
        if len(text) > MAXIMUM_LENGTH or not text.strip():
            raise InvalidSpecifier
        return SpecifierSet(text)
    except InvalidSpecifier:
        shown = text[:80].encode("ascii", "backslashreplace").decode()
        refuse(
            "version.specifier",
            f"{shown!r} is an invalid value for version specifiers.",
            "Write it as PEP 440 does, such as '>=1.0,<2'.",
        )


def order_key(text: str) -> Version:
    """The sort key of a stored (hence valid) version."""
    return _parse(text)


def latest(versions: Iterable[tuple[str, bool]]) -> str | None:
    """The version people mean when they name none, of ``(version, is yanked)`` pairs.

    A release that is not yanked comes before a yanked one, a final one before a pre-release, a newer one
    before an older one.
    """
    return max(versions, key=lambda pair: _preference(*pair), default=(None, False))[0]


def _preference(version: str, yanked: bool) -> tuple[bool, bool, Version]:
    parsed = _parse(version)
    return (not yanked, not parsed.is_prerelease, parsed)
