"""A scene for crash tests: an index that is killed and started again, and what the world sees of it.

`Scene.faults` is the yardstick, written independently of `affineur fsck`: what is acknowledged is there, what is
not is either wholly there or not at all, in the public tree as in the rows. Test support, not tests.
"""

from __future__ import annotations

import hashlib
import html.parser
import http.client
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from tests.services.keeper import free_ports
from tests.walks.dying_server import Command, Launcher
from tests.walks.uploading import Reader, Wheel, upload

from affineur.actions.found import found
from affineur.core.history.journal import faults as broken_links
from affineur.projections import dependents, mend, pages
from affineur.projections.check import check
from affineur.settings import load
from affineur.shell.blobs import LocalBlobs
from affineur.shell.index import Index, open_index
from affineur.shell.store import journal, projects
from affineur.shell.store.schema import burnt_filename, file

KILLS = int(os.environ.get("CRASH_KILLS", "0"))
"""How many kills at random moments; 0 leaves it to the test. `make soak` raises it."""


@dataclass
class Scene:
    """One data folder, one launcher, and what clients were told. ``killed`` counts the kills so far."""

    data: Path
    launcher: Launcher
    token: str
    settings: dict[str, str]
    acknowledged: set[Wheel] = field(default_factory=set)
    killed: int = 0
    url: str = ""

    @property
    def log(self) -> Path:
        return self.data.with_suffix(".log")

    @property
    def trace(self) -> Path:
        return self.data.with_suffix(".trace")

    def start(self, die_at: int = 0, *, armed: bool = False, background: bool = False) -> None:
        """Start the server; returns before it listens."""
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/"
        settings = {"edge": "off", **self.settings, "port": str(port), "workers": "2" if background else "1"}
        self.launcher.start(
            Command(settings, die_at=die_at, armed=armed, background=background, log=str(self.log),
                    trace=str(self.trace))
        )  # fmt: skip

    def await_ready(self, died: Callable[[], bool] = lambda: False) -> None:
        """Wait until the server answers.

        ProcessLookupError where ``died`` says that it never will.
        """
        deadline = time.monotonic() + 20
        address = ("127.0.0.1", int(self.url.rsplit(":", 1)[1].strip("/")))
        while True:
            try:
                socket.create_connection(address, timeout=5).close()
                if Reader(self.url).get("/health/live").status == 200:  # nginx is there before what it hands on to
                    return
                time.sleep(0.02)
            except (OSError, http.client.HTTPException):
                if died():
                    raise ProcessLookupError from None
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-3000:]}") from None
                time.sleep(0.005)

    def act(self, act: str, *arguments: str, die_at: int = 0) -> bool:
        """Run one act in a process of its own; whether it died at ``die_at``. RuntimeError where it fails."""
        self.launcher.start(
            Command(self.settings, act, list(arguments), die_at, armed=True, log=str(self.log), trace=str(self.trace))
        )
        status = self.launcher.wait()
        if status not in (0, -9):
            raise RuntimeError(f"{act} ended with {status}:\n{self.log.read_text()[-3000:]}")
        self.killed += status == -9
        return status == -9

    def kill(self) -> None:
        """Kill every process of the server, unless it is dead already."""
        self.launcher.kill()
        self.killed += 1

    def publish(self, wheel: Wheel) -> bool:
        """Upload ``wheel``; whether that was acknowledged before the server died."""
        answer = upload(self.url, self.token, wheel)
        if answer is None or answer[0] in (502, 503, 504):  # nginx, told to end, may still say so
            return False
        assert answer[0] == 200, (answer, self.log.read_text()[-3000:])
        self.acknowledged.add(wheel)
        return True

    def publish_again(self, wheel: Wheel) -> None:
        """A retry must succeed, and a reader then sees it."""
        assert self.publish(wheel), f"the server died without being told to:\n{self.log.read_text()[-3000:]}"
        reader = Reader(self.url)
        page = reader.page(wheel.name)
        assert page is not None
        links = [one for one in page["files"] if one["filename"] == wheel.filename]  # type: ignore[attr-defined]
        assert [one["hashes"]["sha256"] for one in links] == [wheel.sha256]
        assert reader.get(links[0]["url"].removeprefix("../..")).body == wheel.body
        reader.close()

    def copy(self, name: str) -> Scene:
        """The same scene, as it lies on the disk, in another folder. Hard links stay hard links."""
        data = self.data.with_name(name)
        if data.exists():
            shutil.rmtree(data)
        _copy(self.data, data)
        settings = self.settings | {"data": str(data)}
        return Scene(data, self.launcher, self.token, settings, set(self.acknowledged))

    def open(self) -> Index:
        """The index, opened in this process."""
        return open_index(load(self.settings, {}).settings)

    def seen_while_down(self) -> list[str]:
        """What is wrong for readers right after a kill, when only the public tree is left to answer."""
        index = self.open()
        try:
            return list(_tree_faults(index.settings.public, self.acknowledged, blobs_are_here=True))
        finally:
            index.close()

    def faults(self, *, catching_up: bool = False) -> list[str]:
        """What is wrong once the index was started again (or, ``catching_up``, is by this very process)."""
        index = self.open()
        try:
            if catching_up:
                pages.catch_up(index)
            return [
                *_tree_faults(index.settings.public, self.acknowledged, blobs_are_here=True),
                *_row_faults(index),
            ]
        finally:
            index.close()

    def faults_after_sweep(self) -> list[str]:
        """What `affineur fsck` still finds two hours later, when what was cut short has been swept."""
        index = self.open()
        later = datetime.now(UTC) + timedelta(hours=2)
        try:
            pages.project_root(index)
            dependents.catch_up(index)
            mend.sweep_all(index, later)
            left = [
                f"{one.kind}: {one.subject}: {one.detail}" for one in check(index, later) if "search" not in one.kind
            ]
            left += [f"left in the spool: {name}" for name in os.listdir(index.settings.spool)]
            return left
        finally:
            index.close()


def new_scene(folder: Path, launcher: Launcher, **settings: str) -> Scene:
    """A newly founded index below ``folder``."""
    data = folder / "data"
    chosen = {"data": str(data), "host": "127.0.0.1", **settings}
    index = open_index(load(chosen, {}).settings)
    founded = found(index, datetime.now(UTC))
    index.close()
    assert founded
    return Scene(data, launcher, founded.token, chosen)


def _copy(source: Path, target: Path) -> None:
    linked: dict[int, Path] = {}

    def copy(one: str, other: str) -> None:
        status = os.lstat(one)
        if status.st_nlink > 1 and status.st_ino in linked:
            os.link(linked[status.st_ino], other)
            return
        shutil.copy2(one, other, follow_symlinks=False)
        linked[status.st_ino] = Path(other)

    shutil.copytree(source, target, symlinks=True, copy_function=copy)


class _Anchors(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        address = dict(attributes).get("href") if tag == "a" else None
        if address and "#sha256=" in address:
            path, _, digest = address.partition("#sha256=")
            self.found[path] = digest


def _tree_faults(public: Path, acknowledged: set[Wheel], *, blobs_are_here: bool) -> Iterator[str]:
    """Faults that a reader of the public tree could notice, and acknowledged files that it lacks."""
    listed: dict[str, str] = {}
    serials: dict[str, int] = {}
    for link in os.scandir(public / "simple"):
        if "." in link.name:
            continue
        try:
            page = json.loads(Path(link.path, "v1.json").read_bytes())
            text = Path(link.path, "v1.html").read_text()
        except (OSError, ValueError) as error:
            yield f"page of {link.name}: {error}"
            continue
        serials[link.name] = page["meta"]["_last-serial"]
        if os.readlink(link.path).rpartition(".")[2] != str(serials[link.name]):
            yield f"page of {link.name} is not of the serial its folder says"
        if f"<!--SERIAL {serials[link.name]}-->" not in text:
            yield f"the HTML of {link.name} is of another moment than its JSON"
        anchors = _Anchors()
        anchors.feed(text)
        if anchors.found != {one["url"]: one["hashes"]["sha256"] for one in page["files"]}:
            yield f"HTML and JSON of {link.name} name different files"
        for one in page["files"]:
            path = one["url"].removeprefix("../../")
            listed[one["filename"]] = one["hashes"]["sha256"]
            yield from _file_faults(public / path, one["hashes"]["sha256"], blobs_are_here)
            if one["core-metadata"]:
                yield from _file_faults(public / f"{path}.metadata", one["core-metadata"]["sha256"], blobs_are_here)
    for wheel in acknowledged:
        if listed.get(wheel.filename) != wheel.sha256:
            yield f"acknowledged and not listed: {wheel.filename}"
    root = json.loads((public / "root" / "v1.json").read_bytes())
    for one in root["projects"]:
        if one["_last-serial"] > serials.get(one["name"], 0):
            yield f"the root list says {one['name']} is at {one['_last-serial']}, its page {serials.get(one['name'])}"


def _file_faults(path: Path, sha256: str, blobs_are_here: bool) -> Iterator[str]:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        yield f"listed and not on offer: {error}"
        return
    if found != sha256:
        yield f"other bytes than listed: {path}"


def _row_faults(index: Index) -> Iterator[str]:
    """Where rows, journal, blobs and the public tree do not agree."""
    tree, blobs = index.tree, index.blobs
    with index.store.read() as connection:
        yield from broken_links(journal.entries(connection))
        known = projects.names(connection)
        head, _ = journal.head(connection)
        rows = list(connection.execute(sa.select(file.c.filename, file.c.sha256, file.c.metadata_sha256)))
        burnt = set(connection.scalars(sa.select(burnt_filename.c.filename)))
    if burnt != {row.filename for row in rows}:
        yield "file names are burnt that no file has, or the other way round"
    for row in rows:
        for digest in filter(None, (row.sha256, row.metadata_sha256)):
            with blobs.open(digest) as stream:
                if hashlib.sha256(stream.read()).hexdigest() != digest:
                    yield f"the blob of {row.filename} has other bytes"
            if isinstance(blobs, LocalBlobs) and os.stat(blobs.path(digest)).st_nlink < 1:
                yield f"{row.filename} is not on offer"
    paged, filed = set(tree.names()), set(tree.names_with_files())
    if paged != set(known) or filed - paged:
        yield f"projects {sorted(known)}, but pages of {sorted(paged)}, files of {sorted(filed)}"
    for name in known:
        seen = pages.view(index, name)
        assert seen is not None
        if tree.serial(name) != seen.page.serial:
            yield f"page of {name} is at {tree.serial(name)}, the rows at {seen.page.serial}"
        if tree.offered(name) != seen.offered.keys():
            yield f"on offer of {name}: {tree.offered(name)}, by the rows {set(seen.offered)}"
        for form, body in pages.page_forms(seen.page).items():
            path = Path(tree.link(name), form)
            if path.read_bytes() != body or path.stat().st_mtime != seen.seconds:
                yield f"{form} of {name} is not what the rows give"
    if (root := tree.serial(".root")) is None or root > head:
        yield f"the root list is at {root}, the journal at {head}"


def effects_of(trace: Path) -> list[str]:
    """The effects that were counted, in order, without the parts of paths that change from run to run."""
    return [re.sub(r"[0-9a-f]{16,64}|\d+-[0-9a-f]+|\d{3,}", "…", line) for line in trace.read_text().splitlines()]
