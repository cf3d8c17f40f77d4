"""Pages of another Affineur, read back into the values that they were made of.

A mirror keeps the JSON of the origin as it is, byte for byte, and derives the HTML from the same value as the origin
did: so both are equal on both. What is read here names files that will be links in the public tree, hence nothing
is taken that could lead elsewhere.
What does not live here: pages of indexes of any kind (`shell.upstream.simple_page`), and writing them (`simple`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar, get_args

import msgspec

from ..decision import Refused, refuse
from ..distributions.acceptance import quoted
from ..distributions.filenames import parse_filename_leniently
from ..life.standing import STATUS_PERMITS, ProjectStatus, Status
from ..names import NormalizedName, is_normalized
from ..views.simple import FileLink, ProjectPage, RootEntry, file_path

Kind = TypeVar("Kind")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*\Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


class _Meta(msgspec.Struct):
    serial: int = msgspec.field(name="_last-serial")
    api_version: str = msgspec.field(name="api-version")


class _File(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int
    upload_time: Annotated[datetime, msgspec.Meta(tz=True)]
    core_metadata: dict[str, str] | bool = False
    yanked: bool | str = False
    requires_python: str | None = None


class _Status(msgspec.Struct):
    status: str
    reason: str | None = None


class _Project(msgspec.Struct, rename="kebab"):
    meta: _Meta
    name: str
    project_status: _Status
    versions: list[str]
    files: list[_File]


class _RootProject(msgspec.Struct):
    name: str
    serial: int = msgspec.field(name="_last-serial")


class _Root(msgspec.Struct):
    meta: _Meta
    projects: list[_RootProject]


def read_copy(body: bytes, name: NormalizedName) -> ProjectPage:
    """The page of ``name`` that an Affineur serves as ``v1+json``. `Refused` (``follow.page``) where it is none.

    Members that are not known here stay in the bytes and have no part in the value.
    """
    page = _decode(body, _Project)
    if page.name != name:
        _refuse(f"The page of {name} calls itself {quoted(page.name)}.")
    if page.project_status.status not in get_args(Status):
        _refuse(f"The page of {name} has a status that is not known here: {quoted(page.project_status.status)}.")
    status = ProjectStatus(page.project_status.status, page.project_status.reason)  # type: ignore[arg-type]
    if page.files and not STATUS_PERMITS[status.status].offer:
        _refuse(f"The page of {name} says that it is {status.status}, and lists files.")
    files = tuple(_file(name, file) for file in page.files)
    return ProjectPage(name, status, files, tuple(page.versions), page.meta.serial)


def read_root_copy(body: bytes) -> tuple[list[RootEntry], int]:
    """The list of all projects of an Affineur, and its serial. `Refused` (``follow.page``) where it is none."""
    root = _decode(body, _Root)
    for each in root.projects:
        if not is_normalized(each.name):
            _refuse(f"The list of projects names {quoted(each.name)}.")
    return [RootEntry(NormalizedName(each.name), each.serial) for each in root.projects], root.meta.serial


def _decode(body: bytes, kind: type[Kind]) -> Kind:
    try:
        found = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _refuse(f"A page of the origin is not what Affineur serves: {quoted(str(error), 200)}.")
    meta: Any = found.meta  # type: ignore[attr-defined]
    if not meta.api_version.startswith("1.") or meta.serial < 0:
        _refuse(f"A page of the origin speaks version {quoted(meta.api_version)} of the simple API.")
    return found


def _file(name: NormalizedName, file: _File) -> FileLink:
    version = _version(name, file)
    metadata = file.core_metadata.get("sha256") if isinstance(file.core_metadata, dict) else None
    sha256 = file.hashes.get("sha256", "")
    if not _SHA256.match(sha256) or (metadata is not None and not _SHA256.match(metadata)) or file.size < 0:
        _refuse(f"The page of {name} gives no fit digest or size for {quoted(file.filename)}.")
    return FileLink(
        filename=file.filename,
        version=version,
        sha256=sha256,
        size_bytes=file.size,
        uploaded_at=file.upload_time.astimezone(UTC),
        requires_python=file.requires_python,
        metadata_sha256=metadata,
        yanked=bool(file.yanked),
        yanked_reason=file.yanked if isinstance(file.yanked, str) and file.yanked else None,
    )


def _version(name: NormalizedName, file: _File) -> str:
    """The release that a file belongs to: it stands in its address, which must be where such a file is."""
    try:
        parse_filename_leniently(file.filename)
    except Refused:
        _refuse(f"The page of {name} lists {quoted(file.filename)}, which is no distribution.")
    version = file.url.rpartition("/")[0].rpartition("/")[2]
    if not _VERSION.match(version) or file.url != f"../../{file_path(name, version, file.filename)}":
        _refuse(f"The page of {name} says that {quoted(file.filename)} is at {quoted(file.url, 200)}.")
    return version


def _refuse(reason: str) -> NoReturn:
    refuse("follow.page", reason, "Ask whoever runs the origin.")
