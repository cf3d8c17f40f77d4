"""Vouchers: for whom a campaign is, when it gives, and what a line of codes may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.decision import Refused
from affineur.core.impact.vouchers import (
    LONGEST_CAMPAIGN,
    LONGEST_CODE,
    LONGEST_NAME,
    LONGEST_TITLE,
    MOST_CODES,
    MOST_DAYS,
    Eligible,
    Person,
    described,
    judge,
    may_claim_now,
    parse_eligible,
    phase,
    plain,
    read_codes,
    require_campaign,
    require_region,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ANN = Person(1, "person", False, frozenset(), NOW - 100 * DAY, NOW - 5 * DAY, frozenset({("owner", "C4")}))
KEYS = Eligible(frozenset({"C3", "C4"}), frozenset({"owner"}), "passkey")


def refused_by(call: object, *given: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given)  # type: ignore[operator]
    return refused.value.decision.rule


@pytest.mark.parametrize(
    ("what", "who", "rule"),
    [
        (Eligible(), ANN, None),
        (Eligible(), replace(ANN, holds=frozenset(), seen_at=None), None),
        (Eligible(), replace(ANN, kind="automation"), "voucher.person"),
        (Eligible(), replace(ANN, frozen=True), "voucher.person"),
        (KEYS, ANN, None),
        (KEYS, replace(ANN, holds=frozenset({("owner", "C3")})), None),
        (KEYS, replace(ANN, holds=frozenset({("owner", "C2")})), "voucher.eligible"),
        (KEYS, replace(ANN, holds=frozenset({("owner", None)})), "voucher.eligible"),
        # The class and the role have to be of one and the same project.
        (KEYS, replace(ANN, holds=frozenset({("maintainer", "C4"), ("owner", "C1")})), "voucher.eligible"),
        (KEYS, replace(ANN, holds=frozenset()), "voucher.eligible"),
        (KEYS, replace(ANN, factors=frozenset({"passkey"})), "voucher.eligible"),
        (KEYS, replace(ANN, factors=frozenset({"totp"})), None),
        (Eligible(without="factor"), replace(ANN, factors=frozenset({"totp"})), "voucher.eligible"),
        (Eligible(without="factor"), ANN, None),
        (Eligible(roles=frozenset({"maintainer"})), ANN, "voucher.eligible"),
        (Eligible(classes=frozenset({"C4"})), replace(ANN, holds=frozenset({("maintainer", "C4")})), None),
        (Eligible(account_days=100), ANN, None),
        (Eligible(account_days=100), replace(ANN, created_at=NOW - 100 * DAY + SECOND), "voucher.eligible"),
        (Eligible(seen_days=5), ANN, None),
        (Eligible(seen_days=5), replace(ANN, seen_at=NOW - 5 * DAY - SECOND), "voucher.eligible"),
        (Eligible(seen_days=5), replace(ANN, seen_at=None), "voucher.eligible"),
    ],
)
def test_who_may_claim_is_decided_by_what_the_campaign_asks_for(what: Eligible, who: Person, rule: str | None) -> None:
    decision = judge(what, who, NOW)
    assert (decision.allowed, decision.rule) == (rule is None, rule or "voucher.eligible")


def test_for_whom_a_campaign_is_can_be_read() -> None:
    assert described(Eligible()) == "For everybody with an account."
    assert described(KEYS) == "For owners of projects of class C3, C4, without any passkey or security key."
    both = Eligible(roles=frozenset({"owner", "maintainer"}), account_days=1, seen_days=90)
    assert described(both) == (
        "For owners and maintainers of projects, whose account is at least 1 day old, who signed in within 90 days."
    )


@pytest.mark.parametrize("what", [Eligible(), KEYS, Eligible(account_days=3, seen_days=MOST_DAYS, without="factor")])
def test_eligibility_is_kept_as_plain_values(what: Eligible) -> None:
    assert parse_eligible(plain(what)) == what


@pytest.mark.parametrize(
    "given",
    [
        {"classes": ["C5"]}, {"classes": "C4"}, {"roles": ["operator"]}, {"without": "password"},
        {"account_days": -1}, {"account_days": MOST_DAYS + 1}, {"seen_days": "5"}, {"seen_days": True},
        {"sql": "1=1"},
    ],
)  # fmt: skip
def test_what_does_not_say_who_may_claim_is_refused(given: dict[str, object]) -> None:
    assert refused_by(parse_eligible, given) == "campaign.eligible"


def test_a_campaign_gives_from_its_first_moment_until_its_last() -> None:
    ends = NOW + DAY
    moments = [NOW - SECOND, NOW, ends - SECOND, ends]
    assert [phase(NOW, ends, each) for each in moments] == ["planned", "open", "open", "closed"]
    assert [may_claim_now(NOW, ends, each).allowed for each in moments] == [False, True, True, False]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, None),
        ({"name": "k" * LONGEST_NAME}, None),
        ({"name": "k" * (LONGEST_NAME + 1)}, "campaign.name"),
        ({"name": "Keys"}, "campaign.name"),
        ({"name": "-keys"}, "campaign.name"),
        ({"name": "keys\n"}, "campaign.name"),
        ({"name": "../x"}, "campaign.name"),
        ({"title": ""}, "campaign.text"),
        ({"title": "t" * LONGEST_TITLE}, None),
        ({"title": "t" * (LONGEST_TITLE + 1)}, "campaign.text"),
        ({"title": "two\nlines"}, "campaign.text"),
        ({"text": ""}, "campaign.text"),
        ({"text": "two\n\tlines"}, None),
        ({"text": "a \x1b[31mred"}, "campaign.text"),
        ({"text": "a \u202eturn"}, "campaign.text"),
        ({"opens_at": NOW + DAY}, "campaign.time"),
        ({"opens_at": NOW - 2 * DAY, "closes_at": NOW}, "campaign.time"),
        ({"closes_at": NOW + LONGEST_CAMPAIGN}, None),
        ({"closes_at": NOW + LONGEST_CAMPAIGN + SECOND}, "campaign.time"),
    ],
)
def test_a_campaign_has_a_name_that_fits_words_that_can_be_shown_and_an_end(
    changed: dict[str, object], rule: str | None
) -> None:
    usual: dict[str, object] = {
        "name": "keys", "title": "Security keys", "text": "One each.", "opens_at": NOW, "closes_at": NOW + DAY,
    }  # fmt: skip
    given = (*(usual | changed).values(), NOW)
    if rule is None:
        require_campaign(*given)  # type: ignore[arg-type]
    else:
        assert refused_by(require_campaign, *given) == rule


def test_codes_come_one_a_line_with_a_region_and_a_last_day() -> None:
    read = read_codes("\ufeffAAAA-1\n\n  BBBB-2 , EU ,2026-03-10\r\nCCCC;US\nDDDD\t\t2027-01-31\n", NOW)
    assert [(each.code, each.region) for each in read.codes] == [
        ("AAAA-1", ""), ("BBBB-2", "EU"), ("CCCC", "US"), ("DDDD", ""),
    ]  # fmt: skip
    assert [each.expires_at for each in read.codes] == [
        None, datetime(2026, 3, 11, tzinfo=UTC), None, datetime(2027, 2, 1, tzinfo=UTC),
    ]  # fmt: skip
    assert read.refused == {}


def test_lines_that_are_no_code_are_counted_and_never_repeated() -> None:
    lines = ["GOOD", "GOOD", "two words", "käse", "x" * (LONGEST_CODE + 1), ",EU", "A,EU,31.1.2027"]
    lines += ["A,EU,2027-01-31,?", "OLD,EU,2026-03-09", "LATE,,9999-12-31", "OK,\x00"]
    read = read_codes("\n".join(lines), NOW)
    assert [each.code for each in read.codes] == ["GOOD"]
    assert read.refused == {"repeated": 1, "unfit": 8, "expired": 1}
    assert "GOOD" not in repr(read)
    assert refused_by(read_codes, "x\n" * (MOST_CODES + 1), NOW) == "campaign.codes"


def test_a_region_is_chosen_only_where_there_is_a_choice() -> None:
    assert require_region(None, ["EU"]) == "EU"
    assert require_region("", ["", "EU"]) == ""
    assert refused_by(require_region, None, ["EU", "US"]) == "voucher.region"
    assert refused_by(require_region, "UK", ["EU"]) == "voucher.region"
    assert refused_by(require_region, "EU", []) == "voucher.left"
