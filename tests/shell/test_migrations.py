"""Databases of earlier versions: an index that was made at schema 0001 comes to the newest, and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from affineur.core.security import Happened, console
from affineur.settings import Settings
from affineur.shell.store import Store, accounts, connect, grants, projects, security, tokens
from affineur.shell.store.migrate import configuration

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MOMENT = 1_767_323_045_678_901
"""`NOW` as the database keeps it: microseconds since 1970."""
NAMES = ("operator", "Olga", "olga", "OLGA", "Bruno")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    store = connect(Settings(data=tmp_path, database=database).database_url)
    yield store
    store.close()


def at_0001(store: Store) -> None:
    """A database as the first version made it, with people, roles, tokens and files in it."""
    with store.engine.execution_options(affineur_write=True).begin() as connection:
        command.upgrade(configuration(connection), "0001")
    with store.engine.execution_options(affineur_write=True).begin() as connection:
        old = sa.MetaData()
        old.reflect(connection)

        def add(table: str, **values: Any) -> None:
            connection.execute(old.tables[table].insert().values(**values))

        for key, name in enumerate(NAMES, 1):
            add("account", id=key, name=name, is_operator=name == "operator", created_at=MOMENT + key)
            add("token", id=f"token-{key}", account_id=key, label="laptop", secret_sha256=f"digest-{key}",
                scope="publish", created_at=MOMENT)  # fmt: skip
        add("project", id=7, name="brie", display_name="Brie", lookalike="brie", created_at=MOMENT, serial=3,
            changed_at=MOMENT, size_bytes=10, maintenance="archived", maintenance_reason="done", advice="none",
            safety="clear")  # fmt: skip
        add("release", id=8, project_id=7, version="1.0", created_at=MOMENT, core_metadata="{}")
        add("file", id=9, project_id=7, release_id=8, filename="brie-1.0-py3-none-any.whl", kind="bdist_wheel",
            python_version="py3", size_bytes=10, sha256="s", blake2b_256="b", md5="m", uploaded_at=MOMENT,
            uploaded_by=2, yanked=True, yanked_reason="broken")  # fmt: skip
        add("role", project_id=7, account_id=2, role="owner", granted_at=MOMENT)
        add("role", project_id=7, account_id=5, role="maintainer", granted_at=MOMENT + 1)


def test_an_index_of_the_first_schema_comes_to_the_newest_and_keeps_everything_but_its_tokens(empty: Store) -> None:
    at_0001(empty)
    empty.create()
    empty.require_current()
    with empty.read() as connection:
        assert [accounts.by_id(connection, key).name for key in range(1, 6)] == list(NAMES)  # type: ignore[union-attr]
        operator = accounts.find(connection, "operator")
        assert operator is not None
        assert (operator.office, operator.kind, operator.password_hash) == ("operator", "person", None)
        assert [accounts.by_id(connection, key).office for key in range(2, 6)] == [None] * 4  # type: ignore[union-attr]
        found = projects.find(connection, "brie")
        assert found is not None
        assert (found.id, found.display_name, found.standing.maintenance_reason) == (7, "Brie", "done")
        assert not found.publishers_only
        bruno, _ = grants.roles(connection, 7)
        assert bruno[:3] == ("Bruno", "maintainer", NOW.replace(microsecond=678902))
        assert projects.role_of(connection, 7, 2) == "owner"
        (file,) = projects.file_links(connection, 7)
        assert (file.filename, file.yanked, file.yanked_reason) == ("brie-1.0-py3-none-any.whl", True, "broken")
        assert tokens.listed(connection) == [], "nobody could check those of before any more"


def test_accounts_whose_names_differ_by_case_only_stay_apart(empty: Store) -> None:
    at_0001(empty)
    empty.create()
    with empty.read() as connection:
        for key, name in enumerate(NAMES, 1):
            found = accounts.find(connection, name)
            assert found is not None and (found.id, found.name) == (key, name)
        bruno = accounts.find(connection, "bRUNO")
        assert bruno is not None and bruno.name == "Bruno", "where there is one only, any spelling finds it"


def test_the_references_of_what_was_migrated_hold(empty: Store) -> None:
    """A table that SQLite had to copy keeps its references: whoever goes takes their roles along."""
    at_0001(empty)
    empty.create()
    with empty.write() as connection:
        connection.execute(sa.text("DELETE FROM account WHERE id = 5"))
        assert [name for name, _, _ in grants.roles(connection, 7)] == ["Olga"]
    with pytest.raises(sa.exc.IntegrityError), empty.write() as connection:
        grants.set_role(connection, 7, 999, "owner", NOW, None)


def test_migrating_again_changes_nothing(empty: Store) -> None:
    at_0001(empty)
    empty.create()
    before = empty.revision()
    empty.create()
    assert empty.revision() == before
    with empty.read() as connection:
        assert projects.role_of(connection, 7, 2) == "owner"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE security_event SET outcome = 'refused'",
        "DELETE FROM security_event",
        "DELETE FROM security_event WHERE id = 1",
    ],
)
@pytest.mark.parametrize("migrated", [False, True])
def test_the_database_itself_refuses_to_change_the_security_log(empty: Store, statement: str, migrated: bool) -> None:
    if migrated:
        at_0001(empty)
    empty.create()
    with empty.write() as connection:
        security.append(connection, console(NOW), Happened("TokenCreated", 1, "olga", facts={"token": "t"}))
    with pytest.raises(sa.exc.DBAPIError, match="only appended to"), empty.write() as connection:
        connection.execute(sa.text(statement))
    with empty.read() as connection:
        (kept,) = security.recorded(connection, security.Filter())
    assert (kept.event, kept.outcome, kept.account) == ("TokenCreated", "done", "olga")
