"""The framing of ZIP archives: where each member lies, once both tellings of it agree.

A ZIP file says everything twice, once before each member and once in the directory at its end, and readers
differ in whom they believe. Here an archive is taken only where both agree and nothing lies between, before
or behind: then every reader sees the same files.

What does not live here: reading the members (`archive_zip`).
Source: PKWARE APPNOTE 6.3.10; the sections stand beside the checks.

Own code and not `zipfile`: that module believes the directory, skips what lies between, and joins
concatenated archives; each check here would have to read the bytes anyhow.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple, NoReturn

from ..decision import refuse
from .acceptance import Findings, Rules, quoted
from .archive_limits import require_member_count, require_no_bomb, require_safe_path

MAXIMUM_DIRECTORY_BYTES = 16 * 1024 * 1024

_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s2B5H3L5H2L")
_LOCAL = struct.Struct("<4s2B4H3L2H")
_EXTRA = struct.Struct("<2H")
_MAXIMUM_COMMENT_BYTES = 0xFFFF
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF

STORED, DEFLATED = 0, 8
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_FLAG_ENCRYPTED, _FLAG_DEFLATE_OPTION, _FLAG_DESCRIPTOR, _FLAG_UTF8 = 0x1, 0x6, 0x8, 0x800

REBUILD = "Build the file again with a current build backend and publish it unchanged."


class Member(NamedTuple):
    """One member as the directory has it. ``data_offset`` is where its packed bytes begin."""

    name: str
    data_offset: int
    packed_bytes: int
    size_bytes: int
    crc: int
    method: int

    @property
    def is_directory(self) -> bool:
        """Whether the entry stands for a directory; it then has no contents."""
        return self.name.endswith("/")


class _Entry(NamedTuple):
    """A directory entry before its local header was compared."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int


def read_framing(file: BinaryIO, rules: Rules, findings: Findings) -> dict[str, Member]:
    """The members of the archive in ``file`` by name, in the order in which they lie in it.

    `Refused` with ``archive.zip.…`` (each says what is wrong), ``archive.path``, ``archive.members`` or
    ``archive.bomb``. Where ``rules.framing`` is "report", faults that leave every member readable are
    reported to ``findings``.
    """
    return _Reader(file, rules, findings).members()


class _Reader:
    """One reading of one archive's framing."""

    __slots__ = ("_file", "_findings", "_length_bytes", "_rules", "_shift")

    def __init__(self, file: BinaryIO, rules: Rules, findings: Findings) -> None:
        self._file, self._rules, self._findings = file, rules, findings
        self._length_bytes = file.seek(0, 2)
        self._shift = 0

    def members(self) -> dict[str, Member]:
        start, size_bytes, count = self._directory_place()
        require_member_count(count, self._rules)
        entries = self._directory(start, size_bytes, count)
        unpacked_bytes = sum(entry.size_bytes for entry in entries)
        require_no_bomb(unpacked_bytes, self._length_bytes, self._rules)
        return self._compared(entries, start)

    # -- what is said in every refusal

    def _refuse(self, rule: str, why: str) -> NoReturn:
        refuse(f"archive.zip.{rule}", f"ZIP archive not accepted: {why}.", REBUILD)

    def _judge(self, rule: str, why: str) -> None:
        reason = f"ZIP archive not accepted: {why}."
        self._findings.judge(self._rules.framing, f"archive.zip.{rule}", reason, REBUILD)

    def _read(self, offset: int, size_bytes: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size_bytes)
        if len(data) != size_bytes:
            self._refuse("truncated", "the file ends too early")
        return data

    # -- the end of the file: APPNOTE 4.3.14 to 4.3.16

    def _directory_place(self) -> tuple[int, int, int]:
        """Offset, size and number of entries of the central directory."""
        position, fields = self._end_record()
        disk, directory_disk, here, count, size_bytes, start = fields
        end = position
        if self._has_locator(position):
            end, (disk, directory_disk, here, count, size_bytes, start) = self._end_record_64(position, fields)
        elif _FULL_16 in (here, count) or _FULL_32 in (size_bytes, start):
            self._refuse("zip64", "it announces a ZIP64 end record and has none")
        if disk or directory_disk or here != count:
            self._refuse("disks", "it is one part of a split archive")
        if start + size_bytes > end or size_bytes > MAXIMUM_DIRECTORY_BYTES:
            self._refuse("directory", "the central directory does not lie where the end record says")
        if start + size_bytes < end:
            self._judge("surrounded", "bytes lie before the archive or between its directory and its end")
            if self._is_directory_at(end - size_bytes, count):  # Put behind something: all offsets are off.
                self._shift, start = end - size_bytes - start, end - size_bytes
        return start, size_bytes, count

    def _is_directory_at(self, offset: int, count: int) -> bool:
        return offset >= 0 and count > 0 and self._read(offset, 4) == b"PK\x01\x02"

    def _end_record(self) -> tuple[int, tuple[int, int, int, int, int, int]]:
        size_bytes = min(self._length_bytes, _END.size + _MAXIMUM_COMMENT_BYTES)
        if self._length_bytes >= _END.size:  # Without a comment, that is nearly always, 22 bytes suffice.
            tail = self._read(self._length_bytes - _END.size, _END.size)
            if tail.startswith(b"PK\x05\x06") and tail.endswith(b"\x00\x00"):
                return self._length_bytes - _END.size, _END.unpack(tail)[1:7]
        tail = self._read(self._length_bytes - size_bytes, size_bytes)
        at = tail.rfind(b"PK\x05\x06", 0, max(0, size_bytes - _END.size + 4))
        if at < 0:
            self._refuse("directory", "no end of central directory was found, so it is no ZIP file or cut off")
        *fields, comment_bytes = _END.unpack_from(tail, at)[1:]
        if at + _END.size + comment_bytes != size_bytes:
            self._refuse("surrounded", "bytes follow the archive")
        self._judge("comment", "it has a comment, in which another archive could hide")
        disk, directory_disk, here, count, directory_bytes, start = fields
        position = self._length_bytes - size_bytes + at
        return position, (disk, directory_disk, here, count, directory_bytes, start)

    def _has_locator(self, end: int) -> bool:
        at = end - _END_64_LOCATOR.size
        return at >= 0 and self._read(at, 4) == b"PK\x06\x07"

    def _end_record_64(
        self, end: int, fields: tuple[int, int, int, int, int, int]
    ) -> tuple[int, tuple[int, int, int, int, int, int]]:
        """The ZIP64 end record, which has to lie right before its locator and to agree with the old one."""
        locator_at = end - _END_64_LOCATOR.size
        _, disk, offset, disks = _END_64_LOCATOR.unpack(self._read(locator_at, _END_64_LOCATOR.size))
        if disk or disks != 1 or offset + _END_64.size != locator_at:
            self._refuse("zip64", "the ZIP64 end record does not lie right before its locator")
        record = _END_64.unpack(self._read(offset, _END_64.size))
        # APPNOTE 4.3.14.1: the size leaves out the first 12 bytes; 44 means there is no extensible data.
        if record[0] != b"PK\x06\x06" or record[1] != _END_64.size - 12:
            self._refuse("zip64", "the ZIP64 end record has not the size 44")
        full = (_FULL_16, _FULL_16, _FULL_16, _FULL_16, _FULL_32, _FULL_32)
        wide = record[4:]
        if any(old not in (new, limit) for old, new, limit in zip(fields, wide, full, strict=True)):
            self._refuse("zip64", "its two end records contradict each other")
        return offset, wide

    # -- the central directory: APPNOTE 4.3.12

    def _directory(self, start: int, size_bytes: int, count: int) -> list[_Entry]:
        data = self._read(start, size_bytes)
        entries: list[_Entry] = []
        at = 0
        while at < size_bytes:
            if len(entries) >= count or at + _ENTRY.size > size_bytes:
                self._refuse("directory", "the central directory has more bytes than entries")
            at = self._entry(data, at, entries)
        if len(entries) != count:
            self._refuse("directory", "the central directory has another number of entries than announced")
        return entries

    def _entry(self, data: bytes, at: int, entries: list[_Entry]) -> int:
        (signature, _, _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes, comment_bytes,
         disk, _, _, offset) = _ENTRY.unpack_from(data, at)  # fmt: skip
        name_at = at + _ENTRY.size
        extra_at = name_at + name_bytes
        end = int(extra_at + extra_bytes + comment_bytes)
        if signature != b"PK\x01\x02" or end > len(data):
            self._refuse("directory", "the central directory is damaged")
        if comment_bytes:
            self._judge("comment", "a member has a comment")
        raw_name = data[name_at:extra_at]
        if extra_bytes:
            extra = self._extra(data[extra_at : extra_at + extra_bytes], raw_name)
            wide = _Wide(extra.get(_ZIP64, b""))
            size, packed, offset = wide.take(size), wide.take(packed), wide.take(offset)
            if wide.missing:
                self._refuse("zip64", "a member's ZIP64 sizes are cut off")
        if disk not in (0, _FULL_16):
            self._refuse("disks", "it is one part of a split archive")
        self._check_method(flags, method)
        entries.append(_Entry(raw_name, flags, method, crc, packed, size, offset + self._shift))
        return end

    def _check_method(self, flags: int, method: int) -> None:
        if method not in (STORED, DEFLATED):
            self._refuse("method", f"a member is compressed by method {method}; only stored and deflated are read")
        if flags & _FLAG_ENCRYPTED:
            self._refuse("encrypted", "a member is encrypted")
        if flags & _FLAG_DESCRIPTOR:
            self._judge("descriptor", "a member has a data descriptor (it was written as a stream)")
        if flags & ~(_FLAG_DEFLATE_OPTION | _FLAG_DESCRIPTOR | _FLAG_UTF8):
            self._judge("flags", "a member has flags that are not defined for Python distributions")

    def _extra(self, data: bytes, raw_name: bytes) -> dict[int, bytes]:
        """The extra fields by id: APPNOTE 4.5. Those that change sizes or names may come once only."""
        fields: dict[int, bytes] = {}
        at = 0
        while at < len(data):
            if at + _EXTRA.size > len(data):
                self._judge("extra", "a member's extra field is cut off")
                break
            kind, size_bytes = _EXTRA.unpack_from(data, at)
            value = data[at + _EXTRA.size : at + _EXTRA.size + size_bytes]
            if len(value) != size_bytes:
                self._judge("extra", "a member's extra field is cut off")
                break
            if kind in (_ZIP64, _UNICODE_PATH) and kind in fields:
                self._refuse("extra", "a member has two extra fields of one kind")
            # 4.6.9: version, CRC-32 of the plain name, then the name that some readers would take instead.
            if kind == _UNICODE_PATH and value[5:] != raw_name:
                self._refuse("extra", "a member has a second, different name in an extra field")
            fields[kind] = value
            at += _EXTRA.size + size_bytes
        return fields

    # -- the local headers: APPNOTE 4.3.7

    def _compared(self, entries: list[_Entry], directory_start: int) -> dict[str, Member]:
        """The members, once each local header says what the directory says, and no byte lies between."""
        entries.sort(key=lambda entry: entry.offset, reverse=True)
        members: dict[str, Member] = {}
        end = 0
        while entries:  # Taken from the list one by one, so that there are never two copies of all.
            entry = entries.pop()
            name = self._name(entry)
            if name in members:
                self._refuse("duplicate", f"{quoted(name)} is in it twice")
            if entry.offset < end:
                self._refuse("overlap", "members lie on top of each other")
            if entry.offset > end and not entry.flags & _FLAG_DESCRIPTOR:
                self._judge("surrounded", "bytes lie before or between its members")
            data_offset = self._data_offset(entry)
            end = data_offset + entry.packed_bytes
            if end > directory_start:
                self._refuse("overlap", "a member reaches into the central directory")
            members[name] = Member(name, data_offset, entry.packed_bytes, entry.size_bytes, entry.crc, entry.method)
        if end != directory_start:
            self._judge("surrounded", "bytes lie between its last member and its directory")
        return members

    def _name(self, entry: _Entry) -> str:
        try:
            name = entry.raw_name.decode("ascii" if not entry.flags & _FLAG_UTF8 else "utf-8")
        except UnicodeDecodeError:
            self._judge("name", f"the name {quoted(str(entry.raw_name))} is not marked as, or not, UTF-8")
            name = entry.raw_name.decode("utf-8", "replace")
        if any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in name):
            self._refuse("name", f"the name {quoted(name)} has unprintable characters")
        require_safe_path(name.removesuffix("/"))
        if name.endswith("/") and entry.size_bytes:
            self._refuse("directory-entry", f"the directory {quoted(name)} has contents")
        return name

    def _data_offset(self, entry: _Entry) -> int:
        header = self._read(entry.offset, _LOCAL.size)
        (signature, _, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes) = _LOCAL.unpack(header)
        if signature != b"PK\x03\x04":
            self._refuse("local-header", f"{quoted(str(entry.raw_name))} has no local header")
        rest = self._file.read(name_bytes + extra_bytes)
        if extra_bytes:
            extra = self._extra(rest[name_bytes:], rest[:name_bytes])
            wide = _Wide(extra.get(_ZIP64, b""))
            size, packed = wide.take(size), wide.take(packed)
        said = (rest[:name_bytes], flags, method)
        if said != (entry.raw_name, entry.flags, entry.method):
            self._refuse("local-header", f"{quoted(str(entry.raw_name))} has a local header that contradicts it")
        # 4.4.4: with a data descriptor the local sizes are zero, and the directory alone says them.
        if not flags & _FLAG_DESCRIPTOR and (crc, packed, size) != (
            entry.crc,
            entry.packed_bytes,
            entry.size_bytes,
        ):
            self._refuse("local-header", f"{quoted(str(entry.raw_name))} has other sizes in its local header")
        return entry.offset + _LOCAL.size + int(name_bytes) + int(extra_bytes)


class _Wide:
    """The 64-bit values of a ZIP64 extra field, taken in order by the 32-bit ones that are full (4.5.3)."""

    __slots__ = ("_at", "_data", "missing")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self.missing = data, 0, False

    def take(self, narrow: int) -> int:
        if narrow != _FULL_32:
            return narrow
        value = self._data[self._at : self._at + 8]
        self._at += 8
        self.missing = self.missing or len(value) != 8
        return int.from_bytes(value, "little")
