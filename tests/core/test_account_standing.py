"""How an account stands: one sentence that agrees with what is enforced, to the second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.people.account_standing import Facts, standing
from affineur.core.people.second_factor import MANAGEMENT_WAITS, PUBLISHING_WAITS, Posture, on_the_ladder

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WELL = Facts(
    posture=Posture(factors=frozenset({"passkey"}), required=True),
    has_verified_address=True,
    unverified=(),
    roles=1,
    factors=2,
    suspended=(),
    removals=(),
    codes_left=10,
    recovery_due_at=None,
)
LATE = replace(WELL, posture=Posture(required=True, ladder_from=BEGAN), factors=0, codes_left=0)


def words(facts: Facts, now: datetime = BEGAN) -> list[str]:
    return [lack.word for lack in standing(facts, now).lacks]


def test_who_lacks_nothing_is_told_so_in_one_sentence() -> None:
    found = standing(WELL, BEGAN)
    assert (found.sentence, found.lacks) == ("Nothing is missing: everything your roles allow works.", ())
    assert found.is_whole


@pytest.mark.parametrize("after", [timedelta(0), MANAGEMENT_WAITS - SECOND, MANAGEMENT_WAITS,
                                   PUBLISHING_WAITS - SECOND, PUBLISHING_WAITS])  # fmt: skip
def test_what_is_said_to_be_paused_is_what_is_paused(after: timedelta) -> None:
    now = BEGAN + after
    said = standing(LATE, now).sentence
    managing, publishing = (on_the_ladder(LATE.posture, act, now).allowed for act in ("manage", "publish"))
    assert said.startswith("Your account has no second factor.")
    assert ("managing projects pauses" in said) == managing
    assert ("Managing projects is paused, publishing will be in" in said) == (not managing and publishing)
    assert ("Managing and publishing are paused" in said) == (not publishing)
    assert not standing(LATE, now).is_whole


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(0), "In 90 days managing"),
        (timedelta(days=89, hours=23, minutes=59), "In 1 day managing"),
        (timedelta(days=90), "publishing will be in 90 days"),
        (timedelta(days=179, hours=23, minutes=59), "publishing will be in 1 day;"),
    ],
)
def test_days_that_are_left_are_counted_up(after: timedelta, said: str) -> None:
    assert said in standing(LATE, BEGAN + after).sentence


def test_with_the_setting_off_nothing_is_missing() -> None:
    off = replace(LATE, posture=replace(LATE.posture, required=False))
    assert words(off, BEGAN + PUBLISHING_WAITS) == []


def test_somebody_without_a_role_is_told_what_the_first_one_takes() -> None:
    new = replace(LATE, roles=0, posture=Posture(required=True))
    assert "before you add one" in standing(new, BEGAN).sentence


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"codes_left": 4}, []),
        ({"codes_left": 3}, ["codes"]),
        ({"codes_left": 0}, ["codes"]),
        ({"factors": 1}, ["spare"]),
        ({"posture": Posture(factors=frozenset({"totp"}))}, ["passkey"]),
        ({"suspended": ("blue",)}, ["suspended"]),
        ({"removals": (("blue", BEGAN),)}, ["removal"]),
        ({"recovery_due_at": BEGAN}, ["recovery"]),
        ({"unverified": ("new@example.org",)}, ["address"]),
        ({"has_verified_address": False}, ["address"]),
        ({"posture": Posture(factors=frozenset({"passkey"}), frozen=True)}, ["frozen"]),
    ],
)
def test_each_thing_that_is_missing_is_named(change: dict[str, object], expected: list[str]) -> None:
    assert words(replace(WELL, **change)) == expected  # type: ignore[arg-type]


def test_the_most_pressing_comes_first() -> None:
    facts = replace(LATE, unverified=("new@example.org",), recovery_due_at=BEGAN)
    found = standing(facts, BEGAN + PUBLISHING_WAITS)
    assert [lack.weight for lack in found.lacks] == ["stops", "soon", "advice"]


def test_good_advice_alone_leaves_an_account_whole() -> None:
    assert standing(replace(WELL, factors=1, codes_left=1), BEGAN).is_whole
    assert "You have 1 recovery code left." in standing(replace(WELL, codes_left=1), BEGAN).sentence
