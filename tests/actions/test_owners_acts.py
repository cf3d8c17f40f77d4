"""What owners do with their projects, who is told of it, and what was wrong with that elsewhere.

The tests whose names speak of an index of before are about weaknesses that were found in one that is in use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.actions.publishing import NOW, ROQUEFORT, Dairy
from tests.actions.shelf import NOW as PUBLISHED
from tests.actions.shelf import publish
from tests.services.issuer import Issuer

import affineur
from affineur.actions import publishers, unarchive
from affineur.actions.grant import set_role
from affineur.actions.hold import hold
from affineur.actions.state import signals_of, state_of
from affineur.actions.status import Outcome, foresee, set_status
from affineur.actions.upload import Terms
from affineur.actions.yank import Selection, foresee_yank, set_yanked
from affineur.core.access import SYSTEM, Actor
from affineur.core.decision import Decision, Refused
from affineur.core.life import signals
from affineur.core.life.guards import REGRET, UNARCHIVE_WAITS
from affineur.core.life.lifecycle import NOTHING_SAID, Act, Said
from affineur.core.life.standing import Replacement, Standing
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.core.versions import specified
from affineur.shell.store import journal, projects, tokens

LATER = NOW + timedelta(days=3)
"""Some days after everything was made: no archiving of then can be taken back at once."""


@pytest.fixture
def dairy(tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    made = Dairy(tmp_path / "data", issuer)
    for name in ("ann", "bea", "cid"):
        made.person(name)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path, issuer: Issuer) -> Iterator[Dairy]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    made = Dairy(tmp_path / "data", issuer, database=database)
    for name in ("ann", "bea"):
        made.person(name)
    yield made
    made.close()


def does(
    dairy: Dairy, who: str, act: Act, project: NormalizedName, said: Said = NOTHING_SAID, at: datetime = NOW
) -> Outcome:
    by = dairy.caller(who, at=at)
    return set_status(dairy.index, by.actor, act, project, at, said, by.origin)


def refused(dairy: Dairy, who: str, act: Act, project: NormalizedName, said: Said = NOTHING_SAID) -> Decision:
    with pytest.raises(Refused) as caught:
        does(dairy, who, act, project, said)
    return caught.value.decision


def standing(dairy: Dairy, project: NormalizedName) -> Standing:
    with dairy.index.store.read() as connection:
        found = projects.find(connection, project)
    assert found
    return found.standing


def serial(dairy: Dairy) -> int:
    with dairy.index.store.read() as connection:
        return journal.head(connection)[0]


def widely_used(dairy: Dairy, project: NormalizedName) -> None:
    """Many depend on it, and it was archived long ago."""
    set_status(dairy.index, SYSTEM, "reclassify", project, NOW, Said(value="C3", basis="measured"))
    does(dairy, "ann", "archive", project)


# --- letters


def test_archiving_tells_every_owner_but_whoever_did_it(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea", "cid")
    assert does(dairy, "ann", "archive", brie, Said("no time")).changed
    assert dairy.letters("state-changed") == ["bea@example.org", "cid@example.org"]
    assert not does(dairy, "bea", "archive", brie, Said("no time")).changed
    assert len(dairy.letters("state-changed")) == 2, "what changes nothing tells nobody"


def test_owners_of_a_project_that_strangers_name_are_told_and_again_when_the_advice_changes(both: Dairy) -> None:
    brie = both.own("brie", "ann")
    publish(both.index, "feta", seconds=-100 * 86400)
    feta = NormalizedName("feta")
    set_role(both.index, console(NOW), feta, "bea", "owner")
    does(both, "ann", "deprecate", brie, Said(replacements=(Replacement("feta", ">=2"),)))
    assert both.letters("named-as-replacement") == ["bea@example.org"]
    does(both, "ann", "deprecate", brie, Said("use it", replacements=(Replacement("feta", ">=2"),)))
    assert len(both.letters("named-as-replacement")) == 1, "another reason is no other advice"
    does(both, "ann", "deprecate", brie, Said(replacements=(Replacement("feta", ">=3"),)))
    assert len(both.letters("named-as-replacement")) == 2
    ours = both.own("comte", "ann")
    does(both, "ann", "deprecate", brie, Said(replacements=(Replacement(ours),)))
    assert len(both.letters("named-as-replacement")) == 2, "whoever says it needs no letter"


def test_advice_does_not_lead_to_what_was_made_for_it(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann")
    publish(dairy.index, "fetta", seconds=(NOW - PUBLISHED).total_seconds() - 89 * 86400)
    decision = refused(dairy, "ann", "deprecate", brie, Said(replacements=(Replacement("fetta"),)))
    assert (decision.rule, decision.facts["limit_days"]) == ("lifecycle.replacement-age", 90)


def test_yanking_tells_the_other_owners_once_however_many_files(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea")
    for version in ("1.1", "1.2", "2.0"):
        publish(dairy.index, "brie", version)
    by = dairy.caller("ann")
    fitting = Selection(brie, specifier=specified("<2"))
    assert len(foresee_yank(dairy.index, by.actor, fitting, True, NOW, "bad", "broken")) == 3
    changed = set_yanked(dairy.index, by.actor, fitting, True, NOW, "bad", "broken", by.origin)
    assert len(changed) == 3 and "brie-2.0-py3-none-any.whl" not in changed
    assert dairy.letters("files-yanked") == ["bea@example.org"]
    assert [event["facts"] for event in dairy.logged("FilesYanked")] and serial(dairy)
    assert set_yanked(dairy.index, by.actor, fitting, True, NOW, "bad", "broken") == ()
    ticked = Selection(brie, versions=frozenset({"1.1", "2.0"}))
    assert len(set_yanked(dairy.index, by.actor, ticked, True, NOW)) == 2
    assert len(dairy.letters("files-yanked")) == 2


# --- unarchiving


def test_publishers_of_an_unarchived_project_wait_until_an_owner_confirms_them(both: Dairy) -> None:
    both.own(ROQUEFORT, "ann", "bea")
    added = both.register(ROQUEFORT, "ann")
    under_way = both.exchange(both.token())
    does(both, "ann", "archive", ROQUEFORT)
    does(both, "ann", "unarchive", ROQUEFORT)
    with both.index.store.read() as connection:
        spent = tokens.actor_of(connection, under_way.secret, datetime.now(NOW.tzinfo), factor_required=True)
    assert isinstance(spent, Decision), "a token from before does not outlive the sleep"
    with pytest.raises(Refused) as caught:
        both.exchange(both.token())
    assert caught.value.decision.rule == "publisher.unconfirmed" and "'roquefort'" in caught.value.decision.reason
    assert both.letters("publishers-to-confirm") == ["ann@example.org", "bea@example.org"]
    confirmed = publishers.confirm_publisher(both.index, both.caller("bea"), ROQUEFORT, added.id)
    assert not confirmed.unconfirmed
    assert both.exchange(both.token()).projects == (ROQUEFORT,)
    assert [event["project"] for event in both.logged("PublisherConfirmed")] == [ROQUEFORT]
    publishers.confirm_publisher(both.index, both.caller("bea"), ROQUEFORT, added.id)
    assert len(both.logged("PublisherConfirmed")) == 1


def test_one_owner_of_a_widely_used_project_waits_and_every_owner_is_told(both: Dairy) -> None:
    brie = both.own("brie", "ann", "bea")
    widely_used(both, brie)
    before = serial(both)
    outcome = does(both, "ann", "unarchive", brie, at=LATER)
    assert (outcome.changed, outcome.waits_until) == (False, LATER + UNARCHIVE_WAITS)
    assert both.letters("unarchive-asked") == ["ann@example.org", "bea@example.org"]
    assert serial(both) == before and standing(both, brie).maintenance == "archived", "nothing is seen of it yet"
    again = does(both, "ann", "unarchive", brie, at=LATER + timedelta(hours=1))
    assert again.waits_until == LATER + UNARCHIVE_WAITS and len(both.letters("unarchive-asked")) == 2
    assert unarchive.settle_unarchivings(both.index, LATER + UNARCHIVE_WAITS - timedelta(seconds=1)) == 0
    assert unarchive.settle_unarchivings(both.index, LATER + UNARCHIVE_WAITS) == 1
    assert standing(both, brie).maintenance == "active"
    assert unarchive.settle_unarchivings(both.index, LATER + UNARCHIVE_WAITS) == 0
    with both.index.store.read() as connection:
        *_, last = journal.entries(connection, before)
    assert (last.event.event, last.event.actor_class) == ("ProjectUnarchived", "owner")


def test_another_owner_unarchives_at_once(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea")
    widely_used(dairy, brie)
    does(dairy, "ann", "unarchive", brie, at=LATER)
    assert does(dairy, "bea", "unarchive", brie, at=LATER).changed
    assert unarchive.settle_unarchivings(dairy.index, LATER + UNARCHIVE_WAITS) == 0
    assert len(dairy.letters("unarchive-cancelled")) == 0


def test_any_owner_calls_it_off_and_nobody_else(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea")
    widely_used(dairy, brie)
    does(dairy, "ann", "unarchive", brie, at=LATER)
    with pytest.raises(Refused, match="isn't allowed to change the status"):
        unarchive.call_off_unarchiving(dairy.index, dairy.caller("cid"), brie)
    unarchive.call_off_unarchiving(dairy.index, dairy.caller("bea"), brie)
    assert dairy.letters("unarchive-cancelled") == ["ann@example.org", "bea@example.org"]
    with pytest.raises(Refused, match="nothing to call off"):
        unarchive.call_off_unarchiving(dairy.index, dairy.caller("bea"), brie)
    assert unarchive.settle_unarchivings(dairy.index, LATER + UNARCHIVE_WAITS) == 0
    does(dairy, "ann", "unarchive", brie, at=LATER)
    does(dairy, "bea", "archive", brie, at=LATER)  # said again, it is an answer
    assert unarchive.settle_unarchivings(dairy.index, LATER + UNARCHIVE_WAITS) == 0
    assert standing(dairy, brie).maintenance == "archived"


def test_whoever_is_no_owner_any_more_wakes_nothing(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea")
    widely_used(dairy, brie)
    does(dairy, "ann", "unarchive", brie, at=LATER)
    set_role(dairy.index, console(LATER), brie, "ann", None)
    assert unarchive.settle_unarchivings(dairy.index, LATER + UNARCHIVE_WAITS) == 0
    assert standing(dairy, brie).maintenance == "archived"
    assert dairy.letters("unarchive-cancelled") == ["bea@example.org"]


def test_what_was_archived_by_mistake_is_taken_back_at_once(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann")
    widely_used(dairy, brie)
    assert does(dairy, "ann", "unarchive", brie, at=NOW + REGRET).changed


# --- trying out


def test_what_is_foreseen_is_what_happens_and_nothing_happens_before(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann", "bea")
    before, by = serial(dairy), dairy.caller("ann")
    foreseen = foresee(dairy.index, by.actor, "archive", brie, NOW, Said("no time"))
    assert serial(dairy) == before and dairy.letters("state-changed") == []
    done = does(dairy, "ann", "archive", brie, Said("no time"))
    assert (foreseen.status, foreseen.changed) == (done.status, done.changed)
    with pytest.raises(Refused, match="leads nowhere"):
        foresee(dairy.index, by.actor, "resume", brie, NOW)
    set_status(dairy.index, SYSTEM, "reclassify", brie, NOW, Said(value="C4"))
    later = dairy.caller("ann", at=LATER)
    assert foresee(dairy.index, later.actor, "unarchive", brie, LATER).waits_until == LATER + UNARCHIVE_WAITS
    assert dairy.letters("unarchive-asked") == []


def test_releases_are_open_for_the_days_of_the_setting_and_say_so(both: Dairy) -> None:
    brie = both.own("brie", "ann")
    publish(both.index, "brie", "2.0", seconds=-15 * 86400)
    days = both.index.settings.release_window_days
    found = state_of(both.index, both.caller("ann").actor, brie, PUBLISHED + timedelta(days=1))
    assert [(each.version, each.window, each.files) for each in found.releases] == [
        ("2.0", "closed", 1),
        ("1.0", "open", 1),
    ]
    (closed, _) = found.releases
    assert closed.closes_at == closed.since + timedelta(days=days)
    with pytest.raises(Refused, match="older than 14 days"):
        publish(both.index, "brie", "2.0", tags="py2-none-any", terms=Terms(window=timedelta(days=days)))


# --- signals


def test_signals_are_told_to_owners_and_offices_and_change_nothing(both: Dairy) -> None:
    brie = both.own("brie", "ann")
    set_role(both.index, console(NOW), brie, "bea", "maintainer")
    before, was = serial(both), standing(both, brie)
    much_later = NOW + 2 * signals.DORMANT_AFTER
    found = signals_of(both.index, both.caller("ann", at=much_later).actor, brie, much_later)
    assert [each.kind for each in found] == ["single-owner", "dormant"]
    with pytest.raises(Refused, match="isn't allowed to see the signals"):
        signals_of(both.index, both.caller("bea").actor, brie, NOW)
    with pytest.raises(Refused, match="isn't allowed to see the signals"):
        signals_of(both.index, replace(both.caller("bea").actor, account_id=None), brie, NOW)
    assert (serial(both), standing(both, brie)) == (before, was)
    publish(both.index, "brie", "2.0")  # nothing is inferred: an owner who comes back finds it as it was


@pytest.mark.parametrize(
    ("released_days", "seen_days", "mail", "kinds"),
    [
        (10, None, ["taken", "taken"], []),
        (800, 10, ["taken", "taken"], ["old-release"]),
        (800, 800, ["taken", "taken"], ["dormant"]),
        (730, 800, ["taken", "taken"], []),
        (800, None, ["taken"], ["single-owner", "dormant"]),
        (10, 10, ["refused", "taken"], ["mail-refused"]),
        (10, 10, ["unverified", "unverified"], ["mail-unverified"]),
        (800, None, [], ["no-owner", "dormant"]),
    ],
)
def test_what_is_measured_says_what_to_look_at(
    released_days: int, seen_days: int | None, mail: list[str], kinds: list[str]
) -> None:
    seen = None if seen_days is None else NOW - timedelta(days=seen_days)
    owners = [signals.OwnerFacts(seen, each) for each in mail]  # type: ignore[arg-type]
    facts = signals.Facts(NOW - timedelta(days=900), NOW - timedelta(days=released_days), owners)
    assert [each.kind for each in signals.signals(facts, NOW)] == kinds


# --- what went wrong on an index of before


def uploads_are_refused(dairy: Dairy, by: Actor, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        publish(dairy.index, ROQUEFORT, "9.0", actor=by)
    assert caught.value.decision.rule == rule, caught.value.decision


def by_publisher(dairy: Dairy) -> Actor:
    secret = dairy.exchange(dairy.token()).secret
    with dairy.index.store.read() as connection:
        found = tokens.actor_of(connection, secret, datetime.now(NOW.tzinfo), factor_required=True)
    assert isinstance(found, Actor)
    return found


def test_an_archived_project_that_is_quarantined_and_cleared_is_still_archived_and_takes_no_files(dairy: Dairy) -> None:
    dairy.own(ROQUEFORT, "ann")
    dairy.register(ROQUEFORT, "ann")
    job = by_publisher(dairy)
    does(dairy, "ann", "archive", ROQUEFORT, Said("done"))
    hold(dairy.index, console(NOW), "quarantine", ROQUEFORT, said=Said("look", code="malware"))
    hold(dairy.index, console(NOW), "clear", ROQUEFORT)
    now = standing(dairy, ROQUEFORT)
    assert (now.maintenance, now.maintenance_reason, now.holds) == ("archived", "done", ())
    person = dairy.caller("ann").actor
    for by in (person, replace(person, token_id="a token"), job):  # with a password, a token, an identity
        uploads_are_refused(dairy, by, "upload.state")


def test_no_way_leads_into_a_quarantined_project_whatever_the_role_and_no_account_is_touched(dairy: Dairy) -> None:
    dairy.own(ROQUEFORT, "ann")
    other = dairy.own("other", "ann")
    dairy.register(ROQUEFORT, "ann")
    job = by_publisher(dairy)
    set_role(dairy.index, console(NOW), ROQUEFORT, "bea", "maintainer")
    hold(dairy.index, console(NOW), "quarantine", ROQUEFORT, said=Said("look", code="malware"))
    for by in (dairy.caller("ann").actor, dairy.caller("bea").actor):
        uploads_are_refused(dairy, by, "upload.state")
    for by in (replace(dairy.caller("ann").actor, token_id="a token"), job):
        uploads_are_refused(dairy, by, "access.paused")
    uploads_are_refused(dairy, SYSTEM, "upload.state")
    publish(dairy.index, other, "9.0", actor=replace(dairy.caller("ann").actor, token_id="a token"))


@pytest.mark.parametrize(
    ("acts", "event"),
    [
        (["archive"], "ProjectArchived"),
        (["archive", "unarchive"], "ProjectUnarchived"),
        (["deprecate"], "ProjectDeprecated"),
        (["deprecate", "undeprecate"], "ProjectUndeprecated"),
        (["finish"], "ProjectFinished"),
        (["finish", "resume"], "ProjectResumed"),
    ],
)
def test_every_act_moves_the_serial_and_leaves_journal_log_and_letter(
    dairy: Dairy, acts: list[Act], event: str
) -> None:
    brie = dairy.own("brie", "ann", "bea")
    for act in acts[:-1]:
        does(dairy, "ann", act, brie)
    before, logged, told = serial(dairy), dairy.logged("ProjectStateChanged"), dairy.letters("state-changed")
    does(dairy, "ann", acts[-1], brie)
    with dairy.index.store.read() as connection:
        (entry,) = journal.entries(connection, before)
        found = projects.find(connection, brie)
    assert entry.event.event == event and found and found.serial == entry.serial
    assert dairy.index.tree.serial(brie) == entry.serial, "the page says so before the answer does"
    assert len(dairy.logged("ProjectStateChanged")) == len(logged) + 1
    assert dairy.letters("state-changed")[len(told) :] == ["bea@example.org"]


def test_since_when_does_not_move_with_other_changes(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann")
    does(dairy, "ann", "archive", brie, Said("no time"))
    later = NOW + timedelta(hours=1)
    does(dairy, "ann", "archive", brie, Said("no time at all"), at=later)
    does(dairy, "ann", "deprecate", brie, at=later)
    does(dairy, "ann", "wish", brie, Said(value="adopt"), at=later)
    set_yanked(dairy.index, SYSTEM, Selection(brie), True, later)
    hold(dairy.index, console(later), "quarantine", brie, said=Said("look"))
    hold(dairy.index, console(later), "clear", brie)
    now = standing(dairy, brie)
    assert (now.maintenance_since, now.maintenance_reason) == (NOW, "no time at all")
    assert now.advice_since == later


def test_what_is_held_can_be_archived_and_deprecated_by_its_owners(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann")
    hold(dairy.index, console(NOW), "quarantine", brie, said=Said("look"))
    does(dairy, "ann", "archive", brie, Said("enough"))
    does(dairy, "ann", "deprecate", brie)
    outcome = hold(dairy.index, console(NOW), "clear", brie)
    assert outcome.status.status == "archived" and outcome.standing.advice == "deprecated"


def test_pages_compare_a_state_only_with_words_that_there_are() -> None:
    known = {
        *("active", "archived", "deprecated", "quarantined"),  # PEP 792
        *("finished", "none", "owned", "unreachable", "orphaned", "custodial", "clear", "condemned"),
        *("available", "withdrawing", "withdrawn", "removed", "withheld"),
    }
    asked = re.compile(r'\b(?:status|maintenance|advice|custody|safety|availability)\s*[!=]=\s*"([a-z-]+)"')
    folder = Path(affineur.__file__).parent / "web" / "templates"
    for path in folder.rglob("*.html"):
        unknown = [word for word in asked.findall(path.read_text()) if word not in known]
        assert unknown == [], path.name


def test_the_log_says_where_an_act_came_from(dairy: Dairy) -> None:
    brie = dairy.own("brie", "ann")
    does(dairy, "ann", "archive", brie)
    (event,) = dairy.logged("ProjectStateChanged")
    assert (event["actor"], event["project"], event["user_agent"]) == ("ann", "brie", "a test")
