"""Dependency lines, sorted for people: what is always needed, what under a condition, what for an extra.

What does not live here: whether a needed project exists on this index (`shell.store.reading`), and who needs
whom beyond one release. Sources: PyPA "Dependency specifiers" (PEP 508), PEP 685 (names of extras).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ..names import NormalizedName

Kind = Literal["always", "conditional", "extra"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One requirement. ``project`` is None for a line that cannot be read, which then stands in ``name``."""

    name: str
    project: NormalizedName | None
    extras: tuple[str, ...] = ()
    versions: str = ""
    condition: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Dependencies that are needed together; ``extra`` names the extra of a group of kind ``extra``."""

    kind: Kind
    extra: str
    dependencies: tuple[Dependency, ...]


# How `packaging` writes a marker that asks for one extra, alone or after a condition.
_EXTRA = re.compile(r'(?:(?P<condition>.*) and )?extra == "(?P<extra>[^"]+)"\Z', re.DOTALL)
_FIRST = {">=": 0, ">": 0, "~=": 1, "==": 1, "===": 1, "!=": 2, "<": 3, "<=": 3}


def groups(requires_dist: Iterable[str], provides_extra: Iterable[str] = ()) -> tuple[Group, ...]:
    """The requirements of a release: always, conditional, then each extra in the order it is declared.

    Inside a group the order is that of the metadata. An extra that needs nothing has an empty group.
    """
    plain: dict[Kind, list[Dependency]] = {"always": [], "conditional": []}
    by_extra: dict[str, list[Dependency]] = {canonicalize_name(extra): [] for extra in provides_extra}
    for line in requires_dist:
        dependency, extra = _read(line)
        if extra:
            by_extra.setdefault(extra, []).append(dependency)
        else:
            plain["conditional" if dependency.condition else "always"].append(dependency)
    found = [Group(kind, "", tuple(listed)) for kind, listed in plain.items() if listed]
    return (*found, *(Group("extra", extra, tuple(listed)) for extra, listed in by_extra.items()))


def versions(text: str | SpecifierSet | None) -> str:
    """A version specifier with its lower bound first and a space after each comma; as it is where it is none."""
    if not text:
        return ""
    try:
        parsed = SpecifierSet(text) if isinstance(text, str) else text
    except ValueError:
        return str(text)
    parts = sorted(parsed, key=lambda part: (_FIRST.get(part.operator, 4), part.version))
    return ", ".join(map(str, parts))


def _read(line: str) -> tuple[Dependency, str]:
    """The dependency of a line, and the extra that it is needed for."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return Dependency(line, None), ""
    condition, extra = _split(str(requirement.marker or ""))
    dependency = Dependency(
        requirement.name,
        NormalizedName(canonicalize_name(requirement.name)),
        tuple(sorted(requirement.extras)),
        versions(requirement.specifier),
        condition,
        requirement.url,
    )
    return dependency, extra


def _split(marker: str) -> tuple[str, str]:
    """A marker without its extra, and the extra. A marker that mixes extras and conditions stays whole."""
    match = _EXTRA.match(marker)
    if match is None:
        mixed = re.search(r'extra == "([^"]+)"', marker)
        return marker, canonicalize_name(mixed[1]) if mixed else ""
    condition, extra = match["condition"] or "", canonicalize_name(match["extra"])
    if _is_bracketed(condition):
        return condition[1:-1], extra
    if " or " in condition or "extra ==" in condition:  # `a or b and extra == "x"` needs no extra where a holds
        return marker, extra
    return condition, extra


def _is_bracketed(text: str) -> bool:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text.startswith("(") and place == len(text) - 1
    return False
