"""Events in words: every one that is written anywhere has its sentence."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from affineur.core import security
from affineur.core.history.chronicle_words import ACTORS, EVENTS, HINTS, sentence, title, words
from affineur.core.history.journal import ActorClass, Event, Hint
from affineur.core.life import lifecycle

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "affineur"


def constants(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and is_event_like(each.value):
            yield each.value


def is_event_like(text: str) -> bool:
    """Two words or more, the last in the past tense, as all events are called."""
    parts = words(text).split()
    return (
        text.isalpha()
        and "".join(part.capitalize() for part in parts) == text
        and len(parts) > 1
        and text.endswith("ed")
    )


def written() -> set[str]:
    """Every name that is given to an event, and every text in the source that looks like one."""
    found: set[str] = set()
    for folder in ("actions", "core", "projections", "shell"):
        for path in (SOURCE / folder).rglob("*.py"):
            if path.name in ("chronicle_words.py", "changelog.py"):
                continue
            tree = ast.parse(path.read_text())
            found.update(name for node in ast.walk(tree) if isinstance(node, ast.Constant) for name in constants(node))
    return found


def test_every_event_that_is_written_has_a_sentence_and_a_line_in_the_reference() -> None:
    told = {each.event_on(level) for each in lifecycle.TRANSITIONS.values() for level in each.levels}
    names = told | written() - (set(security.EVENTS) - set(EVENTS))
    assert {"ProjectCreated", "FileYanked", "ProjectQuarantined", "RoleRevoked"} <= names, "the search finds them"
    assert sorted(names - set(EVENTS)) == []
    reference = (ROOT / "docs" / "reference" / "journal.md").read_text(encoding="utf-8")
    assert [name for name in EVENTS if f"| `{name}` |" not in reference] == []


def test_every_sentence_can_be_said_of_an_event_that_says_little() -> None:
    for name in EVENTS:
        said = sentence(Event(name, "brie", "1.0", "brie-1.0.tar.gz"))
        assert said[0] in string.ascii_uppercase
        assert said.endswith(".")
        assert "{" not in said


def test_reasons_stand_behind_their_code_once() -> None:
    held = Event("ReleaseYanked", "brie", "1.2", reason="Falls apart", reason_code="broken")
    assert sentence(held) == "Release 1.2 was yanked: [broken] Falls apart."
    assert sentence(Event("ReleaseYanked", "brie", "1.2", reason="[broken] Why?", reason_code="broken")).endswith(
        "yanked: [broken] Why?"
    )
    assert sentence(Event("ProjectQuarantined", "brie", reason_code="malware")).endswith("into: [malware].")
    assert sentence(Event("ProjectQuarantined", "brie")).endswith("looked into.")


def test_roles_are_told_without_names() -> None:
    assert sentence(Event("RoleGranted", "brie", new={"role": "owner"})) == "Somebody was given the role of owner."
    changed = Event("RoleGranted", "brie", old={"role": "owner"}, new={"role": "maintainer"})
    assert sentence(changed) == "Somebody's role was changed from owner to maintainer."


def test_what_to_use_instead_is_told_and_nonsense_from_elsewhere_does_no_harm() -> None:
    told = Event("ProjectDeprecated", "brie", new={"replacements": [["comte", ">=2"], ["feta", None]]}, reason="Mould")
    assert sentence(told) == "The project was deprecated: use comte >=2 and feta: Mould."
    for nonsense in (None, 1, "comte", [1], [[]], {"a": 1}):
        told = Event("ProjectDeprecated", "brie", new={"replacements": nonsense})
        assert sentence(told) == "The project was deprecated: use something else."


def test_an_event_that_only_a_newer_index_knows_is_told_all_the_same() -> None:
    assert sentence(Event("ReleaseRipened", "brie", "1.2", reason="{why}")) == "Release 1.2: release ripened: {why}."
    assert title(Event("ReleaseRipened", "brie", "1.2")) == "brie 1.2: release ripened"
    assert title(Event("ProjectArchived", "brie")) == "brie: project archived"


def test_all_actors_and_hints_have_words() -> None:
    assert set(ACTORS) == set(get_args(ActorClass))
    assert set(HINTS) == set(get_args(Hint))
