"""Noticing: who would get another release, or none, if one of a project's releases were yanked.

What does not live here: who the dependents are (`shell.dependents`). Sources: PEP 440 (which versions satisfy a
specifier), PEP 592 (what a yank means: a requirement that names exactly one version by ``==`` is still served).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..versions import latest, order_key
from .answers import Basis, Dependent, Noticing


def notice(
    name: str, version: str, releases: Iterable[tuple[str, bool]], dependents: Iterable[Dependent], basis: Basis
) -> Noticing:
    """What yanking ``version`` would mean to each of ``dependents``, in their order.

    ``releases`` are ``(version, is yanked)``. A dependent with several requirements notices where one of them does.
    """
    offered = tuple(found for found, yanked in releases if not yanked)
    rest = tuple(found for found in offered if found != version)

    @cache  # most write the same few specifiers
    def change(specifier: str) -> tuple[bool, str | None]:
        return _choice(specifier, offered) == version, _choice(specifier, rest)

    breaking, moving, unaffected = [], [], 0
    for dependent in dependents:
        instead = [after for served, after in map(change, dependent.specifier.split("\n")) if served]
        if not instead:
            unaffected += 1
        elif None in instead:
            breaking.append(dependent)
        else:
            moving.append((dependent, str(instead[-1])))
    return Noticing(name, version, tuple(breaking), tuple(moving), unaffected, basis)


def _choice(specifier: str, versions: Sequence[str]) -> str | None:
    """What an installer would take: the newest version that satisfies, a pre-release only for want of others."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    satisfying = list(wanted.filter(versions))
    finals = latest((found, False) for found in satisfying)
    if wanted.prereleases:
        return max(satisfying, key=order_key, default=None)
    return finals
