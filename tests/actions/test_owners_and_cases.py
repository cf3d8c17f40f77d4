"""What owners withhold and give back decides nothing for moderators: neither reports, nor cases, nor their holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions.bench_of_moderators import BRIE, LATER, index_with_brie, sent, someone, standing, told_of

from affineur.actions.hold import hold
from affineur.actions.moderate import take
from affineur.core.decision import Refused
from affineur.core.lifecycle import Place, Said
from affineur.shell.index import Index
from affineur.shell.store import cases, reports

SECRET = Said("a key", "secret")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with index_with_brie(tmp_path / "data") as opened:
        yield opened


def withhold_and_give_back(index: Index, verdict: str | None = None) -> str:
    number = hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), SECRET).case
    later = someone(index, "olga", LATER + timedelta(hours=1))
    hold(index, later, "restore", BRIE, Place("1.0"), verdict=verdict)  # type: ignore[arg-type]
    return number or ""


def is_open(index: Index, number: str) -> bool:
    with index.store.read() as connection:
        found = cases.find(connection, number)
    assert found is not None
    return found.closed_at is None


@pytest.mark.parametrize("verdict", [None, "upheld", "dismissed"])
def test_an_owner_ends_no_case_in_which_somebody_reported(index: Index, verdict: str | None) -> None:
    rita = someone(index, "rita")
    number = told_of(index, rita).case
    assert withhold_and_give_back(index, verdict) == number
    assert is_open(index, number)
    assert sent(index, "report-decided") == []
    with index.store.read() as connection:
        assert reports.record(connection, rita.actor.account_id or 0).upheld == 0
        assert [each.verdict for each in reports.in_case(connection, 1)] == [None]


def test_an_owner_ends_no_case_that_a_moderator_took(index: Index) -> None:
    number = hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), SECRET).case or ""
    take(index, someone(index, "mo"), number)
    hold(index, someone(index, "olga"), "restore", BRIE, Place("1.0"))
    assert is_open(index, number)


def test_a_case_of_owners_alone_ends_with_them_and_is_no_review(index: Index) -> None:
    assert not is_open(index, withhold_and_give_back(index))
    with index.store.read() as connection:
        assert reports._reviewed_at(connection, 1) is None


def test_an_owner_does_not_say_why_the_moderators_withhold(index: Index) -> None:
    hold(index, someone(index, "mo"), "withhold", BRIE, Place("1.0"), Said("By order of a court", "legal"))
    with pytest.raises(Refused) as refused:
        hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), SECRET)
    assert refused.value.decision.rule == "lifecycle.withhold"
    assert standing(index).holds[0].reason == "By order of a court"


def test_what_the_moderators_withhold_too_is_not_the_owners_to_give_back(index: Index) -> None:
    hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), SECRET)
    hold(index, someone(index, "mo"), "withhold", BRIE, Place("1.0"), Said("By order of a court", "legal"))
    with pytest.raises(Refused) as refused:
        hold(index, someone(index, "olga"), "restore", BRIE, Place("1.0"))
    assert refused.value.decision.rule == "lifecycle.restore"
