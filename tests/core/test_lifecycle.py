"""The table of acts: every act from every standing, by every kind of actor, and what the journal adds up to."""

from __future__ import annotations

import itertools
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from affineur.core.access import SYSTEM, Actor, Resource, may
from affineur.core.fold import PROJECT_DEFAULTS, Folded
from affineur.core.journal import Event
from affineur.core.lifecycle import TRANSITIONS, Act, changes, event
from affineur.core.names import NormalizedName
from affineur.core.second_factor import Posture, StepUp
from affineur.core.standing import Standing

BRIE = NormalizedName("brie")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWNER = Actor(1, "olga", posture=Posture(frozenset({"passkey"}), True, stepped_up=StepUp(NOW, "passkey")))
STANDINGS = [
    Standing(maintenance, mr, advice, ar, safety, sr)  # type: ignore[arg-type]
    for (maintenance, mr), (advice, ar), (safety, sr) in itertools.product(
        (("active", None), ("archived", None), ("archived", "done")),
        (("none", None), ("deprecated", "use feta")),
        (("clear", None), ("quarantined", "malware?")),
    )
]
ACTS: list[Act] = list(TRANSITIONS)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("before", STANDINGS)
def test_an_act_touches_its_own_dimension_only(act: Act, before: Standing) -> None:
    after = replace(before, **changes(before, act, "why"))  # type: ignore[arg-type]
    transition = TRANSITIONS[act]
    touched = {name for name, value in asdict(after).items() if value != asdict(before)[name]}
    assert touched <= {transition.dimension, f"{transition.dimension}_reason"}
    assert getattr(after, transition.dimension) == transition.value
    assert getattr(after, f"{transition.dimension}_reason") == ("why" if transition.takes_reason else None)
    assert changes(after, act, "why") == {}


@pytest.mark.parametrize(
    ("act", "back"), [("archive", "unarchive"), ("deprecate", "undeprecate"), ("quarantine", "clear")]
)
@pytest.mark.parametrize("before", STANDINGS)
def test_taking_an_act_back_gives_what_was_before_in_every_other_dimension(
    act: Act, back: Act, before: Standing
) -> None:
    if getattr(before, TRANSITIONS[act].dimension) == TRANSITIONS[act].value:
        return
    during = replace(before, **changes(before, act, "why"))  # type: ignore[arg-type]
    assert replace(during, **changes(during, back, None)) == before  # type: ignore[arg-type]


@pytest.mark.parametrize("act", ACTS)
def test_only_operators_hold_and_clear(act: Act) -> None:
    owned = Resource(BRIE, role="owner")
    action = TRANSITIONS[act].action
    assert may(SYSTEM, action, owned, NOW).allowed
    assert may(OWNER, action, owned, NOW).allowed == (act not in ("quarantine", "clear"))
    for office in ("operator", "moderator", "auditor"):
        held = may(replace(OWNER, office=office), action, Resource(BRIE), NOW).allowed  # type: ignore[arg-type]
        holds = act in ("quarantine", "clear")
        assert held == (office == "operator" or (holds and office == "moderator"))


@pytest.mark.parametrize("reason", [None, "", " \n\t "])
def test_a_reason_that_says_nothing_is_none(reason: str | None) -> None:
    assert changes(Standing(), "archive", reason) == {"maintenance": "archived"}


def test_a_reason_becomes_one_printable_line() -> None:
    assert changes(Standing(), "archive", "a\x1b[31m\nb" + "x" * 300)["maintenance_reason"] == (
        "a [31m b" + "x" * 191 + "…"
    )


@pytest.mark.parametrize("acts", list(itertools.permutations(ACTS, 3)))
def test_the_journal_adds_up_to_the_standing(acts: tuple[Act, ...]) -> None:
    standing, folded = Standing(), Folded()
    for act in acts:
        changed = changes(standing, act, f"because of {act}")
        if changed:
            folded.apply(event(BRIE, standing, act, changed, OWNER))
            standing = replace(standing, **changed)  # type: ignore[arg-type]
    facts = PROJECT_DEFAULTS | asdict(standing)
    assert list(folded.differences("brie", facts)) == []
    wrong = facts | {"maintenance_reason": "forged"}
    assert list(folded.differences("brie", wrong)) == [("maintenance_reason", "forged", facts["maintenance_reason"])]


def test_yanks_add_up() -> None:
    folded = Folded()
    for name, yanked in (("a", True), ("b", True), ("a", False), ("c", False)):
        folded.apply(Event("FileYanked", "brie", "1", name, new={"yanked": yanked}))
    assert folded.yanked == {"b"}
