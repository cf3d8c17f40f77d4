"""Pages of the security log: each filter finds what it names, at the cost of a page; and connections that were lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.services.schema import bring_schema

from affineur.settings import Settings
from affineur.shell.store import Store, connect, security
from affineur.shell.store.schema import security_event
from affineur.shell.store.security import Filter

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLY, LATE = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
MOST_STEPS = 60_000
"""Of SQLite's machine for a page of 50: the pages below take 2,000 to 45,000, a look at every event 300,000 or more."""


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    bring_schema(url)
    opened = connect(url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return Settings(data=tmp_path).database_url
    return Settings(database=request.getfixturevalue("postgresql_url")).database_url


def fill(store: Store, events: int) -> None:
    """A log in which the first 200 events are of account 1, the rare kinds among them; moments lag now and then."""
    rows = [
        {
            "at": START + timedelta(seconds=60 * number - 50 * (number % 7)),
            "event": "AccountFrozen" if number == 5 else ("TokenCreated" if number % 10 == 0 else "SignedIn"),
            "outcome": "refused" if number % 50 == 3 and number < 200 else "done",
            "account_id": 1 if number < 200 and number % 2 else 2 + number % 9,
            "actor_id": 1 if number < 200 and number % 3 else 2 + number % 9,
            "project": f"project-{number % 40}" if number % 4 else None,
            "facts": "{}",
        }
        for number in range(1, events + 1)
    ]
    with store.write() as connection:
        connection.execute(security_event.insert(), rows)


FILTERS = [
    Filter(account, project, event, outcome, since, until)
    for account, project, event, outcome, (since, until) in itertools.product(
        (None, 1, 3, 99),
        (None, "project-5"),
        (None, "SignedIn", "AccountFrozen"),
        (None, "done", "refused"),
        (
            (None, None),
            (START + timedelta(seconds=6_000), START + timedelta(seconds=9_010)),
            (EARLY, LATE),
            (START + timedelta(days=30), None),
        ),
    )
]


def wanted_of(found: sa.Row[tuple[object, ...]], wanted: Filter) -> bool:
    """Whether an event is what a filter names, said as plainly as can be."""
    row = found._mapping
    return (
        (wanted.account_id is None or wanted.account_id in (row["account_id"], row["actor_id"]))
        and wanted.project in (None, row["project"])
        and wanted.event in (None, row["event"])
        and wanted.outcome in (None, row["outcome"])
        and (wanted.since is None or row["at"] >= wanted.since)
        and (wanted.until is None or row["at"] < wanted.until)
    )


def test_each_filter_finds_exactly_what_it_names_page_by_page(store: Store) -> None:
    fill(store, 700)
    with store.read() as connection:
        everything = list(connection.execute(sa.select(security_event).order_by(security_event.c.id.desc())))
        for wanted in FILTERS:
            ids = [each.id for each in everything if wanted_of(each, wanted)]
            found = [each.id for each in security.recorded(connection, wanted, limit=20)]
            assert found == ids[:20], wanted
            if len(ids) > 20:
                onward = security.recorded(connection, wanted, before=found[-1], limit=20)
                assert [each.id for each in onward] == ids[20:40], wanted
            assert [each.id for each in security.recorded(connection, wanted, limit=None)] == ids, wanted


def test_a_page_costs_its_own_length_however_long_the_log_is(tmp_path: Path) -> None:
    store = connect(Settings(data=tmp_path).database_url)
    store.create()
    fill(store, 20_000)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    with store.read() as connection:
        connection.connection.dbapi_connection.set_progress_handler(count, 100)  # type: ignore[union-attr]
        for wanted, before in itertools.product(FILTERS, (None, 150)):
            # Two common things asked of one project or account at once are looked for among all that it has.
            if wanted.account_id in (None, 1, 99) and wanted.project is None:
                steps = 0
                list(security.recorded(connection, wanted, before=before, limit=50))
                assert steps < MOST_STEPS, (wanted, before)
    store.close()


def test_a_connection_that_the_server_has_ended_is_replaced_before_it_is_used(postgresql_url: str) -> None:
    store, other = (connect(Settings(database=postgresql_url).database_url) for _ in range(2))
    store.create()
    with store.ask() as connection:
        first = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    with store.ask() as connection:
        assert connection.scalar(sa.text("SELECT pg_backend_pid()")) == first, "it is kept while it lives"
    with other.ask() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": first})
    for transaction in (store.ask, store.read, store.write):
        with transaction() as connection:
            assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != first
    store.close()
    other.close()
