"""Signing in with a company, as acts: whose account it is, and what groups give and take. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index, publish

from affineur.actions import company_link, company_sign_in
from affineur.actions.beginning import Begun, Stranger
from affineur.actions.company_groups import Answer
from affineur.actions.grant import set_role
from affineur.actions.tokens import create_token
from affineur.core.access import Actor
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people.company_identity import Identity
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.security import CONSOLE, Caller, console
from affineur.shell.bearer import digest_of
from affineur.shell.index import Index
from affineur.shell.store import (
    accounts,
    emails,
    grants,
    identities,
    journal,
    offers,
    projects,
    schema,
    security,
    sessions,
)
from affineur.shell.store import tokens as tokens_stored
from affineur.shell.store.security import Filter

ISSUER, BRIE = "https://id.example.org", NormalizedName("brie")
RULES = "ops = operator\nlogs = auditor\ncheese = owner of brie\ninterns = maintainer of brie"
NOW = START + timedelta(days=1)
numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    made = new_index(tmp_path / "data", database=url, company_issuer=ISSUER, company_client_id="affineur",
                     company_groups=RULES, company_name="Fromagerie")  # fmt: skip
    publish(made, "brie")
    yield made
    made.close()


def answer(subject: str = "mona", *groups: str, **facts: Any) -> Answer:
    return Answer(Identity(ISSUER, subject, **{"suggested_name": subject, "groups": frozenset(groups), **facts}),
                  f"errand {next(numbers)}")  # fmt: skip


def enter(index: Index, subject: str = "mona", *groups: str, **facts: Any) -> Begun:
    return company_sign_in.sign_in(index, Stranger(NOW, CONSOLE), answer(subject, *groups, **facts))


def refused(rule: str) -> Any:
    return pytest.raises(Refused, check=lambda found: found.decision.rule == rule)


def account(index: Index, name: str) -> Any:
    with index.store.read() as connection:
        return accounts.find(connection, name)


def role(index: Index, name: str) -> str | None:
    with index.store.read() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        return projects.role_of(connection, found.id, accounts.account_id(connection, name) or 0)


def add(index: Index, name: str, address: str | None = None, **columns: Any) -> int:
    with index.store.write() as connection:
        key = accounts.add_account(connection, name, NOW)
        if columns:
            accounts.change(connection, key, **columns)
        if address:
            emails.add(connection, key, address, NOW, verified_at=NOW)
        return key


def log(index: Index, name: str) -> list[str]:
    with index.store.read() as connection:
        key = accounts.account_id(connection, name)
        return [each.event for each in security.recorded(connection, Filter(account_id=key))]


def test_the_same_person_comes_back_to_the_same_account_and_others_get_their_own(index: Index) -> None:
    assert enter(index).stage == enter(index).stage == "whole"
    enter(index, "another", suggested_name="Mona")
    enter(index, "third", suggested_name="mona")
    enter(index, "boss", suggested_name="admin")
    with index.store.read() as connection:
        names = {identities.find(connection, ISSUER, each): each for each in ("mona", "another", "third", "boss")}
        found = [accounts.by_id(connection, row.account_id) for row in names if row]
    assert [each.name for each in found if each] == ["mona", "Mona-2", "mona-3", "admin-2"]


def proven(index: Index, begun: Begun) -> StepUp | None:
    with index.store.read() as connection:
        found = sessions.find(connection, digest_of(begun.session_secret), NOW, factor_required=True)
    assert found is not None
    return found[1].posture.stepped_up


def test_signing_in_is_a_proof_of_when_the_company_last_asked_who_it_is(index: Index) -> None:
    """Else whoever sits down at an open browser, where the company asks nothing, has a fresh proof in a click."""
    assert proven(index, enter(index)) is None
    this_morning = NOW - timedelta(hours=3)
    assert proven(index, enter(index, signed_in_at=this_morning)) == StepUp(this_morning, "company", NOW)
    just_now = proven(index, enter(index, signed_in_at=NOW + timedelta(seconds=20)))
    assert just_now is not None and just_now.at == NOW, "clocks differ a little"


def test_an_answer_is_taken_once(index: Index) -> None:
    given = answer()
    company_sign_in.sign_in(index, Stranger(NOW, CONSOLE), given)
    with refused("company.used"):
        company_sign_in.sign_in(index, Stranger(NOW, CONSOLE), given)


@pytest.mark.parametrize("verified", [True, False])
def test_an_account_is_never_taken_over_because_the_address_is_the_same(index: Index, verified: bool) -> None:
    key = add(index, "cleo", "Cleo@example.org")
    if verified:
        with refused("company.address"):
            enter(index, "mona", address="cleo@example.org", address_verified=True)
        assert account(index, "mona") is None
    else:
        enter(index, "mona", address="cleo@example.org")
        with index.store.read() as connection:
            assert emails.listed(connection, account(index, "mona").id) == []
    with index.store.read() as connection:
        assert identities.of_account(connection, key, ISSUER) is None


def test_only_an_address_that_the_company_vouches_for_is_verified(index: Index) -> None:
    enter(index, "mona", address="mona@example.org", address_verified=True)
    enter(index, "paul", address="paul@example.org")
    enter(index, "olga", address="no address, this")
    with index.store.read() as connection:
        assert emails.primary(connection, account(index, "mona").id) == "mona@example.org"
        assert emails.primary(connection, account(index, "paul").id) is None
        assert [each.address for each in emails.listed(connection, account(index, "paul").id)] == ["paul@example.org"]
        assert emails.listed(connection, account(index, "olga").id) == []
        letters = connection.execute(sa.select(schema.outbox.c.to_address, schema.outbox.c.template)).all()
    assert {tuple(each) for each in letters} == {("mona@example.org", "welcome"), ("paul@example.org", "verify-email")}


def test_groups_give_and_take_and_journal_and_log_tell_it_without_a_name(index: Index) -> None:
    set_role(index, console(NOW), BRIE, add(index, "olga") and "olga", "owner")
    enter(index, "mona", "ops", "cheese", address="mona@example.org", address_verified=True)
    assert (account(index, "mona").office, role(index, "mona")) == ("operator", "owner")
    enter(index, "mona", "logs", "interns")
    assert (account(index, "mona").office, role(index, "mona")) == ("auditor", "maintainer")
    enter(index, "mona")
    assert (account(index, "mona").office, role(index, "mona")) == (None, None)
    with index.store.read() as connection:
        told = [each.event for each in journal.entries(connection) if each.event.rule == "company"]
        found = projects.find(connection, BRIE)
        letters = connection.scalars(sa.select(schema.outbox.c.template).order_by(schema.outbox.c.id)).all()
        assert found is not None and found.serial == journal.head(connection)[0]
    assert [each.event for each in told] == ["RoleGranted", "RoleGranted", "RoleRevoked"]
    assert all("mona" not in str(each) for each in told)
    assert index.tree.serial("brie") == found.serial, "the page is up to its rows"
    assert [each for each in letters if each != "new-device"] == [
        "welcome",
        *["office-changed", "role-granted"] * 2,
        "office-changed",
        "role-removed",
    ]
    assert {"OfficeChanged", "RoleGranted", "RoleRemoved"} <= {*log(index, "mona")}


def test_what_was_given_by_hand_stays(index: Index) -> None:
    enter(index)
    set_role(index, console(NOW), BRIE, "mona", "maintainer")
    enter(index, "mona", "cheese")
    assert role(index, "mona") == "maintainer"
    enter(index)
    assert role(index, "mona") == "maintainer"
    set_role(index, console(NOW), BRIE, "mona", None)
    enter(index, "mona", "cheese")
    assert role(index, "mona") == "owner"
    set_role(index, console(NOW), BRIE, "mona", "maintainer")
    enter(index)
    assert role(index, "mona") == "maintainer", "changed by hand since"


def test_the_last_operator_stays_operator(index: Index) -> None:
    enter(index, "mona", "ops")
    with index.store.write() as connection:
        connection.execute(schema.account.update().where(schema.account.c.name != "mona").values(office=None))
    enter(index)
    assert account(index, "mona").office == "operator"
    enter(index, "paul", "ops")
    enter(index)
    assert account(index, "mona").office is None


def test_the_only_owner_of_a_project_stays_owner_until_there_is_another(index: Index) -> None:
    enter(index, "mona", "cheese", address="mona@example.org", address_verified=True)
    add(index, "olga", "olga@example.org", office="operator")
    for groups in ((), ("interns",), ()):
        enter(index, "mona", *groups)
        assert role(index, "mona") == "owner"
    with index.store.read() as connection:
        told = sa.select(schema.outbox.c.to_address).where(schema.outbox.c.template == "role-kept")
        assert sorted(connection.scalars(told)) == ["mona@example.org", "olga@example.org"], "once, not at each sign-in"
    assert log(index, "mona").count("RoleKept") == 1
    enter(index, "mona", "cheese")
    enter(index, "mona")
    assert log(index, "mona").count("RoleKept") == 2, "told anew after it was due again"
    set_role(index, console(NOW), BRIE, "olga", "owner")
    enter(index, "mona")
    assert role(index, "mona") is None


def test_what_hung_on_a_role_goes_with_it(index: Index) -> None:
    enter(index, "mona", "cheese")
    set_role(index, console(NOW), BRIE, add(index, "olga") and "olga", "owner")
    with index.store.write() as connection:
        key, found = account(index, "mona").id, projects.find(connection, BRIE)
        assert found is not None
        ends = NOW + timedelta(days=14)
        sent = offers.add_invitation(connection, found.id, "owner", key, NOW, ends, address="d@example.org")
        made = offers.add_proposal(connection, found.id, account(index, "olga").id, key, "why", NOW, ends)
    tokens = [create_token(index, console(NOW), "mona", projects=wanted).id for wanted in ([BRIE], None)]
    enter(index, "mona")
    with index.store.read() as connection:
        invitation, proposal = offers.invitation(connection, sent), offers.proposal(connection, made)
        assert invitation is not None and invitation.answer == "withdrawn"
        assert proposal is not None and proposal.outcome == "withdrawn"
        states = [found.state(NOW) for each in tokens if (found := tokens_stored.find(connection, each))]
    assert states == ["revoked", "valid"]


def test_a_rule_for_members_keeps_others_out_and_takes_what_groups_gave(index: Index) -> None:
    enter(index, "mona", "interns")
    strict = replace(index, settings=replace(index.settings, company_groups=f"staff = member\n{RULES}"))
    for subject in ("mona", "paul"):
        with refused("company.member"):
            enter(strict, subject)
    assert account(index, "paul") is None
    assert role(index, "mona") is None
    with index.store.read() as connection:
        assert sessions.listed(connection, account(index, "mona").id, NOW) == []
        out = security.recorded(connection, Filter(outcome="refused"))
        assert [(each.account, each.rule) for each in out] == [(None, "company.member"), ("mona", "company.member")]
    enter(strict, "paul", "staff")


def test_a_frozen_account_stays_out_and_keeps_what_it_has(index: Index) -> None:
    enter(index, "mona", "cheese")
    with index.store.write() as connection:
        accounts.change(connection, account(index, "mona").id, frozen_at=NOW, frozen_reason="spam")
    with refused("signin.frozen"):
        enter(index)
    assert role(index, "mona") == "owner"
    assert log(index, "mona")[0] == "SignInRefused"


def test_somebody_whose_account_was_deleted_gets_a_new_one(index: Index) -> None:
    enter(index)
    with index.store.write() as connection:
        accounts.change(connection, account(index, "mona").id, deleted_at=NOW)
    enter(index)
    assert account(index, "mona-2") is not None


def test_a_factor_of_ours_is_asked_for_in_addition_even_a_suspended_one(index: Index) -> None:
    enter(index)
    key = account(index, "mona").id
    row = schema.factor.insert().values(account_id=key, kind="totp", label="app", created_at=NOW, suspended_at=NOW)
    with index.store.write() as connection:
        connection.execute(row)
    assert enter(index).stage == "factor"


def test_sessions_begun_with_a_password_end_where_passwords_are_switched_off(index: Index) -> None:
    enter(index)
    key = account(index, "mona").id
    with index.store.write() as connection:
        connection.execute(schema.session.update().values(via="password"))
    enter(index)
    with index.store.read() as connection:
        assert len(sessions.listed(connection, key, NOW)) == 2
    enter(replace(index, settings=replace(index.settings, password_sign_in=False)))
    with index.store.read() as connection:
        assert {each.via for each in sessions.listed(connection, key, NOW)} == {"company"}


def holder(key: int, name: str = "cleo", *, proven: bool = True) -> Caller:
    step = StepUp(NOW, "password") if proven else None
    return Caller(Actor(key, name, posture=Posture(stepped_up=step)), NOW)


def test_linking_takes_a_fresh_proof_a_form_and_somebody_who_is_free(index: Index) -> None:
    enter(index)
    cleo, otto = add(index, "cleo", "cleo@example.org"), add(index, "otto")
    with refused("access.step-up"):
        company_link.propose_link(index, holder(cleo, proven=False), answer("new"))
    with refused("company.linked"):
        company_link.propose_link(index, holder(cleo), answer("mona"))
    secret = company_link.propose_link(index, holder(cleo), answer("new"))
    with refused("company.state"):
        company_link.link(index, holder(otto, "otto"), secret)
    again = company_link.propose_link(index, holder(cleo), answer("new"))
    company_link.link(index, holder(cleo), again)
    with refused("company.linked"):
        company_link.propose_link(index, holder(cleo), answer("newer"))
    with index.store.read() as connection:
        letters = connection.execute(sa.select(schema.outbox.c.to_address, schema.outbox.c.template)).all()
    assert [tuple(each) for each in letters] == [("cleo@example.org", "session-note")]
    assert "IdentityLinked" in log(index, "cleo")


def test_unlinking_gives_up_what_groups_gave_and_never_locks_somebody_out(index: Index) -> None:
    enter(index, "mona", "logs")
    key = account(index, "mona").id
    with refused("company.only-way"):
        company_link.unlink(index, holder(key, "mona"), "mona")
    with index.store.write() as connection:
        accounts.change(connection, key, password_hash="a hash")
    with refused("access.own"):
        company_link.unlink(index, holder(key + 1000), "mona")
    assert company_link.unlink(index, holder(key, "mona"), "mona")
    assert not company_link.unlink(index, holder(key, "mona"), "mona")
    assert account(index, "mona").office is None
    assert "IdentityUnlinked" in log(index, "mona")


def test_the_console_links_accounts_that_nobody_can_sign_in_to(index: Index) -> None:
    add(index, "cleo")
    company_link.link_by_operator(index, console(NOW), "cleo", "mona")
    enter(index, "mona", "cheese")
    assert role(index, "cleo") == "owner"
    with index.store.read() as connection:
        found = projects.find(connection, BRIE)
        assert found is not None
        assert [each[:2] for each in grants.roles(connection, found.id)] == [("cleo", "owner")]
