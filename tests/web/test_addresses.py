"""Where requests are sent on to, below which path, and what is said at an address that was meant otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.affineur import MODES, Server, initialise, serve
from tests.web.uploading import a_wheel, an_sdist, ask, basic, form_of, post, published, upload

FILE = "/packages/brie/1.0/brie-1.0-py3-none-any.whl"


@pytest.fixture(scope="module", params=MODES)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An index at the top of its host, with one project."""
    data = tmp_path_factory.mktemp("addresses") / "data"
    with serve(data, initialise(data), mode=request.param) as running:
        published(upload(running, a_wheel("brie")))
        yield running


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An index below a path of its host; the setting is given without a slash at its end."""
    data = tmp_path_factory.mktemp("below") / "data"
    with serve(data, initialise(data), environment={"AFFINEUR_BASE_URL": "https://example.org/python"}) as running:
        published(upload(running, a_wheel("brie")))
        published(upload(running, an_sdist("brie")))
        yield running


@pytest.fixture(scope="module", params=MODES)
def private(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("private") / "data"
    environment = {"AFFINEUR_READ": "token"}
    with serve(data, initialise(data, environment), mode=request.param, environment=environment) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        ("/simple", 301, "/python/simple/"),
        ("/simple/B.rie/?x=1", 301, "/python/simple/b-rie/?x=1"),
        ("/pypi/B.rie/json", 301, "/python/pypi/b-rie/json"),
        ("/pypi/B.rie/1.0+local/json", 301, "/python/pypi/b-rie/1.0+local/json"),
        ("/rss/project/B.rie/releases.xml", 301, "/python/rss/project/b-rie/releases.xml"),
        ("/packages/source/b/brie/brie-1.0.tar.gz", 302, "/python/packages/brie/1.0/brie-1.0.tar.gz"),
        ("/project/Brie/", 301, "/python/project/brie/"),
    ],
)
def test_below_a_path_every_redirect_has_it(below: Server, path: str, status: int, target: str) -> None:
    answer = ask(below, "GET", path)
    assert (answer.status, answer.headers["location"]) == (status, target)


def test_pages_of_an_index_with_a_tls_address_of_its_own_ask_for_tls(tmp_path: Path, below: Server) -> None:
    data = tmp_path / "data"
    with serve(data, initialise(data), environment={"AFFINEUR_BASE_URL": "https://index.example.org/"}) as own:
        assert ask(own, "GET", "/").headers["strict-transport-security"] == "max-age=31536000"
        assert ask(own, "GET", "/account/sign-in").headers["strict-transport-security"] == "max-age=31536000"
    # Below a path the host is others' too: whether it is reached by TLS alone is not ours to say.
    assert "strict-transport-security" not in ask(below, "GET", "/").headers


def test_below_a_path_what_the_program_prints_can_be_used(below: Server) -> None:
    assert "--repository-url https://example.org/python/legacy/ " in below.log.read_text()


def test_below_a_path_a_refusal_names_the_rules_there(below: Server) -> None:
    answer = post(below, b"", accept="application/problem+json", host="elsewhere.example.org")
    assert answer.json["type"].startswith("https://example.org/python/help/rules/")


def test_an_upload_without_the_slash_is_sent_to_no_other_host(index: Server, below: Server) -> None:
    for server, target in ((index, "/legacy/"), (below, "/python/legacy/")):
        for host in ("evil.example.org", None):
            headers = {} if host is None else {"host": host, "x_forwarded_proto": "ftp"}
            answer = post(server, form_of(a_wheel("slashless")), path="/legacy", **headers)
            assert (answer.status, answer.headers["location"]) == (308, target)
            assert answer.reason.startswith("An upload was attempted to /legacy but")


@pytest.mark.parametrize("path", ["/simple/", "/simple", "/simple/brie/"])
def test_an_upload_to_where_pages_are_is_told_where_to_go(index: Server, path: str) -> None:
    answer = post(index, form_of(a_wheel("misled", files={"misled/x": b"\0" * 3_000_000})), path=path)
    assert (answer.status, answer.reason) == (405, "Uploads go to /legacy/, not here.")
    assert answer.reason in answer.text
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/legacy/", "/legacy"])
def test_who_looks_for_pages_where_uploads_go_is_told_where_they_are(index: Server, below: Server, path: str) -> None:
    answer = ask(index, "GET", path)
    assert (answer.status, answer.reason) == (405, "Uploads go here; to install, use /simple/.")
    assert answer.reason in answer.text
    assert answer.headers["allow"] == "POST"
    assert "/python/simple/" in ask(below, "GET", path).text


@pytest.mark.parametrize("path", ["/pypi/brie", "/pypi/brie/", "/pypi/brie/1.0/x", "/pypi/"])
def test_below_pypi_what_is_not_there_is_404_in_json(index: Server, path: str) -> None:
    answer = ask(index, "GET", path)
    assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_below_rss_what_is_not_there_is_404(index: Server) -> None:
    answer = ask(index, "GET", "/rss/x")
    assert (answer.status, answer.text) == (404, "404 Not Found")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", FILE, {"range": "bytes=99999999-"}, 416),
        ("GET", FILE, {"range": "bytes=a-b"}, 400),
        ("GET", "/rss/x", {}, 404),
        ("GET", "/pypi/x/json", {}, 404),
        ("GET", "/packages/x", {}, 404),
        ("POST", "/simple/", {}, 405),
        ("DELETE", "/pypi/brie/json", {}, 405),
    ],
)
def test_scripts_of_other_sites_may_read_errors(
    index: Server, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = ask(index, method, path, origin="https://example.org", **headers)
    assert (answer.status, answer.headers.get("access-control-allow-origin")) == (status, "*")


@pytest.mark.parametrize("path", ["/simple/brie/", FILE, "/pypi/brie/json", "/rss/updates.xml"])
def test_a_preflight_needs_no_token_and_tells_nothing(private: Server, path: str) -> None:
    answer = ask(private, "OPTIONS", path, origin="https://example.org", access_control_request_method="GET")
    assert (answer.status, answer.body) == (204, b"")
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    refused = ask(private, "GET", path, origin="https://example.org")
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "*")
    inside = ask(private, "GET", "/simple/", authorization=basic("__token__", private.token))
    assert inside.status == 200
