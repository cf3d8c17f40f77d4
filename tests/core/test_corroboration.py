"""Corroboration: the table of row by row what is held without a moderator, and people who try to abuse it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.life.standing import Impact
from affineur.core.moderation import corroboration
from affineur.core.moderation.corroboration import (
    BREAKER_PER_HOUR,
    Facts,
    Verdict,
    automatic,
    distinct_votes,
    in_review,
    score,
)
from affineur.core.moderation.reporters import NEWCOMER, Outcome, Record, record_of, weight
from affineur.core.moderation.reports import Filed, Kind, State
from affineur.core.names import NormalizedName
from affineur.core.versions import CanonicalVersion

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
TRUSTED = Record(marked_trusted=True)
LIAR = Record(0, 4)
NEW, OLD = CanonicalVersion("2.0"), CanonicalVersion("1.0")

_ids = count(1)


def report(
    account_id: int | None,
    version: str | None = None,
    *,
    network: str | None = "",
    kind: Kind = "malware",
    state: State = "open",
    filed_at: datetime = NOW,
) -> Filed:
    """A report; without ``network`` from one of the account's own."""
    release = None if version is None else CanonicalVersion(version)
    where = f"net of {account_id}" if network == "" else network
    return Filed(next(_ids), kind, NormalizedName("x"), release, account_id, where, filed_at, state)


def facts(
    *reports: Filed,
    trusted: Iterable[int] = (),
    liars: Iterable[int] = (),
    age: timedelta = 400 * DAY,
    impact: Impact | None = "C1",
    releases: dict[CanonicalVersion, timedelta] | None = None,
    **more: object,
) -> Facts:
    """Facts of a project ``age`` old, with a release of that age and one of a day, or ``releases`` by their age."""
    ages = releases if releases is not None else {OLD: age, NEW: min(age, DAY)}
    records = {**dict.fromkeys(trusted, TRUSTED), **dict.fromkeys(liars, LIAR)}
    found = Facts(NOW, NOW - age, {version: NOW - each for version, each in ages.items()}, reports, records, impact)
    return replace(found, **more)  # type: ignore[arg-type]


def outcome(verdict: Verdict) -> tuple[str, str, tuple[str, ...]]:
    return verdict.hold, verdict.decision.rule, verdict.releases


PROJECT = ("project", "hold.automatic", ())
RELEASE = ("releases", "hold.automatic", ("2.0",))


def nothing(rule: str) -> tuple[str, str, tuple[str, ...]]:
    return "none", f"hold.{rule}", ()


# Account 1 is trusted in all rows, 2 as well where it says so; 8 and 9 are newcomers.
@pytest.mark.parametrize(
    ("reports", "more", "expected"),
    [
        # One trusted reporter, by the age of the project
        ([report(1)], {"age": 24 * HOUR - SECOND}, PROJECT),
        ([report(1)], {"age": 24 * HOUR}, nothing("corroboration")),
        ([report(1)], {"age": 24 * HOUR + SECOND}, nothing("corroboration")),
        ([report(1)], {"age": HOUR, "impact": None}, PROJECT),
        ([report(1)], {"age": 24 * HOUR, "impact": None}, nothing("corroboration")),
        ([report(8)], {"age": HOUR}, nothing("corroboration")),
        ([report(8), report(9)], {"age": HOUR}, nothing("corroboration")),
        # Two votes, one of them trusted
        ([report(1), report(8)], {}, PROJECT),
        ([report(1, "1.0"), report(8, "2.0")], {"impact": "C2"}, PROJECT),
        ([report(1), report(2)], {"trusted": [1, 2], "impact": "C0"}, PROJECT),
        ([report(8), report(9)], {}, nothing("corroboration")),
        ([report(1), report(1, "2.0")], {}, nothing("corroboration")),
        ([report(1, network="a"), report(8, network="a")], {}, nothing("corroboration")),
        ([report(1, network=None), report(8, network=None)], {}, nothing("corroboration")),
        ([report(1, network=None), report(8)], {}, PROJECT),
        ([report(1), report(8)], {"liars": [8]}, nothing("corroboration")),
        ([report(1), report(None)], {}, nothing("corroboration")),
        # Malware, and open, only
        ([report(1, kind="spam")], {"age": HOUR}, nothing("nothing")),
        ([report(1), report(8, kind="spam")], {}, nothing("corroboration")),
        ([report(1, kind="spam"), report(8)], {}, nothing("corroboration")),
        ([report(1, kind="look-alike"), report(2, kind="other")], {"trusted": [1, 2]}, nothing("nothing")),
        ([report(1), report(8, state="dismissed")], {}, nothing("corroboration")),
        ([report(1, state="upheld"), report(8, state="upheld")], {}, nothing("nothing")),
        # Widely used, or nobody knows: the named release, while it is young
        ([report(1, "2.0"), report(8, "2.0")], {"impact": "C3"}, RELEASE),
        ([report(1, "2.0"), report(8, "2.0")], {"impact": "C4"}, RELEASE),
        ([report(1, "2.0"), report(8, "2.0")], {"impact": None}, RELEASE),
        ([report(1, "2.0"), report(8)], {"impact": "C4"}, RELEASE),
        ([report(1), report(8, "2.0")], {"impact": "C4"}, nothing("widely-used")),
        ([report(1, "2.0"), report(8, "1.0")], {"impact": "C4"}, nothing("widely-used")),
        ([report(1), report(2)], {"impact": "C4", "trusted": [1, 2]}, nothing("widely-used")),
        ([report(1, "1.0"), report(2, "1.0")], {"impact": "C4", "trusted": [1, 2]}, nothing("widely-used")),
        ([report(1, "3.0"), report(2, "3.0")], {"impact": "C4", "trusted": [1, 2]}, nothing("widely-used")),
        ([report(1, "2.0")], {"impact": "C4"}, nothing("corroboration")),
        ([report(1, "2.0"), report(8)], {"impact": "C4", "releases": {NEW: 7 * DAY - SECOND}}, RELEASE),
        ([report(1, "2.0"), report(8)], {"impact": "C4", "releases": {NEW: 7 * DAY}}, nothing("widely-used")),
        ([report(1, "2.0")], {"impact": "C4", "age": HOUR}, RELEASE),
        # What is held already, and what was looked at
        ([report(1), report(8)], {"held": True}, nothing("nothing")),
        ([report(1, "2.0"), report(8)], {"impact": "C4", "held_releases": frozenset({NEW})}, nothing("nothing")),
        ([report(1), report(8)], {"releases": {}}, nothing("nothing")),
        ([report(1), report(8)], {"reviewed_at": NOW}, nothing("nothing")),
        ([report(1), report(8)], {"reviewed_at": NOW - SECOND}, PROJECT),
        ([report(1, filed_at=NOW - DAY), report(8)], {"reviewed_at": NOW - HOUR}, nothing("corroboration")),
        # The breaker
        ([report(1), report(8)], {"holds_last_hour": BREAKER_PER_HOUR - 1}, PROJECT),
        ([report(1), report(8)], {"holds_last_hour": BREAKER_PER_HOUR}, nothing("breaker")),
        ([report(1)], {"age": HOUR, "holds_last_hour": BREAKER_PER_HOUR}, nothing("breaker")),
        ([], {}, nothing("nothing")),
    ],
)
def test_what_is_held_without_a_moderator(
    reports: list[Filed], more: dict[str, object], expected: tuple[str, str, tuple[str, ...]]
) -> None:
    verdict = automatic(facts(*reports, **{"trusted": [1], **more}))  # type: ignore[arg-type]
    assert outcome(verdict) == expected
    assert verdict.decision.allowed is (verdict.hold != "none")
    assert verdict.decision.reason.endswith(".")
    assert verdict.page is (verdict.decision.rule in ("hold.automatic", "hold.widely-used", "hold.breaker"))
    assert (verdict.review_due_at is None) is (verdict.hold == "none")


@pytest.mark.parametrize(
    ("impact", "age", "hours"),
    [("C0", 400 * DAY, 24), ("C2", 400 * DAY, 24), ("C3", 400 * DAY, 4), (None, 400 * DAY, 4), (None, HOUR, 24)],
)
def test_the_review_is_due_sooner_where_more_people_are_hit(impact: Impact | None, age: timedelta, hours: int) -> None:
    verdict = automatic(facts(report(1, "2.0"), report(8, "2.0"), trusted=[1], impact=impact, age=age))
    assert verdict.review_due_at == NOW + hours * HOUR


def test_a_verdict_names_the_reports_and_the_votes_it_rests_on() -> None:
    reports = [report(1), report(8), report(9, network="net of 8"), report(3, kind="spam")]
    verdict = automatic(facts(*reports, trusted=[1]))
    assert verdict.reports == tuple(sorted(each.id for each in reports[:3]))
    assert verdict.decision.facts == {"reports": 3, "votes": 2, "trusted_votes": 1, "quorum": 2}


def test_an_empty_project_that_waited_is_as_new_as_its_first_file() -> None:
    assert outcome(automatic(facts(report(1), trusted=[1], age=HOUR, impact=None, releases={NEW: HOUR}))) == PROJECT


# Votes and score


@pytest.mark.parametrize(
    ("pairs", "votes"),
    [
        ([], 0),
        ([(1, "a"), (2, "b")], 2),
        ([(n, "a") for n in range(50)], 1),
        ([(1, f"net {n}") for n in range(50)], 1),
        ([(1, "a"), (1, "b"), (2, "a")], 2),  # 1 votes from b
        ([(1, "a"), (2, "a"), (2, "b"), (3, "b"), (3, "c")], 3),
        ([(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")], 2),
        ([(n, f"net {n % 7}") for n in range(300)], 7),
    ],
)
def test_an_account_and_a_network_have_one_vote_each(pairs: list[tuple[int, str]], votes: int) -> None:
    assert len(distinct_votes([report(account, network=network) for account, network in pairs])) == votes


def test_the_weightier_account_speaks_for_its_network() -> None:
    reports = [report(1, network="a"), report(2, network="a"), report(3, network="a")]
    assert distinct_votes(reports, {1: Record(3, 0), 2: TRUSTED, 3: Record(20, 0)}) == {2}


@pytest.mark.parametrize(
    ("records", "expected", "reviewed"),
    [
        ([NEWCOMER], 0.625, False),
        ([NEWCOMER, NEWCOMER], 1.25, True),
        ([Record(3, 0)], 1.0, True),
        ([Record(0, 1), Record(0, 1)], 5 / 6, False),
        ([TRUSTED], 1.0, True),
        ([LIAR] * 100, 0.0, False),
        ([Record(0, 5, marked_trusted=True)], 0.0, False),
    ],
)
def test_a_project_is_in_review_from_one_full_vote_on(records: list[Record], expected: float, reviewed: bool) -> None:
    reports = [report(n, kind="spam") for n in range(len(records))]
    known = dict(enumerate(records))
    assert score(reports, known) == pytest.approx(expected)
    assert in_review(reports, known) is reviewed


def test_reports_that_were_decided_count_no_longer() -> None:
    assert score([report(1, state="dismissed"), report(2, state="upheld")]) == 0


# People who try


@pytest.mark.parametrize("age", [HOUR, 400 * DAY])
@pytest.mark.parametrize("impact", ["C0", "C4", None])
def test_a_flood_of_500_newcomers_hides_nothing_and_calls_nobody(age: timedelta, impact: Impact | None) -> None:
    flood = [report(n, "2.0") for n in range(1000, 1500)]
    verdict = automatic(facts(*flood, age=age, impact=impact))
    assert outcome(verdict) == nothing("corroboration")
    assert not verdict.page
    assert verdict.decision.facts["votes"] == 500


def test_50_accounts_in_one_network_are_one_voice() -> None:
    puppets = [report(n, network="a") for n in range(50)]
    assert score(puppets) == weight(NEWCOMER)
    assert not in_review(puppets)
    # … even with a trusted reporter next door
    assert outcome(automatic(facts(*puppets, report(99, network="a"), trusted=[99]))) == nothing("corroboration")


def test_reporting_again_and_again_is_one_voice() -> None:
    stubborn = [report(8, version, network=f"net {n}") for n, version in enumerate(["1.0", "2.0", None] * 20)]
    assert score(stubborn) == weight(NEWCOMER)
    assert outcome(automatic(facts(*stubborn, trusted=[1]))) == nothing("corroboration")


def test_reporting_from_anothers_network_silences_nobody() -> None:
    honest = [report(1, network="a"), report(2, network="b")]
    bridging = [report(66, network=network) for network in ("a", "b")]
    assert outcome(automatic(facts(*honest, *bridging, trusted=[1, 2]))) == PROJECT


def test_a_trusted_reporter_gone_bad_is_stopped_by_the_breaker_and_then_by_the_record() -> None:
    outcomes: list[Outcome] = ["upheld"] * 20
    held, hour = 0, 0
    for _ in range(100):  # with a puppet of its own, project after project, all within an hour
        records = {1: record_of(outcomes, marked_trusted=True)}
        verdict = automatic(facts(report(1), report(8), records=records, holds_last_hour=hour))
        held, hour = held + (verdict.hold != "none"), hour + (verdict.hold != "none")
    assert held == BREAKER_PER_HOUR
    assert verdict.decision.rule == "hold.breaker" and verdict.page
    outcomes = ["dismissed"] * held + outcomes  # moderators undo them, one by one
    later = facts(report(1), report(8), records={1: record_of(outcomes, marked_trusted=True)})
    assert outcome(automatic(later)) == nothing("corroboration")


def test_a_stolen_trusted_account_cannot_take_a_widely_used_project_away() -> None:
    everything = [report(account, version) for account in (1, 2, 8) for version in (None, "1.0", "2.0")]
    verdict = automatic(facts(*everything, trusted=[1, 2], impact="C4", releases={OLD: 400 * DAY, NEW: 30 * DAY}))
    assert outcome(verdict) == nothing("widely-used")


def test_two_newcomers_cannot_choose_which_release_a_trusted_reporter_meant() -> None:
    other = CanonicalVersion("2.1")
    reports = [report(1, "2.0"), report(8, "2.1"), report(9, "2.1"), report(10)]
    found = facts(*reports, trusted=[1], impact="C3", releases={NEW: DAY, other: DAY})
    assert automatic(found).releases == ("2.0",)


def test_in_a_flood_a_search_that_failed_is_not_made_again() -> None:
    class Counted(dict[int, set[str | None]]):
        asked = 0

        def __getitem__(self, account: int) -> set[str | None]:
            self.asked += 1
            return super().__getitem__(account)

    # 2,000 accounts share 1,000 networks in a ring: at worst one search through all of it, not a thousand.
    networks = Counted({n: {f"net {n % 1000}", f"net {(n + 1) % 1000}"} for n in range(2000)})
    holder: dict[str | None, int] = {}
    exhausted: set[str | None] = set()
    votes = sum(corroboration._find_network(account, networks, holder, exhausted) for account in range(2000))
    assert votes == 1000
    assert networks.asked < 20_000


# Properties

ACCOUNTS = st.integers(0, 5)
RECORDS = st.dictionaries(ACCOUNTS, st.builds(Record, st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=6)
FILED = st.builds(
    report,
    ACCOUNTS | st.none(),
    st.sampled_from(["1.0", "2.0", "2.1", "9", None]),
    network=st.sampled_from(["a", "b", "c", None]),
    kind=st.sampled_from(["malware", "malware", "spam"]),
    state=st.sampled_from(["open", "open", "dismissed"]),
)
REPORTS = st.lists(FILED, max_size=8)
SITUATIONS = st.builds(
    lambda reports, records, age, impact, holds: replace(
        facts(*reports, age=age, impact=impact, releases={OLD: age, NEW: min(age, DAY), CanonicalVersion("2.1"): HOUR}),
        records=records,
        holds_last_hour=holds,
    ),
    REPORTS,
    RECORDS,
    st.sampled_from([2 * HOUR, 30 * HOUR, 400 * DAY]),
    st.sampled_from(["C0", "C2", "C3", "C4", None]),
    st.sampled_from([0, 0, 0, BREAKER_PER_HOUR]),
)


def hidden(verdict: Verdict) -> set[str]:
    return {"1.0", "2.0", "2.1", "project"} if verdict.hold == "project" else set(verdict.releases)


def trusted_in(found: Facts) -> set[int]:
    return {account for account, record in found.records.items() if corroboration.is_trusted(record)}


@given(SITUATIONS)
def test_without_a_trusted_report_nothing_is_ever_held(found: Facts) -> None:
    untrusted = [each for each in found.reports if each.account_id not in trusted_in(found)]
    verdict = automatic(replace(found, reports=untrusted))
    assert verdict.hold == "none" and not verdict.page


@given(SITUATIONS)
def test_untrusted_reports_add_nothing_to_what_two_trusted_ones_hold(found: Facts) -> None:
    trusted = [report(100, "2.0"), report(101, "2.0")]
    known = {account: record for account, record in found.records.items() if account not in trusted_in(found)}
    alone = replace(found, reports=trusted, records={**known, 100: TRUSTED, 101: TRUSTED})
    crowded = automatic(replace(alone, reports=[*trusted, *found.reports]))
    expected = automatic(alone)
    assert (crowded.hold, crowded.releases, crowded.page) == (expected.hold, expected.releases, expected.page)


@given(SITUATIONS, st.data())
def test_the_order_of_reports_never_matters(found: Facts, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(list(found.reports)))
    assert automatic(replace(found, reports=shuffled)) == automatic(found)
    assert score(shuffled, found.records) == score(found.reports, found.records)
    assert distinct_votes(shuffled, found.records) == distinct_votes(found.reports, found.records)


@given(SITUATIONS, ACCOUNTS)
def test_more_trust_never_hides_less(found: Facts, account: int) -> None:
    believed = replace(found, records={**found.records, account: TRUSTED})
    assert hidden(automatic(found)) <= hidden(automatic(believed))
    assert score(found.reports, found.records) <= score(found.reports, believed.records)


@given(SITUATIONS, FILED)
def test_another_report_never_hides_less(found: Facts, another: Filed) -> None:
    with_it = replace(found, reports=[*found.reports, another])
    assert hidden(automatic(found)) <= hidden(automatic(with_it))
    assert score(found.reports, found.records) <= score(with_it.reports, found.records)


@given(SITUATIONS)
def test_a_widely_used_project_never_disappears_whole_nor_an_old_release(found: Facts) -> None:
    verdict = automatic(found)
    assert corroboration.is_widely_used(found.impact, found.first_file_at, NOW) <= (verdict.hold != "project")
    assert all(NOW - found.releases[version] < corroboration.NEW_RELEASE for version in verdict.releases)
    assert all(
        any(each.version == version and each.account_id in trusted_in(found) for each in found.reports)
        for version in verdict.releases
    )


@given(REPORTS, RECORDS)
def test_votes_are_as_many_as_can_be_told_apart(reports: list[Filed], records: dict[int, Record]) -> None:
    """Against trying every choice of a network for each account."""
    choices: list[dict[str | None, float]] = [{}]
    for account in {each.account_id for each in reports}:
        value = 0.0 if account is None else weight(records.get(account, NEWCOMER))
        if value == 0:
            continue
        networks = {each.network for each in reports if each.account_id == account}
        choices += [{**taken, network: value} for taken in choices for network in networks - taken.keys()]
    votes = distinct_votes(reports, records)
    assert len(votes) == max(len(taken) for taken in choices)
    total = sum(weight(records.get(account, NEWCOMER)) for account in votes)
    assert total == pytest.approx(max(sum(taken.values()) for taken in choices))
