"""Wheels and sdists made in memory: sound ones, and ones broken in a chosen place.

Test support, not tests. `wheel` and `sdist` give the bytes of a file that every check accepts; their
arguments change one thing at a time. Bytes are the same for the same arguments.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import warnings
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping

_WHEN = (2020, 2, 2, 0, 0, 0)


def core_metadata(
    name: str = "foo",
    version: str = "1.0",
    fields: Iterable[tuple[str, str]] = (),
    metadata_version: str = "2.4",
    description: str = "",
) -> bytes:
    """METADATA or PKG-INFO with ``fields`` (heading and value) after the three that must be there."""
    lines = [("Metadata-Version", metadata_version), ("Name", name), ("Version", version), *fields]
    return ("".join(f"{heading}: {value}\n" for heading, value in lines) + "\n" + description).encode()


def record_line(path: str, data: bytes, algorithm: str = "sha256") -> str:
    """A line of RECORD for a member."""
    digest = urlsafe_b64encode(hashlib.new(algorithm, data).digest()).rstrip(b"=").decode()
    return f"{path},{algorithm}={digest},{len(data)}\n"


def wheel_members(
    name: str = "foo",
    version: str = "1.0",
    *,
    files: Mapping[str, bytes] | None = None,
    metadata: bytes | None = None,
    wheel_file: bytes = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    record: bytes | None = None,
    dist_info: str | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The members of a wheel by path. RECORD lists ``files`` and ``extra``; ``extra`` is added last."""
    escaped = name.replace("-", "_").replace(".", "_").lower()
    where = dist_info or f"{escaped}-{version}.dist-info"
    members = dict(files if files is not None else {f"{escaped}/__init__.py": b"answer = 42\n"})
    members[f"{where}/METADATA"] = core_metadata(name, version) if metadata is None else metadata
    members[f"{where}/WHEEL"] = wheel_file
    members.update(extra or {})
    if record is None:
        lines = [record_line(path, data) for path, data in members.items() if not path.endswith("/")]
        record = ("".join(lines) + f"{where}/RECORD,,\n").encode()
    members[f"{where}/RECORD"] = record
    return members


def zipped(members: Mapping[str, bytes] | Iterable[tuple[str, bytes]], compression: int = 8) -> bytes:
    """A ZIP archive of ``members`` in order; pairs may repeat a name."""
    out = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A name that comes twice is what some tests are after.
        for path, data in pairs:
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.compress_type = compression
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def wheel(name: str = "foo", version: str = "1.0", **changes: object) -> bytes:
    """A wheel that passes every check, but for what ``changes`` (see `wheel_members`) say."""
    return zipped(wheel_members(name, version, **changes))  # type: ignore[arg-type]


def wheel_filename(name: str = "foo", version: str = "1.0", tags: str = "py3-none-any") -> str:
    """The file name that goes with `wheel`."""
    return f"{name.replace('-', '_').replace('.', '_').lower()}-{version}-{tags}.whl"


def tarred(members: Iterable[tuple[str | tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive, not compressed, of files by path or of members given as `tarfile.TarInfo`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for given, data in members:
            member = tarfile.TarInfo(given) if isinstance(given, str) else given
            if isinstance(given, str):
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def gzipped(data: bytes) -> bytes:
    """``data`` as a gzip file without a time."""
    return gzip.compress(data, 6, mtime=0)


def sdist_members(
    name: str = "foo",
    version: str = "1.0",
    *,
    files: Mapping[str, bytes] | None = None,
    metadata: bytes | None = None,
    top: str | None = None,
) -> list[tuple[str | tarfile.TarInfo, bytes]]:
    """The members of an sdist: PKG-INFO, pyproject.toml and ``files`` (paths below the top directory)."""
    root = top or f"{name.replace('-', '_').replace('.', '_').lower()}-{version}"
    inside = {
        "PKG-INFO": core_metadata(name, version) if metadata is None else metadata,
        "pyproject.toml": b'[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n',
        **(files if files is not None else {"foo.py": b"answer = 42\n"}),
    }
    return [(f"{root}/{path}", data) for path, data in inside.items()]


def sdist(name: str = "foo", version: str = "1.0", **changes: object) -> bytes:
    """An sdist that passes every check, but for what ``changes`` (see `sdist_members`) say."""
    return gzipped(tarred(sdist_members(name, version, **changes)))  # type: ignore[arg-type]


def sdist_filename(name: str = "foo", version: str = "1.0") -> str:
    """The file name that goes with `sdist`."""
    return f"{name.replace('-', '_').replace('.', '_').lower()}-{version}.tar.gz"
