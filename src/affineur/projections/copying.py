"""Following another Affineur by its journal: one thread reads it and carries out stop orders, others fetch pages.

Nothing waits for pages but pages: a stop order is in force as soon as it was read and is durable here, even while
every page of the origin hangs. What cannot be had for now is tried again; what must not be believed stops it all.
What does not live here: effects (`mirror`), what may be believed (`core.history.following`), HTTP
(`shell.upstream.journal`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from affineur.core.decision import Decision, Refused
from affineur.core.history.copied_page import read_copy, read_root_copy
from affineur.core.history.following import Position, hear, plan, weigh
from affineur.core.history.journal import Entry
from affineur.core.names import NormalizedName
from affineur.core.views.simple import FileLink
from affineur.shell.following import Following
from affineur.shell.index import Index
from affineur.shell.store import copies, journal
from affineur.shell.tree import ROOT
from affineur.shell.upstream.fetching import Gone
from affineur.shell.upstream.journal import JournalIndex
from affineur.shell.upstream.offers import Received, UpstreamAway
from affineur.shell.upstream.receiving import spool_folder

from . import mirror, pages
from .course import Course

WAIT_SECONDS = 20
"""How long the origin is asked to hold a question that it has no answer to yet."""
_REST_SECONDS = 0.5
"""Between two questions where the origin does not hold them, and between two looks at the list of all projects."""
_LONGEST_REST_SECONDS = 30.0
_AHEAD_SECONDS = 2.0
_SETTLE_SECONDS = 60.0
_ROOT = "the list of all projects"


class Copying:
    """Keeps the public tree of ``index`` equal to that of ``origin``. Run it once."""

    def __init__(self, index: Index, origin: JournalIndex, state: Following, jobs: int = 4) -> None:
        self._index, self._origin, self._jobs = index, origin, jobs
        self._course = Course(index.settings, state)
        self._pending, self._over = self._course.pending, self._course.over
        self._known = Position()
        self._root_etag: str | None = None

    def run(self, stop: threading.Event, *, once: bool = False) -> Decision | None:
        """Follow until ``stop`` is set, or with ``once`` until everything the origin had is shown.

        None, or why it stopped before that. With ``once``: `UpstreamAway` where the origin does not answer.
        """
        with spool_folder(self._index.settings.spool) as spool:
            self._begin()
            threads = self._course.workers(self._jobs, spool, self._bring_up)
            if not once:
                threads.append(threading.Thread(target=self._tend, name="tending", daemon=True))
                # Not waited for at the end: it may be held by the origin, and does nothing once all is over.
                threading.Thread(target=self._keep_reading, name="journal", daemon=True).start()
            for each in threads:
                each.start()
            try:
                if once:
                    self._read_all()
                    self._finish(stop)
                while not (once or stop.is_set() or self._over.is_set()):
                    stop.wait(0.1)
            finally:
                self._end(threads)
        return self._course.refusal

    def _begin(self) -> None:
        """Go on where an earlier process stopped: carry out its stop orders, then show what is due."""
        mirror.enforce(self._index)
        since = pages.read_mark(self._index)
        with self._index.store.read() as connection:
            self._known = Position(*journal.head(connection))
            begun = plan(journal.entries(connection, since))
        self._pending.stop(begun.stops)
        self._pending.add(begun.due)

    def _end(self, threads: list[threading.Thread]) -> None:
        self._course.end()
        self._origin.stop()
        self._origin.close()
        self._course.wait_for(threads)
        self._course.write_down()

    # Reading the journal.

    def _keep_reading(self) -> None:
        """Ask for what is new, over and over. What fails is tried again after a pause."""
        pause = _REST_SECONDS
        while not self._over.is_set():
            began, known = time.monotonic(), self._known
            try:
                self._read(WAIT_SECONDS)
                pause = _REST_SECONDS
                if self._known == known:  # an origin that answers at once with nothing must not be asked at once again
                    self._over.wait(began + _REST_SECONDS - time.monotonic())
            except Exception as error:
                if not self._over.is_set():
                    self._course.note("journal", error)
                    self._over.wait(pause)
                    pause = min(pause * 2, _LONGEST_REST_SECONDS)

    def _read_all(self) -> None:
        try:
            while not self._over.is_set() and not self._read(0):
                pass
        except Refused as refused:
            self._course.note("journal", refused)
            if self._course.refusal is None:
                raise

    def _read(self, wait_seconds: int) -> bool:
        """Ask once, believe what can be believed, and have it take effect; whether that was all."""
        answer, complete = self._origin.read(self._known.serial, wait_seconds)
        if self._over.is_set():
            return True
        heard = hear(self._known, self._course.origin, answer)
        if self._course.origin is None and (heard.entries or heard.refusal is None):
            self._course.learn_origin(answer.origin)
        if heard.entries:
            self._believe(heard.entries)
        if heard.refusal is not None:
            self._course.refuse(heard.refusal)
            return True
        self._course.fine("journal")
        head = max(self._known.serial, answer.head.serial if answer.head else 0)
        self._course.heard(head, datetime.now(UTC) if complete else None)
        return complete or not heard.entries

    def _believe(self, entries: tuple[Entry, ...]) -> None:
        """Keep ``entries``, durable; then stop what must be stopped, then have the rest fetched."""
        with self._index.store.write() as connection:
            copies.adopt(connection, self._known, entries)
        wanted = plan(entries)
        self._pending.stop(wanted.stops)
        mirror.hide(self._index, wanted.stops)
        # In this order: nobody may take everything for shown while what is due is not said yet.
        self._pending.add(wanted.due)
        self._known = Position(entries[-1].serial, entries[-1].hash)

    # Fetching pages.

    def _bring_up(self, name: NormalizedName, spool: Path) -> int | None:
        """Show the project's page as the origin has it; its serial, or None where it is not the time yet."""
        try:
            body = self._origin.page(name)
        except Gone:
            return self._take_leave(name)
        page = read_copy(body, name)
        self._wait_for(page.serial)
        with self._index.store.read() as connection:
            published = copies.published(connection, name)
            known = Position(*journal.head(connection))
        if weigh(page, self._pending.stopped_at(name), known, published) != "good":
            return None
        for file, metadata in mirror.missing(self._index, page):
            mirror.take(self._index, file, metadata, self._fetch_of(name), spool)
        seconds = mirror.moment_of(self._index, page.serial)
        shown = mirror.show(self._index, page, body, seconds, lambda: self._course.may_show(name, page.serial))
        return page.serial if shown else None

    def _wait_for(self, serial: int) -> None:
        """Give the reader a moment to come to ``serial``: of a project that never rests, a page is always ahead."""
        until = time.monotonic() + _AHEAD_SECONDS
        while self._known.serial < serial and time.monotonic() < until and not self._over.wait(0.02):
            pass

    def _take_leave(self, name: NormalizedName) -> int | None:
        """The origin has no such page. Where its journal says so, too, nor have we."""
        with self._index.store.read() as connection:
            newest = copies.of_project(connection, name)[-1]
        if newest.event.hint != "purge":
            raise UpstreamAway(f"The origin's journal knows {name}, but there is no page.")
        mirror.remove(self._index, name)
        return newest.serial

    def _fetch_of(self, name: NormalizedName) -> Callable[[FileLink, bool, Path], Received]:
        def fetch(file: FileLink, metadata: bool, target: Path) -> Received:
            return (self._origin.metadata if metadata else self._origin.file)(name, file, target)

        return fetch

    # Marks, and the list of all projects.

    def _tend(self) -> None:
        settle_at = time.monotonic() + _SETTLE_SECONDS
        while not self._over.wait(_REST_SECONDS):
            try:
                self._mark()
                self._bring_up_root()
                if time.monotonic() >= settle_at:
                    pages.settle(self._index)
                    settle_at = time.monotonic() + _SETTLE_SECONDS
                self._course.fine(_ROOT)
            except Exception as error:
                self._course.note(_ROOT, error)
            self._course.write_down()

    def _mark(self) -> None:
        shown = self._pending.shown_up_to(self._known.serial)
        if shown > pages.read_mark(self._index):
            pages.write_mark(self._index, shown)

    def _bring_up_root(self) -> bool:
        """Show the origin's list of all projects, where it has a newer one and every page is that far; whether it is.

        Mirrors of ours take a page for stale that is behind the list, so the list comes last.
        """
        known = self._known.serial
        if self._root_etag is not None and (self._index.tree.serial(ROOT) or 0) >= known:
            return True
        found = self._origin.root(self._root_etag)
        if found is None:
            return False
        entries, serial = read_root_copy(found[0])
        if serial > self._pending.shown_up_to(known):
            return False
        mirror.show_root(self._index, entries, serial, found[0])
        self._root_etag = found[1] or ""
        return serial >= known

    def _finish(self, stop: threading.Event) -> None:
        """Wait until everything known is shown. `UpstreamAway` where what is left cannot be had now."""
        while not (stop.is_set() or self._over.is_set()):
            if self._pending.is_empty() and self._bring_up_root():
                self._mark()
                return
            self._course.require_progress(_ROOT)
            stop.wait(0.1)
