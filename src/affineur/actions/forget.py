"""Forget: rows that have served their purpose go: sessions, links, counters, spent identities, kept answers."""

from __future__ import annotations

from datetime import datetime

from affineur.shell.index import Index
from affineur.shell.store import expired


def forget_expired(index: Index, now: datetime) -> int:
    """Delete what has expired; how many rows. Cost: those that go."""
    with index.store.write() as connection:
        return expired.delete(connection, now)
