"""Look into the files of a project, on offer or held: what lies in one, the text of a member, what a release changed.

For those who decide about holds. It changes nothing, so nothing is journalled. Files are read from their blobs, in
pieces and for a bounded time; nothing is unpacked to disk. What it finds is in `core.distributions.archive_listing` and
`core.moderation.comparison`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from affineur.core.decision import Refused, refuse
from affineur.core.distributions.archive_listing import (
    BOUNDS,
    Clock,
    Contents,
    Entry,
    list_contents,
    missing,
    read_members,
)
from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.moderation.comparison import Comparison, Source, compare, metadata_of
from affineur.core.moderation.comparison_choice import Pair, one_file, pair
from affineur.core.moderation.comparison_signals import Signal, signals
from affineur.core.names import NormalizedName
from affineur.core.permissions import Action
from affineur.core.security import Caller
from affineur.core.views.simple import FileLink
from affineur.shell.blobs import BlobMissing
from affineur.shell.index import Index
from affineur.shell.store import projects
from affineur.shell.store.projects import ProjectRow

from . import permission

ACTION: Action = "moderate"
SECONDS = 20.0
"""As long as somebody waits for a page."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A file, looked into. ``files`` are all of the project. ``metadata`` is None where it cannot be read."""

    project: ProjectRow
    files: Sequence[FileLink]
    file: FileLink
    contents: Contents
    metadata: CoreMetadata | None
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """The beginning of a member: at most as much as is looked at of a text (`archive_listing.Bounds`)."""

    project: ProjectRow
    file: FileLink
    entry: Entry
    data: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """A file against that of another release."""

    project: ProjectRow
    files: Sequence[FileLink]
    pair: Pair
    comparison: Comparison


def examine(
    index: Index, by: Caller, project: NormalizedName, version: str | None = None, filename: str | None = None
) -> Examined:
    """What lies in a file: the one of that name, else one of that release, else of the newest one.

    `Refused`: ``project.exists``, ``access.…``, ``examine.exists``, ``version.format``.
    """
    found, files = _files(index, by, project)
    file = one_file(files, version, filename)
    with _open(index, file) as blob:
        contents = list_contents(blob, file.filename, BOUNDS, _clock())
    return Examined(found, files, file, contents, metadata_of(contents), signals(contents))


def read_member(index: Index, by: Caller, project: NormalizedName, filename: str, path: str) -> Member:
    """The text, or the first bytes, of the member at ``path``. `Refused` as `examine`."""
    found, files = _files(index, by, project)
    file = one_file(files, None, filename)
    is_over = _clock()
    with _open(index, file) as blob:
        listed = list_contents(blob, filename, BOUNDS, is_over)
        entry = next((each for each in reversed(listed.entries) if each.path == path and each.kind != "link"), None)
        taken = read_members(blob, filename, (path,), BOUNDS.text_bytes, BOUNDS, is_over) if entry else {}
    if entry is None or path not in taken:
        raise Refused(missing(filename, path))
    return Member(found, file, entry, taken[path])


def compare_files(
    index: Index,
    by: Caller,
    project: NormalizedName,
    version: str | None = None,
    against: str | None = None,
    filename: str | None = None,
) -> Compared:
    """What a file has that the one like it of the release ``against`` had not; None: of the release before.

    Where there is none, all of it is new. `Refused` as `examine`.
    """
    found, files = _files(index, by, project)
    chosen = pair(files, one_file(files, version, filename), against)
    is_over = _clock()
    with _open(index, chosen.new) as new:
        now = Source(new, chosen.new.filename)
        if chosen.old is None:
            return Compared(found, files, chosen, compare(None, now, BOUNDS, is_over))
        with _open(index, chosen.old) as old:
            was = Source(old, chosen.old.filename)
            return Compared(found, files, chosen, compare(was, now, BOUNDS, is_over))


def _files(index: Index, by: Caller, project: NormalizedName) -> tuple[ProjectRow, list[FileLink]]:
    with index.store.read() as connection:
        found = permission.require(connection, by.actor, ACTION, project, by.now)
        return found, projects.file_links(connection, found.id)


def _open(index: Index, file: FileLink) -> BinaryIO:
    try:
        return index.blobs.open(file.sha256)
    except BlobMissing:
        refuse("examine.exists", f"The contents of {file.filename} are missing here.", "Run `affineur fsck`.")


def _clock() -> Clock:
    end = time.monotonic() + SECONDS
    return lambda: time.monotonic() > end
