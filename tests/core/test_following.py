"""What may be believed of another index: a table of lies, the order of effects, and pages weighed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affineur.core.decision import Refused
from affineur.core.history.following import Answer, Position, Stop, hear, plan, weigh
from affineur.core.history.journal import GENESIS, Entry, Event, Hint, chain
from affineur.core.life.standing import ProjectStatus
from affineur.core.names import NormalizedName
from affineur.core.views.simple import FileLink, ProjectPage

AT = datetime(2026, 1, 2, tzinfo=UTC)
ORIGIN = "urn:uuid:00000000-0000-8000-8000-000000000001"


def chained(*events: Event, after: Position | None = None) -> list[Entry]:
    """Entries that continue ``after``."""
    known = after or Position()
    entries = []
    for event in events:
        entry = chain(known.serial + 1, AT, event, known.hash)
        entries.append(entry)
        known = Position(entry.serial, entry.hash)
    return entries


def event(project: str = "brie", hint: Hint = "refresh", version: str | None = None, **more: str) -> Event:
    return Event("ProjectArchived", project, version, hint=hint, **more)  # type: ignore[arg-type]


FIVE = chained(*(event(name) for name in ("a", "b", "c", "d", "e")))
THIRD = Position(3, FIVE[2].hash)


def test_what_continues_the_known_journal_is_believed() -> None:
    answer = Answer(ORIGIN, FIVE, Position(5, FIVE[4].hash))
    assert hear(Position(), None, answer).entries == tuple(FIVE)
    assert hear(THIRD, ORIGIN, Answer(ORIGIN, FIVE[3:])).refusal is None
    assert hear(THIRD, ORIGIN, Answer(ORIGIN, (), Position(9, "f" * 64))).refusal is None  # more has come meanwhile


OTHER = chained(event("x"), event("y"), event("z"), event("w"))
LIES = {
    "an entry is left out": ("follow.skipped", Answer(ORIGIN, FIVE[4:])),
    "an entry comes twice": ("follow.skipped", Answer(ORIGIN, FIVE[2:])),
    "order is changed": ("follow.skipped", Answer(ORIGIN, [FIVE[4], FIVE[3]])),
    "history is another": ("follow.rewritten", Answer(ORIGIN, OTHER[3:])),
    "contents are changed": ("follow.altered", Answer(ORIGIN, [replace(FIVE[3], event=event("harmless"))])),
    "the end is before the known": ("follow.rolled-back", Answer(ORIGIN, (), Position(2, FIVE[1].hash))),
    "the journal is gone": ("follow.rolled-back", Answer(ORIGIN, (), Position(0, GENESIS))),
    "the end is another": ("follow.rewritten", Answer(ORIGIN, (), Position(3, OTHER[2].hash))),
    "it is another index": ("follow.origin", Answer("urn:uuid:other", FIVE[3:])),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_by_its_rule(lie: str) -> None:
    rule, answer = LIES[lie]
    heard = hear(THIRD, ORIGIN, answer)
    assert heard.entries == ()
    assert heard.refusal is not None
    assert heard.refusal.rule == rule


def test_entries_before_a_lie_are_believed() -> None:
    heard = hear(THIRD, ORIGIN, Answer(ORIGIN, [FIVE[3], replace(FIVE[4], event=event("harmless"))]))
    assert heard.entries == (FIVE[3],)
    assert heard.refusal is not None


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.data())
def test_no_removal_swap_or_edit_within_an_answer_goes_unseen(names: list[str], data: st.DataObject) -> None:
    entries = chained(*(event(name) for name in names))
    place = data.draw(st.integers(0, len(entries) - 1))
    forged = list(entries)
    match data.draw(st.sampled_from(["remove", "edit", "swap"])):
        case "remove":
            del forged[place]
        case "edit":
            forged[place] = replace(forged[place], event=event("z"))
        case "swap":
            other = data.draw(st.integers(0, len(entries) - 1).filter(lambda it: it != place) if len(entries) > 1
                              else st.just(place))  # fmt: skip
            forged[place], forged[other] = forged[other], forged[place]
    head = Position(entries[-1].serial, entries[-1].hash)
    heard = hear(Position(), ORIGIN, Answer(ORIGIN, forged, head))
    assert heard.entries == tuple(entries[: len(heard.entries)])
    if heard.refusal is None:  # all that is left is true, and the origin's head says that there is more
        assert forged == entries[: len(forged)]


def test_stop_orders_come_first_and_many_entries_come_to_one_page() -> None:
    entries = chained(
        event("brie"), event("comte", "hide"), event("brie", "purge", "1.0"), event("brie", "restore"), event("feta")
    )
    wanted = plan(entries)
    assert wanted.stops == (Stop("comte", 2), Stop("brie", 3, "1.0"))
    assert wanted.due == {"brie": (1, 4), "comte": (2, 2), "feta": (5, 5)}


@pytest.mark.parametrize(
    ("stop", "held"),
    [
        (Stop("brie", 1), {"1.0/a.whl", "1.0/a.whl.metadata", "1.1/b.whl"}),
        (Stop("brie", 1, "1.0"), {"1.0/a.whl", "1.0/a.whl.metadata"}),
        (Stop("brie", 1, "1.0", "a.whl"), {"1.0/a.whl", "1.0/a.whl.metadata"}),
        (Stop("brie", 1, "1.0", "c.whl"), set()),
    ],
)
def test_a_stop_order_holds_what_it_names(stop: Stop, held: set[str]) -> None:
    assert {path for path in ("1.0/a.whl", "1.0/a.whl.metadata", "1.1/b.whl") if stop.holds(path)} == held


DIGEST = hashlib.sha256(b"").hexdigest()


def page(serial: int) -> ProjectPage:
    file = FileLink("brie-1.0.tar.gz", "1.0", DIGEST, 0, AT)
    return ProjectPage(NormalizedName("brie"), ProjectStatus("active"), (file,), ("1.0",), serial)


@pytest.mark.parametrize(
    ("serial", "stopped_at", "weight"),
    [(5, 0, "good"), (6, 0, "ahead"), (3, 4, "behind"), (4, 4, "good"), (3, 3, "good")],
)
def test_a_page_is_weighed_by_its_serial(serial: int, stopped_at: int, weight: str) -> None:
    published = {"brie-1.0.tar.gz": DIGEST}
    assert weigh(page(serial), stopped_at, Position(5, "f" * 64), published) == weight


@pytest.mark.parametrize("published", [{}, {"brie-1.0.tar.gz": "0" * 64}])
def test_a_page_must_agree_with_the_journal(published: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        weigh(page(5), 0, Position(5, "f" * 64), published)
    assert refused.value.decision.rule == "follow.digest"
