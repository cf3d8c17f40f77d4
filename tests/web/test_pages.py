"""Pages for people, over HTTP: what they say, that nothing breaks out of its place, and their headers."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.cellar import SCRIPT, described, fill
from tests.web.uploading import Answer, a_wheel, ask, basic, published, store_of, upload

from affineur.shell.store import reading

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = (
    "/",
    "/search",
    "/search?q=roquefort",
    "/search?q=zzzz",
    "/project/roquefort/",
    "/project/roquefort/1.0/",
    "/project/roquefort/versions/",
    "/project/roquefort/files/",
    "/project/roquefort/dependencies/",
    "/project/old-rind/",
    "/project/brie-next/",
    "/project/mould/",
    "/project/bare/",
    "/project/hostile/",
    "/project/hostile/versions/",
    "/project/hostile/files/",
    "/project/hostile/dependencies/",
    "/help/",
    "/help/rules",
    "/project/rocfort/",
    "/nothing/here",
)


@pytest.fixture(scope="module")
def cellar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one project of each kind."""
    data = tmp_path_factory.mktemp("pages") / "data"
    with serve(data, initialise(data), environment={"AFFINEUR_INDEX_NAME": "The Cellar & Co"}) as running:
        fill(running)
        yield running


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server with other settings, given without their prefix, and publish Roquefort 1.0 on it."""
    with ExitStack() as running:

        def start(**settings: str) -> Server:
            environment = {f"AFFINEUR_{name.upper()}": value for name, value in settings.items()}
            data = tmp_path / "data"
            server = running.enter_context(serve(data, initialise(data), environment=environment))
            published(upload(server, a_wheel("Roquefort", metadata=described("1.0"))))
            return server

        yield start


def get(server: Server, path: str, **headers: str | None) -> Answer:
    return ask(server, "GET", path, **({"accept": HTML} | headers))


def html(server: Server, path: str) -> str:
    """The page at ``path``, white space folded."""
    answer = get(server, path)
    assert answer.status == 200, (path, answer.status, answer.text[-500:])
    return " ".join(answer.text.split())


def test_home_names_the_index_and_shows_how_to_use_this_very_one(cellar: Server) -> None:
    page = html(cellar, "/")
    assert "<h1>The Cellar &amp; Co</h1>" in page
    assert f"pip install --index-url {cellar.url}simple/ &lt;project&gt;" in page
    assert f"uv publish --publish-url {cellar.url}legacy/ dist/*" in page
    assert f"poetry source add the-cellar-co {cellar.url}simple/" in page
    assert "<b>7</b> projects · <b>12</b> files" in page


def test_home_lists_the_newest_releases_but_no_quarantined_project(cellar: Server) -> None:
    page = html(cellar, "/")
    assert page.index("/project/hostile/1.0/") < page.index("/project/roquefort/2.0rc1/")
    assert "mould" not in page


def test_an_empty_index_teaches_how_to_publish(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("empty") / "data"
    with serve(data, initialise(data)) as running:
        page = html(running, "/")
        assert "Nothing has been published yet." in page
        assert "<b>0</b> projects" in page
        assert "There is no project" in get(running, "/project/anything/").text


def test_a_project_page_answers_which_version_and_what_to_type(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/")
    assert '<h1>Roquefort <span class="version">1.1</span></h1>' in page, "the newest final release that is not yanked"
    assert f"pip install --index-url {cellar.url}simple/ roquefort<" in page
    assert "Blue veins for build logs" in page
    assert "<code>&gt;=3.9</code>" in page
    assert "<dd>MIT</dd>" in page
    assert "Ada Marchand" in page
    assert '<span class="person">operator</span> <span class="aside">owner</span>' in page


def test_links_have_the_labels_that_pep_753_knows(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/")
    found = re.findall(r'<a href="([^"]+)" rel="nofollow noreferrer ugc">([^<]+)</a> <span', page)
    assert found == [
        ("https://docs.example.org/", "Documentation"),
        ("https://tracker.example.org/", "Issues"),
        ("https://chat.example.org/", "Chat"),
    ]


def test_a_page_of_another_release_pins_its_version_and_names_the_newer_one(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/1.0/")
    assert f"{cellar.url}simple/ roquefort==1.0<" in page
    assert "A newer version is out: <a" in page
    assert "This release was" in page
    assert "Reason: Loses lines." in page


def test_versions_come_newest_first_with_what_is_yanked_and_why(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/versions/")
    table = page[page.index("<tbody") : page.index("</tbody>")]
    assert re.findall(r">(\d[^<]*)</a>", table) == ["2.0rc1", "2 files", "1.1", "2 files", "1.0", "2 files"]
    assert table.index("pre-release") < table.index("latest") < table.index("Loses lines.")


def test_files_show_size_digest_and_metadata_and_can_be_downloaded(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/files/")
    for filename in ("roquefort-1.1.tar.gz", "roquefort-1.1-py3-none-any.whl"):
        where = f"/packages/roquefort/1.1/{filename}"
        assert f'<a href="{where}">{filename}</a>' in page
        assert get(cellar, where).status == 200
    assert "Wheel for Python 3, any platform" in page
    assert "/roquefort-1.1-py3-none-any.whl.metadata" in page
    assert len(re.findall(r'data-copy="[0-9a-f]{64}"', page)) == 2


def test_dependencies_are_sorted_by_when_they_are_needed_and_linked_where_they_are_here(cellar: Server) -> None:
    page = html(cellar, "/project/roquefort/dependencies/")
    assert '<a href="/project/comte/">comte</a></span> <code>&gt;=2, &lt;3</code>' in page
    assert "/project/colorama/" not in page
    order = ["<h3>Always</h3>", "comte</a>", "<h3>Under a condition</h3>", "colorama", 'id="extra-test"', "tomme"]
    assert [page.index(text) for text in order] == sorted(page.index(text) for text in order)
    assert "tomme[fast]" in page
    assert "if <code>python_version &lt; &#34;3.12&#34;</code>" in page


@pytest.mark.parametrize(
    ("name", "status", "meaning", "reason"),
    [
        ("old-rind", "archived", "closed for uploads", "Finished."),
        ("brie-next", "deprecated", "its maintainers advise against it", "Use comte instead"),
        ("mould", "quarantined", "It cannot be installed at present", "Sends secrets away."),
    ],
)
def test_a_status_says_what_it_means_for_installing_since_when_and_why(
    cellar: Server, name: str, status: str, meaning: str, reason: str
) -> None:
    page = html(cellar, f"/project/{name}/")
    assert f'class="chip {status}"' in page
    assert meaning in page
    assert f"Reason: {reason}" in page
    assert "Since <time" in page


def test_a_quarantined_project_shows_no_file_and_no_command_on_any_page(cellar: Server) -> None:
    for part in ("", "files/", "versions/", "1.0/", "dependencies/"):
        page = html(cellar, f"/project/mould/{part}")
        assert "quarantined" in page
        assert "/packages/" not in page
        assert "pip install" not in page
    assert "/project/mould/" not in html(cellar, "/search?q=mould")


def test_a_release_without_description_teaches_its_author(cellar: Server) -> None:
    assert "This release has no description." in html(cellar, "/project/bare/")


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/project/Roquefort/", "/project/roquefort/"),
        ("/project/roquefort", "/project/roquefort/"),
        ("/project/roquefort/1.1.0/", "/project/roquefort/1.1/"),
        ("/project/ROQUEFORT/v1.1/files", "/project/roquefort/1.1/files/"),
        ("/project/roquefort/2.0-RC.1/", "/project/roquefort/2.0rc1/"),
        ("/project/roquefort/1.0/versions/", "/project/roquefort/versions/"),
        ("/project/old_rind/?x=1", "/project/old-rind/?x=1"),
    ],
)
def test_another_spelling_is_redirected_to_the_one_address(cellar: Server, asked: str, place: str) -> None:
    answer, seen = get(cellar, asked), asked
    for _ in range(3):
        if answer.status != 301:
            break
        seen = answer.headers["location"]
        answer = get(cellar, seen)
    assert (seen, answer.status) == (place, 200)


def test_a_project_that_is_not_here_is_404_with_names_that_may_be_meant(cellar: Server) -> None:
    answer = get(cellar, "/project/rocquefort/")
    assert answer.status == 404
    assert "There is no project <q>rocquefort</q> here" in answer.text
    assert 'href="/project/roquefort/"' in answer.text
    assert "normalised form" in answer.text


def test_a_version_that_is_not_here_is_404_and_points_to_those_that_are(cellar: Server) -> None:
    answer = get(cellar, "/project/roquefort/9.9/")
    assert answer.status == 404
    assert "roquefort has no version 9.9 here" in answer.text
    assert "/project/roquefort/versions/" in answer.text


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "-x-", "%00", "%3Cscript%3E", "a" * 300, "%e2%80%ae"])
def test_what_is_no_name_is_404_and_says_so(cellar: Server, name: str) -> None:
    answer = get(cellar, f"/project/{name}/")
    assert answer.status == 404
    assert "<script>alert" not in answer.text


def test_programs_get_a_plain_404_and_browsers_a_page(cellar: Server) -> None:
    assert ask(cellar, "GET", "/nothing").text == "404 Not Found\n"
    assert "There is nothing at this address" in get(cellar, "/nothing").text
    wrong_method = ask(cellar, "POST", "/", accept=HTML)
    assert (wrong_method.status, sorted(wrong_method.headers["allow"].split(", "))) == (405, ["GET", "HEAD"])


def test_search_finds_corrects_orders_and_says_when_there_is_nothing(cellar: Server) -> None:
    assert 'href="/project/roquefort/"' in html(cellar, "/search?q=build+logs")
    assert "roquefort" in html(cellar, "/search?q=roqeufort")
    by_name = html(cellar, "/search?q=project&order=name")
    assert by_name.index("/project/brie-next/") < by_name.index("/project/comte/") < by_name.index("/project/old-rind/")
    assert 'class="chip archived"' in by_name
    assert "No project on this index matches" in html(cellar, "/search?q=zzzz")
    assert "There are no more results" in html(cellar, "/search?q=project&page=40")


@pytest.mark.parametrize(
    "query", ["q=%22%27%3E%3Cscript%3E", "q=a&order=evil&page=-1", "q=" + "x%20" * 3000, "page=%C2%B2"]
)
def test_search_takes_any_text_and_any_parameter(cellar: Server, query: str) -> None:
    answer = get(cellar, f"/search?{query}")
    assert answer.status in (200, 400)
    assert "<script>alert" not in answer.text
    assert "><script>" not in answer.text.partition("<body>")[2]


@pytest.mark.parametrize("path", PAGES)
def test_no_text_of_a_project_breaks_out_of_its_place(cellar: Server, path: str) -> None:
    page = get(cellar, path).text
    body = page.partition("</head>")[2]
    assert "<script" not in page.replace(re.findall(r"<script src=[^>]+ defer></script>", page)[0], "")
    assert not re.search(r'(href|src|action)="\s*(javascript|data|vbscript):', body, re.IGNORECASE)
    assert not re.search(r"<[^>]+\son\w+\s*=", re.sub(r'"[^"]*"', '""', body))
    assert not re.search(r"<(iframe|style|object|embed|base|meta|link)\b", body)
    assert " style=" not in re.sub(r'"[^"]*"', '""', body)


def test_hostile_texts_are_shown_as_what_they_are(cellar: Server) -> None:
    page = html(cellar, "/project/hostile/")
    escaped = SCRIPT.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;").replace("'", "&#39;")
    assert page.count(escaped) >= 5
    assert 'href="https://example.org/&#34;onclick=&#34;alert(1)"' in page
    assert "javascript:alert(1)&#34;" not in page


def test_a_description_is_fitted_into_the_page(cellar: Server) -> None:
    prose = get(cellar, "/project/roquefort/").text.partition('<div class="prose">')[2].partition("<aside")[0]
    assert "<img" not in prose, "no image of another host is loaded"
    assert '<a href="https://images.example.org/shot.png" rel="nofollow noreferrer ugc">' in prose
    assert '<span class="image">a screenshot</span>' in prose
    assert re.search(r'<a href="https://ci.example.org/"[^>]*><span class="image">build</span></a>', prose)
    assert "docs/guide.md" not in prose, "a link into the project's repository leads nowhere here"
    assert 'href="https://docs.example.org/" rel="nofollow noreferrer ugc"' in prose
    assert re.findall(r"<h(\d)", prose) == ["3", "4", "3"], "below the page's own headings, none left out"
    assert "☑ quick" in prose
    assert "<input" not in prose
    assert "banner" not in prose, "a description cannot dress up as a part of the page"


def test_images_of_other_hosts_are_loaded_where_the_operator_allows_it(other: Callable[..., Server]) -> None:
    answer = get(other(remote_images="true"), "/project/roquefort/")
    assert 'src="https://images.example.org/shot.png"' in answer.text
    assert "img-src 'self' https: http:;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers_that_protect_it(cellar: Server, path: str) -> None:
    headers = get(cellar, path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_a_page_is_asked_for_again_each_time_and_then_not_sent_again(cellar: Server) -> None:
    first = get(cellar, "/project/roquefort/")
    assert first.headers["cache-control"] == "no-cache, public"
    second = get(cellar, "/project/roquefort/", if_none_match=first.headers["etag"])
    assert (second.status, second.body) == (304, b"")
    published(upload(cellar, a_wheel("comte", "2.0", metadata=core_metadata("comte", "2.0"))))
    assert '<span class="version">2.0</span>' in get(cellar, "/project/comte/").text, "at once"


def test_pages_are_compressed_for_those_who_can_read_it(cellar: Server) -> None:
    packed = get(cellar, "/help/", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) * 2 < len(get(cellar, "/help/").body)
    assert packed.headers["vary"] == "Accept-Encoding"


def test_static_files_are_kept_for_ever_under_their_digest_only(cellar: Server) -> None:
    found = re.findall(r'"(/static/[^"]+)"', get(cellar, "/").text)
    assert {path.rpartition(".")[2] for path in found} == {"svg", "css", "js"}
    for path in found:
        answer = get(cellar, path)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        packed = get(cellar, path, accept_encoding="gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == answer.body
    assert get(cellar, "/static/0000/affineur.css").headers["cache-control"] == "no-cache"
    for wrong in ("/static/0000/nothing.css", "/static/0000/..%2fapp.py", "/static/0000/%2e%2e%2fapp.py"):
        assert get(cellar, wrong).status == 404


@pytest.mark.parametrize("host", ["evil.example.org", '"><script>', "a b", "x;rm -rf /", "[::1]:80"])
def test_a_host_that_is_none_does_not_end_up_in_a_command(cellar: Server, host: str) -> None:
    text = get(cellar, "/", host=host).text
    shown = re.findall(r"<code>pip install --index-url (\S+)", text)[0]
    assert shown == f"http://{host if re.fullmatch(r'[a-z.]+|.*:80', host) else cellar.url[7:-1]}/simple/"


def test_behind_a_front_with_a_path_every_link_has_it(other: Callable[..., Server]) -> None:
    page = get(other(base_url="https://example.org/python/"), "/project/roquefort/").text
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert links
    assert all(link.startswith("/python/") for link in links), links
    assert "--index-url https://example.org/python/simple/ roquefort" in page


def test_a_private_index_asks_a_browser_for_a_token_in_words(other: Callable[..., Server]) -> None:
    running = other(read="token")
    answer = get(running, "/project/roquefort/")
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert "This index is private" in answer.text
    assert "Blue veins" not in answer.text
    assert get(running, re.findall(r'"(/static/[^"]+css)"', answer.text)[0]).status == 200
    as_pip = get(running, "/simple/roquefort/", accept="application/vnd.pypi.simple.v1+json, text/html; q=0.01")
    assert (as_pip.status, "<html" in as_pip.text) == (401, False), "programs get one sentence"
    inside = get(running, "/project/roquefort/", authorization=basic("__token__", running.token))
    assert inside.status == 200
    assert inside.headers["cache-control"] == "no-cache, private"
    assert "give the user name <code>__token__</code>" in inside.text


def test_counts_beyond_the_exact_ones_say_so(cellar: Server) -> None:
    with store_of(cellar) as store, store.read() as connection:
        exact, about = reading.file_count(connection), reading.file_count(connection, exact_up_to=3)
    assert exact.is_exact
    assert not about.is_exact
    assert about.number >= exact.number


def test_taking_a_quarantine_back_shows_everything_again(cellar: Server) -> None:
    affineur("clear", "mould", "--data", cellar.data)
    try:
        assert "/packages/mould/1.0/" in html(cellar, "/project/mould/files/")
    finally:
        affineur("quarantine", "mould", "--reason", "Sends secrets away.", "--data", cellar.data)
