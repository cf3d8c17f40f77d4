"""Facts as people are shown them: sizes, links, licences, persons, wheel tags."""

from __future__ import annotations

import pytest

from affineur.core.distributions.metadata import CoreMetadata
from affineur.core.names import NormalizedName
from affineur.core.versions import CanonicalVersion
from affineur.core.views import presentation
from affineur.core.views.presentation import Licence, Link, Person

ANN = Person("Ann", "ann@example.org")


def metadata(**fields: object) -> CoreMetadata:
    """Metadata of brie 1.0 with ``fields``."""
    return CoreMetadata("2.4", "brie", NormalizedName("brie"), CanonicalVersion("1.0"), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (64_920, "63.4 KiB"),
        (102_400, "100 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (100 * 1024**2, "100 MiB"),
        (10 * 1024**3, "10.0 GiB"),
        (5 * 1024**5, "5120 TiB"),
    ],
)
def test_a_size_has_the_largest_unit_that_leaves_a_number_of_at_least_one(size_bytes: int, shown: str) -> None:
    assert presentation.size(size_bytes) == shown


@pytest.mark.parametrize(
    ("label", "normalized"),
    [("What's New", "whatsnew"), ("Bug_Tracker", "bugtracker"), ("  Home-Page ", "homepage"), ("Ünïcode!", "ünïcode")],
)
def test_labels_lose_punctuation_and_case(label: str, normalized: str) -> None:
    assert presentation.normalize_label(label) == normalized


def test_well_known_links_come_first_and_each_address_once() -> None:
    found = presentation.links(
        metadata(
            project_urls=(
                ("Chat", "https://chat.example.org"),
                ("Donate", "https://example.org/give"),
                ("GitHub", "https://git.example.org/brie"),
                ("Home", "https://www.example.org/"),
            ),
            home_page="https://www.example.org",
            download_url="javascript:alert(1)",
        )
    )
    assert found == (
        Link("source", "Source", "https://git.example.org/brie", "git.example.org"),
        Link("funding", "Funding", "https://example.org/give", "example.org"),
        Link("", "Chat", "https://chat.example.org", "chat.example.org"),
        Link("", "Home", "https://www.example.org/", "example.org"),
    )


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "//example.org", "http://", "http://[", "ftp://x"],
)
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    assert presentation.links(metadata(home_page=url, project_urls=(("Docs", url),))) == ()


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({}, None),
        ({"license_expression": "MIT OR Apache-2.0"}, Licence("MIT OR Apache-2.0", is_expression=True)),
        ({"license": "BSD"}, Licence("BSD")),
        ({"classifiers": ("License :: OSI Approved :: MIT License",)}, Licence("MIT License")),
        (
            {"classifiers": ("License :: OSI Approved :: BSD License",), "license": "Copyright\nall of it"},
            Licence("BSD License", whole="Copyright\nall of it"),
        ),
        ({"classifiers": ("License :: OSI Approved",), "license": "x\ny"}, Licence("x", whole="x\ny")),
        ({"license": "w" * 61}, Licence("w" * 59 + "…", whole="w" * 61)),
    ],
)
def test_the_licence_is_the_expression_or_else_what_comes_nearest(
    fields: dict[str, object], licence: Licence | None
) -> None:
    assert presentation.licence(metadata(**fields)) == licence


@pytest.mark.parametrize(
    ("names", "emails", "persons"),
    [
        (None, None, ()),
        ("Ann", None, (Person("Ann", ""),)),
        ("Ann", "ann@example.org", (ANN,)),
        (None, "Ann <ann@example.org>, bob@example.org", (ANN, Person("", "bob@example.org"))),
        ("ann", "Ann <ann@example.org>", (ANN,)),
        ("Bob", "Ann <ann@example.org>", (Person("Bob", ""), ANN)),
        ("Ann, Bob", "Ann <ann@example.org>, Bob <b@example.org>", (ANN, Person("Bob", "b@example.org"))),
    ],
)  # fmt: skip
def test_persons_are_named_once(names: str | None, emails: str | None, persons: tuple[Person, ...]) -> None:
    assert presentation.persons(names, emails) == persons


@pytest.mark.parametrize(
    ("tags", "shown"),
    [
        ("py3-none-any", "Python 3, any platform"),
        ("py2.py3-none-any", "Python 2 and 3, any platform"),
        ("cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "CPython 3.12, Linux x86-64 (glibc 2.17+)"),
        ("cp39-abi3-win_amd64", "CPython 3.9 and later, Windows x86-64"),
        ("cp313-cp313t-musllinux_1_2_aarch64", "CPython 3.13 free-threaded, Linux ARM64 (musl 1.2+)"),
        ("pp310-pypy310_pp73-macosx_11_0_arm64", "PyPy 3.10, macOS 11.0+ ARM64"),
        ("cp311-cp311-win32", "CPython 3.11, Windows x86"),
        ("graalpy311-none-plan9", "graalpy311, plan9"),
    ],
)
def test_a_wheel_says_in_words_what_it_runs_on(tags: str, shown: str) -> None:
    assert presentation.wheel_fits(f"brie-1.0-{tags}.whl") == shown
    assert presentation.wheel_fits("brie-1.0.tar.gz") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, ()), ("a,b c , a", ("a", "b c")), ("a b", ("a", "b")), (" , ", ())],
)
def test_keywords_are_read_with_commas_or_without(text: str | None, words: tuple[str, ...]) -> None:
    assert presentation.keywords(text) == words


@pytest.mark.parametrize(
    ("count", "shown"), [(999, "999"), (20_001, "20,000"), (886_412, "886,000"), (15_672_000, "15,700,000")]
)
def test_a_count_that_is_nearly_known_has_three_digits(count: int, shown: str) -> None:
    assert presentation.rounded(count) == shown


def test_classifiers_are_grouped_without_licences() -> None:
    groups = presentation.classifier_groups(
        ("Topic :: Software Development", "License :: OSI Approved", "Topic :: Utilities", "Odd")
    )
    assert groups == (("Topic", ("Software Development", "Utilities")), ("Odd", ("Odd",)))
