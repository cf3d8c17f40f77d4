"""Sdists: one top directory, and PKG-INFO in it.

What does not live here: the archive formats (`archive_tar`; `archive_zip` for old sdists) and the metadata
itself (`metadata`).
Sources: PyPA "Source distribution format" (PEP 517, 625, 643, 721).
"""

from __future__ import annotations

from typing import BinaryIO

from ..decision import refuse
from ..names import escape_for_filename
from .acceptance import Findings, Rules, quoted
from .archive_tar import TarArchive
from .archive_zip import open_zip
from .filenames import SdistName

MAXIMUM_NAMES_BYTES = 16 * 1024 * 1024
"""Memory: the paths of all files are kept until the metadata is known, which may come last."""

_REBUILD = "Build the sdist again with a current build backend, for example by `python -m build --sdist`."
_ZIP_END = b"PK\x05\x06"


class Sdist:
    """An sdist that was read through to its end."""

    __slots__ = ("_paths", "_top", "metadata_bytes")

    def __init__(self, top: str, paths: set[str], metadata_bytes: bytes) -> None:
        self._top, self._paths = top, paths
        self.metadata_bytes = metadata_bytes

    def has_license_file(self, path: str) -> bool:
        """Whether a License-File of the metadata is there: PEP 639, relative to the top directory."""
        return f"{self._top}/{path}" in self._paths


def read_sdist(file: BinaryIO, name: SdistName, rules: Rules, findings: Findings) -> Sdist:
    """Read an sdist through, once.

    `Refused` with ``archive.…``, ``sdist.top-directory`` or ``sdist.pkg-info``.
    """
    contents = _Contents(rules, findings)
    if name.filename.lower().endswith(".zip"):
        _read_zip(file, contents, rules, findings)
    else:
        _require_no_zip(file)
        archive = TarArchive(file, rules, findings)
        for member in archive.members():
            if contents.add(member.name, member.is_directory) and member.is_file:
                contents.metadata_bytes = archive.read(rules.maximum_metadata_bytes)
    return contents.sdist(name)


def _read_zip(file: BinaryIO, contents: _Contents, rules: Rules, findings: Findings) -> None:
    archive = open_zip(file, rules, findings)
    for member in archive.members.values():
        if contents.add(member.name.removesuffix("/"), member.is_directory):
            contents.metadata_bytes = archive.read(member.name, rules.maximum_metadata_bytes)
        else:
            for _ in archive.chunks(member):  # Its CRC-32 is checked.
                pass


def _require_no_zip(file: BinaryIO) -> None:
    """A ZIP file is found from its end, a gzip file from its start, so one file can be both."""
    length_bytes = file.seek(0, 2)
    start = max(0, length_bytes - 22 - 0xFFFF)
    file.seek(start)
    tail = file.read(length_bytes - start)
    at = tail.rfind(_ZIP_END)
    while at >= 0:
        comment_bytes = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + 22 + comment_bytes == len(tail):
            reason = "Invalid distribution file. The file is both a ZIP and a tar archive."
            refuse("archive.polyglot", reason, _REBUILD)
        at = tail.rfind(_ZIP_END, 0, at + 3)


class _Contents:
    """What is gathered while the members go by."""

    __slots__ = ("_findings", "_names_bytes", "_paths", "_rules", "_top", "metadata_bytes")

    def __init__(self, rules: Rules, findings: Findings) -> None:
        self._rules, self._findings = rules, findings
        self._top = ""
        self._paths: set[str] = set()
        self._names_bytes = 0
        self.metadata_bytes: bytes | None = None

    def add(self, path: str, is_directory: bool) -> bool:
        """Take note of a member; whether it is the PKG-INFO."""
        top, slash, rest = path.partition("/")
        self._top = self._top or top
        if top != self._top or not (slash or is_directory):
            refuse(
                "sdist.top-directory",
                "Invalid distribution file. An sdist must have exactly one top directory and nothing beside "
                f"it; this one has {quoted(self._top)} and {quoted(path)}.",
                _REBUILD,
            )
        if is_directory:
            return False
        if path in self._paths:
            self._judge_duplicate(path, decides=rest in ("PKG-INFO", "pyproject.toml"))
        self._paths.add(path)
        self._names_bytes += len(path)
        if self._names_bytes > MAXIMUM_NAMES_BYTES:
            refuse("archive.members", "Invalid distribution file. The names of its members are too long.")
        return rest == "PKG-INFO"

    def _judge_duplicate(self, path: str, *, decides: bool) -> None:
        """Unpacking lets the last one win, readers of metadata take the first: only there it is a danger."""
        reason = f"Invalid distribution file. {quoted(path)} is in it twice."
        if decides:
            refuse("sdist.duplicate", reason, _REBUILD)
        self._findings.note("sdist.duplicate", reason, _REBUILD)

    def sdist(self, name: SdistName) -> Sdist:
        """The sdist, once all members have been seen."""
        expected = f"{escape_for_filename(name.name)}-{name.version}"
        if self.metadata_bytes is None:
            refuse(
                "sdist.pkg-info",
                f"Invalid distribution file. PKG-INFO not found at {quoted(expected + '/PKG-INFO', 200)}.",
                _REBUILD,
            )
        if self._top != expected:
            top = quoted(self._top)
            self._findings.judge(
                self._rules.contents,
                "sdist.top-directory",
                f"Invalid distribution file. The top directory {top} should be {quoted(expected)}.",
                _REBUILD,
            )
        return Sdist(self._top, self._paths, self.metadata_bytes)
