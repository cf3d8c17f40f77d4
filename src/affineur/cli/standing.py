"""What `affineur status` shows: what the index holds, and how far behind each projection is."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import sqlalchemy as sa

from affineur import __version__
from affineur.projections import pages, search
from affineur.shell.index import Index
from affineur.shell.store import journal
from affineur.shell.store.schema import account, file, project, release, token
from affineur.shell.tree import ROOT

from .sizes import show_size


def read_status(index: Index) -> dict[str, object]:
    """The state of ``index``, for programs. Cost: counting every row."""
    now = datetime.now(UTC)
    with index.store.read() as connection:
        serial, _ = journal.head(connection)
        changed_at = journal.moment(connection, serial) if serial else None
        counts = {
            "projects": connection.scalar(sa.select(sa.func.count()).select_from(project)),
            "projects_not_offered": connection.scalar(
                sa.select(sa.func.count()).select_from(project).where(project.c.offered.is_(False))
            ),
            "releases": connection.scalar(sa.select(sa.func.count()).select_from(release)),
            "files": connection.scalar(sa.select(sa.func.count()).select_from(file)),
            "file_bytes": connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(file.c.size_bytes), 0))),
            "accounts": connection.scalar(sa.select(sa.func.count()).select_from(account)),
            "tokens": connection.scalar(
                sa.select(sa.func.count())
                .select_from(token)
                .where(token.c.revoked_at.is_(None), sa.or_(token.c.expires_at.is_(None), token.c.expires_at > now))
            ),
        }
    settings = index.settings
    searchable = 0
    if not settings.is_sqlite or (settings.data / "search.db").exists():  # opening would make it
        found = search.open_search(index)
        searchable = found.serial()
        found.close()
    return {
        "version": __version__,
        "data": str(settings.data.absolute()),
        "database": "SQLite" if settings.is_sqlite else "PostgreSQL",
        "blobs": settings.blobs or str(settings.data.absolute() / "blobs"),
        "schema": index.store.revision(),
        "serial": serial,
        "changed_at": changed_at,
        **{name: int(count or 0) for name, count in counts.items()},
        "behind": {
            "pages": serial - pages.read_mark(index),
            "root": serial - (index.tree.serial(ROOT) or 0),
            "search": serial - searchable,
        },
        "free_bytes": shutil.disk_usage(settings.data).free,
    }


def describe(found: dict[str, object]) -> str:
    """The same for people."""
    behind = found["behind"]
    assert isinstance(behind, dict)  # noqa: S101
    late = [f"{name} {count} behind" for name, count in behind.items() if count > 0]
    changed = found["changed_at"]
    when = f", last changed {changed:%Y-%m-%d %H:%M:%S} UTC" if isinstance(changed, datetime) else ""

    def counted(name: str) -> str:
        """``1 account``, ``2 accounts``: the count called ``name``, in words."""
        count = int(str(found[name]))
        return f"{count:,} {name[:-1] if count == 1 else name}"

    return "\n".join(
        (
            f"Affineur {found['version']}, {found['data']}",
            f"database  {found['database']}, schema {found['schema']}",
            f"blobs     {found['blobs']}, {show_size(float(str(found['file_bytes'])))} in {counted('files')}",
            f"holds     {counted('projects')} ({found['projects_not_offered']} not on offer), {counted('releases')}",
            f"people    {counted('accounts')}, {counted('tokens')} in force",
            f"journal   serial {found['serial']}{when}",
            f"derived   {', '.join(late) or 'everything is up to date'}",
            f"disk      {show_size(float(str(found['free_bytes'])))} free",
        )
    )
