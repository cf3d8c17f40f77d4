"""The search index held against the rows: whole, up to date, and as many projects as there are."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from affineur.projections import search
from affineur.shell.index import Index
from affineur.shell.progress import Tell
from affineur.shell.store import journal
from affineur.shell.store.schema import project, release

from .findings import Finding
from .tree import SETTLE_SECONDS, SETTLING


def check(index: Index, now: datetime, tell: Tell) -> Iterator[Finding]:
    """Faults of the search index. The words themselves are not compared: only `rebuild` makes them anew."""
    tell("search", 0, 1)
    if index.settings.is_sqlite:
        damage = _file_damage(index.settings.data / "search.db")
        if damage is not None:
            yield Finding("damaged-search", "search.db", damage)
            return
    found = search.open_search(index)
    try:
        for patience in (True, False):
            with index.store.read() as connection:
                head, _ = journal.head(connection)
                young = now - journal.moment(connection, head) < SETTLING
                wanted = connection.scalar(_WANTED)
            serial, count = found.serial(), found.count()
            if serial == head and count == wanted:
                return
            if patience and young:
                time.sleep(SETTLE_SECONDS)
                continue
            if young and serial < head:
                return  # it follows, some moments behind
            if head < serial <= _head(index):
                return  # something happened between the two looks
            yield Finding(
                "stale-search",
                "search",
                f"It is at serial {serial} with {count} projects; the journal is at {head}, with {wanted}.",
            )
            return
    finally:
        found.close()


def _head(index: Index) -> int:
    with index.store.read() as connection:
        return journal.head(connection)[0]


_WANTED = (
    sa.select(sa.func.count())
    .select_from(project)
    .where(project.c.offered, sa.exists().where(release.c.project_id == project.c.id))
)


def _file_damage(path: Path) -> str | None:
    """What is wrong with an SQLite file as such. Looked at before it is opened for use, which would replace it."""
    if not path.exists():
        return "The file is missing."
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT value FROM meta").fetchall()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == "ok" else str(said)
