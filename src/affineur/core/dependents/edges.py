"""Edges: what the metadata of a project's files says about whom it requires, and in which way.

What does not live here: which releases count as current is `core.versions.latest` and a number that is passed in;
how edges are stored and followed (`projections.dependents`), and what is asked about them (`shell.dependents`).
Sources: PyPA "Dependency specifiers" (PEP 508), PEP 643 (fields that are dynamic).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..names import MAXIMUM_LENGTH, NormalizedName
from ..versions import latest

LARGE_SHARE = 0.05
"""The share of a project's installs from which a release that is not the newest counts as well."""


class Kind(IntEnum):
    """In which way something is required, the strongest first. The numbers are stored."""

    ALWAYS = 0
    MARKER = 1
    EXTRA = 2

    @property
    def word(self) -> str:
        """As it is written in addresses, options and answers."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Edge:
    """That ``version`` of a project requires ``target``.

    ``specifier`` and ``condition`` have one line for each requirement of this kind, line by line belonging together,
    sorted; a requirement without one has an empty line.
    """

    target: NormalizedName
    version: str
    kind: Kind
    newest: bool
    specifier: str
    condition: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What one file says: its requirements as written, and whether a build of it could say something else."""

    requires: tuple[str, ...]
    dynamic: bool
    wheel: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """What is known of a project's requirements.

    ``version`` is the newest release that counts, None where there is none; ``requirements`` counts the projects that
    this release requires in any way; ``dynamic``: it has sdists only, whose metadata does not say what it requires;
    ``unreadable`` counts requirements that are none.
    """

    version: str | None
    edges: tuple[Edge, ...]
    requirements: int
    dynamic: bool
    unreadable: int


NOTHING = Needs(None, (), 0, False, 0)


def counted(releases: Iterable[tuple[str, bool]], popular: Iterable[str] = ()) -> tuple[str | None, list[str]]:
    """Of ``(version, is yanked)`` the one that counts as newest, and of ``popular`` the others that count as well.

    The newest is what an installer would take; a project whose releases are all yanked has none.
    """
    known = dict(releases)
    newest = latest((version, False) for version, yanked in known.items() if not yanked)
    return newest, sorted(version for version in set(popular) if version in known and version != newest)


def stated(metadata_version: str, requires: Sequence[str], dynamic: Iterable[str], *, wheel: bool) -> Stated:
    """What a file with these fields says: a wheel says all, an sdist only what PEP 643 makes it stand by (from 2.2)."""
    major, _, minor = metadata_version.partition(".")
    stands = major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= (2, 2)
    may_change = not stands or "requires-dist" in {name.strip().lower() for name in dynamic}
    return Stated(tuple(requires), not wheel and may_change, wheel)


def needs(name: NormalizedName, newest: str | None, files: Iterable[tuple[str, Sequence[Stated]]]) -> Needs:
    """The edges of ``name``, of each ``(version, what its files say)``. A project's requirements of itself are none.

    Where a release has wheels, its sdists add nothing but what they say as well.
    """
    edges: list[Edge] = []
    dynamic, unreadable, required = False, 0, 0
    for version, said in files:
        found, failed = _edges(name, version, version == newest, {line for one in said for line in one.requires})
        edges += found
        unreadable += failed
        if version == newest:
            required = len({edge.target for edge in found})
            dynamic = bool(said) and not any(one.wheel for one in said) and all(one.dynamic for one in said)
    return Needs(newest, tuple(edges), required, dynamic, unreadable)


def kind_of(requirement: Requirement) -> Kind:
    """Always; where the environment decides; or only with an extra, whatever else is asked as well."""
    if requirement.marker is None:
        return Kind.ALWAYS
    return Kind.EXTRA if _needs_extra(requirement.marker._markers) else Kind.MARKER


def _edges(name: NormalizedName, version: str, newest: bool, lines: Iterable[str]) -> tuple[list[Edge], int]:
    merged: dict[tuple[NormalizedName, Kind], set[tuple[str, str]]] = {}
    failed = 0
    for line in lines:
        try:
            requirement = Requirement(line)
            kind = kind_of(requirement)
            condition = "" if requirement.marker is None else str(requirement.marker)
        except (InvalidRequirement, RecursionError):  # the second: parentheses within parentheses, some hundred deep
            failed += 1
            continue
        target = NormalizedName(canonicalize_name(requirement.name))
        if target == name:  # extras that name other extras of the same project
            continue
        if len(target) > MAXIMUM_LENGTH:
            failed += 1
            continue
        merged.setdefault((target, kind), set()).add((str(requirement.specifier), condition))
    found = []
    for (target, kind), said in sorted(merged.items()):
        specifiers, conditions = zip(*sorted(said), strict=True)
        found.append(Edge(target, version, kind, newest, "\n".join(specifiers), "\n".join(conditions)))
    return found, failed


def _needs_extra(parts: object) -> bool:
    """Whether a marker, as `packaging` keeps it, holds with an extra only: "and" binds closer than "or"."""
    if isinstance(parts, tuple):
        left, comparison, right = (part.serialize() for part in parts)  # texts have quotes then
        return "extra" in (left, right) and comparison == "=="
    if not isinstance(parts, list):
        return False
    alternatives: list[list[bool]] = [[]]
    for part in parts:
        if part == "or":
            alternatives.append([])
        elif part != "and":
            alternatives[-1].append(_needs_extra(part))
    return all(any(together) for together in alternatives)
