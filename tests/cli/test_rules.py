"""`affineur rule` explains a rule as the pages do, with the numbers of the index at hand, and needs none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from affineur.cli.main import app
from affineur.core.rules import RULES


@pytest.fixture
def rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rules:
    """Call the command in a folder where there is no index."""
    monkeypatch.chdir(tmp_path)
    return Rules()


class Rules:
    def __call__(self, *arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(app, ["rule", *arguments], env=environment)


def test_a_rule_is_explained_with_its_reason_its_number_and_a_way_out(rule: Rules) -> None:
    said = rule("upload.window", AFFINEUR_RELEASE_WINDOW_DAYS="3")
    assert said.exit_code == 0
    assert "closed to further files 3 days after its first" in said.output
    for part in (
        f"Why: {RULES['upload.window'].why}",
        "Way out: Publish a new version.",
        "release_window_days = 3 days",
    ):
        assert part in said.output
    assert not list(Path().iterdir()), "nothing is made by looking"


def test_the_first_part_of_an_id_lists_its_rules(rule: Rules) -> None:
    lines = rule("yank").output.splitlines()
    assert lines and all(line.startswith("yank.") for line in lines)
    assert len(rule().output.splitlines()) == len(RULES)


def test_programs_get_the_same_as_values(rule: Rules) -> None:
    found = json.loads(rule("upload.window", "--json").output)
    assert found["settings"] == {"release_window_days": 14}
    assert (found["version"], found["since"], found["changes"]) == (1, "2026-11-22", [])
    assert [each["id"] for each in json.loads(rule("yank", "--json").output)] == [
        each for each in RULES if each.startswith("yank.")
    ]


def test_what_is_no_rule_is_said(rule: Rules) -> None:
    said = rule("cheese.age")
    assert said.exit_code == 1
    assert "There is no rule 'cheese.age'." in said.stderr


def test_the_whole_policy_is_printed_as_markdown(rule: Rules) -> None:
    said = rule("--document", AFFINEUR_RELEASE_WINDOW_DAYS="3").output
    assert "### upload.window\n\nA release is closed to further files 3 days after its first" in said
    assert all(f"`{name}`" in said or f"### {name}\n" in said for name in RULES)
