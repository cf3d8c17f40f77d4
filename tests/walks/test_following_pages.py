"""Mirrors of indexes that keep no journal: a real HTTP server that says what a test tells it to, in HTML and JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.actions.shelf import founded
from tests.shell.hostile_upstream import JSON, Answer, Upstream, upstream
from tests.walks.following_scene import followed, head_of, once, paths_of, soon

from affineur.core.history.copied_page import read_copy
from affineur.core.history.journal import faults
from affineur.core.names import NormalizedName
from affineur.core.views.simple import ProjectPage
from affineur.settings import Settings
from affineur.shell.index import Index
from affineur.shell.store import journal

BODY = b"a distribution, as far as a mirror is concerned"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Index]:
    """An empty data folder that is to become a mirror."""
    index = founded(Settings(data=tmp_path / "mirror"))
    yield index
    index.close()


@pytest.fixture
def origin() -> Iterator[Upstream]:
    """An index with two projects, in plain HTML as PEP 503 has it."""
    with upstream() as served:
        lists(served, "brie", "comte")
        shows(served, "brie", anchor("brie-1.0.tar.gz"))
        shows(served, "comte", anchor("comte-1.0.tar.gz"))
        for name in ("brie-1.0.tar.gz", "brie-1.1.tar.gz", "comte-1.0.tar.gz"):
            served.answers[f"/files/{name}"] = Answer(BODY + name.encode())
        yield served


def digest(filename: str) -> str:
    return hashlib.sha256(BODY + filename.encode()).hexdigest()


def anchor(filename: str, attributes: str = "", sha256: str = "") -> str:
    return f'<a href="/files/{filename}#sha256={sha256 or digest(filename)}" {attributes}>{filename}</a>'


def lists(served: Upstream, *names: str) -> None:
    served.answers["/simple/"] = Answer("".join(f'<a href="{name}/">{name}</a>' for name in names).encode())


def shows(served: Upstream, name: str, *anchors: str, head: str = "") -> None:
    served.answers[f"/simple/{name}/"] = Answer(f"<html><head>{head}</head><body>{''.join(anchors)}</body>".encode())


def shown(index: Index, name: str) -> ProjectPage:
    return read_copy(Path(index.tree.link(name), "v1.json").read_bytes(), NormalizedName(name))


def told(index: Index, since: int = 0) -> list[tuple[str, str, str]]:
    with index.store.read() as connection:
        assert list(faults(journal.entries(connection))) == []
        return [
            (entry.event.event, entry.event.filename or entry.event.project, entry.event.hint)
            for entry in journal.entries(connection, since)
        ]


def test_plain_html_is_enough_and_what_changes_becomes_events(here: Index, origin: Upstream) -> None:
    assert once(here, f"{origin.url}/simple/") is None
    assert [file.filename for file in shown(here, "brie").files] == ["brie-1.0.tar.gz"]
    assert shown(here, "brie").files[0].size_bytes == len(BODY + b"brie-1.0.tar.gz")
    assert (here.tree.root / "packages/brie/1.0/brie-1.0.tar.gz").read_bytes() == BODY + b"brie-1.0.tar.gz"
    serial, _ = head_of(here)
    shows(origin, "brie", anchor("brie-1.0.tar.gz", 'data-yanked="soft"'), anchor("brie-1.1.tar.gz"))
    shows(origin, "comte", head='<meta name="pypi:project-status" content="quarantined">')
    assert once(here, f"{origin.url}/simple/") is None
    assert sorted(told(here, serial)) == [
        ("FilePublished", "brie-1.1.tar.gz", "refresh"),
        ("FileYanked", "brie-1.0.tar.gz", "refresh"),
        ("ProjectQuarantined", "comte", "hide"),
    ]
    assert paths_of(here, "comte") == set()
    assert shown(here, "comte").status.status == "quarantined"
    assert [file.yanked_reason for file in shown(here, "brie").files] == ["soft", None]


def test_a_file_that_is_not_listed_any_more_goes_off_offer_before_anything_is_fetched(
    here: Index, origin: Upstream
) -> None:
    assert once(here, f"{origin.url}/simple/") is None
    origin.answers["/files/brie-1.1.tar.gz"] = Answer(status=503)
    shows(origin, "brie", anchor("brie-1.1.tar.gz"))
    with followed(here, f"{origin.url}/simple/", poll_seconds=0.2):
        assert soon(lambda: paths_of(here, "brie") == set())
        origin.answers["/files/brie-1.1.tar.gz"] = Answer(BODY + b"brie-1.1.tar.gz")
        assert soon(lambda: paths_of(here, "brie") == {"1.1/brie-1.1.tar.gz"})


def test_a_project_that_is_gone_keeps_a_page_that_says_so(here: Index, origin: Upstream) -> None:
    assert once(here, f"{origin.url}/simple/") is None
    lists(origin, "brie")
    del origin.answers["/simple/comte/"]
    assert once(here, f"{origin.url}/simple/") is None
    assert (shown(here, "comte").status.status, shown(here, "comte").files) == ("archived", ())
    assert ("ProjectRemoved", "comte", "purge") in told(here)
    serial, _ = head_of(here)
    assert once(here, f"{origin.url}/simple/") is None
    assert told(here, serial) == []  # it is told once
    lists(origin, "brie", "comte")
    shows(origin, "comte", anchor("comte-1.0.tar.gz"))
    assert once(here, f"{origin.url}/simple/") is None
    assert paths_of(here, "comte") == {"1.0/comte-1.0.tar.gz"}


def test_a_list_that_lost_most_projects_takes_nothing_away(here: Index, origin: Upstream) -> None:
    names = [f"cheese-{number}" for number in range(12)]
    lists(origin, *names)
    for name in names:
        shows(origin, name)
    assert once(here, f"{origin.url}/simple/") is None
    lists(origin)
    refusal = once(here, f"{origin.url}/simple/")
    assert refusal is not None
    assert refusal.rule == "follow.vanished"
    assert sorted(here.tree.names()) == sorted(names)


@pytest.mark.parametrize("lie", ["the file", "the page"])
def test_another_digest_stops_following(here: Index, origin: Upstream, lie: str) -> None:
    assert once(here, f"{origin.url}/simple/") is None
    if lie == "the file":
        shows(origin, "brie", anchor("brie-1.0.tar.gz"), anchor("brie-1.1.tar.gz", sha256="0" * 64))
    else:
        shows(origin, "brie", anchor("brie-1.0.tar.gz", sha256="0" * 64))
    refusal = once(here, f"{origin.url}/simple/")
    assert refusal is not None
    assert refusal.rule == "follow.digest"
    assert paths_of(here, "brie") == {"1.0/brie-1.0.tar.gz"}


def test_what_did_not_move_is_not_asked_for_again(here: Index, origin: Upstream) -> None:
    def root(serial: int) -> Answer:
        projects = [{"name": "brie", "_last-serial": serial}, {"name": "comte", "_last-serial": 1}]
        return Answer(json.dumps({"meta": {"api-version": "1.4"}, "projects": projects}).encode(), content_type=JSON)

    origin.answers["/simple/"] = root(1)
    with followed(here, f"{origin.url}/simple/", poll_seconds=0.05):
        assert soon(lambda: paths_of(here, "brie") != set() and origin.asked["/simple/"] > 3)
        shows(origin, "brie", anchor("brie-1.0.tar.gz"), anchor("brie-1.1.tar.gz"))
        origin.answers["/simple/"] = root(2)
        assert soon(lambda: len(paths_of(here, "brie")) == 2)
    assert origin.asked["/simple/brie/"] == 2
    assert origin.asked["/simple/comte/"] == 1


def test_a_digest_that_is_a_path_leads_nowhere(here: Index, origin: Upstream) -> None:
    secret = here.settings.data / "secret"
    secret.write_bytes(b"nobody's business")
    way = "../mirror/" + "./" * 24 + "secret"
    assert len(way) == 64
    file = {"filename": "brie-1.0.tar.gz", "url": "/files/brie-1.0.tar.gz", "hashes": {"sha256": way}, "size": 17}
    page = {"meta": {"api-version": "1.1"}, "name": "brie", "versions": ["1.0"], "files": [file]}
    origin.answers["/simple/brie/"] = Answer(json.dumps(page).encode(), content_type=JSON)
    assert once(here, f"{origin.url}/simple/") is None
    assert (paths_of(here, "brie"), shown(here, "brie").files) == (set(), ())
    assert secret.read_bytes() == b"nobody's business"
