"""The changelog in the words that old mirrors know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from affineur.core.history.changelog import action, change
from affineur.core.history.chronicle_words import EVENTS
from affineur.core.history.journal import GENESIS, Event, chain


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("ProjectCreated", "brie"), "create"),
        (Event("ReleaseCreated", "brie", "1.0"), "new release"),
        (Event("FilePublished", "brie", "1.0", "brie-1.0.tar.gz"), "add source file brie-1.0.tar.gz"),
        (Event("FilePublished", "brie", "1.0", "brie-1.0-py3-none-any.whl"), "add py3 file brie-1.0-py3-none-any.whl"),
        (Event("FilePublished", "brie", "1.0", "brie-1.0-2-cp39.cp310-abi3-any.whl"),
         "add cp39.cp310 file brie-1.0-2-cp39.cp310-abi3-any.whl"),
        (Event("FileYanked", "brie", "1.0", "brie-1.0.tar.gz"), "yank release"),
        (Event("FileUnyanked", "brie", "1.0", "brie-1.0.tar.gz"), "unyank release"),
        (Event("FileRemoved", "brie", "1.0", "brie-1.0.tar.gz"), "remove file brie-1.0.tar.gz"),
        (Event("ProjectQuarantined", "brie"), "project quarantined"),
        (Event("ProjectCleared", "brie"), "project quarantine cleared"),
        (Event("ReleaseQuarantined", "brie", "1.0"), "release quarantined"),
        (Event("ReleaseCleared", "brie", "1.0"), "release quarantine cleared"),
        (Event("ProjectRemoved", "brie"), "remove project"),
        (Event("ProjectArchived", "brie"), "project archived"),
        (Event("RoleGranted", "brie", new={"role": "owner"}), "role granted"),
    ],
)  # fmt: skip
def test_events_have_the_texts_that_mirrors_know(event: Event, text: str) -> None:
    assert action(event) == text


def test_only_what_is_gone_for_good_is_called_removed() -> None:
    removing = {name for name in EVENTS if action(Event(name, "brie", "1.0", "brie-1.0.tar.gz")).startswith("remove")}
    assert removing == {level + what for level in ("File", "Release", "Project") for what in ("Removed", "Condemned")}


def test_a_change_has_project_version_moment_action_and_serial() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert change(chain(7, at, Event("ProjectCreated", "brie"), GENESIS)) == ("brie", None, 1767225600, "create", 7)


def test_every_event_has_a_text_of_plain_characters() -> None:
    for name in EVENTS:
        assert action(Event(name, "brie")).isprintable()
