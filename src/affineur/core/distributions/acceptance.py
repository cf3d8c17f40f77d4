"""Acceptance: how strictly a file is judged, and what is kept of the judgement.

Here live the `Rules` an index sets for the files it takes, and the `Findings` gathered while one file is
judged by them. The same checks serve uploads (what is wrong is refused, so that its author mends it) and
imports from older indexes (what is wrong is reported, since nobody is left to mend it).

What does not live here: the checks (`filenames`, `metadata`, `archive_zip`, `archive_tar`, `wheel`,
`distribution`), and limits that depend on the project or on who uploads (they are asked in `policy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..decision import Decision, deny, refuse

Treatment = Literal["refuse", "report"]
"""What follows from a fault that leaves the file readable."""

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rules:
    """What an index takes. The default is what an upload has to keep to.

    Each ``Treatment`` says whether a fault of that sort is refused or reported. Faults that leave no
    trustworthy content (unreadable archives, paths that lead outside, bombs, a name or version that
    contradicts the file name) are refused whatever is set here.
    """

    allow_local_versions: bool = False
    allow_private_classifiers: bool = True
    """``Private ::`` classifiers exist to keep a file off the *public* index; the reason to have an index of
    one's own is often just these files."""
    filename: Treatment = "refuse"
    platform: Treatment = "refuse"
    framing: Treatment = "refuse"
    record: Treatment = "refuse"
    contents: Treatment = "refuse"
    metadata: Treatment = "refuse"
    maximum_ratio: int = 50
    ratio_counts_above_bytes: int = 64 * MEBIBYTE
    maximum_unpacked_bytes: int = 32 * 1024 * MEBIBYTE
    """Time, not memory: unpacking and hashing runs at some 200 MiB/s, so this is under three minutes."""
    maximum_members: int = 65_535
    """Memory: for each member of a wheel up to 800 bytes are kept (its place, its name, its line of RECORD), so
    at most 50 MiB. It is also what a ZIP file without 64-bit records can hold."""
    maximum_metadata_bytes: int = 4 * MEBIBYTE
    maximum_record_bytes: int = 16 * MEBIBYTE


UPLOADED = Rules()
"""The rules for files that somebody publishes now."""

IMPORTED = Rules(
    allow_local_versions=True,
    filename="report",
    platform="report",
    framing="report",
    record="report",
    contents="report",
    metadata="report",
)
"""The rules for files taken over from another index, where they have long been in use."""

MAXIMUM_FINDINGS = 100
"""A hostile file can be wrong a million times; nobody reads more than this."""


class Findings:
    """What was found wrong with one file, and not refused. Made for one inspection, then read once."""

    __slots__ = ("_noted",)

    def __init__(self) -> None:
        self._noted: list[Decision] = []

    def judge(self, treatment: Treatment, rule: str, reason: str, *ways_out: str, **facts: object) -> None:
        """Raise `Refused` for ``rule``, or keep the objection as a finding, as ``treatment`` says."""
        if treatment == "refuse":
            refuse(rule, reason, *ways_out, **facts)
        self.note(rule, reason, *ways_out, **facts)

    def note(self, rule: str, reason: str, *ways_out: str, **facts: object) -> None:
        """Keep an objection that is never a ground for refusal."""
        if len(self._noted) < MAXIMUM_FINDINGS:
            self._noted.append(deny(rule, reason, *ways_out, **facts))

    @property
    def noted(self) -> tuple[Decision, ...]:
        """The findings so far, in the order in which they were made, at most `MAXIMUM_FINDINGS`."""
        return tuple(self._noted)


def quoted(text: str, limit: int = 80) -> str:
    """``text`` in quotation marks, in printable ASCII, cut after ``limit`` characters.

    Messages travel in an HTTP reason phrase and into terminals: a line break or an escape sequence from
    somebody's file must never get there.
    """
    return repr(text[:limit].encode("ascii", "backslashreplace").decode())
