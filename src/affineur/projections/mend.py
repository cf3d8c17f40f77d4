"""Mending (`rebuild`): everything that can be derived is derived anew, in the order in which it depends.

Rows that follow from other rows, blobs that are still on offer though lost from their place, pages, links, the
root list, search, dependents, the status files. With ``sweep``, also what was left behind goes: blobs of no file,
temporary files, old pages.
What cannot be derived (contents, the journal, rows that contradict it) comes from a backup only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from affineur.shell.blobs import LocalBlobs
from affineur.shell.following import require_rows
from affineur.shell.index import Index
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.status_files import StatusFiles
from affineur.shell.store import journal, projects
from affineur.shell.store.schema import burnt_filename, file, project
from affineur.shell.store.schema import journal as entries
from affineur.shell.tree import ROOT

from . import dependents, pages, search, statuses
from .check.blobs import GRACE, held_since, is_second_name, left_overs, orphans
from .check.tree import canonical_target, cut_short, foreign_entries, is_blob

Part = Literal["rows", "pages", "root", "search", "dependents", "statuses"]
PARTS: tuple[Part, ...] = ("rows", "pages", "root", "search", "dependents", "statuses")


@dataclass(slots=True)
class Mended:
    """What a rebuild did."""

    projects: int = 0
    sums: int = 0
    blobs_taken_back: int = 0
    links_replaced: int = 0
    documents: int = 0
    edges: int = 0
    """Requirements between projects that were not what the files say."""
    swept: int = 0
    without_contents: list[str] = field(default_factory=list)
    """Files on a page whose contents are lost."""


def rebuild(
    index: Index, now: datetime, parts: Collection[Part] = PARTS, *, sweep: bool = False, tell: Tell = tell_nobody
) -> Mended:
    """Derive ``parts`` anew; ``sweep`` also removes what is left over and older than an hour. Safe while serving."""
    require_rows(index.settings)
    mended = Mended()
    if "rows" in parts:
        mended.sums = _rows(index)
    if "pages" in parts:
        _pages(index, mended, tell)
    if "root" in parts:
        _root(index)
    if "search" in parts:
        mended.documents = _search(index, tell)
    if "dependents" in parts:
        mended.edges = _dependents(index, tell)
    if "statuses" in parts:
        statuses.project_statuses(index)
        StatusFiles(index.settings.public).forget_former()
    if sweep:
        mended.swept = sweep_all(index, now, tell=tell)
    return mended


def sweep_all(index: Index, now: datetime, older_than: timedelta = GRACE, *, tell: Tell = tell_nobody) -> int:
    """Remove blobs of no file, temporary files and pages that nothing points to; how many. Ages as of ``now``."""
    swept = 0
    for digest in orphans(index, now, tell):
        with index.store.write() as connection:  # nobody publishes while we look once more and remove
            # An upload of the same contents makes the blob young again before it relies on it.
            since = held_since(index.blobs, digest)
            if since is not None and now - since > GRACE and connection.scalar(_NEEDED, {"digest": digest}) is None:
                index.blobs.remove(digest)
                swept += 1
    swept += sweep_left_overs(index, now, older_than)
    for path in cut_short(index, now):
        with contextlib.suppress(FileNotFoundError):
            _remove(path)
            swept += 1
    return swept


def sweep_left_overs(index: Index, now: datetime, older_than: timedelta = GRACE) -> int:
    """Remove temporary files of uploads that nobody has written to for so long; how many. Cheap: lists two folders."""
    swept = 0
    for found in left_overs(index, now, older_than):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(found.subject)
            swept += 1
    return swept


_NEEDED = (
    sa.select(file.c.id)
    .where(sa.or_(file.c.sha256 == sa.bindparam("digest"), file.c.metadata_sha256 == sa.bindparam("digest")))
    .limit(1)
)


def _rows(index: Index) -> int:
    """Write every sum anew where it differs; how many did."""
    size = sa.func.coalesce(
        sa.select(sa.func.sum(file.c.size_bytes)).where(file.c.project_id == project.c.id).scalar_subquery(), 0
    )
    newest = sa.func.coalesce(
        sa.select(sa.func.max(entries.c.serial)).where(entries.c.project == project.c.name).scalar_subquery(), 0
    )
    moment = (
        sa.select(entries.c.at)
        .where(entries.c.project == project.c.name)
        .order_by(entries.c.serial.desc())
        .limit(1)
        .scalar_subquery()
    )
    unburnt = sa.select(file.c.filename, file.c.uploaded_at).where(
        ~sa.exists().where(burnt_filename.c.filename == file.c.filename)
    )
    with index.store.write() as connection:
        changed = [
            connection.execute(project.update().where(project.c.size_bytes != size).values(size_bytes=size)),
            connection.execute(
                project.update()
                .where(sa.or_(project.c.serial != newest, project.c.changed_at != moment))
                .values(serial=newest, changed_at=sa.func.coalesce(moment, project.c.created_at))
            ),
        ]
        names = [{"filename": filename, "burnt_at": at} for filename, at in connection.execute(unburnt)]
        if names:
            connection.execute(burnt_filename.insert(), names)
        return sum(result.rowcount for result in changed) + len(names)


def _pages(index: Index, mended: Mended, tell: Tell) -> None:
    mark = pages.read_mark(index)
    with index.store.read() as connection:
        head, _ = journal.head(connection)
        names: list[str] = list(projects.names(connection))
    _mend_places(index)
    if mark > head:  # of a database that is not this one: following it would stand still
        pages.write_mark(index, head)
    for done, name in enumerate(names):
        tell("links", done, len(names))
        _mend_links(index, name, mended)
    known = set(names)
    for name in {*index.tree.names(), *index.tree.names_with_files()} - known:
        pages.project(index, name)
    for done, name in enumerate(names):
        tell("pages", done, len(names))
        pages.project(index, name, force=True)
        mended.without_contents += _without_contents(index, name)
    mended.projects = len(names)


def _without_contents(index: Index, name: str) -> list[str]:
    """Files that the page names and that are not on offer, because their contents are lost."""
    with index.tree.lock(name):
        seen = pages.view(index, name)
        if seen is None or not isinstance(index.blobs, LocalBlobs):
            return []
        missing = sorted(seen.offered.keys() - index.tree.offered(name))  # or only not on offer yet
        return [f"{name}/{path}" for path in missing if not index.blobs.exists(seen.offered[path])]


def _mend_places(index: Index) -> None:
    """Take away what stands where only our links and folders do: what is left, everything else here can walk."""
    for entry in foreign_entries(index):
        _remove(entry.path)
    base = str(index.tree.root)
    places = {entry.name for folder in ("simple", "packages") for entry in os.scandir(f"{base}/{folder}")}
    for name in sorted(places):
        with index.tree.lock(name):  # nobody is about to change the place while we judge it
            _mend_place(index, name)


def _mend_place(index: Index, name: str) -> None:
    link, files = index.tree.link(name), f"{index.tree.root}/packages/{name}"
    if "." not in name and os.path.lexists(link):
        serial = index.tree.serial(name)
        if serial is None or not os.path.islink(link) or os.readlink(link) != canonical_target(name, serial):
            _remove(link)
    if not os.path.lexists(files):
        return
    if os.path.islink(files) or not os.path.isdir(files):
        _remove(files)
        return
    for entry in list(os.scandir(files)):
        if entry.is_symlink() or not entry.is_dir():
            _remove(entry.path)


def _mend_links(index: Index, name: str, mended: Mended) -> None:
    with index.tree.lock(name):
        seen = pages.view(index, name)
        if seen is None:
            return
        for path, sha256 in seen.offered.items():
            link = f"{index.tree.root}/packages/{name}/{path}"
            if not os.path.lexists(link) or is_blob(index, sha256, link):
                continue
            if isinstance(index.blobs, LocalBlobs) and not index.blobs.exists(sha256):
                # The blob is lost, but what is on offer is a second name of the same file.
                if is_second_name(link, sha256):
                    os.makedirs(os.path.dirname(index.blobs.path(sha256)), exist_ok=True)
                    os.link(link, index.blobs.path(sha256))
                    mended.blobs_taken_back += 1
                continue
            _remove(link)
            index.tree.offer(name, path, index.blob_link(sha256))
            mended.links_replaced += 1


def _root(index: Index) -> None:
    with index.tree.lock(ROOT):
        serial = index.tree.serial(ROOT) or 0
        with index.store.read() as connection:
            head, _ = journal.head(connection)
        link = index.tree.link(ROOT)
        if not os.path.islink(link) and os.path.lexists(link):
            _remove(link)
        elif serial > head:  # of a database that is not this one
            index.tree.remove_page(ROOT)
    pages.project_root(index)


def _search(index: Index, tell: Tell) -> int:
    with index.store.read() as connection:
        total = len(projects.names(connection))
    found = search.open_search(index)

    def advance(done: int) -> None:
        tell("search", done, total)

    try:
        return search.rebuild(index, found, advance)
    finally:
        found.close()


def _dependents(index: Index, tell: Tell) -> int:
    with index.store.read() as connection:
        total = len(projects.names(connection))

    def advance(done: int) -> None:
        tell("dependents", done, total)

    return dependents.rebuild(index, advance)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
