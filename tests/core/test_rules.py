"""The register of rules knows every rule that the source can refuse by, and says why it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from affineur.core import lifecycle, metadata_fields
from affineur.core.rules import GROUPS, RULES

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


def test_no_rule_is_explained_twice() -> None:
    every = [rule.id for group in GROUPS for rule in group.rules]
    assert sorted(every) == sorted(set(every))
