"""The simple API 1.4 as values, and their two serialisations.

A `ProjectPage` or a `RootList` is a pure function of the rows; its JSON and HTML bytes are pure functions of
it, so any page can be deleted and comes back the same. HTML is derived from the same value and carries what
the frozen HTML form may carry (PEP 833), nothing else.
What does not live here: negotiation (`negotiation`), which files are on offer (`standing`), where bytes are
kept (`shell.tree`).
Sources: PEP 503, 592, 629, 658, 691, 700, 714, 792, 833 and the PyPA "simple repository API" specification.
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from packaging.version import Version

from ..life.standing import ProjectStatus, Standing, coded, offered, project_status
from ..names import NormalizedName
from ..versions import order_key
from .negotiation import Form

API_VERSION = "1.4"

VALIDATOR_MODULUS = 256
"""Every form's length in bytes is congruent to its serial modulo this number.

A static server derives the ETag from a file's modification time, in whole seconds, and its length. Two changes
of a page within one second could thus get the same ETag, and a client that fetched between them would keep the
older page for ever. With this padding they differ, unless one project sees exactly 256 (or 512, …) events
within that second. The price is 128 bytes a form on average."""

TWIN_FROM_BYTES = 1400
"""Forms shorter than this get no compressed twin: they fit into one Ethernet frame beside the headers."""


@dataclass(frozen=True, slots=True)
class FileLink:
    """One file of a project page; the fields are those of the JSON form (PEP 691, 700)."""

    filename: str
    version: str
    sha256: str
    size_bytes: int
    uploaded_at: datetime
    requires_python: str | None = None
    metadata_sha256: str | None = None
    """None: no ``.metadata`` file is offered."""
    yanked: bool = False
    yanked_reason: str | None = None
    yanked_code: str | None = None

    @property
    def yanked_text(self) -> str:
        """What installers show of a yank (PEP 592): its code and reason; empty where there is neither."""
        return coded(self.yanked_code, self.yanked_reason)


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """The page of one project as of ``serial``. ``versions`` may name versions without a file.

    ``extension`` is what the index tells beyond the standards (`extension.member`), in the JSON form only.
    """

    name: NormalizedName
    status: ProjectStatus
    files: Sequence[FileLink]
    versions: Sequence[str]
    serial: int
    extension: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class RootEntry:
    """One project of the root list."""

    name: NormalizedName
    serial: int


def arrange(
    name: NormalizedName,
    standing: Standing,
    files: Iterable[FileLink],
    serial: int,
    *,
    versions: Iterable[str] = (),
    extension: Mapping[str, object] | None = None,
) -> ProjectPage:
    """The page of a project: files by version, then name; every version of a file is among the versions.

    A file that is not on offer is not listed (PEP 792, of a quarantined project), while ``versions`` still are.
    """
    ordered = sorted(files, key=lambda file: (_version_order(file.version), file.filename))
    known = sorted({*versions, *(file.version for file in ordered)}, key=_version_order)
    listed = tuple(offered(standing, ordered))
    return ProjectPage(name, project_status(standing), listed, tuple(known), serial, extension)


def _version_order(version: str) -> tuple[Version, str]:
    """By version; spellings of one (``1.0``, ``1.0.0``) in a fixed order, or pages would not be the same twice."""
    return order_key(version), version


def file_path(name: str, version: str, filename: str) -> str:
    """Where a file on offer stands below the root of the public tree.

    File names are never reissued, so the path names one content for ever.
    """
    return f"packages/{name}/{version}/{filename}"


def project_json(page: ProjectPage) -> bytes:
    """The ``v1+json`` form. Cost: linear in the number of files, about 5 µs each."""
    body: dict[str, object] = {
        "meta": {"api-version": API_VERSION, "_last-serial": page.serial},
        "name": page.name,
        "project-status": status_json(page.status),
        "versions": list(page.versions),
        "files": [_file_json(page.name, file) for file in page.files],
    }
    if page.extension is not None:
        body["_index"] = page.extension
    return _padded(orjson.dumps(body), page.serial)


def project_html(page: ProjectPage) -> bytes:
    """The ``v1+html`` form (also served as ``text/html``)."""
    lines = [_HTML_HEAD]
    if page.status.status != "active":
        lines.append(f'<meta name="pypi:project-status" content="{page.status.status}">')
        if page.status.reason:
            lines.append(f'<meta name="pypi:project-status-reason" content="{html.escape(page.status.reason)}">')
    lines.append(f"<title>Links for {page.name}</title>\n</head>\n<body>\n<h1>Links for {page.name}</h1>")
    lines.extend(_anchor(page.name, file) for file in page.files)
    return _html_end(lines, page.serial)


def root_json(entries: Iterable[RootEntry], serial: int) -> bytes:
    """The root list as ``v1+json``, with the private ``_last-serial`` keys that mirrors rely on.

    Cost: linear in the number of projects, about 0.4 µs each; written by hand, since names are ASCII by
    definition and a dictionary for each would cost three times as much.
    """
    listed = b",".join(b'{"name":"%b","_last-serial":%d}' % (e.name.encode(), e.serial) for e in entries)
    head = b'{"meta":{"api-version":"%b","_last-serial":%d},"projects":[' % (API_VERSION.encode(), serial)
    return _padded(head + listed + b"]}", serial)


def root_html(entries: Iterable[RootEntry], serial: int) -> bytes:
    """The root list as ``v1+html``. Cost: linear in the number of projects."""
    lines = [_HTML_HEAD, "<title>Simple index</title>\n</head>\n<body>"]
    lines.extend(f'<a href="{e.name}/">{e.name}</a>' for e in entries)
    return _html_end(lines, serial)


def with_twin(form: Form, body: bytes, serial: int) -> dict[str, bytes]:
    """The files that a form is kept as: itself and, where it is worth it, its gzip twin."""
    if len(body) < TWIN_FROM_BYTES:
        return {form: body}
    return {form: body, f"{form}.gz": gzip_twin(body, serial)}


def gzip_twin(body: bytes, serial: int, level: int = 6) -> bytes:
    """``body`` as one gzip member (RFC 1952), the same bytes each time, its length padded like the body's.

    The padding is the header's comment field, which every decoder skips.
    """
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflate.compress(body) + deflate.flush()
    has_comment = 0x10
    header = bytes((0x1F, 0x8B, 8, has_comment, 0, 0, 0, 0, 0, 255))
    trailer = zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")
    padding = (serial - len(header) - 1 - len(packed) - len(trailer)) % VALIDATOR_MODULUS
    return header + b"." * padding + b"\0" + packed + trailer


def upload_time(moment: datetime) -> str:
    """``moment`` as PEP 700 writes it: UTC, at most six digits, a literal ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_HTML_HEAD = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="pypi:repository-version" content="1.4">'
)
# PEP 833 freezes the HTML form: it stays at 1.4 when API_VERSION moves on.


def status_json(status: ProjectStatus) -> dict[str, str]:
    """``project-status`` as programs read it (PEP 792)."""
    # PEP 792: the key is `status`, at the top level of the page, not in `meta`.
    return {"status": status.status, "reason": status.reason} if status.reason else {"status": status.status}


def _file_json(name: str, file: FileLink) -> dict[str, object]:
    metadata: object = {"sha256": file.metadata_sha256} if file.metadata_sha256 else False
    body: dict[str, object] = {
        "filename": file.filename,
        # Relative to the page: the same bytes serve under any host, prefix or mirror.
        "url": f"../../{file_path(name, file.version, file.filename)}",
        "hashes": {"sha256": file.sha256},
        "size": file.size_bytes,
        "upload-time": upload_time(file.uploaded_at),
        # PEP 714 lets the old name `dist-info-metadata` be repeated in HTML only: old pip mis-reads it in JSON.
        "core-metadata": metadata,
        # PEP 592: a reason must not be empty, or clients take the file for not yanked.
        "yanked": (file.yanked_text or True) if file.yanked else False,
    }
    if file.requires_python:
        body["requires-python"] = file.requires_python
    return body


def _anchor(name: str, file: FileLink) -> str:
    attributes = [f'href="../../{html.escape(file_path(name, file.version, file.filename))}#sha256={file.sha256}"']
    if file.requires_python:
        attributes.append(f'data-requires-python="{html.escape(file.requires_python)}"')
    if file.metadata_sha256:
        # Never "false": pip takes any value it cannot read for "exists, without a digest".
        attributes.append(f'data-dist-info-metadata="sha256={file.metadata_sha256}"')
        attributes.append(f'data-core-metadata="sha256={file.metadata_sha256}"')
    if file.yanked:
        # Always with a value: pip reads a bare attribute as absent.
        attributes.append(f'data-yanked="{html.escape(file.yanked_text)}"')
    return f"<a {' '.join(attributes)}>{html.escape(file.filename)}</a><br>"


def _html_end(lines: list[str], serial: int) -> bytes:
    # Old mirrors read the serial from the comment after the document.
    lines.append(f"</body>\n</html>\n<!--SERIAL {serial}-->")
    return _padded("\n".join(lines).encode(), serial)


def _padded(body: bytes, serial: int) -> bytes:
    return body + b" " * ((serial - len(body)) % VALIDATOR_MODULUS)
