"""Signals: what is worth noticing in a file that somebody looks at, as facts in plain sentences.

A signal is no verdict, and nothing follows from it by itself: programs that do all of this are published every day,
and a harmful one need do none. Each says what a file does where it is installed, started or built, and whether an
earlier file did so too.
What does not live here: what lies in a file (`archive_listing`), and how texts differ (`comparison_text`).
Sources: the documentation of `site` (``.pth``, ``sitecustomize``); PEP 829 (``.start``); PyPA "Entry points
specification" and "Binary distribution format" (``.data``); PEP 517 and 518 (``backend-path``, ``requires``).
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..distributions.archive_listing import Contents, Entry
from .comparison_text import TextDiff, decoded, shown

State = Literal["new", "changed", "same", "here"]
"""Against the earlier file; "here" where there is none to compare with."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A fact. ``says`` is a sentence; ``places`` are members, or lines of them (``path:line``), that it is about.

    ``mark`` changes with what is behind it, so that the same sentence about another program is seen as changed.
    """

    code: str
    says: str
    places: tuple[str, ...] = ()
    state: State = "here"
    mark: str = ""


def signals(contents: Contents) -> tuple[Signal, ...]:
    """The signals of one file, the gravest sort first."""
    return (
        *_at_start(contents),
        *_at_build(contents),
        *_entry_points(contents),
        *_installed(contents),
        *_formats(contents),
        *_hard_to_read(contents),
    )


def against(old: Iterable[Signal], new: Iterable[Signal], called: Iterable[Signal] = ()) -> tuple[Signal, ...]:
    """``new``, each with its state against ``old``, and what is ``called``; new ones first, then changed ones."""
    earlier = {(each.code, each.says): each for each in old}
    found = [*(replace(each, state=_state(earlier.get((each.code, each.says)), each)) for each in new), *called]
    return tuple(sorted(found, key=lambda each: ("new", "changed", "same", "here").index(each.state)))


def _state(old: Signal | None, new: Signal) -> State:
    if old is None:
        return "new"
    return "same" if (old.places, old.mark) == (new.places, new.mark) else "changed"


# -- what runs without anybody calling it

_STARTS_CODE = re.compile(r"import[ \t]")
"""As `site` reads a ``.pth``: every line that begins so is run, at each start of Python."""
_AT_START = re.compile(r"(?:\*\.data/(?:pur|plat)elib/)?[^/]+\.(?:pth|start)\Z")
_CUSTOMIZE = re.compile(r"(?:\*\.data/(?:pur|plat)elib/)?(?:site|user)customize(?:\.py|/__init__\.py)\Z")


def _at_start(contents: Contents) -> Iterator[Signal]:
    if not contents.is_wheel:
        return
    for entry in contents.entries:
        if _CUSTOMIZE.match(entry.name):
            yield Signal("start", "Is run each time Python starts.", (shown(entry.name),), mark=entry.sha256)
        elif _AT_START.match(entry.name):
            yield _started_through(entry, contents.texts.get(entry.name))


def _started_through(entry: Entry, text: bytes | None) -> Signal:
    name = shown(entry.name)
    if text is None:
        says = f"Changes how Python starts, through {name}, which was not read."
    elif run := tuple(f"{name}:{number}" for number in _run_at_start(entry.name, text)):
        return Signal("start", f"Runs code each time Python starts, through {name}.", run, mark=entry.sha256)
    else:
        says = f"Adds folders to where Python imports from, through {name}."
    return Signal("start", says, (name,), mark=entry.sha256)


def _run_at_start(name: str, text: bytes) -> Iterator[int]:
    """The numbers of the lines that `site` runs: as it splits them, which is at more characters than Python does.

    PEP 829: each line of a ``.start`` but blank ones and comments names what is called.
    """
    for number, line in enumerate(decoded(text).removeprefix("\ufeff").splitlines(), 1):
        if name.endswith(".pth"):
            runs = _STARTS_CODE.match(line) is not None
        else:
            runs = bool(line.strip()) and not line.lstrip().startswith("#")
        if runs:
            yield number


def _at_build(contents: Contents) -> Iterator[Signal]:
    if contents.is_wheel:
        return
    digests = {entry.name: entry.sha256 for entry in contents.entries}
    if "setup.py" in digests:
        yield Signal("build", "Building it runs its own setup.py.", ("setup.py",), mark=digests["setup.py"])
    text = contents.texts.get("pyproject.toml")
    build = _build_system(text or b"")
    if build is None or ("pyproject.toml" in digests and text is None):
        yield Signal("build", "Its pyproject.toml cannot be read.", ("pyproject.toml",))
        return
    backend = build.get("build-backend")
    if build.get("backend-path"):
        yield Signal("build", f"Building it runs a backend that it brings itself: {_brief(backend)}.",
                     ("pyproject.toml",))  # fmt: skip
    elif backend is not None:
        yield Signal("build", f"It is built by {_brief(backend)}.")
    required = build.get("requires")
    if isinstance(required, list) and required:
        needed = ", ".join(map(_brief, required[:20]))
        yield Signal("build", f"Building it fetches {needed}{' and others' if len(required) > 20 else ''}.")


def _build_system(text: bytes) -> Mapping[str, object] | None:
    """The table ``build-system``; empty where there is none, None where the file cannot be read."""
    try:
        table = tomllib.loads(text.decode("utf-8")).get("build-system", {})
    except (ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else {}


def _brief(value: object) -> str:
    return shown(str(value)[:200])


# -- what others call, perhaps without meaning it

_COMMANDS = {"console_scripts": "the command", "gui_scripts": "the program with a window"}
_MAXIMUM_ENTRY_POINTS = 200


def _entry_points(contents: Contents) -> Iterator[Signal]:
    text = contents.texts.get("*.dist-info/entry_points.txt")
    if text is None:
        return
    parser = configparser.RawConfigParser(delimiters=("=",), default_section="", strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(text.decode("utf-8"))
        points = [(group, name, target) for group in parser.sections() for name, target in parser.items(group)]
    except (configparser.Error, ValueError, AttributeError, TypeError):
        yield Signal("entry-points", "Its entry points cannot be read.", ("*.dist-info/entry_points.txt",))
        return
    for group, name, target in points[:_MAXIMUM_ENTRY_POINTS]:
        if group in _COMMANDS:
            yield Signal("command", f"Installs {_COMMANDS[group]} {_brief(name)}, which calls {_brief(target)}.")
        else:
            yield Signal("plug-in", f"Plugs itself into {_brief(group)} as {_brief(name)}, by {_brief(target)}.")


# -- what lies where, once it is installed

_IN_DATA = re.compile(r"\*\.data/(scripts|data|headers)/(.+)\Z", re.DOTALL)
_IMPORTABLE = re.compile(r"([^/.]+)(?:/.*\.(?:py|so|pyd)|(?:\.[^/]*)?\.(?:py|so|pyd))\Z", re.DOTALL)


def _installed(contents: Contents) -> Iterator[Signal]:
    if not contents.is_wheel:
        yield from _links(contents)
        return
    scripts = _marked(entry for entry in contents.entries if _place_in_data(entry) == "scripts")
    if scripts:
        yield replace(scripts, code="command", says="Installs programs among the commands.")
    outside = _marked(entry for entry in contents.entries if _place_in_data(entry) == "data")
    if outside:
        yield replace(outside, code="outside", says="Installs files outside of where Python's libraries lie.")
    names = {match[1] for entry in contents.entries if (match := _IMPORTABLE.match(_in_library(entry.name)))}
    if names:
        yield Signal("imports", "Installs these names to import.", tuple(sorted(map(shown, names))))


def _place_in_data(entry: Entry) -> str:
    match = _IN_DATA.match(entry.name)
    return match[1] if match else ""


def _in_library(name: str) -> str:
    return name.removeprefix("*.data/purelib/").removeprefix("*.data/platlib/")


def _links(contents: Contents) -> Iterator[Signal]:
    links = [entry for entry in contents.entries if entry.kind == "link"]
    if links:
        yield Signal("links", "Contains links.", tuple(shown(f"{each.name} → {each.link}") for each in links))


# -- what nobody can read, or could miss in reading

_FORMATS = {
    "ELF": "Contains machine code for Linux and its like (ELF).",
    "PE": "Contains machine code for Windows (PE).",
    "Mach-O": "Contains machine code for macOS (Mach-O).",
    "Java": "Contains compiled Java.",
    "WebAssembly": "Contains WebAssembly.",
    "bytecode": "Contains compiled Python, which is run without its text being there.",
    "ZIP": "Contains further archives (ZIP).",
    "gzip": "Contains compressed files (gzip).",
    "script": "Contains programs that name who runs them in their first line.",
}
_TRAITS = {
    "turned": "Contains programs with characters that turn the order of letters around: they read otherwise than they "
    "run.",
    "aside": "Contains programs with code far to the right, after 100 blanks or more.",
    "long": "Contains programs with lines of 2,000 bytes or more.",
    "huge": "Contains programs too large to be looked through.",
}


def _formats(contents: Contents) -> Iterator[Signal]:
    for format, says in _FORMATS.items():
        found = _marked(entry for entry in contents.entries if entry.format == format)
        if found:
            yield replace(found, code=format.lower(), says=says)


def _hard_to_read(contents: Contents) -> Iterator[Signal]:
    for trait, says in _TRAITS.items():
        found = _marked(entry for entry in contents.entries if trait in entry.traits)
        if found:
            yield replace(found, code=trait, says=says)
    seen: set[str] = set()
    twice = tuple(shown(entry.name) for entry in contents.entries if entry.name in seen or seen.add(entry.name))  # type: ignore[func-returns-value]
    if twice:
        yield Signal("twice", "Contains files twice, of which unpacking leaves the last.", twice)


def _marked(entries: Iterable[Entry]) -> Signal | None:
    """A signal about ``entries``, without a sentence as yet; None where there are none."""
    listed = list(entries)
    if not listed:
        return None
    return Signal("", "", tuple(shown(entry.name) for entry in listed), mark=" ".join(entry.sha256 for entry in listed))


# -- what new lines call

_CALLS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("run text as a program", re.compile(r"\b(?:exec|eval|compile|__import__)\s*\(")),
    ("start other programs",
     re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec[lv]\w*|spawn\w+|startfile)\b|\bpty\b")),
    ("speak to the network",
     re.compile(r"\b(?:socket|urllib\.request|urlopen|http\.client|requests|httpx|aiohttp|ftplib|smtplib)\b")),
    ("unpack what is encoded",
     re.compile(r"\bb(?:16|32|64|85)decode\b|\bmarshal\b|\bpickle\b|\bfromhex\b|\bdecompress\b|\brot13\b")),
    ("read secrets' usual places",
     re.compile(r"\.(?:ssh|aws|pypirc|netrc|kube)\b|\bos\.environ\b|\bkeyring\b|\bid_rsa\b|\bwallet\b", re.IGNORECASE)),
    ("load machine code", re.compile(r"\bctypes\b|\bcffi\b|\bdlopen\b")),
)  # fmt: skip
_READ_FOR_CALLS = (".py", ".pyi", ".pth", ".pyx")


def calls(diffs: Mapping[str, TextDiff]) -> tuple[Signal, ...]:
    """What the lines that came with a release call, by ``diffs`` of members by name. Lines that are not shown are
    not looked at."""
    places: dict[str, list[str]] = {}
    for name, diff in diffs.items():
        if not name.endswith(_READ_FOR_CALLS):
            continue
        for line in (line for hunk in diff.hunks for line in hunk if line.side == "+"):
            for does, pattern in _CALLS:
                if pattern.search(line.text):
                    places.setdefault(does, []).append(f"{shown(name)}:{line.new}")
    return tuple(
        Signal("calls", f"Lines that are new here {does}, by the words in them.", tuple(places[does]), "new")
        for does, _ in _CALLS
        if does in places
    )
