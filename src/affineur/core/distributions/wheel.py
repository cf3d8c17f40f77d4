"""Wheels: what has to be in them beside their metadata, and whether RECORD tells the truth.

What does not live here: the framing of the archive (`archive_zip`) and the metadata itself (`metadata`).
Sources: PyPA "Binary distribution format" (PEP 427), "Recording installed projects" (PEP 376, the RECORD
file), "Entry points specification", PEP 815 (signatures beside RECORD are deprecated).
"""

from __future__ import annotations

import configparser
import csv
import hashlib
import io
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from email.parser import HeaderParser
from typing import BinaryIO, NamedTuple, Protocol

from packaging.version import InvalidVersion, Version

from ..decision import Refused, refuse
from ..names import escape_for_filename, parse_name
from .acceptance import Findings, Rules, quoted
from .archive_tar import BLOCK_BYTES, is_tar_header
from .archive_zip import ZipArchive, open_zip
from .filenames import WheelName
from .zip_framing import Member

MAXIMUM_WHEEL_FILE_BYTES = 64 * 1024
MAXIMUM_ENTRY_POINTS_BYTES = 256 * 1024
MAXIMUM_RECORD_LINE_LENGTH = 8192
"""Characters: a path of 1,024 as it may be quoted, a digest of 90, a size; no memory for a million commas."""


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


# PEP 427: "sha256 or better; specifically, md5, sha1 and sha224 are not permitted".
_ALGORITHMS: dict[str, Callable[[], _Hasher]] = {
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "sha3_256": hashlib.sha3_256,
    "sha3_384": hashlib.sha3_384,
    "sha3_512": hashlib.sha3_512,
    "blake2b": hashlib.blake2b,
    "blake2s": hashlib.blake2s,
}
_UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_SCRIPT_GROUPS = frozenset({"console_scripts", "gui_scripts"})
_ENTRY_POINT_NAME = re.compile(r"[\w.-]+")
_REPACK = "The file was changed after it was built; build it again, or repack it with `wheel pack`."


class Wheel:
    """A wheel whose framing, place of metadata, WHEEL file and entry points have been checked."""

    __slots__ = ("_archive", "_dist_info", "_findings", "_rules", "metadata_bytes")

    def __init__(
        self, archive: ZipArchive, dist_info: str, metadata_bytes: bytes, rules: Rules, findings: Findings
    ) -> None:
        self._archive, self._dist_info = archive, dist_info
        self._rules, self._findings = rules, findings
        self.metadata_bytes = metadata_bytes

    @property
    def has_signature(self) -> bool:
        """Whether RECORD is signed in one of the two old ways."""
        return any(f"{self._dist_info}/{name}" in self._archive.members for name in _UNHASHED[1:])

    def has_license_file(self, path: str) -> bool:
        """Whether a License-File of the metadata is there: PEP 639 puts it below ``.dist-info/licenses/``."""
        return f"{self._dist_info}/licenses/{path}" in self._archive.members

    def verify(self) -> None:
        """Read every member once, and compare each with RECORD.

        `Refused` with ``archive.zip.contents`` where a member is damaged, with ``wheel.record`` where RECORD
        is missing or untrue (as ``rules.record`` says).
        """
        _verify_record(self._archive, self._dist_info, self._rules, self._findings)


def open_wheel(file: BinaryIO, name: WheelName, rules: Rules, findings: Findings) -> Wheel:
    """Check a wheel as far as that needs no reading of its contents; `Wheel.verify` does the rest.

    `Refused` with ``archive.…``, ``wheel.dist-info``, ``wheel.metadata``, ``wheel.wheel-file`` or
    ``wheel.entry-points``.
    """
    _require_no_tar(file)
    archive = open_zip(file, rules, findings)
    dist_info = _dist_info(archive, name, rules, findings)
    _check_wheel_file(archive, f"{dist_info}/WHEEL", name, rules, findings)
    path = f"{dist_info}/METADATA"
    if path not in archive.members:
        refuse(
            "wheel.metadata",
            f"Invalid distribution file. METADATA not found at {quoted(path, 200)}.",
            "Build the wheel again with a current build backend.",
        )
    metadata_bytes = archive.read(path, rules.maximum_metadata_bytes)
    if (entry_points := f"{dist_info}/entry_points.txt") in archive.members:
        _check_entry_points(archive.read(entry_points, MAXIMUM_ENTRY_POINTS_BYTES), rules, findings)
    return Wheel(archive, dist_info, metadata_bytes, rules, findings)


def _require_no_tar(file: BinaryIO) -> None:
    file.seek(0)
    if is_tar_header(file.read(BLOCK_BYTES)):
        reason = "Invalid distribution file. The file is both a ZIP and a tar archive."
        refuse("archive.polyglot", reason, "Publish a wheel as it was built.")


def _dist_info(archive: ZipArchive, name: WheelName, rules: Rules, findings: Findings) -> str:
    """The one ``{name}-{version}.dist-info`` directory at the top."""
    expected = f"{escape_for_filename(name.name)}-{name.version}.dist-info"
    tops = {path.partition("/")[0] for path in archive.members if ".dist-info/" in path}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(found) != 1 or not _means(found[0], name):
        listed = ", ".join(quoted(top) for top in found[:3]) or "none"
        refuse(
            "wheel.dist-info",
            f"Invalid distribution file. WHEEL not found at {quoted(expected + '/WHEEL', 200)}: the wheel "
            f"must have exactly one .dist-info directory, named like the file; it has {listed}.",
            "Don't rename wheels; build it again with the name and version it shall have.",
        )
    if found[0] != expected:
        findings.judge(
            rules.contents,
            "wheel.dist-info",
            f"Invalid distribution file. The directory {quoted(found[0])} should be {quoted(expected)}.",
            "Build the wheel again with a current build backend.",
        )
    return found[0]


def _means(dist_info: str, name: WheelName) -> bool:
    """Whether a ``.dist-info`` directory names this project and version, in whatever spelling."""
    project, _, version = dist_info.removesuffix(".dist-info").partition("-")
    try:
        return parse_name(project) == name.name and Version(version.replace("_", "-")) == name.parsed_version
    except (Refused, InvalidVersion):
        return False


def _check_wheel_file(archive: ZipArchive, path: str, name: WheelName, rules: Rules, findings: Findings) -> None:
    if path not in archive.members:
        refuse(
            "wheel.wheel-file",
            f"Invalid distribution file. WHEEL not found at {quoted(path, 200)}.",
            "Build the wheel again with a current build backend.",
        )
    text = archive.read(path, MAXIMUM_WHEEL_FILE_BYTES).decode("utf-8", "replace")
    headers = HeaderParser().parsestr(text)
    version = str(headers.get("Wheel-Version", "")).strip()
    # PEP 427: installers fail where the major number is larger than 1, and without a number.
    if not re.fullmatch(r"1\.\d{1,4}", version, re.ASCII):
        findings.judge(
            rules.contents,
            "wheel.wheel-file",
            f"Invalid distribution file. WHEEL says Wheel-Version {quoted(version)}; there is only 1.x.",
            "Build the wheel again with a current build backend.",
        )
    tags = {str(tag).strip() for tag in headers.get_all("Tag", ())}
    named = set(_combinations(name, limit=1000))
    if tags and named and tags != named:
        findings.note("wheel.tags", "The tags in WHEEL are not those in the file name.")


def _combinations(name: WheelName, limit: int) -> Iterator[str]:
    """The tags of the name, multiplied out; none where there are more than ``limit``."""
    if len(name.python_tags) * len(name.abi_tags) * len(name.platform_tags) <= limit:
        for python in name.python_tags:
            for abi in name.abi_tags:
                for platform in name.platform_tags:
                    yield f"{python}-{abi}-{platform}"


def _check_entry_points(raw: bytes, rules: Rules, findings: Findings) -> None:
    """Names of scripts become names of files on every machine the wheel is installed on."""
    parser = configparser.RawConfigParser(delimiters=("=",), default_section="")
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(raw.decode("utf-8"))
    except (configparser.Error, ValueError, AttributeError, TypeError):
        findings.judge(
            rules.contents,
            "wheel.entry-points",
            "Invalid distribution file. entry_points.txt is not UTF-8 in the form of an INI file.",
            "Check the entry points in the project's configuration.",
        )
        return
    for group in parser.sections():
        for name in parser.options(group):
            if _ENTRY_POINT_NAME.fullmatch(name):
                continue
            where = f"{quoted(name)} in {quoted(group)}"
            # Elsewhere any name is legal, and plug-ins with blanks or colons in theirs exist.
            findings.judge(
                rules.contents if group in _SCRIPT_GROUPS else "report",
                "wheel.entry-points",
                f"Invalid distribution file. The entry point {where} has a bad name.",
                "Use letters, digits, '_', '.' and '-'.",
            )


class _Row(NamedTuple):
    """A line of RECORD: ``sha256``, the digest in base64 without padding, and the size (-1: not said)."""

    algorithm: str
    digest: str
    size_bytes: int


def _verify_record(archive: ZipArchive, dist_info: str, rules: Rules, findings: Findings) -> None:
    unhashed = {f"{dist_info}/{name}" for name in _UNHASHED}
    path = f"{dist_info}/RECORD"
    faults = _Faults(rules, findings)
    rows: dict[str, _Row] = {}
    if path in archive.members:
        rows = _rows(archive.read(path, rules.maximum_record_bytes), faults)
    else:
        faults.add(f"RECORD not found at {quoted(path, 200)}")
    for member in archive.members.values():
        row = rows.pop(member.name, None)
        if member.is_directory or member.name in unhashed:
            for _ in archive.chunks(member):  # Its CRC-32 is checked all the same.
                pass
        else:
            _compare(archive, member, row, faults)
    for name in rows:
        if name not in unhashed and not name.endswith("/"):
            faults.add(f"RECORD lists {quoted(name)}, which is not in the wheel")


class _Faults:
    """What RECORD got wrong; the first is refused, or all are reported."""

    __slots__ = ("_findings", "_rules")

    def __init__(self, rules: Rules, findings: Findings) -> None:
        self._rules, self._findings = rules, findings

    def add(self, what: str) -> None:
        self._findings.judge(self._rules.record, "wheel.record", f"Invalid distribution file. {what}.", _REPACK)


def _rows(raw: bytes, faults: _Faults) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    # A text wrapper and not StringIO: that one keeps four bytes for each character.
    lines = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8", newline="")
    try:
        for line in lines:
            if len(line) > MAXIMUM_RECORD_LINE_LENGTH:
                raise csv.Error
            # One reader for each line: a quotation mark left open must not swallow the rest of the file.
            cells = next(csv.reader((line,)), [])
            if not cells:
                continue
            path, digest, size = (*cells, "", "")[:3]
            algorithm, _, value = digest.partition("=")
            row = _Row(algorithm.lower(), value.rstrip("="), int(size) if _is_size(size) else -1)
            if rows.setdefault(path, row) != row:
                faults.add(f"RECORD lists {quoted(path)} twice, differently")
    except (csv.Error, UnicodeDecodeError):
        faults.add("RECORD is not a CSV file in UTF-8")
    return rows


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _compare(archive: ZipArchive, member: Member, row: _Row | None, faults: _Faults) -> None:
    name = member.name
    new = _ALGORITHMS.get(row.algorithm) if row else None
    if new is None:
        for _ in archive.chunks(member):
            pass
    if row is None:
        faults.add(f"{quoted(name)} is in the wheel, but not listed in RECORD")
    elif new is None:
        faults.add(f"RECORD has no digest of {quoted(name)} in sha256 or better, but {quoted(row.algorithm)}")
    else:
        hasher = new()
        for piece in archive.chunks(member):
            hasher.update(piece)
        if urlsafe_b64encode(hasher.digest()).rstrip(b"=").decode() != row.digest:
            faults.add(f"The {row.algorithm} digest of {quoted(name)} is not the one in RECORD")
        elif row.size_bytes not in (-1, member.size_bytes):
            faults.add(f"{quoted(name)} has {member.size_bytes} bytes, RECORD says {row.size_bytes}")
