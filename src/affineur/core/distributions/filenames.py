"""File names: what the name of a wheel or an sdist says, and whether it says it in the one right way.

Two readers give the same types. `parse_filename` is for what is published now and takes exactly one
spelling; `parse_filename_leniently` is for files that older indexes took, whose names clients still follow.

What does not live here: whether the archive agrees with its name (`distribution`), and whether the name was
used before (the store knows).
Sources: PEP 427 and PyPA "Binary distribution format"; PEP 625 and "Source distribution format"; PEP 425
(tags); PEP 527 and 715 (the two kinds that are left); PEP 825 for what a sixth part may become.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Literal, NoReturn

from packaging.version import InvalidVersion, Version

from ..decision import Refused, refuse
from ..names import NormalizedName, escape_for_filename, parse_name
from ..versions import CanonicalVersion, canonical, order_key, parse_version
from .acceptance import Rules, quoted
from .platforms import is_portable

Kind = Literal["bdist_wheel", "sdist"]

MAXIMUM_LENGTH = 240
"""Characters, all ASCII. File systems stop at 255 bytes, and ``.metadata`` or ``.provenance`` is added."""

_CHARACTERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z", re.ASCII)
_TAGS = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*\Z", re.ASCII)
_BUILD = re.compile(r"[0-9][A-Za-z0-9_.]*\Z", re.ASCII)
_WHEEL_SHAPE = "{name}-{version}(-{build})-{python}-{abi}-{platform}.whl"


@dataclass(frozen=True, slots=True)
class WheelName:
    """What a wheel's file name says. Tags keep the order in which they stand."""

    filename: str
    name: NormalizedName
    version: CanonicalVersion
    build: str
    python_tags: tuple[str, ...]
    abi_tags: tuple[str, ...]
    platform_tags: tuple[str, ...]

    kind: ClassVar[Kind] = "bdist_wheel"

    @property
    def python_version(self) -> str:
        """The Python tags as the file's record keeps them: ``py3``, ``py2.py3``, ``cp311``."""
        return ".".join(self.python_tags)

    @property
    def parsed_version(self) -> Version:
        """The version, comparable."""
        return order_key(self.version)


@dataclass(frozen=True, slots=True)
class SdistName:
    """What an sdist's file name says."""

    filename: str
    name: NormalizedName
    version: CanonicalVersion

    kind: ClassVar[Kind] = "sdist"
    python_version: ClassVar[str] = "source"

    @property
    def parsed_version(self) -> Version:
        """The version, comparable."""
        return order_key(self.version)


def parse_filename(filename: str) -> WheelName | SdistName:
    """Read the name of a file that is published now.

    `Refused` with ``filename.characters``, ``filename.kind``, ``filename.format``, ``filename.name`` or
    ``filename.version``; also ``name.format`` and ``version.format`` for what stands in the parts.
    """
    _require_plain_characters(filename)
    if filename.endswith(".whl"):
        return _strict_wheel(filename)
    if not filename.endswith((".tar.gz", ".zip")):
        _refuse_kind(filename)
    return _strict_sdist(filename)


def parse_filename_leniently(filename: str, project: NormalizedName | None = None) -> WheelName | SdistName:
    """Read the name of a file that an older index took: any case, dots in names, ``.zip`` sdists.

    ``project``, where it is known, settles ``foo-1.0-1.tar.gz``, which may be ``foo`` 1.0.post1 or
    ``foo-1.0`` 1. `Refused` with ``filename.characters``, ``filename.kind`` or ``filename.format``.
    """
    _require_plain_characters(filename)
    if filename.lower().endswith(".whl"):
        return _lenient_wheel(filename)
    extension = next((end for end in (".tar.gz", ".zip") if filename.lower().endswith(end)), None)
    if extension is None:
        _refuse_kind(filename)
    return _lenient_sdist(filename, filename[: -len(extension)], project)


def read_filename(filename: str, rules: Rules, project: NormalizedName | None = None) -> WheelName | SdistName:
    """`parse_filename` or `parse_filename_leniently`, as ``rules.filename`` says."""
    if rules.filename == "refuse":
        return parse_filename(filename)
    return parse_filename_leniently(filename, project)


def unsupported_platform_tag(name: WheelName) -> str | None:
    """The first platform tag of the wheel that is not portable, if there is one (§ `platforms`)."""
    return next((tag for tag in name.platform_tags if not is_portable(tag)), None)


def _require_plain_characters(filename: str) -> None:
    """Names become path components and URL segments: no separator, control character or leading dot."""
    if not filename or len(filename) > MAXIMUM_LENGTH:
        refuse(
            "filename.length",
            f"Filename {quoted(filename)} must have 1 to {MAXIMUM_LENGTH} characters.",
            "Shorten the project's name or its version.",
            length=len(filename),
        )
    if not _CHARACTERS.match(filename):
        refuse(
            "filename.characters",
            f"Filename {quoted(filename)} contains characters that are not allowed.",
            "Start with a letter or digit and use only ASCII letters, digits and the characters . _ + ! -",
        )


def _refuse_kind(filename: str) -> NoReturn:
    refuse(
        "filename.kind",
        f"Invalid file extension: {quoted(filename)} is neither a wheel (.whl) nor an sdist (.tar.gz).",
        "Build the project with `python -m build` and publish what it puts into dist/.",
    )


def _strict_wheel(filename: str) -> WheelName:
    parts = _wheel_parts(filename)
    name, version = parse_name(parts[0]), canonical(parse_version(parts[1]))
    if parts[0] != escape_for_filename(name):
        refuse(
            "filename.name",
            f"Filename {quoted(filename)} should contain the normalized project name "
            f"{quoted(escape_for_filename(name))}, not {quoted(parts[0])}.",
            "Build the wheel with a current build backend.",
        )
    if parts[1] != version:
        refuse(
            "filename.version",
            f"Version in filename should be {quoted(version)} not {quoted(parts[1])}.",
            "Build the wheel with a current build backend.",
        )
    return _wheel_name(filename, name, version, parts)


def _lenient_wheel(filename: str) -> WheelName:
    parts = _wheel_parts(filename)
    version = _version_or_none(parts[1]) or _version_or_none(parts[1].replace("_", "-"))
    if version is None:
        refuse("filename.format", f"Filename {quoted(filename)} has no valid version.")
    return _wheel_name(filename, parse_name(parts[0]), canonical(version), parts)


def _wheel_parts(filename: str) -> list[str]:
    """The five or six parts between the hyphens.

    `packaging.utils.parse_wheel_filename` is not used: it multiplies the tag sets out, and 240 characters
    hold three sets of 36 tags, hence 46,656 combinations.
    """
    parts = filename[:-4].split("-")
    if len(parts) not in (5, 6):
        refuse(
            "filename.format",
            f"Invalid wheel filename (wrong number of parts): {quoted(filename)}.",
            f"A wheel is named {_WHEEL_SHAPE}.",
            parts=len(parts),
        )
    # PEP 427: a build tag starts with a digit. PEP 825 (draft) would put a variant label last; until it
    # is final such a file is no wheel.
    if len(parts) == 6 and not _BUILD.match(parts[2]):
        refuse(
            "filename.format",
            f"Invalid wheel filename (the build tag must start with a digit): {quoted(filename)}.",
            f"A wheel is named {_WHEEL_SHAPE}.",
        )
    if not all(_TAGS.match(tags) for tags in parts[-3:]):
        refuse(
            "filename.format",
            f"Invalid wheel filename (a tag is empty or malformed): {quoted(filename)}.",
            "Tags are letters, digits and underscores, joined by dots.",
        )
    return parts


def _wheel_name(filename: str, name: NormalizedName, version: CanonicalVersion, parts: list[str]) -> WheelName:
    python, abi, platform = (tuple(tags.split(".")) for tags in parts[-3:])
    return WheelName(filename, name, version, parts[2] if len(parts) == 6 else "", python, abi, platform)


def _strict_sdist(filename: str) -> SdistName:
    """PEP 625: exactly ``{name}-{version}.tar.gz``, the name escaped as in a wheel."""
    stem = filename.removesuffix(".zip").removesuffix(".tar.gz")
    parsed = _lenient_sdist(filename, stem, None)
    expected = f"{escape_for_filename(parsed.name)}-{parsed.version}.tar.gz"
    if filename != expected:
        refuse(
            "filename.format",
            f"Filename {quoted(filename)} is invalid, should be {quoted(expected)}.",
            "Build the sdist with a current build backend; renaming alone leaves its top directory wrong.",
        )
    return parsed


def _lenient_sdist(filename: str, stem: str, project: NormalizedName | None) -> SdistName:
    fitting = list(_splits(stem))
    if not fitting:
        refuse(
            "filename.format",
            f"Invalid sdist filename: {quoted(filename)} is not {{name}}-{{version}}.tar.gz.",
            "The version must be one that PEP 440 defines.",
        )
    name, version = next((pair for pair in fitting if pair[0] == project), fitting[0])
    return SdistName(filename, name, canonical(version))


def _splits(stem: str) -> Iterator[tuple[NormalizedName, Version]]:
    """The ways to read ``stem`` as name, hyphen, version; the shortest version first."""
    cut = stem.rfind("-")
    while cut > 0:
        version = _version_or_none(stem[cut + 1 :])
        if version is not None:
            with suppress(Refused):
                yield parse_name(stem[:cut]), version
        cut = stem.rfind("-", 0, cut)


def _version_or_none(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
