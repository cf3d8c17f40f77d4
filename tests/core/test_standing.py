"""Standing: the table of PEP 792, transcribed, over every combination of facts."""

from __future__ import annotations

from itertools import product

import pytest

from affineur.core.standing import REASON_LIMIT, Standing, permits, printable_reason, project_status

# PyPA "Project Status Markers": (status, uploads, downloads)
SPECIFICATION = [
    ("active", True, True),
    ("archived", False, True),
    ("quarantined", False, False),
    ("deprecated", True, True),
]

EVERY_STANDING = [
    Standing(maintenance, "m", advice, "a", safety, "s")
    for maintenance, advice, safety in product(("active", "archived"), ("none", "deprecated"), ("clear", "quarantined"))
]


@pytest.mark.parametrize(("status", "upload", "offer"), SPECIFICATION)
def test_a_status_permits_what_the_specification_says(status: str, upload: bool, offer: bool) -> None:
    alone = {
        "active": Standing(),
        "archived": Standing(maintenance="archived"),
        "quarantined": Standing(safety="quarantined"),
        "deprecated": Standing(advice="deprecated"),
    }[status]
    assert project_status(alone).status == status
    assert (permits(alone).upload, permits(alone).offer) == (upload, offer)


@pytest.mark.parametrize("standing", EVERY_STANDING)
def test_every_combination_permits_only_what_each_fact_permits(standing: Standing) -> None:
    permitted = permits(standing)
    assert permitted.offer == (standing.safety == "clear")
    assert permitted.upload == (standing.safety == "clear" and standing.maintenance == "active")


@pytest.mark.parametrize("standing", EVERY_STANDING)
def test_the_one_status_shown_never_promises_more_than_is_permitted(standing: Standing) -> None:
    shown = project_status(standing)
    upload, offer = {status: (up, down) for status, up, down in SPECIFICATION}[shown.status]
    assert offer == permits(standing).offer
    assert upload == permits(standing).upload


def test_the_strongest_fact_gives_status_and_reason() -> None:
    everything = Standing("archived", "done", "deprecated", "use x", "quarantined", "malware")
    assert project_status(everything).status == "quarantined"
    assert project_status(everything).reason == "malware"


def test_a_reason_is_one_printable_line_of_bounded_length() -> None:
    assert printable_reason("a\nb\x1b[31mred\t c") == "a b [31mred c"
    assert len(printable_reason("x" * 1000)) == REASON_LIMIT
