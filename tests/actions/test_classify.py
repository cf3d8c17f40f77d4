"""Classes of impact, from downloads and requirements to rows, journal, pages and letters; and those who cheat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from tests.actions.bench_of_moderators import account, entries, page, sent, standing
from tests.indexes import START, catch_up, new_index, publish
from tests.shell.lake.downloaded import Download, written

from affineur.actions import classify
from affineur.actions.grant import set_role
from affineur.actions.status import set_status
from affineur.actions.tell_classes import tell_classes
from affineur.core.access import SYSTEM
from affineur.core.decision import Refused
from affineur.core.downloads.figures import Window
from affineur.core.impact import basis as bases
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections.check import rows
from affineur.shell.impact.evidence import beside, explained, history
from affineur.shell.index import Index
from affineur.shell.progress import tell_nobody
from affineur.shell.store import impact
from affineur.shell.store.schema import outbox

TODAY = date(2026, 3, 1)
"""A Sunday: letters wait for Monday."""
NOW = datetime.combine(TODAY, time(3), UTC)
LAST = TODAY - timedelta(days=1)
WINDOW = Window.until(LAST, 7)
BEFORE = Window.until(WINDOW.first - timedelta(days=1), 7)
OLD, YOUNG = 1, 50 * 24 * 60
"""Minutes after the start: two months ago, and nine days ago."""
TERMS = {
    "impact_window_days": 7,
    "impact_floor": 100,
    "impact_percent": 7.0,
    "network_cap": 5,
}
CRITICAL = NormalizedName("brie")


def installs(project: str, window: Window, networks: int, each: int, kind: str = "installer") -> Iterator[Download]:
    """So many downloads a day from each of so many networks."""
    for number in range(window.days):
        at = datetime.combine(window.first + timedelta(days=number), time(12), UTC)
        for network in range(networks):
            made = Download(at, project, "1.0", kind, "pip/24.0", "pip", "3.12.1", "Linux", "CH", None, network)
            yield from [made] * each


def in_use(project: str) -> Iterator[Download]:
    """A little more than a hundred installs ever."""
    return installs(project, Window(LAST, LAST), 21, 5)


def events() -> Iterator[Download]:
    yield from installs("brie", BEFORE, 20, 5)
    yield from installs("brie", WINDOW, 20, 5)
    for number in range(30):
        yield from installs(f"plain-{number}", WINDOW, 1, 1)
    yield from installs("loud", WINDOW, 1, 1500)
    yield from installs("unheard-of", WINDOW, 50, 5, "unknown")
    yield from installs("crawled", WINDOW, 50, 5, "mirror")
    yield from installs("burst", Window(LAST, LAST), 200, 5)
    yield from installs("leapt", WINDOW, 30, 5)
    for number in range(12):
        for group in ("honest", "circle", "young"):
            yield from in_use(f"{group}-{number}")
    yield from in_use("everything")


def fill(index: Index) -> None:
    """Honest projects, and those that somebody would like to be taken for more than they are."""
    others = ["brie", "loud", "unheard-of", "crawled", "burst", "leapt", "feta", "own", "fresh", "victim"]
    for name in (*others, *(f"plain-{number}" for number in range(30))):
        publish(index, name, minutes=OLD)
    for number in range(12):
        publish(index, f"honest-{number}", minutes=OLD, requires=["feta"])
        publish(index, f"circle-{number}", minutes=OLD, requires=["own"])
        publish(index, f"young-{number}", minutes=YOUNG, requires=["fresh"])
    publish(index, "everything", minutes=OLD, requires=["victim", *(f"some-{number}" for number in range(500))])
    for name in ("ann", "mallory"):
        account(index, name)
    set_role(index, console(START), CRITICAL, "ann", "owner")
    for name in ("own", *(f"circle-{number}" for number in range(12))):
        set_role(index, console(START), NormalizedName(name), "mallory", "owner")
    catch_up(index)


def collect(index: Index, made: Iterator[Download], name: str = "first") -> None:
    """Take downloads in, and roll them up as of `TODAY`."""
    path = index.settings.data / f"{name}.parquet"
    index.lake.append(name, written(made, path))
    index.lake.roll_up(TODAY)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index after its first run."""
    index = new_index(tmp_path_factory.mktemp("measured"), **TERMS)
    fill(index)
    collect(index, events())
    run = classify.run(index, lambda: NOW)
    assert run.state == "applied" and run.projects == 77
    yield index
    index.close()


def impact_of(index: Index, name: str) -> str | None:
    found: str | None = standing(index, NormalizedName(name)).impact
    return found


# --- those who cheat


@pytest.mark.parametrize(
    ("project", "expected", "why"),
    [
        ("brie", "C4", "twenty networks, every day of two windows"),
        ("plain-3", "C0", "hardly used"),
        ("loud", "C0", "one network with ten thousand downloads counts a few times a day"),
        ("unheard-of", "C0", "programs that nobody knows do not count, however many"),
        ("crawled", "C0", "mirrors do not count"),
        ("burst", "C2", "the median of the days knows nothing of one loud day"),
        ("leapt", "C2", "what grew from nothing to the top waits for somebody to look"),
        ("feta", "C3", "twelve projects of others, old enough and in use, require it"),
        ("own", "C0", "a circle of one's own projects are no outside dependents"),
        ("fresh", "C0", "projects made for it a few days ago are no outside dependents"),
        ("victim", "C0", "a project that requires everything is no dependent"),
    ],
)
def test_a_class_is_not_for_sale(measured: Index, project: str, expected: str, why: str) -> None:
    assert impact_of(measured, project) == expected, why


def test_a_leap_is_listed_for_an_operator_and_accepted_by_hand_it_stays(measured: Index) -> None:
    with measured.store.read() as connection:
        run = impact.newest(connection)
    assert run is not None and [jump.project for jump in run.jumps] == ["leapt"]
    told = explained(measured, NormalizedName("leapt")).explanation
    assert told.waits is not None and told.waits.rule == "impact.jump" and told.verdict.measured == "C4"


# --- what a run writes


def test_a_run_writes_rows_journal_and_pages_and_all_agree(measured: Index) -> None:
    assert not list(rows.check(measured, tell_nobody))
    told = [event for event in entries(measured) if event.event == "ProjectReclassified" and event.project == "brie"]
    assert [(event.new["impact"], event.actor_class, event.rule) for event in told] == [
        ("C4", "system", "lifecycle.reclassify")
    ]
    assert page(measured)["_index"]["impact"] == {
        "class": "C4", "since": "2026-03-01T03:00:00Z", "basis": "downloads-7d",
    }  # fmt: skip


def test_owners_of_a_critical_project_get_one_letter_in_working_hours_with_all_that_it_must_say(
    measured: Index,
) -> None:
    assert sent(measured, "impact-critical") == ["ann"]
    with measured.store.read() as connection:
        (row,) = connection.execute(outbox.select().where(outbox.c.template == "impact-critical"))
    assert row.due_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    told = json.loads(row.values)
    assert told["reasons"][0].startswith("Steady installs: 700 (limit ") and "installers only" in told["reasons"][0]
    assert told["reasons"][1:] == [
        "All downloads in these days: 700; by installers, before networks are capped: 700."
    ], "what makes it less than critical is no news"
    assert told["installers"] == ["pip: 700"]
    assert all(each.startswith("From 2026-03-31 on: ") for each in told["delays"]) and len(told["delays"]) == 2
    assert told["protects"] and told["unchanged"] and told["exits"] and told["beside"] is None


def test_an_explanation_is_that_of_the_run_and_of_none_before(measured: Index) -> None:
    told = explained(measured, CRITICAL, NOW).explanation
    assert told.decisive is not None and (told.decisive.value, told.decisive.rank) == (700, 2), "leapt has more"
    assert told.decisive.window == "2026-02-22 to 2026-02-28"
    with pytest.raises(Refused, match="was not measured on 2026-02-28"):
        explained(measured, CRITICAL, NOW - timedelta(days=1))
    (past,) = history(measured, CRITICAL)
    assert past.explanation.impact == "C4"
    assert beside(measured, NormalizedName("feta"), past.run).chains[0][-1] == "feta"
    shown = beside(measured, NormalizedName("crawled"), past.run)
    assert (shown.downloads, shown.installs) == (1750, 0), "what was left out is told, too"


def test_a_run_is_repeated_from_what_it_recorded_and_comes_to_the_same(measured: Index) -> None:
    assert classify.repeat(measured, 1).same
    with pytest.raises(Refused, match="There is no run 99"):
        classify.repeat(measured, 99)


def test_the_next_run_over_the_same_numbers_writes_nothing_and_a_dry_one_never_does(measured: Index) -> None:
    before = len(entries(measured))
    assert classify.run(measured, lambda: NOW + timedelta(days=1), dry=True).state == "dry"
    again = classify.run(measured, lambda: NOW + timedelta(days=1))
    assert (len(entries(measured)), again.state, again.counts["C4"]) == (before, "applied", 1)
    assert sent(measured, "impact-critical") == ["ann"]


# --- over time, and by hand


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """An index with four projects that are not measured yet."""
    database = request.getfixturevalue("postgresql_url") if getattr(request, "param", "") == "postgresql" else ""
    index = new_index(tmp_path, **TERMS, database=database)
    for name in ("brie", "comte", "feta", "gouda"):
        publish(index, name)
    collect(index, installs("brie", Window(BEFORE.first - timedelta(days=30), LAST), 2, 2), "small")
    yield index
    index.close()


@pytest.mark.parametrize("small", ["sqlite", "postgresql"], indirect=True)
def test_a_run_that_was_killed_goes_on_where_it_was(small: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "CHUNK", 1)
    monkeypatch.setattr(classify, "CHORE_STEP", 1)
    assert classify.classify_monthly(small, NOW) == 1
    with small.store.read() as connection:
        run = impact.newest(connection)
    assert run is not None and (run.state, run.applied) == ("applying", "brie")
    assert impact_of(small, "brie") == "C1" and impact_of(small, "comte") is None
    set_status(small, SYSTEM, "reclassify", NormalizedName("feta"), NOW, Said(value="C3"))
    done = [classify.classify_monthly(small, NOW + timedelta(minutes=n)) for n in (1, 2, 3, 4, 5)]
    assert done == [1, 1, 1, 0, 0]
    assert [impact_of(small, name) for name in ("comte", "feta", "gouda")] == ["C0", "C3", "C0"], "a hand counts more"
    assert classify.classify_monthly(small, NOW + timedelta(days=20)) == 0, "once a month"
    assert not list(rows.check(small, tell_nobody))


def test_what_was_said_by_hand_stays_until_it_is_left_to_a_run(small: Index) -> None:
    comte = NormalizedName("comte")
    set_status(small, SYSTEM, "reclassify", comte, NOW, Said(value="C4"))
    assert standing(small, comte).impact_basis == bases.BY_HAND
    classify.run(small, lambda: NOW)
    assert impact_of(small, "comte") == "C4"
    set_status(small, SYSTEM, "reclassify", comte, NOW, Said(value="C4", basis=bases.TO_MEASURE))
    classify.run(small, lambda: NOW)
    told = explained(small, comte).explanation
    assert told.waits is not None and told.waits.rule == "impact.decay", "from then on it decays like any other"


def test_where_the_facts_of_a_run_are_gone_it_is_said_and_the_next_run_goes_on(small: Index) -> None:
    made = classify.run(small, lambda: NOW)
    (small.settings.lake / made.facts).unlink()
    for asked in (lambda: explained(small, CRITICAL), lambda: classify.repeat(small, made.id)):
        with pytest.raises(Refused, match="not on this machine any more"):
            asked()
    with small.store.write() as connection:
        impact.note_applied(connection, made.id, "", whole=False)
    assert classify.classify_monthly(small, NOW) == 0
    assert classify.run(small, lambda: NOW).state == "applied"
    assert explained(small, CRITICAL).explanation.impact == "C1"


def test_where_classes_are_not_public_nothing_that_everybody_reads_tells_them(tmp_path: Path) -> None:
    index = new_index(tmp_path, **TERMS, impact_public=False)
    publish(index, "brie")
    collect(index, installs("brie", WINDOW, 5, 5), "hidden")
    classify.run(index, lambda: NOW)
    set_status(index, SYSTEM, "reclassify", CRITICAL, NOW, Said(value="C2"))
    assert impact_of(index, "brie") == "C2"
    assert "impact" not in page(index)["_index"]
    assert all(event.event != "ProjectReclassified" for event in entries(index))
    assert not list(rows.check(index, tell_nobody))
    shown = replace(index, settings=replace(index.settings, impact_public=True))
    assert (tell_classes(shown, NOW), tell_classes(shown, NOW)) == (1, 0)
    assert page(index)["_index"]["impact"]["class"] == "C2"
    assert not list(rows.check(shown, tell_nobody))
    index.close()


def test_without_statistics_nothing_is_judged(tmp_path: Path) -> None:
    index = new_index(tmp_path)
    with pytest.raises(Refused) as caught:
        classify.run(index, lambda: NOW)
    assert caught.value.decision.rule == "impact.statistics"
    assert classify.classify_monthly(index, NOW) == 0
    index.close()
