"""``/journal`` over HTTP: pages, waiting, feeds, and the rules of who may read."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from xmlrpc.client import ServerProxy

import pytest
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.uploading import Answer, a_wheel, ask, basic, published, store_of, upload

from affineur.core.history.chronicle import MEMBERS, parse_page
from affineur.core.history.journal import Event, faults
from affineur.shell.store import journal

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ("/journal.atom", "/journal.rss", "/project/brie/history.atom")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two projects, one of them quarantined for a reason that is no XML."""
    data = tmp_path_factory.mktemp("journal") / "data"
    with serve(data, initialise(data), environment={"AFFINEUR_INDEX_NAME": "Tom & Jerry's"}) as running:
        published(upload(running, a_wheel("Brie", metadata=core_metadata("Brie"))))
        published(upload(running, a_wheel("edam")))
        affineur("quarantine", "brie", "--reason", "<b>& Mould", "--data", data)
        yield running


def told(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    return answer.json


def head(server: Server) -> tuple[int, str]:
    said = told(ask(server, "GET", "/journal/head"))
    return said["serial"], said["hash"]


def append(server: Server, *projects: str) -> None:
    """Entries as another process writes them."""
    with store_of(server) as store, store.write() as connection:
        journal.append(connection, datetime.now().astimezone(), [Event("LimitsChanged", each) for each in projects])


def test_a_page_has_every_entry_in_order_and_proves_itself(index: Server) -> None:
    answer = ask(index, "GET", "/journal")
    page = parse_page(answer.body, 0)
    assert page.complete
    assert page.origin.startswith("urn:")
    assert list(faults(page.entries)) == []
    assert [(each.event.event, each.event.project) for each in page.entries][:7] == [
        ("ProjectCreated", "brie"), ("ReleaseCreated", "brie"), ("FilePublished", "brie"),
        ("ProjectCreated", "edam"), ("ReleaseCreated", "edam"), ("FilePublished", "edam"),
        ("ProjectQuarantined", "brie"),
    ]  # fmt: skip
    assert page.entries[6].event.hint == "hide"
    assert set(answer.json["entries"][0]) <= set(MEMBERS)
    assert answer.headers["x-journal-head"] == "{}:{}".format(*head(index))
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_full_page_is_kept_for_ever_and_the_last_one_for_seconds(index: Server) -> None:
    full = ask(index, "GET", "/journal?since=0&limit=3")
    assert (full.json["next"], full.json["complete"], len(full.json["entries"])) == (3, False, 3)
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "x-journal-head" not in full.headers, "it would grow old"
    before = full.body
    append(index, "edam")
    assert ask(index, "GET", "/journal?since=0&limit=3").body == before
    last = ask(index, "GET", "/journal?since=3")
    assert last.json["complete"] is True
    assert last.headers["cache-control"] == "public, max-age=5"
    for path, answer in (("/journal?since=0&limit=3", full), ("/journal?since=3", last)):
        assert ask(index, "GET", path, if_none_match=answer.headers["etag"]).status == 304
        packed = ask(index, "GET", path, accept_encoding="gzip")
        assert gzip.decompress(packed.body) == answer.body
        assert packed.headers["etag"] != answer.headers["etag"]
        assert packed.headers["vary"] == "Accept-Encoding"
    assert ask(index, "HEAD", "/journal").body == b""


def test_whoever_follows_next_sees_every_entry_once(index: Server) -> None:
    since, seen = 0, []
    while True:
        page = told(ask(index, "GET", f"/journal?since={since}&limit=2"))
        seen += [entry["serial"] for entry in page["entries"]]
        since = page["next"]
        if page["complete"]:
            break
    assert seen == list(range(1, head(index)[0] + 1))


def test_beyond_the_head_there_is_nothing_yet(index: Server) -> None:
    page = told(ask(index, "GET", "/journal?since=1000000"))
    assert (page["entries"], page["next"], page["complete"]) == ([], 1_000_000, True)


@pytest.mark.parametrize("query", ["since=-1", "since=x", "limit=0", "limit=5001", "wait=61", "wait=x", "since="])
def test_questions_that_make_no_sense_are_400_with_a_sentence(index: Server, query: str) -> None:
    answer = ask(index, "GET", f"/journal?{query}", accept="application/problem+json")
    assert answer.status == 400
    assert answer.json["rule"] == "journal.window"
    assert "it has to be" in answer.json["detail"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_scripts_may_ask_and_other_methods_may_not(index: Server) -> None:
    assert ask(index, "OPTIONS", "/journal").status == ask(index, "OPTIONS", "/journal/head").status == 204
    assert ask(index, "POST", "/journal").status == 405


def test_an_act_of_another_process_wakes_whoever_waits(index: Server) -> None:
    last, _ = head(index)
    with ThreadPoolExecutor(12) as people:
        began = time.monotonic()
        waiting = [people.submit(ask, index, "GET", f"/journal?since={last}&wait=50") for _ in range(12)]
        threading.Event().wait(0.5)
        assert not any(each.done() for each in waiting)
        affineur("archive", "edam", "--data", index.data)
        pages = [each.result(timeout=60) for each in waiting]
        assert time.monotonic() - began < 45, "they were woken, not timed out"
    for answer in pages:
        assert [each["event"] for each in answer.json["entries"]] == ["ProjectArchived"]
        assert answer.headers["cache-control"] == "public, no-cache"
    assert len({answer.body for answer in pages}) == 1


def test_waiting_ends_with_an_empty_page(index: Server) -> None:
    last, _ = head(index)
    page = told(ask(index, "GET", f"/journal?since={last}&wait=1"))
    assert (page["entries"], page["next"], page["complete"]) == ([], last, True)


def test_what_is_there_already_is_not_waited_for(index: Server) -> None:
    began = time.monotonic()
    assert told(ask(index, "GET", "/journal?since=0&wait=60"))["entries"]
    assert time.monotonic() - began < 30


def test_feeds_tell_events_in_sentences(index: Server) -> None:
    whole, rss, own = (ask(index, "GET", path) for path in FEEDS)
    entries = list(ElementTree.fromstring(own.body).iter(f"{ATOM}entry"))
    newest = entries[0]
    assert newest.findtext(f"{ATOM}title") == "brie: project quarantined"
    assert newest.findtext(f"{ATOM}content", "").endswith(": <b>& Mould.")
    assert newest.findtext(f"{ATOM}author/{ATOM}name")
    assert str(newest.findtext(f"{ATOM}updated")).endswith("Z")
    assert len(entries) == 4, "those of the other project are elsewhere"
    ids = [each.findtext(f"{ATOM}id") for each in ElementTree.fromstring(whole.body).iter(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids) == head(index)[0]
    assert {each.findtext(f"{ATOM}id") for each in entries} <= set(ids), "an entry is the same in every feed"
    items = list(ElementTree.fromstring(rss.body).iter("item"))
    assert len(items) == len(ids)
    assert len({item.findtext("guid") for item in items}) == len(items)
    assert "Tom & Jerry's" in str(ElementTree.fromstring(whole.body).findtext(f"{ATOM}title"))


@pytest.mark.parametrize("path", FEEDS)
def test_headers_suit_feed_readers(index: Server, path: str) -> None:
    answer = ask(index, "GET", path)
    assert answer.headers["content-type"].startswith(("application/atom+xml", "text/xml"))
    assert ask(index, "GET", path, if_none_match=answer.headers["etag"]).status == 304


def test_a_history_is_found_under_any_spelling_and_nobody_has_one_of_nothing(index: Server) -> None:
    moved = ask(index, "GET", "/project/Brie/history.atom")
    assert (moved.status, moved.headers["location"]) == (301, "/project/brie/history.atom")
    assert ask(index, "GET", "/project/gouda/history.atom").status == 404
    assert ask(index, "GET", "/project/-/history.atom").status == 404


def test_a_private_index_shows_its_journal_to_tokens_only_and_answers_who_waits_when_it_ends(
    server: Callable[..., Server],
) -> None:
    private = server(environment={"AFFINEUR_READ": "token"})
    for path in ("/journal", "/journal/head", *FEEDS, "/journal?since=0&wait=1"):
        assert ask(private, "GET", path).status == 401
    assert ask(private, "POST", "/pypi", b"").status == 401
    key = basic("__token__", private.token)
    shown = ask(private, "GET", "/journal", authorization=key)
    assert shown.status == 200
    assert shown.headers["cache-control"] == "private, max-age=5"

    with ThreadPoolExecutor(1) as people:
        waiting = people.submit(ask, private, "GET", "/journal?since=0&wait=60", authorization=key)
        threading.Event().wait(1)
        began = time.monotonic()
        private.process.terminate()
        assert told(waiting.result(timeout=60))["entries"] == []
        assert private.process.wait(60) == 0
        assert time.monotonic() - began < 40


def test_behind_nginx_as_without_it_all_of_this_is_answered(shared_server: Server) -> None:
    published(upload(shared_server, a_wheel("journal-told")))
    page = parse_page(ask(shared_server, "GET", "/journal?since=0&limit=5000").body, 0)
    assert "journal-told" in {each.event.project for each in page.entries}
    assert list(faults(page.entries)) == []
    assert ask(shared_server, "GET", "/journal?since=0&limit=1", accept_encoding="gzip").headers["cache-control"] == (
        "public, max-age=31536000, immutable"
    )
    empty = told(ask(shared_server, "GET", "/journal?since=999999999&wait=1"))
    assert (empty["entries"], empty["complete"]) == ([], True)
    assert ask(shared_server, "GET", "/project/journal-told/history.atom").status == 200
    with ServerProxy(f"{shared_server.url}pypi", allow_none=True) as proxy:
        assert "journal-told" in proxy.list_packages_with_serial()  # type: ignore[operator]
