"""What a class changes: each row of the table is tried a moment before and after, and the letter says the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from affineur.core.impact import basis as bases
from affineur.core.impact import letter
from affineur.core.impact.policy import CLASSES
from affineur.core.impact.protections import NOTICE, PROTECTIONS, UNCHANGED, Act, Protection, applies, of_class
from affineur.core.life import guards, lifecycle
from affineur.core.life.lifecycle import Place, Said
from affineur.core.life.standing import Impact, Replacement, Standing
from affineur.core.moderation import cases, corroboration
from affineur.core.names import NormalizedName
from affineur.core.rules import RULES

SINCE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONG_AGO = SINCE - timedelta(days=900)
MEASURED = bases.downloads(180)
ROWS = [(each, impact) for each in PROTECTIONS.values() for impact in CLASSES]


def facts(
    impact: Impact, now: datetime, *, basis: str = MEASURED, since: datetime = SINCE, **more: object
) -> guards.Facts:
    standing = Standing(
        maintenance="archived", maintenance_since=LONG_AGO, impact=impact, impact_basis=basis, impact_since=since
    )
    return guards.Facts(NormalizedName("brie"), standing, now, by_office=False, account_id=1, **more)  # type: ignore[arg-type]


def enforced(act: Act, impact: Impact, now: datetime, **more: object) -> bool:
    """Whether what enforces it treats the project as one that the class changes this for."""
    if act == "unarchive":
        return not guards.check("unarchive", facts(impact, now, **more), Said()).allowed  # type: ignore[arg-type]
    if act == "withhold":
        said, place = Said(code="secret"), Place("1.0", "brie-1.0.tar.gz")
        return not guards.check("withhold", facts(impact, now, **more), said, place).allowed  # type: ignore[arg-type]
    if act == "automatic-hold":
        return corroboration.is_widely_used(impact, LONG_AGO, now)
    if act == "hold-review":
        widely = corroboration.is_widely_used(impact, LONG_AGO, now)
        return cases.hold_review_due(now, widely_used=widely) == now + cases.HOLD_REVIEW_WIDELY_USED
    if act == "second-review":
        return cases.second_review_due("quarantine", "project", impact, now) is not None
    return not cases.may_take_effect("condemn", impact, 1, None).allowed


@pytest.mark.parametrize(("row", "impact"), ROWS, ids=lambda each: each.act if isinstance(each, Protection) else each)
def test_what_the_letter_says_is_what_is_done_from_the_very_moment_on(row: Protection, impact: Impact) -> None:
    if impact not in row.classes:
        assert not enforced(row.act, impact, SINCE + timedelta(days=999))
        return
    (told,) = [each for each in letter.changes(impact, MEASURED, SINCE, SINCE) if each.protection is row]
    assert told.applies_from == (SINCE + NOTICE if row.kind == "delays" else SINCE)
    assert enforced(row.act, impact, told.applies_from)
    if row.kind == "delays":
        assert not enforced(row.act, impact, told.applies_from - SECOND), "nobody is surprised by it"


def test_the_table_is_whole_and_each_row_names_a_rule_that_is_explained() -> None:
    assert set(PROTECTIONS) == set(get_args(Act))
    assert all(each.rule in RULES for each in PROTECTIONS.values())
    assert of_class("C0") == of_class("C1") == of_class(None) == ()


@pytest.mark.parametrize("act", ["unarchive", "withhold"])
def test_what_an_operator_says_by_hand_delays_at_once_and_what_is_old_already_goes_on(act: Act) -> None:
    assert enforced(act, "C3", SINCE, basis=bases.BY_HAND)
    assert enforced(act, "C4", SINCE, widely_used_since=SINCE - NOTICE), "C3 before: the notice is not given twice"
    assert not enforced(act, "C4", SINCE, widely_used_since=SINCE - NOTICE + SECOND)
    assert applies(act, "C3", MEASURED, None, SINCE), "of unknown date is old"


@pytest.mark.parametrize("impact", CLASSES)
def test_no_class_changes_what_owners_do_to_stop_or_to_publish(impact: Impact) -> None:
    """Each act of `UNCHANGED` that guards and edges decide; what else it names, no rule asks for a class."""
    much_later = SINCE + timedelta(days=999)
    for act in ("archive", "finish", "wish", "yank", "deprecate"):
        said = Said(value="help") if act == "wish" else Said(replacements=()) if act == "deprecate" else Said()
        for standing in (Standing(impact=impact, impact_since=SINCE), Standing()):
            found = guards.Facts(NormalizedName("brie"), standing, much_later, by_office=False, account_id=1)
            assert lifecycle.possible(found.project, standing, act, lifecycle.WHOLE, said).allowed
            assert guards.check(act, found, said).allowed
    assert {"upload", "archive", "wish", "yank", "leave"} == set(UNCHANGED)


def test_every_text_has_its_numbers_from_the_constants_that_decide() -> None:
    texts = {each.act: letter.told(each) for each in PROTECTIONS.values()}
    assert "72 hours" in texts["unarchive"] and "24 hours" in texts["unarchive"]
    assert "4 hours" in texts["hold-review"] and "7 days" in texts["automatic-hold"]
    assert not any("{" in text for text in texts.values())


def test_a_letter_waits_for_working_hours() -> None:
    for now, expected in (
        (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 15, 59, tzinfo=UTC), datetime(2026, 3, 2, 15, 59, tzinfo=UTC)),
        (datetime(2026, 3, 2, 7, 59, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)),
        (datetime(2026, 3, 2, 16, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)),
        (datetime(2026, 3, 6, 16, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC)),
        (datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 3, 9, 8, tzinfo=UTC)),
    ):
        assert letter.working_hours(now) == expected


def test_what_its_owners_have_said_of_it_stands_beside_the_class_and_archiving_ends_all_that_is_asked() -> None:
    archived = Standing(maintenance="archived", advice="deprecated")
    assert "you owe nobody anything" in str(letter.beside(archived))
    assert not any("Archive it" in way for way in letter.exits(archived))
    deprecated = Standing(advice="deprecated", replacements=(Replacement("feta", ">=2"),))
    assert "feta>=2" in str(letter.beside(deprecated)) and "nothing is asked" in str(letter.beside(deprecated))
    assert letter.beside(Standing()) is None
    assert any("Archive it" in way for way in letter.exits(Standing()))


@pytest.mark.parametrize(
    ("basis", "measured"),
    [
        ("downloads-180d", True),
        ("downloads-ever", True),
        ("dependents", True),
        ("to-measure", True),
        ("by-hand", False),
        (None, False),
        ("downloads-0d", False),
        ("downloads-180d!", False),
        ("measured", False),
        ("", False),
    ],
)
def test_a_basis_in_a_coded_word_is_a_runs_and_any_other_an_operators(basis: str | None, measured: bool) -> None:
    assert bases.is_measured(basis) is measured
    assert bases.words(basis) or basis == ""
