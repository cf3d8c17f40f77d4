"""Yanking, archiving, deprecating, quarantining: rows, journal and public tree change together, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.indexes import START, fill, new_index, publish

from affineur.actions.grant import set_limits, set_role
from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.tokens import create_token, revoke_token
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Decision, Refused
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.security import console
from affineur.shell.index import Index
from affineur.shell.store import accounts, grants, journal, projects, tokens

LATER = START + timedelta(days=1)
BRIE = NormalizedName("brie")


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    fill(opened)
    yield opened
    opened.close()


def page(index: Index, name: str = "brie") -> dict:  # type: ignore[type-arg]
    return json.loads((index.tree.root / "simple" / name / "v1.json").read_bytes())


def events(index: Index, since: int = 0) -> list:  # type: ignore[type-arg]
    with index.store.read() as connection:
        return [entry.event for entry in journal.entries(connection, since)]


def head(index: Index) -> int:
    with index.store.read() as connection:
        return journal.head(connection)[0]


def test_a_yanked_release_says_so_on_its_page_and_in_the_journal(index: Index) -> None:
    before = head(index)
    changed = set_yanked(index, SYSTEM, Selection(BRIE, "1.1"), True, LATER, "broken\nfor everyone")
    assert changed == ("brie-1.1-py3-none-any.whl",)
    assert {file["filename"]: file["yanked"] for file in page(index)["files"]} == {
        "brie-1.0-py3-none-any.whl": False,
        "brie-1.1-py3-none-any.whl": "broken for everyone",
    }
    (event,) = events(index, before)
    assert (event.event, event.version, event.filename) == ("FileYanked", "1.1", changed[0])
    assert event.old == {"yanked": False, "yanked_reason": None}
    assert event.new == {"yanked": True, "yanked_reason": "broken for everyone"}


def test_yanking_twice_is_recorded_once(index: Index) -> None:
    assert len(set_yanked(index, SYSTEM, Selection(BRIE), True, LATER)) == 2
    before = head(index)
    assert set_yanked(index, SYSTEM, Selection(BRIE), True, LATER) == ()
    assert head(index) == before


def test_an_unyanked_file_is_as_before(index: Index) -> None:
    before = page(index)["files"]
    set_yanked(index, SYSTEM, Selection(BRIE), True, LATER, "why")
    set_yanked(index, SYSTEM, Selection(BRIE, filename="brie-1.0-py3-none-any.whl"), False, LATER)
    files = page(index)["files"]
    assert files[0] == before[0]
    assert files[1]["yanked"] == "why"


@pytest.mark.parametrize(
    "selection", [Selection(NormalizedName("gouda")), Selection(BRIE, "9"), Selection(BRIE, "1.0", "x")]
)
def test_what_does_not_exist_cannot_be_yanked(index: Index, selection: Selection) -> None:
    with pytest.raises(Refused):
        set_yanked(index, SYSTEM, selection, True, LATER)


def test_a_stranger_may_not_yank(index: Index) -> None:
    made = create_token(index, console(START), "mallory")
    with index.store.read() as connection:
        mallory = tokens.actor_of(connection, made.secret, START, factor_required=True)
    assert isinstance(mallory, Actor)
    with pytest.raises(Refused, match="isn't allowed to yank"):
        set_yanked(index, mallory, Selection(BRIE), True, LATER)


def test_a_quarantined_project_offers_nothing_and_comes_back_as_it_was(index: Index) -> None:
    set_status(index, SYSTEM, "archive", BRIE, LATER, Said("done"))
    before = page(index)
    links = index.tree.offered("brie")
    outcome = hold(index, console(LATER), "quarantine", BRIE, said=Said("malware?"))
    assert (outcome.status.status, outcome.changed) == ("quarantined", True)
    assert outcome.status.reason == f"[quarantined] malware? (case {outcome.case})"
    assert page(index)["files"] == []
    assert page(index)["project-status"] == {"status": "quarantined", "reason": outcome.status.reason}
    assert index.tree.offered("brie") == set()
    assert not os.path.exists(index.tree.root / "packages" / "brie")
    back = hold(index, console(LATER), "clear", BRIE)
    assert (back.status.status, back.status.reason) == ("archived", "[archived] done")
    assert index.tree.offered("brie") == links
    after = page(index)
    assert after["files"] == before["files"]
    assert [(e.event, e.hint) for e in events(index)[-2:]] == [
        ("ProjectQuarantined", "hide"),
        ("ProjectCleared", "restore"),
    ]


@pytest.mark.parametrize(
    ("act", "back", "status"), [("archive", "unarchive", "archived"), ("deprecate", "undeprecate", "deprecated")]
)
def test_owners_change_the_status_of_their_project_and_back(index: Index, act: str, back: str, status: str) -> None:
    owner = _signed_in(index, "olga")
    set_role(index, console(LATER), BRIE, "olga", "owner")
    assert set_status(index, owner, act, BRIE, LATER, Said("why")).status.status == status  # type: ignore[arg-type]
    assert page(index)["project-status"] == {"status": status, "reason": f"[{status}] why"}
    assert events(index)[-1].actor_class == "owner"
    assert not set_status(index, owner, act, BRIE, LATER, Said("why")).changed  # type: ignore[arg-type]
    assert set_status(index, owner, back, BRIE, LATER).status.status == "active"  # type: ignore[arg-type]


def test_owners_may_not_quarantine(index: Index) -> None:
    owner = _signed_in(index, "olga")
    set_role(index, console(LATER), BRIE, "olga", "owner")
    with pytest.raises(Refused, match="Only moderators and operators"):
        set_status(index, owner, "quarantine", BRIE, LATER)


def test_an_archived_project_takes_no_files(index: Index) -> None:
    set_status(index, SYSTEM, "archive", BRIE, LATER)
    with pytest.raises(Refused, match="is archived"):
        publish(index, "brie", "2.0", minutes=9)


def test_roles_are_given_replaced_and_taken_and_the_journal_names_nobody(index: Index) -> None:
    account = _account(index, "olga")
    assert set_role(index, console(LATER), BRIE, "olga", "maintainer")
    assert set_role(index, console(LATER), BRIE, "olga", "owner")
    assert not set_role(index, console(LATER), BRIE, "olga", "owner")
    with index.store.read() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        assert projects.role_of(connection, found.id, account) == "owner"
        assert [(name, role) for name, role, _ in grants.roles(connection, found.id)] == [("olga", "owner")]
    assert set_role(index, console(LATER), BRIE, "olga", None)
    assert not set_role(index, console(LATER), BRIE, "olga", None)
    assert "olga" not in repr(events(index))


def test_a_limit_of_its_own_decides_what_a_project_may_publish(index: Index) -> None:
    assert set_limits(index, console(LATER), BRIE, 100, None)
    with pytest.raises(Refused, match="File too large"):
        publish(index, "brie", "3.0", minutes=10)
    assert set_limits(index, console(LATER), BRIE, None, None)
    publish(index, "brie", "3.0", minutes=11)


def test_a_token_works_until_it_is_revoked_or_ends(index: Index) -> None:
    made = create_token(index, console(START), "olga", projects=(BRIE,), expires_at=START + timedelta(days=2))
    assert made.new_account
    assert not create_token(index, console(START), "olga").new_account

    def actor(days: float) -> Actor | Decision:
        with index.store.read() as connection:
            return tokens.actor_of(connection, made.secret, START + timedelta(days=days), factor_required=True)

    found = actor(1)
    assert isinstance(found, Actor)
    assert (found.name, found.projects, found.is_operator) == ("olga", frozenset({BRIE}), False)
    ended = actor(2)
    assert isinstance(ended, Decision) and ended.rule == "token.expired"
    revoke_token(index, console(START), made.id)
    revoked = actor(1)
    assert isinstance(revoked, Decision) and revoked.rule == "token.revoked"
    with pytest.raises(Refused, match="no token"):
        revoke_token(index, console(START), made.id)


@pytest.mark.parametrize("name", ["", "-x", "a b", "x\n", "ü", "a" * 101])
def test_an_account_name_that_would_confuse_is_refused(index: Index, name: str) -> None:
    with pytest.raises(Refused, match="cannot be the name"):
        create_token(index, console(START), name)


def test_an_existing_account_is_not_made_an_operator_in_passing(index: Index) -> None:
    create_token(index, console(START), "olga")
    with pytest.raises(Refused, match="is no operator"):
        create_token(index, console(START), "olga", operator=True)


def _signed_in(index: Index, name: str) -> Actor:
    """Somebody with a passkey, who has just confirmed with it."""
    protected = Posture(frozenset({"passkey"}), required=True, stepped_up=StepUp(LATER, "passkey"))
    return Actor(_account(index, name), name, posture=protected)


def _account(index: Index, name: str) -> int:
    create_token(index, console(START), name)
    with index.store.read() as connection:
        found = accounts.account_id(connection, name)
    assert found is not None
    return found
