"""Bad news arrives at mirrors, and so does its end: bandersnatch, and a mirror that follows the XML-RPC changelog."""

from __future__ import annotations

import json
import time
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clients.mirroring import mirror_with_bandersnatch
from tests.clients.runner import succeeded
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.uploading import a_wheel, published, upload

from affineur.actions.hold import hold
from affineur.core.life.lifecycle import Act, Place, Said
from affineur.core.names import NormalizedName
from affineur.core.security import console
from affineur.settings import Settings
from affineur.shell.index import open_index


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    with serve(data, initialise(data)) as running:
        for name in ("brie", "edam"):
            published(upload(running, a_wheel(name)))
        yield running


class OldMirror:
    """As mirrors did before there was a simple API to ask: each project with a new serial is fetched again, what its
    document no longer names is deleted, and a project of which a ``remove project`` is told goes whole.
    """

    def __init__(self, origin: Server) -> None:
        self.url, self.serial = origin.url, 0
        self.files: dict[str, set[str]] = {}

    def follow(self) -> list[str]:
        """Catch up; the actions that were told."""
        with xmlrpc.client.ServerProxy(f"{self.url}pypi", allow_none=True) as proxy:
            changes: list[Any] = proxy.changelog_since_serial(self.serial)  # type: ignore[assignment]
        for name, _, _, action, serial in changes:
            answer = httpx.get(f"{self.url}pypi/{name}/json")
            if answer.status_code == 404:
                continue  # as they do: nothing is deleted for a page that is missing
            document = answer.json()
            assert document["last_serial"] >= serial
            listed = {file["filename"] for files in document["releases"].values() for file in files}
            self.files[name] = set() if action == "remove project" else listed
            self.serial = max(self.serial, serial)
        return [action for *_, action, _ in changes]

    def begin_with_the_list(self) -> None:
        """A first copy, made from the list of all projects."""
        with xmlrpc.client.ServerProxy(f"{self.url}pypi", allow_none=True) as proxy:
            listed: Any = proxy.list_packages_with_serial()
        for name, serial in listed.items():
            document = httpx.get(f"{self.url}pypi/{name}/json").json()
            self.files[name] = {file["filename"] for files in document["releases"].values() for file in files}
            self.serial = max(self.serial, serial)


def listed_by_bandersnatch(origin: Server, folder: Path) -> dict[str, list[str]]:
    """What the copy offers of each project, after one more run."""
    deadline = time.monotonic() + 60
    newest = httpx.get(f"{origin.url}journal/head").json()["serial"]
    while json.loads(_root(origin))["meta"]["_last-serial"] < newest:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    succeeded(mirror_with_bandersnatch(origin.index, folder))
    pages = (folder / "mirror" / "web" / "simple").glob("*/index.v1_json")
    told = [json.loads(page.read_text()) for page in pages]
    return {page["name"]: [file["filename"] for file in page["files"]] for page in told}


def _root(origin: Server) -> bytes:
    return httpx.get(f"{origin.url}simple/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).content


def test_a_quarantine_and_its_end_arrive_at_both_kinds_of_mirror(origin: Server, tmp_path: Path) -> None:
    whole = {name: [f"{name}-1.0-py3-none-any.whl"] for name in ("brie", "edam")}
    held = whole | {"brie": []}
    old, late = OldMirror(origin), OldMirror(origin)
    assert old.follow()[0] == "create"
    assert {name: sorted(files) for name, files in old.files.items()} == whole
    assert listed_by_bandersnatch(origin, tmp_path / "copy") == whole

    affineur("archive", "brie", "--data", origin.data)
    affineur("quarantine", "brie", "--reason", "Mould", "--data", origin.data)
    assert old.follow() == ["project archived", "project quarantined"]
    late.begin_with_the_list()
    for mirror in (old, late):
        assert {name: sorted(files) for name, files in mirror.files.items()} == held
    assert listed_by_bandersnatch(origin, tmp_path / "copy") == held

    affineur("clear", "brie", "--data", origin.data)
    for mirror in (old, late):
        assert mirror.follow() == ["project quarantine cleared"]
        assert {name: sorted(files) for name, files in mirror.files.items()} == whole
    assert listed_by_bandersnatch(origin, tmp_path / "copy") == whole


def test_a_release_on_hold_leaves_both_kinds_of_mirror_the_others(origin: Server, tmp_path: Path) -> None:
    published(upload(origin, a_wheel("brie", "2.0")))
    old = OldMirror(origin)
    old.follow()
    files = ["brie-1.0-py3-none-any.whl", "brie-2.0-py3-none-any.whl"]
    assert sorted(old.files["brie"]) == files
    assert listed_by_bandersnatch(origin, tmp_path / "copy")["brie"] == files
    serials = [serial_in(tmp_path / "copy", "brie")]

    for act, left in (("withhold", files[:1]), ("unwithhold", files)):
        put_on_hold(origin, act, "brie", Place("2.0"))
        assert len(old.follow()) == 1
        assert sorted(old.files["brie"]) == left
        assert listed_by_bandersnatch(origin, tmp_path / "copy")["brie"] == left
        serials.append(serial_in(tmp_path / "copy", "brie"))
    assert serials == [serials[0], serials[0] + 1, serials[0] + 2]


def serial_in(copy: Path, name: str) -> int:
    """The serial that the copy knows of a project."""
    page = json.loads((copy / "mirror" / "web" / "simple" / name / "index.v1_json").read_text())
    return int(page["meta"]["_last-serial"])


def put_on_hold(origin: Server, act: Act, name: str, place: Place) -> None:
    """Carry out an act on a part of a project, as the console does."""
    index = open_index(Settings(data=origin.data))
    hold(index, console(datetime.now(UTC)), act, NormalizedName(name), place, Said(reason="Mould"))
    index.close()
