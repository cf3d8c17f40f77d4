"""Questions that pages for people ask: releases at a glance, the newest ones, how much there is.

Each is bounded: by one project's releases or files, or by a limit; none grows with the index. Every function
takes the caller's connection. What does not live here: writes, and questions that acts ask (`projects`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.life.standing import Standing
from affineur.core.names import NormalizedName

from . import holds
from .schema import file, hold, journal, project, release

EXACT_UP_TO = 20_000
"""Rows that are counted one by one, which takes about a millisecond."""

_NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release at a glance. ``yanked``: it has no file that is not yanked; reason and code are one of theirs."""

    id: int
    version: str
    created_at: datetime
    file_count: int
    size_bytes: int
    yanked: bool
    yanked_reason: str | None
    yanked_code: str | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as a page shows it; digests are lowercase hex."""

    filename: str
    kind: str
    size_bytes: int
    sha256: str
    blake2b_256: str
    uploaded_at: datetime
    requires_python: str | None
    has_metadata: bool
    comment: str | None
    yanked: bool
    yanked_reason: str | None
    yanked_code: str | None


@dataclass(frozen=True, slots=True)
class ReleaseText:
    """What the metadata of a release says, and its description as sanitised HTML."""

    metadata: CoreMetadata
    description_html: str | None


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A release in the list of the newest ones."""

    name: NormalizedName
    display_name: str
    version: str
    summary: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; where not ``is_exact``, about as many."""

    number: int
    is_exact: bool


_RELEASES = (
    sa.select(
        release.c.id,
        release.c.version,
        release.c.created_at,
        sa.func.count(file.c.id).label("file_count"),
        sa.func.coalesce(sa.func.sum(file.c.size_bytes), 0).label("size_bytes"),
        sa.func.coalesce(sa.func.sum(sa.case((file.c.yanked, 1), else_=0)), 0).label("yanked_count"),
        sa.func.max(file.c.yanked_reason).label("yanked_reason"),
        sa.func.max(file.c.yanked_code).label("yanked_code"),
    )
    .outerjoin(file, file.c.release_id == release.c.id)
    .where(release.c.project_id == sa.bindparam("project_id"))
    .group_by(release.c.id, release.c.version, release.c.created_at)
)
_FILES = sa.select(
    file.c.filename,
    file.c.kind,
    file.c.size_bytes,
    file.c.sha256,
    file.c.blake2b_256,
    file.c.uploaded_at,
    file.c.requires_python,
    file.c.metadata_sha256.is_not(None),
    file.c.comment,
    file.c.yanked,
    file.c.yanked_reason,
    file.c.yanked_code,
).where(file.c.release_id == sa.bindparam("release_id"))


def releases(connection: sa.Connection, project_id: int) -> list[ReleaseRow]:
    """Every release of a project, in no order. Cost: linear in the project's files."""
    return [
        ReleaseRow(
            row.id,
            row.version,
            row.created_at,
            row.file_count,
            int(row.size_bytes),
            row.yanked_count == row.file_count,
            row.yanked_reason if row.yanked_count == row.file_count else None,
            row.yanked_code if row.yanked_count == row.file_count else None,
        )
        for row in connection.execute(_RELEASES, {"project_id": project_id})
    ]


def release_text(connection: sa.Connection, release_id: int) -> ReleaseText:
    """Metadata and description of a release that exists."""
    query = sa.select(release.c.core_metadata, release.c.description_html).where(release.c.id == release_id)
    row = connection.execute(query).one()
    return ReleaseText(msgspec.json.decode(row.core_metadata, type=CoreMetadata), row.description_html)


def files(connection: sa.Connection, release_id: int) -> list[FileRow]:
    """The files of a release, in no order."""
    return [FileRow(*row) for row in connection.execute(_FILES, {"release_id": release_id})]


def newest_releases(connection: sa.Connection, limit: int) -> list[NewRelease]:
    """The newest releases of projects that are not quarantined. Cost: an index read backwards."""
    query = (
        sa.select(project.c.name, project.c.display_name, release.c.version, release.c.summary, release.c.created_at)
        .join(project, project.c.id == release.c.project_id)
        .where(project.c.offered)
        .order_by(release.c.created_at.desc())
        .limit(limit)
    )
    return [NewRelease(*row) for row in connection.execute(query)]


def standings(connection: sa.Connection, names: Collection[str]) -> dict[str, Standing]:
    """The standing of those of ``names`` (normalised) that are projects here; of the first 500 names."""
    query = sa.select(project.c.name, *holds.STANDING, *holds.HOLD).outerjoin(hold, holds.IN_FORCE)
    rows = connection.execute(query.where(project.c.name.in_(list(names)[:_NAMES_AT_ONCE])).order_by(hold.c.id))
    about: dict[str, Sequence[object]] = {}
    held: dict[str, list[Sequence[object]]] = {}
    for name, *values in rows:
        about[name] = values[: len(holds.STANDING)]
        held.setdefault(name, []).extend([values[len(holds.STANDING) :]] if values[-1] is not None else [])
    return {name: holds.standing(values, held[name]) for name, values in about.items()}


def last_time(
    connection: sa.Connection, name: NormalizedName, event: str, version: str | None = None
) -> datetime | None:
    """When the journal last told of ``event`` about a project, or a release. Cost: linear in the project's entries."""
    query = sa.select(sa.func.max(journal.c.at)).where(journal.c.project == name, journal.c.event == event)
    found: datetime | None = connection.scalar(query if version is None else query.where(journal.c.version == version))
    return found


def project_count(connection: sa.Connection, exact_up_to: int = EXACT_UP_TO) -> Count:
    """How many projects there are. Cost: bounded by ``exact_up_to``."""
    return _count(connection, project.c.id, exact_up_to)


def file_count(connection: sa.Connection, exact_up_to: int = EXACT_UP_TO) -> Count:
    """How many files there are. Cost: bounded by ``exact_up_to``."""
    return _count(connection, file.c.id, exact_up_to)


def _count(connection: sa.Connection, key: sa.Column[int], exact_up_to: int) -> Count:
    """Counted where there are few rows; else the highest key, which is what was ever added: an upper bound.

    Neither database keeps the number of rows of a table, so an exact count reads them all.
    """
    few = sa.select(key).limit(exact_up_to + 1).subquery()
    counted = connection.scalar(sa.select(sa.func.count()).select_from(few)) or 0
    if counted <= exact_up_to:
        return Count(counted, is_exact=True)
    return Count(connection.scalar(sa.select(sa.func.max(key))) or counted, is_exact=False)
