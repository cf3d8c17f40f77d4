"""An upstream that is another Affineur: its journal, and its pages as they are.

What does not live here: HTTP itself (`fetching`), what a page of the journal says (`core.history.chronicle`), and
whether it may be believed (`core.history.following`).
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import msgspec

from affineur.core.decision import Refused, refuse
from affineur.core.history import chronicle
from affineur.core.history.following import Answer, Position
from affineur.core.names import NormalizedName
from affineur.core.views.simple import FileLink, file_path

from .fetching import MAXIMUM_ROOT_BYTES, Fetched, Fetcher, Gone, Patience
from .offers import OfferedFile, Received, UpstreamAway
from .simple_page import JSON, Page

_ENTRIES = 1_000
_HEAD = "x-journal-head"
_HURRIED = Patience(attempts=2, first_pause_seconds=0.2, longest_pause_seconds=5.0, timeout_seconds=30.0)
"""The follower itself tries again and again; an answer that does not come must not keep it from saying so."""


class JournalIndex:
    """Another Affineur at ``url`` (its front page, or its ``/simple/``). Safe to share between threads."""

    def __init__(self, url: str, token: str | None = None, patience: Patience = _HURRIED, connections: int = 8) -> None:
        # Stop orders must not wait for a connection that files hold.
        self._journal = Fetcher(url, token, patience, 2, "affineur-follow")
        self._fetcher = Fetcher(url, token, patience, connections, "affineur-follow")
        self.base = base_of(self._fetcher.url)

    def has_journal(self) -> bool:
        """Whether a journal is to be read there. `UpstreamAway` where that cannot be known now."""
        try:
            found = self._journal.page(f"{self.base}journal/head", "application/json")
        except Gone:
            return False
        except Refused as refused:
            if refused.decision.rule == "upstream.status" and refused.decision.facts.get("status") in (400, 405, 406):
                return False
            raise
        return found.content_type == "application/json" and _position_of(found.body) is not None

    def read(self, since: int, wait_seconds: int) -> tuple[Answer, bool]:
        """What the journal has after ``since``, and whether that is all.

        Where there is nothing yet, the origin is asked to wait for that long. `UpstreamAway`, or `Refused`
        (``journal.page``, ``follow.journal-gone``).
        """
        url = f"{self.base}journal?since={since}&limit={_ENTRIES}" + (f"&wait={wait_seconds}" if wait_seconds else "")
        try:
            found = self._journal.page_since(url, "application/json", None)
            if found is None:
                raise UpstreamAway("The origin says that nothing changed, where nobody had asked that.")
            page = chronicle.parse_page(found.page.body, since)
            head = self._head(found) if page.complete else None
        except Gone:
            refuse("follow.journal-gone", f"{self.base} serves no journal any more.", "Ask whoever runs the origin.")
        return Answer(page.origin, page.entries, head), page.complete

    def page(self, name: NormalizedName) -> bytes:
        """The page of a project, as JSON. `Gone`, `UpstreamAway`, or `Refused`."""
        return _json(self._fetcher.page(f"{self.base}simple/{name}/", JSON))

    def root(self, etag: str | None) -> tuple[bytes, str | None] | None:
        """The list of all projects, as JSON, and its ETag; None where it is still the one with ``etag``."""
        found = self._fetcher.page_since(f"{self.base}simple/", JSON, etag, MAXIMUM_ROOT_BYTES)
        return None if found is None else (_json(found.page), found.headers.get("etag"))

    def file(self, name: NormalizedName, file: FileLink, target: Path) -> Received:
        """Download a file to ``target``, checked by size and digest. See `Fetcher.file`."""
        place = self._place(name, file)
        digests = {"sha256": file.sha256}
        return self._fetcher.file(OfferedFile(file.filename, place, digests, file.size_bytes), target)

    def metadata(self, name: NormalizedName, file: FileLink, target: Path) -> Received:
        """Download a file's metadata to ``target``, checked by digest."""
        digests = {"sha256": file.metadata_sha256 or ""}
        place = f"{self._place(name, file)}.metadata"
        return self._fetcher.file(OfferedFile(f"{file.filename}.metadata", place, digests), target)

    def stop(self) -> None:
        """Make everything that waits give up."""
        self._journal.stop()
        self._fetcher.stop()

    def close(self) -> None:
        """Give connections back."""
        self._journal.close()
        self._fetcher.close()

    def _place(self, name: NormalizedName, file: FileLink) -> str:
        return urljoin(self.base, file_path(name, file.version, file.filename))

    def _head(self, found: Fetched) -> Position | None:
        stated = found.headers.get(_HEAD)
        if stated is not None:
            return Position(*chronicle.parse_head(stated))
        return _position_of(self._journal.page(f"{self.base}journal/head", "application/json").body)


def base_of(url: str) -> str:
    """The front page of the index whose front page, or ``/simple/``, is at ``url``; ends in a slash."""
    bare = url.partition("?")[0].rstrip("/")
    return bare.removesuffix("/simple") + "/"


class _Head(msgspec.Struct):
    serial: int
    hash: str


def _position_of(body: bytes) -> Position | None:
    try:
        head = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Position(head.serial, head.hash)


def _json(page: Page) -> bytes:
    if page.content_type != JSON:
        refuse("upstream.content-type", f"{page.url[:200]!r} does not answer with JSON, as an Affineur does.")
    return page.body
