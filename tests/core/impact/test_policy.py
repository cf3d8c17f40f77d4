"""Classes of impact: every limit from both sides, small indexes, hysteresis, decay, jumps, and what is said by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.impact import basis as bases
from affineur.core.impact.explain import Ranks, explain
from affineur.core.impact.policy import (
    CLASSES,
    Facts,
    Numbers,
    Thresholds,
    judge,
    least_of_share,
    measure,
    stays_critical,
    thresholds,
)

DAY = date(2026, 6, 30)
NUMBERS = Numbers()
LIMITS = Thresholds(
    1000, 400, critical=50_000, critical_stays=30_000, high=4_000, reach=300, reach_stays=200, judges_jumps=True
)
USED = Facts("brie", installs_ever=90_000, installs_month=2_000, steady=3_000, last_window=3_000, window_before=3_000)
CRITICAL = replace(USED, steady=50_000, last_window=60_000, window_before=60_000)
WINDOW = bases.downloads(NUMBERS.window_days)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts("brie"), ("C0", bases.EVER)),
        (Facts("brie", installs_ever=99), ("C0", bases.EVER)),
        (Facts("brie", installs_ever=100), ("C1", bases.MONTH)),
        (Facts("brie", installs_ever=0, outside_dependents=1), ("C2", bases.DEPENDENTS)),
        (replace(USED, installs_month=999), ("C1", bases.MONTH)),
        (replace(USED, installs_month=1_000), ("C2", bases.MONTH)),
        (replace(USED, installs_month=999, outside_dependents=1), ("C2", bases.DEPENDENTS)),
        (replace(USED, outside_dependents=10), ("C2", bases.MONTH)),
        (replace(USED, outside_dependents=11), ("C3", bases.DEPENDENTS)),
        (replace(USED, steady=3_999), ("C2", bases.MONTH)),
        (replace(USED, steady=4_000), ("C3", WINDOW)),
        (replace(USED, steady=49_999), ("C3", WINDOW)),
        (replace(USED, steady=50_000), ("C4", WINDOW)),
        (replace(USED, outside_dependents=49, transitive_dependents=300), ("C3", bases.DEPENDENTS)),
        (replace(USED, outside_dependents=50, transitive_dependents=299), ("C3", bases.DEPENDENTS)),
        (replace(USED, outside_dependents=50, transitive_dependents=300), ("C4", bases.DEPENDENTS)),
    ],
)
def test_each_limit_is_where_it_is_said_to_be(facts: Facts, expected: tuple[str, str]) -> None:
    assert measure(facts, LIMITS, NUMBERS) == expected


def test_the_floor_holds_where_the_percentile_is_below_it() -> None:
    low = replace(LIMITS, critical=200, critical_stays=100)
    assert measure(replace(USED, steady=9_999), low, NUMBERS)[0] == "C3"
    assert measure(replace(USED, steady=10_000), low, NUMBERS)[0] == "C4"
    assert measure(replace(USED, steady=150), low, replace(NUMBERS, floor=100))[0] != "C4", "nor the other way round"


@pytest.mark.parametrize(
    ("values", "percent", "least"),
    [
        ([], 1.0, None),
        (list(range(1, 100)), 1.0, None),
        (list(range(1, 101)), 1.0, 100),
        (list(range(1, 200)), 1.0, 199),
        (list(range(1, 201)), 1.0, 199),
        (list(range(1, 1001)), 0.5, 996),
        ([7] * 1000, 1.0, 8),
        ([7] * 995 + [9] * 5, 1.0, 8),
        ([7] * 990 + [9] * 10, 1.0, 9),
        (list(range(1, 1001)), 0.0, None),
        (list(range(1, 11)), 100.0, 1),
    ],
)
def test_a_share_is_never_exceeded_and_equals_are_alike(values: list[int], percent: float, least: int | None) -> None:
    assert least_of_share(values, percent) == least


@given(st.lists(st.integers(1, 50), max_size=400), st.sampled_from([0.5, 1.0, 2.0, 10.0]))
def test_the_top_share_is_as_large_as_it_can_be_without_dividing_equals(values: list[int], percent: float) -> None:
    most = int(len(values) * percent / 100)
    least = least_of_share(values, percent)
    inside = [] if least is None else [each for each in values if each >= least]
    assert len(inside) <= most
    rest = [each for each in values if each not in inside]
    if most and rest:
        assert len(inside) + rest.count(max(rest)) > most


@pytest.mark.parametrize("projects", [1, 3, 9, 99])
def test_a_small_index_has_no_critical_project_by_accident(projects: int) -> None:
    installs = [10_000_000 // (n + 1) for n in range(projects)]
    limits = thresholds(installs, [1000] * projects, NUMBERS, judges_jumps=False)
    found = [replace(USED, steady=each, transitive_dependents=1000, outside_dependents=60) for each in installs]
    assert all(measure(each, limits, NUMBERS)[0] == "C3" for each in found), "dependents make C3 on any index"


def test_exactly_the_share_is_critical() -> None:
    installs = [20_000 + n for n in range(5_000)] + [0] * 10_000
    limits = thresholds(installs, [], NUMBERS, judges_jumps=False)
    critical = [each for each in installs if measure(replace(USED, steady=each), limits, NUMBERS)[0] == "C4"]
    assert len(critical) == 50 and limits.installed == 5_000


def test_a_rise_is_given_at_once_and_the_first_class_as_measured() -> None:
    assert judge(CRITICAL, LIMITS, NUMBERS, DAY).impact == "C4"
    assert judge(replace(CRITICAL, impact="C1", basis=bases.MONTH), LIMITS, NUMBERS, DAY).impact == "C4"


def test_a_critical_project_stays_within_twice_the_share_and_leaves_when_it_was_below_for_half_a_year() -> None:
    was = replace(CRITICAL, impact="C4", basis=WINDOW)
    near = replace(was, steady=30_000)
    assert judge(near, LIMITS, NUMBERS, DAY).impact == "C4" and judge(near, LIMITS, NUMBERS, DAY).below_since is None
    far = replace(was, steady=29_999)
    first = judge(far, LIMITS, NUMBERS, DAY)
    assert (first.impact, first.waits, first.below_since) == ("C4", "decay", DAY)
    for days, expected in ((179, "C4"), (180, "C3")):
        later = replace(far, below_since=DAY)
        assert judge(later, LIMITS, NUMBERS, DAY + timedelta(days=days)).impact == expected
    back = judge(replace(near, below_since=DAY), LIMITS, NUMBERS, DAY + timedelta(days=100))
    assert back.below_since is None, "whoever comes back begins anew"


def test_any_other_class_falls_after_two_monthly_runs() -> None:
    was = replace(USED, installs_month=10, impact="C3", basis=WINDOW)
    first = judge(was, LIMITS, NUMBERS, DAY)
    assert (first.impact, first.below_since) == ("C3", DAY)
    assert judge(replace(was, below_since=DAY), LIMITS, NUMBERS, DAY + timedelta(days=27)).impact == "C3"
    second = judge(replace(was, below_since=DAY), LIMITS, NUMBERS, DAY + timedelta(days=28))
    assert (second.impact, second.basis, second.waits) == ("C1", bases.MONTH, None)


def test_a_project_that_nobody_uses_any_more_decays_to_what_its_past_leaves_it() -> None:
    facts, day, seen = replace(CRITICAL, impact="C4", basis=WINDOW), DAY, []
    gone = {"installs_month": 0, "steady": 0, "last_window": 0, "window_before": 0}
    facts = replace(facts, **gone)  # type: ignore[arg-type]
    for _ in range(9):
        verdict = judge(facts, LIMITS, NUMBERS, day)
        seen.append(verdict.impact)
        facts = replace(facts, impact=verdict.impact, basis=verdict.basis, below_since=verdict.below_since)
        day += timedelta(days=30)
    assert seen == ["C4"] * 6 + ["C1"] * 3


def test_installs_that_leapt_wait_for_somebody_to_look_or_until_they_last() -> None:
    leapt = replace(CRITICAL, window_before=11_999)
    verdict = judge(leapt, LIMITS, NUMBERS, DAY)
    assert (verdict.impact, verdict.measured, verdict.waits) == ("C2", "C4", "jump")
    assert judge(replace(leapt, window_before=12_000), LIMITS, NUMBERS, DAY).impact == "C4", "five times is no leap"
    assert judge(replace(leapt, impact="C3", basis=bases.DEPENDENTS), LIMITS, NUMBERS, DAY).impact == "C3"
    accepted = replace(leapt, impact="C4", basis=WINDOW)
    assert judge(accepted, LIMITS, NUMBERS, DAY).waits is None, "an operator who looked has said so"
    lasted = replace(leapt, window_before=leapt.last_window)
    assert judge(replace(lasted, impact="C2", basis=bases.MONTH), LIMITS, NUMBERS, DAY).impact == "C4"
    unknown = replace(LIMITS, judges_jumps=False)
    assert judge(replace(leapt, window_before=0), unknown, NUMBERS, DAY).impact == "C4", "nothing was counted before"


def test_what_dependents_make_is_no_leap() -> None:
    leapt = replace(CRITICAL, window_before=0, outside_dependents=20)
    verdict = judge(leapt, LIMITS, NUMBERS, DAY)
    assert (verdict.impact, verdict.basis, verdict.waits) == ("C3", bases.DEPENDENTS, "jump")


@pytest.mark.parametrize("said", [None, bases.BY_HAND, "the board decided so"])
def test_what_was_said_by_hand_stays_until_it_is_left_to_a_run(said: str | None) -> None:
    by_hand = replace(CRITICAL, impact="C1", basis=said)
    verdict = judge(by_hand, LIMITS, NUMBERS, DAY)
    assert (verdict.impact, verdict.basis, verdict.waits, verdict.measured) == ("C1", said, "by-hand", "C4")
    assert judge(replace(by_hand, basis=bases.TO_MEASURE), LIMITS, NUMBERS, DAY).impact == "C4"


def test_what_stays_keeps_what_it_was_given_by() -> None:
    same = replace(USED, impact="C2", basis=bases.DEPENDENTS)
    assert judge(same, LIMITS, NUMBERS, DAY).basis == bases.DEPENDENTS, "or the journal would tell of it every month"
    assert judge(replace(same, basis=bases.TO_MEASURE), LIMITS, NUMBERS, DAY).basis == bases.MONTH


_any = st.builds(
    Facts,
    project=st.just("brie"),
    installs_ever=st.integers(0, 200_000),
    installs_month=st.integers(0, 5_000),
    steady=st.integers(0, 100_000),
    last_window=st.integers(0, 100_000),
    window_before=st.integers(0, 100_000),
    outside_dependents=st.integers(0, 80),
    transitive_dependents=st.integers(0, 500),
    impact=st.sampled_from([None, *CLASSES]),
    basis=st.sampled_from([None, bases.MONTH, WINDOW, bases.DEPENDENTS, bases.TO_MEASURE, "by-hand"]),
    below_since=st.sampled_from([None, DAY - timedelta(days=30), DAY - timedelta(days=200)]),
)


_facts = _any.map(lambda facts: replace(facts, installs_ever=facts.installs_ever + facts.installs_month))


@given(_facts, st.integers(0, 100_000))
def test_nobody_is_brought_down_by_what_is_added(facts: Facts, more: int) -> None:
    """Whoever wants a rival's class lower can add installs and dependents, and neither lowers it."""
    with_more = replace(facts, installs_ever=facts.installs_ever + more, installs_month=facts.installs_month + more,
                        steady=facts.steady + more, outside_dependents=facts.outside_dependents + more // 1000,
                        transitive_dependents=facts.transitive_dependents + more // 1000)  # fmt: skip
    ranks = [CLASSES.index(measure(each, LIMITS, NUMBERS)[0]) for each in (facts, with_more)]
    assert ranks[0] <= ranks[1]


@given(_facts)
def test_a_run_right_after_changes_nothing_more(facts: Facts) -> None:
    first = judge(facts, LIMITS, NUMBERS, DAY)
    after = replace(facts, impact=first.impact, basis=first.basis, below_since=first.below_since)
    again = judge(after, LIMITS, NUMBERS, DAY)
    assert (again.impact, again.below_since) == (first.impact, first.below_since)
    if first.measured == first.impact:
        assert again.basis == first.basis


@given(_facts)
def test_an_explanation_names_a_number_for_every_class_and_the_reason_where_it_waits(facts: Facts) -> None:
    told = explain(7, DAY, facts, LIMITS, NUMBERS, Ranks(3, 4))
    assert told.impact == judge(facts, LIMITS, NUMBERS, DAY).impact
    assert (told.decisive is None) == (told.verdict.measured == "C0")
    if told.verdict.waits:
        assert told.waits is not None and told.waits.sentence
    if told.verdict.measured == "C4":
        assert told.decisive is not None and told.decisive.rule.startswith("impact.critical")
    assert all(each.window and each.source and each.counts for each in told.numbers)


def test_an_explanation_says_filter_window_source_and_rank() -> None:
    told = explain(7, DAY, CRITICAL, LIMITS, NUMBERS, Ranks(3, None))
    assert told.decisive is not None
    assert told.decisive.sentence == "Steady installs: 50,000 (limit 50,000, rank 3 of 1,000)"
    assert "installers only" in told.decisive.counts and "at most 100 times a day" in told.decisive.counts
    assert told.decisive.window == "2026-01-02 to 2026-06-30"
    assert stays_critical(CRITICAL, LIMITS, NUMBERS)
