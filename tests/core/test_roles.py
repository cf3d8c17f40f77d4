"""Roles: what is asked before one is offered, given up or taken away; every boundary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from affineur.core.people import roles
from affineur.core.people.roles import Crew
from affineur.core.permissions import Kind, Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("held", "role", "is_open", "rule"),
    [
        (None, "owner", False, None),
        (None, "maintainer", False, None),
        ("maintainer", "owner", False, None),
        ("maintainer", "maintainer", False, "role.held"),
        ("owner", "owner", False, "role.held"),
        ("owner", "maintainer", False, "role.held"),
        (None, "owner", True, "role.offered"),
    ],
)
def test_a_role_is_offered_to_who_does_not_have_it(
    held: str | None, role: Role, is_open: bool, rule: str | None
) -> None:
    decision = roles.may_offer(held, role, is_open=is_open)
    assert (None if decision.allowed else decision.rule) == rule


@pytest.mark.parametrize(
    ("role", "crew", "may"),
    [
        ("owner", Crew(1, 0), False),
        ("owner", Crew(1, 5), False),
        ("owner", Crew(2, 0), True),
        ("maintainer", Crew(1, 1), True),
        ("maintainer", Crew(0, 1), True),
    ],
)
def test_all_but_the_only_owner_may_go(role: str, crew: Crew, may: bool) -> None:
    decision = roles.may_part(role, crew, "brie")
    assert decision.allowed is may
    if not may:
        assert len(decision.ways_out) == (2 if crew.maintainers else 1)


@pytest.mark.parametrize(
    ("after", "outcome", "may"),
    [
        (timedelta(0), None, True),
        (timedelta(days=13, hours=23, minutes=59), None, True),
        (timedelta(days=14), None, False),
        (timedelta(days=1), "objected", False),
    ],
)
def test_a_proposal_is_answered_within_fourteen_days_and_once(after: timedelta, outcome: str | None, may: bool) -> None:
    due_at = NOW + roles.OBJECTION_LASTS
    assert roles.may_object(due_at, outcome, NOW + after).allowed is may
    assert roles.is_due(due_at, NOW + after) is (after >= timedelta(days=14))


@pytest.mark.parametrize(
    ("after", "answer", "may"),
    [
        (timedelta(days=13, hours=23, minutes=59), None, True),
        (timedelta(days=14), None, False),
        (MINUTE, "refused", False),
        (MINUTE, "withdrawn", False),
    ],
)
def test_an_invitation_is_answered_within_fourteen_days_and_once(
    after: timedelta, answer: str | None, may: bool
) -> None:
    assert roles.still_open(NOW + roles.INVITATION_LASTS, answer, NOW + after).allowed is may


@pytest.mark.parametrize(
    ("proposer", "role", "is_open", "rule"),
    [
        (1, "owner", False, None),
        (None, "maintainer", False, None),
        (1, None, False, "removal.role"),
        (2, "owner", False, "removal.self"),
        (1, "owner", True, "removal.open"),
    ],
)
def test_whose_removal_can_be_proposed(proposer: int | None, role: str | None, is_open: bool, rule: str | None) -> None:
    decision = roles.may_propose(proposer, 2, role, is_open=is_open)
    assert (None if decision.allowed else decision.rule) == rule


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x", True),
        ("x" * 2000, True),
        ("x" * 2001, False),
        ("", False),
        (" \r\n\t", False),
        ("two\r\nlines\tof text", True),
        ("grüße 🧀", True),
        ("می\u200cروم, 👩\u200d🍳", True),
        ("bell\x07", False),
        ("\x1b[31mred", False),
        ("\u202egnp", False),
        ("nul\x00", False),
    ],
)
def test_words_of_people_are_plain_text_of_a_reasonable_length(text: str, fits: bool) -> None:
    assert roles.fit_text(text, roles.LONGEST_MESSAGE, "The message").allowed is fits


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (None, "never"),
        (timedelta(0), "this month"),
        (timedelta(days=31) - MINUTE, "this month"),
        (timedelta(days=31), "this year"),
        (timedelta(days=366) - MINUTE, "this year"),
        (timedelta(days=366), "longer ago"),
    ],
)
def test_when_somebody_was_there_is_told_roughly(ago: timedelta | None, said: str) -> None:
    assert roles.signed_in(None if ago is None else NOW - ago, NOW) == said


def test_a_machine_is_no_owner_and_a_message_has_a_known_topic() -> None:
    assert not roles.fits_kind("automation", "owner").allowed
    assert roles.fits_kind("automation", "maintainer").allowed
    assert roles.fits_kind("person", "owner").allowed
    assert roles.fit_topic("release").allowed
    assert not roles.fit_topic("Buy now").allowed


@pytest.mark.parametrize(("kind", "rule"), [("person", "account.sole-owner"), ("automation", "machine.only-owner")])
def test_an_account_ends_only_where_no_project_is_left_without_an_owner(kind: Kind, rule: str) -> None:
    assert roles.may_end("ann", kind, []).allowed
    refused = roles.may_end("ann", kind, [f"p{number}" for number in range(12)])
    assert (refused.allowed, refused.rule) == (False, rule)
    assert "'p9' and 2 more" in refused.reason
