"""Entries as JSON and back, pages, and copies: what is whole passes, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from affineur.core.decision import Decision, Refused
from affineur.core.history.chronicle import (
    MAXIMUM_LINE_BYTES,
    MEMBERS,
    Page,
    Window,
    copy_faults,
    entry_json,
    entry_line,
    page_bytes,
    parse_entry,
    parse_head,
    parse_line,
    parse_page,
    parse_window,
)
from affineur.core.history.journal import GENESIS, Entry, Event, chain

AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
EVENTS = (
    Event("ProjectCreated", "brie"),
    Event("FilePublished", "brie", "1.0", "brie-1.0.tar.gz", "a" * 64, new={"size_bytes": 3, "yanked": False}),
    Event("FileYanked", "brie", "1.0", "brie-1.0.tar.gz", "a" * 64, {"yanked": False}, {"yanked": True},
          rule="yank", reason="Zerbröselt 🧀", reason_code="broken"),
    Event("ProjectQuarantined", "brie", rule="lifecycle.quarantine", actor_class="moderator", hint="hide",
          reason_code="malware", case="2026-0001"),
)  # fmt: skip


def a_journal(events: Sequence[Event] = EVENTS) -> list[Entry]:
    entries: list[Entry] = []
    for serial, event in enumerate(events, 1):
        previous = entries[-1].hash if entries else GENESIS
        entries.append(chain(serial, AT + timedelta(seconds=serial), event, previous))
    return entries


def head_of(entries: Sequence[Entry]) -> tuple[int, str]:
    return (entries[-1].serial, entries[-1].hash) if entries else (0, GENESIS)


def reason_of(value: object) -> str:
    with pytest.raises(Refused) as refused:
        parse_entry(value)
    assert refused.value.decision.rule == "journal.entry"
    return refused.value.decision.reason


def test_every_entry_comes_back_as_it_was() -> None:
    for entry in a_journal():
        assert parse_entry(entry_json(entry)) == entry
        assert parse_line(entry_line(entry)) == entry


def test_an_entry_has_exactly_its_members_and_the_later_ones_only_where_they_say_something() -> None:
    first, *_, last = map(entry_json, a_journal())
    assert set(MEMBERS) - set(first) == {"reason_code", "case"}
    assert set(last) == set(MEMBERS)
    assert first["at"] == "2026-01-01T12:00:01.123456+00:00"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("serial", 0), ("serial", -1), ("serial", True), ("serial", "1"), ("serial", 1.5), ("serial", 2**63),
        ("at", "2026-01-01T12:00:00+00:00"), ("at", "2026-02-31T12:00:00.000000+00:00"), ("at", 0),
        ("at", "2026-01-01T12:00:00.000000+01:00"), ("at", "2026-01-01T12:00:00.000000+00:00\n"),
        ("event", ""), ("event", "<b>"), ("event", "X" * 65), ("event", None),
        ("project", ""), ("project", "../etc"), ("project", "Brie"), ("project", "brie\n"), ("project", "b" * 201),
        ("version", ""), ("version", "1" * 201), ("version", 1),
        ("filename", "../brie"), ("filename", "a\\b"), ("filename", ""), ("filename", "a\x00"), ("filename", "a" * 256),
        ("sha256", "A" * 64), ("sha256", "a" * 63), ("sha256", "a" * 64 + "\n"),
        ("old", []), ("old", None), ("new", "yanked"), ("new", {"size": 2**70}), ("new", {"size": float("inf")}),
        ("new", {"size": float("nan")}), ("new", {"text": "\ud800"}), ("reason", "\ud800"), ("reason", "x" * 10_001),
        ("rule", ""), ("actor_class", "root"), ("hint", "explode"), ("hint", None),
        ("previous", None), ("hash", ""), ("hash", "g" * 64), ("reason_code", None), ("case", None), ("case", ""),
        ("actor", "ann"),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_a_sentence(member: str, value: object) -> None:
    assert reason_of(entry_json(a_journal()[-1]) | {member: value}).startswith("This is no journal entry: ")


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, {"serial": 1}])
def test_other_values_are_no_entries(value: object) -> None:
    assert reason_of(value)


@pytest.mark.parametrize("member", [name for name in MEMBERS if name not in ("reason_code", "case")])
def test_no_member_may_be_missing(member: str) -> None:
    entry = entry_json(a_journal()[-1])
    del entry[member]
    assert member in reason_of(entry)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"{", b"[]", b"null", b"\xff\xfe{}", b"{}" * 2, b"[" * 100_000,
        b'{"new":' + b'{"a":' * 100_000, b" " * (MAXIMUM_LINE_BYTES + 1),
        entry_line(a_journal()[0]).replace(b'"new":{}', b'"new":{"size_bytes":1e999}'),
        entry_line(a_journal()[0]).replace(b'"new":{}', b'"new":{"a":NaN}'),
        entry_line(a_journal()[0]).replace(b'"new":{}', b'"new":' + b'{"a":' * 300 + b"1" + b"}" * 300),
        entry_line(a_journal()[0]).rstrip() * 2,
    ],
)  # fmt: skip
def test_lines_that_are_no_entry_are_refused(line: bytes) -> None:
    with pytest.raises(Refused, match="journal entry"):
        parse_line(line)


def test_a_member_that_stands_twice_is_refused() -> None:
    line = entry_line(a_journal()[0])
    for once, twice in ((b'{"serial":1', b'{"serial":2,"serial":1'), (b'"new":{}', b'"new":{},"new":{}')):
        with pytest.raises(Refused, match="stands twice"):
            parse_line(line.replace(once, twice))


def test_other_spacing_and_order_are_the_same_entry() -> None:
    entry = a_journal()[-1]
    written = json.dumps(dict(reversed(entry_json(entry).items())), indent=1).replace("\n", " ")
    assert parse_line(written.encode()) == entry


def test_a_page_tells_what_comes_next_and_whether_there_is_more() -> None:
    entries = a_journal()
    body = page_bytes(Page("urn:x", 0, entries[:2], complete=False))
    told = json.loads(body)
    assert told["meta"] == {"schema": 1, "origin": "urn:x", "since": 0}
    assert (told["next"], told["complete"], len(told["entries"])) == (2, False, 2)
    assert parse_page(body, 0) == Page("urn:x", 0, entries[:2], complete=False)
    empty = page_bytes(Page("urn:x", 4, [], complete=True))
    assert json.loads(empty)["next"] == 4
    assert parse_page(empty, 4).next == 4


@pytest.mark.parametrize(
    "change",
    [
        {"next": 1}, {"next": -1}, {"entries": None}, {"entries": [{}]}, {"complete": "no"}, {"meta": {}},
        {"meta": {"schema": 2, "origin": "urn:x", "since": 0}}, {"meta": {"schema": 1, "origin": "urn:x", "since": 1}},
        {"meta": {"schema": 1, "origin": "", "since": 0}},
    ],
)  # fmt: skip
def test_a_page_that_answers_something_else_is_refused(change: dict[str, object]) -> None:
    told = json.loads(page_bytes(Page("urn:x", 0, a_journal(), complete=True)))
    with pytest.raises(Refused) as refused:
        parse_page(json.dumps(told | change).encode(), 0)
    assert refused.value.decision.rule == "journal.page"


def test_a_question_is_bounded_and_what_it_lacks_has_defaults() -> None:
    assert parse_window(None, None, None) == Window(0, 1000, 0)
    assert parse_window("7", "5000", "60") == Window(7, 5000, 60)


@pytest.mark.parametrize(
    ("since", "limit", "wait"),
    [("-1", None, None), ("", None, None), ("x", None, None), ("1.0", None, None), (str(2**63), None, None),
     ("9" * 5000, None, None), ("٣", None, None), (None, "0", None), (None, "5001", None), (None, "", None),
     (None, None, "61"), (None, None, "-1"), (None, None, "1e1")],
)  # fmt: skip
def test_questions_that_make_no_sense_get_a_sentence(since: str | None, limit: str | None, wait: str | None) -> None:
    said = parse_window(since, limit, wait)
    assert isinstance(said, Decision)
    assert said.rule == "journal.window"
    assert "it has to be" in said.reason


def faults_of(entries: Sequence[Entry], head: tuple[int, str] | None = None) -> list[str]:
    return list(copy_faults(map(entry_line, entries), head))


def test_a_whole_copy_has_no_faults_with_or_without_its_head() -> None:
    entries = a_journal()
    assert faults_of(entries) == faults_of(entries, head_of(entries)) == faults_of(entries, head_of(entries[:2])) == []
    assert faults_of([]) == faults_of([], (0, GENESIS)) == []


_CHAINS = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=12).map(a_journal)
_VALUES = st.none() | st.text(max_size=5) | st.integers() | st.dictionaries(st.text(max_size=3), st.integers())


@given(_CHAINS, st.data())
def test_any_edit_of_any_chain_is_found(entries: list[Entry], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(entries) - 1))
    member = data.draw(st.sampled_from(MEMBERS))
    told = entry_json(entries[position])
    value = data.draw(
        st.one_of(st.none(), st.text(max_size=5), st.integers(), st.dictionaries(st.text(max_size=3), st.integers()))
    )
    assume((type(value), value) != (type(told.get(member)), told.get(member)))
    lines = [entry_line(entry) for entry in entries]
    lines[position] = json.dumps(told | {member: value}).encode()
    assert list(copy_faults(lines, head_of(entries)))


@given(_CHAINS, st.data())
def test_an_edit_whose_hashes_are_all_made_anew_is_found_by_the_head(entries: list[Entry], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(entries) - 1))
    events = [entry.event for entry in entries]
    events[position] = replace(events[position], reason="forged")
    assert faults_of(a_journal(events)) == []
    assert len(faults_of(a_journal(events), head_of(entries))) == 1


@given(_CHAINS, st.data())
def test_any_removal_of_any_chain_is_found(entries: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(entries) - 1))
    last = data.draw(st.integers(first, len(entries) - 1))
    assert faults_of(entries[:first] + entries[last + 1 :], head_of(entries))


@given(_CHAINS, st.data())
def test_any_other_order_and_any_repetition_is_found(entries: list[Entry], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(entries))))
    assume(order != sorted(order))
    assert faults_of([entries[position] for position in order])
    again = data.draw(st.integers(0, len(entries) - 1))
    assert faults_of([*entries, entries[again]])


def test_what_cannot_be_read_ends_the_reading_and_is_said_once() -> None:
    lines = [entry_line(entry) for entry in a_journal()]
    found = list(copy_faults([lines[0], b"nonsense\n", *lines[1:]], head_of(a_journal())))
    assert len(found) == 2
    assert found[0].startswith("Line 2 cannot be read: This is no journal entry: ")


def test_a_missing_end_says_how_much_is_missing() -> None:
    entries = a_journal()
    assert faults_of(entries[:1], head_of(entries)) == ["It ends with entry 1, the head is entry 4: 3 are missing."]


def test_a_head_is_read_as_it_is_printed() -> None:
    assert parse_head(f"12:{'a' * 64}\n") == (12, "a" * 64)
    for text in ("", "12", f":{'a' * 64}", f"-1:{'a' * 64}", f"12:{'A' * 64}", "12:abc", f"{'9' * 30}:{'a' * 64}"):
        with pytest.raises(Refused, match="no head of a journal"):
            parse_head(text)
