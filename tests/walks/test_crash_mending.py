"""Killed while it mends, holds or rebuilds: at every effect of a start after a crash, and of acts on a project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.walks.crash_scene import Scene, effects_of, new_scene
from tests.walks.dying_server import launcher
from tests.walks.uploading import Wheel

from affineur.core.life.standing import project_status
from affineur.shell.store import projects

_MOST_EFFECTS = 300
NAME = "cheddar"
WHEELS = [Wheel(NAME, "1.0"), Wheel(NAME, "1.0", "py2-none-any"), Wheel(NAME, "2.0")]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A project with three files, and a server that is down."""
    with launcher() as opened:
        scene = new_scene(tmp_path, opened)
        scene.start()
        scene.await_ready()
        for wheel in WHEELS:
            scene.publish_again(wheel)
        scene.kill()
        scene.act("catch up")
        yield scene


def standing_of(scene: Scene) -> str:
    """What the rows say of the project."""
    index = scene.open()
    try:
        with index.store.read() as connection:
            found = projects.find(connection, NAME)
        assert found
        return project_status(found.standing).status
    finally:
        index.close()


def offered(scene: Scene) -> set[str]:
    """What can be downloaded, whatever pages say."""
    return {path.name for path in (scene.data / "public" / "packages").glob("*/*/*")}


def at_every_effect(scene: Scene, act: str, *arguments: str) -> Iterator[Scene]:
    """A copy of the scene for each effect of ``act``, killed right before that effect; the last one unharmed."""
    for die_at in range(1, _MOST_EFFECTS):
        copy = scene.copy("copy")
        died = copy.act(act, *arguments, die_at=die_at)
        yield copy
        shutil.rmtree(copy.data)
        if not died:
            return
    raise AssertionError(f"{act} never came through")


def killed_after_commit(scene: Scene, wheel: Wheel) -> None:
    """Leave the scene as a crash between the commit of an upload and its projection does."""
    for die_at in range(1, _MOST_EFFECTS):
        copy = scene.copy("probe")
        copy.start(die_at)
        copy.await_ready()
        copy.launcher.arm()
        through = copy.publish(wheel)
        copy.kill()
        effects = effects_of(copy.trace)
        shutil.rmtree(copy.data)
        if "COMMIT" in effects[:-1]:
            scene.start(die_at)
            scene.await_ready()
            scene.launcher.arm()
            scene.publish(wheel)
            scene.kill()
            return
        assert not through
    raise AssertionError("nothing was ever committed")


def test_a_start_that_mends_a_crash_may_itself_be_killed_anywhere(scene: Scene) -> None:
    killed_after_commit(scene, Wheel(NAME, "3.0"))
    kills = 0
    for die_at in range(1, _MOST_EFFECTS):
        copy = scene.copy("copy")
        copy.start(die_at, armed=True)
        died = _dies(copy)
        copy.kill()
        assert copy.seen_while_down() == [], f"killed at effect {die_at} of the start"
        copy.start()
        copy.await_ready()
        assert copy.faults() == [], f"after a start killed at effect {die_at}"
        copy.publish_again(Wheel(NAME, "3.0"))
        copy.kill()
        assert copy.faults_after_sweep() == []
        if not died:
            break
        kills += 1
    assert kills > 15


def _dies(scene: Scene) -> bool:
    """Whether the server that was just started is dead before it serves."""
    try:
        scene.await_ready(died=lambda: scene.launcher.died())
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("act", ["archive", "yank"])
def test_an_act_on_a_project_is_whole_or_not_there(scene: Scene, act: str) -> None:
    for copy in at_every_effect(scene, act, NAME):
        assert copy.seen_while_down() == []
        assert copy.faults(catching_up=True) == []
        assert copy.faults_after_sweep() == []


def test_a_quarantine_takes_files_away_before_its_page_says_so(scene: Scene) -> None:
    everything = offered(scene)
    scene.acknowledged.clear()  # it is the moderator's word now
    for copy in at_every_effect(scene, "quarantine", NAME):
        status = (copy.data / "public" / "simple" / NAME / "v1.json").read_text()
        if '"quarantined"' in status:
            assert offered(copy) == set()
        assert copy.faults(catching_up=True) == []
        assert offered(copy) == (set() if standing_of(copy) == "quarantined" else everything)
        assert copy.faults_after_sweep() == []


def test_clearing_gives_back_exactly_what_was_there(scene: Scene) -> None:
    everything = offered(scene)
    acknowledged = set(scene.acknowledged)
    scene.acknowledged.clear()
    scene.act("quarantine", NAME)
    for copy in at_every_effect(scene, "clear", NAME):
        assert copy.seen_while_down() == []
        status = standing_of(copy)
        copy.acknowledged = acknowledged if status == "active" else set()
        assert copy.faults(catching_up=True) == []
        assert offered(copy) == (everything if status == "active" else set())
        assert copy.faults_after_sweep() == []


def test_a_rebuild_may_be_killed_anywhere_and_harms_no_reader(scene: Scene) -> None:
    for copy in at_every_effect(scene, "rebuild"):
        assert copy.seen_while_down() == []
        assert copy.faults(catching_up=True) == []
        assert copy.faults_after_sweep() == []
