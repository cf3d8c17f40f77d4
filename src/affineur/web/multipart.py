"""A form arriving: fields into memory (bounded), the file onto the disk, digests on the way.

Parsing is python-multipart's. Memory does not grow with the file: chunks are written and hashed a mebibyte at a
time, off the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from affineur.core.decision import Decision, Refused, deny, refuse

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAXIMUM_FIELDS = 10_000
"""A release may name a few thousand dependencies and classifiers, one field each."""
MAXIMUM_FIELDS_BYTES = 8 * 1024 * 1024
"""All fields together; the description is the largest one."""
MAXIMUM_HEADER_BYTES = 16 * 1024
_BATCH_BYTES = 1024 * 1024


FileLimit = Callable[[list[tuple[str, str]]], tuple[int, Decision]]
"""From the fields that came before the file to its largest size in bytes, and what to say beyond that."""


@dataclass(slots=True)
class Arrived:
    """A form that has arrived whole. ``path`` is None where it brought no file."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    path: Path | None = None
    filename: str | None = None
    content_type: str | None = None
    size_bytes: int = 0
    sha256: str = ""
    blake2b_256: str = ""
    md5: str = ""

    def discard(self) -> None:
        """Delete the spooled file, if it is still there."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


async def receive_form(
    stream: AsyncIterator[bytes], content_type: str, spool: Path, file_field: str, limit_of: FileLimit
) -> Arrived:
    """Read a ``multipart/form-data`` body; the part named ``file_field`` is spooled below ``spool``.

    `Refused` for what is no such form, for a file larger than ``limit_of`` says, and for fields beyond the
    limits above. Nothing stays on the disk where this raises, whatever the cause.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        refuse(
            "form.encoding",
            "The request is not multipart/form-data.",
            "Upload with twine, uv publish or another client that speaks the legacy upload API.",
        )
    arriving = _Arriving(spool, file_field, limit_of)
    try:
        parser = MultipartParser(boundary, arriving.callbacks())
        async for chunk in stream:
            parser.write(chunk)
            arriving.require_sound()
            if arriving.waiting_bytes >= _BATCH_BYTES:
                await asyncio.to_thread(arriving.flush)
        parser.finalize()
        if not arriving.ended:
            refuse("form.incomplete", "The form ended before its last boundary.", "Upload the file again.")
        if arriving.waiting_bytes >= _BATCH_BYTES // 4:
            await asyncio.to_thread(arriving.flush)
        return arriving.finish()
    except MultipartParseError as error:
        arriving.abandon()
        raise Refused(deny("form.syntax", f"The form cannot be read: {error}.", "Upload the file again.")) from error
    except BaseException:  # a client that went away included
        arriving.abandon()
        raise


class _Arriving:
    """The parser's callbacks and what they have gathered so far."""

    def __init__(self, spool: Path, file_field: str, limit_of: FileLimit) -> None:
        self.form = Arrived()
        self.ended = False
        self.waiting_bytes = 0
        self._spool = spool
        self._file_field = file_field
        self._limit_of = limit_of
        self._limit_bytes: int | None = None
        self._too_large: Decision | None = None
        self._fault: Decision | None = None
        self._waiting: list[bytes] = []
        self._file: BinaryIO | None = None
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._blake2b = hashlib.blake2b(digest_size=32)
        self._fields_bytes = 0
        self._name = self._value = self._header_name = self._header_value = b""
        self._disposition = self._part_type = b""
        self._in_file = False

    def callbacks(self) -> MultipartCallbacks:
        """For `MultipartParser`."""
        return {
            "on_part_begin": self._part_begin,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value_part,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_end": self._end,
        }

    def require_sound(self) -> None:
        """Raise what a callback found; the parser must not see exceptions."""
        if self._fault is not None:
            raise Refused(self._fault)

    def flush(self) -> None:
        """Write and hash what is waiting. Runs outside the event loop."""
        if not self._waiting or self._file is None:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        self.waiting_bytes = 0
        left = memoryview(data)
        while left:  # a disk that is nearly full takes a part first, and says so only when asked again
            left = left[self._file.write(left) :]
        for digest in (self._sha256, self._blake2b, self._md5):
            digest.update(data)

    def finish(self) -> Arrived:
        """Close the spooled file and note its digests."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self.form.sha256 = self._sha256.hexdigest()
            self.form.blake2b_256 = self._blake2b.hexdigest()
            self.form.md5 = self._md5.hexdigest()
        return self.form

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
        self.form.discard()

    def _part_begin(self) -> None:
        self._disposition = self._part_type = self._value = b""
        self._header_name = self._header_value = b""
        self._in_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._limit_header()

    def _header_value_part(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._limit_header()

    def _limit_header(self) -> None:
        if len(self._header_name) + len(self._header_value) > MAXIMUM_HEADER_BYTES:
            self._fault = deny("form.header", "A part's header is too long.", "Upload with a current client.")

    def _header_end(self) -> None:
        name = self._header_name.lower()
        if name == b"content-disposition":
            self._disposition = self._header_value
        elif name == b"content-type":
            self._part_type = self._header_value
        self._header_name = self._header_value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"")
        filename = options.get(b"filename")
        if self._name.decode("utf-8", "replace") != self._file_field or filename is None:
            return
        if self._file is not None:
            self._fault = deny("form.files", "The form brings more than one file.", "Upload one file at a time.")
            return
        self._in_file = True
        self.form.filename = filename.decode("utf-8", "replace")
        self.form.content_type = self._part_type.decode("latin-1") or None
        self.form.path = self._spool / f"{os.getpid()}-{secrets.token_hex(8)}"
        self._file = open(self.form.path, "wb", buffering=0)  # noqa: SIM115 (closed by finish or abandon)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._fault is not None:
            return
        if self._in_file:
            self.form.size_bytes += end - start
            if self.form.size_bytes > _BATCH_BYTES and self._limit_bytes is None:
                # Asking costs a look into the database: small files are judged once they are here.
                self._limit_bytes, self._too_large = self._limit_of(self.form.fields)
            if self._limit_bytes is not None and self.form.size_bytes > self._limit_bytes:
                self._fault = self._too_large
                return
            self._waiting.append(data[start:end])
            self.waiting_bytes += end - start
            return
        self._fields_bytes += end - start
        if self._fields_bytes > MAXIMUM_FIELDS_BYTES:
            limit = MAXIMUM_FIELDS_BYTES // (1024 * 1024)
            self._fault = deny(
                "form.size", f"The form's fields are larger than {limit} MiB.", "Shorten the description."
            )
            return
        self._value += data[start:end]

    def _part_end(self) -> None:
        if self._in_file or self._fault is not None:
            return
        if len(self.form.fields) >= MAXIMUM_FIELDS:
            self._fault = deny("form.fields", f"The form has more than {MAXIMUM_FIELDS:,} fields.", "Send fewer.")
            return
        # NUL cannot be stored by every database and means nothing in any field.
        value = self._value.decode("utf-8", "replace").replace("\0", "\\x00")
        self.form.fields.append((self._name.decode("utf-8", "replace"), value))

    def _end(self) -> None:
        self.ended = True
