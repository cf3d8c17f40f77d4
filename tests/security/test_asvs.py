"""The answer to the OWASP ASVS is complete, and every test that it names exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PAGE = TESTS.parent / "docs" / "security" / "asvs.md"
UP_TO = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3,
    "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
"""Section → its last requirement of level 1 or 2 (OWASP ASVS 5.0.0; those of level 3 are the last of each section)."""


def rows() -> list[tuple[str, str]]:
    """Each requirement with what it is held by."""
    return re.findall(r"^\| (\d+\.\d+\.\d+) \| [12] \| [^|]+ \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


@cache
def defined_in(module: str) -> frozenset[str]:
    path = TESTS / f"{module}.py"
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))


def test_every_requirement_has_one_row() -> None:
    wanted = [f"{section}.{number}" for section, last in UP_TO.items() for number in range(1, last + 1)]
    assert sorted(number for number, _ in rows()) == sorted(wanted)


def test_every_requirement_is_held_by_tests_that_exist_or_has_a_reason() -> None:
    for number, held in rows():
        named = re.findall(r"`([a-z_/]+)::(test_\w+)`", held)
        assert named or (held.startswith("Reason: ") and len(held) > 20), number
        for module, test in named:
            assert test in defined_in(module), f"{number}: {module}::{test}"
