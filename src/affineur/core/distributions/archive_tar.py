"""Gzipped tar archives, read once from front to back in bounded pieces.

What does not live here: what the members mean (`sdist`).
Sources: POSIX.1-2001 pax and ustar; the GNU tar manual for long names; RFC 1952 (gzip); PEP 625 and 721.

`tarfile` reads single headers here, and nothing more: its stream reader takes the whole of an extended
header into memory whatever size that claims, and keeps every member it has seen.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

from ..decision import refuse
from .acceptance import Findings, Rules, quoted
from .archive_limits import require_member_count, require_no_bomb, require_safe_path

BLOCK_BYTES = 512
CHUNK_BYTES = 256 * 1024
MAXIMUM_GZIP_MEMBERS = 10_000
"""Each costs a copy of up to `CHUNK_BYTES`; sdists have one."""
MAXIMUM_EXTENDED_HEADER_BYTES = 64 * 1024
"""A pax header or a GNU long name. Real ones have some hundred bytes."""

_ZERO_BLOCK = bytes(BLOCK_BYTES)
_LONG_NAMES = {b"L": "path", b"K": "linkpath"}
_REBUILD = "Build the sdist again with a current build backend and publish it unchanged."


class TarMember(NamedTuple):
    """One member. ``link`` is where a link points, "" for what is no link."""

    name: str
    size_bytes: int
    is_file: bool
    is_directory: bool
    link: str


def is_tar_header(block: bytes) -> bool:
    """Whether ``block`` (512 bytes) is the header of a tar member, checksum included."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


class TarArchive:
    """A gzipped tar being read. Iterate over `members`; `read` or `pieces` takes the contents of the current one.

    `Refused` with ``archive.tar.…``, ``archive.path``, ``archive.members`` or ``archive.bomb``. Where
    ``rules.framing`` is "report", faults that leave every member readable go to ``findings``.
    """

    def __init__(self, file: BinaryIO, rules: Rules, findings: Findings) -> None:
        self._rules, self._findings = rules, findings
        self._stream = _Gunzipped(file, rules, findings)
        self._unread_bytes = 0
        self._padding_bytes = 0

    def members(self) -> Iterator[TarMember]:
        """The members in order. Contents that were not read are skipped."""
        overrides: dict[str, str] = {}
        everywhere: dict[str, str] = {}
        count = 0
        while (block := self._next_header()) is not None:
            count += 1
            require_member_count(count, self._rules)
            header = self._parsed(block)
            kind = bytes(header.type)
            self._unread_bytes = header.size
            self._padding_bytes = -header.size % BLOCK_BYTES
            if kind in _LONG_NAMES:
                overrides[_LONG_NAMES[kind]] = self._text(self._extended(header.size).split(b"\x00")[0])
            elif kind in {b"x", b"X"}:
                overrides.update(self._pax(self._extended(header.size)))
            elif kind == b"g":
                everywhere.update(self._pax(self._extended(header.size)))
            else:
                yield self._member(header, kind, {**everywhere, **overrides})
                overrides = {}
        if overrides:
            self._refuse("header", "an extended header describes no member")
        self._stream.finish()

    def read(self, maximum_bytes: int) -> bytes:
        """The contents of the member given last; `Refused` (``archive.size``) above ``maximum_bytes``."""
        if self._unread_bytes > maximum_bytes:
            refuse(
                "archive.size",
                f"Invalid distribution file. A file to be read has {self._unread_bytes} bytes; "
                f"at most {maximum_bytes} are read.",
                size_bytes=self._unread_bytes,
            )
        data = self._stream.exactly(self._unread_bytes)
        self._unread_bytes = 0
        return data

    def pieces(self) -> Iterator[bytes]:
        """The contents of the member given last, of whatever size, in pieces of at most `CHUNK_BYTES`."""
        while self._unread_bytes:
            piece = self._stream.up_to(min(CHUNK_BYTES, self._unread_bytes))
            if not piece:
                self._refuse("truncated", "it ends within a member")
            self._unread_bytes -= len(piece)
            yield piece

    def _refuse(self, rule: str, why: str) -> NoReturn:
        refuse(f"archive.tar.{rule}", f"Invalid distribution file. The tar archive is damaged: {why}.", _REBUILD)

    def _next_header(self) -> bytes | None:
        self._stream.skip(self._unread_bytes + self._padding_bytes)
        self._unread_bytes = self._padding_bytes = 0
        block = self._stream.up_to(BLOCK_BYTES)
        if not block:
            self._findings.judge(
                self._rules.framing,
                "archive.tar.end",
                "Invalid distribution file. The tar archive has no end mark; it may be cut off.",
                _REBUILD,
            )
            return None
        if len(block) != BLOCK_BYTES:
            self._refuse("truncated", "it ends within a header")
        return None if block == _ZERO_BLOCK else block

    def _parsed(self, block: bytes) -> tarfile.TarInfo:
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            self._refuse("header", "a header is malformed")
        if header.size < 0:
            self._refuse("header", "a member has a negative size")
        return header

    def _extended(self, size_bytes: int) -> bytes:
        if size_bytes > MAXIMUM_EXTENDED_HEADER_BYTES:
            self._refuse("header", f"an extended header claims {size_bytes} bytes")
        return self.read(MAXIMUM_EXTENDED_HEADER_BYTES)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._refuse("header", "an extended header is not UTF-8")

    def _pax(self, data: bytes) -> dict[str, str]:
        """The records ``length SP key=value LF`` of a pax header that change how a member is read."""
        records: dict[str, str] = {}
        at = 0
        while at < len(data) and data[at]:
            space = data.find(b" ", at, at + 12)
            length = data[at:space] if space > at else b""
            if not length.isdigit():
                self._refuse("header", "a pax header is malformed")
            end = at + int(length)
            key, equals, value = data[space + 1 : end - 1].partition(b"=")
            if end > len(data) or not equals or data[end - 1 : end] != b"\n" or end <= space + 1:
                self._refuse("header", "a pax header is malformed")
            if key in {b"path", b"linkpath", b"size"} or key.startswith(b"GNU.sparse"):
                records[key.decode("utf-8", "replace")] = self._text(value)
            at = end
        return records

    def _member(self, header: tarfile.TarInfo, kind: bytes, pax: dict[str, str]) -> TarMember:
        if kind == b"S" or any(key.startswith("GNU.sparse") for key in pax):
            self._refuse("sparse", "sparse members are not allowed")
        if "size" in pax:
            size = pax["size"]
            if not (size.isascii() and size.isdigit() and len(size) < 20):
                self._refuse("header", "a pax size is no number")
            header.size = int(size)
            self._unread_bytes, self._padding_bytes = header.size, -header.size % BLOCK_BYTES
        is_directory = kind == tarfile.DIRTYPE
        is_file = kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
        is_link = kind in (tarfile.LNKTYPE, tarfile.SYMTYPE)
        name = pax.get("path", header.name)
        # Before POSIX.1-1988 a directory was a file whose name ends in a slash.
        if name.endswith("/") and is_file:
            is_directory, is_file = True, False
        name = name.rstrip("/")
        require_safe_path(name)
        if not (is_directory or is_file or is_link):
            self._refuse("type", f"{quoted(name)} is neither a file nor a directory nor a link")
        if not is_file and header.size:
            self._refuse("header", f"{quoted(name)} has contents without being a file")
        link = pax.get("linkpath", header.linkname) if is_link else ""
        if is_link:
            _require_link_inside(name, link, is_symbolic=kind == tarfile.SYMTYPE)
        return TarMember(name, header.size, is_file, is_directory, link)


def _require_link_inside(name: str, link: str, *, is_symbolic: bool) -> None:
    """Links stay below the top directory; symbolic ones start where they lie, hard ones at the root."""
    parts = name.split("/")[:-1] if is_symbolic else []
    top = name.split("/", 1)[0]
    leaves = not link or link.startswith("/") or "\\" in link or link[1:2] == ":" or "\x00" in link
    for part in link.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == "..":
            leaves = True
        elif part not in ("", "."):
            parts.append(part)
        # Also on the way: what is outside may lead back in by the name it has here, but not elsewhere.
        leaves = leaves or (is_symbolic and not parts)
    if leaves or parts[:1] != [top]:
        refuse(
            "archive.link",
            f"Invalid distribution file. The link {quoted(name)} leads out of it, to {quoted(link)}.",
            "Pack the file itself instead of a link.",
        )


class _Gunzipped:
    """The bytes inside a gzip file, in order, never more than some pieces of them at a time."""

    def __init__(self, file: BinaryIO, rules: Rules, findings: Findings) -> None:
        self._packed_bytes = file.seek(0, 2)
        file.seek(0)
        self._file, self._rules, self._findings = file, rules, findings
        self._inflater = zlib.decompressobj(31)
        self._input = b""
        self._piece = b""
        self._at = 0
        self._unpacked_bytes = 0
        self._gzip_members = 1

    def exactly(self, size_bytes: int) -> bytes:
        """The next ``size_bytes`` bytes; `Refused` where fewer are left. Only for small sizes."""
        data = self.up_to(size_bytes)
        if len(data) != size_bytes:
            self._refuse("truncated", "it ends within a member")
        return data

    def up_to(self, size_bytes: int) -> bytes:
        """The next ``size_bytes`` bytes, or what is left of them."""
        if len(self._piece) - self._at >= size_bytes:
            self._at += size_bytes
            return self._piece[self._at - size_bytes : self._at]
        taken = [self._piece[self._at :]]
        missing = size_bytes - len(taken[0])
        self._at = len(self._piece)
        while missing and self._refill():
            self._at = min(missing, len(self._piece))
            missing -= self._at
            taken.append(self._piece[: self._at])
        return b"".join(taken)

    def skip(self, size_bytes: int) -> None:
        """Leave out the next ``size_bytes`` bytes; `Refused` where fewer are left."""
        while size_bytes:
            if self._at == len(self._piece) and not self._refill():
                self._refuse("truncated", "it ends within a member")
            step = min(size_bytes, len(self._piece) - self._at)
            self._at += step
            size_bytes -= step

    def finish(self) -> None:
        """Read to the end, where nothing but zeros may stand: other readers might find members there."""
        rest = self._piece[self._at :]
        while True:
            if rest.count(0) != len(rest):
                self._judge("trailing", "bytes follow the end of the tar archive")
                return
            if not self._refill():
                return
            rest = self._piece

    def _refuse(self, rule: str, why: str) -> NoReturn:
        refuse(f"archive.tar.{rule}", f"Invalid distribution file. The tar archive is damaged: {why}.", _REBUILD)

    def _judge(self, rule: str, why: str) -> None:
        reason = f"Invalid distribution file. {why[0].upper()}{why[1:]}."
        self._findings.judge(self._rules.framing, f"archive.tar.{rule}", reason, _REBUILD)

    def _refill(self) -> bool:
        """Put the next piece in place of the last; False at the end of the file."""
        while True:
            if self._inflater.eof and not self._begin_next():
                self._piece, self._at = b"", 0
                return False
            if not self._input:
                self._input = self._file.read(CHUNK_BYTES)
                if not self._input:
                    self._refuse("truncated", "the gzip stream is cut off")
            try:
                piece = self._inflater.decompress(self._input, 4 * CHUNK_BYTES)
            except zlib.error:
                self._refuse("gzip", "it is not a sound gzip file")
            self._input = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            if piece:
                self._unpacked_bytes += len(piece)
                require_no_bomb(self._unpacked_bytes, self._packed_bytes, self._rules)
                self._piece, self._at = piece, 0
                return True

    def _begin_next(self) -> bool:
        """After the end of a gzip member: whether another one follows, which not every reader takes up."""
        self._input = self._input or self._file.read(CHUNK_BYTES)
        if not self._input:
            return False
        self._judge("gzip-members", "bytes follow the end of the gzip stream")
        if not self._input.startswith(b"\x1f\x8b"):
            self._file.seek(0, 2)
            self._input = b""
            return False
        self._gzip_members += 1
        if self._gzip_members > MAXIMUM_GZIP_MEMBERS:
            self._refuse("gzip-members", f"it has more than {MAXIMUM_GZIP_MEMBERS} gzip members")
        self._inflater = zlib.decompressobj(31)
        return True
