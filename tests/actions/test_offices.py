"""Offices and frozen accounts: who may, what it takes, what stops at once, and what does not change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.indexes import START, fill, new_index

from affineur.actions.delete_account import delete_account
from affineur.actions.freeze import freeze, thaw
from affineur.actions.offices import set_office
from affineur.actions.tokens import create_token
from affineur.core.access import Actor, Resource, may
from affineur.core.decision import Refused
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.permissions import Office
from affineur.core.security import Caller, console
from affineur.shell.index import Index
from affineur.shell.store import accounts, emails, outbox, security, tokens
from affineur.shell.store.security import Filter

NOW = START + timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    fill(opened)
    offices: dict[str, Office | None] = {"op": "operator", "op2": "operator", "mo": "moderator", "ann": None}
    with opened.store.write() as connection:
        for founder in ("operator",):
            if (key := accounts.account_id(connection, founder)) is not None:
                accounts.change(connection, key, office=None)
        for name, office in offices.items():
            key = accounts.add_account(connection, name, START, office=office)
            emails.add(connection, key, f"{name}@example.org", START, verified_at=START)
        accounts.add_account(connection, "robo", START, kind="automation")
    yield opened
    opened.close()


def by(index: Index, name: str) -> Caller:
    """Somebody who is signed in and has just shown a passkey."""
    with index.store.read() as connection:
        found = accounts.find(connection, name)
    assert found is not None
    shown = Posture(frozenset({"passkey"}), required=True, stepped_up=StepUp(NOW, "passkey"))
    return Caller(Actor(found.id, name, found.office, posture=shown), NOW)


def row(index: Index, name: str) -> accounts.AccountRow:
    with index.store.read() as connection:
        found = accounts.find(connection, name)
    assert found is not None
    return found


def letters(index: Index) -> list[tuple[str, str]]:
    with index.store.read() as connection:
        return sorted((each.template, each.to_address) for each in outbox.mails(connection, unsent_only=True, limit=99))


def refused(rule: str) -> pytest.RaisesExc[Refused]:
    return pytest.RaisesExc(Refused, check=lambda error: error.decision.rule == rule)


def test_an_operator_gives_an_office_and_its_holder_is_told(index: Index) -> None:
    assert set_office(index, by(index, "op"), "ann", "auditor")
    assert not set_office(index, by(index, "op"), "ann", "auditor")
    assert row(index, "ann").office == "auditor"
    assert letters(index) == [("office-changed", "ann@example.org")]
    with index.store.read() as connection:
        (event,) = security.recorded(connection, Filter(event="OfficeChanged"))
    assert (event.account, event.actor, event.facts) == ("ann", "op", {"old": None, "new": "auditor"})


@pytest.mark.parametrize("who", ["mo", "ann"])
def test_nobody_else_gives_offices(index: Index, who: str) -> None:
    with refused("access.office"):
        set_office(index, by(index, who), "ann", "operator")


def test_machines_hold_no_office(index: Index) -> None:
    with refused("office.person"):
        set_office(index, by(index, "op"), "robo", "auditor")


def test_one_operator_is_always_left(index: Index) -> None:
    assert set_office(index, by(index, "op"), "op2", None)
    with refused("office.last-operator"):
        set_office(index, by(index, "op"), "op", "moderator")
    assert row(index, "op").office == "operator"


def test_an_operator_who_is_frozen_does_not_count_as_one_that_is_left(index: Index) -> None:
    freeze(index, by(index, "op"), "op2", "seen from two continents")
    with refused("office.last-operator"):
        set_office(index, by(index, "op"), "op", None)


def test_nor_does_one_who_is_frozen_let_the_last_operator_delete_their_account(index: Index) -> None:
    freeze(index, by(index, "op"), "op2", "seen from two continents")
    with refused("account.last-operator"):
        delete_account(index, by(index, "op"), "op")


def test_the_console_may_take_the_last_operator_away(index: Index) -> None:
    for name in ("op", "op2"):
        assert set_office(index, console(NOW), name, None)
    assert ("office-changed", "op@example.org") in letters(index)


def test_a_frozen_account_stops_with_the_next_request_and_goes_on_when_it_is_lifted(index: Index) -> None:
    secret = create_token(index, console(NOW), "ann").secret

    def decides() -> str:
        with index.store.read() as connection:
            actor = tokens.actor_of(connection, secret, NOW, factor_required=False)
        assert isinstance(actor, Actor)
        return may(actor, "see-account", Resource(account_id=actor.account_id), NOW).rule

    assert decides() == "access.see-account"
    assert freeze(index, by(index, "mo"), "ann", "sells\nits name")
    assert not freeze(index, by(index, "mo"), "ann", "another reason")
    assert decides() == "access.frozen"
    assert row(index, "ann").frozen_reason == "sells its name"
    assert thaw(index, by(index, "mo"), "ann")
    assert not thaw(index, by(index, "mo"), "ann")
    assert decides() == "access.see-account"
    assert letters(index)[:2] == [("account-frozen", "ann@example.org"), ("account-thawed", "ann@example.org")]


@pytest.mark.parametrize(
    ("who", "whom", "rule"),
    [
        ("mo", "op", "freeze.operator"),
        ("mo", "mo", "freeze.self"),
        ("op", "op", "freeze.self"),
        ("ann", "mo", "access.office"),
        ("mo", "nobody", "account.exists"),
    ],
)
def test_whom_one_may_not_freeze(index: Index, who: str, whom: str, rule: str) -> None:
    with refused(rule):
        freeze(index, by(index, who), whom, "because")


@pytest.mark.parametrize("reason", ["", "  ", "\x00\x07", "\n"])
def test_freezing_takes_a_reason_that_can_be_read(index: Index, reason: str) -> None:
    with refused("freeze.reason"):
        freeze(index, by(index, "mo"), "ann", reason)
    assert row(index, "ann").frozen_at is None


def test_a_reason_has_at_most_two_hundred_characters(index: Index) -> None:
    freeze(index, by(index, "mo"), "ann", "x" * 500)
    assert len(row(index, "ann").frozen_reason or "") == 200
