"""An upstream that is any index with a simple API, asked again and again: only what changed is sent.

Polite: conditional requests (ETag), and where the list of projects gives serials, only pages whose serial moved.
What does not live here: what a page says (`simple_page`), and what follows from a change (`core.history.differences`).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from affineur.core.decision import Refused, refuse
from affineur.core.names import NormalizedName, parse_name

from .fetching import MAXIMUM_ROOT_BYTES, PATIENT, Fetcher, Gone, Patience
from .offers import OfferedFile, OfferedProject, Received
from .simple_page import ACCEPTED, JSON, Page, read_names, read_project


class _Entry(msgspec.Struct):
    name: str
    serial: int | None = msgspec.field(name="_last-serial", default=None)


class _Root(msgspec.Struct):
    projects: list[_Entry]


class WatchedIndex:
    """A simple API at ``url``. Safe to share between threads."""

    def __init__(self, url: str, token: str | None = None, patience: Patience = PATIENT, connections: int = 8) -> None:
        self._fetcher = Fetcher(url, token, patience, connections, "affineur-follow")
        self.base = self._fetcher.url.rstrip("/") + "/"
        self._root_etag: str | None = None
        self._listed: dict[NormalizedName, int | None] = {}
        self._etags: dict[NormalizedName, str] = {}
        self._serials: dict[NormalizedName, int | None] = {}

    def listed(self) -> dict[NormalizedName, int | None]:
        """Every project, with its serial where the list gives one. `UpstreamAway`, or `Refused`."""
        try:
            found = self._fetcher.page_since(self.base, ACCEPTED, self._root_etag, MAXIMUM_ROOT_BYTES)
        except Gone:
            refuse("upstream.gone", f"There is no index at {self.base}.", "The address usually ends in /simple/.")
        if found is not None:
            names, _ = read_names(found.page)
            serials = _serials(found.page)
            self._listed = {name: serials.get(name) for name in names}
            self._root_etag = found.headers.get("etag")
        return self._listed

    def is_unmoved(self, name: NormalizedName, serial: int | None) -> bool:
        """Whether the list says that the project is as it was when its page was noted last."""
        return serial is not None and self._serials.get(name) == serial

    def project(self, name: NormalizedName) -> tuple[OfferedProject | None, str | None] | None:
        """The project (None: the upstream has none of that name) and its page's ETag; None where nothing changed."""
        try:
            found = self._fetcher.page_since(f"{self.base}{name}/", ACCEPTED, self._etags.get(name))
        except Gone:
            return None, None
        return None if found is None else (read_project(found.page, name), found.headers.get("etag"))

    def note(self, name: NormalizedName, serial: int | None, etag: str | None) -> None:
        """The page was read, and what it says is written down: ask for it again only when it moved."""
        self._serials[name] = serial
        if etag:
            self._etags[name] = etag
        else:
            self._etags.pop(name, None)

    def note_unchanged(self, name: NormalizedName, serial: int | None) -> None:
        """The page is the one that was noted last, although the list gives another serial."""
        self._serials[name] = serial

    def file(self, file: OfferedFile, target: Path) -> Received:
        """Download a file to ``target``, checked by size and digest. See `Fetcher.file`."""
        return self._fetcher.file(file, target)

    def stop(self) -> None:
        """Make everything that waits give up."""
        self._fetcher.stop()

    def close(self) -> None:
        """Give connections back."""
        self._fetcher.close()


def _serials(page: Page) -> dict[NormalizedName, int]:
    """The serials of a list that gives them (``_last-serial``); PEP 691 leaves them to the index."""
    found: dict[NormalizedName, int] = {}
    if page.content_type == JSON:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            for entry in msgspec.json.decode(page.body, type=_Root).projects:
                if entry.serial is not None:
                    with suppress(Refused):
                        found[parse_name(entry.name)] = entry.serial
    return found
