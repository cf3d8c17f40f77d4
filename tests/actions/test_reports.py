"""Reports: who is heard, what the index does by itself because of them, and what no number of them brings about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions.bench_of_moderators import (
    BRIE,
    LATER,
    SOON,
    classify,
    entries,
    file_many,
    holds_placed,
    index_with_brie,
    malware,
    offered,
    page,
    sent,
    someone,
    told_of,
    trusted,
)
from tests.indexes import START, publish

from affineur.actions.freeze import freeze
from affineur.actions.hold import hold
from affineur.actions.moderate import dismiss, note
from affineur.actions.report import report
from affineur.core.access import UNATTENDED
from affineur.core.decision import Refused
from affineur.core.moderation.corroboration import BREAKER_PER_HOUR
from affineur.core.moderation.reporters import REPORTS
from affineur.core.security import Caller, Origin, console
from affineur.shell.index import Index
from affineur.shell.store import case_queue, cases, reports
from affineur.shell.store.case_queue import Wanted
from affineur.shell.store.schema import report as report_table
from affineur.shell.store.schema import security_event


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with index_with_brie(tmp_path / "data", database) as opened:
        yield opened


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Index]:
    with index_with_brie(tmp_path / "data") as opened:
        yield opened


def test_a_report_opens_a_case_and_shows_in_nothing_public(index: Index) -> None:
    before = entries(index)
    outcome = told_of(index, someone(index, "rita"))
    assert (outcome.duplicate, outcome.held) == (False, False)
    assert outcome.case.startswith("2026-")
    with index.store.read() as connection:
        (case,) = case_queue.queue(connection, Wanted(), LATER)
        (filed,) = reports.in_case(connection, case.case.id)
    assert (case.case.number, case.project, case.kinds, case.score) == (outcome.case, "brie", ("malware",), 0.625)
    assert case.case.review_due_at == LATER + timedelta(days=1)
    assert (filed.reporter, filed.summary, filed.verdict) == ("rita", "It reads all of ~/.ssh.", None)
    assert entries(index) == before
    assert offered(index) == ["1.0", "1.1"]


def test_the_same_report_twice_is_one_report(index: Index) -> None:
    first = told_of(index, someone(index, "rita"))
    again = told_of(index, someone(index, "rita"))
    assert (again.case, again.duplicate) == (first.case, True)
    other = told_of(index, someone(index, "rita"), "1.1")
    assert (other.case, other.duplicate) == (first.case, False)


def test_two_newcomers_put_a_project_into_review_and_hold_nothing(index: Index) -> None:
    for name in ("rita", "rolf"):
        report(index, someone(index, name), malware(kind="spam"))
    with index.store.read() as connection:
        (case,) = case_queue.queue(connection, Wanted(), LATER)
    assert case.score == 1.25
    assert case.case.review_due_at == LATER + timedelta(days=1)  # spam alone waits for seven
    assert holds_placed(index) == 0


def test_a_trusted_reporter_and_another_hold_a_project_that_few_use(index: Index) -> None:
    classify(index, "C1")
    assert not told_of(index, trusted(index, "tess")).held
    outcome = told_of(index, someone(index, "rita"))
    assert outcome.held
    assert page(index)["files"] == []
    assert page(index)["project-status"]["status"] == "quarantined"
    last = entries(index)[-1]
    assert (last.event, last.actor_class, last.reason_code, last.case) == (
        "ProjectQuarantined", "system", "malware", outcome.case,
    )  # fmt: skip
    assert last.hint == "hide"
    assert sent(index, "held") == ["olga"]
    assert sorted(sent(index, "report-urgent")) == ["mia", "mo"]
    with index.store.read() as connection:
        case = cases.find(connection, outcome.case)
    assert case is not None and case.review_due_at == LATER + timedelta(days=1)


def test_one_trusted_reporter_is_enough_for_a_project_in_its_first_day(small: Index) -> None:
    assert told_of(small, trusted(small, "tess", SOON)).held
    assert page(small)["files"] == []


def test_one_trusted_reporter_is_not_enough_for_an_older_one(small: Index) -> None:
    classify(small, "C0")
    assert not told_of(small, trusted(small, "tess")).held


def test_of_a_widely_used_project_only_the_named_young_release_is_held(index: Index) -> None:
    publish(index, "brie", "2.0", minutes=24 * 60 * 9)
    classify(index, "C4")
    at = START + timedelta(days=9, hours=1)
    told_of(index, trusted(index, "tess", at), "2.0")
    assert told_of(index, someone(index, "rita", at), "2.0").held
    assert offered(index) == ["1.0", "1.1"]
    assert page(index)["project-status"]["status"] == "active"
    assert entries(index)[-1].event == "ReleaseQuarantined"
    old = told_of(index, trusted(index, "theo", at), "1.0")
    assert not old.held  # older than a week: pinned in many places


def test_a_project_of_unknown_class_never_disappears_whole(small: Index) -> None:
    told_of(small, trusted(small, "tess"))
    assert not told_of(small, trusted(small, "theo")).held
    assert offered(small) == ["1.0", "1.1"]
    assert sorted(sent(small, "report-urgent")) == ["mia", "mo"]  # people decide, at once, and are called once
    told_of(small, someone(small, "rita"))
    assert len(sent(small, "report-urgent")) == 2


def test_five_hundred_untrusted_reports_on_a_widely_used_project_hide_nothing(small: Index) -> None:
    classify(small, "C4")
    case = told_of(small, someone(small, "sock")).case
    file_many(small, case, 480)
    for number in range(19):
        assert not told_of(small, someone(small, f"last-{number}"), "1.1" if number % 2 else None).held
    with small.store.read() as connection:
        (queued,) = case_queue.queue(connection, Wanted(), LATER)
    assert (len(queued.reports), queued.score) == (500, 312.5)
    assert offered(small) == ["1.0", "1.1"]
    assert holds_placed(small) == 0
    assert sent(small, "report-urgent") == []  # nor do they ring a bell each


def test_a_crowd_in_one_network_is_one_vote(small: Index) -> None:
    classify(small, "C0")
    for name in ("tess", "theo", "tina"):
        assert not told_of(small, trusted(small, name, network="198.51.100.9")).held
    assert told_of(small, someone(small, "rita", network="203.0.113.5")).held


def test_networks_are_kept_as_digests_only(small: Index) -> None:
    told_of(small, someone(small, "rita", network="203.0.113.5"))
    with small.store.read() as connection:
        (row,) = connection.execute(report_table.select())
    assert len(row.network) == 32 and "203.0.113" not in repr(tuple(row))


def test_the_log_of_a_hold_does_not_say_where_its_reporter_was(small: Index) -> None:
    told_of(small, trusted(small, "tess", SOON))
    with small.store.read() as connection:
        rows = connection.execute(security_event.select().where(security_event.c.event == "ProjectStateChanged")).all()
    assert rows and not any("192.0.2" in repr(tuple(row)) for row in rows)


def test_a_stolen_trusted_account_runs_into_the_breaker(small: Index) -> None:
    names = [f"mozzarella{number}" for number in range(BREAKER_PER_HOUR + 3)]
    for name in names:
        publish(small, name, minutes=5)
    thief = trusted(small, "tess", SOON)
    held = [told_of(small, thief, project=name).held for name in names]
    assert held == [True] * BREAKER_PER_HOUR + [False] * 3
    assert offered(small, names[-1]) == ["1.0"]


def test_a_frozen_reporter_has_no_vote(small: Index) -> None:
    classify(small, "C0")
    told_of(small, trusted(small, "tess"))
    freeze(small, console(LATER), "tess", "stolen")
    assert not told_of(small, someone(small, "rita")).held


def test_reports_that_were_wrong_cost_a_trusted_reporter_the_trust(small: Index) -> None:
    classify(small, "C0")
    names = [f"gouda{number}" for number in range(5)]
    for name in names:
        publish(small, name, minutes=5)
        outcome = told_of(small, trusted(small, "tess"), project=name)
        dismiss(small, someone(small, "mo"), outcome.case, "Nothing in it.")
    assert sent(small, "report-decided") == ["tess"] * 5
    told_of(small, someone(small, "tess"))
    assert not told_of(small, someone(small, "rita")).held


def test_reports_that_a_moderator_has_seen_begin_no_hold_again(small: Index) -> None:
    classify(small, "C0")
    told_of(small, trusted(small, "tess"))
    assert told_of(small, someone(small, "rita")).held
    hold(small, someone(small, "mo", LATER + timedelta(hours=1)), "clear", BRIE)
    assert offered(small) == ["1.0", "1.1"]
    assert not told_of(small, someone(small, "rolf", LATER + timedelta(hours=2))).held


def test_too_many_reports_by_one_account_are_refused(small: Index) -> None:
    by = someone(small, "rita")
    names = [f"edam{number}" for number in range(REPORTS[0].attempts + 1)]
    for name in names:
        publish(small, name, minutes=5)
    for name in names[:-1]:
        told_of(small, by, project=name)
    with pytest.raises(Refused) as refused:
        told_of(small, by, project=names[-1])
    assert refused.value.decision.rule == "throttle.report"
    told_of(small, someone(small, "rolf"), project=names[-1])


@pytest.mark.parametrize(("version", "project"), [("9.9", "brie"), (None, "cheddar")])
def test_what_is_not_there_cannot_be_reported(small: Index, version: str | None, project: str) -> None:
    with pytest.raises(Refused) as refused:
        told_of(small, someone(small, "rita"), version, project)
    assert refused.value.decision.rule == ("project.place" if version else "project.exists")


def test_the_console_reports_and_has_no_vote(small: Index) -> None:
    assert not told_of(small, console(SOON)).held
    assert not told_of(small, Caller(UNATTENDED, SOON, Origin())).held


def test_a_note_is_for_moderators_only(small: Index) -> None:
    case = told_of(small, someone(small, "rita")).case
    with pytest.raises(Refused) as refused:
        note(small, someone(small, "rita"), case, "mine?")
    assert refused.value.decision.rule == "access.office"
    with pytest.raises(Refused) as unknown:
        note(small, someone(small, "rita"), "2026-9999", "there?")
    assert unknown.value.decision.rule == "access.office"  # whether there is such a case is not told
