"""Automation accounts: two people answer for each; too few pause it, never silently; their tokens are narrow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.indexes import START, fill, new_index, publish

from affineur.actions.freeze import freeze
from affineur.actions.machines import create_machine, create_machine_token, retire_machine, revoke_machine_token
from affineur.actions.sponsors import (
    answer_sponsor_offer,
    invite_sponsor,
    leave_machine,
    remind_of_sponsors,
    set_sponsor,
    withdraw_sponsor_offer,
)
from affineur.core.access import SPONSORLESS_WAITS, Actor
from affineur.core.decision import Decision, Refused
from affineur.core.names import NormalizedName
from affineur.core.people.machines import OFFER_LASTS
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, grants, outbox, projects, security, sponsors, tokens
from affineur.shell.store.security import Filter

NOW = START + timedelta(days=1)
BRIE, COMTE = NormalizedName("brie"), NormalizedName("comte")
SECOND = timedelta(seconds=1)
LEFT = NOW + timedelta(hours=1)
"""When somebody ceases to answer for the machine."""


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    fill(opened)
    with opened.store.write() as connection:
        for name in ("ann", "bob", "eve", "owner"):
            key = accounts.add_account(connection, name, START)
            emails.add(connection, key, f"{name}@example.org", START, verified_at=START)
    yield opened
    opened.close()


def by(index: Index, name: str, now: datetime = NOW, posture: Posture | None = None) -> Caller:
    """Somebody who is signed in and has just shown a passkey."""
    with index.store.read() as connection:
        key = accounts.account_id(connection, name)
    shown = posture or Posture(frozenset({"passkey"}), required=True, stepped_up=StepUp(now, "passkey"))
    return Caller(Actor(key, name, posture=shown), now)


def machine(index: Index, name: str = "robo") -> sponsors.Machine:
    with index.store.read() as connection:
        key = accounts.account_id(connection, name)
        assert key is not None
        found = sponsors.machine(connection, key)
    assert found is not None
    return found


def asked(index: Index, account: str, now: datetime = NOW) -> list[sponsors.Offer]:
    with index.store.read() as connection:
        return sponsors.offers(connection, now, invited_id=accounts.account_id(connection, account))


def letters(index: Index, template: str) -> list[str]:
    with index.store.read() as connection:
        return sorted(
            row.to_address for row in outbox.mails(connection, unsent_only=True, limit=1000) if row.template == template
        )


def happened(index: Index, name: str = "robo") -> list[str]:
    with index.store.read() as connection:
        key = accounts.ever(connection, name)
        return [each.event for each in security.recorded(connection, Filter(account_id=key))][::-1]


def with_two(index: Index) -> None:
    """The machine `robo` of ann and bob, a maintainer of brie, which `owner` owns."""
    create_machine(index, by(index, "ann"), "robo")
    answer_sponsor_offer(index, by(index, "bob"), invite_sponsor(index, by(index, "ann"), "robo", "bob"), True)
    with index.store.write() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        grants.set_role(connection, found.id, machine_id(index), "maintainer", NOW, None)
        owner = accounts.account_id(connection, "owner")
        assert owner is not None
        grants.set_role(connection, found.id, owner, "owner", NOW, None)


def machine_id(index: Index) -> int:
    return machine(index).id


def token(index: Index, maker: str = "ann", **changes: object) -> str:
    wanted: dict[str, object] = {
        "actions": ["upload"], "projects": [BRIE], "expires_at": NOW + timedelta(days=90), "label": "ci", **changes,
    }  # fmt: skip
    return create_machine_token(index, by(index, maker), "robo", **wanted).secret  # type: ignore[arg-type]


def acts(index: Index, secret: str, now: datetime) -> Decision:
    """What the machine is told that publishes to brie with ``secret``."""
    with index.store.read() as connection:
        actor = tokens.actor_of(connection, secret, now, factor_required=True)
    assert isinstance(actor, Actor), actor
    try:
        publish(
            index,
            "brie",
            f"9.{int((now - START).total_seconds())}",
            minutes=int((now - START).total_seconds() / 60),
            actor=actor,
        )
    except Refused as refused:
        return refused.decision
    return Decision(True, "", "")


def refused(rule: str) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.decision.rule == rule)


def test_a_new_machine_waits_until_a_second_person_answers_for_it(index: Index) -> None:
    create_machine(index, by(index, "ann"), "robo")
    assert machine(index).waits
    with index.store.write() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        grants.set_role(connection, found.id, machine_id(index), "maintainer", NOW, None)
    secret = token(index)
    waiting = acts(index, secret, NOW)
    assert waiting.rule == "access.sponsors"
    assert "does nothing yet" in waiting.reason
    offer = invite_sponsor(index, by(index, "ann"), "robo", "bob")
    assert acts(index, secret, NOW).rule == "access.sponsors"
    assert letters(index, "sponsor-invitation") == ["bob@example.org"]
    assert answer_sponsor_offer(index, by(index, "bob"), offer, True) == "robo"
    assert acts(index, secret, NOW).allowed
    assert happened(index) == ["MachineCreated", "SponsorAdded", "TokenCreated", "SponsorInvited", "SponsorAdded"]


def test_a_machine_that_lost_a_sponsor_goes_on_for_thirty_days_and_then_pauses(index: Index) -> None:
    with_two(index)
    secret = token(index, expires_at=NOW + timedelta(days=300))
    assert leave_machine(index, by(index, "bob", LEFT), "robo") == 1
    assert letters(index, "sponsor-short") == ["ann@example.org", "owner@example.org"]
    end = LEFT + SPONSORLESS_WAITS
    assert acts(index, secret, end - SECOND).allowed
    paused = acts(index, secret, end)
    assert paused.rule == "access.sponsors"
    assert "paused since" in paused.reason
    late = by(index, "ann", end)
    answer_sponsor_offer(index, by(index, "eve", end), invite_sponsor(index, late, "robo", "eve"), True)
    assert acts(index, secret, end + SECOND).allowed
    assert machine(index).roles == (("brie", "maintainer"),)


def test_the_last_sponsor_cannot_leave_and_is_told_the_ways_out(index: Index) -> None:
    with_two(index)
    leave_machine(index, by(index, "bob", LEFT), "robo")
    with refused("machine.last-sponsor") as caught:
        leave_machine(index, by(index, "ann"), "robo")
    assert len(caught.value.decision.ways_out) == 2
    assert [each.name for each in machine(index).sponsors] == ["ann"]


def test_a_sponsor_whose_account_is_deleted_has_left(index: Index) -> None:
    with_two(index)
    with index.store.write() as connection:
        sponsors.drop(connection, by(index, "bob").actor.account_id or 0, LEFT)
    assert machine(index).short_from == LEFT
    assert letters(index, "sponsor-short") == ["ann@example.org", "owner@example.org"]
    with index.store.read() as connection:
        assert sponsors.only_for(connection, by(index, "ann").actor.account_id or 0) == ["robo"]


def test_sponsors_are_reminded_before_their_machine_pauses_and_only_once_each_time(index: Index) -> None:
    with_two(index)
    assert remind_of_sponsors(index, NOW) == 0
    leave_machine(index, by(index, "bob", LEFT), "robo")
    end = LEFT + SPONSORLESS_WAITS
    assert remind_of_sponsors(index, end - timedelta(days=7) - SECOND) == 0
    assert remind_of_sponsors(index, end - timedelta(days=7)) == 1
    assert remind_of_sponsors(index, end - timedelta(days=6)) == 0
    assert remind_of_sponsors(index, end - timedelta(days=1)) == 1
    assert remind_of_sponsors(index, end - timedelta(hours=1)) == 0
    assert remind_of_sponsors(index, end) == 0
    assert len(letters(index, "sponsor-short")) == 3 * 2


def test_a_machine_that_never_began_reminds_nobody(index: Index) -> None:
    create_machine(index, by(index, "ann"), "robo")
    assert remind_of_sponsors(index, NOW + timedelta(days=29)) == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"actions": ["manage"]}, "machine.token"),
        ({"actions": ["upload", "archive"]}, "machine.token"),
        ({"actions": []}, "machine.token"),
        ({"projects": []}, "machine.token"),
        ({"projects": None}, "machine.token"),
        ({"projects": [BRIE, COMTE]}, "machine.token"),
        ({"expires_at": NOW}, "token.expiry"),
        ({"label": "c" * 101}, "token.label"),
        ({"expires_at": NOW + timedelta(days=366)}, "token.longest"),
    ],
)
def test_a_token_of_a_machine_is_narrow_and_has_an_end(index: Index, changes: dict[str, object], rule: str) -> None:
    with_two(index)
    with refused(rule):
        token(index, **changes)


def test_a_token_that_only_reads_needs_no_project(index: Index) -> None:
    with_two(index)
    assert token(index, actions=["read"], projects=None)


def test_a_token_makes_no_token_of_a_machine_that_does_more_or_lives_longer_than_itself(index: Index) -> None:
    with_two(index)
    signed_in = by(index, "ann")
    ends = NOW + timedelta(hours=1)
    narrow = replace(signed_in.actor, token_id="t", actions=frozenset({"manage"}), token_ends_at=ends)

    def make(actor: Actor, expires_at: datetime) -> None:
        create_machine_token(
            index, replace(signed_in, actor=actor), "robo", actions=["upload"], projects=[BRIE], expires_at=expires_at
        )

    with refused("token.wider"):
        make(narrow, ends)
    wide = replace(narrow, actions=frozenset({"manage", "upload"}))
    with refused("token.longest"):
        make(wide, ends + SECOND)
    make(wide, ends)


def test_only_sponsors_make_and_revoke_its_tokens(index: Index) -> None:
    with_two(index)
    secret = token(index, "bob")
    with refused("machine.exists"):
        token(index, "eve")
    with refused("machine.exists"):
        revoke_machine_token(index, by(index, "eve"), "robo", "x")
    with index.store.read() as connection:
        (held,) = tokens.listed(connection, machine_id(index))
    no_proof = Posture(frozenset({"passkey"}), required=True)
    assert revoke_machine_token(index, by(index, "ann", posture=no_proof), "robo", held.id[:8]) == held.id
    with index.store.read() as connection:
        answer = tokens.actor_of(connection, secret, NOW, factor_required=True)
    assert isinstance(answer, Decision)
    assert answer.rule == "token.revoked"


def test_a_sponsor_has_a_second_factor_and_gives_a_fresh_proof(index: Index) -> None:
    with_two(index)
    bare = Posture(required=True, stepped_up=StepUp(NOW, "password"))
    stale = Posture(frozenset({"passkey"}), True, stepped_up=StepUp(NOW - timedelta(minutes=6), "passkey"))
    for posture, rule in ((bare, "factor.first"), (stale, "access.step-up")):
        for act in (
            lambda who: create_machine(index, who, "robo2"),
            lambda who: invite_sponsor(index, who, "robo", "eve"),
            lambda who: create_machine_token(
                index, who, "robo", actions=["read"], projects=None, expires_at=NOW + timedelta(days=1)
            ),
        ):
            with refused(rule):
                act(by(index, "ann", posture=posture))


def test_the_ladder_of_people_does_not_reach_machines(index: Index) -> None:
    with_two(index)
    secret = token(index, expires_at=NOW + timedelta(days=365))
    with index.store.write() as connection:
        accounts.change(connection, machine_id(index), ladder_from=START - timedelta(days=400))
    assert acts(index, secret, NOW + timedelta(days=364)).allowed


def test_an_invitation_is_for_one_person_once_and_ends(index: Index) -> None:
    create_machine(index, by(index, "ann"), "robo")
    offer = invite_sponsor(index, by(index, "ann"), "robo", "bob")
    assert [(each.machine, each.by) for each in asked(index, "bob")] == [("robo", "ann")]
    with refused("machine.offer"):
        answer_sponsor_offer(index, by(index, "eve"), offer, True)
    with refused("machine.offer"):
        answer_sponsor_offer(index, by(index, "bob", NOW + OFFER_LASTS), offer, True)
    answer_sponsor_offer(index, by(index, "bob"), offer, False)
    with refused("machine.offer"):
        answer_sponsor_offer(index, by(index, "bob"), offer, True)
    again = invite_sponsor(index, by(index, "ann"), "robo", "bob")
    withdraw_sponsor_offer(index, by(index, "ann"), again)
    assert asked(index, "bob") == []
    assert machine(index).waits


def test_asking_twice_leaves_one_invitation_open(index: Index) -> None:
    create_machine(index, by(index, "ann"), "robo")
    first = invite_sponsor(index, by(index, "ann"), "robo", "bob")
    second = invite_sponsor(index, by(index, "ann"), "robo", "bob")
    assert [each.id for each in asked(index, "bob")] == [second] != [first]


@pytest.mark.parametrize("how", ["left", "frozen"])
def test_an_invitation_of_somebody_who_does_not_answer_any_more_is_over(index: Index, how: str) -> None:
    with_two(index)
    offer = invite_sponsor(index, by(index, "ann"), "robo", "eve")
    if how == "left":
        leave_machine(index, by(index, "ann"), "robo")
    else:
        freeze(index, console(NOW), "ann", "taken over")
    with refused("machine.offer"):
        answer_sponsor_offer(index, by(index, "eve"), offer, True)
    assert "eve" not in {each.name for each in machine(index).sponsors}


def test_machines_and_present_sponsors_are_not_asked(index: Index) -> None:
    with_two(index)
    create_machine(index, by(index, "ann"), "other")
    for who in ("other", "bob"):
        with refused("machine.sponsor"):
            invite_sponsor(index, by(index, "ann"), "robo", who)


def test_a_machine_decides_nothing_about_machines(index: Index) -> None:
    with_two(index)
    actor = replace(by(index, "robo").actor, kind="automation")
    for act in (
        lambda: create_machine(index, Caller(actor, NOW), "child"),
        lambda: answer_sponsor_offer(index, Caller(actor, NOW), "x", True),
    ):
        with refused("access.machine"):
            act()


def test_a_retired_machine_is_gone_with_its_tokens_and_roles_and_its_name_stays_taken(index: Index) -> None:
    with_two(index)
    secret = token(index)
    assert retire_machine(index, by(index, "ann"), "robo") == ("brie",)
    with index.store.read() as connection:
        answer = tokens.actor_of(connection, secret, NOW, factor_required=True)
        found = projects.find(connection, BRIE)
        assert found is not None
        assert [name for name, _, _ in grants.roles(connection, found.id)] == ["owner"]
    assert isinstance(answer, Decision)
    with refused("account.taken"):
        create_machine(index, by(index, "ann"), "robo")
    assert happened(index)[-2:] == ["RoleRemoved", "MachineRetired"]


def test_a_machine_that_is_the_only_owner_of_a_project_is_not_retired(index: Index) -> None:
    with_two(index)
    with index.store.write() as connection:
        found = projects.find(connection, COMTE)
        assert found is not None
        grants.set_role(connection, found.id, machine_id(index), "owner", NOW, None)
    with refused("machine.only-owner"):
        retire_machine(index, by(index, "ann"), "robo")


def test_the_console_says_who_answers_for_a_machine(index: Index) -> None:
    create_machine(index, console(NOW), "robo")
    assert machine(index).sponsors == ()
    assert set_sponsor(index, console(NOW), "robo", "ann", True)
    assert set_sponsor(index, console(NOW), "robo", "bob", True)
    assert not set_sponsor(index, console(NOW), "robo", "bob", True)
    assert machine(index).short_from is None
    with refused("machine.exists"):
        set_sponsor(index, by(index, "eve"), "robo", "eve", True)


def test_a_frozen_machine_does_nothing_and_its_sponsors_are_told(index: Index) -> None:
    with_two(index)
    secret = token(index)
    freeze(index, console(NOW), "robo", "its token was in a build log")
    assert acts(index, secret, NOW).rule == "access.frozen"
    assert letters(index, "account-frozen") == ["ann@example.org", "bob@example.org"]
