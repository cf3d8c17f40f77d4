"""Comparison: what one file has that an earlier one had not: members, texts, metadata, and signals.

Made for the people who decide whether a release is held, and as good for anyone who wants to know what changed. It
states facts and judges nothing. What does not live here: reading archives (`archive_listing`), comparing two texts
(`comparison_text`), and what is worth noticing (`comparison_signals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import BinaryIO, Literal

from ..decision import Refused
from ..distributions.acceptance import IMPORTED, Findings
from ..distributions.archive_listing import BOUNDS, Bounds, Clock, Contents, Entry, list_contents, read_members
from ..distributions.metadata import CoreMetadata, check_metadata
from ..distributions.metadata_fields import heading
from .comparison_signals import Signal, against, calls, signals
from .comparison_text import Effort, TextDiff, compare_texts

Change = Literal["added", "removed", "changed", "moved"]

TEXTS = 200
"""Texts of one comparison that are laid beside each other."""
TEXT_BYTES = 512 * 1024
"""Of one of them."""


@dataclass(frozen=True, slots=True)
class ChangedMember:
    """A member that is not as it was. ``moved``: the same bytes under another name. ``diff`` is None for what is no
    text, is too long, or came after `TEXTS` others."""

    change: Change
    name: str
    old: Entry | None
    new: Entry | None
    diff: TextDiff | None = None


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of core metadata, spelled as there, and the values that went and came."""

    field: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file against an earlier one. ``old`` is None where there is none: then everything is new."""

    old: Contents | None
    new: Contents
    members: tuple[ChangedMember, ...]
    unchanged: int
    metadata: tuple[ChangedField, ...]
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read: its bytes (seekable), and its name, which says what it is."""

    file: BinaryIO
    filename: str


def compare(old: Source | None, new: Source, bounds: Bounds = BOUNDS, is_over: Clock = lambda: False) -> Comparison:
    """``new`` against ``old``. Never raises but what the files raise.

    Each is read twice at most; work and memory are bounded by ``bounds`` and, for texts, by `Effort`.
    """
    before = list_contents(old.file, old.filename, bounds, is_over) if old else None
    after = list_contents(new.file, new.filename, bounds, is_over)
    members, unchanged = changed_members(before, after)
    texts = _Texts(old, new, _worth_reading(members), bounds, is_over)
    effort = Effort()
    diffs: dict[str, TextDiff] = {}
    for member in texts.chosen:
        if not is_over():
            diffs[member.name] = compare_texts(texts.before(member), texts.after(member), effort)
    compared = tuple(
        ChangedMember(each.change, each.name, each.old, each.new, diffs.get(each.name)) for each in members
    )
    found = against(signals(before), signals(after), calls(diffs)) if before else signals(after)
    was, now = metadata_of(before), metadata_of(after)
    readable = now is not None and (was is not None or before is None)
    return Comparison(
        before,
        after,
        compared,
        unchanged,
        changed_fields(was, now) if readable else (),
        found,
    )


# -- members


def changed_members(old: Contents | None, new: Contents) -> tuple[tuple[ChangedMember, ...], int]:
    """The members that are not as they were, the telling ones first, and how many are."""
    before = {entry.name: entry for entry in old.entries} if old else {}
    after = {entry.name: entry for entry in new.entries}
    gone = [entry for name, entry in before.items() if name not in after]
    come = [entry for name, entry in after.items() if name not in before]
    moved = _moved(gone, come)
    left = {was.name for was in moved.values()}
    both = [(before[name], entry) for name, entry in after.items() if name in before]
    found = [
        *(ChangedMember("changed", now.name, was, now) for was, now in both if not _is_same(was, now)),
        *(
            ChangedMember("moved" if entry.name in moved else "added", entry.name, moved.get(entry.name), entry)
            for entry in come
        ),
        *(ChangedMember("removed", entry.name, entry, None) for entry in gone if entry.name not in left),
    ]
    return tuple(sorted(found, key=_weight)), sum(_is_same(was, now) for was, now in both)


def _is_same(was: Entry, now: Entry) -> bool:
    """What was not read on one side is taken for changed: nobody knows."""
    if "unread" in (was.kind, now.kind):
        return False
    return (was.kind == now.kind == "link" and was.link == now.link) or (was.sha256 == now.sha256 != "")


def _moved(gone: Iterable[Entry], come: Iterable[Entry]) -> dict[str, Entry]:
    """For each new name whose bytes were there under one that is gone, what it was. Empty files tell nothing."""
    by_digest = {entry.sha256: entry for entry in gone if entry.sha256 and entry.size_bytes}
    return {entry.name: by_digest.pop(entry.sha256) for entry in come if entry.sha256 in by_digest}


_ENDINGS = (
    ".pth",
    ".start",
    "setup.py",
    "entry_points.txt",
    "pyproject.toml",
    "METADATA",
    "PKG-INFO",
    ".py",
    ".sh",
    ".cfg",
)
_LAST = ("RECORD", "WHEEL", "SOURCES.txt")


def _weight(member: ChangedMember) -> tuple[int, int, str]:
    """What is installed, started or built by comes first; what follows from the rest comes last."""
    order = next((at for at, ending in enumerate(_ENDINGS) if member.name.endswith(ending)), len(_ENDINGS))
    if member.name.endswith(_LAST):
        order = len(_ENDINGS) + 1
    return order, ("added", "changed", "moved", "removed").index(member.change), member.name


def _worth_reading(members: Sequence[ChangedMember]) -> Iterator[ChangedMember]:
    """Texts that came or changed. RECORD lists digests, which the members themselves have told."""
    for member in members:
        sides = [entry for entry in (member.old, member.new) if entry is not None]
        readable = all(entry.kind == "text" and entry.size_bytes <= TEXT_BYTES for entry in sides)
        if readable and member.change in ("added", "changed") and not member.name.endswith("/RECORD"):
            yield member


class _Texts:
    """The texts of both sides that are laid beside each other."""

    def __init__(
        self, old: Source | None, new: Source, members: Iterator[ChangedMember], bounds: Bounds, is_over: Clock
    ) -> None:
        self.chosen: list[ChangedMember] = []
        left_bytes = 2 * bounds.told_bytes
        for member in members:
            left_bytes -= sum(entry.size_bytes for entry in (member.old, member.new) if entry is not None)
            if left_bytes < 0 or len(self.chosen) == TEXTS:
                break
            self.chosen.append(member)
        olds = [member.old.path for member in self.chosen if member.old]
        news = [member.new.path for member in self.chosen if member.new]
        self._old: Mapping[str, bytes] = (
            read_members(old.file, old.filename, olds, TEXT_BYTES, bounds, is_over) if old and olds else {}
        )
        self._new: Mapping[str, bytes] = (
            read_members(new.file, new.filename, news, TEXT_BYTES, bounds, is_over) if news else {}
        )

    def before(self, member: ChangedMember) -> bytes:
        """What the text was; empty where it is new."""
        return self._old.get(member.old.path, b"") if member.old else b""

    def after(self, member: ChangedMember) -> bytes:
        """What it is."""
        return self._new.get(member.new.path, b"") if member.new else b""


# -- metadata


def metadata_of(contents: Contents | None) -> CoreMetadata | None:
    """What a file says of itself, read as leniently as an import reads it; None where that cannot be read."""
    if contents is None:
        return None
    raw = contents.texts.get("*.dist-info/METADATA" if contents.is_wheel else "PKG-INFO")
    try:
        return None if raw is None else check_metadata(raw, IMPORTED, Findings())
    except Refused:
        return None


_ALWAYS_OTHER = frozenset({"version", "normalized_name", "metadata_version"})


def changed_fields(old: CoreMetadata | None, new: CoreMetadata | None) -> tuple[ChangedField, ...]:
    """The fields that are not as they were; where ``old`` is None, all that are there."""
    found: list[ChangedField] = []
    for each in fields(CoreMetadata):
        before, after = _values(old, each.name), _values(new, each.name)
        kept = set(before) & set(after)
        removed = tuple(value for value in before if value not in kept)
        added = tuple(value for value in after if value not in kept)
        if (removed or added) and each.name not in _ALWAYS_OTHER:
            found.append(ChangedField(heading(each.name), removed, added))
    return tuple(found)


def _values(metadata: CoreMetadata | None, field: str) -> tuple[str, ...]:
    """A field as a list of texts. Of a description only its length: it is compared as a text, in METADATA."""
    value = None if metadata is None else getattr(metadata, field)
    if value is None:
        return ()
    if field == "description":
        return (f"{len(value)} characters",)
    if isinstance(value, tuple):
        return tuple(f"{item[0]}, {item[1]}" if isinstance(item, tuple) else str(item) for item in value)
    return (str(value),)
