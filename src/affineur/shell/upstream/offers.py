"""What an upstream offers, as values, and the port that every kind of upstream stands behind.

What does not live here: how any of it is read (`simple_index`, `folder`, `devpi`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from affineur.core.decision import Decision
from affineur.core.life.standing import ProjectStatus
from affineur.core.names import NormalizedName

ACTIVE = ProjectStatus("active")


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """One file that an upstream offers. What it does not tell is None, or empty.

    ``place`` is where to get it: an absolute URL or a path. ``digests`` go from lowercase algorithm to hex.
    """

    filename: str
    place: str
    digests: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int | None = None
    uploaded_at: datetime | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    requires_python: str | None = None
    metadata_sha256: str | None = None
    """Of what stands at ``place`` with ``.metadata`` behind it (PEP 658, 714); None: nothing, or without a digest."""


@dataclass(frozen=True, slots=True)
class OfferedProject:
    """A project of an upstream, its files in no order; ``notes`` are objections that did not matter enough."""

    name: NormalizedName
    files: Sequence[OfferedFile]
    status: ProjectStatus = ACTIVE
    notes: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived whole at ``path``, and agrees with all that was said of it. Digests are hex."""

    path: Path
    size_bytes: int
    sha256: str
    blake2b_256: str
    md5: str
    modified_at: datetime | None = None
    """When the upstream's own copy was last changed, where it says so."""


class UpstreamAway(Exception):
    """The upstream did not answer, or not well, for now: trying again later may help. The message says what."""


class Source(Protocol):
    """An upstream. Every method may be called from several threads.

    All raise `Refused` (``upstream.…``) for what must not be believed and `UpstreamAway` for what may pass.
    """

    def names(self) -> Sequence[NormalizedName]:
        """Every project, each once."""

    def project(self, name: NormalizedName) -> OfferedProject | None:
        """The project with its files; None where the upstream has none of that name."""

    def digests(self, file: OfferedFile) -> Mapping[str, str]:
        """All that can be known of the digests of ``file`` without fetching it from afar."""

    def fetch(self, file: OfferedFile, target: Path) -> Received:
        """Copy ``file`` to the new file ``target``. Nothing stays there where this raises. Memory is bounded."""

    def left_out(self) -> Iterable[tuple[str, str]]:
        """What is there but no distribution, as ``(where, why)``; complete once all else was asked."""

    def stop(self) -> None:
        """Make everything that waits for the upstream give up."""

    def close(self) -> None:
        """Give connections back."""
