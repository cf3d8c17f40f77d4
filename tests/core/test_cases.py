"""Cases: due dates and second moderators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from affineur.core.life.standing import Impact, Level
from affineur.core.moderation.cases import (
    DUE,
    Act,
    hold_review_due,
    may_take_effect,
    needs_second,
    report_due,
    second_review_due,
)
from affineur.core.moderation.reports import KINDS, Kind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLASSES: tuple[Impact | None, ...] = (*get_args(Impact), None)


def test_every_kind_of_report_is_due_some_time() -> None:
    assert DUE.keys() == KINDS.keys() == set(get_args(Kind))


@pytest.mark.parametrize(("kind", "wait"), [("malware", timedelta(hours=24)), ("spam", timedelta(days=7))])
def test_malware_is_looked_at_within_a_day_and_the_rest_within_a_week(kind: Kind, wait: timedelta) -> None:
    assert report_due(kind, NOW) == NOW + wait


@pytest.mark.parametrize(("widely_used", "hours"), [(False, 24), (True, 4)])
def test_an_automatic_hold_is_reviewed_sooner_the_more_it_takes_away(widely_used: bool, hours: int) -> None:
    assert hold_review_due(NOW, widely_used=widely_used) == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("act", get_args(Act))
@pytest.mark.parametrize("level", get_args(Level))
@pytest.mark.parametrize("impact", CLASSES)
def test_only_what_one_moderator_does_to_a_whole_c4_project_is_looked_at_again(
    act: Act, level: Level, impact: Impact | None
) -> None:
    expected = (
        NOW + timedelta(hours=4) if (level, impact) == ("project", "C4") and act in ("quarantine", "clear") else None
    )
    assert second_review_due(act, level, impact, NOW) == expected


@pytest.mark.parametrize("act", get_args(Act))
@pytest.mark.parametrize("impact", CLASSES)
def test_only_to_condemn_what_may_be_used_takes_two(act: Act, impact: Impact | None) -> None:
    two = act == "condemn" and impact in ("C2", "C3", "C4", None)
    assert needs_second(act, impact) is two
    assert may_take_effect(act, impact, 1, None).allowed is not two
    assert may_take_effect(act, impact, 1, 1).allowed is not two
    assert may_take_effect(act, impact, 1, 2).allowed
    assert may_take_effect(act, impact, 1, None).rule == "hold.second-moderator"
