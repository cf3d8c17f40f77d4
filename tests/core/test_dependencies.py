"""Dependency lines sorted for people."""

from __future__ import annotations

import pytest

from affineur.core.distributions.dependencies import Dependency, Group, groups, versions
from affineur.core.names import NormalizedName

MIXED = 'os_name == "nt" or os_name == "x" and extra == "t"'


def one(line: str) -> tuple[str, str, Dependency]:
    """Kind and extra of the only group, and its only dependency."""
    (group,) = groups([line])
    (dependency,) = group.dependencies
    return group.kind, group.extra, dependency


def test_what_is_always_needed_comes_first_then_conditions_then_extras() -> None:
    found = groups(
        ['pytest; extra == "Test_It"', "b", 'c; sys_platform == "win32"', "a"], provides_extra=("docs", "Test_It")
    )
    assert [(group.kind, group.extra, [each.name for each in group.dependencies]) for group in found] == [
        ("always", "", ["b", "a"]),
        ("conditional", "", ["c"]),
        ("extra", "docs", []),
        ("extra", "test-it", ["pytest"]),
    ]


def test_a_requirement_is_taken_apart() -> None:
    _, _, found = one("Some.Project[b,a] <3,>=2,!=2.5")
    assert found == Dependency("Some.Project", NormalizedName("some-project"), ("a", "b"), ">=2, !=2.5, <3")
    assert one("x @ https://example.org/x.whl")[2].url == "https://example.org/x.whl"


@pytest.mark.parametrize(
    ("marker", "kind", "extra", "condition"),
    [
        ('extra == "t"', "extra", "t", ""),
        ('extra == "t" and os_name == "nt"', "extra", "t", 'extra == "t" and os_name == "nt"'),
        ('os_name == "nt" and extra == "t"', "extra", "t", 'os_name == "nt"'),
        ('(os_name == "nt" or os_name == "x") and extra == "t"', "extra", "t", 'os_name == "nt" or os_name == "x"'),
        (MIXED, "extra", "t", MIXED),
        ('python_version < "3.11"', "conditional", "", 'python_version < "3.11"'),
    ],
)  # fmt: skip
def test_a_marker_is_split_into_extra_and_condition_only_where_that_says_the_same(
    marker: str, kind: str, extra: str, condition: str
) -> None:
    found_kind, found_extra, dependency = one(f"x; {marker}")
    assert (found_kind, found_extra, dependency.condition) == (kind, extra, condition)


def test_a_line_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert groups(["no requirement at all"]) == (Group("always", "", (Dependency("no requirement at all", None),)),)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), (None, ""), ("<4,>=3.9", ">=3.9, <4"), ("~=1.0", "~=1.0"), ("nonsense <", "nonsense <")],
)
def test_versions_start_with_the_lower_bound(text: str | None, shown: str) -> None:
    assert versions(text) == shown
