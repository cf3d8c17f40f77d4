"""Sweeping the lake: files that were replaced and nobody reads any more, and what crashes left behind.

What does not live here: forgetting what is past its time (`rolling`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from affineur.settings import Settings
from affineur.shell.store import Store, lake

from .files import Files, sweep_fresh

LINGER = timedelta(minutes=10)
"""How long a file that was replaced is left to those who have it on their list."""
STRAY = timedelta(hours=1)
"""A file that is not listed after so long never will be: whoever put it was killed before."""
_HALF_MADE = timedelta(days=1)
_COPIED_EVENTS = timedelta(days=1)
"""Where files are kept in S3, events are read once or twice and never asked: copies of them go soon."""


def sweep(settings: Settings, store: Store, files: Files, now: datetime) -> int:
    """Remove files, of this machine and in S3; how many. Cost: linear in files."""
    with store.ask() as connection:
        replaced = lake.gone(connection, now - LINGER)
    for name in replaced:
        files.remove(name)
    if replaced:
        with store.write() as connection:
            lake.strike(connection, replaced)
    kept = list(files.names())
    copies = list(files.copies())
    with store.ask() as connection:  # after looking: whatever is listed by now stays
        known = lake.known(connection)
    stray = [name for name, at in kept if name not in known and at < now - STRAY]
    for name in stray:
        files.remove(name)
    forgotten = [
        name
        for name, at in copies
        if (name not in known and at < now - STRAY) or (name.startswith("events/") and at < now - _COPIED_EVENTS)
    ]
    for name in forgotten:
        files.forget(name)
    return len(replaced) + len(stray) + len(forgotten) + sweep_fresh(settings.lake, now - _HALF_MADE)
