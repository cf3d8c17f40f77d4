"""What index pages are, in both serving modes: the rules of PEP 503, 592, 629, 691, 700, 714 and 792 over HTTP."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from tests.services.affineur import Server
from tests.web.serving_contract import HTML, JSON, PIP, Pair, both_modes
from tests.web.uploading import a_wheel, ask, form_of, post

REASON = 'mould <b>"&'


COMMANDS = [
    ("yank", "gouda", "3.0", "--reason", REASON),
    ("yank", "gouda", "4.0"),
    ("archive", "gouda", "--reason", "eaten & <gone>"),
    ("quarantine", "old-rind", "--reason", "smells"),
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with both_modes(tmp_path_factory.mktemp("pages") / "data", commands=COMMANDS) as pair:
        yield pair


@pytest.fixture(params=["python", "edge"])
def server(request: pytest.FixtureRequest, pair: Pair) -> Server:
    return pair.of(request.param)


class Anchors(HTMLParser):
    """The links and meta elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[dict[str, str | None], str]] = []
        self.meta: dict[str | None, str | None] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append((dict(attrs), ""))
        elif tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")

    def handle_data(self, data: str) -> None:
        if self.links and not self.links[-1][1]:
            self.links[-1] = (self.links[-1][0], data)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PIP, JSON),
        (JSON, JSON),
        (HTML, HTML),
        ("text/html", "text/html; charset=utf-8"),
        (None, "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        (JSON.replace("v1", "latest"), JSON),  # an alias is never echoed
        (HTML.replace("v1", "latest"), HTML),
        (f"{JSON};q=0.1, {HTML};q=0.2", HTML),
        (f"text/html;q=0.5 , {JSON} ; q=0.6", JSON),
    ],
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/gouda/"])
def test_the_accepted_form_is_sent(server: Server, path: str, accept: str | None, kind: str) -> None:
    answer = ask(server, "GET", path, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/json"])
def test_what_nobody_can_send_is_not_acceptable(server: Server, accept: str) -> None:
    answer = ask(server, "GET", "/simple/gouda/", accept=accept)
    assert answer.status == 406
    assert JSON in answer.text


def test_a_format_in_the_query_beats_accept(server: Server) -> None:
    answer = ask(server, "GET", f"/simple/gouda/?format={JSON.replace('+', '%2B')}", accept="text/html")
    assert answer.headers["content-type"] == JSON
    assert ask(server, "GET", "/simple/gouda/?format=yaml").status == 406


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/simple", "/simple/"),
        ("/simple/gouda", "/simple/gouda/"),
        ("/simple/Gouda/", "/simple/gouda/"),
        ("/simple/Old.Rind", "/simple/old-rind/"),
        ("/simple/old__.rind/", "/simple/old-rind/"),
    ],
)
def test_other_spellings_are_redirected_for_good(server: Server, path: str, target: str) -> None:
    answer = ask(server, "GET", path)
    assert (answer.status, answer.headers["location"]) == (301, target)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_missing_project_is_a_plain_404(server: Server) -> None:
    answer = ask(server, "GET", "/simple/stilton/", accept=PIP)
    assert (answer.status, answer.text) == (404, "404 Not Found")
    assert answer.headers["content-type"].startswith("text/plain")


def test_json_says_everything_pep_700_and_792_ask_for(server: Server) -> None:
    page = ask(server, "GET", "/simple/gouda/", accept=JSON).json
    assert page["meta"]["api-version"] == "1.4"
    assert page["name"] == "gouda"
    assert page["project-status"] == {"status": "archived", "reason": "[archived] eaten & <gone>"}
    assert set(page["versions"]) == {f"{number}.0" for number in range(1, 12)}
    files = {file["filename"]: file for file in page["files"]}
    assert len(files) == 12
    first = files["gouda-1.0-py3-none-any.whl"]
    assert first["requires-python"] in (">=3.8,<4", "<4,>=3.8")
    assert isinstance(first["size"], int)
    assert first["upload-time"].endswith("Z")
    assert set(first["core-metadata"]) == {"sha256"}
    assert "dist-info-metadata" not in first
    assert files["gouda-3.0-py3-none-any.whl"]["yanked"] == REASON
    assert files["gouda-4.0-py3-none-any.whl"]["yanked"] is True


def test_html_says_it_so_that_pip_understands(server: Server) -> None:
    page = Anchors(ask(server, "GET", "/simple/gouda/", accept=HTML).text)
    assert page.meta["pypi:repository-version"] == "1.4"
    assert page.meta["pypi:project-status"] == "archived"
    assert page.meta["pypi:project-status-reason"] == "[archived] eaten & <gone>"
    links = {text: attributes for attributes, text in page.links}
    assert all(str(link["href"]).partition("#")[0].endswith(text) for text, link in links.items())
    assert links["gouda-3.0-py3-none-any.whl"]["data-yanked"] == REASON
    assert links["gouda-4.0-py3-none-any.whl"]["data-yanked"] == ""  # without a value pip would not see it
    assert "data-yanked" not in links["gouda-2.0-py3-none-any.whl"]
    assert links["gouda-1.0-py3-none-any.whl"]["data-requires-python"] in (">=3.8,<4", "<4,>=3.8")


def test_a_quarantined_project_keeps_its_page_and_offers_nothing(server: Server) -> None:
    page = ask(server, "GET", "/simple/old-rind/", accept=JSON).json
    assert page["project-status"]["status"] == "quarantined"
    assert re.fullmatch(r"\[quarantined\] smells \(case \d{4}-\d{4}\)", page["project-status"]["reason"])
    assert page["files"] == []
    assert ask(server, "GET", "/packages/old-rind/1.0/old_rind-1.0-py3-none-any.whl").status == 404


def test_the_root_list_has_serials_for_mirrors(server: Server) -> None:
    answer = ask(server, "GET", "/simple/", accept=JSON)
    page = answer.json
    assert answer.headers["x-pypi-last-serial"] == str(page["meta"]["_last-serial"])
    serials = {project["name"]: project["_last-serial"] for project in page["projects"]}
    assert {"cheddar", "gouda", "wheel-of-cheese"} <= serials.keys()
    for name, serial in serials.items():
        assert ask(server, "GET", f"/simple/{name}/", accept=JSON).json["meta"]["_last-serial"] >= serial


def test_only_nginx_leaves_the_serial_of_a_project_page_out(pair: Pair) -> None:
    # The one difference between the modes; the JSON API and the page itself have the serial in both.
    assert "x-pypi-last-serial" in ask(pair.python, "GET", "/simple/gouda/").headers
    assert "x-pypi-last-serial" not in ask(pair.edge, "GET", "/simple/gouda/").headers
    for server in (pair.python, pair.edge):
        assert ask(server, "GET", "/pypi/gouda/json").headers["x-pypi-last-serial"].isdigit()


@pytest.mark.parametrize("accept", [JSON, HTML, None])
def test_a_page_is_sent_packed_to_who_reads_gzip(server: Server, accept: str | None) -> None:
    plain = ask(server, "GET", "/simple/gouda/", accept=accept)
    packed = ask(server, "GET", "/simple/gouda/", accept=accept, accept_encoding="gzip, deflate")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("path", ["/simple/", "/simple/gouda/", "/simple/cheddar/"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_validator_saves_the_page(server: Server, path: str, encoding: str) -> None:
    first = ask(server, "GET", path, accept=PIP, accept_encoding=encoding)
    assert not first.headers["etag"].startswith("W/")
    assert first.headers["cache-control"] == "no-cache, public"
    again = ask(server, "GET", path, accept=PIP, accept_encoding=encoding, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["vary"] == first.headers["vary"]


def test_head_is_get_without_a_body(server: Server) -> None:
    whole, head = (ask(server, method, "/simple/gouda/", accept=PIP) for method in ("GET", "HEAD"))
    assert head.body == b""
    assert int(head.headers["content-length"]) == len(whole.body)


def test_scripts_of_other_sites_may_ask(server: Server) -> None:
    answer = ask(server, "OPTIONS", "/simple/gouda/", origin="https://example.org")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]
    page = ask(server, "GET", "/simple/gouda/")
    assert page.headers["access-control-allow-origin"] == "*"
    assert page.headers["access-control-expose-headers"] == "X-PyPI-Last-Serial"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_what_was_published_is_there_with_the_next_request(server: Server) -> None:
    name = f"fresh-{server.mode}"
    for number in range(1, 6):
        assert post(server, form_of(a_wheel(name, f"{number}.0"))).status == 200
        page = json.loads(ask(server, "GET", f"/simple/{name}/", accept=PIP).body)
        assert len(page["files"]) == number
