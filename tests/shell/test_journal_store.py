"""The stored journal: what is appended comes back the same, and an edit of any column is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.services.schema import bring_schema

from affineur.core.history.journal import GENESIS, Event, faults
from affineur.settings import Settings
from affineur.shell.store import Store, connect, journal, schema

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
FULL = Event(
    "FileYanked", "cheese", "1.0", "cheese-1.0.tar.gz", "ab" * 32, old={"yanked": False}, new={"yanked": True, "n": 1},
    rule="yank", reason="„Grünschimmel“ \U0001f9c0", actor_class="operator", hint="hide",
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    settings = (
        Settings(data=tmp_path)
        if request.param == "sqlite"
        else Settings(database=request.getfixturevalue("postgresql_url"))
    )
    bring_schema(settings.database_url)
    opened = connect(settings.database_url)
    yield opened
    opened.close()


def test_an_empty_journal_starts_at_zero(store: Store) -> None:
    with store.read() as connection:
        assert journal.head(connection) == (0, GENESIS)
        assert list(journal.entries(connection)) == []
        assert journal.changed_since(connection, 0) == ([], 0)
        assert journal.moment(connection, 0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_what_is_appended_comes_back_the_same(store: Store) -> None:
    with store.write() as connection:
        assert journal.append(connection, NOW, [Event("ProjectCreated", "cheese"), FULL], "alice") == 2
    with store.read() as connection:
        first, second = journal.entries(connection)
        assert (first.event, second.event) == (Event("ProjectCreated", "cheese"), FULL)
        assert second.at == NOW
        assert journal.head(connection) == (2, second.hash)
        assert journal.moment(connection, 2) == NOW
        assert list(faults([first, second])) == []


def test_who_acted_is_kept_beside_the_chain_not_in_it(store: Store) -> None:
    with store.write() as connection:
        journal.append(connection, NOW, [FULL], "alice")
        connection.execute(schema.journal.update().values(actor="somebody"))
    with store.read() as connection:
        assert list(faults(journal.entries(connection))) == []


CHANGES = {
    "at": NOW + timedelta(microseconds=1), "event": "FileUnyanked", "project": "chees", "version": "1.1",
    "filename": "x", "sha256": "cd" * 32, "old": "{}", "new": '{"yanked":false}', "rule": None, "reason": "",
    "actor_class": "owner", "hint": "refresh", "reason_code": "other",
    "moderation_case": "2026-0009", "previous": "1" * 64, "hash": "2" * 64,
}  # fmt: skip


@pytest.mark.parametrize("column", CHANGES)
def test_an_edit_of_a_stored_entry_is_noticed(store: Store, column: str) -> None:
    with store.write() as connection:
        journal.append(connection, NOW, [Event("ProjectCreated", "cheese"), FULL, Event("ProjectCreated", "board")])
        edit = schema.journal.update().where(schema.journal.c.serial == 2).values({column: CHANGES[column]})
        connection.execute(edit)
    with store.read() as connection:
        assert list(faults(journal.entries(connection)))


def test_every_column_of_an_entry_is_covered_by_the_test_above() -> None:
    assert set(schema.journal.c.keys()) - set(CHANGES) == {"serial", "actor"}


def test_a_removed_entry_is_noticed(store: Store) -> None:
    with store.write() as connection:
        journal.append(connection, NOW, [Event("ProjectCreated", name) for name in "abc"])
        connection.execute(schema.journal.delete().where(schema.journal.c.serial == 2))
    with store.read() as connection:
        assert any("missing" in fault for fault in faults(journal.entries(connection)))


def test_followers_read_the_newest_serial_of_each_project_in_bounded_windows(store: Store) -> None:
    with store.write() as connection:
        journal.append(connection, NOW, [Event("FilePublished", name) for name in "abacb"])
    with store.read() as connection:
        assert journal.changed_since(connection, 0) == ([("a", 3), ("b", 5), ("c", 4)], 5)
        assert journal.changed_since(connection, 0, limit=2) == ([("a", 1), ("b", 2)], 2)
        assert journal.changed_since(connection, 4) == ([("b", 5)], 5)
        assert journal.changed_since(connection, 5) == ([], 5)
        assert [entry.serial for entry in journal.entries(connection, since=1, limit=3)] == [2, 3, 4]


def test_a_serial_is_never_given_twice(store: Store) -> None:
    with store.write() as connection:
        journal.append(connection, NOW, [FULL])
    with pytest.raises(sa.exc.IntegrityError), store.write() as connection:
        connection.execute(schema.journal_head.update().values(serial=0, hash=GENESIS))
        journal.append(connection, NOW, [FULL])
    with store.read() as connection:
        assert journal.head(connection)[0] == 1
