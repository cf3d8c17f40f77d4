"""The search index as a projection: one document a project, following the journal.

What does not live here: how text is found (`shell.search`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from affineur.core.names import NormalizedName
from affineur.core.versions import latest
from affineur.shell.index import Index
from affineur.shell.search import Document, SearchIndex
from affineur.shell.search import open_search as open_at
from affineur.shell.store import journal
from affineur.shell.store.schema import file, project, release

_BATCH = 1000


def open_search(index: Index) -> SearchIndex:
    """The search index that belongs to ``index``: beside an SQLite database, or inside a PostgreSQL one."""
    settings = index.settings
    return open_at(str(settings.data / "search.db") if settings.is_sqlite else settings.database)


def catch_up(index: Index, search: SearchIndex) -> int:
    """Bring search up to the journal; the number of projects looked at. Cost: linear in what has changed."""
    seen = 0
    while True:
        with index.store.read() as connection:
            changed, last = journal.changed_since(connection, search.serial(), _BATCH)
            if not changed:
                return seen
            names = [name for name, _ in changed]
            found = list(documents(connection, names))
        there = {document.name for document in found}
        search.remove([NormalizedName(name) for name in names if name not in there])
        search.replace(found, serial=last)
        seen += len(names)


def rebuild(index: Index, search: SearchIndex, advance: Callable[[int], None] | None = None) -> int:
    """Build the whole search index anew. Cost: linear in the number of releases."""
    with index.store.read() as connection:
        head, _ = journal.head(connection)
        search.rebuild(documents(connection), serial=head, progress=advance)
    return search.count()


def documents(connection: sa.Connection, names: Iterable[str] | None = None) -> Iterator[Document]:
    """What search should know of each project in ``names``, or of all. Quarantined ones are left out."""
    offered = sa.exists().where(file.c.release_id == release.c.id, file.c.yanked.is_(False))
    query = (
        sa.select(
            project.c.name,
            project.c.display_name,
            release.c.version,
            release.c.summary,
            release.c.keywords,
            release.c.created_at,
            sa.not_(offered).label("yanked"),
        )
        .join(release, release.c.project_id == project.c.id)
        .where(project.c.offered)
        .order_by(project.c.id)
    )
    if names is not None:
        query = query.where(project.c.name.in_(list(names)))
    rows = connection.execute(query, execution_options={"yield_per": 5000})
    for _, group in groupby(rows, key=lambda row: row.name):
        yield _document(list(group))


def _document(releases: list[sa.Row[tuple[str, str, str, str, str, datetime, bool]]]) -> Document:
    chosen = latest((row.version, row.yanked) for row in releases)
    newest = next(row for row in releases if row.version == chosen)
    return Document(
        name=NormalizedName(newest.name),
        display_name=newest.display_name,
        version=newest.version,
        summary=newest.summary or "",
        keywords=tuple(word.strip() for word in (newest.keywords or "").split(",") if word.strip()),
        # Until downloads are counted: a project that has been released often is more likely the one meant.
        weight=float(len(releases)),
        updated_at=max(row.created_at for row in releases),
    )
