"""Following: what may be believed of another index's journal and pages, and what has to be done about it.

A mirror keeps the origin's journal as its own. Here it is decided whether an answer of the origin continues what the
mirror knows (`hear`), in which order its entries take effect (`plan`: stop orders before everything else), and
whether a page agrees with the journal (`weigh`).
What does not live here: reading the origin (`shell.upstream.journal`), and the effects (`projections.mirror`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..decision import Decision, deny, refuse
from ..views.simple import ProjectPage
from .journal import GENESIS, Entry, faults


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a journal: a serial, and the hash of that entry."""

    serial: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Answer:
    """What the origin says after a serial. ``head`` is the end of its journal, where it says it."""

    origin: str
    entries: Sequence[Entry]
    head: Position | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The entries that may be believed, in order, and why no more of them, where something was wrong."""

    entries: tuple[Entry, ...]
    refusal: Decision | None = None


def hear(known: Position, origin: str | None, answer: Answer) -> Heard:
    """What of ``answer`` continues the journal that is known up to ``known``. Cost: one hash an entry.

    ``origin`` is whose journal was followed so far, None before the first answer. Entries before a fault are good:
    they continue what is known, and may hold a stop order.
    """
    if origin is not None and answer.origin != origin:
        return Heard((), _refusal("follow.origin", f"This is the journal of {answer.origin}, not of {origin}."))
    good: list[Entry] = []
    for entry in answer.entries:
        fault = next(iter(faults([entry], (known.serial, known.hash))), None)
        if fault is not None:
            return Heard(tuple(good), _refusal(_rule_of(entry, known), fault))
        good.append(entry)
        known = Position(entry.serial, entry.hash)
    return Heard(tuple(good), _head_fault(known, answer.head))


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that must be offered no more: a project, one release of it, or one file."""

    project: str
    serial: int
    version: str | None = None
    filename: str | None = None

    def holds(self, path: str) -> bool:
        """Whether the file on offer at ``<version>/<filename>[.metadata]`` is meant."""
        version, _, filename = path.partition("/")
        if self.filename is not None:
            return filename.removesuffix(".metadata") == self.filename
        return self.version is None or version == self.version


@dataclass(frozen=True, slots=True)
class Plan:
    """What entries come to: first every stop, at once; then each project's page, which is due from ``due`` on."""

    stops: tuple[Stop, ...]
    due: Mapping[str, tuple[int, int]]
    """From a project to the serials of the first and of the newest entry about it."""


def plan(entries: Iterable[Entry]) -> Plan:
    """What has to be done after ``entries``. Many entries about one project come to one page."""
    stops: list[Stop] = []
    due: dict[str, tuple[int, int]] = {}
    for entry in entries:
        event = entry.event
        first, _ = due.get(event.project, (entry.serial, 0))
        due[event.project] = (first, entry.serial)
        if event.hint in ("hide", "purge"):
            stops.append(Stop(event.project, entry.serial, event.version, event.filename))
    return Plan(tuple(stops), due)


Weight = Literal["good", "behind", "ahead"]
"""Whether a page can be shown now, is older than what is known, or newer than it, so that it cannot be checked yet."""


def weigh(page: ProjectPage, stopped_at: int, known: Position, published: Mapping[str, str]) -> Weight:
    """Whether ``page`` may be shown, where the journal is known up to ``known``.

    ``stopped_at`` is the serial of the newest stop order about the project (0: none): no page from before it is
    shown any more. ``published`` are the digests that the journal gave the project's files. `Refused`
    (``follow.digest``) where the page gives a file another digest, or names one that the journal does not know.
    """
    if page.serial > known.serial:
        return "ahead"
    if page.serial < stopped_at:
        return "behind"
    for file in page.files:
        told = published.get(file.filename)
        if told != file.sha256:
            said = f"the journal says {told}" if told else "the journal knows no such file"
            refuse(
                "follow.digest",
                f"The page of {page.name} gives {file.filename} the digest {file.sha256}; {said}.",
                _WAY_OUT,
            )
    return "good"


def read_only(origin: str) -> Decision:
    """Why nothing can be published here."""
    return deny(
        "follow.read-only",
        f"This index is a read-only mirror of {origin}.",
        f"Publish to {origin} instead.",
    )


_WAY_OUT = (
    "Nothing after it was taken over. Ask whoever runs the origin; `affineur follow --again` goes on once it is mended."
)


def _refusal(rule: str, reason: str) -> Decision:
    return deny(rule, reason, _WAY_OUT)


def _rule_of(entry: Entry, known: Position) -> str:
    if entry.serial != known.serial + 1:
        return "follow.skipped"
    return "follow.rewritten" if entry.previous != known.hash else "follow.altered"


def _head_fault(known: Position, head: Position | None) -> Decision | None:
    if head is None or head.serial > known.serial:
        return None
    if head.serial < known.serial:
        reason = f"The origin's journal ends at serial {head.serial}; it had reached {known.serial} before."
        return _refusal("follow.rolled-back", reason)
    if head.hash != known.hash:
        reason = f"Entry {known.serial} has the hash {head.hash[:12]}… at the origin now, and had {known.hash[:12]}…."
        return _refusal("follow.rewritten", reason)
    return None
