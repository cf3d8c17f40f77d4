"""Mirrors: equal to their origin whatever is done there; stop orders first; cut off, killed and lied to.

One real origin for all; what is done there is done by the same actions as ever, in this process. Each test has a
mirror of its own.
"""

from __future__ import annotations

import json
import random
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.actions.shelf import founded, publish
from tests.services.affineur import Server, initialise, serve
from tests.walks.between import Passed
from tests.walks.following_scene import (
    acts,
    alter,
    command,
    do,
    followed,
    head_of,
    is_equal,
    killer,
    lying,
    of_journal,
    once,
    paths_of,
    plain,
    rename,
    rewrite,
    seen_by_clients,
    skip,
    soon,
    statuses_and_files,
)

from affineur.actions.yank import Selection, set_yanked
from affineur.core.access import SYSTEM
from affineur.core.decision import Refused
from affineur.core.history.journal import faults
from affineur.core.names import NormalizedName
from affineur.projections import mend, mirror, pages
from affineur.projections.check import check
from affineur.settings import Settings
from affineur.shell import following
from affineur.shell.index import Index, open_index
from affineur.shell.store import journal
from affineur.shell.tree import ROOT


@pytest.fixture(scope="module")
def origin_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The index that everybody here follows."""
    data = tmp_path_factory.mktemp("origin") / "data"
    with serve(data, initialise(data)) as server:
        yield server


@pytest.fixture(scope="module")
def origin(origin_server: Server) -> Iterator[Index]:
    """The same index, for acts in this process."""
    index = open_index(Settings(data=origin_server.data))
    for name in ("brie", "comte", "feta"):
        publish(index, name)
    publish(index, "comte", "1.1", seconds=1)
    yield index
    index.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Index]:
    """An empty data folder that is to become a mirror."""
    index = founded(Settings(data=tmp_path / "mirror"))
    yield index
    index.close()


def test_a_mirror_is_equal_byte_for_byte_after_random_acts(here: Index, origin: Index, origin_server: Server) -> None:
    acts(origin, 1, 40)
    assert once(here, origin_server.url) is None
    assert seen_by_clients(here) == seen_by_clients(origin)
    acts(origin, 2, 20)
    assert once(here, f"{origin_server.url}simple/") is None
    assert seen_by_clients(here) == seen_by_clients(origin)
    with here.store.read() as connection:
        assert list(faults(journal.entries(connection))) == []
    assert head_of(here) == head_of(origin)
    assert here.origin == origin.origin
    assert pages.read_mark(here) == head_of(here)[0]


def test_a_stop_order_is_in_force_while_every_page_hangs(here: Index, origin: Index, origin_server: Server) -> None:
    with lying(origin_server) as told:
        publish(origin, "munster")
        assert once(here, told.url) is None
        assert paths_of(here, "munster")
        told.hangs = lambda path: path.startswith("/simple/")
        with followed(here, told.url):
            before = len(told.asked)
            publish(origin, "munster", "1.1", seconds=1)  # a page that hangs already …
            assert soon(lambda: "/simple/munster/" in told.asked[before:])
            do(origin, "quarantine", "munster", "malware")
            assert soon(lambda: not paths_of(here, "munster"))  # … keeps no order from being carried out
            assert json.loads(Path(here.tree.link("munster"), "v1.json").read_bytes())["files"]
            told.hangs = lambda path: False
            told.let_go.set()
            assert soon(lambda: is_equal(here, origin))
        do(origin, "clear", "munster")


def test_a_mirror_that_was_cut_off_catches_up(here: Index, origin: Index, origin_server: Server) -> None:
    with lying(origin_server) as told, followed(here, told.url):
        assert soon(lambda: is_equal(here, origin))
        told.is_cut = True
        acts(origin, 3, 10)
        publish(origin, "edam")
        assert soon(lambda: (following.recall(here.settings) or following.Following("")).trouble is not None)
        told.is_cut = False
        assert soon(lambda: is_equal(here, origin))


def refused_with(here: Index, origin: Index, server: Server, rule: str, change: Callable[[str, Passed], Passed],
                 name: str) -> None:  # fmt: skip
    """Following a liar stops with ``rule``; nothing after the lie is shown; once the truth is told it goes on."""
    assert once(here, server.url) is None
    before, known = seen_by_clients(here), head_of(here)
    publish(origin, name)
    do(origin, "archive", name, "done")
    with lying(server) as told:
        told.change = change
        refusal = once(here, told.url)
        assert refusal is not None and refusal.rule == rule
        state = following.recall(here.settings)
        assert state is not None and state.stopped is not None and state.stopped.rule == rule
        assert seen_by_clients(here) == before
        told.change = lambda path, passed: passed
        again = once(here, told.url)  # it stays stopped until somebody has looked at it
        assert again is not None and again.rule == rule
        assert head_of(here)[0] in (known[0], *range(known[0], head_of(origin)[0] + 1))
        assert once(here, told.url, again=True) is None
    assert seen_by_clients(here) == seen_by_clients(origin)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("follow.skipped", skip),
        ("follow.altered", alter),
        ("follow.rewritten", rewrite),
        ("follow.origin", rename),
    ],
)
def test_a_journal_that_lies_is_refused_and_reported(
    here: Index, origin: Index, origin_server: Server, rule: str, change: Callable[[dict[str, object]], None]
) -> None:
    refused_with(here, origin, origin_server, rule, of_journal(change), rule.replace(".", "-"))


def test_a_journal_that_was_rolled_back_is_refused(here: Index, origin: Index, origin_server: Server) -> None:
    def change(path: str, passed: Passed) -> Passed:
        since = path.partition("since=")[2].partition("&")[0]
        if path.startswith("/journal?"):
            empty = {"meta": {"schema": 1, "origin": origin.origin, "since": int(since)}, "entries": [],
                     "next": int(since), "complete": True}  # fmt: skip
            headers = {"content-type": "application/json", "x-journal-head": f"{int(since) - 1}:{'a' * 64}"}
            return Passed(200, headers, json.dumps(empty).encode())
        return passed

    refused_with(here, origin, origin_server, "follow.rolled-back", change, "rolled-back")


def test_a_journal_that_is_gone_is_refused_not_done_without(here: Index, origin: Index, origin_server: Server) -> None:
    def change(path: str, passed: Passed) -> Passed:
        return Passed(404, {}, b"") if path.startswith("/journal") else passed

    refused_with(here, origin, origin_server, "follow.journal-gone", change, "journal-gone")


def test_a_page_with_another_digest_than_the_journal_is_refused(
    here: Index, origin: Index, origin_server: Server
) -> None:
    def change(path: str, passed: Passed) -> Passed:
        if path == "/simple/page-digest/":
            import gzip

            body = gzip.decompress(passed.body) if passed.headers.pop("content-encoding", None) else passed.body
            page = json.loads(body)
            page["files"][0]["hashes"]["sha256"] = "0" * 64
            passed.body = json.dumps(page).encode()
        return passed

    refused_with(here, origin, origin_server, "follow.digest", change, "page-digest")


def test_a_file_with_another_digest_than_its_page_is_refused(here: Index, origin: Index, origin_server: Server) -> None:
    def change(path: str, passed: Passed) -> Passed:
        if path.startswith("/packages/file-digest/") and path.endswith(".whl"):
            passed.body = bytes(len(passed.body))
        return passed

    refused_with(here, origin, origin_server, "follow.digest", change, "file-digest")


def test_a_stop_order_before_a_lie_is_in_force(here: Index, origin: Index, origin_server: Server) -> None:
    publish(origin, "gouda")
    assert once(here, origin_server.url) is None
    do(origin, "quarantine", "gouda", "malware")
    publish(origin, "tilsit")
    with lying(origin_server) as told:
        told.change = of_journal(lambda body: body["entries"].__delitem__(1))  # type: ignore[attr-defined]
        refusal = once(here, told.url)
    assert refusal is not None and refusal.rule == "follow.skipped"
    assert not paths_of(here, "gouda")
    do(origin, "clear", "gouda")


def test_a_stop_order_that_a_killed_mirror_had_read_is_in_force_before_it_serves(
    here: Index, origin: Index, origin_server: Server
) -> None:
    publish(origin, "havarti")
    assert once(here, origin_server.url) is None
    do(origin, "quarantine", "havarti", "malware")
    with origin.store.read() as connection:
        entries = tuple(journal.entries(connection, head_of(here)[0]))
    with here.store.write() as connection:  # as far as a process came that was killed then
        from affineur.core.history.following import Position
        from affineur.shell.store import copies

        copies.adopt(connection, Position(*head_of(here)), entries)
    assert paths_of(here, "havarti")
    assert mirror.enforce(here) == 2  # the wheel and its metadata
    assert not paths_of(here, "havarti")
    do(origin, "clear", "havarti")


def test_a_follower_that_is_killed_again_and_again_converges(
    tmp_path: Path, origin: Index, origin_server: Server
) -> None:
    data = tmp_path / "killed"
    founded(Settings(data=data)).close()
    chosen = random.Random(7)
    stop = threading.Event()

    def keep_acting() -> None:
        number = 100
        while not stop.is_set():
            acts(origin, number, 2)
            number += 1
            time.sleep(0.05)

    began_at, _ = head_of(origin)
    acting = threading.Thread(target=keep_acting)
    acting.start()
    try:
        with killer(data, origin_server.url) as kill_after:
            for _ in range(30):
                kill_after(chosen.uniform(0.0, 0.25))
    finally:
        stop.set()
        acting.join()
    assert head_of(origin)[0] > began_at
    index = open_index(Settings(data=data))
    try:
        assert once(index, origin_server.url) is None
        assert seen_by_clients(index) == seen_by_clients(origin)
        with index.store.read() as connection:
            assert list(faults(journal.entries(connection))) == []
    finally:
        index.close()


def test_an_index_without_a_journal_is_followed_by_what_its_pages_say(
    here: Index, origin: Index, origin_server: Server
) -> None:
    with lying(origin_server) as told:
        told.change = plain
        assert once(here, told.url + "simple/") is None
        assert statuses_and_files(here) == statuses_and_files(origin)
        first = head_of(here)
        assert once(here, told.url + "simple/") is None
        assert head_of(here) == first  # nothing happened, nothing is told
        publish(origin, "plain-cheese")
        set_yanked(origin, SYSTEM, Selection(NormalizedName("comte")), True, datetime.now(UTC), "mould")
        do(origin, "quarantine", "feta", "malware")
        assert soon(lambda: origin.tree.serial(ROOT) == head_of(origin)[0])  # new projects are found in the list
        assert once(here, told.url + "simple/") is None
        assert statuses_and_files(here) == statuses_and_files(origin)
        assert not paths_of(here, "feta")
        with here.store.read() as connection:
            entries = list(journal.entries(connection, first[0]))
        told_events = {(entry.event.event, entry.event.project) for entry in entries}
        assert ("ProjectQuarantined", "feta") in told_events
        assert ("FileYanked", "comte") in told_events
        assert ("FilePublished", "plain-cheese") in told_events
        assert list(faults(entries, first)) == []
        do(origin, "clear", "feta")
        set_yanked(origin, SYSTEM, Selection(NormalizedName("comte")), False, datetime.now(UTC))
        assert once(here, told.url + "simple/") is None
        assert paths_of(here, "feta") == paths_of(origin, "feta")


def test_an_index_with_projects_of_its_own_becomes_no_mirror(here: Index, origin_server: Server) -> None:
    publish(here, "mine")
    with pytest.raises(Refused, match="projects of its own"):
        once(here, origin_server.url)
    assert paths_of(here, "mine")


def test_a_served_mirror_follows_in_the_background_takes_nothing_and_says_whose_it_is(
    tmp_path: Path, origin: Index, origin_server: Server
) -> None:
    data = tmp_path / "served"
    founded(Settings(data=data)).close()
    (data / "affineur.toml").write_text(f'follows = "{origin_server.url}"\n')
    publish(origin, "asiago")
    with serve(data, "") as server, httpx.Client(base_url=server.url, timeout=20) as client:
        wheel = "packages/asiago/1.0/asiago-1.0-py3-none-any.whl"
        assert soon(lambda: client.get(wheel).status_code == 200)
        assert client.get("/simple/asiago/").content == httpx.get(f"{origin_server.url}simple/asiago/").content
        do(origin, "quarantine", "asiago", "malware")
        assert soon(lambda: client.get(wheel).status_code == 404)
        do(origin, "clear", "asiago")
        assert soon(lambda: client.get(wheel).status_code == 200)
        refused = client.post("/legacy/", files={"content": ("x-1.0.tar.gz", b"x")}, data={":action": "file_upload"})
        assert refused.status_code == 403
        assert "read-only mirror of " + origin_server.url in refused.text
        assert client.post("/_/oidc/mint-token", json={"token": "x"}).status_code == 403
        page = client.get("/project/asiago/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert f'href="{origin_server.url}project/asiago/"' in page.text
        assert client.get("/project/nobody-knows/").status_code == 404
        assert client.get("/pypi/asiago/json").headers["location"] == f"{origin_server.url}pypi/asiago/json"
        with pytest.raises(xmlrpc.client.Fault, match="mirror"):  # not an empty list, which others would take over
            xmlrpc.client.ServerProxy(f"{server.url}pypi").list_packages_with_serial()
        assert soon(lambda: client.get("/journal/head").json() == httpx.get(f"{origin_server.url}journal/head").json())
        assert soon(lambda: "affineur_follow_lag 0.0" in client.get("/metrics").text)
        assert client.get("/journal", params={"since": 0}).json()["meta"]["origin"] == origin.origin
    index = open_index(Settings(data=data))
    try:  # neither a restart nor a check takes the tree for damage
        assert [*check(index, datetime.now(UTC))] == []
        with pytest.raises(Refused, match="mirror"):
            mend.rebuild(index, datetime.now(UTC))
        path = next((index.tree.root / "packages" / "asiago").rglob("*.whl"))
        path.unlink()
        assert [finding.kind for finding in check(index, datetime.now(UTC), quick=True)] == ["missing-link"]
    finally:
        index.close()


def test_the_command_says_how_far_it_is_and_why_it_stopped(
    tmp_path: Path, origin: Index, origin_server: Server
) -> None:
    data = tmp_path / "by-hand"
    founded(Settings(data=data)).close()
    url = origin_server.url
    assert "follows no other index" in command("--status", "--data", data, code=1)
    said = json.loads(command(url, "--once", "--json", "--data", data))
    assert (said["kind"], said["origin"], said["stopped"]) == ("journal", origin.origin, None)
    assert said["serial"] == said["shown"] == head_of(origin)[0]
    publish(origin, "ricotta")
    with lying(origin_server) as told:
        told.change = of_journal(skip)
        output = command(told.url, "--once", "--data", data, code=1)
        assert "entries are missing" in output
        assert "[follow.skipped]" in output
    assert "STOPPED: " in command("--status", "--data", data, code=1)
    assert "shows serial" in command(url, "--once", "--again", "--data", data)
    assert "STOPPED" not in command("--status", "--data", data)
