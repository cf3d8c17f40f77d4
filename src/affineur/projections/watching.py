"""Following an index that only speaks the simple API: pages are compared with what they said, and become events.

Each round: the list of projects, the pages that moved, what they come to (into the mirror's own journal, durable),
stop orders carried out at once; files are fetched beside that, and never hold up a round.
What does not live here: which events a difference is (`core.history.differences`), effects (`mirror`).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from affineur.core.decision import Decision, Refused, refuse
from affineur.core.distributions.filenames import parse_filename_leniently
from affineur.core.history.differences import SeenFile, differences, seen
from affineur.core.history.following import plan
from affineur.core.life.standing import STATUS_PERMITS, ProjectStatus
from affineur.core.names import NormalizedName
from affineur.core.versions import order_key
from affineur.core.views.simple import FileLink, ProjectPage, RootEntry
from affineur.shell.following import Following
from affineur.shell.index import Index
from affineur.shell.store import copies, journal
from affineur.shell.tree import ROOT
from affineur.shell.upstream.offers import OfferedFile, OfferedProject, Received
from affineur.shell.upstream.receiving import spool_folder
from affineur.shell.upstream.watched import WatchedIndex

from . import mirror, pages
from .course import Course

_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_REST_SECONDS = 0.5
_FEW = 10
"""So many projects may vanish between two rounds without anybody asking why."""
_GONE = ProjectStatus("archived", "[removed] No longer at the index that this one mirrors.")
_ROUND = "the origin"
_LEFT_OUT = OfferedProject(NormalizedName("none"), ())


class Watching:
    """Keeps the public tree of ``index`` showing what ``origin`` shows. Start it once."""

    def __init__(
        self, index: Index, origin: WatchedIndex, state: Following, jobs: int = 4, poll_seconds: float = 60.0
    ) -> None:
        self._index, self._origin, self._jobs, self._poll_seconds = index, origin, jobs, poll_seconds
        self._course = Course(index.settings, state)
        self._pending, self._over = self._course.pending, self._course.over
        self._now: dict[str, tuple[int, OfferedProject]] = {}
        self._known: dict[str, int] = {}

    def run(self, stop: threading.Event, *, once: bool = False) -> Decision | None:
        """Follow until ``stop`` is set, or with ``once`` until everything the origin shows is shown here.

        None, or why it stopped before that. `UpstreamAway` with ``once`` where the origin does not answer.
        """
        with spool_folder(self._index.settings.spool) as spool:
            mirror.enforce(self._index)
            with self._index.store.read() as connection:
                self._known = copies.newest_of_all(connection)
            workers = self._course.workers(self._jobs, spool, self._bring_up)
            for each in workers:
                each.start()
            try:
                self._follow(stop, once)
            finally:
                self._course.end()
                self._origin.stop()
                self._origin.close()
                self._course.wait_for(workers)
                self._course.write_down()
        return self._course.refusal

    def _follow(self, stop: threading.Event, once: bool) -> None:
        look_at = 0.0
        while not (stop.is_set() or self._over.is_set()):
            if time.monotonic() >= look_at:
                self._look_again(once)
                look_at = time.monotonic() + self._poll_seconds
            self._tend()
            if once and self._pending.is_empty():
                return
            if once:
                self._course.require_progress(_ROUND)
            stop.wait(0.1 if once else _REST_SECONDS)

    def _look_again(self, once: bool) -> None:
        """One round; with ``once`` what goes wrong is raised, unless it stopped following."""
        try:
            self._round()
            self._course.fine(_ROUND)
        except Exception as error:
            self._course.note(_ROUND, error)
            if once and self._course.refusal is None:
                raise

    # Looking, and what it comes to.

    def _round(self) -> None:
        """Look at everything that may have moved once."""
        listed = self._origin.listed()
        vanished = [NormalizedName(name) for name in self._known if name not in listed and not self._is_gone(name)]
        self._require_not_emptied(vanished)
        moved = [name for name, serial in listed.items() if not self._origin.is_unmoved(name, serial)]
        with ThreadPoolExecutor(self._jobs) as pool:
            for failed in pool.map(lambda name: self._look(name, listed.get(name)), [*vanished, *moved]):
                if failed is not None:
                    self._course.note(*failed)
        self._course.heard(max(self._known.values(), default=0), datetime.now(UTC))

    def _require_not_emptied(self, vanished: list[NormalizedName]) -> None:
        """`Refused` where most projects are gone at once: that is a fault of the origin far more often than an act."""
        if len(vanished) > max(_FEW, len(self._known) // 2):
            refuse(
                "follow.vanished",
                f"{len(vanished)} of {len(self._known)} projects are missing from the origin's list at once.",
                "Nothing was taken away. Ask whoever runs the origin.",
                missing=len(vanished),
            )

    def _look(self, name: NormalizedName, serial: int | None) -> tuple[str, Exception] | None:
        """Look at one page, and write down what happened; what went wrong, for whoever asked."""
        if self._over.is_set():
            return None
        try:
            found = self._origin.project(name)
            if found is None:
                self._origin.note_unchanged(name, serial)
                return None
            offered, etag = found
            self._tell(name, offered)
            self._origin.note(name, serial, etag)
        except Exception as error:
            return name, error
        self._course.fine(name)
        return None

    def _tell(self, name: NormalizedName, offered: OfferedProject | None) -> None:
        """Events into the journal, durable; then stop orders; then the page is due."""
        files = None if offered is None else _files(offered)
        status = _GONE if offered is None else offered.status
        with self._index.store.write() as connection:
            before = seen(entry.event for entry in copies.of_project(connection, name))
            events = differences(name, before, files, status)
            first = journal.head(connection)[0] + 1
            last = journal.append(connection, datetime.now(UTC), events) if events else copies.newest(connection, name)
        if last:
            self._now[name] = (last, offered or _LEFT_OUT)
            self._known[name] = last
        if events:
            with self._index.store.read() as connection:
                stops = plan(list(journal.entries(connection, first - 1, len(events)))).stops
            self._pending.stop(stops)
            mirror.hide(self._index, stops)
        if last and self._index.tree.serial(name) != last:
            self._pending.add({name: (first if events else last, last)})

    def _is_gone(self, name: str) -> bool:
        return name in self._now and self._now[name][1] is _LEFT_OUT

    # Fetching files, and showing pages.

    def _bring_up(self, name: NormalizedName, spool: Path) -> int | None:
        serial, offered = self._now[name]
        files = {file.filename: file for file in offered.files}
        # Sizes and the like are known once the files are here: a page names nothing that cannot be had.
        links = [link for file in offered.files if (link := self._link(file, spool)) is not None]
        status = _GONE if offered is _LEFT_OUT else offered.status
        page = _page(name, status, links, serial)
        for file, metadata in mirror.missing(self._index, page):
            mirror.take(self._index, file, metadata, self._fetch_of(files), spool)
        seconds = mirror.moment_of(self._index, serial)
        done = mirror.show(self._index, page, None, seconds, lambda: self._course.may_show(name, serial))
        return serial if done else None

    def _link(self, file: OfferedFile, spool: Path) -> FileLink | None:
        """The file as our page names it, fetched where it is not here yet; None where it cannot be listed."""
        sha256, version = _sha256(file), _version(file.filename)
        if sha256 is None or version is None:
            return None
        moment = file.uploaded_at or datetime.fromtimestamp(0, UTC)
        link = FileLink(
            file.filename,
            version,
            sha256,
            file.size_bytes or 0,
            moment,
            file.requires_python,
            file.metadata_sha256,
            file.yanked,
            file.yanked_reason,
        )
        if not self._index.blobs.exists(sha256):
            mirror.take(self._index, link, False, self._fetch_of({file.filename: file}), spool)
        if file.size_bytes is None:
            with self._index.blobs.open(sha256) as blob:
                link = replace(link, size_bytes=blob.seek(0, 2))
        return link

    def _fetch_of(self, files: dict[str, OfferedFile]) -> Callable[[FileLink, bool, Path], Received]:
        def fetch(link: FileLink, metadata: bool, target: Path) -> Received:
            file = files[link.filename]
            if metadata:
                digests = {"sha256": link.metadata_sha256 or ""}
                name, place = f"{link.filename}.metadata", f"{file.place.partition('#')[0]}.metadata"
                file = OfferedFile(name, place, digests)
            return self._origin.file(file, target)

        return fetch

    def _tend(self) -> None:
        """Mark what is shown, write the list of all projects, and say how it goes."""
        with self._index.store.read() as connection:
            head, _ = journal.head(connection)
        shown = self._pending.shown_up_to(head)
        if shown > pages.read_mark(self._index):
            pages.write_mark(self._index, shown)
        if shown >= head and (self._index.tree.serial(ROOT) or -1) < head:
            mirror.show_root(self._index, list(_entries(self._index)), head, None)
        self._course.write_down()


def _page(name: NormalizedName, status: ProjectStatus, links: list[FileLink], serial: int) -> ProjectPage:
    """Our page of what the origin lists. PEP 792: of a project on hold no file is listed, whatever the origin does."""
    ordered = sorted(links, key=lambda link: (order_key(link.version), link.version, link.filename))
    versions = tuple(dict.fromkeys(link.version for link in ordered))
    listed = tuple(ordered) if STATUS_PERMITS[status.status].offer else ()
    return ProjectPage(name, status, listed, versions, serial)


def _files(offered: OfferedProject) -> dict[str, SeenFile]:
    """The files that can be told of: those whose name says their version, and whose digest is given."""
    found = {}
    for file in offered.files:
        version, sha256 = _version(file.filename), _sha256(file)
        if version is not None and sha256 is not None:
            found[file.filename] = SeenFile(version, sha256, file.yanked, file.yanked_reason)
    return found


def _sha256(file: OfferedFile) -> str | None:
    """The digest that the origin gives, where it is one: it becomes the name of a file here, and must lead nowhere."""
    stated = file.digests.get("sha256", "").lower()
    return stated if _SHA256.match(stated) else None


def _version(filename: str) -> str | None:
    with suppress(Refused):
        return str(parse_filename_leniently(filename).version)
    return None


def _entries(index: Index) -> Iterable[RootEntry]:
    for name in sorted(index.tree.names()):
        serial = index.tree.serial(name)
        if serial is not None:
            yield RootEntry(NormalizedName(name), serial)
