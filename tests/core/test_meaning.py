"""What states mean: every fact is told, none contradicts another, and every word has a sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from affineur.core.life import meaning
from affineur.core.life.lifecycle import HOLD_CODES, YANK_CODES
from affineur.core.life.meaning import Kind
from affineur.core.life.standing import PERMITS, Hold, Replacement, Standing, permits, statuses

NOW = datetime(2026, 1, 2, tzinfo=UTC)
KINDS = get_args(Kind)
STATES: list[tuple[dict[str, Any], str]] = [
    ({"maintenance": "archived"}, "archived"),
    ({"maintenance": "finished"}, "finished"),
    ({"advice": "deprecated"}, "deprecated"),
    ({"custody": "orphaned"}, "orphaned"),
    ({"custody": "unreachable"}, "unreachable"),
    ({"custody": "custodial"}, "custodial"),
    ({"availability": "withdrawing"}, "withdrawing"),
    ({"availability": "withdrawn"}, "withdrawn"),
    ({"availability": "removed"}, "removed"),
    ({"holds": (Hold("quarantined"),)}, "quarantined"),
    ({"holds": (Hold("condemned"),)}, "condemned"),
    ({"holds": (Hold("withheld"),)}, "withheld"),
]


def test_an_ordinary_project_has_no_fact_to_tell() -> None:
    assert meaning.facts(Standing()) == ()


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_each_state_alone_is_one_fact_of_its_own_name(state: dict[str, Any], kind: str) -> None:
    (fact,) = meaning.facts(Standing(**state))
    assert (fact.kind, fact.level) == (kind, "project")


def test_every_value_that_the_table_of_permissions_knows_is_ordinary_or_has_its_fact() -> None:
    ordinary = {"active", "none", "owned", "available", "open", "closed"}
    values = {value for name, table in PERMITS.items() if name != "hold" for value in table} | set(PERMITS["hold"])
    assert values - ordinary == {kind for _, kind in STATES}
    assert set(KINDS) == {kind for _, kind in STATES} | {"yanked"}


@pytest.mark.parametrize(("state", "kind"), STATES)
def test_what_is_said_of_installing_and_uploading_is_what_the_state_permits(state: dict[str, Any], kind: Kind) -> None:
    said, may = meaning.MEANINGS[kind], permits(Standing(**state))
    assert said.newest.startswith("Fails") == (not may.offer or kind == "withdrawn")
    assert said.locked.startswith("Fails") == (not may.offer)
    assert said.uploading.startswith("Refused") == (not may.upload)
    assert (meaning.TONES[kind] == "alarm") == (not may.offer)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence_a_definition_and_a_tone(kind: Kind) -> None:
    assert meaning.MEANINGS[kind].installing.endswith(".")
    assert meaning.WORDS[kind].endswith(".")
    assert kind in meaning.TONES


@pytest.mark.parametrize("code", sorted({*HOLD_CODES, *YANK_CODES}))
def test_every_reason_code_reads_as_words(code: str) -> None:
    assert " " in meaning.CODES[code] or meaning.CODES[code] == code == "spam"


def test_all_facts_are_told_the_strongest_first_and_each_with_its_own_reason() -> None:
    instead = (Replacement("comte", ">=1"),)
    standing = Standing(
        maintenance="archived", maintenance_reason="No milk.", maintenance_since=NOW, advice="deprecated",
        advice_reason="Soft.", replacements=instead, custody="orphaned", holds=(Hold("withheld", code="legal"),),
    )  # fmt: skip
    told = meaning.facts(standing)
    assert [fact.kind for fact in told] == ["withheld", "orphaned", "archived", "deprecated"]
    assert [fact.kind for fact in told] == statuses(standing), "as programs are told"
    assert [fact.why for fact in told] == ["a matter of law", None, "No milk.", "Soft."]
    assert (told[2].since, told[3].instead) == (NOW, instead)


def test_what_still_installs_elsewhere_is_not_said_to_while_nothing_is_on_offer() -> None:
    held, archived = meaning.facts(Standing(maintenance="archived", holds=(Hold("quarantined"),)))
    assert "cannot be installed" in held.installing
    assert "still installs" not in archived.installing
    (alone,) = meaning.facts(Standing(maintenance="archived"))
    assert "still installs" in alone.installing


def test_holds_are_told_at_the_release_or_file_that_they_are_on_and_nowhere_else() -> None:
    holds = (Hold("quarantined", version="2.0"), Hold("withheld", version="1.0", filename="a.whl", code="secret"))
    standing = Standing(holds=holds)
    assert meaning.facts(standing) == ()
    assert [fact.kind for fact in meaning.facts_of_release(standing, "2.0")] == ["quarantined"]
    assert meaning.facts_of_release(standing, "1.0") == ()
    (file,) = meaning.facts_of_file(standing, "1.0", "a.whl")
    assert (file.kind, file.why, "Other files" in file.installing) == ("withheld", "it has a secret in it", True)
    assert meaning.facts_of_file(standing, "1.0", "b.whl") == ()
    assert [meaning.held_files(standing, version) for version in ("1.0", "2.0")] == [1, 0]


def test_only_what_was_decided_here_is_objected_to_here() -> None:
    holds = (Hold("quarantined", "upstream"), Hold("withheld"))
    upstream, ours, archived = meaning.facts(Standing(maintenance="archived", holds=holds))
    assert [upstream.can_appeal, ours.can_appeal, archived.can_appeal] == [False, True, False]
    assert [fact.decided_by for fact in (upstream, ours, archived)] == ["upstream", "moderators", "owners"]
