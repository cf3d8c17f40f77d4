"""How classes of impact are put before people: one word for each, and a sentence of what it says.

What does not live here: how a class comes about (`core.impact`), and what it changes (`core.impact.letter`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..life.standing import Impact

WORDS: Mapping[Impact, str] = MappingProxyType(
    {"C0": "unused", "C1": "low", "C2": "notable", "C3": "high", "C4": "critical"}
)

SENTENCES: Mapping[Impact, str] = MappingProxyType(
    {
        "C0": "Hardly anybody has installed it, and nothing of others requires it.",
        "C1": "A few install it, and nothing of others requires it.",
        "C2": "Somebody relies on it who would notice if it went wrong or went away.",
        "C3": "Many rely on it, and most of them would not know why something broke.",
        "C4": "Very much rests on it: few other projects here are relied on as much.",
    }
)
