"""The database on SQLite and on PostgreSQL: writers in line, readers undisturbed, every question answered alike."""

from __future__ import annotations

import itertools
import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.services.schema import bring_schema

from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.history.journal import Event
from affineur.core.life.standing import Hold, Standing
from affineur.core.names import NormalizedName
from affineur.settings import Settings
from affineur.shell.store import SchemaMismatch, Store, connect, holds, journal, projects, schema
from affineur.shell.store.schema import Moment

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
WRITERS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database may be made: nothing is there yet."""
    if request.param == "sqlite":
        return Settings(data=tmp_path).database_url
    return Settings(database=request.getfixturevalue("postgresql_url")).database_url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    bring_schema(url)
    opened = connect(url)
    yield opened
    opened.close()


def add_project(store: Store, name: str, **changes: object) -> projects.ProjectRow:
    with store.write() as connection:
        added = projects.add_project(connection, NormalizedName(name), name, NOW)
        if changes:
            connection.execute(schema.project.update().where(schema.project.c.id == added.id).values(changes))
    return added


def add_file(
    store: Store, owner: projects.ProjectRow, release_id: int, filename: str, kind: str, **more: object
) -> None:
    values = {
        "project_id": owner.id, "release_id": release_id, "filename": filename, "kind": kind, "python_version": "py3",
        "size_bytes": 10, "sha256": f"sha-{filename}", "blake2b_256": f"blake-{filename}", "md5": "m",
        "requires_python": None, "metadata_sha256": None, "comment": None, "uploaded_at": NOW, "uploaded_by": None,
        "yanked": False, "yanked_reason": None,
    }  # fmt: skip
    with store.write() as connection:
        projects.add_file(connection, values | more)


def append_many(url: str, writer: int, count: int) -> None:
    """In a process of its own: ``count`` transactions, each of one to three entries."""
    store = connect(url)
    for turn in range(count):
        with store.write() as connection:
            events = [Event("FilePublished", f"p-{writer}", f"{turn}.{number}") for number in range(turn % 3 + 1)]
            journal.append(connection, datetime.now(UTC), events)
    store.close()


def test_serials_are_contiguous_and_in_commit_order_under_eight_writing_processes(url: str, store: Store) -> None:
    transactions = 12
    spawning = multiprocessing.get_context("spawn")
    writers = [spawning.Process(target=append_many, args=(url, number, transactions)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    # A reader that sees an entry sees every older one, at any moment: else followers would skip some for ever.
    while any(writer.is_alive() for writer in writers):
        with store.read() as connection:
            seen = list(connection.scalars(sa.select(schema.journal.c.serial).order_by(schema.journal.c.serial)))
            assert seen == list(range(1, len(seen) + 1))
            assert journal.head(connection)[0] == len(seen)
        time.sleep(0.01)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    with store.read() as connection:
        entries = list(journal.entries(connection))
    assert len(entries) == WRITERS * sum(turn % 3 + 1 for turn in range(transactions))
    assert not list(_faults(store))
    # What one transaction appended stands together.
    for before, after in itertools.pairwise(entries):
        if after.event.version and not after.event.version.endswith(".0"):
            assert before.event.project == after.event.project


def _faults(store: Store) -> Iterator[str]:
    from affineur.core.history.journal import faults

    with store.read() as connection:
        yield from faults(journal.entries(connection))


def test_what_is_rolled_back_leaves_no_gap(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        journal.append(connection, NOW, [Event("ProjectCreated", "never")])
        raise ZeroDivisionError
    with store.write() as connection:
        assert journal.append(connection, NOW, [Event("ProjectCreated", "first")]) == 1
    assert not list(_faults(store))


def test_a_reader_sees_one_state_while_writers_write(store: Store) -> None:
    add_project(store, "first")
    with store.read() as reading:
        before = projects.names(reading)
        add_project(store, "second")
        with store.write() as connection:
            journal.append(connection, NOW, [Event("ProjectCreated", "second")])
        assert projects.names(reading) == before == ["first"]
        assert journal.head(reading)[0] == 0
    with store.read() as reading:
        assert projects.names(reading) == ["first", "second"]


def test_nothing_done_in_a_reading_transaction_is_kept(store: Store) -> None:
    with store.read() as connection:
        projects.add_project(connection, NormalizedName("never"), "never", NOW)
    with store.read() as connection:
        assert projects.names(connection) == []


def test_writers_that_read_first_wait_in_line_instead_of_failing(store: Store) -> None:
    """With a plain BEGIN, SQLite would refuse the second writer at once: what it has read is old by then."""
    add_project(store, "counter")
    failed: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(20):
                with store.write() as connection:
                    found = projects.find(connection, "counter")
                    assert found
                    time.sleep(0.001)  # long enough for the others to come
                    projects.touch(connection, found.id, found.serial, NOW, added_bytes=1)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with store.read() as connection:
        assert projects.find(connection, "counter").size_bytes == 80  # type: ignore[union-attr]


def test_a_plain_begin_would_indeed_fail_on_sqlite(tmp_path: Path) -> None:
    """The trap that `Store.write` avoids, so that nobody takes the test above for a formality."""
    path = tmp_path / "plain.db"
    first, second = (sqlite3.connect(path, isolation_level=None, timeout=5) for _ in range(2))
    first.execute("PRAGMA journal_mode = WAL")
    first.execute("CREATE TABLE t (n)")
    for connection in (first, second):
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM t").fetchall()
    first.execute("INSERT INTO t VALUES (1)")
    first.execute("COMMIT")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("INSERT INTO t VALUES (2)")
    first.close()
    second.close()


def test_sqlite_waits_for_the_disk_and_enforces_references(tmp_path: Path) -> None:
    store = connect(Settings(data=tmp_path).database_url)
    store.create()
    with store.read() as connection:
        answers = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert answers == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with pytest.raises(sa.exc.IntegrityError), store.write() as connection:
        projects.grant(connection, 41, 42, "owner", NOW)
    store.close()


def test_a_project_is_found_by_its_normalised_name_as_it_was_stored(store: Store) -> None:
    added = add_project(store, "cheese-board")
    with store.read() as connection:
        assert projects.find(connection, "cheese-board") == added
        assert projects.find(connection, "Cheese_Board") is None
        assert projects.find(connection, "cheese") is None


def test_a_project_name_is_given_once(store: Store) -> None:
    add_project(store, "cheese")
    with pytest.raises(sa.exc.IntegrityError):
        add_project(store, "cheese")


def test_lookalikes_are_other_projects_that_may_be_mistaken(store: Store) -> None:
    for name in ("paypal", "paypa1", "other"):
        add_project(store, name)
    with store.read() as connection:
        assert projects.lookalikes(connection, NormalizedName("paypal")) == ["paypa1"]
        assert sorted(projects.lookalikes(connection, NormalizedName("paypai"))) == ["paypa1", "paypal"]
        assert projects.lookalikes(connection, NormalizedName("unlike")) == []


def test_a_file_is_known_by_its_name_before_its_contents_and_burnt_for_ever(store: Store) -> None:
    owner = add_project(store, "cheese")
    with store.write() as connection:
        release_id = projects.add_release(connection, owner.id, _metadata("cheese", "1.0"), None, NOW)
    add_file(store, owner, release_id, "cheese-1.0.tar.gz", "sdist")
    add_file(store, owner, release_id, "cheese-1.0-py3-none-any.whl", "bdist_wheel")
    with store.read() as connection:
        by_name = projects.known_file(connection, "cheese-1.0.tar.gz", "sha-cheese-1.0-py3-none-any.whl")
        assert by_name and by_name.filename == "cheese-1.0.tar.gz"
        by_contents = projects.known_file(connection, "new.whl", "sha-cheese-1.0.tar.gz")
        assert by_contents and by_contents.filename == "cheese-1.0.tar.gz"
        assert projects.known_file(connection, "new.whl", "new") is None
        assert projects.is_burnt(connection, "cheese-1.0.tar.gz")
        assert not projects.is_burnt(connection, "cheese-1.1.tar.gz")
        assert projects.has_sdist(connection, release_id)
        assert projects.release_of(connection, owner.id, "1.0") == (release_id, NOW)
        assert projects.release_of(connection, owner.id, "1.1") is None
    with store.write() as connection:
        connection.execute(schema.file.delete())
    with store.read() as connection:
        assert projects.is_burnt(connection, "cheese-1.0.tar.gz")
        assert not projects.has_sdist(connection, release_id)


def test_a_file_name_and_contents_are_stored_once(store: Store) -> None:
    owner = add_project(store, "cheese")
    with store.write() as connection:
        release_id = projects.add_release(connection, owner.id, _metadata("cheese", "1.0"), None, NOW)
    add_file(store, owner, release_id, "one.whl", "bdist_wheel")
    with pytest.raises(sa.exc.IntegrityError):
        add_file(store, owner, release_id, "one.whl", "bdist_wheel", sha256="another")
    with pytest.raises(sa.exc.IntegrityError):
        add_file(store, owner, release_id, "two.whl", "bdist_wheel", sha256="sha-one.whl")


def test_touching_a_project_moves_its_serial_and_adds_to_its_size(store: Store) -> None:
    added = add_project(store, "cheese")
    with store.write() as connection:
        projects.touch(connection, added.id, 7, NOW + timedelta(seconds=1), added_bytes=100)
        projects.touch(connection, added.id, 8, NOW + timedelta(seconds=2), added_bytes=23)
    with store.read() as connection:
        found = projects.find(connection, "cheese")
    assert found and (found.serial, found.size_bytes, found.changed_at) == (8, 123, NOW + timedelta(seconds=2))


def test_the_root_list_is_in_byte_order_and_keeps_quarantined_projects(store: Store) -> None:
    names = ["a", "a-a", "a0", "a-0", "aa", "z", "10", "9", "zope-interface", "zope", "b1"]
    for name in names:
        add_project(store, name)
    held = add_project(store, "held")
    with store.write() as connection:
        standing = Standing(holds=(Hold("quarantined", since=NOW),))
        holds.keep(connection, held.id, Standing(), standing, holds.Placing(NOW, None, "operator"))
    with store.read() as connection:
        listed = [entry.name for entry in projects.root_entries(connection)]
    assert listed == sorted([*names, "held"], key=str.encode), "mirrors that compare serials learn of it there"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    stored = Moment()
    kept = stored.process_bind_param(moment, sa.create_engine("sqlite://").dialect)
    assert stored.process_result_value(kept, sa.create_engine("sqlite://").dialect) == moment


@pytest.mark.parametrize("moment", [NOW, datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                                    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)])  # fmt: skip
def test_a_moment_comes_back_from_the_database(store: Store, moment: datetime) -> None:
    with store.write() as connection:
        connection.execute(schema.burnt_filename.insert(), {"filename": "x", "burnt_at": moment})
    with store.read() as connection:
        found = connection.scalar(sa.select(schema.burnt_filename.c.burnt_at))
    assert found == moment
    assert found.tzinfo is UTC


def test_an_empty_database_says_what_to_do(url: str) -> None:
    store = connect(url)
    assert store.revision() is None
    with pytest.raises(SchemaMismatch, match=r"empty\. Run `affineur init`"):
        store.require_current()
    store.close()


def test_a_database_of_another_schema_says_which(store: Store) -> None:
    store.require_current()
    with store.engine.execution_options(affineur_write=True).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match=r"has schema 9999, this program needs .*affineur migrate"):
        store.require_current()


def test_making_the_schema_again_changes_nothing(store: Store) -> None:
    add_project(store, "cheese")
    store.create()
    store.require_current()
    with store.read() as connection:
        assert projects.names(connection) == ["cheese"]


def _metadata(name: str, version: str) -> CoreMetadata:
    return CoreMetadata(metadata_version="2.4", name=name, normalized_name=NormalizedName(name), version=version)
