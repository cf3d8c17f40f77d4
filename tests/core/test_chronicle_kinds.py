"""Every event of the journal is in one heap, so that whoever filters by all heaps misses none."""

from __future__ import annotations

import pytest

from affineur.core.history.chronicle_kinds import KINDS, events_of, kind_of
from affineur.core.history.chronicle_words import EVENTS


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_in_a_heap_of_its_own_kind(event: str) -> None:
    assert kind_of(event) != "other"
    assert [kind for kind in KINDS if event in events_of(kind)] == [kind_of(event)]


def test_a_heap_has_all_levels_of_what_it_is_about() -> None:
    levels = ("Project", "Release", "File")
    assert {f"{level}{verb}" for level in levels for verb in ("Quarantined", "Cleared")} <= set(events_of("held"))


def test_one_event_can_be_asked_for_and_what_is_unknown_is_nothing() -> None:
    assert events_of("FileYanked") == ("FileYanked",)
    assert events_of("cheese") == events_of("") == ()
    assert kind_of("ProjectRipened") == kind_of("") == "other"
