"""The public tree: the folder of plain files that clients are served from.

::

    public/simple/<name>              -> ../pages/<na>/<name>.<serial>      one symbolic link a project
    public/pages/<na>/<name>.<serial>/{v1.json,v1.json.gz,v1.html,…}        one folder a page
    public/root                       -> pages/.root.<serial>               the list of all projects
    public/packages/<name>/<version>/<filename>[.metadata]                  one link a file on offer

A page has several forms; they are swapped together by renaming one symbolic link, so no reader ever sees the
JSON of one moment and the HTML of another. A file is a hard link to its blob, or, where blobs are kept
elsewhere, a symbolic link ``sha256:<digest>`` that only the application can follow.
What does not live here: what the pages say and which files are on offer (`projections.pages`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ELSEWHERE = "sha256:"
"""What the link of a file starts with whose blob is not on this machine."""

_LOCKS = 64
"""Lock files that projects share: two projections wait for each other once in 64 times for nothing."""

ROOT = ".root"
"""Stands for the root list where a project's name would; no project's name starts with a dot."""


class PublicTree:
    """The public tree below ``root``. Safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._base = str(root)

    def create(self) -> None:
        """Make the folders that everything else expects."""
        for folder in ("simple", "pages", "packages", "locks"):
            os.makedirs(f"{self._base}/{folder}", exist_ok=True)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold off every other projection of ``name``, in any process."""
        slot = sum(name.encode()) % _LOCKS
        fd = os.open(f"{self._base}/locks/{slot}", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def link(self, name: str) -> str:
        """The symbolic link that names the present page of a project (or of `ROOT`)."""
        return f"{self._base}/root" if name == ROOT else f"{self._base}/simple/{name}"

    def serial(self, name: str) -> int | None:
        """The serial of the present page; None where there is none. Cost: one system call."""
        try:
            return int(os.readlink(self.link(name)).rpartition(".")[2])
        except (OSError, ValueError):
            return None

    def replace_page(self, name: str, serial: int, forms: Mapping[str, bytes], seconds: int) -> None:
        """Write all ``forms`` and make them the present page. Call under `lock`.

        ``seconds`` (since 1970) becomes their modification time: the moment of the journal entry, so that
        validators are the same on every node and after every rebuild.
        """
        link = self.link(name)
        shelf = "" if name == ROOT else f"{_shelf(name)}/"
        folder = f"{self._base}/pages/{shelf}{name}.{serial}"
        fresh = f"{self._base}/pages/{shelf}{name}.new"  # found again, and used again, after a crash
        _discard(fresh)
        os.makedirs(fresh)
        for form, body in forms.items():
            path = f"{fresh}/{form}"
            with open(path, "wb", buffering=0) as stream:
                stream.write(body)
            os.utime(path, (seconds, seconds))
        if "v1.html" in forms:
            self._name_as_text(fresh)
        try:
            before = os.readlink(link)
        except OSError:
            before = None
        target = f"pages/{name}.{serial}" if name == ROOT else f"../pages/{shelf}{name}.{serial}"
        if before == target and os.path.isdir(folder):  # the same serial again: a rebuild
            _refill(folder, fresh)
            return
        _discard(folder)  # nobody's: what a crash left
        os.rename(fresh, folder)
        if before != target:
            _point(link, target)
            self._discard_former(link, name, before)

    def remove_page(self, name: str) -> None:
        """Take a project's page away. Call under `lock`."""
        link = self.link(name)
        try:
            before = os.readlink(link)
        except OSError:
            return
        os.unlink(link)
        self._discard_former(link, name, before)

    def offered(self, name: str) -> set[str]:
        """The files on offer as ``<version>/<filename>``, metadata files included. Cost: linear in them."""
        found: set[str] = set()
        with contextlib.suppress(FileNotFoundError):
            for version in os.scandir(f"{self._base}/packages/{name}"):
                found.update(f"{version.name}/{file.name}" for file in os.scandir(version.path))
        return found

    def offer(self, name: str, path: str, blob: str) -> None:
        """Put ``<version>/<filename>`` on offer. ``blob`` is the blob's path, or its `ELSEWHERE` name."""
        target = f"{self._base}/packages/{name}/{path}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.symlink(blob, target) if blob.startswith(ELSEWHERE) else os.link(blob, target)

    def withdraw(self, name: str, path: str) -> None:
        """Take ``<version>/<filename>`` off offer; from the next request on it answers nothing."""
        target = f"{self._base}/packages/{name}/{path}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        with contextlib.suppress(OSError):  # not empty: then neither is the project's, which need not be asked
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(os.path.dirname(target))
            os.rmdir(f"{self._base}/packages/{name}")

    def names(self) -> Iterator[str]:
        """Every project that has a page, in any order."""
        for entry in os.scandir(f"{self._base}/simple"):
            if "." not in entry.name:  # the rest of a swap that was cut short
                yield entry.name

    def names_with_files(self) -> Iterator[str]:
        """Every project that has files on offer, in any order."""
        for entry in os.scandir(f"{self._base}/packages"):
            yield entry.name

    def sync(self) -> None:
        """Make everything written so far survive a loss of power."""
        os.sync()

    def _discard_former(self, link: str, name: str, before: str | None) -> None:
        """Delete the page a link named before; not what a forged link names."""
        if before is not None and before.rpartition("/")[2].rpartition(".")[0] == name:
            former = os.path.normpath(os.path.join(os.path.dirname(link), before))
            if former.startswith(f"{os.path.normpath(self._base)}/pages/"):
                _discard(former)

    def _name_as_text(self, folder: str) -> None:
        # A static server derives the content type from the file's name, and `text/html` is a type of its own.
        os.link(f"{folder}/v1.html", f"{folder}/v1.htm")
        with contextlib.suppress(FileNotFoundError):
            os.link(f"{folder}/v1.html.gz", f"{folder}/v1.htm.gz")


def _discard(folder: str) -> None:
    """Delete a page's folder, if it is there; it holds plain files only."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)


def _refill(folder: str, fresh: str) -> None:
    """Move every file of ``fresh`` into ``folder``, one by one: readers are in there, and never miss a file."""
    wanted = os.listdir(fresh)
    for name in wanted:
        os.replace(f"{fresh}/{name}", f"{folder}/{name}")
    for name in set(os.listdir(folder)).difference(wanted):
        os.unlink(f"{folder}/{name}")
    os.rmdir(fresh)


def _shelf(name: str) -> str:
    return name[:2]


def _point(link: str, target: str) -> None:
    fresh = f"{link}.new"  # one at a time, by `lock`; found again, and used again, after a crash
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, link)
