"""The public tree of a mirror: filled from what another index shows, not from rows.

Order of effects, as everywhere: the journal first, durable; then links that must go; then blobs; then links that
come, and the page that names them. Every effect is idempotent, and none takes a page back to an older one.
What does not live here: what may be believed (`core.history.following`), and when to do what (`copying`, `watching`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from affineur.core.history.following import Stop, plan
from affineur.core.views import simple
from affineur.core.views.negotiation import Form
from affineur.core.views.simple import FileLink, ProjectPage, RootEntry
from affineur.shell.index import Index
from affineur.shell.store import journal
from affineur.shell.tree import ROOT
from affineur.shell.upstream.offers import Received

from . import pages

_BATCH = 10_000

Fetch = Callable[[FileLink, bool, Path], Received]
"""Downloads a file, or (where the second value is true) its metadata, to a path, and checks it."""


def hide(index: Index, stops: Iterable[Stop]) -> int:
    """Take off offer what ``stops`` name, unless the page shown is from after the order; how many files went.

    From the next request on they answer nothing. Cost: linear in the files on offer of the projects named.
    """
    gone = 0
    for stop in stops:
        with index.tree.lock(stop.project):
            if (index.tree.serial(stop.project) or 0) >= stop.serial:
                continue  # shown since: what was held then and is offered now was given back
            for path in index.tree.offered(stop.project):
                if stop.holds(path):
                    index.tree.withdraw(stop.project, path)
                    gone += 1
    return gone


def enforce(index: Index) -> int:
    """Carry out again every stop order since this node's mark: none is lost with a process that was killed.

    Run before serving. Returns how many files went off offer.
    """
    gone, since = 0, pages.read_mark(index)
    while True:
        with index.store.read() as connection:
            entries = list(journal.entries(connection, since, _BATCH))
        if not entries:
            return gone
        gone += hide(index, plan(entries).stops)
        since = entries[-1].serial


def missing(index: Index, page: ProjectPage) -> list[tuple[FileLink, bool]]:
    """The blobs that ``page`` needs and that are not here: each a file, and whether its metadata is meant."""
    wanted: list[tuple[FileLink, bool]] = []
    for file in page.files:
        if not index.blobs.exists(file.sha256):
            wanted.append((file, False))
        if file.metadata_sha256 and not index.blobs.exists(file.metadata_sha256):
            wanted.append((file, True))
    return wanted


def take(index: Index, file: FileLink, metadata: bool, fetch: Fetch, spool: Path) -> None:
    """Fetch a blob and keep it, durable. What ``fetch`` raises goes on; nothing stays then."""
    sha256 = file.metadata_sha256 if metadata else file.sha256
    target = spool / f"{sha256}{'.metadata' if metadata else ''}"
    target.unlink(missing_ok=True)
    received = fetch(file, metadata, target)
    # The moment is what clients see as Last-Modified: it is the origin's, which says it in whole seconds.
    stated = received.modified_at or file.uploaded_at
    is_same = stated == file.uploaded_at.replace(microsecond=0)
    index.blobs.put_file(received.sha256, target, file.uploaded_at if is_same else stated)


def show(
    index: Index, page: ProjectPage, as_json: bytes | None, seconds: int, may: Callable[[], bool] = lambda: True
) -> bool:
    """Make ``page`` the present one and put its files on offer; whether that was done.

    Its blobs must be here. ``as_json`` are the origin's bytes, where it is an Affineur; ``seconds`` (since 1970) is
    the moment of the page's journal entry. ``may`` is asked once nobody else touches the project. A page older than
    the one shown is not shown.
    """
    tree, name = index.tree, page.name
    offered = {f"{file.version}/{file.filename}": file.sha256 for file in page.files}
    offered |= {
        f"{file.version}/{file.filename}.metadata": file.metadata_sha256 for file in page.files if file.metadata_sha256
    }
    body = simple.project_json(page) if as_json is None else as_json
    forms = _forms(body, simple.project_html(page), page.serial)
    with tree.lock(name):
        if (tree.serial(name) or 0) > page.serial or not may():
            return False
        present = tree.offered(name)
        for path in present - offered.keys():
            tree.withdraw(name, path)
        for path in offered.keys() - present:
            tree.offer(name, path, index.blob_link(offered[path]))
        tree.replace_page(name, page.serial, forms, seconds)
    return True


def show_root(index: Index, entries: Sequence[RootEntry], serial: int, as_json: bytes | None) -> None:
    """Make the list of all projects the present one. Cost: linear in projects."""
    body = simple.root_json(entries, serial) if as_json is None else as_json
    with index.tree.lock(ROOT):
        if (index.tree.serial(ROOT) or -1) <= serial:
            forms = _forms(body, simple.root_html(entries, serial), serial)
            index.tree.replace_page(ROOT, serial, forms, moment_of(index, serial))


def remove(index: Index, name: str) -> None:
    """Take a project's page and files away: the origin has neither."""
    with index.tree.lock(name):
        for path in index.tree.offered(name):
            index.tree.withdraw(name, path)
        index.tree.remove_page(name)


def moment_of(index: Index, serial: int) -> int:
    """When the entry of that serial was written, in seconds since 1970."""
    with index.store.read() as connection:
        return int(journal.moment(connection, serial).timestamp())


def _forms(as_json: bytes, as_html: bytes, serial: int) -> dict[str, bytes]:
    forms: dict[str, bytes] = {}
    both: tuple[tuple[Form, bytes], ...] = (("v1.json", as_json), ("v1.html", as_html))
    for form, body in both:
        forms.update(simple.with_twin(form, body, serial))
    return forms
