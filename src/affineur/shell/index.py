"""An opened index: its settings, database, blobs and public tree in one hand, to be passed down."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from functools import cached_property

from affineur.settings import Settings

from .blobs import Blobs, LocalBlobs, open_blobs
from .following import recall
from .lake.opening import open_lake
from .lake.port import Lake
from .store import Store, accounts, connect
from .tree import ELSEWHERE, PublicTree

ORIGIN = "origin"
"""The name under which the database keeps what `Index.origin` is made of. It is no secret: every page tells it."""


@dataclass(frozen=True)
class Index:
    """Everything an action or projection needs. One per process; safe to share between threads."""

    settings: Settings
    store: Store
    blobs: Blobs
    tree: PublicTree

    def blob_link(self, sha256: str) -> str:
        """What a file on offer links to: its blob's path, or its name where blobs are kept elsewhere."""
        return self.blobs.path(sha256) if isinstance(self.blobs, LocalBlobs) else ELSEWHERE + sha256

    @property
    def origin(self) -> str:
        """Who says what this index says: its own URN, or of a mirror the origin's, whose words it repeats."""
        followed = recall(self.settings)
        return (followed.origin if followed else None) or self.own_origin

    @cached_property
    def own_origin(self) -> str:
        """A URN that is made once and stays, wherever the index moves (RFC 9562)."""
        with self.store.read() as connection:
            known = accounts.known_secret(connection, ORIGIN)
        if known is None:
            with self.store.write() as connection:
                known = accounts.shared_secret(connection, ORIGIN)
        made = bytearray(known[:16])
        made[6], made[8] = made[6] & 0x0F | 0x80, made[8] & 0x3F | 0x80  # version 8, which Python 3.11 cannot make
        return uuid.UUID(bytes=bytes(made)).urn

    @cached_property
    def lake(self) -> Lake:
        """Download statistics."""
        return open_lake(self.settings, self.store)

    def close(self) -> None:
        """Give connections back."""
        if "lake" in self.__dict__:  # or it was never asked for
            self.lake.close()
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
