"""The graph of dependencies as a projection: the edges of each project, following the journal.

An entry about a project makes us look at its releases again, and change what edges differ. Arrays for what needs the
whole graph are written beside, now and then (`keep_arrays`).
What does not live here: what an edge is (`core.dependents.edges`), its rows (`shell.store.dependents`), and the
questions (`shell.dependents`).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import msgspec
import sqlalchemy as sa
from packaging.metadata import parse_email

from affineur.core.dependents.answers import Source
from affineur.core.dependents.edges import LARGE_SHARE, NOTHING, Needs, Stated, counted, needs, stated
from affineur.core.downloads.figures import INSTALLS, MONTH_DAYS, Window
from affineur.core.names import NormalizedName, parse_name
from affineur.core.versions import canonical, parse_version
from affineur.shell.blobs import BlobMissing
from affineur.shell.index import Index
from affineur.shell.store import dependents as rows
from affineur.shell.store import journal, projects

log = logging.getLogger(__name__)

_BATCH = 100
"""Entries, or projects, that are folded in with one transaction: writers stand in line behind it."""
TURN_SECONDS = 0.5
"""After so long `follow` goes on with something else, and with this at its next turn: what an index has that was
filled before there was a graph may take hours."""
_LOOKED_UP = 5_000
"""Projects of which it is asked at once what counts already."""
WEIGH_SECONDS = 24 * 3600.0
"""How often it is looked which older releases many install."""
_FIRST_WEIGH_SECONDS = 600.0
"""From the start until that is looked at first: what has just been started has other things to do."""
_REST = 3.0
"""Arrays rest this many times as long as writing them took: they cost as much as the whole graph has edges."""

Popular = Mapping[str, Collection[str]]
"""Of a project, versions with a large share of its installs (`core.dependents.edges.LARGE_SHARE`)."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A project of an upstream, as its metadata says. ``requires_dist``: lines as written; None: not known."""

    name: str
    version: str
    requires_dist: tuple[str, ...] | None


def catch_up(index: Index, most_seconds: float = math.inf) -> int:
    """Bring edges up to the journal; the number of projects looked at. Cost: linear in what has changed.

    Begins nothing more after ``most_seconds``. Which older releases count stays as it is: `weigh` says so anew.
    """
    seen, began = 0, time.monotonic()
    while time.monotonic() - began <= most_seconds:
        with index.store.read() as connection:
            since, _ = rows.position(connection)
            changed, last = journal.changed_since(connection, since, _BATCH)
            if not changed:
                return seen
            found = look(index, connection, [name for name, _ in changed])
        with index.store.write() as connection:
            if rows.position(connection)[0] == since:  # else another node has done it, maybe from newer rows
                now = datetime.now(UTC)
                rows.replace(connection, found, last, now)
                rows.move(connection, last, now)
                seen += len(changed)
    return seen


def rebuild(index: Index, advance: Callable[[int], None] | None = None) -> int:
    """Make the edges of every project anew, in steps that nobody waits for; the number of rows that changed.

    What is known of an upstream's projects stays: it cannot be derived from anything here.
    """
    with index.store.read() as connection:
        head, _ = journal.head(connection)
        ours = list(projects.names(connection))
        gone = sorted(set(rows.named_ours(connection)) - set(ours))
    changed = done = 0
    for names in _slices([*ours, *gone]):
        changed += _fold(index, names)
        done += len(names)
        if advance is not None:
            advance(done)
    with index.store.write() as connection:
        at, _ = rows.position(connection)
        if at < head or at > journal.head(connection)[0]:  # behind, or of a database that is not this one
            rows.move(connection, head, datetime.now(UTC))
    return changed


def weigh(index: Index, popular: Iterable[tuple[str, str]], going: Callable[[], bool] = lambda: True) -> int:
    """Let the releases of ``popular``, ``(name, version)`` pairs, count beside the newest ones, and no others.

    The number of rows that changed. Stops between two batches where ``going`` is over. Cost: a look at every pair, and
    linear in the projects whose older releases are not those that counted before.
    """
    wanted: dict[str, set[str]] = {}
    for name, version in popular:
        wanted.setdefault(name, set()).add(version)
    with index.store.read() as connection:
        before = rows.with_older(connection)
    changed = 0
    for part in _slices(sorted({*wanted, *before}), _LOOKED_UP):
        with index.store.read() as connection:
            newest = {name: known.version for name, known in rows.nodes(connection, part).items()}
        others = [name for name in part if wanted.get(name, set()) - {newest.get(name)} != before.get(name, set())]
        for names in _slices(others):
            if not going():
                return changed
            changed += _fold(index, names, wanted)
    return changed


def weigh_by_installs(index: Index, going: Callable[[], bool] = lambda: True) -> int:
    """`weigh` what a month's installs say, and note them beside the graph; the number of rows that changed.

    0 where nothing was ever counted. `LakeAway` where statistics cannot be reached.
    """
    from affineur.shell.dependents import installs

    last_day = index.lake.state().last_day
    if last_day is None:
        return 0
    month = Window.until(last_day, MONTH_DAYS)
    installs.note(index, index.lake.usage(month, month))
    return weigh(index, index.lake.version_shares(month, INSTALLS, LARGE_SHARE), going)


def learn(index: Index, project: Upstream) -> bool:
    """Note what an upstream's project requires; False where the index has a project of that name itself.

    `Refused` (``name.format``, ``version.format``) for what is no name or version.
    """
    name, version = parse_name(project.name), canonical(parse_version(project.version))
    said = Stated(project.requires_dist or (), project.requires_dist is None, project.requires_dist is not None)
    with index.store.write() as connection:
        known = rows.nodes(connection, [name]).get(name)
        if (known is not None and known.source == "ours") or rows.facts(connection, [name]):
            return False
        found = needs(name, version, [(version, [said])])
        rows.replace(connection, {name: ("upstream", found)}, rows.position(connection)[0], datetime.now(UTC))
    return True


def _fold(index: Index, names: Collection[str], popular: Popular | None = None) -> int:
    """Look at ``names`` and store what differs; once more where the journal has moved meanwhile."""
    while True:
        with index.store.read() as connection:
            serial, _ = journal.head(connection)
            found = look(index, connection, names, popular)
        with index.store.write() as connection:
            if journal.head(connection)[0] == serial:
                return rows.replace(connection, found, serial, datetime.now(UTC))
            moved = {name for name, _ in journal.changed_since(connection, serial)[0]}
            if not moved & set(names):
                return rows.replace(connection, found, serial, datetime.now(UTC))


def look(
    index: Index, connection: sa.Connection, names: Collection[str], popular: Popular | None = None
) -> dict[str, tuple[Source | None, Needs]]:
    """What ``names`` require, read from rows and files; older releases of ``popular`` count, None: those that did.

    Names that are no project here are left out where an upstream has them, else they require nothing.
    """
    known, nodes = rows.facts(connection, names), rows.nodes(connection, names)
    before = rows.older(connection, [found.id for found in nodes.values()]) if popular is None else {}
    found: dict[str, tuple[Source | None, Needs]] = {}
    for name in names:
        if name not in known:
            if name in nodes and nodes[name].source != "upstream":
                found[name] = (None, NOTHING)
            continue
        row = known[name]
        if popular is not None:
            many: Collection[str] = popular.get(name, ())
        else:
            many = before.get(nodes[name].id, ()) if name in nodes else ()
        found[name] = ("ours", NOTHING if row is None else _needs(index, connection, row, many))
    return found


def _needs(index: Index, connection: sa.Connection, row: rows.ProjectRow, popular: Collection[str]) -> Needs:
    newest, others = counted(row.releases, popular)
    said: list[tuple[str, list[Stated]]] = []
    for version in ([newest] if newest is not None else []) + others:
        files = {(one.wheel, one.metadata_sha256) for one in row.files if one.version == version}
        said.append((version, [_stated(index, connection, row.name, version, *one) for one in sorted(files, key=str)]))
    return needs(NormalizedName(row.name), newest, said)


class _Fields(msgspec.Struct):
    """What is read of a release's stored metadata."""

    metadata_version: str = "1.0"
    requires_dist: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()


def _stated(
    index: Index, connection: sa.Connection, name: str, version: str, wheel: bool, metadata_sha256: str | None
) -> Stated:
    """What a file says, from its own metadata; from its release's where none is kept beside it, or it is lost."""
    if metadata_sha256 is not None:
        try:
            with index.blobs.open(metadata_sha256) as opened:
                raw, _ = parse_email(_header(opened.read()))
        except BlobMissing:
            log.warning("the metadata of %s %s is missing; taking the release's", name, version)
        else:
            return stated(
                raw.get("metadata_version", "1.0"), raw.get("requires_dist", ()), raw.get("dynamic", ()), wheel=wheel
            )
    fields = msgspec.json.decode(rows.release_metadata(connection, name, version), type=_Fields)
    return stated(fields.metadata_version, fields.requires_dist, fields.dynamic, wheel=wheel)


def _header(raw: bytes) -> bytes:
    """The metadata without its description, which may be long and says nothing here."""
    ends = [end for end in (raw.find(b"\n\n"), raw.find(b"\n\r\n")) if end >= 0]
    return raw[: min(ends) + 1] if ends else raw


def _slices(names: Iterable[str], most: int = _BATCH) -> Iterable[list[str]]:
    rest = iter(names)
    while part := list(islice(rest, most)):
        yield part


class Arrays:
    """Keeps what belongs to the whole graph up to date, in a thread, since it may take minutes: its arrays, and once a
    day which older releases count."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._next_at = 0.0
        self._weigh_at = time.monotonic() + _FIRST_WEIGH_SECONDS
        self._running: threading.Thread | None = None
        self._ended = threading.Event()

    def tick(self, now_seconds: float) -> None:
        """Begin, if something is due and has rested. ``now_seconds``: of `time.monotonic`."""
        if now_seconds < self._next_at or (self._running is not None and self._running.is_alive()):
            return
        from affineur.shell.dependents import snapshot

        weighs = now_seconds >= self._weigh_at
        if weighs or snapshot.is_behind(self._index):
            if weighs:
                self._weigh_at = now_seconds + WEIGH_SECONDS
            self._running = threading.Thread(target=self._work, args=(weighs,), name="dependents", daemon=True)
            self._running.start()

    def end(self) -> None:
        """Let what is being done come to an end."""
        self._ended.set()
        if self._running is not None:
            self._running.join()

    def _work(self, weighs: bool) -> None:
        from affineur.shell.dependents import snapshot

        began = time.monotonic()
        try:
            if snapshot.is_behind(self._index):
                snapshot.write(self._index)
        except Exception:
            log.exception("the arrays of dependents were not written; trying again")
        self._next_at = time.monotonic() + max(1.0, (time.monotonic() - began) * _REST)
        try:
            if weighs:
                weigh_by_installs(self._index, lambda: not self._ended.is_set())
        except Exception:
            log.exception("which older releases many install is not known; trying again in an hour")
            self._weigh_at = time.monotonic() + 3600.0
