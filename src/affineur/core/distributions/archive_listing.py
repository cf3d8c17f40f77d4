"""What lies in a wheel or an sdist: every member with its size, its digest, and what kind of thing it is.

Made for people who look at files that may be hostile, held ones too. Nothing is unpacked to anywhere: members go by
in pieces, and what is read is bounded in bytes, in members and in time. Where a file is damaged or too large, what
was seen so far is the answer, with the reason why there is no more.
What does not live here: whether a file may be published (`distribution`), what two listings differ in
(`comparison`), and what is worth noticing in one (`comparison_signals`).
Sources: PyPA "Binary distribution format" (``.dist-info``, ``.data``), "Source distribution format" (one top folder).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import BinaryIO, Literal, NamedTuple

from ..decision import Decision, Refused, deny, refuse
from .acceptance import IMPORTED, MEBIBYTE, Findings, quoted
from .archive_tar import TarArchive
from .archive_zip import open_zip

Kind = Literal["text", "binary", "link", "unread"]
Clock = Callable[[], bool]
"""Says whether the time for looking is over."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of one file is looked at.

    ``read_bytes``: unpacked, at some 200 MiB a second of unpacking and hashing. ``members``: as many as an upload may
    have. ``text_bytes``: of one member, where its text is looked through or shown. ``told_bytes``: of all members
    whose text is kept beside the listing.
    """

    read_bytes: int = 512 * MEBIBYTE
    members: int = 65_535
    text_bytes: int = 2 * MEBIBYTE
    told_bytes: int = 8 * MEBIBYTE


BOUNDS = Bounds()


class Entry(NamedTuple):
    """A member that is no directory.

    ``path`` is where it lies; ``name`` the same without what changes with each version: the top folder of an sdist,
    the version in ``.dist-info`` and ``.data``. ``sha256`` is "" for links and what was not read. ``format`` says what
    a file is that a machine runs or unpacks ("ELF", "ZIP" …). ``traits`` are what a reader of its text could miss.
    """

    path: str
    name: str
    size_bytes: int
    sha256: str
    kind: Kind
    format: str = ""
    link: str = ""
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """A file as it lies. ``texts`` are the members that say how it is installed or built, by ``name``.

    ``fault`` says why there may be more than is listed, or why some of it was not read; None: it is whole.
    """

    filename: str
    entries: tuple[Entry, ...]
    texts: Mapping[str, bytes]
    fault: Decision | None

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; else it is an sdist."""
        return self.filename.lower().endswith(".whl")

    @property
    def unpacked_bytes(self) -> int:
        """What its members come to."""
        return sum(entry.size_bytes for entry in self.entries)


def list_contents(file: BinaryIO, filename: str, bounds: Bounds = BOUNDS, is_over: Clock = lambda: False) -> Contents:
    """The contents of ``file`` (seekable). Never raises but what ``file`` raises; memory is O(number of members)."""
    listing = _Listing(filename, bounds, is_over)
    try:
        for found in _walk(file, filename, bounds):
            listing.add(found)
    except Refused as refused:
        listing.fault = refused.decision
    return Contents(filename, tuple(listing.entries), MappingProxyType(listing.texts), listing.fault)


def read_members(
    file: BinaryIO,
    filename: str,
    paths: Collection[str],
    maximum_bytes: int,
    bounds: Bounds = BOUNDS,
    is_over: Clock = lambda: False,
) -> dict[str, bytes]:
    """The first ``maximum_bytes`` of each member of ``paths`` that is a file; those that cannot be read are left out.

    Of a member that is there twice it is the last one, which is what unpacking leaves.
    """
    wanted = set(paths)
    taken: dict[str, bytes] = {}
    try:
        for found in _walk(file, filename, bounds):
            _require_time(is_over)
            if found.is_file and found.path in wanted:
                taken[found.path] = _first(found.pieces, maximum_bytes)
    except Refused:
        pass  # what was taken before the damage is shown; the listing says what is wrong
    return taken


class _Found(NamedTuple):
    path: str
    size_bytes: int
    is_file: bool
    link: str
    pieces: Iterator[bytes]


def _walk(file: BinaryIO, filename: str, bounds: Bounds) -> Iterator[_Found]:
    """The members in order, directories left out; what is not taken from ``pieces`` is passed over."""
    rules = replace(IMPORTED, maximum_members=bounds.members)
    file.seek(0)
    if filename.lower().endswith((".whl", ".zip")):
        archive = open_zip(file, rules, Findings())
        for member in archive.members.values():
            if not member.is_directory:
                yield _Found(member.name, member.size_bytes, True, "", archive.chunks(member))
        return
    tar = TarArchive(file, rules, Findings())
    passed_bytes = 0
    for each in tar.members():
        passed_bytes += each.size_bytes
        if passed_bytes > bounds.read_bytes:  # a member in a tar is passed over by unpacking it
            _refuse_size(bounds)
        if not each.is_directory:
            yield _Found(each.name, each.size_bytes, each.is_file, each.link, tar.pieces())


def _refuse_size(bounds: Bounds) -> None:
    refuse(
        "examine.size",
        f"Not all of it was looked at: it unpacks to more than {bounds.read_bytes // MEBIBYTE} MiB.",
        "Download it and look at the rest on a machine that nothing depends on.",
    )


def _require_time(is_over: Clock) -> None:
    if is_over():
        refuse("examine.time", "Not all of it was looked at: it took too long.", "Look at it again, or download it.")


def _first(pieces: Iterator[bytes], maximum_bytes: int) -> bytes:
    taken = bytearray()
    for piece in pieces:
        taken += piece
        if len(taken) >= maximum_bytes:
            break
    return bytes(taken[:maximum_bytes])


# -- one listing


class _Listing:
    """What is gathered while the members go by."""

    def __init__(self, filename: str, bounds: Bounds, is_over: Clock) -> None:
        self._is_wheel = filename.lower().endswith(".whl")
        self._bounds, self._is_over = bounds, is_over
        self._left_bytes, self._told_bytes = bounds.read_bytes, bounds.told_bytes
        self.entries: list[Entry] = []
        self.texts: dict[str, bytes] = {}
        self.fault: Decision | None = None

    def add(self, found: _Found) -> None:
        """Take note of a member. `Refused` (``examine.time``) once the time is over."""
        _require_time(self._is_over)
        name = plain_name(found.path, self._is_wheel)
        if not found.is_file:
            self.entries.append(Entry(found.path, name, 0, "", "link", link=found.link))
            return
        try:
            self.entries.append(self._read(found, name))
        except Refused as refused:
            if refused.decision.rule == "examine.time":
                raise
            self.fault = self.fault or refused.decision
            self.entries.append(Entry(found.path, name, found.size_bytes, "", "unread"))

    def _read(self, found: _Found, name: str) -> Entry:
        if found.size_bytes > self._left_bytes:
            _refuse_size(self._bounds)
        self._left_bytes -= found.size_bytes
        digest, head, whole = hashlib.sha256(), b"", bytearray()
        for piece in found.pieces:
            _require_time(self._is_over)
            digest.update(piece)
            head = head or piece
            if found.size_bytes <= self._bounds.text_bytes:
                whole += piece
        is_text = _is_text(name, head)
        is_whole = len(whole) == found.size_bytes
        if is_text and is_whole and tells(name, self._is_wheel) and len(whole) <= self._told_bytes:
            self._told_bytes -= len(whole)
            self.texts[name] = bytes(whole)
        traits = _traits(name, bytes(whole), found.size_bytes) if is_text else ()
        kind: Kind = "text" if is_text else "binary"
        return Entry(found.path, name, found.size_bytes, digest.hexdigest(), kind, _format(name, head), "", traits)


_VERSIONED = re.compile(r"[^/]+\.(dist-info|data)/")
_TELLING = re.compile(
    r"(?:\*\.dist-info/(?:METADATA|entry_points\.txt)|(?:\*\.data/(?:pur|plat)elib/)?[^/]+\.(?:pth|start))\Z"
)
_TELLING_OF_SDISTS = frozenset({"PKG-INFO", "pyproject.toml", "setup.py"})


def plain_name(path: str, is_wheel: bool) -> str:
    """A member's path without what changes with each version, so that two releases can be laid beside each other."""
    if not is_wheel:
        return path.partition("/")[2] or path
    return _VERSIONED.sub(lambda match: f"*.{match[1]}/", path, count=1) if _VERSIONED.match(path) else path


def tells(name: str, is_wheel: bool) -> bool:
    """Whether the text of a member says how the file is installed, started or built."""
    return _TELLING.match(name) is not None if is_wheel else name in _TELLING_OF_SDISTS


_ALWAYS_TEXT = (
    ".py", ".pyi", ".pth", ".start", ".toml", ".cfg", ".ini", ".txt", ".md", ".rst", ".json", ".sh", ".bat", ".ps1",
)  # fmt: skip
"""Whatever is in them: a NUL in a comment must not keep a program out of sight."""
_SNIFFED_BYTES = 8000
"""As git does: what has no NUL there is text."""


def _is_text(name: str, head: bytes) -> bool:
    return name.lower().endswith(_ALWAYS_TEXT) or b"\0" not in head[:_SNIFFED_BYTES]


_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\x00asm", "WebAssembly"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"#!", "script"),
)


def _format(name: str, head: bytes) -> str:
    """What machines take a file for by its first bytes; "" for what is none of those that matter here."""
    if head.startswith(b"MZ") and b"\0" in head[:64]:  # the header of PE has zeros; words that begin so have none
        return "PE"
    if head.startswith(b"\xca\xfe\xba\xbe"):  # both; where Mach-O counts its parts, Java has its version, 45 or more
        return "Mach-O" if int.from_bytes(head[4:8], "big") < 45 else "Java"
    if name.endswith((".pyc", ".pyo")):
        return "bytecode"
    return next((format for start, format in _FORMATS if head.startswith(start)), "")


_PROGRAM = (".py", ".pth", ".sh", ".bat", ".ps1")
# Each begins only where a run begins, so that no text is walked through more than once.
_TRAITS = {
    "turned": re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"),  # U+202A to 202E, 2066 to 2069 in UTF-8
    "aside": re.compile(rb"(?<![ \t])[ \t]{100,}+[^\s\\]"),
    "long": re.compile(rb"(?<![^\r\n])[^\r\n]{2000}"),
}


def _traits(name: str, text: bytes, size_bytes: int) -> tuple[str, ...]:
    """What somebody who reads a program could miss: "turned" letters, code far "aside", "long" lines, "huge" texts."""
    if not name.lower().endswith(_PROGRAM):
        return ()
    if len(text) < size_bytes:
        return ("huge",)
    return tuple(trait for trait, pattern in _TRAITS.items() if pattern.search(text))


def missing(filename: str, path: str) -> Decision:
    """The refusal that a file has no such member that could be shown."""
    return deny(
        "examine.exists",
        f"There is no file {quoted(path)} in {quoted(filename)} that could be shown.",
        "Take its path from the listing.",
    )
