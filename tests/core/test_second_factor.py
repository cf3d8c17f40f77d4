"""The second factor: the ladder's days, the age and strength of proofs, and how long taking one away takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from affineur.core.people.second_factor import (
    FactorKind,
    Posture,
    Proof,
    StepUp,
    Strength,
    days_left,
    first_role,
    on_the_ladder,
    removal_waits,
    strong_enough,
)

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
KEY: frozenset[FactorKind] = frozenset({"passkey"})
APP: frozenset[FactorKind] = frozenset({"totp"})
NONE: frozenset[FactorKind] = frozenset()


@pytest.mark.parametrize(
    ("factors", "required", "late"), [(NONE, True, True), (NONE, False, False), (KEY, True, False), (APP, True, False)]
)
def test_who_must_have_a_factor_and_has_none_comes_to_no_first_role(
    factors: frozenset[FactorKind], required: bool, late: bool
) -> None:
    posture = Posture(factors, required)
    assert posture.is_late == late
    assert first_role(posture).allowed == (not late)


@pytest.mark.parametrize(
    ("act", "since", "allowed"),
    [
        ("manage", None, True),
        ("manage", 0 * DAY, True),
        ("manage", 90 * DAY - SECOND, True),
        ("manage", 90 * DAY, False),
        ("manage", 900 * DAY, False),
        ("publish", None, True),
        ("publish", 90 * DAY, True),
        ("publish", 180 * DAY - SECOND, True),
        ("publish", 180 * DAY, False),
    ],
)
def test_the_ladder_pauses_to_the_second(
    act: Literal["manage", "publish"], since: timedelta | None, allowed: bool
) -> None:
    begun = None if since is None else NOW - since
    decision = on_the_ladder(Posture(NONE, True, begun), act, NOW)
    assert decision.allowed == allowed
    assert decision.rule == f"factor.{act}"
    assert allowed or f"{NOW:%Y}" in decision.reason or "20" in decision.reason
    assert on_the_ladder(Posture(APP, True, begun), act, NOW).allowed, "any factor ends the pause"
    assert on_the_ladder(Posture(NONE, False, begun), act, NOW).allowed, "where none is required none is missing"


@pytest.mark.parametrize(
    ("since", "left"),
    [
        (0 * DAY, ("manage", 90)),
        (SECOND, ("manage", 90)),
        (30 * DAY, ("manage", 60)),
        (89 * DAY, ("manage", 1)),
        (90 * DAY - SECOND, ("manage", 1)),
        (90 * DAY, ("publish", 90)),
        (173 * DAY, ("publish", 7)),
        (180 * DAY - SECOND, ("publish", 1)),
        (180 * DAY, None),
        (500 * DAY, None),
    ],
)
def test_the_days_left_are_counted_to_the_next_pause(since: timedelta, left: tuple[str, int] | None) -> None:
    assert days_left(NOW - since, NOW) == left


PROOFS: list[tuple[frozenset[FactorKind], Proof, timedelta | None, bool, bool]] = [
    # factors, proof, how long the device is known, enough as a proof, enough as a strong one
    (KEY, "passkey", None, True, True),
    (KEY, "passkey", 0 * DAY, True, True),
    (APP, "totp", None, True, False),
    (APP, "totp", 0 * DAY, True, False),
    (APP, "totp", DAY - SECOND, True, False),
    (APP, "totp", DAY, True, True),
    (APP, "recovery", 90 * DAY, True, False),
    (APP, "password", 90 * DAY, False, False),
    (KEY, "company", 90 * DAY, False, False),
    (NONE, "password", None, True, True),  # nothing stronger is there to ask for
    (NONE, "company", None, True, True),
]


@pytest.mark.parametrize(("factors", "proof", "known_for", "enough", "strong"), PROOFS)
@pytest.mark.parametrize(
    ("age", "fresh"), [(0 * DAY, True), (timedelta(minutes=5), True), (timedelta(minutes=5) + SECOND, False)]
)
def test_a_proof_is_good_for_five_minutes_and_for_what_it_is_worth(
    factors: frozenset[FactorKind], proof: Proof, known_for: timedelta | None, enough: bool, strong: bool,
    age: timedelta, fresh: bool,
) -> None:  # fmt: skip
    given = NOW - age
    posture = Posture(factors, True, stepped_up=StepUp(given, proof, None if known_for is None else given - known_for))
    assert strong_enough(posture, "proof", NOW).allowed == (fresh and enough)
    assert strong_enough(posture, "strong", NOW).allowed == (fresh and strong)
    assert strong_enough(posture, "none", NOW).allowed


@pytest.mark.parametrize("asked", ["proof", "strong"])
def test_a_refusal_for_want_of_a_proof_says_which_one_is_asked_for(asked: Strength) -> None:
    decision = strong_enough(Posture(KEY, True), asked, NOW)
    assert (decision.allowed, decision.rule) == (False, "access.step-up")
    assert decision.facts["strength"] == asked
    assert decision.facts["limit_minutes"] == 5


def test_a_code_on_a_new_device_is_told_what_would_be_stronger() -> None:
    decision = strong_enough(Posture(APP, True, stepped_up=StepUp(NOW, "totp", NOW)), "strong", NOW)
    assert decision.rule == "access.strong"
    assert "passkey" in decision.sentence


@pytest.mark.parametrize(
    ("removed", "remaining", "waits_hours"),
    [
        ("passkey", NONE, 72),
        ("passkey", APP, 72),
        ("passkey", KEY, 0),
        ("totp", NONE, 72),
        ("totp", KEY, 0),
        ("totp", APP, 0),
        ("passkey", KEY | APP, 0),
    ],
)
def test_taking_a_protection_away_takes_three_days_unless_one_as_strong_stays(
    removed: FactorKind, remaining: frozenset[FactorKind], waits_hours: int
) -> None:
    assert removal_waits(removed, remaining) == timedelta(hours=waits_hours)
