"""An opened index: its settings, database, blobs and public tree in one hand, to be passed down."""

from __future__ import annotations

import os
from dataclasses import dataclass

from affineur.settings import Settings

from .blobs import Blobs, LocalBlobs, open_blobs
from .store import Store, connect
from .tree import ELSEWHERE, PublicTree


@dataclass(frozen=True, slots=True)
class Index:
    """Everything an action or projection needs. One per process; safe to share between threads."""

    settings: Settings
    store: Store
    blobs: Blobs
    tree: PublicTree

    def blob_link(self, sha256: str) -> str:
        """What a file on offer links to: its blob's path, or its name where blobs are kept elsewhere."""
        return self.blobs.path(sha256) if isinstance(self.blobs, LocalBlobs) else ELSEWHERE + sha256

    def close(self) -> None:
        """Give connections back."""
        self.store.close()


def open_index(settings: Settings) -> Index:
    """Open the index in ``settings.data``. The schema is not looked at: call ``store.require_current()``.

    A folder that is missing is made: the data folder for its owner and group only.
    """
    os.makedirs(settings.data, mode=0o750, exist_ok=True)  # a private index is nobody else's on this machine either
    for folder in (settings.spool, settings.logs):
        os.makedirs(folder, mode=0o755, exist_ok=True)
    tree = PublicTree(settings.public)
    tree.create()
    return Index(settings, connect(settings.database_url), open_blobs(settings), tree)
