"""Pages of another Affineur: read back they give the same HTML, and nothing in them leads elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affineur.core.decision import Refused
from affineur.core.history.copied_page import read_copy, read_root_copy
from affineur.core.life.standing import ProjectStatus
from affineur.core.names import NormalizedName
from affineur.core.views.simple import (
    FileLink,
    ProjectPage,
    RootEntry,
    project_html,
    project_json,
    root_html,
    root_json,
)

BRIE = NormalizedName("brie")
AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
files = st.builds(
    lambda number, requires, metadata, yanked, reason, code: FileLink(
        f"brie-{number}.0-py3-none-any.whl", f"{number}.0", f"{number:064x}", number, AT + timedelta(seconds=number),
        requires, metadata, yanked, reason if yanked else None, code if yanked else None,
    ),
    st.integers(0, 10**6), st.none() | texts, st.none() | st.just("a" * 64), st.booleans(), st.none() | texts,
    st.none() | st.just("broken"),
)  # fmt: skip
statuses = st.builds(ProjectStatus, st.sampled_from(["active", "archived", "deprecated"]), st.none() | texts)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first character drawn anywhere takes a second
@given(statuses, st.lists(files, max_size=4), st.integers(1, 10**9), st.none() | st.just({"schema": 1}))
def test_the_html_of_a_copy_is_the_origins_byte_for_byte(
    status: ProjectStatus, listed: list[FileLink], serial: int, extension: dict[str, object] | None
) -> None:
    page = ProjectPage(BRIE, status, tuple(listed), tuple(file.version for file in listed), serial, extension)
    copy = read_copy(project_json(page), BRIE)
    assert project_html(copy) == project_html(page)
    assert [(file.sha256, file.uploaded_at, file.size_bytes) for file in copy.files] == [
        (file.sha256, file.uploaded_at, file.size_bytes) for file in listed
    ]


def test_the_html_of_a_copied_list_is_the_origins_byte_for_byte() -> None:
    entries = [RootEntry(NormalizedName("brie"), 3), RootEntry(NormalizedName("comte-2"), 7)]
    copied, serial = read_root_copy(root_json(entries, 7))
    assert root_html(copied, serial) == root_html(entries, 7)


def body(**file: Any) -> bytes:
    """A page with one file, whose members are changed."""
    link = FileLink("brie-1.0.tar.gz", "1.0", "a" * 64, 5, AT)
    page = json.loads(project_json(ProjectPage(BRIE, ProjectStatus("active"), (link,), ("1.0",), 1)))
    page["files"][0].update(file)
    return json.dumps(page).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "../../packages/brie/../../../etc/brie-1.0.tar.gz"},
        {"url": "../../packages/brie/../brie-1.0.tar.gz"},
        {"url": "../../packages/comte/1.0/brie-1.0.tar.gz"},
        {"url": "https://example.org/packages/brie/1.0/brie-1.0.tar.gz"},
        {"url": "../../packages/brie/.hidden/brie-1.0.tar.gz"},
        {"filename": "../brie-1.0.tar.gz", "url": "../../packages/brie/1.0/../brie-1.0.tar.gz"},
        {"filename": "brie.exe", "url": "../../packages/brie/1.0/brie.exe"},
        {"hashes": {}},
        {"hashes": {"sha256": "A" * 64}},
        {"hashes": {"sha256": "../../../etc/passwd"}},
        {"core-metadata": {"sha256": "../" * 21 + "x"}},
        {"size": -1},
        {"upload-time": "2026-01-02T03:04:05"},
    ],
)
def test_a_page_whose_files_could_lead_elsewhere_is_refused(changed: dict[str, Any]) -> None:
    assert read_copy(body(), BRIE).files
    with pytest.raises(Refused) as refused:
        read_copy(body(**changed), BRIE)
    assert refused.value.decision.rule == "follow.page"


@pytest.mark.parametrize(
    "page",
    [
        b"<html>",
        b"[" * 100_000,
        b'{"meta": {"_last-serial": 1, "api-version": "2.0"}, "projects": []}',
        b'{"meta": {"_last-serial": 1, "api-version": "1.4"}, "projects": [{"name": "../x", "_last-serial": 1}]}',
    ],
)
def test_a_list_that_is_none_is_refused(page: bytes) -> None:
    with pytest.raises(Refused):
        read_root_copy(page)


def test_a_page_of_another_project_or_on_hold_with_files_is_refused() -> None:
    with pytest.raises(Refused):
        read_copy(body(), NormalizedName("comte"))
    held = json.loads(body())
    held["project-status"] = {"status": "quarantined"}
    with pytest.raises(Refused):
        read_copy(json.dumps(held).encode(), BRIE)
