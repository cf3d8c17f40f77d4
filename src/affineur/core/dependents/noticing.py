"""Noticing: who would get another release, or none, if one of a project's releases were yanked.

What does not live here: who the dependents are, and which specifiers they write (`shell.dependents`). Sources: PEP 440
(which versions satisfy a specifier), PEP 592 (what a yank means: a requirement that names exactly one version by ``==``
is still served).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..versions import latest, order_key


@dataclass(frozen=True, slots=True)
class Effect:
    """What a yank does to a requirement that is served by that release: another one ``instead``, or (None) no other."""

    instead: str | None


def effect(specifier: str, version: str, releases: Iterable[tuple[str, bool]]) -> Effect | None:
    """What yanking ``version`` means to whoever requires ``specifier``; None: nothing, another release serves it.

    ``releases`` are ``(version, is yanked)``. Of several lines, as an edge has them, the worst counts.
    """
    offered = [found for found, yanked in releases if not yanked]
    rest = [found for found in offered if found != version]
    lines = specifier.split("\n")
    found = [Effect(_choice(line, rest)) for line in lines if _choice(line, offered) == version]
    return min(found, key=lambda one: one.instead is not None, default=None)


def _choice(specifier: str, versions: Sequence[str]) -> str | None:
    """What an installer would take: the newest version that satisfies, a pre-release only for want of others."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return None
    satisfying = list(wanted.filter(versions))
    if wanted.prereleases:
        return max(satisfying, key=order_key, default=None)
    return latest((found, False) for found in satisfying)
