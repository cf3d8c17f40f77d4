"""An upstream that speaks the simple API, in JSON or in HTML.

What does not live here: HTTP itself (`fetching`) and what a page says (`simple_page`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from affineur.core.decision import refuse
from affineur.core.names import NormalizedName

from .fetching import MAXIMUM_ROOT_BYTES, PATIENT, Fetcher, Gone, Patience
from .offers import OfferedFile, OfferedProject, Received
from .simple_page import ACCEPTED, read_names, read_project


class SimpleIndex:
    """A simple API at ``url`` (with or without its trailing slash). See `offers.Source`."""

    def __init__(self, url: str, token: str | None = None, patience: Patience = PATIENT) -> None:
        self._fetcher = Fetcher(url, token, patience)
        self._base = self._fetcher.url.rstrip("/") + "/"

    def names(self) -> Sequence[NormalizedName]:
        """See `Source.names`."""
        try:
            # What is odd about the upstream, every project's page says again.
            names, _ = read_names(self._fetcher.page(self._base, ACCEPTED, MAXIMUM_ROOT_BYTES))
        except Gone:
            refuse("upstream.gone", f"There is no index at {self._base}.", "The address usually ends in /simple/.")
        return names

    def project(self, name: NormalizedName) -> OfferedProject | None:
        """See `Source.project`."""
        try:
            return read_project(self._fetcher.page(f"{self._base}{name}/", ACCEPTED), name)
        except Gone:
            return None

    def digests(self, file: OfferedFile) -> Mapping[str, str]:
        """See `Source.digests`."""
        return file.digests

    def fetch(self, file: OfferedFile, target: Path) -> Received:
        """See `Source.fetch`."""
        return self._fetcher.file(file, target)

    def left_out(self) -> Iterable[tuple[str, str]]:
        """See `Source.left_out`: an index has nothing else."""
        return ()

    def stop(self) -> None:
        """See `Source.stop`."""
        self._fetcher.stop()

    def close(self) -> None:
        """See `Source.close`."""
        self._fetcher.close()
