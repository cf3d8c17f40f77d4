"""Distributions: what a wheel or an sdist says about itself, once all of it agrees.

Here lives `inspect`, which takes a file through every check that needs nothing but the file: its name, its
archive, its metadata, and that the three tell the same. What the single checks are is in `filenames`,
`archive_zip`, `archive_tar`, `wheel`, `sdist` and `metadata`; how strictly they are meant in `acceptance`.

What does not live here: digests of the whole file (taken while it arrives), whether it may be published
(`policy`, `access`), and whether a form agrees with it (`upload_form`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from ..decision import Decision, refuse
from ..names import NormalizedName, escape_for_filename
from ..versions import order_key
from .acceptance import UPLOADED, Findings, Rules, quoted
from .filenames import SdistName, WheelName, read_filename, unsupported_platform_tag
from .metadata import CoreMetadata, check_metadata, resolver_fields_are_static
from .sdist import read_sdist
from .wheel import open_wheel

_SMALL_BYTES = 256 * 1024
"""Below this a file is read at once: a system call for each piece would cost more than the checks."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A file that was read through and taken.

    ``metadata_bytes`` are METADATA or PKG-INFO byte for byte, as they are served at ``….metadata`` where
    ``serves_metadata``. ``findings`` are the objections that were reported instead of refused.
    """

    filename: WheelName | SdistName
    metadata: CoreMetadata
    metadata_bytes: bytes
    findings: tuple[Decision, ...]
    serves_metadata: bool
    has_signature: bool


def inspect(
    file: BinaryIO, filename: str, rules: Rules = UPLOADED, project: NormalizedName | None = None
) -> Distribution:
    """Check everything that can be said of ``file`` (seekable, of any size) by itself.

    ``project`` is the project it is known to belong to, where that is known (importing). Memory is O(number
    of members) and never O(bytes); time is one pass over the contents. `Refused` with ``filename.…``,
    ``name.format``, ``version.format``, ``archive.…``, ``wheel.…``, ``sdist.…``, ``metadata.…`` or
    ``distribution.…``; whatever the bytes are, nothing else is raised but what ``file`` itself raises.
    """
    findings = Findings()
    name = read_filename(filename, rules, project)
    if file.seek(0, 2) <= _SMALL_BYTES:
        file.seek(0)
        file = io.BytesIO(file.read(_SMALL_BYTES))
    if isinstance(name, WheelName):
        return _inspect_wheel(file, name, rules, findings)
    return _inspect_sdist(file, name, rules, findings)


def _inspect_wheel(file: BinaryIO, name: WheelName, rules: Rules, findings: Findings) -> Distribution:
    _check_platform(name, rules, findings)
    wheel = open_wheel(file, name, rules, findings)
    metadata = check_metadata(wheel.metadata_bytes, rules, findings)
    _require_agreement(name, metadata, "METADATA", rules, findings)
    for path in metadata.license_files:
        if not wheel.has_license_file(path):
            _judge_license_file(path, f".dist-info/licenses/{path}", rules, findings)
    wheel.verify()
    return Distribution(
        filename=name,
        metadata=metadata,
        metadata_bytes=wheel.metadata_bytes,
        findings=findings.noted,
        serves_metadata=True,
        has_signature=wheel.has_signature,
    )


def _inspect_sdist(file: BinaryIO, name: SdistName, rules: Rules, findings: Findings) -> Distribution:
    sdist = read_sdist(file, name, rules, findings)
    metadata = check_metadata(sdist.metadata_bytes, rules, findings)
    _require_agreement(name, metadata, "PKG-INFO", rules, findings)
    for path in metadata.license_files:
        if not sdist.has_license_file(path):
            _judge_license_file(path, path, rules, findings)
    return Distribution(
        filename=name,
        metadata=metadata,
        metadata_bytes=sdist.metadata_bytes,
        findings=findings.noted,
        serves_metadata=resolver_fields_are_static(metadata),
        has_signature=False,
    )


def _check_platform(name: WheelName, rules: Rules, findings: Findings) -> None:
    tag = unsupported_platform_tag(name)
    if tag is None:
        return
    findings.judge(
        rules.platform,
        "filename.platform",
        f"Binary wheel {quoted(name.filename)} has an unsupported platform tag {quoted(tag)}.",
        "Build it for a portable tag (cibuildwheel and auditwheel do, for example manylinux_2_28_x86_64).",
        tag=tag,
    )


def _require_agreement(
    name: WheelName | SdistName, metadata: CoreMetadata, source: str, rules: Rules, findings: Findings
) -> None:
    """The file name and the metadata must name one project and one version."""
    if metadata.normalized_name != name.name:
        refuse(
            "distribution.name",
            f"Filename {quoted(name.filename)} should contain the normalized project name "
            f"{quoted(escape_for_filename(metadata.normalized_name))} (from {source}), "
            f"not {quoted(escape_for_filename(name.name))}.",
            "Don't rename files; build it again under the name it shall have.",
        )
    if metadata.version == name.version:
        return
    given, stated = quoted(name.version), quoted(metadata.version)
    reason = f"Version in filename should be {stated} (from {source}) not {given}."
    way_out = "Don't rename files; build it again with the version it shall have."
    if order_key(metadata.version) != name.parsed_version:
        refuse("distribution.version", reason, way_out)
    # 1.0 and 1.0.0 are one version in two spellings; a release has one.
    findings.judge(rules.filename, "distribution.version", reason, way_out)


def _judge_license_file(path: str, expected: str, rules: Rules, findings: Findings) -> None:
    findings.judge(
        rules.metadata,
        "metadata.license-file",
        f"License-File {quoted(path)} does not exist in the distribution, at {quoted(expected, 120)}.",
        "Include it, or remove it from the licence files in the project's configuration.",
    )
