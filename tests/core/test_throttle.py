"""Throttling: counters, windows and their boundaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.people import throttle
from affineur.core.people.throttle import Counted, Limit, admit, admit_all, after, network

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMIT = Limit("sign-in-account", 10, timedelta(minutes=5))
SECOND = timedelta(seconds=1)
ALL = [
    limit
    for value in vars(throttle).values()
    if isinstance(value, tuple)
    for limit in value
    if isinstance(limit, Limit)
]


@pytest.mark.parametrize(
    ("count", "age", "allowed", "retry_after_seconds"),
    [
        (0, timedelta(0), True, None),
        (9, timedelta(0), True, None),
        (10, timedelta(0), False, 300),
        (11, timedelta(minutes=1), False, 240),
        (10, timedelta(minutes=4, seconds=59), False, 1),
        (10, timedelta(minutes=4, seconds=59, microseconds=999_999), False, 1),
        (10, timedelta(minutes=5), True, None),
        (10, timedelta(minutes=5, seconds=1), True, None),
        (10**6, timedelta(days=400), True, None),
        (10, -SECOND, False, 301),  # the clock of another node is a second ahead
        (10, timedelta(days=-400), True, None),  # a clock that was wrong locks nobody out for a year
    ],
)
def test_a_window_admits_so_many_and_says_when_again(
    count: int, age: timedelta, allowed: bool, retry_after_seconds: int | None
) -> None:
    decision = admit(LIMIT, Counted(count, NOW - age), NOW)
    assert decision.allowed is allowed
    assert decision.rule == "throttle.sign-in-account"
    assert decision.facts.get("retry_after_seconds") == retry_after_seconds
    assert allowed or "Try again in" in decision.sentence


def test_nothing_counted_is_admitted() -> None:
    assert admit(LIMIT, None, NOW).allowed


@pytest.mark.parametrize("limit", ALL, ids=lambda limit: limit.key("x"))
def test_every_limit_admits_its_attempts_and_not_one_more(limit: Limit) -> None:
    counted: Counted | None = None
    for _ in range(limit.attempts):
        assert admit(limit, counted, NOW).allowed
        counted = after(limit, counted, NOW)
    assert not admit(limit, counted, NOW).allowed
    assert admit(limit, counted, NOW + limit.window).allowed
    assert limit.window <= throttle.LONGEST_WINDOW


def test_counting_goes_on_in_a_window_and_begins_anew_after_it() -> None:
    first = after(LIMIT, None, NOW)
    assert first == Counted(1, NOW)
    assert after(LIMIT, first, NOW + timedelta(minutes=4, seconds=59)) == Counted(2, NOW)
    later = NOW + timedelta(minutes=5)
    assert after(LIMIT, Counted(99, NOW), later) == Counted(1, later)


def test_of_several_refusals_the_one_that_lasts_longest_is_told() -> None:
    day = Limit("second-factor", 50, timedelta(days=1))
    full = [(LIMIT, Counted(10, NOW)), (day, Counted(50, NOW)), (LIMIT, None)]
    decision = admit_all(full, NOW)
    assert decision.rule == "throttle.second-factor"
    assert decision.facts["retry_after_seconds"] == 86400
    assert "1 day." in decision.sentence
    assert admit_all([(LIMIT, None), (day, Counted(49, NOW))], NOW).allowed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (121, "3 minutes"), (3600, "1 hour"), (86400, "1 day")],
)
def test_a_wait_is_said_in_words_and_never_too_short(seconds: int, words: str) -> None:
    decision = admit(Limit("relay", 1, timedelta(seconds=seconds)), Counted(1, NOW), NOW)
    assert f"Try again in {words}." in decision.ways_out


def test_a_guesser_cannot_lock_out_a_device_that_the_account_knows() -> None:
    strangers = {key for _, key in throttle.sign_in(7, "ada", "192.0.2.1", None)}
    at_home = {key for _, key in throttle.sign_in(7, "ada", "192.0.2.1", "device-1")}
    other_device = {key for _, key in throttle.sign_in(7, "ada", "192.0.2.1", "device-2")}
    assert at_home and not at_home & strangers
    assert not at_home & other_device


def test_guesses_at_one_account_count_together_wherever_they_come_from() -> None:
    one = {key for _, key in throttle.sign_in(7, "ada", "192.0.2.1", None)}
    two = {key for _, key in throttle.sign_in(7, "ada@example.org", "198.51.100.9", None)}
    assert len(one & two) == len(throttle.SIGN_IN_ACCOUNT)


def test_guesses_from_one_address_count_together_whichever_account_they_are_at() -> None:
    one = {key for _, key in throttle.sign_in(7, "ada", "192.0.2.1", None)}
    two = {key for _, key in throttle.sign_in(8, "bob", "192.0.2.1", None)}
    assert len(one & two) == len(throttle.SIGN_IN_ADDRESS)


def test_a_name_that_nobody_has_is_counted_like_one_that_somebody_has() -> None:
    known = throttle.sign_in(7, "ada", "192.0.2.1", None)
    unknown = throttle.sign_in(None, "eve", "192.0.2.1", None)
    assert [limit for limit, _ in known] == [limit for limit, _ in unknown]
    assert unknown == throttle.sign_in(None, "EVE", "192.0.2.1", "a device that belongs to nobody")


def test_a_key_is_short_and_holds_no_address_whatever_is_typed() -> None:
    key = LIMIT.key("address", "192.0.2.1")
    assert "192.0.2.1" not in key
    assert len(LIMIT.key("typed", "\ud800" * 10**5)) <= 80
    assert LIMIT.key("a", "b") != LIMIT.key("ab", "")
    assert len({limit.key("x") for limit in ALL}) == len(ALL) - 0


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_one_household(address: str, counted_as: str) -> None:
    assert network(address) == counted_as
