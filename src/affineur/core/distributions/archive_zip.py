"""ZIP archives, read from a hostile stream in bounded pieces.

What does not live here: the framing (`zip_framing`), and what the members mean (`wheel`, `sdist`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from ..decision import refuse
from .acceptance import Findings, Rules, quoted
from .zip_framing import REBUILD, STORED, Member, read_framing

CHUNK_BYTES = 256 * 1024
"""Read at a time; at most four times as much is unpacked at a time."""


class ZipArchive:
    """An archive whose framing has been checked. ``members`` are in the order in which they lie in it."""

    __slots__ = ("_file", "members")

    def __init__(self, file: BinaryIO, members: dict[str, Member]) -> None:
        self._file = file
        self.members = members

    def read(self, name: str, maximum_bytes: int) -> bytes:
        """The whole contents of one member; `Refused` (``archive.size``) above ``maximum_bytes``."""
        member = self.members[name]
        if member.size_bytes > maximum_bytes:
            refuse(
                "archive.size",
                f"Invalid distribution file. {quoted(name)} has {member.size_bytes} bytes; "
                f"at most {maximum_bytes} are read.",
                size_bytes=member.size_bytes,
            )
        return b"".join(self.chunks(member))

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The contents of a member in pieces of at most 1 MiB.

        `Refused` (``archive.zip.contents``) as soon as they turn out longer than announced, and at the end
        where they are shorter or their CRC-32 is another one.
        """
        pieces = _stored(self._file, member) if member.method == STORED else _inflated(self._file, member)
        size_bytes = crc = 0
        for piece in pieces:
            size_bytes += len(piece)
            if size_bytes > member.size_bytes:
                _refuse_contents(member, "it is longer than the directory says")
            crc = zlib.crc32(piece, crc)
            yield piece
        if size_bytes != member.size_bytes:
            _refuse_contents(member, "it is shorter than the directory says")
        if crc != member.crc:
            _refuse_contents(member, "its checksum is wrong")


def _refuse_contents(member: Member, why: str) -> NoReturn:
    refuse(
        "archive.zip.contents",
        f"Invalid distribution file. Member {quoted(member.name)} is damaged: {why}.",
        REBUILD,
    )


def _packed(file: BinaryIO, member: Member) -> Iterator[bytes]:
    file.seek(member.data_offset)
    remaining = member.packed_bytes
    while remaining:
        piece = file.read(min(CHUNK_BYTES, remaining))
        if not piece:
            _refuse_contents(member, "the file ends within it")
        remaining -= len(piece)
        yield piece


def _stored(file: BinaryIO, member: Member) -> Iterator[bytes]:
    return _packed(file, member)


def _inflated(file: BinaryIO, member: Member) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-15)
    for piece in _packed(file, member):
        packed = piece
        if inflater.eof:
            _refuse_contents(member, "bytes follow its compressed data")
        while packed:
            try:
                unpacked = inflater.decompress(packed, 4 * CHUNK_BYTES)
            except zlib.error:
                _refuse_contents(member, "it can't be decompressed")
            if unpacked:
                yield unpacked
            packed = inflater.unconsumed_tail
        if inflater.unused_data:
            _refuse_contents(member, "bytes follow its compressed data")
    while not inflater.eof:  # What the window still holds once all the input is in.
        try:
            unpacked = inflater.decompress(b"", 4 * CHUNK_BYTES)
        except zlib.error:
            unpacked = b""
        if not unpacked:
            break
        yield unpacked
    if not inflater.eof:
        _refuse_contents(member, "its compressed data is cut off")


def open_zip(file: BinaryIO, rules: Rules, findings: Findings) -> ZipArchive:
    """Check the framing of the archive in ``file`` and give access to its members; `Refused` as there."""
    return ZipArchive(file, read_framing(file, rules, findings))
