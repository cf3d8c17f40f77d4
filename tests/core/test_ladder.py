"""Notices of the ladder: when they are due, and that they say what `core.access` then enforces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from affineur.core.access import Actor, Resource, may
from affineur.core.decision import Refused
from affineur.core.names import NormalizedName
from affineur.core.people import ladder
from affineur.core.people.enrolment import LONGEST_LABEL, MOST_APPS, MOST_PASSKEYS, label, may_add
from affineur.core.people.second_factor import MANAGEMENT_WAITS, NOTICE_DAYS, PUBLISHING_WAITS, Posture, StepUp
from affineur.core.permissions import ACTIONS, FACTOR_FIRST, Office

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def sent(every: timedelta, until: timedelta = timedelta(days=200)) -> list[tuple[str, int]]:
    """What is sent to somebody who never enrols, when a chore looks ``every`` so often: what pauses, days left."""
    noticed: int | None = None
    found: list[tuple[str, int]] = []
    at = BEGAN
    while at <= BEGAN + until:
        notice = ladder.notice_due(BEGAN, noticed, at)
        if notice is not None:
            noticed = notice.rung
            found.append((notice.pauses, notice.days_left))
        at += every
    return found


def test_ten_notices_go_out_five_before_each_pause() -> None:
    expected = [(pauses, days) for pauses in ("manage", "publish") for days in NOTICE_DAYS]
    assert sent(timedelta(hours=1)) == expected
    assert sent(DAY) == expected


def test_after_an_outage_only_the_newest_notice_is_sent() -> None:
    first = ladder.notice_due(BEGAN, None, BEGAN)
    assert first is not None and first.days_left == 90
    late = ladder.notice_due(BEGAN, first.rung, BEGAN + 84 * DAY)
    assert late is not None and (late.pauses, late.days_left) == ("manage", 6)
    assert ladder.notice_due(BEGAN, late.rung, BEGAN + 84 * DAY + MINUTE) is None
    assert ladder.notice_due(BEGAN, None, BEGAN + PUBLISHING_WAITS) is None, "everything is paused already"


@pytest.mark.parametrize("days", NOTICE_DAYS)
def test_a_notice_is_due_on_its_day_and_not_a_minute_before(days: int) -> None:
    before = ladder.notice_due(BEGAN, None, BEGAN)
    assert before is not None
    on = BEGAN + MANAGEMENT_WAITS - days * DAY
    if days == 90:
        return
    previous = NOTICE_DAYS[NOTICE_DAYS.index(days) - 1] + 90
    assert ladder.notice_due(BEGAN, previous, on - MINUTE) is None
    notice = ladder.notice_due(BEGAN, previous, on)
    assert notice is not None and (notice.days_left, notice.on) == (days, BEGAN + MANAGEMENT_WAITS)


def test_what_a_letter_says_pauses_is_what_is_refused_and_nothing_else() -> None:
    """Project-life row A8: text and enforcement agree, act by act, for an owner who confirmed a moment ago."""
    brie = NormalizedName("brie")
    for pauses, at in (("manage", BEGAN + MANAGEMENT_WAITS), ("publish", BEGAN + PUBLISHING_WAITS)):
        posture = Posture(required=True, ladder_from=BEGAN, stepped_up=StepUp(at, "password"))
        owner = Actor(1, "ann", posture=posture)
        refused, allowed = set(), set()
        for action, need in ACTIONS.items():
            if action in FACTOR_FIRST or need.on in ("machine", "index"):
                continue
            resource = Resource(brie, role="owner") if need.on == "project" else Resource(account_id=1)
            decision = may(owner, action, resource, at)
            if decision.rule.startswith("factor."):
                refused.add(ladder._said(action))
            elif decision.allowed:
                allowed.add(ladder._said(action))
        paused = set(ladder.paused_by("manage")) | (set(ladder.paused_by("publish")) if pauses == "publish" else set())
        assert refused == paused
        assert allowed == set(ladder.untouched_by(pauses))  # type: ignore[arg-type]


def test_what_needs_a_factor_from_the_first_day_is_told_apart() -> None:
    """Project-life row A8 for those who hold no office, and for each office: what is refused to them today."""
    for office in (None, *get_args(Office)):
        posture = Posture(required=True, stepped_up=StepUp(BEGAN, "password"))
        ann = Actor(1, "ann", office, posture=posture)
        refused = set()
        for action, need in ACTIONS.items():
            mine = Resource(NormalizedName("brie"), role="owner", account_id=1, sponsored=need.on == "machine")
            if may(ann, action, mine, BEGAN).rule == "factor.first":
                refused.add(ladder._said(action))
        assert set(ladder.needed_already(office)) == refused, office


# --- how many factors, and their names


@pytest.mark.parametrize(("kind", "most"), [("passkey", MOST_PASSKEYS), ("totp", MOST_APPS)])
def test_an_account_has_so_many_factors_and_no_more(kind: str, most: int) -> None:
    assert may_add(kind, most - 1).allowed  # type: ignore[arg-type]
    assert may_add(kind, most).rule == "factor.most"  # type: ignore[arg-type]


def test_a_factor_without_a_name_is_given_one_of_its_own() -> None:
    assert label("  ", [], "Passkey") == "Passkey"
    assert label("", ["passkey", "Passkey 2"], "Passkey") == "Passkey 3"
    assert label(" Blue \t key ", ["Red"], "Passkey") == "Blue key"


@pytest.mark.parametrize("typed", ["x" * (LONGEST_LABEL + 1), "a\u202eb", "BLUE"])
def test_a_name_that_is_too_long_hidden_or_taken_is_refused(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        label(typed, ["blue"], "Passkey")
    assert refused.value.decision.rule == "factor.label"
