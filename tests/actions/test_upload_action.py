"""`actions.upload` itself: what it writes, in which order, and that nothing is written before every check passed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.actions.shelf import NOW, founded, publish, publish_sdist, spool, world
from tests.core.distributions import wheel, wheel_filename

from affineur.actions.upload import Terms, upload
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Refused
from affineur.core.history.journal import faults
from affineur.projections import pages
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.shell.store import accounts, journal, projects, schema


@pytest.fixture(params=["sqlite", "postgresql"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = founded(Settings(data=tmp_path / "data", database=database))
    yield made
    made.close()


def events(index: Index) -> list[str]:
    with index.store.read() as connection:
        return [entry.event.event for entry in journal.entries(connection)]


def everything(index: Index) -> tuple[object, ...]:
    """All that an upload could have written."""
    with index.store.read() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in schema.metadata.sorted_tables]
    return rows, sorted(index.blobs.digests()), world(index)


def test_a_first_upload_writes_project_release_file_and_their_events(index: Index) -> None:
    published = publish(index, "Cheese.Board")
    assert (published.project, published.version, published.new) == ("cheese-board", "1.0", True)
    assert events(index) == ["ProjectCreated", "ReleaseCreated", "FilePublished"]
    with index.store.read() as connection:
        found = projects.find(connection, "cheese-board")
        assert found
        assert (found.display_name, found.serial, found.changed_at) == ("Cheese.Board", 3, NOW)
        (link,) = projects.file_links(connection, found.id)
        assert found.size_bytes == link.size_bytes
        assert link.uploaded_at == NOW
        assert not list(faults(journal.entries(connection)))
    assert index.tree.serial("cheese-board") == 3
    assert f"packages/cheese-board/1.0/{link.filename}" in world(index)
    assert os.listdir(index.settings.spool) == []


def test_later_uploads_write_only_what_is_new(index: Index) -> None:
    publish(index, "cheese")
    publish(index, "cheese", "1.0", tags="py2-none-any")
    publish(index, "cheese", "1.1")
    assert events(index)[3:] == ["FilePublished", "ReleaseCreated", "FilePublished"]


def test_the_very_same_file_again_changes_nothing(index: Index) -> None:
    publish(index, "cheese")
    before = everything(index)
    published = publish(index, "cheese", seconds=60)
    assert not published.new
    assert everything(index) == before


def test_a_file_that_is_there_is_on_offer_after_a_retry_whatever_a_crash_left(index: Index) -> None:
    publish(index, "cheese")
    before = world(index)
    with index.tree.lock("cheese"):
        index.tree.remove_page("cheese")
    publish(index, "cheese", seconds=60)
    assert world(index) == before


def refused_rule(index: Index, *arguments: object, **named: object) -> str:
    with pytest.raises(Refused) as refused:
        publish(index, *arguments, **named)  # type: ignore[arg-type]
    return refused.value.decision.rule


def test_a_refused_upload_writes_nothing(index: Index) -> None:
    publish(index, "cheese")
    publish(index, "cheese-lib")
    before = everything(index)
    stranger = Actor(account_id=None, name="stranger")
    assert refused_rule(index, "cheese", "2.0", actor=stranger) == "access.role"
    assert refused_rule(index, "cheese-1ib") == "name.lookalike"
    assert refused_rule(index, "asyncio").startswith("name.")
    with pytest.raises(Refused):
        publish_sdist(index, "cheese", "2.0", metadata=b"Metadata-Version: 2.4\nName: other\nVersion: 2.0\n\n")
    long_after = timedelta(days=15).total_seconds()
    assert refused_rule(index, "cheese", "1.0", tags="py2-none-any", seconds=long_after,
                        terms=Terms(window=timedelta(days=14))).startswith("upload.")  # fmt: skip
    assert everything(index) == before


def test_who_publishes_first_owns_the_project_and_others_do_not(index: Index) -> None:
    with index.store.write() as connection:
        alice, bob = (Actor(accounts.add_account(connection, name, NOW), name) for name in ("alice", "bob"))
    publish(index, "cheese", actor=alice)
    publish(index, "cheese", "1.1", actor=alice)
    assert refused_rule(index, "cheese", "1.2", actor=bob) == "access.role"
    with index.store.read() as connection:
        found = projects.find(connection, "cheese")
        assert found and projects.people(connection, found.id) == [("Owner", "alice")]


def test_one_of_many_that_publish_different_bytes_under_one_name_wins(index: Index) -> None:
    """All have passed their checks before any commits; only the one that comes first may be let in."""
    outcomes: list[str] = []
    gate = threading.Barrier(4)

    def publisher(number: int) -> None:
        body = wheel("cheese", "1.0", files={"cheese/__init__.py": f"number = {number}\n".encode()})
        spooled = spool(index, f"arriving-{number}", body)
        gate.wait()
        try:
            outcomes.append(
                str(upload(index, SYSTEM, None, replace(spooled, filename=wheel_filename("cheese", "1.0")), NOW).new)
            )
        except Refused as refused:
            outcomes.append(refused.decision.rule)

    threads = [threading.Thread(target=publisher, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert outcomes.count("True") == 1, outcomes
    assert {outcome for outcome in outcomes if outcome != "True"} == {"upload.duplicate"}
    assert events(index).count("FilePublished") == 1


def test_many_publishers_of_one_new_project_create_it_once(index: Index) -> None:
    failures: list[BaseException] = []

    def publisher(number: int) -> None:
        try:
            for turn in range(5):
                publish(index, "cheese", f"{number}.{turn}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=publisher, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    told = events(index)
    assert (told.count("ProjectCreated"), told.count("ReleaseCreated"), told.count("FilePublished")) == (1, 20, 20)
    seen = pages.view(index, "cheese")
    assert seen and len(seen.page.files) == 20
    assert index.tree.serial("cheese") == seen.page.serial == len(told)
