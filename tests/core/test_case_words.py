"""Cases in words: limits between units, counts of ages, and what waits for a second moderator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.moderation.case_words import ages, due, is_overdue, proposed, span
from affineur.core.moderation.cases import proposal
from affineur.core.names import parse_name

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-1), "0 minutes"),
        (timedelta(seconds=119), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(length: timedelta, said: str) -> None:
    assert span(length) == said


def test_what_is_due_now_is_overdue() -> None:
    assert due(None, NOW) == "nothing due"
    assert not is_overdue(None, NOW)
    assert due(NOW + timedelta(hours=4), NOW) == "due in 4 hours"
    assert due(NOW, NOW) == "overdue by 0 minutes"
    assert due(NOW - timedelta(days=3), NOW) == "overdue by 3 days"


def test_the_accounts_of_owners_are_counted_by_age() -> None:
    week, months = timedelta(days=7), timedelta(days=90)
    assert ages([], NOW) == "nobody"
    assert ages([NOW], NOW) == "1 account: 1 younger than a week"
    since = [NOW - week + timedelta(seconds=1), NOW - week, NOW - months, NOW - 20 * months]
    assert ages(since, NOW) == "4 accounts: 1 younger than a week, 1 younger than 90 days, 2 older"


def test_a_proposal_names_exactly_what_it_is_about() -> None:
    brie = parse_name("brie")
    assert proposed(brie, proposal("condemn")) == "condemn project 'brie'"
    assert proposed(brie, proposal("condemn", "1.1")) == "condemn release 1.1 of project 'brie'"
    wanted = proposal("condemn", "1.1", "brie-1.1.tar.gz")
    assert proposed(brie, wanted) == "condemn file 'brie-1.1.tar.gz' of project 'brie'"
