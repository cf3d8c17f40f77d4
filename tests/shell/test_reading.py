"""Questions that pages ask, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.services.schema import bring_schema

from affineur.core.distributions.metadata import check_metadata
from affineur.core.life.standing import Hold, Standing
from affineur.core.names import NormalizedName
from affineur.shell.store import Store, connect, holds, projects, reading

START = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store on each database."""
    if request.param == "sqlite":
        url = f"sqlite:///{request.getfixturevalue('tmp_path') / 'affineur.db'}"
    else:
        url = request.getfixturevalue("postgresql_url").replace("postgresql://", "postgresql+psycopg://")
    bring_schema(url)
    opened = connect(url)
    yield opened
    opened.close()


HELD = Standing(holds=(Hold("quarantined", reason="Bad.", since=START),))


def fill(store: Store) -> int:
    """Brie with three releases: one with files, one yanked, one empty; its id."""
    with store.write() as connection:
        brie = projects.add_project(connection, NormalizedName("brie"), "Brie", START)
        for day, (version, yanked) in enumerate((("1.0", [False, True]), ("1.1", [True, True]), ("2.0", []))):
            at = START + timedelta(days=day)
            raw = f"Metadata-Version: 2.4\nName: Brie\nVersion: {version}\nSummary: Soft\n\nLong.\n"
            key = projects.add_release(connection, brie.id, check_metadata(raw.encode()), "<p>Long.</p>", at)
            for number, each in enumerate(yanked):
                projects.add_file(connection, _file(brie.id, key, f"brie-{version}-{number}.whl", each))
        mould = projects.add_project(connection, NormalizedName("mould"), "mould", START)
        projects.add_release(
            connection, mould.id, check_metadata(b"Metadata-Version: 2.4\nName: mould\nVersion: 1\n"), None, START
        )
        holds.keep(connection, mould.id, Standing(), HELD, holds.Placing(START, None, "operator"))
    return brie.id


def _file(project_id: int, release_id: int, filename: str, yanked: bool) -> dict[str, object]:
    digest = filename.encode().hex().ljust(64, "0")
    return {
        "project_id": project_id, "release_id": release_id, "filename": filename, "kind": "bdist_wheel",
        "python_version": "py3", "size_bytes": 100, "sha256": digest, "blake2b_256": digest, "md5": digest[:32],
        "uploaded_at": START, "yanked": yanked, "yanked_reason": "Broken." if yanked else None,
    }  # fmt: skip


def test_releases_at_a_glance_count_files_and_know_which_are_yanked(store: Store) -> None:
    project_id = fill(store)
    with store.read() as connection:
        found = {release.version: release for release in reading.releases(connection, project_id)}
    assert {version: (row.file_count, row.size_bytes, row.yanked) for version, row in found.items()} == {
        "1.0": (2, 200, False),
        "1.1": (2, 200, True),
        "2.0": (0, 0, True),
    }
    assert (found["1.0"].yanked_reason, found["1.1"].yanked_reason) == (None, "Broken.")
    assert found["1.1"].created_at == START + timedelta(days=1)


def test_metadata_and_description_of_a_release_are_read_back(store: Store) -> None:
    project_id = fill(store)
    with store.read() as connection:
        first = min(reading.releases(connection, project_id), key=lambda release: release.created_at)
        text = reading.release_text(connection, first.id)
        files = reading.files(connection, first.id)
    assert (text.metadata.name, text.metadata.summary, text.metadata.description) == ("Brie", "Soft", None)
    assert text.description_html == "<p>Long.</p>"
    assert sorted(file.filename for file in files) == ["brie-1.0-0.whl", "brie-1.0-1.whl"]
    assert all(file.uploaded_at == START and not file.has_metadata for file in files)


def test_the_newest_releases_leave_quarantined_projects_out(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        found = reading.newest_releases(connection, 2)
        every = reading.newest_releases(connection, 100)
    assert [(release.display_name, release.version) for release in found] == [("Brie", "2.0"), ("Brie", "1.1")]
    assert {release.name for release in every} == {"brie"}


def test_standings_tell_which_names_are_projects_here(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        found = reading.standings(connection, ["brie", "mould", "comte"])
        none = reading.standings(connection, [])
    assert found == {"brie": Standing(), "mould": HELD}
    assert none == {}


def test_counts_are_exact_up_to_a_bound(store: Store) -> None:
    fill(store)
    with store.read() as connection:
        assert reading.file_count(connection) == reading.Count(4, is_exact=True)
        assert reading.project_count(connection) == reading.Count(2, is_exact=True)
        assert reading.file_count(connection, exact_up_to=3) == reading.Count(4, is_exact=False)


def test_an_empty_index_has_nothing(store: Store) -> None:
    with store.read() as connection:
        assert reading.newest_releases(connection, 8) == []
        assert reading.file_count(connection, exact_up_to=0) == reading.Count(0, is_exact=True)
        assert reading.last_time(connection, NormalizedName("brie"), "ProjectArchived") is None
