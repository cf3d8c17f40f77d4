"""Decisions: what every rule in Affineur answers with.

Here lives the one shape in which a rule says yes or no. A page, an API error, the command line, the
journal and a test all show the same sentence, because all of them are handed the same value. The rules
themselves live in the modules that own them (`policy`, `access`, `standing`, `distribution` …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of a rule.

    ``rule`` is a dotted id (``"upload.filename"``); ``reason`` is one sentence, shown to people as it is;
    ``facts`` are the measured values the rule looked at; ``ways_out`` are things the reader can do next.
    """

    allowed: bool
    rule: str
    reason: str
    facts: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    ways_out: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The reason followed by the ways out, as one line of prose."""
        return " ".join((self.reason, *self.ways_out))

    def require(self) -> None:
        """Raise `Refused` unless the decision allows."""
        if not self.allowed:
            raise Refused(self)


class Refused(Exception):
    """A rule said no. ``decision`` carries the rule, the reason and the ways out."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.sentence)
        self.decision = decision

    def __reduce__(self) -> tuple[type[Refused], tuple[Decision]]:
        return (Refused, (self.decision,))


def allow(rule: str) -> Decision:
    """The decision that ``rule`` has no objection."""
    return Decision(True, rule, "")


def deny(rule: str, reason: str, *ways_out: str, **facts: object) -> Decision:
    """The decision that ``rule`` forbids, for ``reason``."""
    return Decision(False, rule, reason, MappingProxyType(facts), ways_out)


def refuse(rule: str, reason: str, *ways_out: str, **facts: object) -> NoReturn:
    """Raise `Refused` for ``rule`` with ``reason``."""
    raise Refused(deny(rule, reason, *ways_out, **facts))
