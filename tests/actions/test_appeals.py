"""Appeals: who may object, how often, who answers, and what the answer does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions.bench_of_moderators import BRIE, LATER, account, classify, index_with_brie, offered, sent, someone
from tests.actions.bench_of_moderators import told_of as reported

from affineur.actions.appeal import answer, appeal
from affineur.actions.grant import set_role
from affineur.actions.hold import hold
from affineur.actions.moderate import note
from affineur.actions.offices import set_office
from affineur.core.decision import Refused
from affineur.core.life.lifecycle import Place, Said
from affineur.core.moderation.appeals import AT_MOST, TEXT_LIMIT
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import appeals, cases


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with index_with_brie(tmp_path / "data", database) as opened:
        hold(opened, mo(opened), "quarantine", BRIE, said=Said("Looks bad", "malware"))
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Index]:
    with index_with_brie(tmp_path / "data") as opened:
        hold(opened, mo(opened), "quarantine", BRIE, said=Said("Looks bad", "malware"))
        yield opened


def mo(index: Index, hours: float = 0) -> Caller:
    return someone(index, "mo", LATER + timedelta(hours=hours))


def mia(index: Index, hours: float = 1) -> Caller:
    return someone(index, "mia", LATER + timedelta(hours=hours))


def olga(index: Index) -> Caller:
    return someone(index, "olga")


def rule_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.decision.rule


def test_an_owner_appeals_and_another_moderator_lifts_the_hold(index: Index) -> None:
    made = appeal(index, olga(index), BRIE, "It is a test file.\x1b[2J")
    assert made.text == "It is a test file. [2J"
    assert sorted(sent(index, "appeal-filed")) == ["mia", "mo"]
    with index.store.read() as connection:
        case = cases.find(connection, made.case_number)
    assert case is not None and case.review_due_at == LATER + timedelta(days=3)
    done = answer(index, mia(index), made.id, "You are right.", lift=True)
    assert done.outcome == "lifted"
    assert offered(index) == ["1.0", "1.1"]
    assert sent(index, "appeal-answered") == ["olga"]
    assert sent(index, "hold-lifted") == ["olga"]


def test_whoever_placed_the_hold_does_not_answer_where_another_moderator_is(index: Index) -> None:
    made = appeal(index, olga(index), BRIE, "No.")
    with pytest.raises(Refused) as refused:
        answer(index, mo(index), made.id, "Yes.", lift=False)
    assert rule_of(refused) == "appeal.own-decision"
    answer(index, mia(index), made.id, "It reads your keys.", lift=False)
    assert offered(index) == []
    with pytest.raises(Refused) as again:
        answer(index, mia(index), made.id, "It reads your keys.", lift=True)
    assert rule_of(again) == "appeal.answered"


def test_where_there_is_no_other_moderator_the_same_one_answers(small: Index) -> None:
    for name in ("mia", "operator"):
        account_office(small, name)
    made = appeal(small, olga(small), BRIE, "No.")
    assert answer(small, mo(small, 1), made.id, "Right.", lift=True).outcome == "lifted"


def account_office(index: Index, name: str) -> None:
    """Take an office away; of the operator, after another one was made who is not here."""
    if name == "operator":
        account(index, "away")
        set_office(index, console(LATER), "away", "operator")
        from affineur.actions.freeze import freeze

        freeze(index, console(LATER), "away", "away")
    set_office(index, console(LATER), name, None)


def test_one_appeal_waits_at_a_time_and_three_are_the_most(index: Index) -> None:
    for count in range(AT_MOST):
        made = appeal(index, olga(index), BRIE, f"No, {count}.")
        with pytest.raises(Refused) as refused:
            appeal(index, olga(index), BRIE, "And again.")
        assert rule_of(refused) == "appeal.open"
        answer(index, mia(index, count + 1), made.id, "It stays.", lift=False)
    with pytest.raises(Refused) as most:
        appeal(index, olga(index), BRIE, "Once more.")
    assert rule_of(most) == "appeal.most"
    account(index, "otto")
    set_role(index, console(LATER), BRIE, "otto", "maintainer")
    assert appeal(index, someone(index, "otto"), BRIE, "I see it otherwise.").account == "otto"


def test_who_has_no_role_does_not_appeal(small: Index) -> None:
    with pytest.raises(Refused) as refused:
        appeal(small, someone(small, "rita"), BRIE, "No.")
    assert rule_of(refused) == "access.role"


def test_owners_learn_nothing_of_a_case_that_holds_nothing(small: Index) -> None:
    hold(small, mo(small, 1), "clear", BRIE)
    number = reported(small, someone(small, "rita", LATER + timedelta(hours=2))).case
    with pytest.raises(Refused) as secret:
        appeal(small, olga(small), BRIE, "What is it about?", number)
    with pytest.raises(Refused) as missing:
        appeal(small, olga(small), BRIE, "What is it about?", "2026-9999")
    assert secret.value.decision == missing.value.decision
    with pytest.raises(Refused) as nothing:
        appeal(small, olga(small), BRIE, "What is it about?")
    assert rule_of(nothing) == "appeal.nothing"


@pytest.mark.parametrize("text", ["", " \n ", "x" * (TEXT_LIMIT + 1)])
def test_an_appeal_says_something_and_not_too_much(small: Index, text: str) -> None:
    with pytest.raises(Refused) as refused:
        appeal(small, olga(small), BRIE, text)
    assert rule_of(refused) == "appeal.text"


def test_an_appeal_against_a_verdict_opens_the_case_again_and_can_overturn_it(index: Index) -> None:
    classify(index, "C1")
    number = condemned(index)
    made = appeal(index, olga(index), BRIE, "It was the scanner.")
    assert case_is_open(index, number)
    answer(index, mia(index), made.id, "No.", lift=False)
    assert not case_is_open(index, number)
    second = appeal(index, olga(index), BRIE, "Look at line 3.")
    answer(index, mia(index, 2), second.id, "You are right.", lift=True)
    assert offered(index) == ["1.0", "1.1"]
    with index.store.read() as connection:
        case = cases.find(connection, number)
    assert case is not None and (case.verdict, case.closed_at is None) == ("dismissed", False)


def condemned(index: Index) -> str:
    with index.store.read() as connection:
        number = cases.overdue(connection, LATER + timedelta(days=30))[0][1]
    note(index, mo(index), number, "Malware.")
    assert hold(index, mo(index), "condemn", BRIE).changed
    return number


def case_is_open(index: Index, number: str) -> bool:
    with index.store.read() as connection:
        case = cases.find(connection, number)
    return case is not None and case.closed_at is None


def test_a_hold_that_is_lifted_answers_the_appeal_that_waits(small: Index) -> None:
    made = appeal(small, olga(small), BRIE, "No.")
    hold(small, mo(small, 1), "clear", BRIE)
    with small.store.read() as connection:
        found = appeals.find(connection, made.id)
    assert found is not None and found.outcome == "lifted"
    assert sent(small, "appeal-answered") == ["olga"]


def test_an_answer_that_lifts_gives_back_everything_of_the_case(small: Index) -> None:
    hold(small, mo(small), "withhold", BRIE, Place("1.1"), Said("a key", "secret"))
    made = appeal(small, olga(small), BRIE, "No.")
    answer(small, mia(small), made.id, "Both.", lift=True)
    assert offered(small) == ["1.0", "1.1"]
