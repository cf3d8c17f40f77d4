"""The security log as it is taken away: complete, harmless in a spreadsheet, and without the addresses of others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index

from affineur.actions.refusals import record_refusal, record_token_refusal
from affineur.actions.tokens import create_token, revoke_token
from affineur.core import spreadsheet
from affineur.core.access import INDEX, Actor, Resource, may
from affineur.core.decision import Decision, allow, deny
from affineur.core.security import Caller, Happened, Origin, console
from affineur.projections.security_log import COLUMNS, csv_lines, events, json_lines, seen_by
from affineur.shell.index import Index
from affineur.shell.store import accounts, security, tokens
from affineur.shell.store.schema import security_event
from affineur.shell.store.security import Filter

NOW = START + timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = new_index(tmp_path / "data", database=database)
    yield opened
    opened.close()


def add(index: Index, count: int, **facts: object) -> None:
    by = Caller(Actor(7, "ann"), NOW, Origin("192.0.2.0", "=cmd|' /C calc'!A0"))
    with index.store.write() as connection:
        security.append(connection, by, *(Happened("SignedIn", 7, "ann", facts=facts) for _ in range(count)))


def test_every_event_is_exported_once_however_many_there_are(index: Index) -> None:
    add(index, 2500, via="password")
    lines = [json.loads(line) for line in json_lines(events(index, Filter(account_id=7)))]
    assert len(lines) == len({line["id"] for line in lines}) == 2500
    assert [line["id"] for line in lines] == sorted((line["id"] for line in lines), reverse=True)
    assert lines[0]["facts"] == {"via": "password"}
    assert list(lines[0]) == list(COLUMNS)


def test_nothing_in_the_table_is_a_formula(index: Index) -> None:
    add(index, 1, note="x")
    rows = list(csv.reader(io.StringIO(b"".join(csv_lines(events(index, Filter(account_id=7)))).decode())))
    assert rows[0] == list(COLUMNS)
    assert rows[1][COLUMNS.index("user_agent")] == "'=cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "  =1"])
def test_text_that_begins_like_a_formula_is_quoted(text: str) -> None:
    (row,) = csv.reader(io.StringIO(spreadsheet.line([text, -1, None, "a=b"]).decode(), newline=""))
    assert row == [f"'{text}", "-1", "", "a=b"]


def test_somebody_does_not_see_from_where_others_act(index: Index) -> None:
    add(index, 1)
    with index.store.read() as connection:
        (event,) = security.recorded(connection, Filter(account_id=7))
    assert seen_by(event, "ann").address == "192.0.2.0"
    assert seen_by(event, "bob").address is None
    assert seen_by(event, "bob").user_agent is None


def test_whoever_was_frozen_does_not_see_by_which_moderator(index: Index) -> None:
    by = Caller(Actor(9, "mo", "moderator"), NOW, Origin("192.0.2.0"))
    with index.store.write() as connection:
        security.append(connection, by, Happened("AccountFrozen", 7, "ann", facts={"reason": "x"}))
    with index.store.read() as connection:
        (event,) = security.recorded(connection, Filter(account_id=7))
    assert (seen_by(event, "ann").actor, seen_by(event, "ann").address) == (None, None)


@pytest.mark.parametrize("statement", [security_event.delete(), security_event.update().values(outcome="done")])
def test_the_log_is_appended_to_and_never_changed(index: Index, statement: sa.Executable) -> None:
    add(index, 1)
    with pytest.raises(sa.exc.DBAPIError), index.store.write() as connection:
        connection.execute(statement)
    with index.store.read() as connection:
        assert len(list(security.recorded(connection, Filter(account_id=7)))) == 1


def recorded(index: Index) -> list[tuple[str, str, str | None]]:
    with index.store.read() as connection:
        found = security.recorded(connection, Filter(outcome="refused"), limit=None)
        return [(each.event, each.outcome, each.rule) for each in found]


def test_a_refusal_of_something_dangerous_is_recorded_a_few_times_an_hour(index: Index) -> None:
    by = Caller(Actor(7, "ann"), NOW, Origin("192.0.2.0"))
    refusal = may(by.actor, "set-office", INDEX, NOW)
    assert [record_refusal(index, by, refusal) for _ in range(7)] == [True] * 5 + [False] * 2
    assert recorded(index) == [("ActRefused", "refused", "access.office")] * 5
    with index.store.read() as connection:
        event = next(iter(security.recorded(connection, Filter(outcome="refused"))))
    assert (event.account, event.facts) == ("ann", {"action": "set-office"})
    assert record_refusal(index, Caller(by.actor, NOW + timedelta(hours=1), by.origin), refusal)


@pytest.mark.parametrize(
    "decision",
    [
        may(Actor(7, "ann"), "see-log", INDEX, NOW),
        may(Actor(7, "ann"), "upload", Resource(), NOW),
        allow("access.freeze"),
        deny("form.origin", "no"),
    ],
)
def test_an_everyday_refusal_is_not_recorded(index: Index, decision: Decision) -> None:
    assert not record_refusal(index, Caller(Actor(7, "ann"), NOW), decision)
    assert recorded(index) == []


@pytest.mark.parametrize("rule", ["throttle.relay", "access.frozen"])
def test_too_many_attempts_and_a_frozen_account_are_recorded(index: Index, rule: str) -> None:
    assert record_refusal(index, Caller(Actor(7, "ann"), NOW), deny(rule, "no"))


def test_a_revoked_token_that_is_shown_again_tells_its_owner_once_an_hour(index: Index) -> None:
    made = create_token(index, console(NOW), "ann")
    revoke_token(index, console(NOW), made.id)
    with index.store.read() as connection:
        answer = tokens.actor_of(connection, made.secret, NOW, factor_required=True)
        key = accounts.account_id(connection, "ann")
    assert isinstance(answer, Decision)
    thief = Actor(None, "")
    for hours, written in ((0, True), (0.99, False), (1, True)):
        by = Caller(thief, NOW + timedelta(hours=hours), Origin("203.0.113.0"))
        assert record_token_refusal(index, made.secret, answer, by) is written
    with index.store.read() as connection:
        found = list(security.recorded(connection, Filter(account_id=key, event="TokenRefused")))
    assert [(each.address, each.actor, each.facts["token"]) for each in found] == [("203.0.113.0", None, made.id)] * 2
    assert made.secret not in str(found)
