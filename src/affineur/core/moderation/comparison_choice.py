"""Which file of a project is compared with which: the one that is meant, and the one of an earlier release like it.

What does not live here: comparing them (`comparison`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..decision import refuse
from ..distributions.acceptance import quoted
from ..versions import order_key, parse_version
from ..views.simple import FileLink

EARLIER = "earlier"
"""Stands for the release before; no version is spelled so (PEP 440)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """``old`` is None where the release ``against`` has no file like ``new``, or ("") there is no earlier release."""

    new: FileLink
    old: FileLink | None
    against: str


def one_file(files: Iterable[FileLink], version: str | None, filename: str | None) -> FileLink:
    """The file of that name, else the telling one of that release, else that of the newest release.

    The telling one: a wheel for every platform, which is what most people install; else an sdist; else any.
    `Refused` (``examine.exists``) where there is none, ``version.format`` for what is no version.
    """
    wanted = None if version is None else parse_version(version)
    found = [
        each
        for each in files
        if (filename is None or each.filename == filename) and (wanted is None or order_key(each.version) == wanted)
    ]
    if not found:
        named = quoted(filename) if filename is not None else f"of version {version}" if version else "at all"
        refuse("examine.exists", f"This project has no file {named}.", "Look at its list of files.")
    newest = max(order_key(each.version) for each in found)
    return min((each for each in found if order_key(each.version) == newest), key=_telling)


def _telling(file: FileLink) -> tuple[int, str]:
    if file.filename.endswith("-none-any.whl"):
        return 0, file.filename
    return (2 if file.filename.endswith(".whl") else 1), file.filename


def pair(files: Sequence[FileLink], new: FileLink, against: str | None) -> Pair:
    """``new`` and the file of ``against`` that is most like it; ``against`` None or `EARLIER`: the release before.

    Like it: a wheel for a wheel, with as many of the same tags as there are; an sdist for an sdist. `Refused`:
    ``version.format``, or ``examine.exists`` where there is no such release.
    """
    if against in (None, EARLIER):
        earlier = [each.version for each in files if order_key(each.version) < order_key(new.version)]
        if not earlier:
            return Pair(new, None, "")
        wanted = max(map(order_key, earlier))
    else:
        wanted = parse_version(str(against))
    olds = [each for each in files if order_key(each.version) == wanted]
    if not olds:
        refuse("examine.exists", f"This project has no file of version {wanted}.", "Look at its list of releases.")
    alike = [each for each in olds if _is_wheel(each) == _is_wheel(new)]
    closest = max(alike, key=lambda each: (_shared_tags(each, new), each.filename), default=None)
    return Pair(new, closest, olds[0].version)


def _is_wheel(file: FileLink) -> bool:
    return file.filename.endswith(".whl")


def _shared_tags(one: FileLink, other: FileLink) -> int:
    tags = (each.filename.removesuffix(".whl").rsplit("-", 3)[1:] for each in (one, other))
    return sum(ours == theirs for ours, theirs in zip(*tags, strict=False))
