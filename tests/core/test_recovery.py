"""Recovery: codes that can be typed, waits, and who may vouch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.people import recovery
from affineur.core.people.recovery import (
    Recovery,
    Voucher,
    code_digest,
    may_complete,
    may_vouch,
    normalize_code,
    recovery_wait,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR, DAY, INSTANT = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


@given(st.binary(min_size=150, max_size=150))
def test_codes_keep_all_their_randomness_and_can_be_typed(randomness: bytes) -> None:
    codes = recovery.new_codes(randomness)
    assert len(codes) == 10
    numbers = []
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4] * 6
        plain = normalize_code(code)
        assert plain is not None
        numbers.append(sum(recovery._ALPHABET.index(each) << 5 * place for place, each in enumerate(reversed(plain))))
    assert b"".join(number.to_bytes(15, "big") for number in numbers) == randomness


@pytest.mark.parametrize("length", [0, 149, 151])
def test_codes_are_made_of_as_much_randomness_as_they_say(length: int) -> None:
    with pytest.raises(ValueError, match="150 random bytes"):
        recovery.new_codes(bytes(length))


CODE = "k7xq-9m2p-t3hd-0vwe-1rcs-8zj4"


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.upper(),
        CODE.replace("-", ""),
        CODE.replace("-", " "),
        f"  {CODE}\n",
        CODE.replace("0", "O"),
        CODE.replace("1", "l"),
        CODE.replace("1", "I"),
    ],
)
def test_a_code_is_read_as_it_was_meant(typed: str) -> None:
    assert code_digest(7, typed) == code_digest(7, CODE)


@pytest.mark.parametrize("typed", ["", CODE[:-1], CODE + "a", CODE.replace("k", "u"), "é" * 24, "a" * 10**6, "\0" * 24])
def test_what_cannot_be_a_code_has_no_digest(typed: str) -> None:
    assert normalize_code(typed) is None
    assert code_digest(7, typed) is None


def test_a_digest_is_of_one_account_and_one_code() -> None:
    other = CODE.replace("k", "j")
    assert len({code_digest(7, CODE), code_digest(8, CODE), code_digest(7, other)}) == 3
    assert CODE.replace("-", "") not in str(code_digest(7, CODE))


def opened(knows_password: bool = True, vouchers: int = 0, operator: bool = False) -> Recovery:
    return Recovery(NOW, knows_password, vouchers, operator)


@pytest.mark.parametrize(
    ("facts", "wait"),
    [
        (opened(), 7 * DAY),
        (opened(vouchers=1), 72 * HOUR),
        (opened(vouchers=2), 24 * HOUR),
        (opened(vouchers=9), 24 * HOUR),
        (opened(operator=True), 24 * HOUR),
        (opened(vouchers=2, operator=True), 24 * HOUR),
        (opened(False), 14 * DAY),
        (opened(False, vouchers=1), 7 * DAY),
        (opened(False, vouchers=2), 72 * HOUR),
        (opened(False, operator=True), 72 * HOUR),
        (opened(False, vouchers=2, operator=True), 72 * HOUR),
    ],
)
def test_a_recovery_waits_the_longer_the_less_is_proven(facts: Recovery, wait: timedelta) -> None:
    assert recovery_wait(facts) == wait


def test_no_recovery_waits_less_than_a_day_nor_less_for_less() -> None:
    for password, vouchers, operator in product((True, False), range(5), (True, False)):
        facts = opened(password, vouchers, operator)
        assert 24 * HOUR <= recovery_wait(facts) <= 14 * DAY
        assert recovery_wait(facts) >= recovery_wait(replace(facts, knows_password=True))
        assert recovery_wait(facts) >= recovery_wait(replace(facts, vouchers=vouchers + 1))
        assert recovery_wait(facts) >= recovery_wait(replace(facts, operator_vouches=True))


@pytest.mark.parametrize(
    ("after", "rule"),
    [
        (timedelta(0), "recovery.wait"),
        (7 * DAY - INSTANT, "recovery.wait"),
        (7 * DAY, "recovery"),
        (37 * DAY - INSTANT, "recovery"),
        (37 * DAY, "recovery.expired"),
    ],
)
def test_a_recovery_can_be_completed_after_its_wait_and_for_thirty_days(after: timedelta, rule: str) -> None:
    decision = may_complete(opened(), NOW + after)
    assert decision.rule == rule
    assert decision.allowed == (rule == "recovery")


def test_a_wait_says_until_when_and_what_shortens_it() -> None:
    decision = may_complete(opened(), NOW + 7 * DAY - INSTANT)
    assert decision.facts["until"] == NOW + 7 * DAY
    assert decision.facts["retry_after_seconds"] == 1
    assert "2026-11-29 12:00 UTC" in decision.sentence
    assert "vouch" in decision.sentence


def test_a_cancelled_recovery_is_never_completed() -> None:
    decision = may_complete(replace(opened(), cancelled=True), NOW + 8 * DAY)
    assert decision.rule == "recovery.cancelled"


FRIEND = Voucher(False, True, True, NOW - 30 * DAY, False, None)


@pytest.mark.parametrize(
    ("voucher", "allowed"),
    [
        (FRIEND, True),
        (replace(FRIEND, owner_together_since=NOW - 30 * DAY + INSTANT), False),
        (replace(FRIEND, owner_together_since=None), False),
        (replace(FRIEND, recovered_at=NOW - 30 * DAY), True),
        (replace(FRIEND, recovered_at=NOW - 30 * DAY + INSTANT), False),
        (replace(FRIEND, has_second_factor=False), False),
        (replace(FRIEND, is_human=False), False),
        (replace(FRIEND, is_same_person=True), False),
    ],
)
def test_a_voucher_is_another_person_of_standing(voucher: Voucher, allowed: bool) -> None:
    decision = may_vouch(voucher, NOW)
    assert decision.allowed is allowed
    assert decision.rule == "recovery.vouch"
