"""The register of rules knows every rule that the source can refuse by, and says why it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from affineur.core import rules
from affineur.core.distributions import metadata_fields
from affineur.core.life import lifecycle
from affineur.core.rules import FIRST, GROUPS, NOTICE, RULES, Change, Rule
from affineur.core.rules.rule import placeholders, spoken
from affineur.settings import Settings

SOURCE = Path(__file__).parents[2] / "src" / "affineur"
_DECIDING = {"deny", "refuse", "note", "judge", "allow", "Decision"}


def rules_in(path: Path) -> Iterator[str]:
    """Literal rule ids that the module decides, refuses or notes by."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in _DECIDING:
            continue
        for argument in node.args[:2]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                text = argument.value
                if "." in text and " " not in text and text.replace(".", "").replace("-", "").isalpha():
                    yield text


def test_every_rule_that_the_source_names_is_explained() -> None:
    named = {rule for path in SOURCE.rglob("*.py") for rule in rules_in(path)}
    assert len(named) > 50, "the search for rules finds them"
    assert sorted(named - RULES.keys()) == []


def test_every_field_of_metadata_and_every_act_has_its_rule() -> None:
    for field in metadata_fields.FIELD_NAMES:
        assert f"metadata.{field}" in RULES
    for act in lifecycle.TRANSITIONS:
        assert f"lifecycle.{act}" in RULES


def test_nothing_is_explained_that_nothing_decides_by() -> None:
    texts = Path(rules.__file__).parent
    source = "".join(path.read_text() for path in SOURCE.rglob("*.py") if not path.is_relative_to(texts))
    composed = {f"lifecycle.{act}" for act in lifecycle.TRANSITIONS} | {"factor.manage", "factor.publish"}
    prefixes = ("metadata.", "throttle.", "archive.zip.", "archive.tar.")
    unused = {each for each in RULES if f'{each}"' not in source and not each.startswith(prefixes)}
    assert unused - composed == set()


def test_no_rule_is_explained_twice() -> None:
    every = [rule.id for group in GROUPS for rule in group.rules]
    assert sorted(every) == sorted(set(every))


DEFAULTS = Settings()
_FIXED = (
    *("PEP 440", "PEP 658", "PEP 714", "PEP 792", "PEP 807", "RFC 9457", "UTF-8", "SHA-1", "SHA-256", "ZIP64"),
    *("1.2, 1.2rc1 or 1.2.post1", "l, i and 1; o and 0", "protocol_version is 1", "version 1 of the simple API"),
    *("linux_x86_64", "2026-01-31", "/api/v1"),
    *("C0", "C1", "C2", "C3", "C4"),
)
"""Digits that are names and examples. A number that decides something is never among them."""
_NUMBER = re.compile(r"[0-9]|\b(three|four|five|six|seven|eight|nine|ten|twelve|fourteen|twenty|thirty|hundred)\b")


def every_text() -> Iterator[tuple[str, str]]:
    for rule in RULES.values():
        for text in (rule.text, rule.why, *rule.ways):
            yield rule.id, text
    for group in GROUPS:
        for text in (group.title, group.about, group.why):
            yield group.title, text


def test_every_rule_says_what_it_asks_why_and_since_when() -> None:
    for rule in RULES.values():
        assert rule.text.strip().endswith((".", "?")), rule.id
        assert len(rule.why) > 15 and rule.why.endswith("."), rule.id
        assert rule.since >= FIRST, rule.id
        assert all(way.endswith(".") for way in rule.ways), rule.id


def test_numbers_in_texts_come_from_the_code() -> None:
    typed = []
    for where, text in every_text():
        plain = re.sub(r"\{[a-z0-9_]+\}", "", text)
        for known in _FIXED:
            plain = plain.replace(known, "")
        if _NUMBER.search(plain):
            typed.append((where, text))
    assert typed == []


def test_a_number_belongs_to_a_placeholder_and_a_placeholder_to_a_number_or_setting() -> None:
    for rule in RULES.values():
        used = {*placeholders(rule.text), *placeholders(rule.why)}
        assert rule.numbers.keys() <= used, rule.id
        assert all(name in rule.numbers or hasattr(DEFAULTS, name) for name in used), rule.id
        assert not any(name in rule.numbers and hasattr(DEFAULTS, name) for name in used), rule.id


def test_settings_that_decide_with_a_rule_exist_and_can_be_shown_to_anybody() -> None:
    for rule in RULES.values():
        for name in rule.deciding_settings:
            value = getattr(DEFAULTS, name)
            # A free text could hold an address, a path or a secret; a number, a switch or a choice cannot.
            assert isinstance(value, int | float) or name in ("read", "registration", "new_projects", "record"), name


def test_an_operators_number_stands_in_the_text() -> None:
    rule = RULES["upload.window"]
    assert "14 days" in rule.said(DEFAULTS)
    assert "1 day after" in rule.said(Settings(release_window_days=1))


def test_a_rule_that_a_setting_puts_off_says_so() -> None:
    rule = RULES["upload.window"]
    off = Settings(release_window_days=0)
    assert rule.in_force(DEFAULTS) and not rule.in_force(off)
    assert rule.said(off) == "Not in force on this index: the setting release_window_days puts it off."


@pytest.mark.parametrize(
    ("value", "name", "prose"),
    [
        (timedelta(hours=24), "", "24 hours"),
        (timedelta(hours=72), "", "72 hours"),
        (timedelta(days=14), "", "14 days"),
        (timedelta(hours=1), "", "1 hour"),
        (timedelta(minutes=90), "", "90 minutes"),
        (timedelta(seconds=1), "", "1 second"),
        (1, "release_window_days", "1 day"),
        (1024, "", "1,024"),
        (100 * 1024 * 1024, "maximum_file_bytes", "100 MiB"),
        (1000, "maximum_file_bytes", "1,000 bytes"),
        (True, "record", "yes"),
        ("anyone", "read", "anyone"),
    ],
)
def test_a_value_is_spoken_with_its_unit(value: object, name: str, prose: str) -> None:
    assert spoken(value, name) == prose


def test_a_change_is_announced_in_time_or_says_why_not() -> None:
    for rule in RULES.values():
        days = [change.on for change in rule.changes]
        assert days == sorted(days), rule.id
        for change in rule.changes:
            assert change.at_once or change.on - change.announced >= NOTICE, rule.id
            assert change.announced >= rule.since, rule.id


def test_a_change_makes_a_new_version() -> None:
    rule = Rule("cheese.age", "Older than {least}.", "Young cheese is mild.", numbers={"least": timedelta(days=90)})
    assert rule.version == 1
    assert replace(rule, changes=(Change(date(2027, 1, 1), date(2027, 2, 1), "Longer."),)).version == 2
