"""The check of a mirror: its journal, and its pages held against the files on offer and the blobs behind them.

A mirror has no rows; its pages are the origin's words, so what they say is held against the journal's digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from affineur.core.decision import Refused
from affineur.core.history.copied_page import read_copy
from affineur.core.history.journal import GENESIS, Entry, faults
from affineur.core.names import NormalizedName
from affineur.core.views.simple import FileLink, ProjectPage, project_html
from affineur.shell.blobs import CHUNK_BYTES, BlobMissing
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store import copies, journal

from .findings import Finding
from .tree import is_blob


def check(index: Index, *, quick: bool, tell: Tell) -> Iterator[Finding]:
    """Everything that is wrong with a mirror; ``quick`` reads no blobs. Cost: reading every page, and every blob."""
    yield from _journal(index)
    names = sorted(index.tree.names())
    for done, name in enumerate(names):
        if done % 100 == 0:
            tell("pages", done, len(names))
        with index.tree.lock(name):
            yield from _project(index, NormalizedName(name), quick)


def _journal(index: Index) -> Iterator[Finding]:
    last = [0, GENESIS]

    def noting(found: Iterator[Entry]) -> Iterator[Entry]:
        for entry in found:
            last[:] = [entry.serial, entry.hash]
            yield entry

    with index.store.read() as connection:
        head = list(journal.head(connection))
        for fault in faults(noting(journal.entries(connection))):
            yield Finding("broken-journal", "journal", fault)
    if last != head:
        yield Finding("broken-journal", "journal", f"The head says {head[0]}, but the last entry is {last[0]}.")


def _project(index: Index, name: NormalizedName, quick: bool) -> Iterator[Finding]:
    folder = Path(index.tree.link(name))
    try:
        page = read_copy((folder / "v1.json").read_bytes(), name)
        as_html = (folder / "v1.html").read_bytes()
    except (OSError, Refused) as error:
        yield Finding("forged-page", f"page of {name}", f"It cannot be read: {error}.")
        return
    if as_html != project_html(page):
        yield Finding("forged-page", f"page of {name}", "Its HTML is not what its JSON gives.")
    with index.store.read() as connection:
        published = copies.published(connection, name)
    offered = index.tree.offered(name)
    wanted = _wanted(page)
    for path in sorted(offered - wanted.keys()):
        yield Finding("stray-link", f"{name}/{path}", "It is on offer and should not be.")
    for path in sorted(wanted.keys() - offered):
        yield Finding("missing-link", f"{name}/{path}", "It should be on offer and is not.")
    for path in sorted(wanted.keys() & offered):
        if not is_blob(index, wanted[path], f"{index.tree.root}/packages/{name}/{path}"):
            yield Finding("wrong-link", f"{name}/{path}", "What is on offer is not the file's blob.")
    for file in page.files:
        yield from _file(index, file, published.get(file.filename), quick)


def _file(index: Index, file: FileLink, told: str | None, quick: bool) -> Iterator[Finding]:
    if told != file.sha256:
        yield Finding("forged-page", f"file {file.filename}", "Its page gives another digest than the journal.")
    for sha256 in filter(None, (file.sha256, file.metadata_sha256)):
        try:
            with index.blobs.open(sha256) as blob:
                if not quick and _digest(blob) != sha256:
                    yield Finding("wrong-bytes", sha256, f"The contents of {file.filename} are not those of its name.")
        except BlobMissing:
            yield Finding("missing-blob", sha256, f"{file.filename} has no contents.")


def _digest(blob: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := blob.read(CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _wanted(page: ProjectPage) -> dict[str, str]:
    """What is on offer, by path below the project, with its digest."""
    found: dict[str, str] = {}
    for file in page.files:
        found[f"{file.version}/{file.filename}"] = file.sha256
        if file.metadata_sha256:
            found[f"{file.version}/{file.filename}.metadata"] = file.metadata_sha256
    return found
