"""Publishers of projects, pending ones, and uploads by publishers alone: who may, who is told, what falls due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.actions.publishing import FIELDS, NOW, Dairy
from tests.services.issuer import Issuer

from affineur.actions import pending_publishers, publishers, publishers_only
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.shell.store import journal, projects

DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def dairy(request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = Dairy(tmp_path / "data", issuer, database=database)
    for name in ("ann", "ben", "eve"):
        made.person(name)
    yield made
    made.close()


@pytest.fixture
def small(tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    made = Dairy(tmp_path / "data", issuer)
    for name in ("ann", "ben", "eve"):
        made.person(name)
    yield made
    made.close()


def rule_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.decision.rule


def journal_of(dairy: Dairy, project: NormalizedName) -> list[tuple[str, dict[str, object]]]:
    with dairy.index.store.read() as connection:
        found = [entry.event for entry in journal.entries(connection) if entry.event.project == project]
    return [(event.event, dict(event.new)) for event in found if event.event.startswith("Publisher")]


def reserve(dairy: Dairy, project: str, by: str = "ann", **fields: str) -> pending_publishers.Pending:
    return pending_publishers.add_pending(
        dairy.index, dairy.caller(by), project, "github", dairy.issuer.url, {**FIELDS, **fields}
    )


def test_all_owners_are_told_of_a_publisher_and_the_journal_names_no_job(dairy: Dairy) -> None:
    project = dairy.own("roquefort", "ann", "ben")
    added = dairy.register(project, "ann")
    publishers.remove_publisher(dairy.index, dairy.caller("ben"), project, added.id)
    assert dairy.letters("publisher-added") == ["ann@example.org", "ben@example.org"]
    assert dairy.letters("publisher-removed") == ["ann@example.org", "ben@example.org"]
    assert journal_of(dairy, project) == [("PublisherAdded", {"kind": "github"}), ("PublisherRemoved", {})]
    (logged,) = dairy.logged("PublisherAdded")
    assert (logged["account"], logged["project"]) == ("ann", "roquefort")


def test_one_publisher_serves_several_projects_and_each_removes_it_for_itself(dairy: Dairy) -> None:
    first, second = dairy.own("roquefort", "ann"), dairy.own("bleu", "ann")
    one, other = dairy.register(first, "ann"), dairy.register(second, "ann")
    assert one.id == other.id
    publishers.remove_publisher(dairy.index, dairy.caller("ann"), first, one.id)
    assert publishers.publishers_of(dairy.index, dairy.caller("ann"), first) == []
    assert len(publishers.publishers_of(dairy.index, dairy.caller("ann"), second)) == 1


def test_a_publisher_is_added_once_however_its_names_are_capitalised(small: Dairy) -> None:
    project = small.own("roquefort", "ann")
    small.register(project, "ann")
    with pytest.raises(Refused) as refused:
        small.register(project, "ann", owner="FroMagerie")
    assert rule_of(refused) == "publisher.there"


@pytest.mark.parametrize(("by", "proof", "rule"), [("eve", "passkey", "access.role"), ("ann", None, "access.step-up")])
def test_publishers_are_changed_by_owners_with_a_fresh_proof(small: Dairy, by: str, proof: None, rule: str) -> None:
    project = small.own("roquefort", "ann")
    with pytest.raises(Refused) as refused:
        publishers.add_publisher(small.index, small.caller(by, proof), project, "github", small.issuer.url, FIELDS)
    assert rule_of(refused) == rule
    assert small.letters("publisher-added") == []


def test_one_account_registers_a_hundred_publishers_a_day_at_most(small: Dairy) -> None:
    project = small.own("roquefort", "ann")
    small.register(project, "ann")
    for _ in range(99):
        with pytest.raises(Refused):
            small.register(project, "ann")
    with pytest.raises(Refused) as refused:
        small.register(project, "ann", workflow="other.yml")
    assert rule_of(refused) == "throttle.pending-publisher"


def test_an_account_has_three_pending_publishers_and_nobody_else_sees_them(dairy: Dairy) -> None:
    for name in ("bleu", "Brie", "comte"):
        reserve(dairy, name)
    with pytest.raises(Refused) as refused:
        reserve(dairy, "feta")
    assert rule_of(refused) == "publisher.pending-most"
    mine = pending_publishers.pending_of(dairy.index, dairy.caller("ann"))
    assert {each.display_name for each in mine} == {"bleu", "Brie", "comte"}
    assert pending_publishers.pending_of(dairy.index, dairy.caller("eve")) == []
    with pytest.raises(Refused) as refused:
        pending_publishers.remove_pending(dairy.index, dairy.caller("eve"), mine[0].id)
    assert rule_of(refused) == "publisher.exists"
    pending_publishers.remove_pending(dairy.index, dairy.caller("ann"), mine[0].id)
    assert len(pending_publishers.pending_of(dairy.index, dairy.caller("ann"))) == 2


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("roquefort", "publisher.project-exists"),
        ("json", "name.standard-library"),
        ("r0quefort", "name.lookalike"),
        ("no name", "name.format"),
    ],
)
def test_a_pending_publisher_is_for_a_name_that_a_project_could_take(small: Dairy, name: str, rule: str) -> None:
    small.own("roquefort", "ann")
    with pytest.raises(Refused) as refused:
        reserve(small, name)
    assert rule_of(refused) == rule


def test_who_lacks_a_second_factor_prepares_no_publisher(small: Dairy) -> None:
    small.person("new", factor_kind=None)
    with pytest.raises(Refused) as refused:
        reserve(small, "bleu", "new")
    assert rule_of(refused) == "factor.first"


def test_pending_publishers_end_after_thirty_days_and_are_remembered_of_once_before(dairy: Dairy) -> None:
    reserve(dairy, "bleu")
    assert pending_publishers.settle_pending(dairy.index, NOW + 24 * DAY) == 0
    assert pending_publishers.settle_pending(dairy.index, NOW + 25 * DAY) == 1
    assert pending_publishers.settle_pending(dairy.index, NOW + 26 * DAY) == 0
    assert dairy.letters("pending-publisher-expiring") == ["ann@example.org"]
    assert pending_publishers.settle_pending(dairy.index, NOW + 30 * DAY) == 1
    assert pending_publishers.pending_of(dairy.index, dairy.caller("ann")) == []
    assert [each["account"] for each in dairy.logged("PendingPublisherRemoved")] == ["ann"]


def test_opening_uploads_to_tokens_again_takes_three_days_that_all_owners_are_told_of(dairy: Dairy) -> None:
    project = dairy.own("roquefort", "ann", "ben")
    dairy.register(project, "ann")
    assert publishers_only.require_publishers(dairy.index, dairy.caller("ann", None), project)
    assert not publishers_only.require_publishers(dairy.index, dairy.caller("ann", None), project)
    due = publishers_only.release_publishers(dairy.index, dairy.caller("ann"), project)
    assert due == NOW + 3 * DAY
    later = dairy.caller("ben", at=NOW + DAY)
    assert publishers_only.release_publishers(dairy.index, later, project) == due
    assert publishers_only.settle_releases(dairy.index, due - timedelta(microseconds=1)) == 0
    assert publishers_only.settle_releases(dairy.index, due) == 1
    assert publishers_only.settle_releases(dairy.index, due) == 0
    for letter in ("publishers-only-on", "publishers-only-off-scheduled", "publishers-only-off"):
        assert dairy.letters(letter) == ["ann@example.org", "ben@example.org"]
    assert journal_of(dairy, project)[1:] == [
        ("PublishersRequired", {"publishers_only": True}),
        ("PublishersReleased", {"publishers_only": False}),
    ]
    with dairy.index.store.read() as connection:
        found = projects.find(connection, project)
    assert found is not None
    assert (found.publishers_only, found.publishers_only_ends_at) == (False, None)


def test_any_owner_calls_the_opening_off_at_once(dairy: Dairy) -> None:
    project = dairy.own("roquefort", "ann", "ben")
    dairy.register(project, "ann")
    publishers_only.require_publishers(dairy.index, dairy.caller("ann", None), project)
    due = publishers_only.release_publishers(dairy.index, dairy.caller("ann"), project)
    assert publishers_only.keep_publishers(dairy.index, dairy.caller("ben", None), project)
    assert not publishers_only.keep_publishers(dairy.index, dairy.caller("ben", None), project)
    assert publishers_only.settle_releases(dairy.index, due) == 0
    assert [each["account"] for each in dairy.logged("PublishersReleaseCancelled")] == ["ben"]


@pytest.mark.parametrize("proof", [None, "password"])
def test_opening_uploads_takes_a_strong_proof(small: Dairy, proof: None) -> None:
    project = small.own("roquefort", "ann")
    small.register(project, "ann")
    publishers_only.require_publishers(small.index, small.caller("ann", None), project)
    with pytest.raises(Refused) as refused:
        publishers_only.release_publishers(small.index, small.caller("ann", proof), project)
    assert rule_of(refused) == "access.step-up"


def test_uploads_are_not_closed_where_nobody_could_publish_then(small: Dairy) -> None:
    project = small.own("roquefort", "ann")
    with pytest.raises(Refused) as refused:
        publishers_only.require_publishers(small.index, small.caller("ann"), project)
    assert rule_of(refused) == "publisher.none"
    with pytest.raises(Refused) as refused:
        publishers_only.release_publishers(small.index, small.caller("ann"), project)
    assert rule_of(refused) == "publisher.open"


def test_the_console_adds_publishers_too(small: Dairy) -> None:
    project = small.own("roquefort", "ann")
    publishers.add_publisher(small.index, console(NOW), project, "github", small.issuer.url, FIELDS)
    assert small.letters("publisher-added") == ["ann@example.org"]
