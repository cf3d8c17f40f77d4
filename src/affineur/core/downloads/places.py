"""Places: which file of which release a request was for, told by its address or by the file's name.

What does not live here: whether there is such a file; logs of older servers tell of files that are long gone.
Sources: PyPA "Binary distribution format" and "Source distribution format"; the kinds of PEP 527.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from ..decision import Refused
from ..distributions.filenames import parse_filename_leniently
from ..names import is_normalized, parse_name
from ..versions import canonical, parse_version

MAXIMUM_PATH = 1024
"""Characters of an address that are read and kept."""

_KINDS = (
    (".whl", "bdist_wheel"), (".egg", "bdist_egg"), (".exe", "bdist_wininst"), (".msi", "bdist_msi"),
    (".rpm", "bdist_rpm"), (".dmg", "bdist_dmg"), (".tar.gz", "sdist"), (".zip", "sdist"), (".tgz", "sdist"),
    (".tar.bz2", "sdist"), (".tar.xz", "sdist"), (".tar.z", "sdist"),
)  # fmt: skip
_DUMB = re.compile(r"\.(linux|macosx|win|freebsd|cygwin)[-0-9a-z_.]*\Z")
# What older tools appended to name and version: `-py2.7`, `.win32-py2.7`, `.linux-x86_64`, `-1.noarch`.
_OLD = re.compile(
    r"(?P<name>.+?)-(?P<version>[0-9][^-]*?)(?:[-.](?:py[0-9]|win|linux|macosx|freebsd|cygwin|[0-9]+\.noarch).*)?\Z",
    re.IGNORECASE | re.ASCII,
)
_NAME_CHARACTERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,239}\Z", re.ASCII)


class Place(NamedTuple):
    """A file. ``project`` is normalised, ``version`` canonical where it is one (None: not known)."""

    project: str
    version: str | None
    filename: str
    type: str


def kind_of(filename: str) -> str | None:
    """What kind of distribution ``filename`` is, by its end; None for metadata, signatures and all else."""
    if filename.endswith(".whl"):  # most are
        return "bdist_wheel"
    name = filename.lower()
    for end, kind in _KINDS:
        if name.endswith(end):
            return "bdist_dumb" if kind == "sdist" and _DUMB.search(name[: -len(end)]) else kind
    return None


def of_fields(project: str, version: str, filename: str) -> Place | None:
    """The file that a line of our own log names; None for what is no distribution."""
    kind = kind_of(filename)
    if kind is None or not _NAME_CHARACTERS.match(filename):
        return None
    name = _name(project)
    return Place(name, _version(version), filename, kind) if name else None


def of_path(path: str) -> Place | None:
    """The file that ``path`` ends with, whatever stands before it; None for pages, metadata and signatures.

    ``/packages/ab/cd/<digest>/name-1.0.tar.gz`` is one such address, ``/team/dev/+f/012/345/name-1.0.tar.gz``
    another, with or without scheme and host.
    """
    bare = path[:MAXIMUM_PATH].partition("?")[0].partition("#")[0]
    return of_filename(unquote(bare.rpartition("/")[2]))


def of_filename(filename: str) -> Place | None:
    """The file of that name; None for what is no distribution, or does not say of what project and version."""
    kind = kind_of(filename)
    if kind is None or not _NAME_CHARACTERS.match(filename):
        return None
    if kind in ("bdist_wheel", "sdist"):
        try:
            found = parse_filename_leniently(filename)
            return Place(found.name, found.version, filename, kind)
        except Refused:
            pass
    end = next(end for end, _ in _KINDS if filename.lower().endswith(end))
    match = _OLD.match(filename[: -len(end)])
    name = _name(match["name"]) if match else None
    return Place(name, _version(match["version"]), filename, kind) if match and name else None


def _name(text: str) -> str | None:
    if is_normalized(text):
        return text
    try:
        return parse_name(text)
    except Refused:
        return None


@lru_cache(maxsize=8192)
def _version(text: str) -> str | None:
    """The canonical form of ``text``; as it is, where it is no version of today's form; None where it is nothing."""
    try:
        return canonical(parse_version(text))
    except Refused:
        return text[:100] if text and text.isprintable() else None
