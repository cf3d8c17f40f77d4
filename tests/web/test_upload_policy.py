"""Uploads that may not be now: sizes, the release window, names, states, what was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.core.distributions import wheel_filename, wheel_members, zipped
from tests.services.affineur import Server, initialise, serve
from tests.web.uploading import (
    File,
    a_wheel,
    an_sdist,
    filenames,
    left_behind,
    page,
    published,
    refused,
    store_of,
    upload,
)

from affineur.shell.store import schema

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here. Each uses project names of its own."""
    data = tmp_path_factory.mktemp("policy") / "data"
    with serve(data, initialise(data)) as running:
        yield running


def change_project(index: Server, name: str, **values: Any) -> None:
    """Set columns of a project's row."""
    with store_of(index) as store, store.write() as connection:
        connection.execute(schema.project.update().where(schema.project.c.name == name).values(values))


def age_release(index: Server, name: str, age: timedelta) -> None:
    """Let a project's releases have begun ``age`` ago."""
    key = sa.select(schema.project.c.id).where(schema.project.c.name == name).scalar_subquery()
    with store_of(index) as store, store.write() as connection:
        connection.execute(
            schema.release.update().where(schema.release.c.project_id == key).values(created_at=datetime.now(UTC) - age)
        )


def padded(name: str, version: str, size_bytes: int) -> File:
    """A wheel that is a little larger than ``size_bytes``: nothing in it is compressed."""
    members = wheel_members(name, version, extra={f"{name}/padding": bytes(size_bytes)})
    return File(zipped(members, compression=0), wheel_filename(name, version), name, version)


# -- sizes


def test_a_file_beyond_the_limit_is_refused_while_it_streams_in(server: Callable[..., Server]) -> None:
    small = server(environment={"AFFINEUR_MAXIMUM_FILE_BYTES": "20000"})
    published(upload(small, padded("small", "1.0", 15_000)))
    refused(upload(small, padded("small", "2.0", 30_000)), "File too large. Limit for project 'small' is 19.53 kB.")
    refused(upload(small, padded("large", "1.0", 3 * MIB)), "File too large. Limit for project 'large' is 19.53 kB.")
    assert left_behind(small) == []


def test_a_project_may_have_a_file_limit_of_its_own(server: Callable[..., Server]) -> None:
    small = server(environment={"AFFINEUR_MAXIMUM_FILE_BYTES": "20000"})
    published(upload(small, a_wheel("wide")))
    published(upload(small, a_wheel("narrow")))
    change_project(small, "wide", file_limit_bytes=MIB)
    change_project(small, "narrow", file_limit_bytes=5_000)
    published(upload(small, padded("wide", "2.0", 500_000)))
    refused(upload(small, padded("wide", "3.0", MIB)), "Limit for project 'wide' is 1 MB.")
    refused(upload(small, padded("narrow", "2.0", 6_000)), "Limit for project 'narrow' is 4.883 kB.")


def test_a_project_has_a_total_limit_by_setting_and_may_have_its_own(server: Callable[..., Server]) -> None:
    small = server(environment={"AFFINEUR_MAXIMUM_PROJECT_BYTES": "20000"})
    published(upload(small, padded("total", "1.0", 15_000)))
    answer = upload(small, padded("total", "2.0", 15_000))
    refused(answer, "Project size too large. Limit for project 'total' total size is 19.53 kB.")
    change_project(small, "total", total_limit_bytes=40_000)
    published(upload(small, padded("total", "2.0", 15_000)))
    refused(upload(small, padded("total", "3.0", 15_000)), "total size is 39.06 kB.")
    assert left_behind(small) == []


# -- time


def test_an_old_release_takes_no_new_files_and_a_new_release_does(index: Server) -> None:
    published(upload(index, a_wheel("ripe")))
    age_release(index, "ripe", timedelta(days=14, minutes=-1))
    published(
        upload(index, a_wheel("ripe", tags="py2-none-any", wheel_file=b"Wheel-Version: 1.0\nTag: py2-none-any\n"))
    )
    age_release(index, "ripe", timedelta(days=14, minutes=1))
    refused(upload(index, an_sdist("ripe")), "Uploading new files to releases older than 14 days is not allowed.")
    published(upload(index, a_wheel("ripe")))  # the very file again is no new one
    published(upload(index, an_sdist("ripe", "2.0")))


@pytest.mark.parametrize(("days", "taken"), [("3", False), ("5", True), ("0", True)])
def test_the_release_window_is_a_setting_and_0_means_always(
    server: Callable[..., Server], days: str, taken: bool
) -> None:
    windowed = server(environment={"AFFINEUR_RELEASE_WINDOW_DAYS": days})
    published(upload(windowed, a_wheel("ripe")))
    age_release(windowed, "ripe", timedelta(days=4))
    answer = upload(windowed, an_sdist("ripe"))
    if taken:
        published(answer)
    else:
        refused(answer, "Uploading new files to releases older than 3 days is not allowed.", "4 days ago")


# -- names


def test_a_release_has_one_sdist(index: Server) -> None:
    """Its name is fixed, so the second one is known by its name; the rule of its own is for what imports bring."""
    published(upload(index, an_sdist("single")))
    refused(upload(index, an_sdist("single", files={"other.py": b""})), "File already exists ('single-1.0.tar.gz'")
    old = {"filename": "single-1.0.zip"}
    with store_of(index) as store, store.write() as connection:
        connection.execute(schema.file.update().where(schema.file.c.filename == "single-1.0.tar.gz").values(old))
        connection.execute(
            schema.burnt_filename.delete().where(schema.burnt_filename.c.filename == "single-1.0.tar.gz")
        )
    refused(upload(index, an_sdist("single", files={"other.py": b""})), "Only one sdist may be uploaded per release.")


def test_the_name_of_a_removed_file_is_never_given_again(index: Server) -> None:
    file = a_wheel("burnt")
    published(upload(index, file))
    with store_of(index) as store, store.write() as connection:
        connection.execute(schema.file.delete().where(schema.file.c.filename == file.filename))
    text = "This filename was previously used by a file that has since been deleted. Use a different version."
    refused(upload(index, a_wheel("burnt", files={"burnt.py": b""})), text)
    refused(upload(index, file), text)
    published(upload(index, a_wheel("burnt", "1.1")))


def test_names_of_the_standard_library_are_not_given_away_unless_a_setting_says_so(
    index: Server, server: Callable[..., Server]
) -> None:
    for name in ("json", "Concurrent", "sqlite3"):
        refused(upload(index, a_wheel(name)), "(conflict with Python Standard Library module name)")
    lenient = server(environment={"AFFINEUR_RESERVE_STANDARD_LIBRARY_NAMES": "false"})
    published(upload(lenient, a_wheel("json")))


def test_a_name_that_looks_like_another_is_refused_unless_a_setting_says_otherwise(
    index: Server, server: Callable[..., Server]
) -> None:
    published(upload(index, a_wheel("lookalike-one")))
    for name in ("1ookalike-one", "look-alike-one", "lo0kalike.one"):
        answer = upload(index, a_wheel(name))
        refused(answer, "is too similar to an existing project ('lookalike-one').")
    published(upload(index, a_wheel("Lookalike.One", "2.0")))  # not another name, but another spelling
    lenient = server(environment={"AFFINEUR_RESERVE_LOOKALIKE_NAMES": "false"})
    published(upload(lenient, a_wheel("lookalike")))
    published(upload(lenient, a_wheel("1ookalike")))


def test_two_spellings_of_one_version_are_one_release_in_neither(index: Server) -> None:
    """1.0 and 1.0.0 are equal, but a file's name fixes its spelling: both stand, each with its own files."""
    published(upload(index, a_wheel("spelled", "1.0")))
    published(upload(index, a_wheel("spelled", "1.0.0")))
    assert page(index, "spelled")["versions"] == ["1.0", "1.0.0"]


# -- states


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"maintenance": "archived", "maintenance_reason": "done"}, "Project 'stated-0' is archived ([archived] done)"),
        ({"availability": "removed"}, "Project 'stated-1' is archived ([removed-by-owner]"),
    ],
)
def test_an_archived_or_removed_project_takes_no_new_files(index: Server, values: dict[str, str], text: str) -> None:
    name = text.split("'")[1]
    published(upload(index, a_wheel(name)))
    change_project(index, name, **values)
    refused(upload(index, a_wheel(name, "2.0")), text, status=403)
    assert filenames(index, name) == [a_wheel(name).filename]


def test_a_deprecated_project_takes_new_files(index: Server) -> None:
    published(upload(index, a_wheel("tired")))
    change_project(index, "tired", advice="deprecated", advice_reason="use another")
    published(upload(index, a_wheel("tired", "2.0")))
    assert page(index, "tired")["project-status"] == {"status": "deprecated", "reason": "[deprecated] use another"}
