"""The documentation is held to the program: what can be said or set is described, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from affineur.cli.errors import EXIT_CODES
from affineur.cli.main import app
from affineur.core.life.lifecycle import HOLD_CODES, YANK_CODES
from affineur.core.life.standing import Wish
from affineur.core.moderation import reports
from affineur.projections.check import KINDS
from affineur.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"


def commands(path: str = "affineur", command: Any = None) -> Iterator[tuple[str, Any]]:
    """Every command with its whole name."""
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, each in below.items():
        yield from commands(f"{path} {name}", each)


def headings(page: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", (REFERENCE / page).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_generated_reference_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate-reference", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_is_documented() -> None:
    assert {path for path, _ in commands()} <= headings("cli.md")


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=[path for path, _ in commands()])
def test_every_command_option_and_argument_explains_itself(path: str, command: Any) -> None:
    first = (command.help or "").strip().partition("\n")[0]
    assert first.endswith("."), path
    assert len(first) <= 100, f"{path}: its first line is too long for a list"
    silent = [each.name for each in command.params if not (each.help or "").strip()]
    assert silent == []


@pytest.mark.parametrize(
    ("path", "option", "words"),
    [
        ("affineur yank", "code", YANK_CODES),
        ("affineur withhold", "code", HOLD_CODES),
        ("affineur report", "kind", reports.KINDS),
        ("affineur wish", "wish", get_args(Wish)),
    ],
)
def test_the_words_that_an_option_takes_stand_in_its_help(path: str, option: str, words: Iterable[str]) -> None:
    command = dict(commands())[path]
    said = next(each.help for each in command.params if each.name == option)
    assert set(words) <= set(re.findall(r"[a-z-]+", said))


def test_every_setting_is_documented() -> None:
    assert headings("settings.md") == {each.name for each in fields(Settings)}
    assert all(len(str(each.metadata["doc"])) > 15 for each in fields(Settings))


def test_every_exit_status_and_every_finding_is_documented() -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert all(f"| {code} | {meaning} |" in page for code, meaning in EXIT_CODES.items())
    assert all(f"| {kind} | {each.meaning} |" in page for kind, each in KINDS.items())
