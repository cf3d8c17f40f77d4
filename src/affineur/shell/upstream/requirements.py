"""What a project of an upstream requires: read from the metadata of its newest release, of which nothing is kept.

What does not live here: how it comes into the graph of dependents (`projections.dependents.learn`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from affineur.core.decision import Refused
from affineur.core.dependents.edges import stated
from affineur.core.distributions.acceptance import IMPORTED, Findings
from affineur.core.distributions.filenames import SdistName, WheelName, parse_filename_leniently
from affineur.core.distributions.metadata import check_metadata
from affineur.core.distributions.wheel import open_wheel
from affineur.core.names import NormalizedName
from affineur.core.versions import latest

from .offers import OfferedFile, Source

LARGEST_WHEEL_BYTES = 64 * 1024 * 1024
"""A wheel whose metadata the upstream does not offer beside it is fetched whole, up to this size."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the newest release requires, as its metadata has it; None: that is known only when it is built."""

    version: str
    requires_dist: tuple[str, ...] | None


def read_requirements(source: Source, name: NormalizedName, folder: Path) -> Requirements | None:
    """What ``name`` requires; None where the upstream has no release of it. Files pass through ``folder``.

    `UpstreamAway`, or `Refused` for an upstream that is not to be believed.
    """
    offered = source.project(name)
    named = _named(offered.files, name) if offered is not None else []
    version = latest((each.version, file.yanked) for file, each in named)
    if version is None:
        return None
    of_release = [(file, each) for file, each in named if each.version == version]
    for file, each in sorted(of_release, key=_cost):
        raw = _metadata(source, file, each, folder)
        if raw is None:
            continue
        found = check_metadata(raw, IMPORTED)
        is_wheel = isinstance(each, WheelName)
        said = stated(found.metadata_version, found.requires_dist, found.dynamic, wheel=is_wheel)
        return Requirements(version, None if said.dynamic else said.requires)
    return Requirements(version, None)


def _named(files: Sequence[OfferedFile], name: NormalizedName) -> list[tuple[OfferedFile, WheelName | SdistName]]:
    """The files whose names say which release they belong to."""
    found = []
    for file in files:
        try:
            found.append((file, parse_filename_leniently(file.filename, name)))
        except Refused:
            continue
    return found


def _cost(one: tuple[OfferedFile, WheelName | SdistName]) -> tuple[bool, bool, int]:
    """Wheels first, since they say all; those with their metadata beside them; small ones."""
    file, named = one
    return not isinstance(named, WheelName), file.metadata_sha256 is None, file.size_bytes or 0


def _metadata(source: Source, file: OfferedFile, named: WheelName | SdistName, folder: Path) -> bytes | None:
    """The metadata of one file; None where it is not to be had without building or fetching very much."""
    if file.metadata_sha256 is not None:
        beside = replace(
            file, place=f"{file.place}.metadata", digests={"sha256": file.metadata_sha256}, size_bytes=None
        )
        return _fetched(source, beside, folder)
    if not isinstance(named, WheelName) or (file.size_bytes or 0) > LARGEST_WHEEL_BYTES:
        return None
    target = folder / "wheel"
    try:
        source.fetch(file, target)
        with target.open("rb") as opened:
            return open_wheel(opened, named, IMPORTED, Findings()).metadata_bytes
    finally:
        target.unlink(missing_ok=True)


def _fetched(source: Source, file: OfferedFile, folder: Path) -> bytes:
    target = folder / "metadata"
    try:
        source.fetch(file, target)
        return target.read_bytes()
    finally:
        target.unlink(missing_ok=True)
