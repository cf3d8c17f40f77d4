"""What came and what changed among the rules, newest first: the contents of ``/help/rules/changes``.

What does not live here: the changes themselves, which stand beside each rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from .rule import Change, Group, Rule


@dataclass(frozen=True, slots=True)
class News:
    """One day's news about one group (rules that came) or one rule (a change, told on the day it is announced)."""

    on: date
    group: Group
    rules: tuple[Rule, ...]
    change: Change | None = None
    version: int = 1

    @property
    def key(self) -> str:
        """What tells it from all other news, for ever: feeds name their entries by it."""
        what = self.rules[0].id if self.change else self.group.title.lower().replace(" ", "-")
        return f"{what}/{self.version}/{self.on.isoformat()}"

    @property
    def title(self) -> str:
        """One line."""
        if self.change:
            return f"{self.rules[0].id}, version {self.version}, from {self.change.on.isoformat()}"
        count = len(self.rules)
        return f"{self.group.title}: {count} rule{'' if count == 1 else 's'}"

    @property
    def text(self) -> str:
        """What it is about, in a sentence or two; for rules that came, their ids."""
        if self.change is None:
            return ", ".join(rule.id for rule in self.rules)
        return " ".join(filter(None, (self.change.what, self.change.at_once)))


def news(groups: Iterable[Group]) -> tuple[News, ...]:
    """All of it, newest first; what is of one day, in the order of the register, changes before new rules."""
    changed: list[News] = []
    came: list[News] = []
    for group in groups:
        days = {rule.since for rule in group.rules}
        came += [News(day, group, tuple(rule for rule in group.rules if rule.since == day)) for day in sorted(days)]
        for rule in group.rules:
            changed += [
                News(change.announced, group, (rule,), change, version)
                for version, change in enumerate(rule.changes, start=2)
            ]
    return tuple(sorted((*changed, *came), key=lambda each: each.on, reverse=True))
