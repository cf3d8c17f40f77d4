"""The questions behind the JSON API and the feeds, on both databases: what they find, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from affineur.core.decision import Refused
from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.life.standing import Hold, Standing
from affineur.core.names import NormalizedName
from affineur.core.versions import CanonicalVersion
from affineur.settings import Settings
from affineur.shell.store import Store, connect, documents, holds, projects

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty database of each kind."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = connect(Settings(data=tmp_path, database=url).database_url)
    opened.create()
    yield opened
    opened.close()


def add_release(connection: sa.Connection, name: str, version: str, hours: int, files: int = 1) -> None:
    """A release of ``name`` that many hours after `START`; the project is made where it is missing."""
    at = START + timedelta(hours=hours)
    normalized = NormalizedName(name)
    found = projects.find(connection, name) or projects.add_project(connection, normalized, name.title(), at)
    metadata = CoreMetadata(
        "2.4",
        name,
        normalized,
        CanonicalVersion(version),
        summary=f"{name} {version}",
        author_email="a@example.org",
        description=f"# {name} {version}\n",
    )
    key = projects.add_release(connection, found.id, metadata, None, at)
    for number in range(files):
        projects.add_file(connection, file_values(found.id, key, f"{name}-{version}-{number}", at))


def file_values(project_id: int, release_id: int, filename: str, at: datetime) -> dict[str, object]:
    return {
        "project_id": project_id,
        "release_id": release_id,
        "filename": f"{filename}.whl",
        "kind": "bdist_wheel",
        "python_version": "py3",
        "size_bytes": 5,
        "sha256": filename.ljust(64, "0"),
        "blake2b_256": "b" * 64,
        "md5": "c" * 32,
        "requires_python": None,
        "metadata_sha256": None,
        "comment": None,
        "uploaded_at": at,
        "uploaded_by": None,
        "yanked": False,
        "yanked_reason": None,
    }


def test_a_record_has_every_version_and_its_files(store: Store) -> None:
    with store.write() as connection:
        add_release(connection, "brie", "1.0", 1, files=2)
        add_release(connection, "brie", "2.0", 2, files=0)
        add_release(connection, "edam", "1.0", 3)
    with store.read() as connection:
        record = documents.project_record(connection, "brie")
        assert record is not None
        assert {version: len(files) for version, files in record.files.items()} == {"1.0": 2, "2.0": 0}
        assert record.files["1.0"][0].uploaded_at == START + timedelta(hours=1)
        assert (record.display_name, record.offer, record.people) == ("Brie", True, [])
        assert documents.project_record(connection, "none") is None


def test_a_release_is_found_by_equality_and_the_exact_spelling_wins(store: Store) -> None:
    with store.write() as connection:
        for version in ("1.0.0", "1.0", "2"):
            add_release(connection, "brie", version, 1)
    with store.read() as connection:
        for asked, stored in (("1.0", "1.0"), ("1.0.0", "1.0.0"), ("2.0", "2"), ("v2", "2")):
            found = documents.release_record(connection, "brie", asked)
            assert found is not None
            assert (found[1], list(found[0].files)) == (stored, [stored])
            metadata = documents.release_metadata(connection, "brie", found[1])
            assert (metadata.version, metadata.summary) == (stored, f"brie {stored}")
            assert metadata.description == f"# brie {stored}\n"
        assert documents.release_record(connection, "brie", "3") is None
        assert documents.release_record(connection, "none", "1") is None
        with pytest.raises(Refused):
            documents.release_record(connection, "brie", "one")


def test_news_are_the_newest_first_and_quarantined_projects_are_no_news(store: Store) -> None:
    with store.write() as connection:
        for hours, (name, version) in enumerate(
            [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("d", "1"), ("a", "3")]
        ):
            add_release(connection, name, version, hours)
        key = projects.find(connection, "c")
        assert key is not None
        held = Standing(holds=(Hold("quarantined", since=START),))
        holds.keep(connection, key.id, Standing(), held, holds.Placing(START, None, "operator"))
    with store.read() as connection:
        newest = documents.newest_releases(connection, 3)
        assert [(news.name, news.version) for news in newest] == [("a", "3"), ("d", "1"), ("a", "2")]
        assert (newest[0].summary, newest[0].author_email) == ("a 3", "a@example.org")
        assert newest[0].at == START + timedelta(hours=5)
        comers = documents.newest_projects(connection, 2)
        assert [(news.name, news.version, news.at) for news in comers] == [
            ("d", "1", START + timedelta(hours=4)),
            ("b", "1", START + timedelta(hours=1)),
        ]
        found = projects.find(connection, "a")
        assert found is not None
        assert [news.version for news in documents.newest_releases_of(connection, found.id, 2)] == ["3", "2"]


def test_feeds_read_an_index_from_its_end_and_no_table(store: Store) -> None:
    """Asked of the database itself: with 3,000 releases no plan may sort them or walk through them all."""
    fill(store, 3_000)
    for ask in (documents.newest_releases, documents.newest_projects):
        plan = " ".join(plan_of(store, lambda connection, ask=ask: ask(connection, 20)))
        if store.is_sqlite:
            assert "SCAN project" not in plan.replace("SCAN project USING INDEX", "")
            assert "SCAN release" not in plan.replace("SCAN release USING INDEX", "")
        else:
            assert "Seq Scan" not in plan


def fill(store: Store, count: int) -> None:
    """That many projects with a release each, and the database told to look at how many there are."""
    with store.write() as connection:
        for number in range(count):
            add_release(connection, f"p{number}", "1.0", number, files=0)
    with store.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def plan_of(store: Store, ask: Any) -> list[str]:
    """How the database goes about the one statement that ``ask`` sends."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    with store.read() as connection:
        sa.event.listen(connection, "before_cursor_execute", note)
        ask(connection)
        sa.event.remove(connection, "before_cursor_execute", note)
        ((statement, parameters),) = sent
        explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
        return [str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)]
