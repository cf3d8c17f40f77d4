"""What a file's metadata says about whom its project requires."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from affineur.core.dependents.edges import Edge, Kind, Stated, counted, kind_of, needs, stated
from affineur.core.names import NormalizedName

FOO = NormalizedName("foo")


def said(*lines: str, wheel: bool = True, dynamic: bool = False) -> Stated:
    return Stated(lines, dynamic, wheel)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("a", Kind.ALWAYS),
        ("a>=1,<2", Kind.ALWAYS),
        ("a[b]", Kind.ALWAYS),
        ('a; python_version < "3"', Kind.MARKER),
        ('a; extra == "x"', Kind.EXTRA),
        ('a; "x" == extra', Kind.EXTRA),
        ('a; python_version < "3" and extra == "x"', Kind.EXTRA),
        ('a; (python_version < "3" or os_name == "nt") and extra == "x"', Kind.EXTRA),
        ('a; extra == "x" or extra == "y"', Kind.EXTRA),
        ('a; python_version < "3" or extra == "x"', Kind.MARKER),
        ('a; python_version < "3" and extra == "x" or os_name == "nt"', Kind.MARKER),
        ('a; extra != "x"', Kind.MARKER),
        ('a; os_name == "extra"', Kind.MARKER),
    ],
)
def test_a_requirement_is_of_the_kind_that_its_marker_makes_it(line: str, kind: Kind) -> None:
    assert kind_of(Requirement(line)) == kind


def test_all_files_of_a_release_are_heard_and_names_are_normalised() -> None:
    found = needs(FOO, "1.0", [("1.0", [said("Bar_baz>=1"), said("bar.baz>=1", "qux")])])
    assert found.edges == (
        Edge(NormalizedName("bar-baz"), "1.0", Kind.ALWAYS, True, ">=1", ""),
        Edge(NormalizedName("qux"), "1.0", Kind.ALWAYS, True, "", ""),
    )
    assert (found.version, found.requirements, found.dynamic, found.unreadable) == ("1.0", 2, False, 0)


def test_requirements_of_one_kind_are_one_edge_whose_lines_belong_together() -> None:
    lines = ('a>=2; python_version >= "3"', 'a<2; python_version < "3"', "a!=1.5")
    always, marker = needs(FOO, "1.0", [("1.0", [said(*lines)])]).edges
    assert (always.kind, always.specifier, always.condition) == (Kind.ALWAYS, "!=1.5", "")
    assert marker.specifier.split("\n") == ["<2", ">=2"]
    assert marker.condition.split("\n") == ['python_version < "3"', 'python_version >= "3"']


def test_a_project_is_no_dependent_of_itself() -> None:
    assert needs(FOO, "1.0", [("1.0", [said('foo[test]; extra == "all"')])]).edges == ()


def test_what_cannot_be_read_is_counted_and_the_rest_stands() -> None:
    found = needs(FOO, "1.0", [("1.0", [said("a", "b >>> 1", "c (")])])
    assert [edge.target for edge in found.edges] == ["a"]
    assert found.unreadable == 2


def test_an_older_release_adds_edges_that_say_so_and_no_count_of_requirements() -> None:
    found = needs(FOO, "2.0", [("2.0", [said("a")]), ("1.0", [said("a", "b")])])
    assert {(edge.target, edge.version, edge.newest) for edge in found.edges} == {
        ("a", "2.0", True),
        ("a", "1.0", False),
        ("b", "1.0", False),
    }
    assert found.requirements == 1


@pytest.mark.parametrize(
    ("releases", "popular", "expected"),
    [
        ([("1.0", False), ("2.0", False)], (), ("2.0", [])),
        ([("1.0", False), ("2.0", True)], (), ("1.0", [])),
        ([("1.0", False), ("2.0rc1", False)], (), ("1.0", [])),
        ([("2.0rc1", False)], (), ("2.0rc1", [])),
        ([("1.0", True)], (), (None, [])),
        ([("1.0", True)], ("1.0",), (None, ["1.0"])),
        ([("1.0", False), ("2.0", False)], ("2.0", "1.0", "0.9"), ("2.0", ["1.0"])),
        ([], (), (None, [])),
    ],
)
def test_the_newest_release_counts_that_is_not_yanked_and_those_that_many_install(
    releases: list[tuple[str, bool]], popular: tuple[str, ...], expected: tuple[str | None, list[str]]
) -> None:
    assert counted(releases, popular) == expected


@pytest.mark.parametrize(
    ("version", "dynamic", "wheel", "expected"),
    [
        ("2.1", (), False, True),
        ("2.2", (), False, False),
        ("2.2", ("Requires-Dist",), False, True),
        ("2.4", ("requires-dist ",), False, True),
        ("2.2", ("version",), False, False),
        ("1.0", (), True, False),
        ("2.2", ("requires-dist",), True, False),
    ],
)
def test_an_sdist_may_say_something_else_when_built_unless_it_stands_by_its_metadata(
    version: str, dynamic: tuple[str, ...], wheel: bool, expected: bool
) -> None:
    assert stated(version, ("a",), dynamic, wheel=wheel).dynamic is expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([said("a", wheel=False, dynamic=True)], True),
        ([said("a", wheel=False, dynamic=True), said("a")], False),
        ([said("a", wheel=False)], False),
        ([], False),
    ],
)
def test_a_project_is_unknown_where_sdists_only_leave_it_open(files: list[Stated], expected: bool) -> None:
    assert needs(FOO, "1.0", [("1.0", files)]).dynamic is expected


def test_a_requirement_that_is_too_deep_to_be_read_is_none_and_stops_nothing() -> None:
    deep = "a; " + "(" * 5_000 + "os_name == 'nt'" + ")" * 5_000
    found = needs(FOO, "1", [("1", [said(deep, "b")])])
    assert (found.unreadable, [edge.target for edge in found.edges]) == (1, ["b"])
