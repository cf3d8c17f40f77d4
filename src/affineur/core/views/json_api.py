"""The legacy JSON API as values: the document of a project, or of one of its releases.

Many tools read it for what the simple API does not say (classifiers, links, all digests), and mirrors copy it.
The document is a pure function of a `Record`, the metadata that describes the chosen release, and the index's
address. What does not live here: the questions to the store (`shell.store.documents`) and the route (`web.json_api`).
Source: the JSON API as documented by PyPI; `index-standards` §10 in the project's reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

import orjson

from ..distributions.metadata import CoreMetadata
from ..downloads.figures import Recent
from ..life import extension
from ..life.standing import Standing, project_status
from ..names import NormalizedName
from ..versions import latest, order_key
from .simple import file_path, status_json


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the document shows it. Digests are lowercase hex; ``uploaded_at`` is aware UTC."""

    filename: str
    kind: str
    python_version: str
    size_bytes: int
    sha256: str
    blake2b_256: str
    md5: str
    requires_python: str | None
    metadata_sha256: str | None
    comment: str | None
    uploaded_at: datetime
    yanked: bool
    yanked_reason: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a project. ``files`` has the files of each version, the versions without any included.

    Where ``offer`` is false (PEP 792: a quarantined project) no file is shown, though the versions are; files of it
    that are held by themselves are not among ``files``. ``people`` are ``(role, account name)``. ``origin``: the index
    that says so; empty: only what the standards know is told of the standing. ``downloads`` None: not known, and
    written as -1.
    """

    name: NormalizedName
    display_name: str
    serial: int
    offer: bool
    files: Mapping[str, Sequence[StoredFile]]
    people: Sequence[tuple[str, str]]
    standing: Standing = Standing()
    created_at: datetime = datetime.fromtimestamp(0, UTC)
    origin: str = ""
    downloads: Recent | None = None


def chosen_version(record: Record) -> str | None:
    """The version that the project's document describes; None where there is none.

    A release whose files are all yanked, or gone, comes last: nobody means it who names no version.
    """
    return latest((version, is_withdrawn(files)) for version, files in record.files.items())


def is_withdrawn(files: Sequence[StoredFile]) -> bool:
    """Whether a release has nothing that a resolver would choose."""
    return all(file.yanked for file in files)


def project_document(record: Record, version: str, metadata: CoreMetadata, base_url: str) -> bytes:
    """``/pypi/<name>/json``: ``version`` described, and the files of every version under ``releases``.

    ``base_url`` ends in ``/``; file addresses are absolute below it. Cost: about 4 µs a file.
    """
    shown = _shown(record, base_url)
    body = _document(record, version, metadata, base_url, shown[version])
    body["releases"] = shown
    return orjson.dumps(body)


def release_document(record: Record, version: str, metadata: CoreMetadata, base_url: str) -> bytes:
    """``/pypi/<name>/<version>/json``: as `project_document`, without ``releases``."""
    shown = _shown(replace(record, files={version: record.files[version]}), base_url)
    return orjson.dumps(_document(record, version, metadata, base_url, shown[version]))


def _document(
    record: Record, version: str, metadata: CoreMetadata, base_url: str, urls: list[dict[str, object]]
) -> dict[str, object]:
    # Here keys that readers do not know are passed over: the status has the place that it has on simple pages.
    standing, origin = record.standing, record.origin
    told = extension.member(standing, record.name, record.created_at, origin, base_url) if origin else None
    return {
        "info": _info(record, version, metadata, base_url),
        "project-status": status_json(project_status(standing)),
        **({"_index": told} if told else {}),
        "last_serial": record.serial,
        "ownership": {
            "roles": [{"role": role, "user": user} for role, user in record.people],
            "organization": None,
        },
        "urls": urls,
        "vulnerabilities": [],
    }


def _info(record: Record, version: str, metadata: CoreMetadata, base_url: str) -> dict[str, object]:
    project_url = f"{base_url}project/{record.name}/"
    yanked, reason = _yank_of(record.files[version])
    return {
        "author": metadata.author,
        "author_email": metadata.author_email,
        "bugtrack_url": None,
        "classifiers": metadata.classifiers,
        "description": metadata.description or "",
        "description_content_type": metadata.description_content_type,
        "docs_url": None,
        "download_url": metadata.download_url,
        "downloads": _downloads(record.downloads),
        "dynamic": metadata.dynamic or None,
        "home_page": metadata.home_page,
        "keywords": metadata.keywords,
        "license": metadata.license,
        "license_expression": metadata.license_expression,
        "license_files": metadata.license_files or None,
        "maintainer": metadata.maintainer,
        "maintainer_email": metadata.maintainer_email,
        "name": record.display_name,
        "package_url": project_url,
        "platform": ",".join(metadata.platforms) or None,
        "project_url": project_url,
        "project_urls": _links(metadata) or None,
        "provides_extra": metadata.provides_extra or None,
        "release_url": f"{project_url}{quote(version)}/",
        "requires_dist": metadata.requires_dist or None,
        "requires_python": metadata.requires_python,
        "summary": metadata.summary,
        "version": version,
        "yanked": yanked,
        "yanked_reason": reason,
    }


def _downloads(recent: Recent | None) -> dict[str, int]:
    if recent is None:
        return {"last_day": -1, "last_month": -1, "last_week": -1}
    return {"last_day": recent.last_day, "last_month": recent.last_month, "last_week": recent.last_week}


def _yank_of(files: Sequence[StoredFile]) -> tuple[bool, str | None]:
    """A release is yanked where all its files are; its reason is the first that was given."""
    if not files or not is_withdrawn(files):
        return False, None
    return True, next((file.yanked_reason for file in files if file.yanked_reason), None)


def _links(metadata: CoreMetadata) -> dict[str, str]:
    """All links of a release under their labels, the two that had fields of their own included once."""
    links = dict(metadata.project_urls)
    known = set(links.values())
    named = (("Homepage", metadata.home_page), ("Download", metadata.download_url))
    home, download = ({label: url} if url and url not in known else {} for label, url in named)
    return {**home, **links, **download}


def _shown(record: Record, base_url: str) -> dict[str, list[dict[str, object]]]:
    """The files of each version, versions in their order, files by name."""
    return {
        version: [_file(record.name, version, file, base_url) for file in _by_name(record.files[version])]
        if record.offer
        else []
        for version in sorted(record.files, key=order_key)
    }


def _by_name(files: Sequence[StoredFile]) -> list[StoredFile]:
    return sorted(files, key=lambda file: file.filename)


def _file(name: str, version: str, file: StoredFile, base_url: str) -> dict[str, object]:
    at = file.uploaded_at.astimezone(UTC)
    return {
        "comment_text": file.comment or "",
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        # `blake2b_256` here, `blake2_256` in uploads: both names are in use.
        "digests": {"blake2b_256": file.blake2b_256, "md5": file.md5, "sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": file.kind,
        "python_version": file.python_version,
        "requires_python": file.requires_python,
        "size": file.size_bytes,
        "upload_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "upload_time_iso_8601": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "url": f"{base_url}{quote(file_path(name, version, file.filename), safe='/+!')}",
        "yanked": file.yanked,
        "yanked_reason": file.yanked_reason if file.yanked else None,
    }
