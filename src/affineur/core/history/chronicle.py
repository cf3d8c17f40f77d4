"""The journal as others read it: an entry as a JSON object and back, pages of entries, and copies that prove it whole.

Whoever reads here may have been handed a forgery: what is read is bounded, checked member by member, and refused
with a sentence (``journal.entry``, ``journal.page``). An entry that passes is well formed; whether it is *true* is
what the chain says (`journal.faults`). What does not live here: the chain itself (`journal`), what an event means in
words (`chronicle_words`), and the routes (`web.journal`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import UNSET, Meta, UnsetType

from ..decision import Decision, Refused, deny, refuse
from ..names import is_normalized
from .journal import GENESIS, ActorClass, Entry, Event, Hint, faults, members

SCHEMA = 1
"""Of entries and pages; moves when a member changes its meaning or is added."""

PAGE_ENTRIES = 1_000
"""Entries of a page where nobody asks for another number."""
MAXIMUM_PAGE_ENTRIES = 5_000
MAXIMUM_WAIT_SECONDS = 60
MAXIMUM_SERIAL = 2**63 - 1

MAXIMUM_LINE_BYTES = 256 * 1024
"""Of one entry in a copy. The longest that an index writes have about 4 KiB."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which entries are asked for: at most ``limit`` after the serial ``since``; if there is none, within ``wait``."""

    since: int = 0
    limit: int = PAGE_ENTRIES
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the journal of the index ``origin``. ``complete``: it goes up to the newest entry there was."""

    origin: str
    since: int
    entries: Sequence[Entry]
    complete: bool

    @property
    def next(self) -> int:
        """The serial to ask after next."""
        return self.entries[-1].serial if self.entries else self.since


_Digest = Annotated[str, Meta(min_length=64, max_length=64)]
_Word = Annotated[str, Meta(min_length=1, max_length=200)]
_Text = Annotated[str, Meta(max_length=10_000)]
_Serial = Annotated[int, Meta(ge=1, le=MAXIMUM_SERIAL)]


class _Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The members of an entry, each exactly as the hash covers it; what more they have to be, `_entry` looks at."""

    serial: _Serial
    at: Annotated[str, Meta(max_length=32)]
    event: Annotated[str, Meta(min_length=1, max_length=64)]
    project: str
    version: _Word | None
    filename: Annotated[str, Meta(min_length=1, max_length=255)] | None
    sha256: _Digest | None
    old: dict[str, Any]
    new: dict[str, Any]
    rule: _Word | None
    reason: _Text | None
    actor_class: ActorClass
    hint: Hint
    previous: _Digest
    hash: _Digest
    # What says nothing is left out, as in the hash; null would be another spelling of the same.
    reason_code: _Word | UnsetType = UNSET
    case: _Word | UnsetType = UNSET


class _Head(msgspec.Struct, gc=False):
    schema: int
    origin: Annotated[str, Meta(min_length=1, max_length=1000)]
    since: Annotated[int, Meta(ge=0, le=MAXIMUM_SERIAL)]


class _Page(msgspec.Struct, gc=False):
    meta: _Head
    entries: Annotated[list[_Line], Meta(max_length=MAXIMUM_PAGE_ENTRIES)]
    next: Annotated[int, Meta(ge=0, le=MAXIMUM_SERIAL)]
    complete: bool


_HEX = "0123456789abcdef"

MEMBERS: tuple[str, ...] = _Line.__struct_fields__
"""The members of an entry; ``reason_code`` and ``case`` are there only where they say something."""

_LINES = msgspec.json.Decoder(_Line)
_PAGES = msgspec.json.Decoder(_Page)
_NOT_READABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)


def entry_json(entry: Entry) -> dict[str, object]:
    """An entry as a JSON object: the members that its hash covers, and the hash."""
    return {**members(entry.serial, entry.at, entry.event, entry.previous), "hash": entry.hash}


def entry_line(entry: Entry) -> bytes:
    """An entry as one line of a copy, with its newline."""
    return orjson.dumps(entry_json(entry), option=orjson.OPT_APPEND_NEWLINE)


def parse_entry(value: object) -> Entry:
    """The entry that a decoded JSON object is; `Refused` (``journal.entry``) where it is none."""
    try:
        entry = _entry(msgspec.convert(value, _Line))
        # Infinity is written as null, and would thus have the hash of something else.
        _require_same((dict(entry.event.old), dict(entry.event.new)))
        return entry
    except _NOT_READABLE as error:
        refuse("journal.entry", f"This is no journal entry: {_said(error)}.")


def parse_line(line: bytes) -> Entry:
    """The entry on a line of a copy; `Refused` (``journal.entry``) where there is none, or more than one."""
    if len(line) > MAXIMUM_LINE_BYTES:
        refuse("journal.entry", f"A journal entry has at most {MAXIMUM_LINE_BYTES:,} bytes.", size_bytes=len(line))
    try:
        told = _LINES.decode(line)
        entry = _entry(told)
        if b"\\" in line or line.count(b'"') != _quotes(told):
            _require_single_members(line)
    except _NOT_READABLE as error:
        refuse("journal.entry", f"This is no journal entry: {_said(error)}.")
    return entry


def page_bytes(page: Page) -> bytes:
    """A page as JSON. Cost: about 5 µs an entry."""
    return orjson.dumps(
        {
            "meta": {"schema": SCHEMA, "origin": page.origin, "since": page.since},
            "entries": [entry_json(entry) for entry in page.entries],
            "next": page.next,
            "complete": page.complete,
        }
    )


def parse_page(body: bytes, since: int) -> Page:
    """The page that answers a question for what came after ``since``; `Refused` (``journal.page``) where it does not.

    Bound the size of ``body`` before. Whether its entries continue what is known is a question to `journal.faults`.
    """
    try:
        found = _PAGES.decode(body)
        page = Page(found.meta.origin, found.meta.since, [_entry(line) for line in found.entries], found.complete)
    except _NOT_READABLE as error:
        refuse("journal.page", f"This is no page of a journal: {_said(error)}.")
    if found.meta.schema != SCHEMA:
        refuse("journal.page", f"This page has schema {found.meta.schema}; this program reads schema {SCHEMA}.")
    if page.since != since or page.next != found.next:
        shown = f"since {page.since}, next {found.next}"
        refuse("journal.page", f"This page answers another question: {shown}, where what follows {since} was asked.")
    return page


def parse_window(since: str | None, limit: str | None, wait: str | None) -> Window | Decision:
    """What the parameters of a question ask for (None: not given), or why they ask for nothing."""
    asked = (
        _whole("since", since, 0, 0, MAXIMUM_SERIAL),
        _whole("limit", limit, PAGE_ENTRIES, 1, MAXIMUM_PAGE_ENTRIES),
        _whole("wait", wait, 0, 0, MAXIMUM_WAIT_SECONDS),
    )
    for each in asked:
        if isinstance(each, Decision):
            return each
    return Window(*asked)  # type: ignore[arg-type]


def copy_faults(lines: Iterable[bytes], head: tuple[int, str] | None = None) -> Iterator[str]:
    """Every fault of a copy of a whole journal, as sentences; none means it is whole.

    Finds edits, removals, reorders; with ``head`` (the serial and hash that the index tells) also an end that is
    missing, or a journal that was written anew. Reading stops at a line that is no entry. Cost: about 15 µs a line.
    """
    unreadable: list[str] = []
    found = list(chain_faults(_readable(lines, unreadable), () if head is None else (head,)))
    yield from unreadable
    yield from found


def chain_faults(entries: Iterable[Entry], heads: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Every fault of a whole journal, from its first entry on, that is held against each of ``heads``."""
    last = (0, GENESIS)
    others = [head for head in heads if head[0] == 0 and head[1] != GENESIS]

    def passing() -> Iterator[Entry]:
        nonlocal last
        for entry in entries:
            last = (entry.serial, entry.hash)
            others.extend(head for head in heads if head[0] == entry.serial and head[1] != entry.hash)
            yield entry

    yield from faults(passing())
    for serial, digest in others:
        yield f"Entry {serial} is not the one whose hash the head tells ({digest[:12]}…): this is another journal."
    for serial, _ in heads:
        if last[0] < serial:
            yield f"It ends with entry {last[0]}, the head is entry {serial}: {serial - last[0]} are missing."


def parse_head(text: str) -> tuple[int, str]:
    """Serial and hash of a head as it is printed (``SERIAL:HASH``); `Refused` (``journal.head``) where it is none."""
    serial, _, digest = text.strip().partition(":")
    is_serial = serial.isascii() and serial.isdigit() and len(serial) <= 19
    if not is_serial or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        refuse("journal.head", f"{text[:100]!r} is no head of a journal.", "Write it as SERIAL:HASH, 64 hex digits.")
    return int(serial), digest


def _readable(lines: Iterable[bytes], unreadable: list[str]) -> Iterator[Entry]:
    """The entries on ``lines``, up to the first that is none; ``unreadable`` is told which that is, and why."""
    for number, line in enumerate(lines, 1):
        try:
            entry = parse_line(line)
        except Refused as refused:
            unreadable.append(f"Line {number} cannot be read: {refused.decision.reason}")
            return
        yield entry


def _entry(line: _Line) -> Entry:
    """The entry of sound members. ValueError where one is not; by hand, since patterns would take twice as long."""
    at = datetime.fromisoformat(line.at)  # ValueError for a 31st of February
    filename = line.filename
    if at.tzinfo is not UTC or at.isoformat(timespec="microseconds") != line.at:
        raise ValueError("'at' is no moment in UTC with microseconds")
    if not (line.event.isascii() and line.event.isalpha() and line.event[0].isupper()):
        raise ValueError("'event' is no name of an event")
    if not is_normalized(line.project):
        raise ValueError("'project' is no normalised name")
    if filename is not None and ("/" in filename or "\\" in filename or not filename.isprintable()):
        raise ValueError("'filename' is no name of a file")
    if line.hash.strip(_HEX) or line.previous.strip(_HEX) or (line.sha256 and line.sha256.strip(_HEX)):
        raise ValueError("a digest is not in hex")
    event = Event(
        line.event,
        line.project,
        line.version,
        line.filename,
        line.sha256,
        line.old,
        line.new,
        line.rule,
        line.reason,
        line.actor_class,
        line.hint,
        None if line.reason_code is UNSET else line.reason_code,
        None if line.case is UNSET else line.case,
    )
    # What cannot be written cannot have been hashed: numbers beyond 64 bits, texts that are no Unicode.
    orjson.dumps(
        (line.old, line.new, line.version, line.filename, line.rule, line.reason, event.reason_code, event.case)
    )
    return Entry(line.serial, at, event, line.previous, line.hash)


def _require_same(facts: tuple[dict[str, object], dict[str, object]]) -> None:
    """ValueError where ``facts`` are not what comes back after they were written."""
    if orjson.loads(orjson.dumps(facts)) != list(facts):
        raise ValueError("a number in it is none")


def _quotes(line: _Line) -> int:
    """How many quotation marks a line has whose members each stand once, if none of them is escaped.

    Counting them costs less than writing the entry again; facts that are no plain values are not looked into, and
    count too few.
    """
    texts = (line.version, line.filename, line.sha256, line.rule, line.reason)
    later = (line.reason_code, line.case)
    facts = (line.old, line.new)
    keys = 15 + sum(map(len, facts)) + (later[0] is not UNSET) + (later[1] is not UNSET)
    said = 7 + 5 - texts.count(None) + 2 - later.count(UNSET)
    return 2 * (keys + said + sum(type(value) is str for each in facts for value in each.values()))


def _require_single_members(line: bytes) -> None:
    """ValueError where a member stands twice: two readers might each believe another one."""

    def once(members: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in members}) != len(members):
            raise ValueError("a member stands twice")
        return dict(members)

    json.loads(line, object_pairs_hook=once)


def _whole(name: str, text: str | None, default: int, least: int, most: int) -> int | Decision:
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else -1
    if least <= value <= most:
        return value
    allowed = f"a whole number from {least} to {most:,}" if name != "since" else "a serial, 0 or more"
    return deny("journal.window", f"'{name}' is {text[:40]!r}; it has to be {allowed}.", member=name)


def _said(error: BaseException) -> str:
    """What a reader may see of why something could not be read."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200].rstrip(".")
