"""What is on hold answers nothing: at no address, in no manner, to nobody, from before the moderator has the answer.

In both serving modes, each with two workers, whatever clients kept from before the hold.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from tests.services.affineur import MODES, Server, initialise, serve
from tests.walks.uploading import JSON, Got, Reader
from tests.web.uploading import File, a_wheel, ask, published, upload

from affineur.actions.hold import hold
from affineur.core.life.lifecycle import Act, Place
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import load
from affineur.shell.index import open_index

CONNECTIONS = 3
"""Kept and fresh ones: enough to meet both workers of each server."""
LARGE = random.Random(1).randbytes(400_000)
"""More than is sent by the fast path."""


@pytest.fixture(scope="module", params=MODES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp(f"held-{request.param}") / "data"
    with serve(data, initialise(data), mode=request.param, workers=2) as running:
        yield running


@dataclass(frozen=True)
class Held:
    """A kind of hold: what is asked for, how it is given back, and which of the three files it is about."""

    act: Act
    back: Act
    name: str
    level: str

    def body(self, files: list[File]) -> dict[str, str]:
        """What the request names."""
        return {"release": {"version": "1.0"}, "file": {"file": files[0].filename}}.get(self.level, {})

    def split(self, files: list[File]) -> tuple[list[File], list[File]]:
        """The files that are held, and those that are not."""
        count = {"project": 3, "release": 2, "file": 1}[self.level]
        return files[:count], files[count:]


KINDS = [
    Held("quarantine", "clear", "brie", "project"),
    Held("quarantine", "clear", "comte", "release"),
    Held("withhold", "unwithhold", "edam", "file"),
    Held("withhold", "unwithhold", "feta", "project"),
]


def path_of(file: File) -> str:
    return f"/packages/{file.name}/{file.version}/{file.filename}"


def predictable_path(file: File) -> str:
    return f"/packages/py3/{file.name[0]}/{file.name}/{file.filename}"


@dataclass
class Client:
    """Somebody who downloaded everything before, kept the connection and the validators, and asks again."""

    reader: Reader
    before: dict[str, Got] = field(default_factory=dict)

    def download(self, files: list[File]) -> None:
        for file in files:
            for path in (path_of(file), f"{path_of(file)}.metadata"):
                self.before[path] = self.reader.get(path)
                assert self.before[path].status == 200

    def ask_for(self, file: File) -> dict[str, int]:
        """Every way there is to ask for it; what each was answered with."""
        answers = {"predictable": self.reader.get(predictable_path(file)).status}
        for path in (path_of(file), f"{path_of(file)}.metadata"):
            known = self.before[path].headers
            etag, at = known["etag"], known["last-modified"]
            ways: dict[str, dict[str, str]] = {
                "whole": {},
                "part": {"range": "bytes=0-9"},
                "rest by ETag": {"range": "bytes=100-", "if_range": etag},
                "rest by date": {"range": "bytes=100-", "if_range": at},
                "unchanged by ETag": {"if_none_match": etag},
                "unchanged by date": {"if_modified_since": at},
            }
            for way, headers in ways.items():
                for method in ("GET", "HEAD"):
                    answers[f"{method} {path} {way}"] = self.reader.get(path, method, **headers).status
            answers[f"escaped {path}"] = self.reader.get(path.replace("-1.0", "%2D1.0")).status
        return answers


class Poller(threading.Thread):
    """Asks for a file over and over, and once more when it is stopped; when each request was begun, and its answer."""

    def __init__(self, url: str, path: str) -> None:
        super().__init__()
        self.seen: list[tuple[float, int]] = []
        self.begun, self.stop = threading.Event(), threading.Event()
        self._reader, self._path = Reader(url), path

    def run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self.stop.is_set()
            begun = time.monotonic()
            try:
                status = self._reader.get(self._path, range="bytes=0-9").status
            except http.client.HTTPException:  # it went between being found and being opened: nothing was sent of it
                status = 0
                self._reader.close()
            self.seen.append((begun, status))
            self.begun.set()
        self._reader.close()


def act(server: Server, verb: Act, name: str, place: dict[str, str]) -> float:
    """Carry it out, by the API or, where that asks for more than a token, at the console; when it was answered."""
    if verb in ("quarantine", "clear"):
        answer = ask(server, "POST", f"/api/v1/projects/{name}/{verb}", json.dumps(place).encode(),
                     authorization=f"Bearer {server.token}", content_type="application/json")  # fmt: skip
        now = time.monotonic()
        assert answer.status == 200, answer
        return now
    index = open_index(load({"data": server.data}, {}).settings)
    held = Place(place.get("version"), place.get("file"))
    hold(index, console(datetime.now(UTC)), verb, NormalizedName(name), held)
    now = time.monotonic()
    index.close()
    return now


def listed(server: Server, name: str) -> list[set[str]]:
    """The files that each document about the project names."""
    reader = Reader(server.url)
    page = json.loads(reader.get(f"/simple/{name}/", accept=JSON).body)
    whole = json.loads(reader.get(f"/pypi/{name}/json").body)
    release = json.loads(reader.get(f"/pypi/{name}/1.0/json").body)
    html = reader.get(f"/simple/{name}/", accept="text/html").body.decode()
    reader.close()
    everywhere = {file["filename"] for files in whole["releases"].values() for file in files}
    return [
        {file["filename"] for file in page["files"]},
        everywhere | {file["filename"] for file in whole["urls"]},
        everywhere | {file["filename"] for file in release["urls"]},
        {name for name in everywhere | {file["filename"] for file in page["files"]} if f">{name}</a>" in html},
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.act}-{kind.level}")
def test_what_is_on_hold_answers_nothing_and_comes_back_the_same(served: Server, kind: Held) -> None:
    files = [
        a_wheel(kind.name, "1.0", files={f"{kind.name}/large.bin": LARGE}),
        a_wheel(kind.name, "1.0", tags="py2-none-any", wheel_file=b"Wheel-Version: 1.0\nTag: py2-none-any\n"),
        a_wheel(kind.name, "2.0"),
    ]
    for file in files:
        published(upload(served, file))
    clients = [Client(Reader(served.url)) for _ in range(CONNECTIONS)]
    for client in clients:
        client.download(files)
    held, left = kind.split(files)
    pollers = [Poller(served.url, path_of(held[0])), Poller(served.url, f"{path_of(held[-1])}.metadata")]
    for poller in pollers:
        poller.start()
    try:
        assert all(poller.begun.wait(60) for poller in pollers)
        answered_at = act(served, kind.act, kind.name, kind.body(files))
        for client in (*clients, *(Client(Reader(served.url), each.before) for each in clients)):
            for file in held:
                assert set(client.ask_for(file).values()) == {404}
            assert all(client.reader.get(path_of(file)).body == file.data for file in left)
    finally:
        for poller in pollers:
            poller.stop.set()
            poller.join()
    for poller in pollers:
        assert {status for begun, status in poller.seen if begun < answered_at} >= {206}
        assert {status for begun, status in poller.seen if begun > answered_at} == {404}
    for names in listed(served, kind.name):
        assert names == {file.filename for file in left}

    act(served, kind.back, kind.name, kind.body(files))
    for client in clients:
        for path, before in client.before.items():
            again = client.reader.get(path)
            assert (again.status, again.headers["etag"], again.body) == (200, before.headers["etag"], before.body)
        client.reader.close()
    for names in listed(served, kind.name):
        assert names == {file.filename for file in files}
