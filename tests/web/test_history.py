"""What everybody sees of a state: banners, the history of a project, and the journal as pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.services.affineur import Server, initialise, serve
from tests.web.cellar import wait_for_search
from tests.web.states import HELD_FILE, SCRIPT, at_hand, fill
from tests.web.uploading import Answer, ask

from affineur.core.history.journal import GENESIS
from affineur.shell.store import chronicle, journal

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = (
    "/project/brie/", "/project/brie/1.0/", "/project/brie/2.0/files/", "/project/brie/versions/",
    "/project/brie/history/", "/project/mould/history/", "/journal/", "/journal/1", "/journal/18",
)  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with projects in every state (`states.fill`); nothing is written later."""
    data = tmp_path_factory.mktemp("history") / "data"
    with serve(data, initialise(data)) as running:
        fill(running)
        yield running


def get(server: Server, path: str, **headers: str | None) -> Answer:
    return ask(server, "GET", path, **({"accept": HTML} | headers))


def html(server: Server, path: str) -> str:
    """The page at ``path``, white space folded."""
    answer = get(server, path)
    assert answer.status == 200, (path, answer.status, answer.text[-500:])
    return " ".join(answer.text.split())


def banners(page: str) -> list[str]:
    """The text of each banner."""
    found = re.findall(r'<section class="banner [^>]*>(.*?)</section>', page)
    return [" ".join(re.sub(r"<[^>]*>", "", each).split()) for each in found]


def test_a_page_tells_every_fact_about_a_project_each_with_reason_and_way_on(index: Server) -> None:
    page = html(index, "/project/brie/")
    archived, deprecated = banners(page)
    assert archived.startswith("This project is archived. It still installs as before")
    assert "Reason: No more milk." in archived
    assert "Since " in archived
    assert "Use instead: comte &gt;=1" in deprecated
    assert '<a href="/project/comte/">comte</a>' in page
    assert 'href="/project/brie/report/"' in page


def test_a_yanked_release_of_an_archived_project_shows_both(index: Server) -> None:
    told = banners(html(index, "/project/brie/1.0/"))
    assert [each.split(".")[0] for each in told[:3]] == [
        "This release was yanked", "This project is archived", "This project is deprecated",
    ]  # fmt: skip
    assert "except where exactly this version is asked for" in told[0]
    assert "Reason: it is not secure: Runs over " in told[0]
    assert "Since " in told[0]


def test_a_held_release_says_so_offers_nothing_and_is_not_the_latest(index: Server) -> None:
    page = html(index, "/project/brie/2.0/")
    (held,) = (each for each in banners(page) if each.startswith("This release"))
    assert "is quarantined. It cannot be installed at present" in held
    assert "Case 2026-" in held
    assert 'href="/project/brie/appeal/"' in page
    assert "pip install" not in page
    assert "Words of 2.0" not in page, "what it says of itself is kept back, too"
    assert "nothing to install" in page
    assert '<h1>brie <span class="version">1.1</span>' in html(index, "/project/brie/")
    versions = html(index, "/project/brie/versions/")
    assert versions.index('class="chip quarantined"') < versions.index("latest</span>")
    assert "1 on hold" in versions


@pytest.mark.parametrize(
    ("version", "held", "offered"),
    [("1.1", HELD_FILE, "brie-1.1-py3-none-any.whl"), ("2.0", "brie-2.0-py3-none-any.whl", None)],
)
def test_a_held_file_is_listed_with_its_digest_and_without_a_link(
    index: Server, version: str, held: str, offered: str | None
) -> None:
    page = html(index, f"/project/brie/{version}/files/")
    links = re.findall(r'href="/packages/[^"]*/([^/"]+)"', page)
    assert held in page
    assert held not in links
    assert not [link for link in links if link.startswith(held)], "nor its metadata"
    assert (offered in links) if offered else links == []
    assert len(re.findall(r'data-copy="[0-9a-f]{64}"', page)) == (2 if offered else 1)


def test_a_project_off_offer_answers_with_all_that_holds_and_never_says_it_installs(index: Server) -> None:
    page = html(index, "/project/mould/")
    quarantined, archived = banners(page)
    assert "It cannot be installed at present" in quarantined
    assert "Reason: harmful code: Sends secrets away." in quarantined
    assert "still installs" not in archived
    assert "No matching distribution found" in page
    withheld = html(index, "/project/gone/")
    assert "This project is withheld." in banners(withheld)[0]
    assert "/packages/" not in page + withheld


def test_what_owners_wish_for_is_among_the_facts(index: Server) -> None:
    assert "<dt>Its owners wish for</dt><dd>help with the work</dd>" in html(index, "/project/comte/")


def test_the_history_has_every_entry_newest_first_with_actor_rule_case_and_serial(index: Server) -> None:
    page = html(index, "/project/brie/history/")
    with at_hand(index) as opened, opened.store.read() as connection:
        entries = [each for each in journal.entries(connection) if each.event.project == "brie"]
    serials = [int(each) for each in re.findall(r'id="entry-(\d+)"', page)]
    assert serials == [each.serial for each in reversed(entries)]
    assert "The project was archived: it stays on offer and gets no new releases: No more milk." in page
    assert 'rule <a href="/help/rules/lifecycle.archive">lifecycle.archive</a>' in page
    assert "by an operator of the index" in page
    assert "case 2026-0001" in page
    assert f'<a href="/journal/{serials[0]}">entry {serials[0]}</a>' in page
    assert 'href="/project/brie/history.atom"' in page


def test_every_rule_that_a_history_links_is_there(index: Server) -> None:
    links = set(re.findall(r'href="(/help/rules[^"]*)"', html(index, "/journal/")))
    assert any(link.startswith("/help/rules#upload.") for link in links)
    for link in links:
        path, _, anchor = link.partition("#")
        page = html(index, path)
        assert not anchor or f'id="{anchor}"' in page


@pytest.mark.parametrize("name", ["mould", "gone"])
def test_the_history_of_a_project_off_offer_is_read_like_any_other(index: Server, name: str) -> None:
    page = html(index, f"/project/{name}/history/")
    assert "The project was taken off offer" in page
    assert "was published." in page
    assert f'href="/project/{name}/history.atom"' in page


def test_a_history_goes_on_where_its_part_ends(index: Server) -> None:
    newest = re.findall(r'id="entry-(\d+)"', html(index, "/project/brie/history/"))
    rest = re.findall(r'id="entry-(\d+)"', html(index, f"/project/brie/history/?before={newest[2]}"))
    assert rest == newest[3:]
    for nonsense in ("x", "-1", "0", "9" * 40, "%00"):
        assert re.findall(r'id="entry-(\d+)"', html(index, f"/project/brie/history/?before={nonsense}")) == newest


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/project/Brie/history", "/project/brie/history/"),
        ("/project/brie/1.0/history/", "/project/brie/history/"),
        ("/project/Mould/history/?before=9", "/project/mould/history/?before=9"),
    ],
)
def test_a_history_has_one_address(index: Server, asked: str, place: str) -> None:
    answer = get(index, asked)
    assert (answer.status, answer.headers["location"]) == (301, place)


def test_a_look_back_goes_through_a_bounded_number_of_entries_and_says_where_to_go_on(
    index: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chronicle, "LOOKED_AT", 5)
    with at_hand(index) as opened, opened.store.read() as connection:
        last, _ = journal.head(connection)
        seen: list[int] = []
        before: int | None = None
        for _ in range(last):
            look = chronicle.back(connection, before, 2, events=("FilePublished", "ProjectCreated"))
            seen += [each.serial for each in look.entries]
            before = look.older
            if before is None:
                break
        every = [
            each for each in journal.entries(connection) if each.event.event in ("FilePublished", "ProjectCreated")
        ]
        assert seen == [each.serial for each in reversed(every)]
        assert chronicle.back(connection, 1, 10).entries == []


def test_the_journal_shows_its_head_and_filters_by_kind_and_project(index: Server) -> None:
    page = html(index, "/journal/")
    head = ask(index, "GET", "/journal/head").json
    assert f"{head['serial']}:{head['hash']}" in page
    assert re.findall(r'id="entry-(\d+)"', page) == [str(each) for each in range(head["serial"], 0, -1)]
    held = re.findall(r'<li class="(\w+)" id="entry', html(index, "/journal/?kind=held"))
    assert held == ["held"] * 4
    one = html(index, "/journal/?kind=FileYanked&project=BRIE")
    assert len(re.findall(r'id="entry-', one)) == 1
    assert '<option value="FileYanked" selected>' in one
    assert 'value="BRIE"' in one
    assert "No entry is like that" in html(index, "/journal/?kind=held&project=comte")
    assert html(index, "/journal/?kind=cheese").count('id="entry-') == head["serial"], "an unknown kind is none"


@pytest.mark.parametrize("project", ["%21", "%22%3E%3Cscript%3E", "%00", "-x-"])
def test_a_filter_that_can_be_no_name_says_so_and_shows_nothing(index: Server, project: str) -> None:
    page = html(index, f"/journal/?project={project}")
    assert 'class="error"' in page
    assert 'id="entry-' not in page


def test_an_entry_has_everything_and_says_whether_it_holds(index: Server) -> None:
    stored = ask(index, "GET", "/journal?since=0&limit=3").json["entries"]
    page = html(index, "/journal/3")
    for said in (stored[2]["hash"], stored[1]["hash"], stored[2]["sha256"], stored[2]["filename"], stored[2]["at"]):
        assert said in page
    assert "its contents give its hash, and it continues <a" in page
    assert "/journal?since=2&amp;limit=1" in page
    assert "affineur journal verify" in page
    first = html(index, "/journal/1")
    assert GENESIS in first
    assert "it is the first" in first
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in html(index, f"/journal/{ask(index, 'GET', '/journal/head').json['serial']}")


def test_what_changed_is_shown_before_and_after(index: Server) -> None:
    head = ask(index, "GET", "/journal").json["entries"]
    (archived,) = (each for each in head if each["event"] == "ProjectArchived" and each["project"] == "brie")
    page = html(index, f"/journal/{archived['serial']}")
    assert (
        '<th scope="row">maintenance</th><td data-label="Before">active</td><td data-label="After">archived</td>'
        in page
    )


@pytest.mark.parametrize("serial", ["0", "01", "999999", "9" * 40, "-1", "x", "%C2%B2"])
def test_a_serial_that_is_none_is_404(index: Server, serial: str) -> None:
    assert get(index, f"/journal/{serial}").status == 404
    assert ask(index, "GET", f"/journal/{serial}").status == 404


def test_programs_get_json_at_the_addresses_of_the_pages_and_caches_keep_them_apart(index: Server) -> None:
    entry = ask(index, "GET", "/journal/2")
    assert entry.json == ask(index, "GET", "/journal?since=1&limit=1").json["entries"][0]
    moved = ask(index, "GET", "/journal/?since=3")
    assert (moved.status, moved.headers["location"]) == (307, "/journal?since=3")
    for answer in (entry, moved, get(index, "/journal/2"), get(index, "/journal/")):
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
    again = get(index, "/journal/2", if_none_match=get(index, "/journal/2").headers["etag"])
    assert (again.status, again.headers["vary"]) == (304, "Accept, Accept-Encoding")


def test_the_feed_of_the_journal_leads_to_the_entries(index: Server) -> None:
    links = re.findall(r'href="http[^"]*/journal/(\d+)"', ask(index, "GET", "/journal.atom").text)
    assert links
    assert get(index, f"/journal/{links[0]}").status == 200


@pytest.mark.parametrize("path", PAGES)
def test_no_reason_breaks_out_of_its_place(index: Server, path: str) -> None:
    page = get(index, path).text
    assert SCRIPT not in page
    assert "<script>alert" not in page


def test_search_shows_every_fact_as_a_chip(index: Server) -> None:
    wait_for_search(index, "brie")
    page = html(index, "/search?q=brie")
    assert page.index('class="chip archived"') < page.index('class="chip deprecated"')
    assert "/project/mould/" not in html(index, "/search?q=mould")
