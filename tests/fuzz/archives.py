"""Coverage-guided fuzzing of everything that reads an uploaded file: ``python -m tests.fuzz.archives``.

Sound wheels and sdists, metadata and file names, changed in every way that reaches new code. Anything but a value
or `Refused` ends the run. For a long one: ``python -m tests.fuzz.archives --seconds 3600 --keep crashes``.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import atheris

with atheris.instrument_imports(include=["affineur.core"]):
    from affineur.core.decision import Refused
    from affineur.core.distributions.acceptance import IMPORTED, UPLOADED
    from affineur.core.distributions.distribution import inspect
    from affineur.core.distributions.filenames import parse_filename, parse_filename_leniently
    from affineur.core.distributions.metadata import check_metadata

from tests.core.distributions import (
    core_metadata,
    sdist_filename,
    sdist_members,
    tarred,
    wheel,
    wheel_filename,
    wheel_members,
    zipped,
)
from tests.fuzz.campaign import run

WHEEL, SDIST, PACKED_SDIST, METADATA, FILENAME = range(5)
_BLOCK_BYTES = 512


def seeds() -> list[bytes]:
    """Sound inputs to start from. The first byte says what the rest is."""
    fields = [
        ("Requires-Dist", "a>=1; python_version < '3.9'"),
        ("Project-URL", "Home, https://example.org/"),
        ("License-Expression", "MIT OR (Apache-2.0 AND LicenseRef-x)"),
        ("Import-Name", "foo; private"),
        ("Author-email", "A <a@example.org>"),
        ("Description-Content-Type", "text/markdown; variant=GFM"),
    ]
    metadata = core_metadata(fields=fields, metadata_version="2.6", description="# Foo\n")
    entry_points = {"foo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nfoo = foo:main\n"}
    plain = tarred(sdist_members(metadata=metadata))
    inputs = [
        (WHEEL, zipped(wheel_members(metadata=metadata, extra=entry_points), compression=0)),
        (WHEEL, wheel(files={})),
        (SDIST, plain),
        (PACKED_SDIST, gzip.compress(plain, mtime=0)),
        (METADATA, metadata),
        (FILENAME, wheel_filename().encode()),
        (FILENAME, sdist_filename().encode()),
    ]
    return [bytes([kind, 0]) + data for kind, data in inputs]


def read(data: bytes) -> None:
    """Take one input through the reader that its first byte names; the second says how strictly."""
    if len(data) < 2:
        return
    kind, rules, rest = data[0] % 5, (UPLOADED, IMPORTED)[data[1] % 2], data[2:]
    try:
        if kind == WHEEL:
            inspect(io.BytesIO(_with_checksums(rest)), wheel_filename(), rules)
        elif kind == SDIST:
            inspect(io.BytesIO(gzip.compress(_with_header_sums(rest), 0)), sdist_filename(), rules)
        elif kind == PACKED_SDIST:
            inspect(io.BytesIO(rest), sdist_filename(), rules)
        elif kind == METADATA:
            check_metadata(rest, rules)
        else:
            text = rest.decode("utf-8", "replace")
            (parse_filename, parse_filename_leniently)[data[1] % 2](text)
    except Refused as refused:
        if not refused.decision.sentence.isprintable():
            raise AssertionError("a refusal would break the reason phrase it travels in") from None


def _with_checksums(data: bytes) -> bytes:
    """Stored members with the CRC-32 that belongs to them: the fuzzer would never guess it."""
    changed = bytearray(data)
    sums: dict[int, int] = {}
    at = data.find(b"PK\x03\x04")
    while 0 <= at <= len(data) - 30:
        (method,) = struct.unpack_from("<H", data, at + 8)
        (packed,) = struct.unpack_from("<L", data, at + 18)
        name, extra = struct.unpack_from("<2H", data, at + 26)
        start = at + 30 + name + extra
        if method == 0 and start + packed <= len(data):
            sums[at] = zlib.crc32(data[start : start + packed])
            struct.pack_into("<L", changed, at + 14, sums[at])
        at = data.find(b"PK\x03\x04", at + 4)
    at = data.find(b"PK\x01\x02")
    while 0 <= at <= len(data) - 46:
        local = struct.unpack_from("<L", data, at + 42)[0]
        if local in sums:
            struct.pack_into("<L", changed, at + 16, sums[local])
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(changed)


def _with_header_sums(data: bytes) -> bytes:
    """Blocks that look like tar headers with the checksum that belongs to them."""
    changed = bytearray(data)
    for at in range(0, len(data) - _BLOCK_BYTES + 1, _BLOCK_BYTES):
        if data[at + 257 : at + 262] == b"ustar":
            changed[at + 148 : at + 156] = b"        "
            changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + _BLOCK_BYTES])
    return bytes(changed)


if __name__ == "__main__":
    run("tests.fuzz.archives", seeds, read)
