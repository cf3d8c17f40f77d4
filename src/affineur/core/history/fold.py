"""Folding the journal: the state that its events add up to, to be held against the rows.

Only what an act can change after publication is folded (standing, holds, limits, yanks); that files and projects exist
at all is a plain comparison of names. Small: a project that nobody touched takes no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .journal import Event

PROJECT_DEFAULTS: dict[str, object] = {
    "maintenance": "active",
    "maintenance_reason": None,
    "advice": "none",
    "advice_reason": None,
    "wish": "none",
    "impact": None,
    "impact_basis": None,
    "file_limit_bytes": None,
    "total_limit_bytes": None,
}
"""The facts about a project that events change, as they are before the first of them."""

HeldAs = tuple[str, str | None, str | None, str, str]
"""A hold, as far as it is folded: project, version, filename, origin, kind."""


@dataclass(slots=True)
class Folded:
    """What the events so far add up to, where it differs from the defaults."""

    projects: dict[str, dict[str, object]] = field(default_factory=dict)
    yanked: set[str] = field(default_factory=set)
    """File names."""
    holds: dict[tuple[str, str | None, str | None, str, str], str] = field(default_factory=dict)
    """The kind of each hold in force, by project, version, file name, origin and dimension."""

    def apply(self, event: Event) -> None:
        """Take one more event into account, in the journal's order."""
        if event.filename is not None and "yanked" in event.new:
            (self.yanked.add if event.new["yanked"] else self.yanked.discard)(event.filename)
            return
        for dimension in ("safety", "availability"):
            if dimension in event.new:
                self._hold(event, dimension, str(event.new[dimension]))
        if event.filename is None and event.version is None:
            changed = {name: value for name, value in event.new.items() if name in PROJECT_DEFAULTS}
            if changed:
                self.projects.setdefault(event.project, {}).update(changed)

    def differences(self, project: str, facts: dict[str, object]) -> Iterator[tuple[str, object, object]]:
        """Facts of a project that are not what the events say, as ``(fact, by the rows, by the journal)``."""
        told = self.projects.get(project, {})
        for name, default in PROJECT_DEFAULTS.items():
            if facts[name] != told.get(name, default):
                yield name, facts[name], told.get(name, default)

    def hold_differences(self, held: Iterable[HeldAs]) -> tuple[list[HeldAs], list[HeldAs]]:
        """Holds that only the rows have, and holds that only the events tell of."""
        by_rows = set(held)
        by_events = {(*where[:4], kind) for where, kind in self.holds.items()}
        return sorted(by_rows - by_events, key=repr), sorted(by_events - by_rows, key=repr)

    def _hold(self, event: Event, dimension: str, value: str) -> None:
        # Entries from before holds had origins say nothing of one: they are ours.
        where = (event.project, event.version, event.filename, str(event.new.get("origin", "ours")), dimension)
        if value in ("clear", "available"):
            self.holds.pop(where, None)
        else:
            self.holds[where] = value
