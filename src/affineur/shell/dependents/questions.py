"""What is asked about dependents. Names are normalised; a name that nobody knows has no dependents, and is no error.

Direct dependents and chains are read from the rows, and are true at once. What needs the whole graph comes from its
arrays (`snapshot`), which are written anew in the background: each answer says as of when. A small graph is always
read anew.
What does not live here: how edges come to be (`projections.dependents`), and all that is pure (`core.dependents`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from affineur.core.dependents.answers import (
    FOLLOWED,
    KINDS,
    SOURCES,
    Basis,
    Counts,
    Cuts,
    Dependent,
    Noticing,
    Reached,
    Source,
    Why,
)
from affineur.core.dependents.edges import Kind
from affineur.shell.index import Index

if TYPE_CHECKING:
    import numpy as np

MOST_CHAINS = 100
"""Chains that are told; the others are counted."""


@dataclass(frozen=True)
class Reach:
    """Transitive dependents of every project in the graph, as arrays in the order of ``ids`` (of `node` rows).

    ``exact`` says of each number whether it is counted; the others are estimates with ``standard_error`` (a share).
    """

    ids: np.ndarray
    dependents: np.ndarray
    exact: np.ndarray
    standard_error: float
    basis: Basis

    def by_name(self, index: Index) -> Iterator[tuple[str, int, bool]]:
        """``(name, dependents, exact)`` of every project that is in the database still."""
        raise NotImplementedError


def counts(
    index: Index, name: str, *, sources: Collection[Source] = SOURCES, kinds: Collection[Kind] = KINDS
) -> Counts:
    """How many depend on ``name``, by ``kinds`` and from ``sources``. What is indirect follows `FOLLOWED` kinds only,
    beyond a first step of any of ``kinds``."""
    raise NotImplementedError


def direct(
    index: Index,
    name: str,
    *,
    sources: Collection[Source] = SOURCES,
    kinds: Collection[Kind] = KINDS,
    newest_only: bool = True,
    owner: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Dependent]:
    """Direct dependents, most installed first, then by name; of account ``owner`` only, where one is named."""
    raise NotImplementedError


def indirect(
    index: Index,
    name: str,
    *,
    sources: Collection[Source] = SOURCES,
    kinds: Collection[Kind] = KINDS,
    owner: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Reached]:
    """Dependents at least two steps away: nearest first, then most installed."""
    raise NotImplementedError


def why(index: Index, target: str, roots: Sequence[str], *, kinds: Collection[Kind] = FOLLOWED) -> Why:
    """All shortest chains from each of ``roots`` to ``target``; at most `MOST_CHAINS` of them are told."""
    raise NotImplementedError


def cut(
    index: Index,
    target: str,
    roots: Sequence[str] | None = None,
    *,
    kinds: Collection[Kind] = FOLLOWED,
    limit: int = 20,
) -> Cuts:
    """Which single requirement, if replaced, removes most of the reach of ``target``, at most ``limit`` of them.

    ``roots``: only what they reach counts; None: every dependent.
    """
    raise NotImplementedError


def noticing(index: Index, name: str, version: str) -> Noticing:
    """Who would notice if ``version`` of ``name`` were yanked: direct dependents, by what they would get instead."""
    raise NotImplementedError


def reach_of_all(index: Index, kinds: Collection[Kind] = FOLLOWED) -> Reach:
    """Transitive dependents of every project: exact in small graphs, else estimated. Minutes, and up to 1 GiB."""
    raise NotImplementedError


def outside(
    index: Index,
    used: Collection[str],
    now: datetime,
    *,
    least_age_days: int = 30,
    most_requirements: int = 500,
) -> Iterator[tuple[str, int]]:
    """Outside dependents of every project that has any, as ``(name, how many)``.

    Such a dependent is one of ours and on offer, among the names ``used``, at least ``least_age_days`` old at ``now``,
    requires it always in its newest release, lists at most ``most_requirements``, and has no owner in common with it.
    """
    raise NotImplementedError
