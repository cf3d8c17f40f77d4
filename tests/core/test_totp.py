"""TOTP: the vectors of the standard, the window, and codes that are good once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from affineur.core.people import totp

SECRET = totp.new_secret(b"12345678901234567890")
STEP = 37_037_036


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    # RFC 6238 appendix B, SHA-1, the last six of its eight digits.
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp.accepts(SECRET, code, at(seconds), None) == seconds // 30


@pytest.mark.parametrize(
    ("seconds", "accepted"),
    [
        (-60.001, False),
        (-30.001, False),
        (-30, True),
        (-0.001, True),
        (0, True),
        (29.999, True),
        (59.999, True),
        (60, False),
    ],
)
def test_a_code_is_good_from_one_step_before_its_own_to_one_after(seconds: float, accepted: bool) -> None:
    assert STEP == 1_111_111_109 // 30
    step = totp.accepts(SECRET, "081804", at(STEP * 30) + timedelta(seconds=seconds), None)
    assert step == (STEP if accepted else None)


@pytest.mark.parametrize(("last_step", "accepted"), [(None, True), (STEP - 1, True), (STEP, False), (STEP + 1, False)])
def test_a_code_is_never_good_twice_nor_after_a_later_one(last_step: int | None, accepted: bool) -> None:
    assert totp.accepts(SECRET, "081804", at(1_111_111_109), last_step) == (STEP if accepted else None)


@pytest.mark.parametrize(
    ("typed", "accepted"),
    [
        ("081804", True),
        ("081 804", True),
        (" 08 18\u00a004 ", True),
        ("081-804", True),
        ("081805", False),
        ("81804", False),
        ("0081804", False),
        ("", False),
        ("08180a", False),
        ("٠٨١٨٠٤", False),
        ("081804" + " " * 100, False),
        ("0" * 10**6, False),
    ],
)
def test_a_code_may_be_typed_as_apps_show_it(typed: str, accepted: bool) -> None:
    assert (totp.accepts(SECRET, typed, at(1_111_111_109), None) is not None) is accepted


def test_another_secret_has_other_codes() -> None:
    assert totp.accepts(totp.new_secret(bytes(20)), "081804", at(1_111_111_109), None) is None


def test_the_first_half_minute_of_time_has_codes_too() -> None:
    assert totp.accepts(SECRET, "755224", at(0), None) == 0  # RFC 4226 appendix D, counter 0


@pytest.mark.parametrize("length", [0, 19, 21])
def test_a_secret_is_made_of_twenty_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="20 random bytes"):
        totp.new_secret(bytes(length))


def test_an_app_is_told_index_account_and_secret() -> None:
    parts = urlsplit(totp.provisioning_uri(SECRET, "ada lovelace", "Cheese: a shop"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Cheese  a shop:ada lovelace"
    assert parse_qs(parts.query) == {"secret": [SECRET], "issuer": ["Cheese  a shop"]}


def test_a_secret_can_be_typed() -> None:
    assert totp.spoken_secret(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
