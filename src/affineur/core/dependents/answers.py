"""Answers about dependents, as values: each says as of when, and what it does not see.

What does not live here: how they are found (`shell.dependents.questions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .edges import Kind

Source = Literal["ours", "upstream"]
SOURCES: tuple[Source, ...] = ("ours", "upstream")
KINDS: tuple[Kind, ...] = tuple(Kind)
FOLLOWED: tuple[Kind, ...] = (Kind.ALWAYS, Kind.MARKER)
"""The kinds that are followed beyond the first step where nothing else is said: what is needed by an extra of a
dependent reaches only those who ask for that extra."""

LIMITS = (
    "Counts what the files' own metadata says, of each project's newest release that is not yanked, and of releases "
    "with a large share of its installs. Projects that say it only when they are built are counted as unknown; what "
    "is used without being required, and what is not known here, is not seen."
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer stands on: the moment, the journal's serial and the limits, as a sentence to be shown."""

    as_of: datetime
    serial: int
    limits: str = LIMITS


@dataclass(frozen=True, slots=True)
class Dependent:
    """A direct dependent, once each: by its newest release before others, and by its strongest kind.

    ``specifier`` and ``condition`` are those of `core.dependents.edges.Edge`; ``newest`` is false where only an older
    release, still widely installed, requires it. ``installs``: the dependent's own of 30 days; None: not known.
    """

    name: str
    version: str
    kind: Kind
    specifier: str
    condition: str
    source: Source
    newest: bool
    installs: int | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """An indirect dependent, at least two steps away. ``distance`` counts the steps of a shortest chain."""

    name: str
    distance: int
    source: Source
    installs: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many depend on a project.

    ``direct`` counts each dependent once, by its strongest kind, of newest releases; ``older`` those that only an older
    release makes one; ``indirect`` those at least two steps away; ``unknown`` the projects of the whole index that do
    not say whom they require before they are built, any of which may be one more. ``installs``: of all direct
    dependents together, in 30 days; None: not known.
    """

    direct: Mapping[Kind, int]
    older: int
    indirect: int
    unknown: int
    basis: Basis
    installs: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A link of a chain: ``dependent`` in ``version`` requires ``target``, in the words of its metadata."""

    dependent: str
    version: str
    target: str
    kind: Kind
    requirement: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps from a root down to the target; as short as any from there."""

    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every project on the way, root and target included."""
        return (self.steps[0].dependent, *(step.target for step in self.steps)) if self.steps else ()


@dataclass(frozen=True, slots=True)
class Why:
    """Why a target is pulled in: all shortest chains from each root, shortest first.

    ``more`` counts the chains beyond those told; ``unconnected`` names roots without any, ``unknown`` roots that are
    not in the graph; ``dynamic`` roots whose requirements are not known before they are built.
    """

    target: str
    chains: tuple[Chain, ...]
    more: int
    unconnected: tuple[str, ...]
    unknown: tuple[str, ...]
    dynamic: tuple[str, ...]
    basis: Basis


@dataclass(frozen=True, slots=True)
class Cut:
    """What it would do if ``dependent`` no longer required ``target``.

    ``removes`` counts the projects that would no longer reach what was asked about, ``share`` is that as a share (0 to
    1) of all that do; ``roots_removed`` are the roots among them.
    """

    dependent: str
    target: str
    removes: int
    share: float
    roots_removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cuts:
    """Single requirements whose going away would remove most of ``reach``, the best first.

    With roots, only what lies between them and the target counts, and what frees more roots comes first.
    """

    target: str
    cuts: tuple[Cut, ...]
    reach: int
    roots: int
    basis: Basis


@dataclass(frozen=True, slots=True)
class Noticing:
    """Who would notice if ``version`` were yanked.

    ``breaking``: no other release satisfies them; ``moving``: they would get ``instead``, the second of a pair;
    ``unaffected`` counts direct dependents that this release does not serve today. Most installed first; those beyond
    the ones that are told are counted in ``more_breaking`` and ``more_moving``.
    """

    name: str
    version: str
    breaking: tuple[Dependent, ...]
    moving: tuple[tuple[Dependent, str], ...]
    unaffected: int
    basis: Basis
    more_breaking: int = 0
    more_moving: int = 0
