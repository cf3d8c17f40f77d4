"""Reporters: records, trust and weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.moderation.reporters import (
    NEWCOMER,
    REPORTS,
    REPORTS_TRUSTED,
    Record,
    is_trusted,
    limits,
    record_of,
    weight,
)

NUMBERS = st.integers(0, 20)


@pytest.mark.parametrize(
    ("upheld", "dismissed", "expected"),
    [
        (0, 0, 0.625),
        (1, 0, 0.833),
        (2, 0, 0.9375),
        (3, 0, 1.0),
        (20, 0, 1.0),
        (0, 1, 0.417),
        (0, 3, 0.25),
        (0, 4, 0.0),
        (1, 7, 0.25),
        (1, 8, 0.0),
        (0, 20, 0.0),
    ],
)
def test_a_report_weighs_what_earlier_ones_were_worth(upheld: int, dismissed: int, expected: float) -> None:
    assert weight(Record(upheld, dismissed)) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("upheld", "dismissed", "trusted"),
    [
        (0, 0, True),
        (0, 4, True),  # too few to judge by
        (0, 5, False),
        (3, 2, False),
        (4, 1, True),
        (5, 1, True),
        (15, 5, True),
        (14, 6, False),
    ],
)
def test_trust_lasts_as_long_as_the_record_bears_it(upheld: int, dismissed: int, trusted: bool) -> None:
    assert is_trusted(Record(upheld, dismissed, marked_trusted=True)) is trusted
    assert not is_trusted(Record(upheld, dismissed))


def test_a_stolen_account_with_a_thousand_right_reports_loses_trust_with_the_sixth_false_one() -> None:
    trusted = [is_trusted(record_of(["dismissed"] * n + ["upheld"] * 1000, marked_trusted=True)) for n in range(21)]
    assert trusted == [True] * 6 + [False] * 15


def test_only_recent_reports_are_remembered() -> None:
    assert record_of(["upheld"] * 20 + ["dismissed"] * 500) == Record(20, 0)
    assert record_of([]) == NEWCOMER


def test_trusted_reporters_may_report_more_in_the_same_windows() -> None:
    assert limits(Record(marked_trusted=True)) == REPORTS_TRUSTED
    assert limits(NEWCOMER) == limits(Record(0, 5, marked_trusted=True)) == REPORTS
    assert [limit.key("7") for limit in REPORTS] == [limit.key("7") for limit in REPORTS_TRUSTED]


@given(NUMBERS, NUMBERS, st.booleans())
def test_being_right_never_costs_weight_and_being_wrong_never_gives_any(up: int, down: int, marked: bool) -> None:
    here = weight(Record(up, down, marked))
    assert 0 <= here <= 1
    assert weight(Record(up, down)) <= here <= weight(Record(up, down, marked_trusted=True))
    if not marked:  # with the fifth decision trust is looked at for the first time
        assert weight(Record(up, down + 1)) <= here <= weight(Record(up + 1, down))
