"""The table of acts: every act from every standing, by every kind of actor, and what the journal adds up to."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.access import SYSTEM, Actor, Resource, may
from affineur.core.history.fold import PROJECT_DEFAULTS, Folded
from affineur.core.history.journal import Event
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import HOLDING, TRANSITIONS, WHOLE, Act, Dimension, Place, Said
from affineur.core.life.standing import Hold, Replacement, Standing
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, StepUp

BRIE = NormalizedName("brie")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OLD = NOW - timedelta(days=100)
STRONG = Posture(frozenset({"passkey"}), True, stepped_up=StepUp(NOW, "passkey"))
OWNER = Actor(1, "olga", posture=STRONG)
PLACES = (WHOLE, Place("1.0"), Place("1.0", "brie-1.0.tar.gz"))
ACTS: tuple[Act, ...] = tuple(TRANSITIONS)
CHANGING: tuple[Act, ...] = tuple(act for act in ACTS if TRANSITIONS[act].dimension != "yank")
STANDINGS = [
    Standing(
        maintenance, "m", OLD, advice, "a", OLD, (Replacement("feta"),) if advice == "deprecated" else (), wish=wish,
        impact=impact, holds=holds,
    )
    for maintenance, advice, wish, impact, holds in product(
        ("active", "finished", "archived"),
        ("none", "deprecated"),
        ("none", "handoff"),
        (None, "C4"),
        (
            (),
            (Hold("quarantined", since=OLD, reason="h"),),
            (Hold("condemned", since=OLD),),
            (Hold("quarantined", "upstream", since=OLD),),
            (Hold("quarantined", version="1.0"), Hold("withheld", version="1.0", filename="brie-1.0.tar.gz")),
        ),
    )
]  # type: ignore[misc]  # fmt: skip

# What issue and domain model say, written down once more by hand: act -> (dimension, from where, to where, who).
BY_HAND: dict[Act, tuple[Dimension, set[str], set[str]]] = {
    "archive": ("maintenance", {"active", "finished", "archived"}, {"owner", "operator"}),
    "unarchive": ("maintenance", {"archived"}, {"owner", "operator"}),
    "finish": ("maintenance", {"active"}, {"owner", "operator"}),
    "resume": ("maintenance", {"finished"}, {"owner", "operator"}),
    "deprecate": ("advice", {"none", "deprecated"}, {"owner", "operator"}),
    "undeprecate": ("advice", {"deprecated"}, {"owner", "operator"}),
    "wish": ("wish", {"none", "help", "handoff", "adopt", "no-transfer"}, {"owner", "operator"}),
    "reclassify": ("impact", {"unknown", "C0", "C1", "C2", "C3", "C4"}, {"operator"}),
    "quarantine": ("safety", {"clear", "quarantined"}, {"moderator", "operator"}),
    "clear": ("safety", {"quarantined", "condemned"}, {"moderator", "operator"}),
    "condemn": ("safety", {"quarantined"}, {"moderator", "operator"}),
    "withhold": ("availability", {"available", "withheld"}, {"owner", "moderator", "operator"}),
    "unwithhold": ("availability", {"withheld"}, {"owner", "moderator", "operator"}),
    "yank": ("yank", {"available", "yanked"}, {"owner", "maintainer", "operator"}),
    "unyank": ("yank", {"available", "yanked"}, {"owner", "maintainer", "operator"}),
}
ROLES = ("owner", "maintainer", "none", "operator", "moderator", "auditor", "publisher", "machine")


def said_with(act: Act) -> Said:
    value = {"wish": "help", "reclassify": "C3"}.get(act)
    code = {"yank": "broken"}.get(act, "malware" if act in HOLDING else None)
    return Said("why", code=code, value=value, replacements=(Replacement("gouda"),) if act == "deprecate" else ())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ACTS)
def test_every_state_times_every_event_times_every_role(act: Act, role: str) -> None:
    dimension, sources, allowed = BY_HAND[act]
    office = role if role in ("operator", "moderator", "auditor") else None
    kind = {"publisher": "publisher", "machine": "automation"}.get(role, "person")
    actor = replace(OWNER, office=office, kind=kind, projects=frozenset({BRIE}) if kind == "publisher" else None)  # type: ignore[arg-type]
    resource = Resource(
        BRIE, role=role if role in ("owner", "maintainer") else "maintainer" if role == "machine" else None
    )
    by_machine = role in ("machine", "publisher") and act in ("yank", "unyank")
    assert may(actor, TRANSITIONS[act].action, resource, NOW).allowed == (role in allowed or by_machine)
    for standing, place in product(STANDINGS, PLACES):
        edge = lifecycle.possible(BRIE, standing, act, place, said_with(act))
        on_this_level = act in HOLDING or dimension == "yank" or place == WHOLE
        expected = on_this_level and (dimension == "yank" or lifecycle.state(standing, dimension, place) in sources)
        assert edge.allowed == expected, (standing, place)
        if not expected:
            legal = edge.facts["legal"]
            assert edge.rule == "lifecycle.transition"
            assert legal == lifecycle.legal(standing, place)
            assert all(other in edge.sentence for other in legal)  # type: ignore[attr-defined]


@pytest.mark.parametrize("act", CHANGING)
def test_an_act_touches_its_own_dimension_only_and_doing_it_twice_changes_nothing(act: Act) -> None:
    dimension = TRANSITIONS[act].dimension
    own = {
        "safety": {"holds"},
        "availability": {"holds"},
        "maintenance": {"maintenance", "maintenance_reason", "maintenance_since"},
        "advice": {"advice", "advice_reason", "advice_since", "replacements"},
        "impact": {"impact", "impact_since", "impact_basis"},
        "wish": {"wish"},
    }[dimension]
    for before, place in product(STANDINGS, PLACES):
        if not lifecycle.possible(BRIE, before, act, place, said_with(act)).allowed:
            continue
        then = lifecycle.after(before, act, said_with(act), NOW, place)
        touched = {field.name for field in fields(Standing) if getattr(then, field.name) != getattr(before, field.name)}
        assert touched <= own
        target = TRANSITIONS[act].target or said_with(act).value
        assert lifecycle.state(then, dimension, place) == target
        assert lifecycle.after(then, act, said_with(act), NOW + timedelta(days=1), place) == then
        others = {(hold.version, hold.filename, hold.origin, hold.kind) for hold in before.holds}
        assert len(others ^ {(hold.version, hold.filename, hold.origin, hold.kind) for hold in then.holds}) <= 2


@pytest.mark.parametrize(("act", "back"), [("quarantine", "clear"), ("withhold", "unwithhold")])
def test_lifting_a_hold_gives_back_exactly_what_was_before(act: Act, back: Act) -> None:
    for before, place in product(STANDINGS, PLACES):
        if lifecycle.slot(before, TRANSITIONS[act].dimension, place, "ours") is None:
            during = lifecycle.after(before, act, said_with(act), NOW, place)
            assert lifecycle.after(during, back, Said(), NOW, place) == before


def test_archived_survives_quarantine() -> None:
    archived = lifecycle.after(Standing(), "archive", Said("done"), OLD)
    held = lifecycle.after(archived, "quarantine", Said("odd"), NOW)
    assert lifecycle.after(held, "clear", Said(), NOW) == archived


def test_archiving_during_a_quarantine_holds_afterwards() -> None:
    held = lifecycle.after(Standing(), "quarantine", Said("odd"), OLD)
    archived = lifecycle.after(held, "archive", Said("done"), NOW)
    cleared = lifecycle.after(archived, "clear", Said(), NOW)
    assert (cleared.maintenance, cleared.maintenance_since, cleared.holds) == ("archived", NOW, ())


def test_our_hold_and_our_upstreams_are_two() -> None:
    theirs = lifecycle.after(Standing(), "quarantine", Said(origin="upstream"), OLD)
    both = lifecycle.after(theirs, "quarantine", Said("ours, too"), NOW)
    assert len(both.holds) == 2
    assert lifecycle.after(both, "clear", Said(), NOW) == theirs
    assert lifecycle.meant(theirs, "clear", WHOLE, Said()).origin == "upstream"
    assert lifecycle.meant(both, "clear", WHOLE, Said()).origin == "ours"


def test_since_is_the_day_of_the_state_and_not_of_a_new_text() -> None:
    archived = lifecycle.after(Standing(), "archive", Said("done"), OLD)
    reworded = lifecycle.after(archived, "archive", Said("really done"), NOW)
    assert (reworded.maintenance_reason, reworded.maintenance_since) == ("really done", OLD)


@pytest.mark.parametrize("reason", [None, "", " \n\t "])
def test_a_reason_that_says_nothing_is_none(reason: str | None) -> None:
    assert lifecycle.after(Standing(), "archive", Said(reason), NOW).maintenance_reason is None


def test_a_reason_becomes_one_printable_line() -> None:
    said = lifecycle.after(Standing(), "archive", Said("a\x1b[31m\nb" + "x" * 300), NOW).maintenance_reason
    assert said == "a [31m b" + "x" * 191 + "…"


@pytest.mark.parametrize(
    ("act", "said", "rule"),
    [
        ("yank", Said(code="because"), "lifecycle.code"),
        ("quarantine", Said(code="broken"), "lifecycle.code"),
        ("wish", Said(value="money"), "lifecycle.value"),
        ("wish", Said(), "lifecycle.value"),
        ("reclassify", Said(value="unknown"), "lifecycle.value"),
    ],
)
def test_words_that_the_table_does_not_know_are_refused(act: Act, said: Said, rule: str) -> None:
    assert lifecycle.possible(BRIE, Standing(), act, WHOLE, said).rule == rule


ACTS_AND_PLACES = st.lists(
    st.tuples(st.sampled_from(CHANGING), st.sampled_from(PLACES), st.sampled_from(["ours", "upstream"])), max_size=12
)


@given(ACTS_AND_PLACES)
def test_the_journal_adds_up_to_the_standing(acts: list[tuple[Act, Place, str]]) -> None:
    standing, folded = Standing(), Folded()
    for number, (act, place, origin) in enumerate(acts):
        said = replace(said_with(act), reason=f"because of {number}", origin=origin)  # type: ignore[arg-type]
        if not lifecycle.possible(BRIE, standing, act, place, said).allowed:
            continue
        then = lifecycle.after(standing, act, said, NOW, place)
        for event in lifecycle.events(BRIE, standing, then, act, said, OWNER, place):
            assert (event.hint == "hide") == (act in ("quarantine", "condemn", "withhold"))
            folded.apply(event)
        standing = then
    facts = PROJECT_DEFAULTS | {name: getattr(standing, name) for name in PROJECT_DEFAULTS if hasattr(standing, name)}
    assert list(folded.differences("brie", facts)) == []
    held = [("brie", hold.version, hold.filename, hold.origin, hold.kind) for hold in standing.holds]
    assert folded.hold_differences(held) == ([], [])
    wrong = facts | {"maintenance_reason": "forged"}
    assert next(folded.differences("brie", wrong))[0] == "maintenance_reason"
    assert folded.hold_differences([*held, ("brie", "9", None, "ours", "quarantined")])[0]


def test_holds_of_old_entries_are_understood() -> None:
    folded = Folded()
    folded.apply(Event("ProjectQuarantined", "brie", new={"safety": "quarantined", "safety_reason": "odd"}))
    assert folded.hold_differences([("brie", None, None, "ours", "quarantined")]) == ([], [])
    folded.apply(Event("ProjectCleared", "brie", new={"safety": "clear", "safety_reason": None}))
    assert folded.hold_differences([]) == ([], [])


def test_yanks_add_up() -> None:
    folded = Folded()
    for name, yanked in (("a", True), ("b", True), ("a", False), ("c", False)):
        folded.apply(Event("FileYanked", "brie", "1", name, new={"yanked": yanked}))
    assert folded.yanked == {"b"}


def test_the_index_itself_may_do_everything() -> None:
    assert all(may(SYSTEM, transition.action, Resource(BRIE), NOW).allowed for transition in TRANSITIONS.values())
