"""Versions: canonical form, and which one is the latest."""

from __future__ import annotations

import pytest

from affineur.core.decision import Refused
from affineur.core.versions import canonical, latest, order_key, parse_version


def test_a_version_is_stored_in_its_normal_form() -> None:
    assert canonical(parse_version("v1.0.0-alpha.1")) == "1.0.0a1"
    assert canonical(parse_version("1.0+Ubuntu-1")) == "1.0+ubuntu.1"


@pytest.mark.parametrize("text", ["", "one", "1..0", "1.0-", "1.0 beta x", "1.0\0"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_version(text)
    assert refused.value.decision.rule == "version.format"


@pytest.mark.parametrize(
    ("pairs", "chosen"),
    [
        ([("1.0", False), ("2.0", False)], "2.0"),
        ([("1.0", False), ("2.0", True)], "1.0"),
        ([("1.0", False), ("2.0rc1", False)], "1.0"),
        ([("1.0", True), ("2.0rc1", False)], "2.0rc1"),
        ([("1.0", True), ("2.0rc1", True)], "1.0"),
        ([("1.10", False), ("1.9", False)], "1.10"),
        ([], None),
    ],
)
def test_the_latest_is_the_version_people_mean(pairs: list[tuple[str, bool]], chosen: str | None) -> None:
    assert latest(pairs) == chosen


def test_order_is_that_of_pep_440() -> None:
    texts = ["1!0.1", "1.0.post1", "1.0", "1.0a1", "1.0.dev1"]
    assert sorted(texts, key=order_key) == ["1.0.dev1", "1.0a1", "1.0", "1.0.post1", "1!0.1"]
