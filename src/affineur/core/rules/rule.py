"""The shape of a rule in the register: what it asks, why, with which numbers, since when, and what changed.

Numbers are never typed into a text: ``{wait}`` is filled from ``numbers``, which names the very constant that
decides, and ``{release_window_days}`` from the setting of that name. What does not live here: what is decided
(`core.life.policy`, `core.access` and the others), and the texts themselves (the modules beside this one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from string import Formatter
from types import MappingProxyType

FIRST = date(2026, 11, 22)
"""The day on which the rules of the first version were written down."""

NOTICE = timedelta(days=30)
"""How long before it is in force a change is announced."""

Number = int | timedelta
_NONE: Mapping[str, Number] = MappingProxyType({})
_UNITS = {"days": "day", "hours": "hour", "minutes": "minute", "seconds": "second"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a rule: ``what`` it is for those it concerns, in one sentence.

    It is ``announced`` `NOTICE` before the day ``on`` which it is in force. What cannot wait says in ``at_once`` why.
    """

    announced: date
    on: date
    what: str
    at_once: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, by the ``id`` that refusals name.

    ``text`` is what it asks for; ``why`` the reason (else that of its group); ``ways`` what can be done about a
    refusal, where the refusal itself does not know better; ``settings`` are further settings that decide with it,
    beside those whose numbers stand in the text; ``switch`` is a setting that, where it is 0 or false, puts the rule
    out of force; ``changes`` are in the order of their days.
    """

    id: str
    text: str
    why: str = ""
    ways: tuple[str, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=lambda: _NONE)
    settings: tuple[str, ...] = ()
    switch: str = ""
    since: date = FIRST
    changes: tuple[Change, ...] = ()

    @property
    def version(self) -> int:
        """1 for a rule as it came, one more for each change, also one that is only announced."""
        return 1 + len(self.changes)

    @property
    def deciding_settings(self) -> tuple[str, ...]:
        """The settings that decide with this rule, those with a number in its text first."""
        shown = (name for name in placeholders(self.text) if name not in self.numbers)
        return tuple(dict.fromkeys((*shown, *filter(None, (self.switch,)), *self.settings)))

    def in_force(self, settings: object) -> bool:
        """Whether the index goes by it at all."""
        return not self.switch or bool(getattr(settings, self.switch))

    def said(self, settings: object) -> str:
        """The text with its numbers. ``settings`` has the settings of the index as attributes."""
        if not self.in_force(settings):
            return f"Not in force on this index: the setting {self.switch} puts it off."
        return _filled(self.text, self.numbers, settings)

    def because(self, settings: object) -> str:
        """The reason with its numbers."""
        return _filled(self.why, self.numbers, settings)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules about one thing. ``why`` is the reason of those rules that give none of their own.

    ``brief``: the rules differ in their names only, and are listed in one line.
    """

    title: str
    about: str
    why: str
    rules: tuple[Rule, ...]
    brief: bool = False

    def complete(self) -> Group:
        """The same, every rule with a reason."""
        return replace(self, rules=tuple(replace(rule, why=rule.why or self.why) for rule in self.rules))


def placeholders(text: str) -> Iterator[str]:
    """The names in braces, in order."""
    return (name for _, name, _, _ in Formatter().parse(text) if name)


def spoken(value: object, name: str = "") -> str:
    """A value as prose: ``14 days``, ``1,024``, ``100 MiB``; the end of a setting's ``name`` gives the unit."""
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int):
        return str(value)
    unit = name.rpartition("_")[2]
    if unit in _UNITS:
        return f"{value:,} {_UNITS[unit]}{'' if value == 1 else 's'}"
    return _amount(value) if unit == "bytes" else f"{value:,}"


def _filled(text: str, numbers: Mapping[str, Number], settings: object) -> str:
    values = {
        name: spoken(numbers[name] if name in numbers else getattr(settings, name), name) for name in placeholders(text)
    }
    return text.format_map(values) if values else text


def _duration(value: timedelta) -> str:
    """In the largest unit that leaves nothing over; hours up to three days, as the rules count them."""
    seconds = int(value.total_seconds())
    for unit, length, least in (("day", 86_400, 4), ("hour", 3_600, 1), ("minute", 60, 1)):
        if seconds % length == 0 and seconds >= least * length:
            count = seconds // length
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:,} second{'' if seconds == 1 else 's'}"


def _amount(size_bytes: int) -> str:
    for unit, scale in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.4g} {unit}"
    return f"{size_bytes:,} bytes"
