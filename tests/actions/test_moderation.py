"""Cases: holds of every size and back, two people where it takes two, what is due, and what a hold pauses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.actions.bench_of_moderators import (
    BRIE,
    LATER,
    account,
    classify,
    entries,
    index_with_brie,
    malware,
    offered,
    page,
    sent,
    someone,
    standing,
    told_of,
    trusted,
)
from tests.indexes import START, publish

from affineur.actions.freeze import freeze
from affineur.actions.grant import set_role
from affineur.actions.hold import Outcome, hold
from affineur.actions.moderate import call_for_reviews, confirm, dismiss, give_back, note, set_trusted, take
from affineur.actions.offices import set_office
from affineur.actions.report import report
from affineur.actions.status import set_status
from affineur.actions.tokens import create_token
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Refused
from affineur.core.life.lifecycle import WHOLE, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import case_queue, cases, journal, schema, tokens
from affineur.shell.store.case_queue import Wanted
from affineur.shell.store.cases import CaseRow

WHEEL = "brie-1.0-py3-none-any.whl"


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with index_with_brie(tmp_path / "data", database) as opened:
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Index]:
    with index_with_brie(tmp_path / "data") as opened:
        yield opened


def case_of(index: Index, number: str | None) -> CaseRow:
    with index.store.read() as connection:
        found = cases.find(connection, number or "")
    assert found is not None
    return found


def held(index: Index, act: str = "quarantine", place: Place = WHOLE, by: str = "mo", said: Said | None = None,
         hours: float = 0, **more: object) -> Outcome:  # fmt: skip
    caller = someone(index, by, LATER + timedelta(hours=hours))
    return hold(index, caller, act, BRIE, place, said or Said(), **more)  # type: ignore[arg-type]


def rule_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.decision.rule


@pytest.mark.parametrize(
    ("place", "left"),
    [(WHOLE, []), (Place("1.0"), ["1.1"]), (Place("1.0", WHEEL), ["1.1"]), (Place(None, WHEEL), ["1.1"])],
)
@pytest.mark.parametrize(("act", "back"), [("quarantine", "clear"), ("withhold", "unwithhold")])
def test_what_is_held_is_off_offer_and_comes_back_as_it_was(
    small: Index, place: Place, left: list[str], act: str, back: str
) -> None:
    set_status(small, SYSTEM, "archive", BRIE, LATER, Said("done"))
    before = page(small)
    outcome = held(small, act, place, said=Said("Looks wrong", "other"))
    assert offered(small) == left
    assert outcome.case and entries(small)[-1].case == outcome.case
    assert sent(small, "held") == ["olga"]
    held(small, back, place, hours=1)
    after = page(small)
    assert (after["files"], after["project-status"]) == (before["files"], before["project-status"])
    assert case_of(small, outcome.case).closed_at is not None
    assert sent(small, "hold-lifted") == ["olga"]


def test_a_file_named_without_its_release_must_be_there(small: Index) -> None:
    with pytest.raises(Refused) as refused:
        held(small, "quarantine", Place(None, "brie-9.9.tar.gz"))
    assert rule_of(refused) == "project.place"


def test_reporters_learn_the_verdict_and_it_counts(index: Index) -> None:
    number = told_of(index, someone(index, "rita")).case
    assert held(index).case == number  # the hold belongs to the case that was open
    held(index, "clear", hours=1, verdict="upheld")
    assert sent(index, "report-decided") == ["rita"]
    assert case_of(index, number).verdict == "upheld"
    other = told_of(index, someone(index, "rolf", LATER + timedelta(hours=2))).case
    dismiss(index, someone(index, "mo", LATER + timedelta(hours=3)), other, "Nothing in it.")
    assert sent(index, "report-decided") == ["rita", "rolf"]
    assert case_of(index, other).verdict == "dismissed"


def test_a_case_with_something_on_hold_is_not_dismissed(small: Index) -> None:
    number = held(small).case or ""
    with pytest.raises(Refused) as refused:
        dismiss(small, someone(small, "mo"), number, "Nothing in it.")
    assert rule_of(refused) == "case.held"


def test_to_condemn_takes_an_analysis_and_another_moderator(index: Index) -> None:
    told_of(index, someone(index, "rita"))
    number = held(index).case or ""
    with pytest.raises(Refused) as refused:
        held(index, "condemn")
    assert rule_of(refused) == "lifecycle.condemn"
    note(index, someone(index, "mo"), number, "setup.py line 3 posts ~/.ssh to 192.0.2.1.")
    first = held(index, "condemn", said=Said("Steals keys", "malware"))
    assert (first.waits, first.changed, standing(index).safety) == (True, False, "quarantined")
    with pytest.raises(Refused) as again:
        confirm(index, someone(index, "mo"), number)
    assert rule_of(again) == "hold.second-moderator"
    with pytest.raises(Refused) as twice:
        held(index, "condemn")
    assert rule_of(twice) == "hold.second-moderator"
    done = confirm(index, someone(index, "mia"), number)
    assert (done.act, done.closed, standing(index).safety) == ("condemn", True, "condemned")
    assert case_of(index, number).verdict == "upheld"
    assert sent(index, "report-decided") == ["rita"]


def test_whoever_agreed_to_one_release_has_not_agreed_to_the_project(small: Index) -> None:
    held(small)
    number = held(small, "quarantine", Place("1.0")).case or ""
    note(small, someone(small, "mo"), number, "Only 1.0 has it.")
    assert held(small, "condemn", Place("1.0")).waits
    wider = held(small, "condemn", by="mia")
    assert wider.waits and standing(small).safety == "quarantined"


def test_the_word_of_a_moderator_who_was_stopped_counts_no_more(small: Index) -> None:
    number = held(small).case or ""
    note(small, someone(small, "mo"), number, "Malware.")
    assert held(small, "condemn").waits
    freeze(small, console(LATER), "mo", "stolen")
    confirm(small, someone(small, "mia"), number)
    assert standing(small).safety == "quarantined"
    account(small, "max", office="moderator")
    assert confirm(small, someone(small, "max"), number).closed


def test_where_next_to_nobody_uses_it_one_moderator_condemns(small: Index) -> None:
    classify(small, "C1")
    number = held(small).case or ""
    note(small, someone(small, "mo"), number, "Malware.")
    assert held(small, "condemn").changed


def test_the_console_of_an_index_needs_no_second(small: Index) -> None:
    number = hold(small, console(LATER), "quarantine", BRIE).case or ""
    note(small, console(LATER), number, "Malware.")
    assert hold(small, console(LATER), "condemn", BRIE).changed


def test_a_condemned_name_takes_no_files_from_anybody_and_freezes_no_account(small: Index) -> None:
    number = hold(small, console(LATER), "quarantine", BRIE).case or ""
    note(small, console(LATER), number, "Malware.")
    hold(small, console(LATER), "condemn", BRIE)
    for actor in (SYSTEM, someone(small, "olga", START + timedelta(days=2)).actor):
        with pytest.raises(Refused):
            publish(small, "brie", "3.0", minutes=60 * 48, actor=actor)
    assert sent(small, "account-frozen") == []
    publish(small, "edam", "1.0", minutes=60 * 49, actor=someone(small, "olga", START + timedelta(hours=49)).actor)


def test_a_condemned_release_beside_a_held_one_keeps_the_case_open(small: Index) -> None:
    classify(small, "C0")
    number = held(small, "quarantine", Place("1.0")).case or ""
    held(small, "quarantine", Place("1.1"))
    note(small, someone(small, "mo"), number, "1.0 is bad.")
    held(small, "condemn", Place("1.0"))
    assert case_of(small, number).closed_at is None
    held(small, "clear", Place("1.1"), hours=1)
    assert (case_of(small, number).closed_at is None, case_of(small, number).verdict) == (False, "upheld")


def test_whoever_overturns_a_verdict_overturns_those_on_its_reports(small: Index) -> None:
    classify(small, "C0")
    told_of(small, someone(small, "rita"))
    number = held(small).case or ""
    note(small, someone(small, "mo"), number, "Malware.")
    held(small, "condemn")
    held(small, "clear", by="mia", hours=1)
    assert case_of(small, number).verdict == "dismissed"
    assert sent(small, "report-decided") == ["rita", "rita"]


@pytest.mark.parametrize("act", ["quarantine", "clear"])
def test_what_one_moderator_does_to_all_of_a_widely_used_project_is_looked_at_again(small: Index, act: str) -> None:
    classify(small, "C4")
    number = held(small).case or ""
    if act == "clear":
        confirm(small, someone(small, "mia"), number)
        held(small, "clear", hours=1)
        assert offered(small) == ["1.0", "1.1"]  # at once: waiting would do harm
    case = case_of(small, number)
    assert (case.proposed, case.closed_at) == (act, None)
    assert case.review_due_at == LATER + timedelta(hours=5 if act == "clear" else 4)
    with pytest.raises(Refused) as refused:
        confirm(small, someone(small, "mo"), number)
    assert rule_of(refused) == "hold.second-moderator"
    done = confirm(small, someone(small, "mia", LATER + timedelta(hours=2)), number)
    assert (done.act, done.closed) == (act, act == "clear")


def test_no_second_look_is_asked_for_where_nobody_could_give_it(small: Index) -> None:
    classify(small, "C4")
    for name in ("mia", "operator"):
        if name == "mia":
            set_office(small, console(LATER), name, None)
        else:
            freeze(small, console(LATER), name, "away")
    number = held(small).case
    assert case_of(small, number).proposed is None
    held(small, "clear", hours=1)
    assert case_of(small, number).closed_at is not None


def test_a_hold_of_the_index_itself_is_confirmed_by_any_moderator(small: Index) -> None:
    classify(small, "C1")
    told_of(small, trusted(small, "tess"))
    number = told_of(small, someone(small, "rita")).case
    done = confirm(small, someone(small, "mo", LATER + timedelta(hours=1)), number)
    assert (done.act, done.closed) == (None, False)
    assert case_of(small, number).review_due_at == LATER + timedelta(days=7, hours=1)


def test_a_case_is_taken_seen_to_be_and_given_back(small: Index) -> None:
    number = told_of(small, someone(small, "rita")).case
    assert take(small, someone(small, "mo"), number)
    assert not take(small, someone(small, "mo"), number)
    with small.store.read() as connection:
        mo = someone(small, "mo").actor.account_id
        (mine,) = case_queue.queue(connection, Wanted("mine", account_id=mo), LATER)
    assert mine.taken_by == "mo"
    assert give_back(small, someone(small, "mia"), number)
    assert not give_back(small, someone(small, "mia"), number)


def test_the_queue_is_in_the_order_cases_are_due_and_can_be_narrowed(index: Index) -> None:
    for name in ("edam", "gouda"):
        publish(index, name, minutes=10)
    report(index, someone(index, "rita"), malware(project="edam", kind="spam"))
    told_of(index, someone(index, "rita"), project="gouda")
    held(index)
    with index.store.read() as connection:

        def queue(wanted: Wanted, days: float = 0) -> list[str]:
            return [each.project for each in case_queue.queue(connection, wanted, LATER + timedelta(days=days))]

        assert queue(Wanted()) == ["gouda", "edam", "brie"]  # a day, seven, and seven of a hold after
        assert queue(Wanted(kind="spam")) == ["edam"]
        assert queue(Wanted("overdue"), 2) == ["gouda"]
        assert queue(Wanted(project="brie")) == ["brie"]
        assert queue(Wanted("closed")) == []
        assert case_queue.counts(connection, LATER + timedelta(days=2)) == (3, 1)
        assert [each.project for each in case_queue.queue(connection, Wanted(), LATER, start=1, limit=1)] == ["edam"]


def test_moderators_are_called_once_for_a_review_that_is_overdue(index: Index) -> None:
    number = held(index, "withhold").case
    due = LATER + timedelta(hours=72)
    assert call_for_reviews(index, due - timedelta(seconds=1)) == 0
    assert call_for_reviews(index, due) == 1
    assert call_for_reviews(index, due + timedelta(days=1)) == 0
    assert sorted(sent(index, "reviews-overdue")) == ["mia", "mo"]
    confirm(index, someone(index, "mo", due + timedelta(days=1)), number or "")
    assert call_for_reviews(index, due + timedelta(days=8, seconds=1)) == 1  # due again, called again


def test_a_quarantine_pauses_the_credentials_of_its_project_and_no_account(index: Index) -> None:
    publish(index, "edam", minutes=10)
    set_role(index, console(START), NormalizedName("edam"), "olga", "owner")
    made = create_token(index, console(START), "olga")
    held(index)
    with index.store.read() as connection:
        token = tokens.actor_of(connection, made.secret, LATER, factor_required=False)
    assert isinstance(token, Actor)
    with pytest.raises(Refused) as yanked:
        set_yanked(index, token, Selection(BRIE), True, LATER)
    assert rule_of(yanked) == "access.paused"
    with pytest.raises(Refused) as uploaded:
        publish(index, "brie", "3.0", minutes=60 * 28, actor=token)
    assert rule_of(uploaded) == "access.paused"
    assert set_yanked(index, token, Selection(NormalizedName("edam")), True, LATER)
    olga = someone(index, "olga")
    assert set_yanked(index, olga.actor, Selection(BRIE), True, LATER)  # signed in, on the pages
    held(index, "clear", hours=1)
    assert set_yanked(index, token, Selection(BRIE), False, LATER + timedelta(hours=2))


def test_trust_is_given_and_taken_by_moderators_only(small: Index) -> None:
    account(small, "rita")
    assert set_trusted(small, someone(small, "mo"), "rita", True)
    assert not set_trusted(small, someone(small, "mo"), "rita", True)
    with pytest.raises(Refused) as refused:
        set_trusted(small, someone(small, "rita"), "rita", True)
    assert rule_of(refused) == "access.office"
    assert set_trusted(small, someone(small, "mia"), "rita", False)


def test_no_moderators_name_is_in_the_journal(small: Index) -> None:
    held(small, said=Said("why", "malware"))
    last = entries(small)[-1]
    assert last.actor_class == "moderator"
    assert "mo'" not in repr(last)
    with small.store.read() as connection:
        assert journal.head(connection)[0] == len(entries(small))


def test_owners_hold_nothing_but_what_they_may_withhold(small: Index) -> None:
    olga: Caller = someone(small, "olga")
    for act in ("quarantine", "condemn", "clear"):
        with pytest.raises(Refused) as refused:
            hold(small, olga, act, BRIE)  # type: ignore[arg-type]
        assert rule_of(refused) == "access.office"
    assert hold(small, olga, "withhold", BRIE, Place("1.0"), Said("a key", "secret")).changed
    held(small, "withhold", Place("1.1"))
    with pytest.raises(Refused) as theirs:
        hold(small, olga, "unwithhold", BRIE, Place("1.1"))
    assert rule_of(theirs) == "lifecycle.unwithhold"
    assert hold(small, olga, "unwithhold", BRIE, Place("1.0")).changed


def test_what_moderators_show_of_their_evidence_goes_to_its_people_and_nowhere_else(index: Index) -> None:
    found = "brie/__init__.py, line 3: it reads ~/.ssh"
    number = held(index, said=Said("Looks wrong", "malware", evidence=found)).case
    case = case_of(index, number)
    with index.store.read() as connection:
        assert cases.shown(connection, case.id) == [found]
        letters = connection.execute(sa.select(schema.outbox.c["values"]).where(schema.outbox.c.template == "held"))
        assert [found in values for (values,) in letters] == [True]
    assert found not in repr(entries(index))
    assert found not in repr(page(index))
