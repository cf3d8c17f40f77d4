"""Kinds of events: the few heaps that people sort the journal into, when they look for something in it.

What does not live here: the events and their sentences (`chronicle_words`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from .chronicle_words import EVENTS

Kind = Literal["published", "yanked", "held", "state", "removed", "people", "other"]

KINDS: Mapping[Kind, str] = MappingProxyType(
    {
        "published": "Published",
        "yanked": "Yanks",
        "held": "Holds",
        "state": "States",
        "removed": "Removals",
        "people": "People, publishers and limits",
        "other": "Everything else",
    }
)
"""What each heap is called, in the order in which they are offered."""

_VERBS: tuple[tuple[Kind, str], ...] = (
    ("published", "Created Published"),
    ("yanked", "Yanked Unyanked"),
    ("held", "Quarantined Cleared Condemned Withheld Restored"),
    ("state", "Archived Unarchived Deprecated Undeprecated Finished Resumed Wished Reclassified"),
    ("removed", "Removed"),
)
_BY_VERB: Mapping[str, Kind] = MappingProxyType({verb: kind for kind, verbs in _VERBS for verb in verbs.split()})
_SUBJECT = re.compile(r"(Project|Release|File)(?=[A-Z])")
_OF_PEOPLE = re.compile(r"(Role|Publisher|Publishers|Limits)(?=[A-Z])")


def kind_of(event: str) -> Kind:
    """The heap of an event, by its name; "other" for one that this program does not know."""
    if _OF_PEOPLE.match(event):
        return "people"
    subject = _SUBJECT.match(event)
    return _BY_VERB.get(event[subject.end() :], "other") if subject else "other"


def events_of(kind: str) -> tuple[str, ...]:
    """The events of a heap, or the one event of that name; () where ``kind`` is neither."""
    if kind in EVENTS:
        return (kind,)
    return tuple(event for event in EVENTS if kind_of(event) == kind)
