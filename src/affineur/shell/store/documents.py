"""Questions behind the JSON API and the feeds. Each takes the caller's connection.

What does not live here: what the answers are made into (`core.views.json_api`, `core.views.feeds`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from affineur.core.distributions.metadata import MAXIMUM_VERSION_LENGTH, CoreMetadata
from affineur.core.life.standing import offers, permits
from affineur.core.versions import order_key, parse_version
from affineur.core.views.feeds import News
from affineur.core.views.json_api import Record, StoredFile

from . import projects
from .projects import ProjectRow
from .schema import file, project, release

_FILE = (
    file.c.filename,
    file.c.kind,
    file.c.python_version,
    file.c.size_bytes,
    file.c.sha256,
    file.c.blake2b_256,
    file.c.md5,
    file.c.requires_python,
    file.c.metadata_sha256,
    file.c.comment,
    file.c.uploaded_at,
    file.c.yanked,
    file.c.yanked_reason,
)
_RELEASES = sa.select(release.c.id, release.c.version).where(release.c.project_id == sa.bindparam("project_id"))
_FILES = sa.select(file.c.release_id, *_FILE).where(file.c.project_id == sa.bindparam("project_id"))
_FILES_OF_RELEASE = sa.select(file.c.release_id, *_FILE).where(file.c.release_id == sa.bindparam("release_id"))


def project_record(connection: sa.Connection, name: str) -> Record | None:
    """Everything the JSON API says of the project of that normalised name. Cost: linear in its files."""
    found = projects.find(connection, name)
    if found is None:
        return None
    keys = dict(_releases(connection, found.id))
    files: dict[str, list[StoredFile]] = {version: [] for version in keys.values()}
    for key, *values in connection.execute(_FILES, {"project_id": found.id}):
        files[keys[key]].append(StoredFile(*values))
    return _record(connection, found, files)


def release_record(connection: sa.Connection, name: str, version: str) -> tuple[Record, str] | None:
    """As `project_record`, with the files of one release only; and that release's version as it is stored.

    ``version`` may be any spelling of it; one that PEP 440 does not know raises `Refused` (``version.format``).
    Cost: linear in the project's releases and in that release's files.
    """
    if len(version) > MAXIMUM_VERSION_LENGTH:  # nothing that long was ever published, and parsing it would cost
        return None
    wanted = parse_version(version)
    found = projects.find(connection, name)
    if found is None:
        return None
    # 1.0 and 1.0.0 are equal but may both be there: the spelling asked for comes first.
    equal = [(stored != str(wanted), stored, key) for key, stored in _releases(connection, found.id)
             if order_key(stored) == wanted]  # fmt: skip
    if not equal:
        return None
    _, stored, key = min(equal)
    rows = connection.execute(_FILES_OF_RELEASE, {"release_id": key})
    return _record(connection, found, {stored: [StoredFile(*values) for _, *values in rows]}), stored


def release_metadata(connection: sa.Connection, name: str, version: str) -> CoreMetadata:
    """The metadata that describes a release, with its description as written."""
    query = (
        sa.select(release.c.core_metadata, release.c.description)
        .join(project, project.c.id == release.c.project_id)
        .where(project.c.name == name, release.c.version == version)
    )
    row = connection.execute(query).one()
    return replace(msgspec.json.decode(row.core_metadata, type=CoreMetadata), description=row.description)


def newest_releases(connection: sa.Connection, limit: int) -> list[News]:
    """The newest releases of the index, newest first, those of quarantined projects left out.

    Cost: an index is read from its end until ``limit`` are found; the table is never scanned.
    """
    query = _newest_first(_news(release.c.created_at).where(project.c.offered), limit)
    return [_as_news(row) for row in connection.execute(query)]


def newest_projects(connection: sa.Connection, limit: int) -> list[News]:
    """The newest projects, newest first, quarantined ones left out; each with its first release. Cost: as above."""
    other = release.alias()
    first = sa.select(sa.func.min(other.c.id)).where(other.c.project_id == project.c.id).scalar_subquery()
    newest = (
        sa.select(project.c.created_at, project.c.id, first.label("first_release"))
        .where(project.c.offered)
        .order_by(project.c.created_at.desc(), project.c.id.desc())
        .limit(limit)
        .subquery()
    )
    query = (
        _news(newest.c.created_at)
        .join(newest, newest.c.first_release == release.c.id)
        .order_by(newest.c.created_at.desc(), newest.c.id.desc())
    )
    return [_as_news(row) for row in connection.execute(query)]


def newest_releases_of(connection: sa.Connection, project_id: int, limit: int) -> list[News]:
    """The newest releases of one project, newest first. Cost: linear in its releases."""
    query = _newest_first(_news(release.c.created_at).where(release.c.project_id == project_id), limit)
    return [_as_news(row) for row in connection.execute(query)]


def _releases(connection: sa.Connection, project_id: int) -> list[tuple[int, str]]:
    return [(row.id, row.version) for row in connection.execute(_RELEASES, {"project_id": project_id})]


def _record(connection: sa.Connection, found: ProjectRow, files: dict[str, list[StoredFile]]) -> Record:
    people, standing = projects.people(connection, found.id), found.standing
    if standing.holds:
        files = {
            version: [one for one in each if offers(standing, version, one.filename)] for version, each in files.items()
        }
    return Record(
        found.name,
        found.display_name,
        found.serial,
        permits(standing).offer,
        files,
        people,
        standing,
        found.created_at,
    )


def _news(at: sa.ColumnElement[datetime]) -> sa.Select[Any]:
    columns = (project.c.name, project.c.display_name, release.c.version, release.c.summary, release.c.core_metadata)
    return sa.select(*columns, at.label("at")).join(project, project.c.id == release.c.project_id)


def _newest_first(query: sa.Select[Any], limit: int) -> sa.Select[Any]:
    return query.order_by(release.c.created_at.desc(), release.c.id.desc()).limit(limit)


class _Author(msgspec.Struct):
    author_email: str | None = None


_AUTHOR = msgspec.json.Decoder(_Author)


def _as_news(row: sa.Row[Any]) -> News:
    author = _AUTHOR.decode(row.core_metadata).author_email
    return News(row.name, row.display_name, row.version, row.summary, author, row.at)
