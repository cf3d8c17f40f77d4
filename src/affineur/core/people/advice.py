"""Advice: what to use instead of a deprecated project, as people and programs write it.

What does not live here: whether a project may be named (`guards`), and how advice is shown (`standing`).
"""

from __future__ import annotations

from packaging.requirements import InvalidRequirement, Requirement

from ..decision import refuse
from ..life.standing import Replacement
from ..names import parse_name
from ..versions import MAXIMUM_LENGTH, specified


def replacement(name: str, specifier: str = "") -> Replacement:
    """A replacement of its parts. `Refused` (``name.format``, ``version.specifier``) for what is none.

    ``specifier``: which versions, as PEP 440 writes it; empty: any.
    """
    return Replacement(parse_name(name), str(specified(specifier)) if specifier.strip() else "")


def parse_replacement(text: str) -> Replacement:
    """A replacement as a requirement is written: ``feta`` or ``feta>=2``. `Refused` (``lifecycle.replacement``) else.

    Extras, addresses and markers (PEP 508) say how something is installed, which advice does not.
    """
    try:
        if len(text) > 2 * MAXIMUM_LENGTH:
            raise InvalidRequirement
        read = Requirement(text)
        if read.extras or read.url or read.marker:
            raise InvalidRequirement
    except InvalidRequirement:
        shown = text[:80].encode("ascii", "backslashreplace").decode()
        refuse(
            "lifecycle.replacement",
            f"{shown!r} names no project that could be used instead.",
            "Write a name, or a name and versions: 'feta' or 'feta>=2'.",
        )
    return replacement(read.name, str(read.specifier))
