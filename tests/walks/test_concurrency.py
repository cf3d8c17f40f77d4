"""Sixteen publish and four read at once: serials never go back, and what is listed can be had at that moment."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.services.affineur import MODES, Mode, Server
from tests.walks.uploading import JSON, Reader, Wheel, upload

UPLOADERS, EACH, READERS = 16, 6, 4
SHARED = "shared-cheese"


def wheels_of(uploader: int) -> list[Wheel]:
    """Every other one goes to a project of the uploader's own, the rest to one that all share."""
    return [
        Wheel(SHARED, f"{uploader}.{turn}") if turn % 2 else Wheel(f"cheese-{uploader}", f"1.{turn}")
        for turn in range(EACH)
    ]


class Watcher:
    """A reader that polls the root list and pages, and believes nothing."""

    def __init__(self, url: str) -> None:
        self.faults: list[str] = []
        self.looks = 0
        self._reader = Reader(url)
        self._serials: dict[str, int] = {}
        self._known: dict[str, str] = {}

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self.look()
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            self._reader.close()

    def look(self) -> None:
        """The root list, every page it names, and every file that those list and that were not fetched before."""
        root = json.loads(self._reader.get("/simple/", accept=JSON).body)
        self._not_back("the root list", root["meta"]["_last-serial"])
        for listed in root["projects"]:
            page = self._reader.page(listed["name"])
            if page is None:
                self.faults.append(f"{listed['name']} is listed and has no page")
                continue
            self._page(listed["name"], listed["_last-serial"], page)
        self.looks += 1

    def _page(self, name: str, at_least: int, page: dict[str, Any]) -> None:
        serial = page["meta"]["_last-serial"]
        self._not_back(name, serial)
        if serial < at_least:
            self.faults.append(f"the root list said {name} is at {at_least}, its page is at {serial}")
        here = {one["filename"] for one in page["files"]}
        gone = {filename for filename in self._known if self._known[filename] == name} - here
        if gone:
            self.faults.append(f"{gone} were listed and are not any more")
        for one in page["files"]:
            if one["filename"] in self._known:
                continue
            self._known[one["filename"]] = name
            got = self._reader.get(one["url"].removeprefix("../.."))
            if (got.status, hashlib.sha256(got.body).hexdigest()) != (200, one["hashes"]["sha256"]):
                self.faults.append(f"{one['filename']} is listed and answers {got.status}")

    def _not_back(self, what: str, serial: int) -> None:
        if serial < self._serials.get(what, 0):
            self.faults.append(f"{what} went back from {self._serials[what]} to {serial}")
        self._serials[what] = serial


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_many_publish_and_many_read_at_once(
    mode: Mode, database: str, server: Callable[..., Server], request: pytest.FixtureRequest
) -> None:
    environment = {"AFFINEUR_ROOT_LIST_SECONDS": "0.1"}
    if database == "postgresql":
        environment["AFFINEUR_DATABASE"] = request.getfixturevalue("postgresql_url")
    running = server(mode=mode, workers=2, environment=environment)
    stop = threading.Event()
    answers: list[tuple[Wheel, object]] = []

    def uploader(number: int) -> None:
        answers.extend((wheel, upload(running.url, running.token, wheel, 60)) for wheel in wheels_of(number))

    watchers = [Watcher(running.url) for _ in range(READERS)]
    reading = [threading.Thread(target=watcher.run, args=(stop,)) for watcher in watchers]
    writing = [threading.Thread(target=uploader, args=(number,)) for number in range(UPLOADERS)]
    for thread in (*reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    stop.set()
    for thread in reading:
        thread.join()
    assert [fault for watcher in watchers for fault in watcher.faults] == []
    assert [(wheel, answer) for wheel, answer in answers if not answer or answer[0] != 200] == []  # type: ignore[index]
    assert min(watcher.looks for watcher in watchers) > 0
    assert_everything_is_there(running, [wheel for wheel, _ in answers])


def assert_everything_is_there(server: Server, published: list[Wheel]) -> None:
    """Counts, digests and journal at the end."""
    reader = Reader(server.url)
    by_project: dict[str, dict[str, str]] = {}
    for wheel in published:
        by_project.setdefault(wheel.name, {})[wheel.filename] = wheel.sha256
    assert len(published) == UPLOADERS * EACH
    for name, files in by_project.items():
        page: Any = reader.page(name)
        assert {one["filename"]: one["hashes"]["sha256"] for one in page["files"]} == files
    # Three entries for a new project with its first file, two for a new version of one that is there.
    highest = max(reader.page(name)["meta"]["_last-serial"] for name in by_project)  # type: ignore[index]
    assert highest == 2 * len(published) + len(by_project)
    reader.close()
