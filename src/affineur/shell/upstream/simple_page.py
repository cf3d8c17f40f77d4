"""Pages of a simple API read from their bytes: JSON, and HTML down to what PEP 503 alone gives.

Everything here is bytes in, values out. What does not live here: fetching them (`fetching`), and writing pages of our
own (`core.views.simple`).
Sources: PEP 503, 592, 629, 691, 700, 792 and the PyPA "simple repository API" specification.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import msgspec

from affineur.core.decision import Decision, Refused, deny, refuse
from affineur.core.distributions.acceptance import quoted
from affineur.core.distributions.filenames import parse_filename_leniently
from affineur.core.life.standing import ProjectStatus, Status, printable_reason
from affineur.core.names import NormalizedName, parse_name

from .hypertext import Anchor, Hypertext, Malformed, read_hypertext
from .offers import ACTIVE, OfferedFile, OfferedProject

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
ACCEPTED = f"{JSON}, {HTML};q=0.2, text/html;q=0.1"
"""What to send as ``Accept``."""

KNOWN_MINOR = 4
"""The newest 1.x read here in full. PEP 629: a newer minor is worth a warning, a newer major a refusal."""

Kind = TypeVar("Kind")
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_FRAGMENT = re.compile(r"([a-z0-9_]+)=([0-9a-fA-F]+)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the upstream: its address after redirects, bare lowercase content type, and body."""

    url: str
    content_type: str
    body: bytes


def read_names(page: Page) -> tuple[list[NormalizedName], tuple[Decision, ...]]:
    """The projects of a root list, each once, and objections that did not matter enough.

    `Refused` with ``upstream.content-type``, ``upstream.syntax`` or ``upstream.version``.
    """
    if _is_json(page):
        root = _decode(page, _RootJson)
        notes = require_version(root.meta.get("api-version"), page.url)
        texts = [entry.name for entry in root.projects]
    else:
        html = _read_html(page)
        notes = require_version(html.meta.get("pypi:repository-version"), page.url)
        texts = [anchor.text.strip().rstrip("/") for anchor in html.anchors]
    names: dict[NormalizedName, None] = {}
    for text in texts:
        with suppress(Refused):  # a page may link elsewhere, too; no client could ask for such a name
            names[parse_name(text)] = None
    return list(names), notes


def read_project(page: Page, name: NormalizedName) -> OfferedProject:
    """A project's page. `Refused` as above, and ``upstream.name`` for the page of another project."""
    if not _is_json(page):
        return _project_of_html(page, name)
    body = _decode(page, _ProjectJson)
    notes = require_version(body.meta.get("api-version"), page.url)
    if _normalized(body.name) != name:
        refuse("upstream.name", f"{quoted(page.url, 200)} is the page of {quoted(body.name)}, not of {quoted(name)}.")
    status = body.project_status
    files = [_file_of_json(file, page.url) for file in body.files]
    return OfferedProject(name, files, _status(status.get("status"), status.get("reason")), notes)


def require_version(stated: object, url: str) -> tuple[Decision, ...]:
    """A note where the upstream speaks a newer minor version; `Refused` (``upstream.version``) for another major.

    PEP 629: none stated means 1.0.
    """
    text = "1.0" if stated is None else str(stated)
    match = _VERSION.match(text)
    if not match or match[1] != "1":
        refuse(
            "upstream.version",
            f"{quoted(url, 200)} speaks version {quoted(text)} of the simple API; this program knows 1.x.",
            "Use a newer version of this program.",
        )
    if int(match[2]) <= KNOWN_MINOR:
        return ()
    reason = (
        f"The upstream speaks version {text} of the simple API; what is newer than 1.{KNOWN_MINOR} is not carried over."
    )
    return (deny("upstream.minor-version", reason),)


class _NameJson(msgspec.Struct):
    name: str


class _RootJson(msgspec.Struct):
    projects: list[_NameJson]
    meta: dict[str, Any] = {}


class _FileJson(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    upload_time: str | None = None
    yanked: bool | str | None = False
    requires_python: str | None = None
    core_metadata: dict[str, str] | bool | None = None
    dist_info_metadata: dict[str, str] | bool | None = None


class _ProjectJson(msgspec.Struct, rename="kebab"):
    name: str
    files: list[_FileJson]
    meta: dict[str, Any] = {}
    project_status: dict[str, Any] = {}


def _is_json(page: Page) -> bool:
    if page.content_type not in (JSON, HTML, "text/html"):
        refuse(
            "upstream.content-type",
            f"{quoted(page.url, 200)} answers with {quoted(page.content_type)}, which is no form of the simple API.",
            "Check the address: it usually ends in /simple/.",
        )
    return page.content_type == JSON


def _decode(page: Page, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(page.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(
            "upstream.syntax", f"{quoted(page.url, 200)} is not what the simple API defines: {quoted(str(error), 200)}."
        )


def _file_of_json(file: _FileJson, base: str) -> OfferedFile:
    size = file.size if file.size is None or file.size >= 0 else None
    digests = {name.lower(): value for name, value in file.hashes.items()}
    reason = file.yanked if isinstance(file.yanked, str) else ""
    return OfferedFile(
        filename=file.filename,
        place=_join(base, file.url),
        digests=digests,
        size_bytes=size,
        uploaded_at=_moment(file.upload_time),
        # PEP 592, 691: any truthy value means yanked, an empty text does not.
        yanked=bool(file.yanked),
        yanked_reason=printable_reason(reason) or None,
        requires_python=file.requires_python or None,
        # PEP 714: the name that PEP 658 gave it counts only where the new one is missing.
        metadata_sha256=_metadata_digest(
            file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
        ),
    )


def _metadata_digest(stated: dict[str, str] | bool | str | None) -> str | None:
    """The SHA-256 of a file's metadata, as JSON (a table of digests) or HTML (``sha256=…``) states it."""
    if isinstance(stated, str):
        match = _FRAGMENT.match(stated)
        stated = {match[1]: match[2]} if match else None
    digest = stated.get("sha256", "").lower() if isinstance(stated, dict) else ""
    return digest if _SHA256.match(digest) else None


def _project_of_html(page: Page, name: NormalizedName) -> OfferedProject:
    html = _read_html(page)
    notes = require_version(html.meta.get("pypi:repository-version"), page.url)
    base = _join(page.url, html.base) if html.base else page.url
    files = [_file_of_anchor(anchor, base) for anchor in html.anchors]
    status = _status(html.meta.get("pypi:project-status"), html.meta.get("pypi:project-status-reason"))
    return OfferedProject(name, files, status, notes)


def _read_html(page: Page) -> Hypertext:
    try:
        return read_hypertext(page.body.decode("utf-8", "replace"))
    except Malformed as error:
        refuse("upstream.syntax", f"{quoted(page.url, 200)} is no sound HTML: {error}.")


def _file_of_anchor(anchor: Anchor, base: str) -> OfferedFile:
    attributes = anchor.attributes
    place, fragment = urldefrag(_join(base, attributes.get("href", "")))
    stated = _FRAGMENT.match(fragment)
    # PEP 592: the attribute's presence counts, its value is the reason.
    yanked = "data-yanked" in attributes
    size = attributes.get("data-size", "")  # not in any standard, but some indexes tell it so
    return OfferedFile(
        filename=_filename_of(place, anchor.text),
        place=place,
        digests={stated[1]: stated[2].lower()} if stated else {},
        size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None,
        uploaded_at=_moment(attributes.get("data-upload-time")),
        yanked=yanked,
        yanked_reason=printable_reason(attributes.get("data-yanked", "")) or None,
        requires_python=attributes.get("data-requires-python") or None,
        metadata_sha256=_metadata_digest(
            attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
        ),
    )


def _filename_of(place: str, text: str) -> str:
    """PEP 503: the text is the URL's last part. Where an index does otherwise, the one that is a file name."""
    with suppress(ValueError):
        last = unquote(urlsplit(place).path.rpartition("/")[2])
        with suppress(Refused):
            return parse_filename_leniently(last).filename
    with suppress(Refused):
        return parse_filename_leniently(text.strip()).filename
    return text.strip() or place


def _join(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:  # an IPv6 address that is none, for one: refused when it is asked for
        return reference


def _status(status: object, reason: object) -> ProjectStatus:
    """PEP 792: exactly one of four; what a later standard adds is taken for active, as every client does."""
    if status not in get_args(Status):
        return ACTIVE
    return ProjectStatus(status, printable_reason(str(reason)) if reason else None)  # type: ignore[arg-type]


def _moment(text: str | None) -> datetime | None:
    """PEP 700: an ISO 8601 moment in UTC. What is none of that, or lies in no possible time, is as good as none."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text or "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if 1990 <= moment.year < 9000:
            return moment
    return None


def _normalized(text: str) -> NormalizedName | None:
    with suppress(Refused):
        return parse_name(text)
    return None
