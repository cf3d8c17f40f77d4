"""Questions about projects, releases and files, and the writes that acts are made of.

Every function takes the caller's connection: reads belong to the caller's state, writes to its transaction.
What does not live here: whether something may be done (`core.life.policy`, `core.access`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import sqlalchemy as sa

from affineur.core.decision import refuse
from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.life.standing import Standing
from affineur.core.names import NormalizedName, lookalike_key
from affineur.core.views.simple import FileLink, RootEntry

from . import holds
from .schema import account, burnt_filename, file, hold, project, release, role


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as stored. Limits are None where the index's own apply."""

    id: int
    name: NormalizedName
    display_name: str
    created_at: datetime
    serial: int
    changed_at: datetime
    size_bytes: int
    file_limit_bytes: int | None
    total_limit_bytes: int | None
    publishers_only: bool
    publishers_only_ends_at: datetime | None
    unarchives_at: datetime | None
    unarchive_asked_by: int | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is known of a file name or digest that an upload brings again."""

    filename: str
    sha256: str
    blake2b_256: str


_PROJECT = (
    project.c.id,
    project.c.name,
    project.c.display_name,
    project.c.created_at,
    project.c.serial,
    project.c.changed_at,
    project.c.size_bytes,
    project.c.file_limit_bytes,
    project.c.total_limit_bytes,
    project.c.publishers_only,
    project.c.publishers_only_ends_at,
    project.c.unarchives_at,
    project.c.unarchive_asked_by,
)
_BY_NAME = (
    sa.select(*_PROJECT, *holds.STANDING, *holds.HOLD)
    .outerjoin(hold, holds.IN_FORCE)
    .where(project.c.name == sa.bindparam("name"))
    .order_by(hold.c.id)
)
_FILES = (
    sa.select(
        file.c.filename,
        release.c.version,
        file.c.sha256,
        file.c.size_bytes,
        file.c.uploaded_at,
        file.c.requires_python,
        file.c.metadata_sha256,
        file.c.yanked,
        file.c.yanked_reason,
        file.c.yanked_code,
    )
    .join(release, release.c.id == file.c.release_id)
    .where(file.c.project_id == sa.bindparam("project_id"))
)


_VERSIONS = sa.select(release.c.version).where(release.c.project_id == sa.bindparam("project_id"))
_LOOKALIKES = sa.select(project.c.name).where(
    project.c.lookalike == sa.bindparam("key"), project.c.name != sa.bindparam("name")
)
_KNOWN_FILE = sa.select(file.c.filename, file.c.sha256, file.c.blake2b_256).where(
    sa.or_(file.c.filename == sa.bindparam("filename"), file.c.sha256 == sa.bindparam("sha256"))
)
_BURNT = sa.select(burnt_filename.c.filename).where(burnt_filename.c.filename == sa.bindparam("filename"))
_RELEASE = sa.select(release.c.id, release.c.created_at).where(
    release.c.project_id == sa.bindparam("project_id"), release.c.version == sa.bindparam("version")
)
_SDIST = sa.select(file.c.id).where(file.c.release_id == sa.bindparam("release_id"), file.c.kind == "sdist").limit(1)
_ROLE = sa.select(role.c.role).where(
    role.c.project_id == sa.bindparam("project_id"), role.c.account_id == sa.bindparam("account_id")
)
_TOUCH = (
    project.update()
    .where(project.c.id == sa.bindparam("project_id"))
    .values(
        serial=sa.bindparam("new_serial"),
        changed_at=sa.bindparam("moment"),
        size_bytes=project.c.size_bytes + sa.bindparam("added_bytes"),
    )
)
# Statements are built once: building one costs more than running it.


def find(connection: sa.Connection, name: str) -> ProjectRow | None:
    """The project of that normalised name."""
    rows = connection.execute(_BY_NAME, {"name": name}).all()
    if not rows:
        return None
    row = tuple(rows[0])
    facts, about = row[: len(_PROJECT)], row[len(_PROJECT) : -len(holds.HOLD)]
    held = [tuple(one)[-len(holds.HOLD) :] for one in rows if one[-1] is not None]
    return ProjectRow(*facts, holds.standing(about, held))  # type: ignore[call-arg]


def file_links(connection: sa.Connection, project_id: int) -> list[FileLink]:
    """Every file of a project, in no order. Cost: linear in them."""
    return [FileLink(*tuple(row)) for row in connection.execute(_FILES, {"project_id": project_id})]


def versions(connection: sa.Connection, project_id: int) -> list[str]:
    """Every version of a project, those without files included, in no order."""
    return list(connection.scalars(_VERSIONS, {"project_id": project_id}))


def root_entries(connection: sa.Connection) -> Iterator[RootEntry]:
    """Every project by name, as the root list has them. Cost: linear in projects.

    Those that are quarantined, too: mirrors that compare serials learn of it there, and nowhere else.
    """
    # By bytes on both. For SQLite as an expression, which no index serves: it reads the table from end to end and
    # sorts, where following the index would look up each row at its own place (35 s from a cold disk, not 5).
    order = sa.collate(project.c.name, "C") if connection.dialect.name == "postgresql" else project.c.name + ""
    query = sa.select(project.c.name, project.c.serial).order_by(order)
    for name, serial in connection.execute(query, execution_options={"yield_per": 10_000}):
        yield RootEntry(name, serial)


def names(connection: sa.Connection) -> list[NormalizedName]:
    """Every project, by name. Cost: linear in projects."""
    return [NormalizedName(name) for name in connection.scalars(sa.select(project.c.name).order_by(project.c.name))]


def require_place(connection: sa.Connection, found: ProjectRow, version: str, filename: str | None) -> None:
    """`Refused` where the project has no such release, or the release no such file."""
    query = sa.select(release.c.id).where(release.c.project_id == found.id, release.c.version == version)
    if filename is not None:
        query = query.join(file, sa.and_(file.c.release_id == release.c.id, file.c.filename == filename))
    if connection.scalar(query.limit(1)) is None:
        what = f"file '{filename}' in release {version}" if filename else f"release {version}"
        refuse("project.place", f"Project '{found.name}' has no {what}.", "Check version and file name.")


def version_of(connection: sa.Connection, project_id: int, filename: str) -> str | None:
    """The release that a file of the project belongs to."""
    query = sa.select(release.c.version).join(file, file.c.release_id == release.c.id)
    return connection.scalar(query.where(file.c.project_id == project_id, file.c.filename == filename))


def lookalikes(connection: sa.Connection, name: NormalizedName) -> list[str]:
    """Other projects whose names may be mistaken for ``name``."""
    return list(connection.scalars(_LOOKALIKES, {"key": lookalike_key(name), "name": name}))


def known_file(connection: sa.Connection, filename: str, sha256: str) -> KnownFile | None:
    """The stored file of that name, or else of that content; None where both are new."""
    found = [KnownFile(*row) for row in connection.execute(_KNOWN_FILE, {"filename": filename, "sha256": sha256})]
    return max(found, key=lambda known: known.filename == filename, default=None)


def is_burnt(connection: sa.Connection, filename: str) -> bool:
    """Whether the file name was ever given to a file."""
    return connection.scalar(_BURNT, {"filename": filename}) is not None


def release_of(connection: sa.Connection, project_id: int, version: str) -> tuple[int, datetime] | None:
    """The id and first moment of a release."""
    row = connection.execute(_RELEASE, {"project_id": project_id, "version": version}).first()
    return None if row is None else (row.id, row.created_at)


def has_sdist(connection: sa.Connection, release_id: int) -> bool:
    """Whether the release has a source distribution."""
    return connection.scalar(_SDIST, {"release_id": release_id}) is not None


def role_of(connection: sa.Connection, project_id: int, account_id: int) -> str | None:
    """The role of an account on a project."""
    return connection.scalar(_ROLE, {"project_id": project_id, "account_id": account_id})


def people(connection: sa.Connection, project_id: int) -> list[tuple[str, str]]:
    """Who may publish, as ``(role, account name)``, owners first."""
    query = (
        sa.select(role.c.role, account.c.name)
        .join(account, account.c.id == role.c.account_id)
        .where(role.c.project_id == project_id)
        .order_by(role.c.role.desc(), account.c.name)
    )
    return [(found.role.capitalize(), found.name) for found in connection.execute(query)]


def add_project(connection: sa.Connection, name: NormalizedName, display_name: str, at: datetime) -> ProjectRow:
    """A new project, without files and without people."""
    row = (
        project.insert()
        .values(
            name=name,
            display_name=display_name,
            lookalike=lookalike_key(name),
            created_at=at,
            serial=0,
            changed_at=at,
            size_bytes=0,
            maintenance="active",
            advice="none",
        )
        .returning(project.c.id)
    )
    key = connection.execute(row).scalar_one()
    return ProjectRow(key, name, display_name, at, 0, at, 0, None, None, False, None, None, None, Standing())


def grant(connection: sa.Connection, project_id: int, account_id: int, granted: str, at: datetime) -> None:
    """Give an account its first role on a project, by which it came to be."""
    connection.execute(role.insert().values(project_id=project_id, account_id=account_id, role=granted, granted_at=at))


def add_release(
    connection: sa.Connection,
    project_id: int,
    metadata: CoreMetadata,
    description_html: str | None,
    at: datetime,
) -> int:
    """A new release, described by the metadata of its first file; its id.

    The description is kept beside the other fields, rendered and as written: it is the largest, and seldom read.
    """
    row = (
        release.insert()
        .values(
            project_id=project_id,
            version=metadata.version,
            created_at=at,
            summary=metadata.summary,
            keywords=metadata.keywords,
            core_metadata=msgspec.json.encode(replace(metadata, description=None)).decode(),
            description_html=description_html,
            description=metadata.description,
        )
        .returning(release.c.id)
    )
    return int(connection.execute(row).scalar_one())


def add_file(connection: sa.Connection, values: dict[str, object]) -> None:
    """A new file (all columns of `schema.file` but its id), its name burnt for ever."""
    connection.execute(file.insert(), values)
    connection.execute(burnt_filename.insert(), {"filename": values["filename"], "burnt_at": values["uploaded_at"]})


def touch(connection: sa.Connection, project_id: int, serial: int, at: datetime, *, added_bytes: int = 0) -> None:
    """Note the newest journal entry about a project, and what it added to its size."""
    connection.execute(
        _TOUCH, {"project_id": project_id, "new_serial": serial, "moment": at, "added_bytes": added_bytes}
    )


def set_yanked(
    connection: sa.Connection,
    project_id: int,
    filenames: Sequence[str],
    yanked: bool,
    reason: str | None,
    code: str | None = None,
) -> None:
    """Yank or un-yank files of a project."""
    connection.execute(
        file.update()
        .where(file.c.project_id == project_id, file.c.filename.in_(filenames))
        .values(yanked=yanked, yanked_reason=reason, yanked_code=code)
    )
