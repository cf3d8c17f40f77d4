"""Which file was asked for, by its address or its name."""

from __future__ import annotations

import pytest

from affineur.core.downloads import networks, places
from affineur.core.downloads.places import Place

WHEEL = Place("foo-bar", "1.0", "foo_bar-1.0-py3-none-any.whl", "bdist_wheel")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/packages/foo-bar/1.0/foo_bar-1.0-py3-none-any.whl", WHEEL),
        (f"/packages/ab/cd/{'0f' * 30}/foo_bar-1.0-py3-none-any.whl", WHEEL),
        ("/team/dev/+f/012/3456789abcdef/foo_bar-1.0-py3-none-any.whl", WHEEL),
        ("https://files.example.org/files/foo_bar-1.0-py3-none-any.whl?token=1#sha256=00", WHEEL),
        ("/packages/foo.Bar-1.0.tar.gz", Place("foo-bar", "1.0", "foo.Bar-1.0.tar.gz", "sdist")),
        ("/packages/foo-1.0%2Blocal.zip", Place("foo", "1.0+local", "foo-1.0+local.zip", "sdist")),
        ("/packages/foo-1.0.tar.bz2", Place("foo", "1.0", "foo-1.0.tar.bz2", "sdist")),
        ("/packages/foo-1.0-py2.7.egg", Place("foo", "1.0", "foo-1.0-py2.7.egg", "bdist_egg")),
        (
            "/packages/foo-1.0-py2.7-linux-x86_64.egg",
            Place("foo", "1.0", "foo-1.0-py2.7-linux-x86_64.egg", "bdist_egg"),
        ),
        (
            "/packages/foo-1.0.win32-py2.7.exe",
            Place("foo", "1.0", "foo-1.0.win32-py2.7.exe", "bdist_wininst"),
        ),
        ("/packages/foo-1.0.win32.msi", Place("foo", "1.0", "foo-1.0.win32.msi", "bdist_msi")),
        ("/packages/foo-1.0-1.noarch.rpm", Place("foo", "1.0", "foo-1.0-1.noarch.rpm", "bdist_rpm")),
        ("/packages/foo_bar-1.0-py3-none-any.whl.metadata", None),
        ("/packages/foo_bar-1.0-py3-none-any.whl.provenance", None),
        ("/packages/foo-1.0.tar.gz.asc", None),
        ("/simple/foo/", None),
        ("/", None),
        ("", None),
        ("/packages/.whl", None),
        ("/packages/-1.0.tar.gz", None),
        ("/packages/foo.tar.gz", None),
        ("/packages/foo%00-1.0.tar.gz", None),
        ("/packages/" + "a" * 5_000 + "-1.0.tar.gz", None),
    ],
)
def test_the_end_of_an_address_says_which_file_it_is(path: str, place: Place | None) -> None:
    assert places.of_path(path) == place


def test_a_line_of_our_own_log_says_it_in_fields() -> None:
    assert places.of_fields("foo-bar", "1.0", WHEEL.filename) == WHEEL
    assert places.of_fields("foo-bar", "1.0", f"{WHEEL.filename}.metadata") is None
    assert places.of_fields("Foo.Bar", "1.00", WHEEL.filename) == WHEEL
    assert places.of_fields("", "1.0", WHEEL.filename) is None
    assert places.of_fields("../..", "1.0", WHEEL.filename) is None


def test_a_binary_that_was_packed_dumbly_is_no_sdist() -> None:
    assert places.kind_of("foo-1.0.linux-x86_64.tar.gz") == "bdist_dumb"
    assert places.kind_of("foo-linux-1.0.tar.gz") == "sdist"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("::ffff:192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2::3", "2001:db8:1::"),
        ("", ""),
        ("0123456789abcdef", ""),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, network: str) -> None:
    assert networks.shorten(address) == network


def test_networks_of_two_days_cannot_be_compared() -> None:
    today, tomorrow = (networks.network_hash("192.0.2.77", salt) for salt in (b"a" * 32, b"b" * 32))
    assert today != tomorrow
    assert today == networks.network_hash("192.0.2.0", b"a" * 32), "a shortened address is the same network"
    assert networks.network_hash("0123456789abcdef", b"a" * 32) is not None, "a hash stands for a network as well"
    assert networks.network_hash("", b"a" * 32) is None
    assert networks.network_hash("-", b"a" * 32) is None
