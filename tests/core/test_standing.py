"""Standing: the table of PEP 792, transcribed, over every combination of facts."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from affineur.core.life.standing import (
    PERMITS,
    REASON_LIMIT,
    STATUS_PERMITS,
    Hold,
    Replacement,
    Standing,
    coded,
    offers,
    permits,
    permits_release,
    printable_reason,
    project_status,
    statuses,
    uncoded,
)

DAY = datetime(2027, 3, 1, tzinfo=UTC)

# PyPA "Project Status Markers": status -> (uploads, downloads)
SPECIFICATION = {
    "active": (True, True),
    "archived": (False, True),
    "quarantined": (False, False),
    "deprecated": (True, True),
}
HOLDS: list[tuple[Hold, ...]] = [
    (),
    (Hold("quarantined"),),
    (Hold("condemned"),),
    (Hold("withheld", code="legal"),),
    (Hold("quarantined", "upstream"),),
    (Hold("quarantined"), Hold("quarantined", "upstream")),
    (Hold("withheld"), Hold("condemned")),
    (Hold("quarantined", version="1.0"), Hold("withheld", version="2.0", filename="x-2.0.tar.gz")),
]
EVERY_STANDING = [
    Standing(maintenance, "m", None, advice, "a", None, custody=custody, availability=availability, holds=holds)
    for maintenance, advice, custody, availability, holds in product(
        ("active", "finished", "archived"),
        ("none", "deprecated"),
        ("owned", "unreachable", "orphaned", "custodial"),
        ("available", "withdrawing", "withdrawn", "removed"),
        HOLDS,
    )
]
ALONE = {
    "active": Standing(),
    "archived": Standing(maintenance="archived"),
    "quarantined": Standing(holds=(Hold("quarantined"),)),
    "deprecated": Standing(advice="deprecated"),
}


@pytest.mark.parametrize(("status", "allowed"), SPECIFICATION.items())
def test_a_status_permits_what_the_specification_says(status: str, allowed: tuple[bool, bool]) -> None:
    alone = ALONE[status]
    assert project_status(alone).status == status
    assert (permits(alone).upload, permits(alone).offer) == allowed
    assert STATUS_PERMITS[project_status(alone).status] == permits(alone)


def test_every_combination_permits_only_what_each_fact_permits() -> None:
    for standing in EVERY_STANDING:
        whole = [hold for hold in standing.holds if hold.level == "project"]
        permitted = permits(standing)
        assert permitted.offer == (not whole and standing.availability != "removed"), standing
        assert permitted.upload == (
            permitted.offer
            and standing.maintenance != "archived"
            and standing.custody in ("owned", "custodial")
            and standing.availability in ("available", "withdrawing")
        ), standing


def test_the_one_status_shown_never_promises_more_than_is_permitted() -> None:
    for standing in EVERY_STANDING:
        shown = project_status(standing)
        upload, offer = SPECIFICATION[shown.status]
        permitted = permits(standing)
        if shown.status == "archived" and not permitted.offer:
            # What is removed or withheld whole is archived with an empty list: nothing exists to be offered.
            assert standing.availability == "removed" or standing.withheld
        else:
            assert offer == permitted.offer, standing
        if standing.custody != "unreachable":  # told in the extension only; uploads wait for a word of the owner
            assert upload == permitted.upload, standing


def test_one_status_comes_out_and_the_others_are_told_beside_it() -> None:
    everything = Standing(
        "archived", "done", None, "deprecated", "old", None, (Replacement("feta", ">=2"),), custody="orphaned",
        holds=(Hold("quarantined", reason="Odd code", case="2026-0007"),),
    )  # fmt: skip
    assert project_status(everything).status == "quarantined"
    assert project_status(everything).reason == "[quarantined] Odd code (case 2026-0007)"
    assert statuses(everything) == ["quarantined", "orphaned", "archived", "deprecated"]
    assert statuses(Standing()) == ["active"]


@pytest.mark.parametrize(
    ("standing", "status", "reason"),
    [
        (Standing(), "active", None),
        (Standing(maintenance="finished"), "active", None),
        (Standing(wish="help", impact="C4"), "active", None),
        (Standing(custody="unreachable"), "active", None),
        (Standing(maintenance="archived", maintenance_reason="Moved on"), "archived", "[archived] Moved on"),
        (Standing(maintenance="archived"), "archived", "[archived] No more releases are planned"),
        (
            Standing(advice="deprecated", advice_reason="unmaintained", replacements=(Replacement("feta", ">=2"),)),
            "deprecated",
            "[deprecated] use feta>=2: unmaintained",
        ),
        (Standing(availability="withdrawing", withdraws_at=DAY, replacements=(Replacement("feta"),)), "deprecated",
         "[withdrawal-on 2027-03-01] use feta"),
        (Standing(holds=(Hold("condemned", code="malware", reason="Steals keys", case="2026-0001"),)), "quarantined",
         "[malware] Steals keys (case 2026-0001)"),
        (Standing(holds=(Hold("withheld", code="legal"),)), "archived", "[removed-legal] Its files are not on offer"),
    ],
)  # fmt: skip
def test_a_status_comes_with_its_code_and_a_text(standing: Standing, status: str, reason: str | None) -> None:
    shown = project_status(standing)
    assert (shown.status, shown.reason) == (status, reason)


def test_a_hold_below_the_project_takes_its_own_files_off_offer_and_no_others() -> None:
    standing = Standing(holds=(Hold("quarantined", version="1.0"), Hold("withheld", version="2.0", filename="b")))
    assert project_status(standing).status == "active"
    assert not offers(standing, "1.0", "a")
    assert offers(standing, "2.0", "a")
    assert not offers(standing, "2.0", "b")
    assert not permits_release(standing, "1.0").upload
    assert permits_release(standing, "2.0").upload
    assert not permits_release(standing, "2.0", "closed").upload
    assert permits_release(standing, "2.0", "closed").offer


def test_holds_of_both_origins_are_lifted_one_by_one() -> None:
    both = Standing(holds=(Hold("quarantined"), Hold("quarantined", "upstream")))
    theirs = Standing(holds=both.holds[1:])
    assert not permits(both).offer
    assert not permits(theirs).offer
    assert permits(Standing(holds=())).offer


def test_the_table_says_something_of_every_value() -> None:
    assert {dimension: set(values) for dimension, values in PERMITS.items()} == {
        "maintenance": {"active", "finished", "archived"},
        "advice": {"none", "deprecated"},
        "custody": {"owned", "unreachable", "orphaned", "custodial"},
        "hold": {"quarantined", "condemned", "withheld"},
        "availability": {"available", "withdrawing", "withdrawn", "removed"},
        "window": {"open", "closed"},
    }


def test_a_reason_is_one_printable_line_of_bounded_length() -> None:
    assert printable_reason("a\nb\x1b[31mred\t c") == "a b [31mred c"
    assert len(printable_reason("x" * 1000)) == REASON_LIMIT
    assert len(coded("archived", "x" * 1000)) == REASON_LIMIT


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("[archived] Done", "Done"),
        ("Done", "Done"),
        ("[withdrawal-on 2027-03-01] x", "x"),
        ("[odd] ", None),
        (None, None),
    ],
)
def test_the_code_of_another_index_is_not_repeated(given: str | None, text: str | None) -> None:
    assert uncoded(given) == text
