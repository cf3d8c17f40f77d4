"""A static site: the public tree as a folder that any web server can host.

::

    <folder>/simple/index.{html,v1_html,v1_json}            the list of all projects
    <folder>/simple/<name>/index.{html,v1_html,v1_json}     a project's page, each form with a .gz twin where worth it
    <folder>/packages/<name>/<version>/<filename>[.metadata]

The bodies are those that the index itself serves, byte for byte: both are made from the rows. A server that knows
nothing but files serves `index.html`; one that negotiates picks among the three. The layout is bandersnatch's, so
configurations for its mirrors fit.

A second run writes what has changed and removes what is gone. Every file appears and is replaced by a rename; a
page's `index.html` comes last and names its serial, so that a run that was cut short is mended by the next.
What does not live here: the public tree that the index serves from (`pages`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from affineur.core.decision import refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.names import NormalizedName
from affineur.core.views import simple
from affineur.shell.blobs import LocalBlobs
from affineur.shell.following import require_rows
from affineur.shell.index import Index
from affineur.shell.progress import Tell, tell_nobody
from affineur.shell.store import journal, projects

from . import pages

MARK = ".affineur-export"
"""Lies in a folder that an export made: in another one nothing is ever removed."""

_SITE_NAMES = {
    "v1.json": "index.v1_json",
    "v1.json.gz": "index.v1_json.gz",
    "v1.html": "index.v1_html",
    "v1.html.gz": "index.v1_html.gz",
}
_TEXT = {"index.v1_html.gz": "index.html.gz", "index.v1_html": "index.html"}
# `index.html` last: see above.
_TAIL_BYTES = simple.VALIDATOR_MODULUS + 64
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)


@dataclass(slots=True)
class Exported:
    """What one run did."""

    projects: int = 0
    pages_written: int = 0
    pages_removed: int = 0
    files_linked: int = 0
    files_copied: int = 0
    files_removed: int = 0


def export(
    index: Index, folder: Path, *, copy: bool = False, everything: bool = False, tell: Tell = tell_nobody
) -> Exported:
    """Make ``folder`` a static site of the index as it is now. `Refused` (``follow.no-rows``) for a mirror.

    Files are hard links to the blobs where that is possible, unless ``copy``. ``everything`` writes pages anew that
    seem to be right. `Refused` (``export.folder``) where the folder holds something else, lies in the public tree,
    or is being written by another export. Cost: linear in the projects, and in the files of those that changed.
    """
    require_rows(index.settings)
    with _own(index, folder):
        return _Site(index, folder, copy).write(everything, tell)


@contextlib.contextmanager
def _own(index: Index, folder: Path) -> Iterator[None]:
    """Make sure that ``folder`` is an export's own and nobody else writes to it."""
    if folder.resolve().is_relative_to(index.settings.data.resolve()):
        refuse("export.folder", f"{quoted(str(folder), 200)} lies in the index's own folder.", "Choose another one.")
    os.makedirs(folder, exist_ok=True)
    if not (folder / MARK).exists() and any(folder.iterdir()):
        refuse(
            "export.folder",
            f"{quoted(str(folder), 200)} holds something that no export has written.",
            "Choose an empty folder, or one that was exported to before.",
        )
    with open(folder / MARK, "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse("export.folder", f"Another export is writing to {quoted(str(folder), 200)}.", "Wait for it.")
        yield


class _Site:
    """The folder that is written."""

    def __init__(self, index: Index, folder: Path, copy: bool) -> None:
        self._index = index
        self._base = str(folder)
        self._links = isinstance(index.blobs, LocalBlobs) and not copy
        self._done = Exported()

    def write(self, everything: bool, tell: Tell) -> Exported:
        """The whole site. Links that must go, go first; a page comes after what it names, the list last."""
        with self._index.store.read() as connection:
            serial, _ = journal.head(connection)
            at = journal.moment(connection, serial)
            entries = list(projects.root_entries(connection))
            names = projects.names(connection)
        serials = {entry.name: entry.serial for entry in entries}
        for part in ("simple", "packages"):
            os.makedirs(f"{self._base}/{part}", exist_ok=True)
        for number, name in enumerate(names):
            if everything or self._serial(name) != serials.get(name, -1):
                self._project(name)
            self._done.projects += 1
            tell("projects", number + 1, len(names))
        self._write_page("", _root_forms(entries, serial), int(at.timestamp()))
        self._remove_strangers(set(names))
        return self._done

    def _project(self, name: NormalizedName) -> None:
        seen = pages.view(self._index, name)
        if seen is None:
            return
        present = self._offered(name)
        for path in present - seen.offered.keys():
            self._remove_file(f"{self._base}/packages/{name}/{path}")
        moments = {file.filename: file.uploaded_at.timestamp() for file in seen.page.files}
        for path in sorted(seen.offered.keys() - present):
            filename = path.partition("/")[2]
            seconds = moments.get(filename) or moments[filename.removesuffix(".metadata")]
            self._offer(f"{self._base}/packages/{name}/{path}", seen.offered[path], seconds)
        self._write_page(f"{name}/", pages.page_forms(seen.page), seen.seconds)
        self._done.pages_written += 1

    def _serial(self, name: str) -> int | None:
        """The serial of the page that is there, from the comment at the end of its `index.html`."""
        try:
            with open(f"{self._base}/simple/{name}/index.html", "rb") as page:
                page.seek(max(0, page.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return int(page.read().rpartition(b"<!--SERIAL ")[2].partition(b"-->")[0])
        except (OSError, ValueError):
            return None

    def _offered(self, name: str) -> set[str]:
        found: set[str] = set()
        with contextlib.suppress(FileNotFoundError):
            for version in os.scandir(f"{self._base}/packages/{name}"):
                for file in os.scandir(version.path):
                    if file.name.endswith(".new"):
                        os.unlink(file.path)  # of a run that was cut short; no distribution ends so
                    else:
                        found.add(f"{version.name}/{file.name}")
        return found

    def _offer(self, target: str, sha256: str, seconds: float) -> None:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        blobs = self._index.blobs
        if self._links and isinstance(blobs, LocalBlobs):
            try:
                os.link(blobs.path(sha256), target)
            except OSError as error:
                if error.errno not in _CANNOT_LINK:
                    raise
                self._links = error.errno == errno.EMLINK  # another file system: none of the others can be linked
            else:
                self._done.files_linked += 1
                return
        with blobs.open(sha256) as blob, open(f"{target}.new", "wb") as copied:
            shutil.copyfileobj(blob, copied, 1024 * 1024)
        os.utime(f"{target}.new", (seconds, seconds))
        os.replace(f"{target}.new", target)
        self._done.files_copied += 1

    def _write_page(self, place: str, forms: Mapping[str, bytes], seconds: int) -> None:
        folder = f"{self._base}/simple/{place}"
        os.makedirs(folder, exist_ok=True)
        wanted = {_SITE_NAMES[form]: body for form, body in forms.items()}
        wanted |= {text: wanted[form] for form, text in _TEXT.items() if form in wanted}
        # A twin that is no longer worth it would be served in the page's place for ever.
        for stale in {*_SITE_NAMES.values(), *_TEXT.values()} - wanted.keys():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{folder}{stale}")
        for name, body in wanted.items():
            with open(f"{folder}{name}.new", "wb") as stream:
                stream.write(body)
            os.utime(f"{folder}{name}.new", (seconds, seconds))
            os.replace(f"{folder}{name}.new", f"{folder}{name}")

    def _remove_strangers(self, known: set[NormalizedName]) -> None:
        """Projects that are gone, from the pages and from the files."""
        for entry in list(os.scandir(f"{self._base}/packages")):
            if entry.name not in known and entry.is_dir(follow_symlinks=False):
                self._done.files_removed += len(self._offered(entry.name))
                shutil.rmtree(entry.path)
        for entry in list(os.scandir(f"{self._base}/simple")):
            if entry.name not in known and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
                self._done.pages_removed += 1

    def _remove_file(self, path: str) -> None:
        os.unlink(path)
        self._done.files_removed += 1
        for folder in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
            with contextlib.suppress(OSError):  # not empty
                os.rmdir(folder)


def _root_forms(entries: list[simple.RootEntry], serial: int) -> dict[str, bytes]:
    return {
        **simple.with_twin("v1.json", simple.root_json(entries, serial), serial),
        **simple.with_twin("v1.html", simple.root_html(entries, serial), serial),
    }
