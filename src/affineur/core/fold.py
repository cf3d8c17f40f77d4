"""Folding the journal: the state that its events add up to, to be held against the rows.

Only what an act can change after publication is folded (standing, limits, yanks); that files and projects exist
at all is a plain comparison of names. Small: a project that nobody touched takes no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .journal import Event

PROJECT_DEFAULTS: dict[str, object] = {
    "maintenance": "active",
    "maintenance_reason": None,
    "advice": "none",
    "advice_reason": None,
    "safety": "clear",
    "safety_reason": None,
    "file_limit_bytes": None,
    "total_limit_bytes": None,
}
"""The facts about a project that events change, as they are before the first of them."""


@dataclass(slots=True)
class Folded:
    """What the events so far add up to, where it differs from the defaults."""

    projects: dict[str, dict[str, object]] = field(default_factory=dict)
    yanked: set[str] = field(default_factory=set)
    """File names."""

    def apply(self, event: Event) -> None:
        """Take one more event into account, in the journal's order."""
        if event.filename is not None and "yanked" in event.new:
            (self.yanked.add if event.new["yanked"] else self.yanked.discard)(event.filename)
        elif event.filename is None:
            changed = {name: value for name, value in event.new.items() if name in PROJECT_DEFAULTS}
            if changed:
                self.projects.setdefault(event.project, {}).update(changed)

    def differences(self, project: str, facts: dict[str, object]) -> Iterator[tuple[str, object, object]]:
        """Facts of a project that are not what the events say, as ``(fact, by the rows, by the journal)``."""
        told = self.projects.get(project, {})
        for name, default in PROJECT_DEFAULTS.items():
            if facts[name] != told.get(name, default):
                yield name, facts[name], told.get(name, default)
