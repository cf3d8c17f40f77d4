"""What owners withhold and give back decides nothing for moderators: neither reports, nor cases, nor their holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions.bench_of_moderators import BRIE, LATER, index_with_brie, sent, someone, standing, told_of, trusted

from affineur.actions.hold import hold
from affineur.actions.moderate import take
from affineur.core.decision import Refused
from affineur.core.life.lifecycle import Place, Said
from affineur.core.moderation.reporters import Outcome
from affineur.shell.index import Index
from affineur.shell.store import cases, projects, reports
from affineur.web.pages.account.appeals import _objections

SECRET = Said("a key", "secret")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with index_with_brie(tmp_path / "data") as opened:
        yield opened


def withheld(index: Index) -> str:
    return hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), SECRET).case or ""


def given_back(index: Index, verdict: Outcome | None = None) -> None:
    later = someone(index, "olga", LATER + timedelta(hours=1))
    hold(index, later, "unwithhold", BRIE, Place("1.0"), verdict=verdict)


def is_open(index: Index, number: str) -> bool:
    with index.store.read() as connection:
        found = cases.find(connection, number)
    assert found is not None
    return found.closed_at is None


@pytest.mark.parametrize("verdict", [None, "upheld", "dismissed"])
def test_an_owner_ends_no_case_in_which_somebody_reported(index: Index, verdict: Outcome | None) -> None:
    number = withheld(index)
    rita = someone(index, "rita")
    assert told_of(index, rita).case == number
    given_back(index, verdict)
    assert is_open(index, number)
    assert sent(index, "report-decided") == []
    with index.store.read() as connection:
        assert reports.record(connection, rita.actor.account_id or 0).upheld == 0
        assert [each.verdict for each in reports.in_case(connection, 1)] == [None]


def test_an_owner_ends_no_case_that_a_moderator_took(index: Index) -> None:
    number = withheld(index)
    take(index, someone(index, "mo"), number)
    given_back(index)
    assert is_open(index, number)


def test_a_case_of_owners_alone_ends_with_them_and_is_no_review(index: Index) -> None:
    number = withheld(index)
    given_back(index)
    assert not is_open(index, number)
    with index.store.read() as connection:
        assert reports._reviewed_at(connection, 1) is None


def test_who_withholds_does_not_learn_that_somebody_reported(index: Index) -> None:
    reported = told_of(index, someone(index, "rita")).case
    own = withheld(index)
    assert own != reported
    # What comes later belongs to the case that the moderators have, although the other one is newer.
    assert told_of(index, someone(index, "rolf")).case == reported
    given_back(index)
    assert (is_open(index, reported), is_open(index, own)) == (True, False)


def test_what_is_reported_later_is_not_shown_beside_what_owners_withhold(index: Index) -> None:
    number = withheld(index)
    assert told_of(index, someone(index, "rita")).case == number
    olga = someone(index, "olga")

    def shown() -> list[str]:
        with index.store.read() as connection:
            found = projects.find(connection, BRIE)
            assert found is not None
            return [each.number for each in _objections(connection, found, olga, [])]  # type: ignore[arg-type]

    assert shown() == []
    hold(index, someone(index, "mo"), "quarantine", BRIE, Place("1.1"))
    assert shown() == [number]


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
        hold(index, someone(index, "olga"), "unwithhold", BRIE, Place("1.0"))
    assert refused.value.decision.rule == "lifecycle.unwithhold"


def test_withholding_a_release_does_not_keep_the_index_from_holding_it(index: Index) -> None:
    withheld(index)
    told_of(index, trusted(index, "rita"), "1.0")
    assert told_of(index, someone(index, "rolf"), "1.0").held
    given_back(index)
    assert [(one.kind, one.version) for one in standing(index).holds] == [("quarantined", "1.0")]


def test_owners_write_nothing_into_a_case(index: Index) -> None:
    said = Said("a key", "secret", evidence="The analysis: all is well.")
    hold(index, someone(index, "olga"), "withhold", BRIE, Place("1.0"), said)
    with index.store.read() as connection:
        assert cases.notes(connection, 1) == []
