"""The chain: whole chains have no faults, and no change goes unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from affineur.core.history.journal import GENESIS, Entry, Event, chain, faults

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_chain(length: int) -> list[Entry]:
    entries: list[Entry] = []
    previous = GENESIS
    for serial in range(1, length + 1):
        event = Event("FilePublished", f"p{serial % 3}", "1.0", f"f{serial}.whl", new={"size_bytes": serial})
        entries.append(chain(serial, AT, event, previous))
        previous = entries[-1].hash
    return entries


def test_a_whole_chain_has_no_faults() -> None:
    assert list(faults(a_chain(20))) == []
    assert list(faults(a_chain(20)[5:], (5, a_chain(5)[-1].hash))) == []


@given(st.integers(0, 18))
def test_a_removed_entry_is_found(position: int) -> None:
    entries = a_chain(20)
    del entries[position]
    assert list(faults(entries))


@given(st.integers(0, 18))
def test_two_entries_in_the_wrong_order_are_found(position: int) -> None:
    entries = a_chain(20)
    entries[position], entries[position + 1] = entries[position + 1], entries[position]
    assert list(faults(entries))


@given(
    st.integers(0, 19),
    st.sampled_from(["event", "project", "version", "filename", "sha256", "rule", "reason", "actor_class", "hint"]),
)
def test_an_edited_field_is_found(position: int, field: str) -> None:
    entries = a_chain(20)
    event = replace(entries[position].event, **{field: "forged"})
    entries[position] = replace(entries[position], event=event)
    assert list(faults(entries)) == [f"Entry {position + 1} was altered: its contents do not give its hash."]


def test_an_edit_with_a_fresh_hash_breaks_the_next_link() -> None:
    entries = a_chain(5)
    forged = replace(entries[2].event, reason="forged")
    entries[2] = chain(3, AT, forged, entries[2].previous)
    assert list(faults(entries)) == [
        f"Entry 4 does not continue entry 3: it covers hash {entries[3].previous[:12]}…, not {entries[2].hash[:12]}…."
    ]


def test_a_changed_moment_is_found() -> None:
    entries = a_chain(3)
    entries[1] = replace(entries[1], at=AT.replace(microsecond=1))
    assert list(faults(entries))
