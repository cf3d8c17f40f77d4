"""A hold whose act was killed after its commit is in force before the restarted index answers anybody."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from tests.services.affineur import MODES, Mode
from tests.walks.crash_scene import Scene, effects_of, new_scene
from tests.walks.dying_server import launcher
from tests.walks.uploading import JSON, Reader, Wheel

NAME = "cheddar"
HELD = Wheel(NAME, "1.0")
BESIDE = Wheel(NAME, "2.0")


class Order(NamedTuple):
    """An act that puts something on hold, and what is still on offer then."""

    act: str
    place: tuple[str, ...]
    left: tuple[Wheel, ...]


ORDERS = [
    Order("quarantine", (), ()),
    Order("quarantine", (HELD.version,), (BESIDE,)),
    Order("withhold", (HELD.version, HELD.filename), (BESIDE,)),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A project with two releases, and a server that is down. Tests work on copies."""
    with launcher() as opened:
        scene = new_scene(tmp_path_factory.mktemp("scene"), opened)
        scene.start()
        scene.await_ready()
        for wheel in (HELD, BESIDE):
            scene.publish_again(wheel)
        scene.kill()
        scene.act("catch up")
        yield scene


def path_of(wheel: Wheel) -> str:
    return f"/packages/{wheel.name}/{wheel.version}/{wheel.filename}"


def killed_right_after_its_commit(published: Scene, order: Order, folder: str) -> Scene:
    """A copy of the scene whose rows know of the hold while its public tree does not."""
    rehearsal = published.copy(folder)
    assert not rehearsal.act(order.act, NAME, *order.place)
    effects = effects_of(rehearsal.trace)
    scene = published.copy(folder)
    assert scene.act(order.act, NAME, *order.place, die_at=effects.index("COMMIT") + 2)
    assert (scene.data / "public" / path_of(HELD)[1:]).exists(), "the kill came too late to leave anything to mend"
    return scene


@contextmanager
def asked_all_the_while(scene: Scene, path: str) -> Iterator[list[int]]:
    """Ask for ``path`` over and over, from before anybody listens; every status that came back, in order."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                statuses.append(Reader(scene.url).get(path).status)
            except (OSError, http.client.HTTPException):
                stop.wait(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        stop.set()
        asking.join()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join((order.act, *order.place[:1])))
def test_a_hold_is_in_force_before_the_first_request_is_answered(
    published: Scene, order: Order, mode: Mode, request: pytest.FixtureRequest
) -> None:
    scene = killed_right_after_its_commit(published, order, f"{order.act}-{len(order.place)}-{mode}")
    if mode == "edge":
        scene.settings["edge"] = str(request.getfixturevalue("nginx"))
    scene.start()
    with asked_all_the_while(scene, path_of(HELD)) as statuses:
        scene.await_ready()
        reader = Reader(scene.url)
        assert reader.get(path_of(HELD)).status == 404
        page = json.loads(reader.get(f"/simple/{NAME}/", accept=JSON).body)
        reader.close()
    scene.kill()
    assert 200 not in statuses
    assert 404 in statuses
    assert {one["filename"] for one in page["files"]} == {wheel.filename for wheel in order.left}
    assert page["project-status"]["status"] == ("active" if order.place else "quarantined")
    scene.acknowledged = set(order.left)
    assert scene.faults() == []


def test_what_is_given_back_comes_back_although_the_act_was_killed(published: Scene) -> None:
    scene = published.copy("given-back")
    scene.act("quarantine", NAME)
    rehearsal = scene.copy("given-back-rehearsal")
    rehearsal.act("clear", NAME)
    assert scene.act("clear", NAME, die_at=effects_of(rehearsal.trace).index("COMMIT") + 2)
    assert not (scene.data / "public" / path_of(HELD)[1:]).exists()
    assert scene.faults(catching_up=True) == []
