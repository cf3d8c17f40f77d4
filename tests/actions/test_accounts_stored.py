"""What accounts, links and counters come to in the database: on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index, publish

from affineur.actions.delete_account import delete_account
from affineur.actions.invite_account import create_account, invitations, invite_account, withdraw_invitation
from affineur.actions.passwords import password_link
from affineur.core.decision import Refused
from affineur.core.people.throttle import SIGN_IN_PAIR
from affineur.core.security import console
from affineur.shell.index import Index
from affineur.shell.store import (
    accounts,
    attempts,
    emails,
    grants,
    identities,
    offers,
    projects,
    security,
    sessions,
    tickets,
)
from affineur.shell.store.schema import account, device, factor, identity, journal, metadata, outbox, ticket

NOW = START + timedelta(days=30)
BY = console(NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    where = {} if request.param == "sqlite" else {"database": request.getfixturevalue("postgresql_url")}
    made = new_index(tmp_path / "data", **where)
    yield made
    made.close()


def rule_of(act: object, *arguments: object) -> str:
    with pytest.raises(Refused) as refused:
        act(*arguments)  # type: ignore[operator]
    return refused.value.decision.rule


def test_a_link_is_used_once_for_its_purpose_and_within_its_time(index: Index) -> None:
    with index.store.write() as connection:
        secret = tickets.issue(connection, "verify", None, "ann@example.org", NOW, timedelta(hours=1))
        just, late = NOW + timedelta(hours=1, microseconds=-1), NOW + timedelta(hours=1)
        assert tickets.look(connection, secret, "verify", just)
        assert tickets.look(connection, secret, "verify", late) is None
        assert tickets.use(connection, secret, "reset", NOW) is None
        assert tickets.use(connection, secret + "x", "verify", NOW) is None
        assert tickets.use(connection, "x" * 5000, "verify", NOW) is None
        used = tickets.use(connection, secret, "verify", just)
        assert used is not None and used.subject == "ann@example.org"
        assert tickets.use(connection, secret, "verify", NOW) is None
        assert secret not in str(connection.execute(sa.select(ticket)).all())


def test_attempts_at_the_same_moment_are_no_way_around_a_limit(index: Index) -> None:
    counters = attempts.limits(SIGN_IN_PAIR, "account", "7")
    admitted: list[bool] = []

    def guess() -> None:
        admitted.extend(attempts.take(index.store, counters, NOW).allowed for _ in range(4))

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(admitted) == SIGN_IN_PAIR[0].attempts == 10
    later = NOW + SIGN_IN_PAIR[0].window
    assert not attempts.admit(index.store, counters, later - timedelta(microseconds=1)).allowed
    assert attempts.admit(index.store, counters, later).allowed


def test_an_attempt_that_was_right_is_given_back(index: Index) -> None:
    counters = attempts.limits(SIGN_IN_PAIR, "account", "7")
    for _ in range(30):
        assert attempts.take(index.store, counters, NOW).allowed
        attempts.give_back(index.store, counters)
    attempts.give_back(index.store, counters)
    assert [attempts.take(index.store, counters, NOW).allowed for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.parametrize("name", ["rnary", "MARY-1", "mary_l", "mary.i", "mary--I"])
def test_a_name_that_looks_like_an_existing_one_is_found(index: Index, name: str) -> None:
    with index.store.write() as connection:
        accounts.add_account(connection, "mary-l", NOW)
        assert accounts.lookalike(connection, name) == (None if name == "rnary" else "mary-l")


def test_mail_to_an_account_goes_to_the_address_as_its_holder_wrote_it(index: Index) -> None:
    create_account(index, BY, "ann", "Ann.Smith@Example.org")
    with index.store.read() as connection:
        held = emails.holder(connection, "ANN.smith@example.ORG")
        assert held is not None and held[1] == "Ann.Smith@Example.org"
        assert emails.holder(connection, "ann.smıth@example.org") is None, "a dotless i is no i"
    assert rule_of(create_account, index, BY, "bea", "ann.SMITH@example.org") == "email.taken"


def test_an_invitation_replaces_the_one_before_and_can_be_withdrawn(index: Index) -> None:
    first = invite_account(index, BY, "guest@example.org")
    second = invite_account(index, BY, "guest@example.org", "auditor")
    assert first.path != second.path
    assert [(each.address, each.office) for each in invitations(index, BY)] == [("guest@example.org", "auditor")]
    with index.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(outbox)) == 2
    assert withdraw_invitation(index, BY, "guest@example.org")
    assert not withdraw_invitation(index, BY, "guest@example.org")
    assert invitations(index, BY) == []


def test_machines_and_nobody_get_no_link_for_a_password(index: Index) -> None:
    with index.store.write() as connection:
        accounts.add_account(connection, "bot", NOW, kind="automation")
    assert rule_of(password_link, index, BY, "bot") == "account.machine"
    assert rule_of(password_link, index, BY, "nobody") == "account.exists"


def test_a_deleted_account_leaves_its_name_and_what_it_published(index: Index) -> None:
    publish(index, "brie")
    for person in ("ann", "bea"):
        create_account(index, BY, person, f"{person}@example.org")
    with index.store.read() as connection:
        project, ann = index_of(connection, "brie"), accounts.account_id(connection, "ann")
    with index.store.write() as connection:
        grants.set_role(connection, project, ann or 0, "owner", NOW, None)
    assert rule_of(delete_account, index, BY, "ann") == "account.sole-owner"
    with index.store.write() as connection:
        grants.set_role(connection, project, accounts.account_id(connection, "bea") or 0, "owner", NOW, ann)
    assert delete_account(index, BY, "ann") == ("brie",)
    with index.store.read() as connection:
        (ended,) = security.recorded(connection, security.Filter(event="RoleRemoved"))
        assert (ended.account, ended.project, ended.facts["how"]) == ("ann", "brie", "delete-account")
        row = connection.execute(sa.select(account).where(account.c.name == "ann")).one()
        assert row.deleted_at == NOW and row.password_hash is None and row.office is None
        for table in metadata.sorted_tables:
            for column in table.columns:
                if any(key.column.table is account for key in column.foreign_keys):
                    assert not connection.scalar(sa.select(sa.func.count()).where(column == ann)), column
        newest = connection.execute(sa.select(journal).order_by(journal.c.serial.desc()).limit(1)).one()
        assert (newest.event, newest.project) == ("RoleRevoked", "brie")
        letters = connection.scalars(sa.select(outbox.c.template).where(outbox.c.to_address == "ann@example.org"))
        assert "account-deleted" in letters.all()
    assert rule_of(create_account, index, BY, "Ann", None) == "account.exists"
    assert rule_of(delete_account, index, BY, "operator") == "account.last-operator"


def test_what_an_account_began_and_who_it_was_elsewhere_go_with_it(index: Index) -> None:
    publish(index, "brie")
    for person in ("ann", "bea", "cid"):
        create_account(index, BY, person, f"{person}@example.org")
    with index.store.write() as connection:
        keys = {name: accounts.account_id(connection, name) or 0 for name in ("ann", "bea", "cid")}
        project, ann = index_of(connection, "brie"), keys["ann"]
        for key in keys.values():
            grants.set_role(connection, project, key, "owner", NOW, None)
        sent = offers.add_invitation(connection, project, "owner", ann, NOW, NOW + timedelta(days=14), address="d@x.de")
        made = offers.add_proposal(connection, project, keys["bea"], ann, "why", NOW, NOW + timedelta(days=14))
        other = offers.add_proposal(connection, project, keys["bea"], keys["cid"], "why", NOW, NOW + timedelta(days=14))
        identities.link(connection, identities.IdentityRow("https://id.example.org", "ann-7", ann, NOW))
        connection.execute(factor.insert().values(account_id=ann, kind="totp", label="app", created_at=NOW))
        sessions.see_device(connection, ann, "a device", NOW, "a browser")
        tickets.issue(connection, "password-reset", ann, "", NOW, timedelta(hours=1))
        accounts.change(connection, ann, company_office="auditor")
        reset = {"account": "ann", "link": "account/reset?ticket=x", "minutes": 60, "place": "here"}
        emails.tell(connection, ann, "password-reset", reset, NOW)
        emails.tell(connection, ann, "password-changed", {"account": "ann", "at": NOW, "place": "here"}, NOW)
        emails.tell(connection, ann, "welcome", {"account": "ann"}, NOW)
        connection.execute(outbox.update().where(outbox.c.template == "welcome").values(sent_at=NOW))
    delete_account(index, BY, "ann")
    with index.store.read() as connection:
        found = [offers.proposal(connection, each) for each in (made, other)]
        invitation = offers.invitation(connection, sent)
        assert invitation is not None and invitation.answer == "withdrawn"
        assert [each and each.outcome for each in found] == ["withdrawn", None]
        assert identities.find(connection, "https://id.example.org", "ann-7") is None
        for table in (identity, factor, device, ticket):
            mine = sa.select(sa.func.count()).select_from(table).where(table.c.account_id == ann)
            assert connection.scalar(mine) == 0, table.name
        assert connection.scalar(sa.select(account.c.company_office).where(account.c.id == ann)) is None
        letters = connection.scalars(sa.select(outbox.c.template).where(outbox.c.to_address == "ann@example.org"))
        assert sorted(letters) == ["account-deleted", "password-changed"], "notices that wait are sent, links are not"


def index_of(connection: sa.Connection, project: str) -> int:
    found = projects.find(connection, project)
    assert found is not None
    return found.id
