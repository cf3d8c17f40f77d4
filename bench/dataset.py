"""The projects every server is filled with: real wheels, generated, the same bytes on every machine.

What does not live here: how a server is filled with them (`contestants`), and what is asked of it (`rows`).
Source: the wheel format (PyPA "Binary distribution format", PEP 427).
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE_SMALL = "bench-small"
PAGE_LARGE = "bench-large"
FILE_20_KB = "bench-file"
FILE_10_MIB = "bench-heavy"
PAGE_SMALL_FILES = 22
"""Files of a usual project: the middle of what a resolver meets."""
PAGE_LARGE_FILES = 500
"""Files of a large project with wheels for many platforms."""
WHEEL_20_KB_BYTES = 20_000
WHEEL_10_MIB_BYTES = 10 * 1024 * 1024
WHEEL_4_KB_BYTES = 4_000

_SUMMARY = "A project of the benchmark, with a summary as long as people usually write"
_STAMP = (2026, 1, 2, 3, 4, 6)


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel in memory."""

    project: str
    version: str
    filename: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def blake2_256(self) -> str:
        """The BLAKE2b digest of 32 bytes of the content, in hex."""
        return hashlib.blake2b(self.content, digest_size=32).hexdigest()

    def form_fields(self) -> list[tuple[str, str]]:
        """What twine sends beside the file, in its order (index-upload form fields)."""
        return [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("name", self.project),
            ("version", self.version),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("metadata_version", "2.1"),
            ("summary", _SUMMARY),
            ("author", "Somebody"),
            ("license", "Apache-2.0"),
            ("description_content_type", "text/markdown"),
            ("requires_python", ">=3.9"),
            ("requires_dist", "idna>=3"),
            ("classifiers", "Programming Language :: Python :: 3"),
            ("comment", ""),
            ("sha256_digest", self.sha256),
            ("blake2_256_digest", self.blake2_256),
        ]


def make_wheel(project: str, version: str, size_bytes: int) -> Wheel:
    """A valid wheel of about ``size_bytes``. Its payload does not compress, as compiled code hardly does."""
    stem = project.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    metadata = (
        f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nSummary: {_SUMMARY}\n"
        "Author: Somebody\nLicense: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: idna>=3\n"
        "Classifier: Programming Language :: Python :: 3\nDescription-Content-Type: text/markdown\n\n"
        f"# {project}\n\nWhat this project is for, in a sentence or two.\n"
    )
    wheel = "Wheel-Version: 1.0\nGenerator: affineur-bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    overhead_bytes = 1_450 + 4 * len(stem)
    payload = random.Random(f"{project} {version}").randbytes(max(64, size_bytes - overhead_bytes))
    members = [
        (f"{stem}/__init__.py", f'__version__ = "{version}"\n'.encode()),
        (f"{stem}/data.bin", payload),
        (f"{info}/METADATA", metadata.encode()),
        (f"{info}/WHEEL", wheel.encode()),
    ]
    record = "".join(f"{name},sha256={_record_digest(data)},{len(data)}\n" for name, data in members)
    members.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    return Wheel(project, version, f"{stem}-{version}-py3-none-any.whl", _zipped(members))


def _record_digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _zipped(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def measured_wheels() -> Iterator[Wheel]:
    """The wheels behind every measured page and file."""
    for number in range(PAGE_SMALL_FILES):
        yield make_wheel(PAGE_SMALL, f"1.{number}.0", WHEEL_4_KB_BYTES)
    for number in range(PAGE_LARGE_FILES):
        yield make_wheel(PAGE_LARGE, f"{number // 50}.{number % 50}.0", WHEEL_4_KB_BYTES)
    yield file_wheel(FILE_20_KB)
    yield file_wheel(FILE_10_MIB)


def file_wheel(project: str) -> Wheel:
    """The one wheel of a project whose file is fetched."""
    return make_wheel(project, "1.0", {FILE_20_KB: WHEEL_20_KB_BYTES, FILE_10_MIB: WHEEL_10_MIB_BYTES}[project])


def filler_wheels(projects: int) -> Iterator[Wheel]:
    """One small wheel for each of ``projects`` projects: the size of the index around what is measured."""
    for number in range(projects):
        yield make_wheel(f"filler-{number:06d}", "1.0", 2_000)


def upload_wheels(count: int, label: str) -> list[Wheel]:
    """``count`` wheels of 4 kB over ``count / 5`` new projects; ``label`` keeps runs apart."""
    return [
        make_wheel(f"upload-{label}-{number // 5:05d}", f"1.{number % 5}", WHEEL_4_KB_BYTES) for number in range(count)
    ]


def write_folder(folder: Path, projects: int) -> Path:
    """The whole data set as a flat folder of wheels, made once, with ``projects`` filler projects."""
    done = folder / ".complete"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for source in (measured_wheels(), filler_wheels(projects)):
        for wheel in source:
            target = folder / wheel.filename
            target.write_bytes(wheel.content)
            os.utime(target, (1_767_323_046, 1_767_323_046))
    done.touch()
    return folder


def read_folder(folder: Path) -> Iterator[Wheel]:
    """The wheels of a folder that `write_folder` made, sorted by file name."""
    for path in sorted(folder.glob("*.whl")):
        stem, version = path.name.split("-")[:2]
        yield Wheel(stem.replace("_", "-"), version, path.name, path.read_bytes())
