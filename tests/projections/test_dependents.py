"""Edges follow what is published, yanked, hidden and removed; questions are answered as of then, on either database."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.indexes import START, new_index, publish
from tests.services.postgresql import new_database
from tests.shell.lake.downloaded import downloads, written

from affineur.actions.hold import hold
from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.dependents.answers import Dependent
from affineur.core.dependents.edges import Kind
from affineur.core.downloads.figures import Usage, Window
from affineur.core.life.lifecycle import Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.projections import dependents
from affineur.projections.check import dependents as checking
from affineur.projections.dependents import Upstream
from affineur.shell.dependents import installs, questions, routes, snapshot
from affineur.shell.index import Index
from affineur.shell.progress import tell_nobody
from affineur.shell.store import dependents as rows
from affineur.shell.store.schema import account, edge, node, project, role

LATER = datetime.now(UTC) + timedelta(hours=3)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One index for all tests here; each uses names of its own (`names`)."""
    with ExitStack() as stack:
        database = "" if request.param == "sqlite" else stack.enter_context(new_database())
        made = new_index(tmp_path_factory.mktemp("dependents") / "data", database=database)
        stack.callback(made.close)
        yield made


@pytest.fixture
def index(opened: Index) -> Index:
    return opened


@pytest.fixture
def name() -> str:
    """The first part of the names that a test gives, unlike all others."""
    return f"n{next(_NUMBERS)}"


def learn(index: Index, name: str, *requires: str, version: str = "1.0") -> None:
    assert dependents.learn(index, Upstream(name, version, requires))


def own(index: Index, owner: str, names: list[str]) -> None:
    """An account that owns these projects."""
    with index.store.write() as connection:
        made = account.insert().values(name=owner, name_key=owner, created_at=START)
        number = connection.execute(made).inserted_primary_key[0]
        for known in connection.scalars(sa.select(project.c.id).where(project.c.name.in_(names))).all():
            connection.execute(
                role.insert().values(project_id=known, account_id=number, role="owner", granted_at=START)
            )


def followed(index: Index) -> None:
    dependents.catch_up(index)
    assert not list(checking.check(index, LATER, tell_nobody))


def direct(index: Index, name: str, **filters: object) -> list[str]:
    return [one.name for one in questions.direct(index, name, **filters)]  # type: ignore[arg-type]


def test_an_upload_makes_edges_of_what_its_files_say(index: Index, name: str) -> None:
    publish(
        index, f"{name}-a", "1.0", requires=[f"{name}_T>=1", f'{name}-u; os_name == "nt"', f'{name}-v; extra == "x"']
    )
    followed(index)
    assert questions.direct(index, f"{name}-t") == [Dependent(f"{name}-a", "1.0", Kind.ALWAYS, ">=1", "", "ours", True)]
    (conditional,) = questions.direct(index, f"{name}-u")
    assert (conditional.kind, conditional.condition) == (Kind.MARKER, 'os_name == "nt"')
    assert direct(index, f"{name}-v", kinds=[Kind.ALWAYS, Kind.MARKER]) == []
    assert direct(index, f"{name}-v") == [f"{name}-a"]


def test_every_file_of_the_release_is_heard(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-t"])
    publish(index, f"{name}-a", "1.0", tags="cp312-cp312-win_amd64", requires=[f"{name}-t", f"{name}-w"])
    followed(index)
    assert direct(index, f"{name}-t") == direct(index, f"{name}-w") == [f"{name}-a"]


def test_a_new_release_replaces_the_edges_of_the_former(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-old", f"{name}-both>=1"])
    followed(index)
    publish(index, f"{name}-a", "2.0", requires=[f"{name}-new", f"{name}-both>=2"])
    followed(index)
    assert (direct(index, f"{name}-old"), direct(index, f"{name}-new")) == ([], [f"{name}-a"])
    (both,) = questions.direct(index, f"{name}-both")
    assert (both.version, both.specifier) == ("2.0", ">=2")


def test_a_yank_brings_back_the_edges_of_the_release_before(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-old"])
    publish(index, f"{name}-a", "2.0", requires=[f"{name}-new"])
    set_yanked(index, SYSTEM, Selection(NormalizedName(f"{name}-a"), "2.0"), True, LATER)
    followed(index)
    assert (direct(index, f"{name}-old"), direct(index, f"{name}-new")) == ([f"{name}-a"], [])


def test_a_project_that_is_held_depends_on_nobody_until_it_is_back(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-t"])
    followed(index)
    with index.store.write() as connection:  # what a hold writes beside its rows
        connection.execute(project.update().where(project.c.name == f"{name}-a").values(offered=False))
    dependents.rebuild(index)
    assert direct(index, f"{name}-t") == []
    with index.store.write() as connection:
        connection.execute(project.update().where(project.c.name == f"{name}-a").values(offered=True))
    dependents.rebuild(index)
    assert direct(index, f"{name}-t") == [f"{name}-a"]


def test_older_releases_count_where_many_install_them_until_they_no_longer_do(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-old"])
    publish(index, f"{name}-a", "2.0")
    followed(index)
    assert dependents.weigh(index, [(f"{name}-a", "1.0"), (f"{name}-a", "2.0"), (f"{name}-a", "0.1")]) == 1
    assert direct(index, f"{name}-old") == []
    (found,) = questions.direct(index, f"{name}-old", newest_only=False)
    assert (found.version, found.newest) == ("1.0", False)
    assert questions.counts(index, f"{name}-old").older == 1
    publish(index, f"{name}-a", "3.0")  # what counted goes on counting until it is weighed again
    followed(index)
    assert direct(index, f"{name}-old", newest_only=False) == [f"{name}-a"]
    assert dependents.weigh(index, []) == 1
    assert direct(index, f"{name}-old", newest_only=False) == []


def test_what_an_upstream_has_is_marked_so_and_never_replaces_ours(index: Index, name: str) -> None:
    learn(index, f"{name}-theirs", f"{name}-t")
    (found,) = questions.direct(index, f"{name}-t")
    assert found.source == "upstream"
    assert direct(index, f"{name}-t", sources=["ours"]) == []
    publish(index, f"{name}-ours", "1.0", requires=[f"{name}-t"])
    assert not dependents.learn(index, Upstream(f"{name}-ours", "9.0", ()))  # not even before it is followed
    followed(index)
    assert not dependents.learn(index, Upstream(f"{name}-ours", "9.0", ()))
    assert direct(index, f"{name}-t", sources=["ours"]) == [f"{name}-ours"]
    publish(index, f"{name}-theirs", "2.0")  # now it is ours
    followed(index)
    assert direct(index, f"{name}-t") == [f"{name}-ours"]


def test_what_is_not_known_before_it_is_built_is_counted_apart(index: Index, name: str) -> None:
    before = questions.counts(index, f"{name}-t").unknown
    assert dependents.learn(index, Upstream(f"{name}-a", "1.0", None))
    assert questions.counts(index, f"{name}-t").unknown == before + 1
    assert questions.why(index, f"{name}-t", [f"{name}-a"]).dynamic == (f"{name}-a",)


def test_counts_tell_direct_from_indirect_each_dependent_once(index: Index, name: str) -> None:
    learn(index, f"{name}-a", f"{name}-t", f'{name}-t>1; extra == "x"')
    learn(index, f"{name}-b", f'{name}-t; os_name == "nt"', f"{name}-a")
    learn(index, f"{name}-c", f"{name}-a")
    learn(index, f"{name}-d", f'{name}-c; extra == "x"')
    found = questions.counts(index, f"{name}-t")
    assert dict(found.direct) == {Kind.ALWAYS: 1, Kind.MARKER: 1, Kind.EXTRA: 0}
    assert found.indirect == 1
    (far,) = questions.indirect(index, f"{name}-t")
    assert (far.name, far.distance, far.source) == (f"{name}-c", 2, "upstream")
    assert [one.name for one in questions.indirect(index, f"{name}-t", kinds=list(Kind))] == [f"{name}-c", f"{name}-d"]
    assert questions.indirect(index, f"{name}-t", sources=["ours"]) == []
    assert questions.counts(index, f"{name}-t", kinds=[Kind.MARKER]).direct == {Kind.MARKER: 1}


def test_large_projects_are_counted_by_the_arrays_to_the_same_numbers(
    index: Index, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(index, f"{name}-a", f"{name}-t", f'{name}-t>1; extra == "x"')
    learn(index, f"{name}-b", f'{name}-t; extra == "x"')
    publish(index, f"{name}-c", "1.0", requires=[f"{name}-t"])
    publish(index, f"{name}-c", "2.0")
    followed(index)
    dependents.weigh(index, [(f"{name}-c", "1.0")])
    asked = [{}, {"newest_only": False}, {"kinds": [Kind.EXTRA]}, {"limit": 1, "offset": 1}, {"offset": 9}]
    few = [direct(index, f"{name}-t", **one) for one in asked], questions.counts(index, f"{name}-t")
    monkeypatch.setattr(questions, "MANY_ROWS", 1)
    many = [direct(index, f"{name}-t", **one) for one in asked], questions.counts(index, f"{name}-t")
    assert many[0] == few[0]
    assert (many[1].direct, many[1].older, many[1].indirect) == (few[1].direct, few[1].older, few[1].indirect)


def test_most_installed_dependents_come_first_and_owners_can_be_asked_for(index: Index, name: str) -> None:
    for letter in "abc":
        publish(index, f"{name}-{letter}", "1.0", requires=[f"{name}-t"])
    publish(index, f"{name}-d", "1.0", requires=[f"{name}-a"])
    followed(index)
    own(index, f"{name}-eve", [f"{name}-{letter}" for letter in "ad"])
    assert [one.installs for one in questions.direct(index, f"{name}-t")] in ([None] * 3, [0] * 3)
    installs.note(
        index, [Usage(f"{name}-{letter}", 9, used, 9, 9, 9) for letter, used in (("b", 70), ("c", 5), ("z", 1))]
    )
    found = questions.direct(index, f"{name}-t")
    assert [(one.name[-1], one.installs) for one in found] == [("b", 70), ("c", 5), ("a", 0)]
    assert questions.counts(index, f"{name}-t").installs == 75
    assert direct(index, f"{name}-t", owner=f"{name}-eve") == [f"{name}-a"]
    assert [one.name for one in questions.indirect(index, f"{name}-t", owner=f"{name}-eve")] == [f"{name}-d"]
    assert questions.indirect(index, f"{name}-t", owner="nobody") == []


def test_why_tells_all_shortest_chains_in_the_words_of_the_metadata(
    index: Index, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(index, f"{name}-daemon", f"{name}-lock>=0.10", version="3.1")
    learn(index, f"{name}-other", f'{name}-lock; python_version >= "3"')
    learn(index, f"{name}-runner", f"{name}-daemon", f"{name}-other", f"{name}-yaml", version="2.4")
    learn(index, f"{name}-long", f"{name}-runner")
    roots = [f"{name}-{root}" for root in ("runner", "long", "yaml", "absent", "lock", "runner")]
    by_rows = questions.why(index, f"{name}-lock", roots)
    assert [chain.names for chain in by_rows.chains] == [
        (f"{name}-runner", f"{name}-daemon", f"{name}-lock"),
        (f"{name}-runner", f"{name}-other", f"{name}-lock"),
        (f"{name}-long", f"{name}-runner", f"{name}-daemon", f"{name}-lock"),
        (f"{name}-long", f"{name}-runner", f"{name}-other", f"{name}-lock"),
    ]
    first, second = by_rows.chains[0].steps
    assert (first.version, first.requirement, second.requirement) == ("2.4", f"{name}-daemon", f"{name}-lock>=0.10")
    assert by_rows.chains[1].steps[1].requirement == f'{name}-lock; python_version >= "3"'
    assert (by_rows.more, by_rows.unconnected, by_rows.unknown) == (0, (f"{name}-yaml",), (f"{name}-absent",))
    monkeypatch.setattr(routes, "_MOST_NODES", 1)
    by_arrays = questions.why(index, f"{name}-lock", roots)
    assert by_arrays.chains == by_rows.chains
    monkeypatch.setattr(routes, "MOST_CHAINS", 3)
    fewer = questions.why(index, f"{name}-lock", roots)
    assert (fewer.chains, fewer.more) == (by_rows.chains[:3], 1)


def test_a_cut_says_which_requirement_to_replace_and_whom_that_frees(index: Index, name: str) -> None:
    learn(index, f"{name}-daemon", f"{name}-lock")
    learn(index, f"{name}-runner", f"{name}-daemon")
    learn(index, f"{name}-a", f"{name}-runner")
    learn(index, f"{name}-b", f"{name}-runner", f"{name}-daemon")
    learn(index, f"{name}-c", f"{name}-lock")
    found = questions.cut(index, f"{name}-lock")
    best = found.cuts[0]
    assert (best.dependent, best.target, best.removes, best.share) == (f"{name}-daemon", f"{name}-lock", 4, 0.8)
    assert {(one.dependent, one.target, one.removes) for one in found.cuts[1:]} == {
        (f"{name}-runner", f"{name}-daemon", 2),
        (f"{name}-a", f"{name}-runner", 1),
        (f"{name}-c", f"{name}-lock", 1),
    }
    of_roots = questions.cut(index, f"{name}-lock", [f"{name}-a", f"{name}-c", f"{name}-absent"], limit=2)
    assert (of_roots.reach, of_roots.roots) == (4, 2)
    assert (of_roots.cuts[0].dependent, of_roots.cuts[0].roots_removed) == (f"{name}-daemon", (f"{name}-a",))
    assert questions.cut(index, f"{name}-lock", [f"{name}-absent"]).cuts == ()


def test_who_notices_a_yank(index: Index, name: str) -> None:
    for version in ("1.0", "1.1", "2.0", "3.0rc1"):
        publish(index, f"{name}-t", version)
    for letter, line in (("a", "==1.1"), ("b", "~=1.0"), ("c", ">=1"), ("d", "<1.1"), ("e", "==2.0"), ("f", ">2")):
        learn(index, f"{name}-{letter}", f"{name}-t{line}")
    followed(index)
    found = questions.noticing(index, f"{name}-t", "1.1")
    assert [one.name for one in found.breaking] == [f"{name}-a"]
    assert [(one.name, instead) for one, instead in found.moving] == [(f"{name}-b", "1.0")]
    assert found.unaffected == 4
    found = questions.noticing(index, f"{name}-t", "2.0")
    assert [one.name for one in found.breaking] == [f"{name}-e"]
    assert [(one.name, instead) for one, instead in found.moving] == [(f"{name}-c", "1.1")]
    assert questions.noticing(index, f"{name}-t", "9.9").unaffected == 6


def test_arrays_in_files_answer_as_rows_do_and_say_when_they_are_behind(
    index: Index, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(index, f"{name}-a", f"{name}-t")
    learn(index, f"{name}-b", f"{name}-a")
    monkeypatch.setattr(snapshot, "SMALL_EDGES", -1)
    snapshot.write(index)
    assert not snapshot.is_behind(index)
    snapshot.forget(index)
    assert [one.name for one in questions.indirect(index, f"{name}-t")] == [f"{name}-b"]
    learn(index, f"{name}-c", f"{name}-b")
    assert snapshot.is_behind(index)
    old = questions.counts(index, f"{name}-t")
    assert old.indirect == 1
    keeper = dependents.Arrays(index)
    keeper.tick(time.monotonic())
    keeper.end()
    new = questions.counts(index, f"{name}-t")
    assert (new.indirect, new.basis.as_of > old.basis.as_of) == (2, True)
    assert (
        len([path for path in (index.settings.data / "graph").iterdir() if path.is_dir() and not path.is_symlink()])
        == 1
    )


@pytest.mark.parametrize("left", [0, 100, None])
def test_arrays_that_were_damaged_are_written_anew(
    index: Index, name: str, monkeypatch: pytest.MonkeyPatch, left: int | None
) -> None:
    learn(index, f"{name}-a", f"{name}-t")
    learn(index, f"{name}-b", f"{name}-a")
    monkeypatch.setattr(snapshot, "SMALL_EDGES", -1)
    snapshot.write(index)
    for path in [*(index.settings.data / "graph" / "current").glob("*"), index.settings.data / "graph/installs.npy"]:
        if left is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes((path.read_bytes() if path.exists() else b"")[:left])
    snapshot.forget(index)
    assert [one.name for one in questions.indirect(index, f"{name}-t")] == [f"{name}-b"]
    assert questions.counts(index, f"{name}-t").installs is None


def test_reach_of_all_and_outside_dependents(index: Index, name: str) -> None:
    for letter, requires in (("t", []), ("a", ["t"]), ("b", ["t", "a"]), ("c", ["t"]), ("e", ["t"])):
        publish(index, f"{name}-{letter}", "1.0", requires=[f"{name}-{each}" for each in requires])
    publish(index, f"{name}-d", "1.0", requires=[f'{name}-t; os_name == "nt"', f"{name}-a"])
    learn(index, f"{name}-u", f"{name}-t")
    followed(index)
    reach = {found: (many, exact) for found, many, exact in questions.reach_of_all(index).by_name(index)}
    assert reach[f"{name}-t"] == (6, True)
    assert reach[f"{name}-a"] == (2, True)
    own(index, f"{name}-eve", [f"{name}-{letter}" for letter in "tc"])
    used = {f"{name}-{letter}" for letter in "abcdu"}  # e is hardly used, d asks only on Windows, c has the same owner
    found = {one: many for one, many in questions.outside(index, used, LATER) if one.startswith(name)}
    assert found == {f"{name}-t": 2, f"{name}-a": 2}
    young = START + timedelta(days=29)
    assert not [one for one, _ in questions.outside(index, used, young) if one.startswith(name)]
    narrow = dict(questions.outside(index, used, LATER, most_requirements=1))
    assert (narrow[f"{name}-t"], f"{name}-a" in narrow) == (1, False)


def test_damage_is_found_and_a_rebuild_makes_it_good(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-t"])
    followed(index)
    with index.store.write() as connection:
        known = rows.nodes(connection, [f"{name}-a", f"{name}-t"])
        connection.execute(edge.delete().where(edge.c.dependent_id == known[f"{name}-a"].id))
        connection.execute(node.insert().values(name=f"{name}-ghost", source="ours", version="1", requirements=0,
                                                dynamic=False, serial=0, looked_at=START))  # fmt: skip
    found = {(one.kind, one.subject) for one in checking.check(index, LATER, tell_nobody)}
    assert found == {("wrong-dependents", f"{name}-a"), ("wrong-dependents", f"{name}-ghost")}
    assert dependents.rebuild(index) == 1
    followed(index)
    assert dependents.rebuild(index) == 0


def test_metadata_that_is_lost_is_taken_from_the_release(index: Index, name: str) -> None:
    publish(index, f"{name}-a", "1.0", requires=[f"{name}-t", f"{name}-blob>=7"])
    with index.store.read() as connection:
        row = rows.facts(connection, [f"{name}-a"])[f"{name}-a"]
    assert row is not None
    digest = row.files[0].metadata_sha256
    assert digest is not None
    index.blobs.remove(digest)
    dependents.catch_up(index)
    assert direct(index, f"{name}-blob") == [f"{name}-a"]


def test_a_name_that_nobody_knows_has_no_dependents(index: Index, name: str) -> None:
    counts = questions.counts(index, name)
    assert (sum(counts.direct.values()), counts.indirect) == (0, 0)
    assert questions.direct(index, name) == questions.indirect(index, name) == []
    why = questions.why(index, name, [f"{name}-root"])
    assert (why.chains, why.unknown) == ((), (f"{name}-root",))
    assert questions.cut(index, name).cuts == ()
    assert questions.noticing(index, name, "1.0").unaffected == 0


def test_what_many_install_is_taken_from_the_downloads_of_a_month(tmp_path: Path) -> None:
    index = new_index(tmp_path / "data")
    for version in ("1.0", "1.1", "2.0"):
        publish(index, "a", version, requires=[f"of-{version}", "t"])
    followed(index)
    assert dependents.weigh_by_installs(index) == 0  # nothing was ever counted
    one = replace(downloads(1, 1, Window(LATER.date(), LATER.date()))[0], project="a", kind="installer", version="2.0")
    made = [replace(one, at=START + timedelta(seconds=number)) for number in range(60)]
    made += [replace(one, at=START, version="1.1")] * 6 + [replace(one, at=START, version="1.0")] * 3
    made += [replace(one, at=START, version="1.0", kind="mirror")] * 90
    index.lake.append("batch", written(made, tmp_path / "events.parquet"))
    index.lake.roll_up(START.date() + timedelta(days=1))
    assert dependents.weigh_by_installs(index) == 2
    assert direct(index, "of-1-1", newest_only=False) == ["a"]
    assert direct(index, "of-1-0", newest_only=False) == []
    assert dependents.weigh_by_installs(index) == 0
    (found,) = questions.direct(index, "t")
    assert found.installs is not None and found.installs > 0
    index.close()


def test_a_hold_is_followed(tmp_path: Path) -> None:
    index = new_index(tmp_path / "data")
    publish(index, "a", "1.0", requires=["t"])
    followed(index)
    assert direct(index, "t") == ["a"]
    hold(index, console(LATER), "quarantine", NormalizedName("a"), said=Said("it steals"))
    followed(index)
    assert direct(index, "t") == []
    index.close()
