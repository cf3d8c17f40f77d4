"""Policy as tables, with the rows on either side of each limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.life import policy
from affineur.core.life.standing import Hold, Standing
from affineur.core.names import NormalizedName

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACTS = policy.Upload(
    project=NormalizedName("foo"),
    filename="foo-1.0-py3-none-any.whl",
    kind="bdist_wheel",
    version="1.0",
    sha256="a" * 64,
    blake2b_256="b" * 64,
    size_bytes=1000,
    now=NOW,
    standing=Standing(),
    project_bytes=0,
    limits=policy.Limits(file_bytes=1000, total_bytes=5000),
    same_name=None,
    same_content=None,
    burnt=False,
    release_since=None,
    release_window=timedelta(days=14),
    has_sdist=False,
)


def rule_of(facts: policy.Upload) -> str:
    decision = policy.upload(facts)
    return "" if decision.allowed else decision.rule


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"size_bytes": 1000}, ""),
        ({"size_bytes": 1001}, "upload.file-size"),
        ({"project_bytes": 4000}, ""),
        ({"project_bytes": 4001}, "upload.project-size"),
        ({"size_bytes": 10**12, "project_bytes": 10**12, "limits": None}, ""),
        ({"release_since": NOW - timedelta(days=14)}, ""),
        ({"release_since": NOW - timedelta(days=14, microseconds=1)}, "upload.window"),
        ({"release_since": NOW - timedelta(days=4000), "release_window": None}, ""),
        ({"same_name": "c" * 64}, "upload.duplicate"),
        ({"same_content": "foo-1.0-py2-none-any.whl"}, "upload.duplicate"),
        ({"burnt": True}, "upload.burnt"),
        ({"has_sdist": True}, ""),
        ({"kind": "sdist", "has_sdist": True}, "upload.sdist"),
        ({"kind": "sdist"}, ""),
        ({"standing": Standing(maintenance="archived")}, "upload.state"),
        ({"standing": Standing(holds=(Hold("quarantined"),))}, "upload.state"),
        ({"standing": Standing(advice="deprecated")}, ""),
    ],
)
def test_an_upload_is_allowed_up_to_each_limit(changes: dict[str, object], rule: str) -> None:
    assert rule_of(replace(FACTS, **changes)) == rule  # type: ignore[arg-type]


def test_the_same_file_again_is_no_duplicate() -> None:
    assert policy.is_same_file(replace(FACTS, same_name=FACTS.sha256))
    assert not policy.is_same_file(replace(FACTS, same_name="c" * 64))
    assert not policy.is_same_file(FACTS)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"size_bytes": 200 * 1024**2, "limits": policy.Limits(100 * 1024**2, 10**12)},
            "Limit for project 'foo' is 100 MB.",
        ),
        (
            {"project_bytes": 10 * 1024**3, "limits": policy.Limits(10**9, 10 * 1024**3)},
            "Limit for project 'foo' total size is 10 GB.",
        ),
        (
            {"same_name": "c" * 64},
            "File already exists ('foo-1.0-py3-none-any.whl', with blake2_256 hash '" + "b" * 64 + "').",
        ),
        (
            {"burnt": True},
            "This filename was previously used by a file that has since been deleted. Use a different version.",
        ),
        ({"kind": "sdist", "has_sdist": True}, "Only one sdist may be uploaded per release."),
        (
            {"release_since": NOW - timedelta(days=15)},
            "Uploading new files to releases older than 14 days is not allowed.",
        ),
    ],
)
def test_a_refusal_says_what_clients_look_for_and_a_way_out(changes: dict[str, object], text: str) -> None:
    decision = policy.upload(replace(FACTS, **changes))  # type: ignore[arg-type]
    assert text in decision.reason
    assert decision.ways_out
    assert all(decision.ways_out)


def a_name(name: str, *lookalikes: str, stdlib: bool = True, similar: bool = True) -> policy.NewName:
    return policy.NewName(NormalizedName(name), lookalikes, stdlib, similar)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (a_name("foo"), ""),
        (a_name("asyncio"), "name.standard-library"),
        (a_name("asyncio", stdlib=False), ""),
        (a_name("f00", "foo"), "name.lookalike"),
        (a_name("f00", "foo", similar=False), ""),
    ],
)
def test_a_new_name_must_not_be_mistaken_for_another(facts: policy.NewName, rule: str) -> None:
    decision = policy.new_name(facts)
    assert ("" if decision.allowed else decision.rule) == rule
