"""Taking in what an upstream offers: project by project, each file by the same action as any upload.

Every step finds out by itself what is done already, so an import that was killed goes on when it is run again.
Within a project files are taken in the order in which they were published; downloads run ahead of that by a few
files, and several projects are taken in at once.
What does not live here: reading upstreams (`shell.upstream`), checks and rows (`actions.upload`).
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from affineur.actions.grant import set_role
from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.upload import Published, Spooled, Terms, upload
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.decision import Refused, refuse
from affineur.core.distributions.acceptance import IMPORTED
from affineur.core.distributions.filenames import parse_filename_leniently
from affineur.core.history.following import read_only
from affineur.core.life.lifecycle import HOLDING, Act, Said
from affineur.core.life.standing import Status, uncoded
from affineur.core.names import NormalizedName
from affineur.core.people.accounts import unknown
from affineur.core.security import console
from affineur.core.views.simple import FileLink
from affineur.projections import pages
from affineur.shell.following import followed_url
from affineur.shell.index import Index
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.store import accounts, projects
from affineur.shell.upstream.offers import OfferedFile, OfferedProject, Received, Source, UpstreamAway
from affineur.shell.upstream.receiving import checkable, require_digests, spool_folder

from .ledger import Ledger, Outcome, refused

_ACTS: Mapping[Status, Act] = MappingProxyType(
    {"archived": "archive", "deprecated": "deprecate", "quarantined": "quarantine"}
)
_NO_TIME = datetime.max.replace(tzinfo=UTC)
_PIECE_BYTES = 1024 * 1024
_NOTICED_AFTER_SECONDS = 0.5
"""An interrupt, at the latest."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to do beside taking files in. ``owner`` is an account; ``jobs`` is how many things are done at once."""

    now: datetime
    owner: str | None = None
    jobs: int = 4


def take_in(
    index: Index,
    source: Source,
    names: Sequence[NormalizedName],
    order: Order,
    ledger: Ledger,
    tell: Tell = tell_nobody,
) -> None:
    """Take ``names`` in from ``source``; what became of each file stands in ``ledger``.

    `Refused` where there is no such owner (``account.exists``), and for a mirror (``follow.read-only``). Errors of this
    machine's own (a full disk, a database that is away) end the import; so does an interrupt, after the files at hand.
    """
    if url := followed_url(index.settings):
        raise Refused(read_only(url))
    if order.owner is not None:
        _require_account(index, order.owner)
    with spool_folder(index.settings.spool) as spool:
        _Import(index, source, order, ledger, tell, spool).run(names)
    for where, why in source.left_out():
        ledger.note(Outcome("", where, "left out", reason=why))


class _Import:
    """One run; its threads share what is here."""

    def __init__(self, index: Index, source: Source, order: Order, ledger: Ledger, tell: Tell, spool: Path) -> None:
        self._index, self._source, self._order, self._ledger = index, source, order, ledger
        self._tell, self._spool = tell, spool
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._projects_done = 0

    def run(self, names: Sequence[NormalizedName]) -> None:
        """Take all ``names`` in; raises the first error that is no outcome of a file."""
        waiting = iter(names)
        jobs = self._order.jobs
        with ThreadPoolExecutor(jobs) as self._downloads, ThreadPoolExecutor(jobs) as workers:
            running: list[Future[None]] = []
            try:  # from here on: an interrupt may come before all have begun
                for _ in range(jobs):
                    running.append(workers.submit(self._work, waiting, len(names)))  # noqa: PERF401
                _wait_for(running)
            finally:
                # At the ordinary end nothing is left to stop.
                if len(running) < jobs or any(not one.done() or one.exception() for one in running):
                    self._stopped.set()
                    self._source.stop()
                    self._downloads.shutdown(wait=False, cancel_futures=True)
        for one in running:
            one.result()

    def _work(self, waiting: Iterator[NormalizedName], total: int) -> None:
        while not self._stopped.is_set():
            with self._lock:
                name = next(waiting, None)
                self._tell("projects", self._projects_done, total)
            if name is None:
                return
            try:
                self._take_project(name)
            except Refused as error:
                self._ledger.note(refused(name, "", error.decision))
            except UpstreamAway as error:
                self._ledger.note(Outcome(name, "", "failed", "upstream.away", str(error)))
            with self._lock:
                self._projects_done += 1
                self._tell("projects", self._projects_done, total)

    def _take_project(self, name: NormalizedName) -> None:
        offered = self._source.project(name)
        if offered is None:
            refuse("upstream.project", f"The upstream has no project '{name}'.")
        self._ledger.remark(offered.notes)
        present = self._files_here(name)
        wanted = [file for file in sorted(offered.files, key=_order_of_arrival) if self._is_wanted(name, file, present)]
        failed = False
        for file, arriving in self._arriving(wanted):
            outcome = self._take_file(name, file, arriving)
            failed = failed or outcome.result == "failed"
            self._note(outcome)
        pages.project(self._index, name)  # once for all its files
        # A project that is archived takes no files: its status comes last, and not while files are missing.
        if not failed and not self._stopped.is_set():
            self._carry_status(name, offered)
        if self._order.owner is not None:
            self._give_to_owner(name, self._order.owner)

    def _files_here(self, name: NormalizedName) -> dict[str, FileLink]:
        with self._index.store.read() as connection:
            found = projects.find(connection, name)
            return {link.filename: link for link in projects.file_links(connection, found.id)} if found else {}

    def _is_wanted(self, name: NormalizedName, file: OfferedFile, present: Mapping[str, FileLink]) -> bool:
        """Whether to fetch ``file``; what is settled without that is noted."""
        try:
            if parse_filename_leniently(file.filename, name).name != name:
                refuse("upstream.name", f"The file is listed with project '{name}', but not named after it.")
            here = present.get(file.filename)
            if here is None:
                return True
            if not self._is_same(file, here):
                refuse(
                    "upload.duplicate",
                    "A file of this name is here already, with other contents.",
                    "Published files never change: the one that is here stays.",
                    here=here.sha256,
                )
            if file.yanked and not here.yanked:
                set_yanked(
                    self._index, SYSTEM, Selection(name, None, file.filename), True, self._order.now, file.yanked_reason
                )
        except Refused as error:
            self._note(refused(name, file.filename, error.decision))
        else:
            self._note(Outcome(name, file.filename, "present"))
        return False

    def _is_same(self, file: OfferedFile, here: FileLink) -> bool:
        """Whether the upstream's digests fit the file that is here; one without any is known by name and size."""
        if file.size_bytes not in (None, here.size_bytes):
            return False
        stated = self._source.digests(file)
        known = checkable(stated)
        if "sha256" in known or not known:
            return stated.get("sha256", here.sha256).lower() == here.sha256
        digest = hashlib.new(known[0], usedforsecurity=False)
        with self._index.blobs.open(here.sha256) as stream:
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
        try:
            require_digests(file, {known[0]: digest.hexdigest()})
        except Refused:
            return False
        return True

    def _arriving(self, wanted: Sequence[OfferedFile]) -> Iterator[tuple[OfferedFile, Future[Received]]]:
        """``wanted`` in order, each with its download under way; a few downloads run ahead."""
        ahead: deque[tuple[OfferedFile, Future[Received]]] = deque()
        files = iter(wanted)
        try:
            while not self._stopped.is_set():
                for file in itertools.islice(files, self._order.jobs - len(ahead)):
                    target = self._spool / str(next(self._numbers))
                    ahead.append((file, self._downloads.submit(self._source.fetch, file, target)))
                if not ahead:
                    return
                yield ahead.popleft()
        finally:
            for _, download in ahead:
                download.cancel()

    def _take_file(self, name: NormalizedName, file: OfferedFile, arriving: Future[Received]) -> Outcome:
        try:
            received = arriving.result()
            published = self._upload(name, file, received)
        except Refused as error:
            return refused(name, file.filename, error.decision)
        except UpstreamAway as error:
            return Outcome(name, file.filename, "failed", "upstream.away", str(error))
        findings = tuple((finding.rule, finding.reason) for finding in published.findings)
        return Outcome(name, file.filename, "taken" if published.new else "present", findings=findings)

    def _upload(self, name: NormalizedName, file: OfferedFile, received: Received) -> Published:
        spooled = Spooled(
            received.path, file.filename, received.size_bytes, received.sha256, received.blake2b_256, received.md5
        )
        stated = file.uploaded_at or received.modified_at or self._order.now
        terms = Terms(
            rules=IMPORTED,
            limits_apply=False,
            reserve_names=False,
            actor_class="import",
            yanked=file.yanked,
            yanked_reason=file.yanked_reason if file.yanked else None,
            uploaded_at=min(stated, self._order.now),
            project=name,
            one_sdist=False,
            page=False,
        )
        try:
            return upload(self._index, SYSTEM, None, spooled, self._order.now, terms)
        finally:
            received.path.unlink(missing_ok=True)

    def _carry_status(self, name: NormalizedName, offered: OfferedProject) -> None:
        act = _ACTS.get(offered.status.status)
        if act is None:
            return
        with self._index.store.read() as connection:
            is_here = projects.find(connection, name) is not None
        if is_here:
            # A hold of theirs stays theirs: nobody here can know whether it is right to lift it when theirs is.
            said = Said(uncoded(offered.status.reason), origin="upstream" if act in HOLDING else "ours")
            if act in HOLDING:
                hold(self._index, console(self._order.now), act, name, said=said)
            else:
                set_status(self._index, SYSTEM, act, name, self._order.now, said)

    def _give_to_owner(self, name: NormalizedName, owner: str) -> None:
        """Only what belongs to nobody: an import must not take a project from its people."""
        with self._index.store.read() as connection:
            found = projects.find(connection, name)
            is_free = found is not None and not projects.people(connection, found.id)
        if is_free:
            set_role(self._index, console(self._order.now), name, owner, "owner")

    def _note(self, outcome: Outcome) -> None:
        self._ledger.note(outcome)
        with self._lock:
            self._tell("files", self._ledger.files, None)


def _wait_for(running: Sequence[Future[None]]) -> None:
    """Until all are done, or one has failed.

    In short waits: Python does not notice an interrupt that comes just before a lock is waited for until that wait
    ends, which may be hours away.
    """
    waiting = True
    while waiting:
        done, left = wait(running, _NOTICED_AFTER_SECONDS, FIRST_EXCEPTION)
        waiting = bool(left) and not any(one.exception() for one in done)


def _order_of_arrival(file: OfferedFile) -> tuple[datetime, str]:
    return file.uploaded_at or _NO_TIME, file.filename


def _require_account(index: Index, name: str) -> None:
    with index.store.read() as connection:
        if accounts.account_id(connection, name) is None:
            raise Refused(unknown(name, f"`affineur token create --user {name}` makes it."))
