"""Project names: format, normalisation, look-alikes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core import names
from affineur.core.decision import Refused


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Foo", "foo"),
        ("foo-bar", "foo-bar"),
        ("foo_.-bar", "foo-bar"),
        ("A.B_c", "a-b-c"),
        ("7zip", "7zip"),
        ("x", "x"),
    ],
)
def test_a_valid_name_is_normalised(text: str, normalized: str) -> None:
    assert names.parse_name(text) == normalized


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-foo",
        "foo-",
        ".foo",
        "foo.",
        "_",
        "foo bar",
        "foo\n",
        "föö",
        "foo/bar",
        "ſoo",
        "\u212aelvin",
        "a" * 201,
        "foo\0",
    ],
)
def test_an_invalid_name_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(Refused) as refused:
        names.parse_name(text)
    assert refused.value.decision.rule == "name.format"
    assert "is an invalid value for Name." in refused.value.decision.reason


@given(st.text(max_size=40))
def test_whatever_is_accepted_is_normalised_once_and_for_all(text: str) -> None:
    try:
        normalized = names.parse_name(text)
    except Refused as refused:
        assert refused.decision.sentence.isascii()
        return
    assert names.is_normalized(normalized)
    assert names.parse_name(normalized) == normalized
    assert "/" not in normalized
    assert "." not in normalized


def test_names_that_look_alike_share_a_key() -> None:
    def key(text: str) -> str:
        return names.lookalike_key(names.parse_name(text))

    assert key("foo-bar") == key("f0obar") == key("FOO.BAR")
    assert key("pillow") == key("pi11ow") == key("piiiow".replace("iii", "ill"))
    assert key("foo") != key("fob")


def test_names_of_the_standard_library_are_known() -> None:
    assert names.is_standard_library(names.parse_name("asyncio"))
    assert names.is_standard_library(names.parse_name("Async-IO")) is False
    assert not names.is_standard_library(names.parse_name("requests"))
