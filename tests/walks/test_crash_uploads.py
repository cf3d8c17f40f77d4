"""Killed between any two effects of an upload: what was acknowledged stays, what was not is whole or not there."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.affineur import MODES
from tests.walks.crash_scene import KILLS, Scene, effects_of, new_scene
from tests.walks.dying_server import launcher
from tests.walks.uploading import Wheel

_MOST_EFFECTS = 300
"""No upload has that many: a sweep that gets there never ends."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with launcher() as opened:
        yield new_scene(tmp_path, opened)


def kill_at_every_effect(scene: Scene, wheel_number) -> list[str]:  # type: ignore[no-untyped-def]
    """Upload wheel after wheel, killed at the first effect, the second … until an upload is through.

    Each server is the restart of the one killed before it: it must show the world whole, and take the retry.
    The effects of the upload that came through.
    """
    unfinished: Wheel | None = None
    for die_at in range(1, _MOST_EFFECTS):
        scene.start(die_at)
        scene.await_ready()
        assert scene.faults() == [], f"after the kill at effect {die_at - 1}"
        if unfinished is not None:
            scene.publish_again(unfinished)
        unfinished = wheel_number(die_at)
        scene.launcher.arm()
        through = scene.publish(unfinished)
        scene.kill()
        assert scene.seen_while_down() == [], f"right after the kill at effect {die_at}"
        if through:
            return effects_of(scene.trace)
    raise AssertionError("an upload never came through")


def test_an_upload_of_a_new_project_is_whole_or_not_there(scene: Scene) -> None:
    effects = kill_at_every_effect(scene, lambda number: Wheel(f"fresh-{number}", "1.0"))
    assert "COMMIT" in effects  # the launcher has seen blobs, rows and pages being made
    kinds = {effect.partition(" ")[0] for effect in effects}
    assert {"INSERT", "os.link", "os.fsync", "os.rename", "os.symlink", "open"} <= kinds, effects
    assert scene.killed > 35
    scene.act("catch up")
    assert scene.faults_after_sweep() == []


def test_an_upload_to_an_old_project_is_whole_or_not_there(scene: Scene) -> None:
    kill_at_every_effect(scene, lambda number: Wheel("old", f"1.{number}"))
    assert scene.killed > 25
    scene.act("catch up")
    assert scene.faults_after_sweep() == []


def test_on_postgresql_an_upload_is_whole_or_not_there(tmp_path: Path, postgresql_url: str) -> None:
    with launcher() as opened:
        scene = new_scene(tmp_path, opened, database=postgresql_url)
        kill_at_every_effect(scene, lambda number: Wheel("old", f"1.{number}"))
        assert scene.killed > 25
        scene.act("catch up")
        assert scene.faults_after_sweep() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_server_killed_at_random_loses_nothing_that_four_uploaders_were_told(
    tmp_path: Path, mode: str, request: pytest.FixtureRequest
) -> None:
    """Four uploaders at once, two workers and background work; the moment is a number of effects, or of none.

    Every so often a new index is begun: looking at everything costs as much as there is.
    """
    edge = str(request.getfixturevalue("nginx")) if mode == "edge" else "off"
    chance = random.Random(f"{KILLS} {mode}")
    left = KILLS // len(MODES) or 20
    with launcher() as opened:
        while left > 0:
            turn = tmp_path / f"with-{left}-to-go"
            turn.mkdir()
            kills = min(left, 50)
            kill_at_random(new_scene(turn, opened, edge=edge), kills, chance)
            shutil.rmtree(turn)
            left -= kills


def kill_at_random(scene: Scene, kills: int, chance: random.Random) -> None:
    """Kill and start again, ``kills`` times; at the end nothing is left but what was acknowledged."""
    unfinished: list[Wheel] = []
    for kill in range(kills):
        scene.start(chance.randrange(1, 350), background=True)
        scene.await_ready()
        assert scene.faults() == [], f"after {kill} kills"
        for wheel in unfinished:
            scene.publish_again(wheel)
        scene.launcher.arm()
        unfinished = upload_until_dead(scene, kill)
        scene.kill()
        assert scene.seen_while_down() == [], f"right after kill {kill + 1}"
    scene.act("catch up")
    assert scene.faults() == []
    assert scene.faults_after_sweep() == []


def upload_until_dead(scene: Scene, kill: int) -> list[Wheel]:
    """Four uploaders at once, two wheels each, until the server dies or all is published; what was not answered."""
    unanswered: list[Wheel] = []

    def uploader(number: int) -> None:
        for turn in range(2):
            name = "shared" if number % 2 else f"own-{number}-{kill % 10}"
            wheel = Wheel(name, f"{kill}.{number}.{turn}")
            if not scene.publish(wheel):
                unanswered.append(wheel)
                return

    threads = [threading.Thread(target=uploader, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return unanswered
