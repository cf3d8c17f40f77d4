"""What a check finds: the kinds of damage, each with what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal[
    "damaged-database",
    "broken-journal",
    "inconsistent-rows",
    "wrong-sum",
    "missing-blob",
    "detached-blob",
    "wrong-bytes",
    "orphan-blob",
    "left-over",
    "missing-page",
    "stale-page",
    "forged-page",
    "stray-page",
    "missing-link",
    "wrong-link",
    "stray-link",
    "stale-root",
    "forged-root",
    "forged-statuses",
    "wrong-mark",
    "stale-search",
    "damaged-search",
    "stale-dependents",
    "wrong-dependents",
    "in-progress",
]
Mend = Literal["rebuild", "sweep", "backup", "nothing"]


@dataclass(frozen=True, slots=True)
class KindOf:
    """What a kind means, and what mends it: `rebuild`, `rebuild --sweep`, a backup, or nothing to do."""

    meaning: str
    mend: Mend


KINDS: Mapping[Kind, KindOf] = MappingProxyType(
    {
        "damaged-database": KindOf("The database file itself is broken.", "backup"),
        "broken-journal": KindOf("The journal's chain of hashes does not hold, or its head is not its end.", "backup"),
        "inconsistent-rows": KindOf("Rows contradict each other or the journal.", "backup"),
        "wrong-sum": KindOf("A number or name that follows from other rows is not what they give.", "rebuild"),
        "missing-blob": KindOf("A file that was published has no contents.", "backup"),
        "detached-blob": KindOf("A file's contents are gone from their place, but still on offer.", "rebuild"),
        "wrong-bytes": KindOf("A blob's contents are not those its name says.", "backup"),
        "orphan-blob": KindOf("A blob that no file needs, left by an upload that was cut short.", "sweep"),
        "left-over": KindOf("A temporary file that nobody writes to any more.", "sweep"),
        "missing-page": KindOf("A project has no page in the public tree.", "rebuild"),
        "stale-page": KindOf("A page is not of the project's newest serial.", "rebuild"),
        "forged-page": KindOf("A page's bytes, time or place are not what the rows give.", "rebuild"),
        "stray-page": KindOf("The public tree has a page of no project.", "rebuild"),
        "missing-link": KindOf("A file that should be on offer is not.", "rebuild"),
        "wrong-link": KindOf("A file on offer is not the blob it should be.", "rebuild"),
        "stray-link": KindOf("Something is on offer that should not be.", "rebuild"),
        "stale-root": KindOf("The list of all projects is missing or not of the newest serial.", "rebuild"),
        "forged-root": KindOf("The list of all projects is not what the rows give.", "rebuild"),
        "forged-statuses": KindOf("The status files are not what the rows give.", "rebuild"),
        "wrong-mark": KindOf("The public tree claims to be further than the journal is.", "rebuild"),
        "stale-search": KindOf("Search does not know the newest state.", "rebuild"),
        "damaged-search": KindOf("The search index is broken.", "rebuild"),
        "stale-dependents": KindOf("The graph of dependencies does not know the newest state.", "rebuild"),
        "wrong-dependents": KindOf("What a project requires is not what its files say.", "rebuild"),
        "in-progress": KindOf("Not damage: somebody seems to be at work.", "nothing"),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found: its kind, what it concerns (a digest, name or path), and what exactly is wrong."""

    kind: Kind
    subject: str
    detail: str

    @property
    def is_damage(self) -> bool:
        """Whether something has to be done about it."""
        return KINDS[self.kind].mend != "nothing"
