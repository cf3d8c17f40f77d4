"""The public tree as a projection: pages and links of each project, and the list of all projects.

`project` is called after every commit that touched a project, before the act is answered; `catch_up` follows
the journal and does the same for whatever a crash, or another node, left undone. Both are idempotent, and a
newer page is never replaced by an older one: rows are read under the project's lock.

Order of effects: links that must go, go first (a hold is in force before its page says so); then links that
come, then the page that names them.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from affineur.core.life import extension
from affineur.core.views import simple
from affineur.core.views.negotiation import Form
from affineur.shell.following import is_mirror
from affineur.shell.index import Index
from affineur.shell.store import journal, projects
from affineur.shell.tree import ROOT

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What the public may see of a project: its page, and the files on offer with the blobs behind them."""

    page: simple.ProjectPage
    offered: dict[str, str]
    """``<version>/<filename>[.metadata]`` to the SHA-256 of its contents."""
    seconds: int
    """Since 1970: the moment of the page's journal entry."""


def view(index: Index, name: str) -> View | None:
    """The public view of a project, from its rows alone; None where there is no such project."""
    with index.store.read() as connection:
        found = projects.find(connection, name)
        if found is None:
            return None
        links = projects.file_links(connection, found.id)
        known = projects.versions(connection, found.id)
    shown = extension.public(found.standing, impact=index.settings.impact_public)
    told = extension.member(shown, found.name, found.created_at, index.origin)
    page = simple.arrange(found.name, found.standing, links, found.serial, versions=known, extension=told)
    offered: dict[str, str] = {}
    for link in page.files:
        path = f"{link.version}/{link.filename}"
        offered[path] = link.sha256
        if link.metadata_sha256:
            offered[f"{path}.metadata"] = link.metadata_sha256
    return View(page, offered, int(found.changed_at.timestamp()))


def page_forms(page: simple.ProjectPage) -> dict[str, bytes]:
    """Every file that a project's page is kept as."""
    return _forms(simple.project_json(page), simple.project_html(page), page.serial)


def project(index: Index, name: str, *, force: bool = False) -> None:
    """Make the public tree say what the rows say of ``name``.

    ``force`` writes the page even where its serial is right (`rebuild`). Cost: linear in the project's files.
    """
    tree = index.tree
    with tree.lock(name):
        seen = view(index, name)
        if seen is None:
            for path in tree.offered(name):
                tree.withdraw(name, path)
            tree.remove_page(name)
            return
        if not force and tree.serial(name) == seen.page.serial:
            return
        present = tree.offered(name)
        for path in present - seen.offered.keys():
            tree.withdraw(name, path)
        for path in seen.offered.keys() - present:
            try:
                tree.offer(name, path, index.blob_link(seen.offered[path]))
            except FileNotFoundError:  # damage that `fsck` names; it must not keep other files from being on offer
                missing = {"project": name, "file": path, "sha256": seen.offered[path]}
                log.error("the contents of a file are missing", extra=missing)
        tree.replace_page(name, seen.page.serial, page_forms(seen.page), seen.seconds)


def catch_up(index: Index) -> int:
    """Project whatever the journal names beyond this node's mark, then move the mark; the entries looked at.

    Runs before serving and then every second: after a crash it finishes what was acknowledged, on a second
    node it is what brings other nodes' acts here. After a loss of power it writes anew whatever was not synced,
    the list of all projects included. Cost: linear in the entries since the mark.
    """
    if is_mirror(index.settings):
        return 0  # its tree is filled by `mirror`: there are no rows to project
    distrusted = _read_marks(index).boot != _boot_id()  # links may name pages whose bytes never reached the disk
    start = mark = read_mark(index)
    while True:
        with index.store.read() as connection:
            changed, last = journal.changed_since(connection, mark)
        if not changed:
            break
        for name, serial in changed:
            if distrusted or (index.tree.serial(name) or 0) < serial:
                project(index, name, force=distrusted)
        mark = last
        if not distrusted:
            write_mark(index, mark)
    if distrusted:
        with index.tree.lock(ROOT):
            index.tree.remove_page(ROOT)
        write_mark(index, mark)
    return mark - start


def project_root(index: Index) -> int:
    """Write the list of all projects as of now; its serial. Cost: linear in the number of projects.

    Mirrors take a project's page for stale when its serial is behind the root list's, so every page is brought
    up to the snapshot before the list goes out. The list of a mirror is its origin's, and left alone.
    """
    if is_mirror(index.settings) and (shown := index.tree.serial(ROOT)) is not None:
        return shown
    with index.store.read() as connection:
        serial, _ = journal.head(connection)
        at = journal.moment(connection, serial)
        entries = list(projects.root_entries(connection))
    catch_up(index)
    with index.tree.lock(ROOT):
        if (index.tree.serial(ROOT) or -1) <= serial:
            forms = _forms(simple.root_json(entries, serial), simple.root_html(entries, serial), serial)
            index.tree.replace_page(ROOT, serial, forms, int(at.timestamp()))
    return serial


def read_mark(index: Index) -> int:
    """The serial up to which this node's public tree is known to be complete.

    Pages are not synced to disk one by one: while the machine runs, what was written is there, whoever dies.
    Only when the machine itself went down do we go back to the last serial that was synced (`settle`).
    """
    found = _read_marks(index)
    return found.written if found.boot == _boot_id() else found.synced


def write_mark(index: Index, serial: int) -> None:
    """Remember that the public tree has everything up to ``serial``."""
    _write_marks(index, _Marks(serial, _read_marks(index).synced, _boot_id()))


def settle(index: Index) -> None:
    """Make the public tree survive a loss of power up to the present mark. Costs a sync of the file system."""
    serial = read_mark(index)
    index.tree.sync()
    found = _read_marks(index)
    _write_marks(index, _Marks(found.written, serial, found.boot))


class _Marks(NamedTuple):
    """What the file ``serial`` in the public tree says."""

    written: int
    synced: int
    boot: str


def _read_marks(index: Index) -> _Marks:
    try:
        written, synced, boot = (index.tree.root / "serial").read_text().split()
        return _Marks(int(written), int(synced), boot)
    except (FileNotFoundError, ValueError):
        return _Marks(0, 0, "")


def _write_marks(index: Index, marks: _Marks) -> None:
    path = str(index.tree.root / "serial")
    with open(f"{path}.{os.getpid()}.{threading.get_ident()}.new", "w") as stream:
        stream.write(f"{marks.written} {marks.synced} {marks.boot}\n")
    os.replace(stream.name, path)


@cache
def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as stream:
            return stream.read().strip()
    except OSError:  # not Linux: every start is taken for a new boot
        return f"process-{os.getpid()}"


def _forms(as_json: bytes, as_html: bytes, serial: int) -> dict[str, bytes]:
    forms: dict[str, bytes] = {}
    both: tuple[tuple[Form, bytes], ...] = (("v1.json", as_json), ("v1.html", as_html))
    for form, body in both:
        forms.update(simple.with_twin(form, body, serial))
    return forms
