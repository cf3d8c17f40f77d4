"""How facts are put before people: sizes, links, licences, persons, wheel tags.

Pure values for pages (and whoever else shows them). What does not live here: HTML (`web.templates`), dependency lines
(`core.distributions.dependencies`), and what a state means (`core.life.meaning`).
Sources: PEP 753 (labels of project URLs), PEP 639 (licence), PEP 425, 600, 656 (wheel tags).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import getaddresses
from functools import lru_cache
from urllib.parse import urlsplit

from ..distributions.metadata import CoreMetadata


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a project: ``kind`` is a well-known label of PEP 753 or empty; ``url`` is http or https."""

    kind: str
    label: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody named in metadata; either part may be empty."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Licence:
    """What is known of a licence: ``text`` is short; ``whole`` is the full text where it was longer."""

    text: str
    is_expression: bool = False
    whole: str | None = None


def size(size_bytes: int) -> str:
    """A size in the largest binary unit that leaves a number of at least 1: ``63.4 KiB``."""
    if size_bytes < 1024:
        return f"{size_bytes} byte{'' if size_bytes == 1 else 's'}"
    power = next((power for power in (1, 2, 3) if size_bytes < 1023.95 * 1024**power), 4)
    amount = size_bytes / 1024**power
    return f"{amount:.{1 if amount < 99.95 else 0}f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


_REMOVED = str.maketrans("", "", string.punctuation + string.whitespace)

_KINDS = {
    # PEP 753 "Well-known labels": each with its aliases, in the order in which links are shown.
    "homepage": ("Homepage", ()),
    "documentation": ("Documentation", ("docs",)),
    "source": ("Source", ("repository", "sourcecode", "github")),
    "changelog": ("Changelog", ("changes", "whatsnew", "history")),
    "releasenotes": ("Release notes", ()),
    "issues": ("Issues", ("bugs", "issue", "tracker", "issuetracker", "bugtracker")),
    "download": ("Download", ()),
    "funding": ("Funding", ("sponsor", "donate", "donation")),
}
_KIND_OF = {alias: kind for kind, (_, aliases) in _KINDS.items() for alias in (kind, *aliases)}
_ORDER = {kind: place for place, kind in enumerate(_KINDS)}


def normalize_label(label: str) -> str:
    """The label of a project URL as it is compared: no ASCII punctuation or white space, lowercase (PEP 753)."""
    return label.translate(_REMOVED).lower()


def links(metadata: CoreMetadata) -> tuple[Link, ...]:
    """The project's links, well-known ones first, each URL once; what is no http(s) URL is left out."""
    given = [*metadata.project_urls]
    # PEP 753: Home-page and Download-URL are the same as Project-URLs of those labels, which win over them.
    given += [("Homepage", metadata.home_page or ""), ("Download", metadata.download_url or "")]
    found: dict[str, Link] = {}
    for label, url in given:
        if (link := _link(label, url)) is not None:
            found.setdefault(link.url.rstrip("/"), link)
    return tuple(sorted(found.values(), key=lambda link: _ORDER.get(link.kind, len(_ORDER))))


def _link(label: str, url: str) -> Link | None:
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    kind = _KIND_OF.get(normalize_label(label), "")
    return Link(kind, _KINDS[kind][0] if kind else label, url.strip(), host.removeprefix("www."))


_LICENCE_TEXT_LIMIT = 60


def licence(metadata: CoreMetadata) -> Licence | None:
    """The licence: an SPDX expression where there is one, else classifiers, else the free text (PEP 639)."""
    if metadata.license_expression:
        return Licence(metadata.license_expression, is_expression=True)
    names = [entry.rpartition(" :: ")[2] for entry in metadata.classifiers if entry.startswith("License :: ")]
    free = (metadata.license or "").strip()
    if free and len(free) <= _LICENCE_TEXT_LIMIT and "\n" not in free:
        return Licence(free)
    if names := [name for name in names if name != "OSI Approved"]:
        return Licence(", ".join(names), whole=free or None)
    if free:
        first = free.splitlines()[0].strip()
        return Licence(
            first[: _LICENCE_TEXT_LIMIT - 1] + "…" if len(first) > _LICENCE_TEXT_LIMIT else first, whole=free
        )
    return None


def persons(names: str | None, emails: str | None) -> tuple[Person, ...]:
    """The persons in a pair of fields such as Author and Author-email, each once, in order."""
    by_email = [Person(name.strip(), email.strip()) for name, email in getaddresses([emails or ""]) if name or email]
    known = {person.name.casefold() for person in by_email}
    alone = (names or "").strip()
    if alone and alone.casefold() not in known:
        if len(by_email) == 1 and not by_email[0].name:
            return (Person(alone, by_email[0].email),)
        if not all(part.strip().casefold() in known for part in alone.split(",")):
            return (Person(alone, ""), *by_email)
    return tuple(by_email)


def classifier_groups(classifiers: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Classifiers by their first part, licences left out (`licence` has them), in order of appearance."""
    groups: dict[str, list[str]] = {}
    for classifier in classifiers:
        group, _, rest = classifier.partition(" :: ")
        if group != "License":
            groups.setdefault(group, []).append(rest or group)
    return tuple((group, tuple(entries)) for group, entries in groups.items())


def keywords(text: str | None) -> tuple[str, ...]:
    """Keywords one by one. Some authors separate by spaces (core metadata 1.0 did), which shows by no comma."""
    separated = (text or "").split("," if "," in (text or "") else None)
    return tuple(dict.fromkeys(word.strip() for word in separated if word.strip()))


_INTERPRETERS = {"py": "Python", "cp": "CPython", "pp": "PyPy", "ip": "IronPython", "jy": "Jython"}
_PYTHON_TAG = re.compile(r"([a-z]+)(\d)(\d*)\Z")
_MACHINES = {"x86_64": "x86-64", "amd64": "x86-64", "i686": "x86", "aarch64": "ARM64", "arm64": "ARM64"}
_PLATFORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"manylinux_(\d+)_(\d+)_(?P<machine>\w+)\Z"), "Linux {machine} (glibc {0}.{1}+)"),
    (re.compile(r"musllinux_(\d+)_(\d+)_(?P<machine>\w+)\Z"), "Linux {machine} (musl {0}.{1}+)"),
    (re.compile(r"manylinux2014_(?P<machine>\w+)\Z"), "Linux {machine} (glibc 2.17+)"),
    (re.compile(r"manylinux2010_(?P<machine>\w+)\Z"), "Linux {machine} (glibc 2.12+)"),
    (re.compile(r"manylinux1_(?P<machine>\w+)\Z"), "Linux {machine} (glibc 2.5+)"),
    (re.compile(r"linux_(?P<machine>\w+)\Z"), "Linux {machine}"),
    (re.compile(r"macosx_(\d+)_(\d+)_(?P<machine>\w+)\Z"), "macOS {0}.{1}+ {machine}"),
    (re.compile(r"win_(?P<machine>\w+)\Z"), "Windows {machine}"),
    (re.compile(r"win32\Z"), "Windows x86"),
    (re.compile(r"ios_(\d+)_(\d+)_(?P<machine>\w+)\Z"), "iOS {0}.{1}+ {machine}"),
    (re.compile(r"android_(\d+)_(?P<machine>\w+)\Z"), "Android API {0}+ {machine}"),
    (re.compile(r"(?:pyodide|pyemscripten|emscripten)_\w+\Z"), "WebAssembly"),
)


def wheel_fits(filename: str) -> str:
    """What a wheel runs on, for people: ``CPython 3.12, Linux x86-64 (glibc 2.17+)``; empty for no wheel."""
    if not filename.endswith(".whl") or filename.count("-") < 4:
        return ""
    python, abi, platform = filename.removesuffix(".whl").rsplit("-", 3)[1:]
    return f"{_pythons(python, abi)}, {' or '.join(_unique(map(_platform, platform.split('.'))))}"


def _pythons(python: str, abi: str) -> str:
    shown = list(_unique(_interpreter(tag) for tag in python.split(".")))
    if set(shown) == {"Python 2", "Python 3"}:
        return "Python 2 and 3"
    text = " or ".join(shown)
    if "abi3" in abi.split(".") or "abi3t" in abi.split("."):
        text += " and later"
    return text + " free-threaded" if re.search(r"cp3\d+t\b", abi) else text


def _interpreter(tag: str) -> str:
    match = _PYTHON_TAG.match(tag)
    if match is None or match[1] not in _INTERPRETERS:
        return tag
    return f"{_INTERPRETERS[match[1]]} {match[2]}" + (f".{match[3]}" if match[3] else "")


@lru_cache(maxsize=512)
def _platform(tag: str) -> str:
    if tag == "any":
        return "any platform"
    for pattern, shown in _PLATFORMS:
        if match := pattern.match(tag):
            machine = match.groupdict().get("machine") or ""
            return shown.format(*match.groups(), machine=_MACHINES.get(machine, machine))
    return tag


def _unique(values: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(values))


def rounded(count: int) -> str:
    """A count that is only nearly known, with three digits that mean something: ``886,000``."""
    digits = len(str(count))
    return f"{round(count, 3 - digits) if digits > 3 else count:,}"
