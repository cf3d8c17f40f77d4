"""The journal of a mirror: entries of another index, kept as they are, and what they say of a project.

What does not live here: whether they may be believed (`core.history.following`), and a journal of one's own
(`journal`).
"""

from __future__ import annotations

import sqlalchemy as sa

from affineur.core.decision import refuse
from affineur.core.history.following import Position
from affineur.core.history.journal import Entry

from . import journal
from .schema import journal as table
from .schema import journal_head, project


def adopt(connection: sa.Connection, known: Position, entries: tuple[Entry, ...]) -> None:
    """Append ``entries``, serials and hashes included, to a journal that ends at ``known``.

    They must continue it (`core.history.following.hear`). `Refused` (``follow.moved``) where the journal ends
    elsewhere. Call with a connection from `Store.write`.
    """
    if Position(*journal.head(connection)) != known:
        refuse("follow.moved", "The mirror's journal was written by somebody else meanwhile.", "Start following again.")
    if entries:
        connection.execute(table.insert(), [journal.row_of(entry, None) for entry in entries])
        connection.execute(journal_head.update().values(serial=entries[-1].serial, hash=entries[-1].hash))


def require_no_rows(connection: sa.Connection) -> None:
    """`Refused` (``follow.own-projects``) where the index has projects of its own."""
    if connection.scalar(sa.select(project.c.id).limit(1)) is not None:
        refuse(
            "follow.own-projects",
            "This index has projects of its own; a mirror shows what its origin has and nothing else.",
            "Choose an empty data folder.",
        )


def published(connection: sa.Connection, name: str) -> dict[str, str]:
    """The digest that the journal gave each file of a project, by file name."""
    query = sa.select(table.c.filename, table.c.sha256).where(
        table.c.project == name, table.c.event == "FilePublished", table.c.sha256.is_not(None)
    )
    return {row.filename: row.sha256 for row in connection.execute(query)}


def newest(connection: sa.Connection, name: str) -> int:
    """The serial of the newest entry about a project; 0 where there is none."""
    return int(connection.scalar(sa.select(sa.func.max(table.c.serial)).where(table.c.project == name)) or 0)


def newest_of_all(connection: sa.Connection) -> dict[str, int]:
    """The serial of the newest entry about each project. Cost: linear in the journal."""
    query = sa.select(table.c.project, sa.func.max(table.c.serial)).group_by(table.c.project)
    return {name: int(serial) for name, serial in connection.execute(query)}


def of_project(connection: sa.Connection, name: str) -> list[Entry]:
    """All entries about a project, oldest first."""
    query = sa.select(table).where(table.c.project == name).order_by(table.c.serial)
    return [journal.as_entry(row) for row in connection.execute(query)]
