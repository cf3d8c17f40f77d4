"""The public tree held against what the rows give: pages, the links of files on offer, the list of all projects.

Between an act's commit and its projection a page is rightly behind for some milliseconds (and the root list for
longer): whatever looks stale and is young is looked at again after a moment, and only then called damage.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from affineur.core.views import simple
from affineur.core.views.simple import RootEntry
from affineur.projections import pages
from affineur.shell.blobs import LocalBlobs
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store import journal, projects
from affineur.shell.store.schema import project
from affineur.shell.tree import ROOT

from .blobs import GRACE
from .findings import Finding, Kind

SETTLING = timedelta(minutes=1)
"""What changed less than this ago may still be on its way."""

SETTLE_SECONDS = 2.0
_TOP = frozenset({"simple", "pages", "packages", "locks", "root", "serial", "statuses"})


def check(index: Index, now: datetime, tell: Tell) -> Iterator[Finding]:
    """Faults of the public tree. Cost: making every page once and looking at every link."""
    with index.store.read() as connection:
        names: list[str] = list(projects.names(connection))
    unsettled: list[str] = []
    for done, name in enumerate(names):
        if done % 100 == 0:
            tell("pages", done, len(names))
        found = list(_project(index, name))
        if found and _is_young(index, name, now):
            unsettled.append(name)
        else:
            yield from found
    if unsettled:
        time.sleep(SETTLE_SECONDS)
        for name in unsettled:
            yield from _project(index, name)
    yield from _strays(index, now, set(names))
    yield from _root(index, now)
    yield from _mark(index)


def canonical_target(name: str, serial: int) -> str:
    """Where the symbolic link of a project's page points."""
    return f"pages/{name}.{serial}" if name == ROOT else f"../pages/{name[:2]}/{name}.{serial}"


def is_blob(index: Index, sha256: str, link: str) -> bool:
    """Whether the file on offer at ``link`` is the blob ``sha256`` itself (or names it, where blobs are elsewhere)."""
    try:
        if not isinstance(index.blobs, LocalBlobs):
            return os.path.islink(link) and os.readlink(link) == index.blob_link(sha256)
        return os.path.samefile(link, index.blobs.path(sha256)) and not os.path.islink(link)
    except OSError:
        return False


def _project(index: Index, name: str) -> Iterator[Finding]:
    with index.tree.lock(name):
        seen = pages.view(index, name)
        if seen is None:  # gone since we listed it
            return
        yield from _page(index, name, seen.page.serial, partial(pages.page_forms, seen.page), seen.seconds)
        try:
            offered = index.tree.offered(name)
        except OSError as error:
            yield Finding("stray-link", f"packages/{name}", f"It cannot be read: {error.strerror}.")
            return
        for path in sorted(seen.offered.keys() - offered):
            yield Finding("missing-link", f"{name}/{path}", "It should be on offer and is not.")
        for path in sorted(offered - seen.offered.keys()):
            yield Finding("stray-link", f"{name}/{path}", "It is on offer and should not be.")
        for path in sorted(offered & seen.offered.keys()):
            sha256, link = seen.offered[path], f"{index.tree.root}/packages/{name}/{path}"
            if not is_blob(index, sha256, link) and index.blobs.exists(sha256):
                yield Finding("wrong-link", f"{name}/{path}", "What is on offer is not the file's blob.")


def root_forms(entries: Iterable[RootEntry], serial: int) -> dict[str, bytes]:
    """Every file that the list of all projects is kept as."""
    listed = list(entries)
    as_json, as_html = simple.root_json(listed, serial), simple.root_html(listed, serial)
    return simple.with_twin("v1.json", as_json, serial) | simple.with_twin("v1.html", as_html, serial)


def _page(
    index: Index, name: str, serial: int, forms: Callable[[], dict[str, bytes]], seconds: int
) -> Iterator[Finding]:
    link = index.tree.link(name)
    stale: Kind = "stale-root" if name == ROOT else "stale-page"
    if not os.path.lexists(link):
        yield Finding("stale-root" if name == ROOT else "missing-page", _subject(name), "There is no page.")
        return
    found = index.tree.serial(name)
    if found is not None and found != serial:
        yield Finding(stale, _subject(name), f"The page is of serial {found}, the rows are at {serial}.")
        return
    forged: Kind = "forged-root" if name == ROOT else "forged-page"
    if not os.path.islink(link) or os.readlink(link) != canonical_target(name, serial):
        yield Finding(forged, _subject(name), "What stands in its place does not point to the page's folder.")
        return
    for fault in _folder_faults(link, forms(), seconds):
        yield Finding(forged, _subject(name), fault)


def _folder_faults(folder: str, forms: dict[str, bytes], seconds: int) -> Iterator[str]:
    """How a page's folder differs from ``forms``; HTML also stands there under its second name."""
    wanted = dict(forms)
    for form, second in (("v1.html", "v1.htm"), ("v1.html.gz", "v1.htm.gz")):
        if form in forms:
            wanted[second] = forms[form]
    try:
        there = set(os.listdir(folder))
    except OSError as error:
        yield f"Its folder cannot be read: {error.strerror}."
        return
    for name in sorted(wanted.keys() - there):
        yield f"{name} is missing."
    for name in sorted(there - wanted.keys()):
        yield f"{name} does not belong there."
    for name in sorted(wanted.keys() & there):
        try:
            with open(f"{folder}/{name}", "rb") as stream:
                body = stream.read()
                modified = os.fstat(stream.fileno()).st_mtime
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}."
            continue
        if body != wanted[name]:
            yield f"{name} has other bytes than the rows give."
        elif modified != seconds:
            yield f"{name} has another time than its journal entry, so that validators differ between nodes."


def _strays(index: Index, now: datetime, known: set[str]) -> Iterator[Finding]:
    """What stands in the public tree and belongs to no project."""
    base = str(index.tree.root)
    for entry in foreign_entries(index):
        yield Finding("stray-page", entry.name, "It does not belong into the public tree.")
    for entry in _sorted(f"{base}/simple"):
        if "." not in entry.name and entry.name not in known and not _exists(index, entry.name):
            yield Finding("stray-page", f"simple/{entry.name}", "There is no such project.")
    for entry in _sorted(f"{base}/packages"):
        if entry.name not in known and not _exists(index, entry.name):
            yield Finding("stray-link", f"packages/{entry.name}", "There is no such project.")
    for path in cut_short(index, now):
        yield Finding("left-over", path, "The rest of a swap of pages that was cut short.")


def foreign_entries(index: Index) -> Iterator[os.DirEntry[str]]:
    """What stands at the top of the public tree and is none of ours."""
    for entry in _sorted(str(index.tree.root)):
        if entry.name not in _TOP and not entry.name.endswith(".new"):
            yield entry


def cut_short(index: Index, now: datetime) -> Iterator[str]:
    """Paths of folders and links that a swap of pages left behind, older than `GRACE`."""
    base = str(index.tree.root)
    left = [entry for entry in _sorted(base) if entry.name.endswith(".new")]
    left += [entry for entry in _sorted(f"{base}/simple") if "." in entry.name]
    shelves = _sorted(f"{base}/pages")
    folders = [entry for entry in shelves if entry.name.startswith(".")]
    for shelf in shelves:
        if not shelf.name.startswith("."):
            folders += _sorted(shelf.path)
    for entry in folders:
        name, _, serial = entry.name.rpartition(".")
        if not serial.isdigit() or index.tree.serial(name or ROOT) != int(serial):
            left.append(entry)
    for entry in left:
        with suppress(FileNotFoundError):
            if now - datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_ctime, UTC) > GRACE:
                yield entry.path


def _root(index: Index, now: datetime) -> Iterator[Finding]:
    for patience in (True, False):
        with index.store.read() as connection:
            serial, _ = journal.head(connection)
            at = journal.moment(connection, serial)
            entries = list(projects.root_entries(connection))
        found = list(_page(index, ROOT, serial, partial(root_forms, entries, serial), int(at.timestamp())))
        stale = any(finding.kind == "stale-root" for finding in found)
        if patience and found and (not stale or now - at < SETTLING):
            time.sleep(SETTLE_SECONDS)
            continue
        if stale and now - at < SETTLING and index.tree.serial(ROOT) is not None:
            return  # it is written a while after the pages, and on a busy index is always behind
        yield from found
        return


def _mark(index: Index) -> Iterator[Finding]:
    mark = pages.read_mark(index)
    with index.store.read() as connection:
        head, _ = journal.head(connection)
    if mark > head:
        yield Finding("wrong-mark", "public/serial", f"The tree's mark is {mark}, the journal ends at {head}.")


def _is_young(index: Index, name: str, now: datetime) -> bool:
    with index.store.read() as connection:
        found = projects.find(connection, name)
    return found is not None and now - found.changed_at < SETTLING


def _exists(index: Index, name: str) -> bool:
    with index.store.read() as connection:
        return connection.scalar(sa.select(project.c.id).where(project.c.name == name)) is not None


def _sorted(folder: str) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _subject(name: str) -> str:
    return "root list" if name == ROOT else f"page of {name}"
