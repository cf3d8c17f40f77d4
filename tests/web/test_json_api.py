"""``/pypi/…/json`` over HTTP: addresses, headers, states, and its cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients.mirroring import mirror_with_bandersnatch
from tests.clients.runner import succeeded
from tests.core.distributions import core_metadata
from tests.services.affineur import Server, initialise, serve
from tests.services.s3 import Bucket
from tests.web.states import at_hand, keep_back, yank
from tests.web.uploading import a_wheel, an_sdist, ask, published, upload

from affineur.core.life.lifecycle import WHOLE, Place


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here. Each uses project names of its own."""
    data = tmp_path_factory.mktemp("json") / "data"
    with serve(data, initialise(data)) as running:
        yield running


def document(index: Server, path: str) -> Any:
    answer = ask(index, "GET", f"/pypi/{path}/json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer.text
    return answer.json


def test_a_project_is_described_by_what_was_uploaded(index: Server) -> None:
    metadata = core_metadata(
        "Brie.Cheese",
        fields=[("Summary", "Soft"), ("Requires-Dist", "milk>=1"), ("Description-Content-Type", "text/markdown")],
        description="# Brie\n\nfrom *Meaux*\n",
    )
    file = a_wheel("Brie.Cheese", metadata=metadata)
    published(upload(index, file))
    found = document(index, "brie-cheese")
    assert (found["info"]["name"], found["info"]["summary"]) == ("Brie.Cheese", "Soft")
    assert found["info"]["description"] == "# Brie\n\nfrom *Meaux*\n", "as written, not as rendered"
    assert found["info"]["requires_dist"] == ["milk>=1"]
    assert found["ownership"]["roles"] == [{"role": "Owner", "user": "operator"}]
    (shown,) = found["urls"]
    assert shown["digests"]["sha256"] == file.sha256
    assert shown["url"].startswith(f"{index.url}packages/")
    assert ask(index, "GET", "/" + shown["url"].removeprefix(index.url)).body == file.data
    page = ask(index, "GET", "/simple/brie-cheese/", accept="application/vnd.pypi.simple.v1+json").json
    assert shown["upload_time_iso_8601"] == page["files"][0]["upload-time"]


def test_an_sdist_that_offers_no_metadata_file_is_described_all_the_same(index: Server) -> None:
    metadata = core_metadata("quark", fields=[("Dynamic", "Requires-Dist")], description="as *written*\n")
    published(upload(index, an_sdist("quark", metadata=metadata)))
    for path in ("quark", "quark/1.0"):
        assert document(index, path)["info"]["description"] == "as *written*\n"


def test_what_the_uploader_remarked_on_a_file_is_shown_with_it(index: Server) -> None:
    published(upload(index, a_wheel("remarked"), comment="the crumbly one"))
    published(upload(index, an_sdist("remarked")))
    assert [file["comment_text"] for file in document(index, "remarked")["urls"]] == ["the crumbly one", ""]


def test_a_release_is_found_by_any_spelling_of_its_version(index: Server) -> None:
    for version in ("1.0", "2.0rc1"):
        published(upload(index, a_wheel("edam", version)))
    for spelling, version in (("1.0", "1.0"), ("1", "1.0"), ("1.0.0", "1.0"), ("2.0-RC.1", "2.0rc1")):
        found = document(index, f"edam/{spelling}")
        assert found["info"]["version"] == version
        assert [file["filename"] for file in found["urls"]] == [f"edam-{version}-py3-none-any.whl"]
        assert "releases" not in found
    assert document(index, "edam")["info"]["version"] == "1.0"
    assert list(document(index, "edam")["releases"]) == ["1.0", "2.0rc1"]


def test_of_two_equal_versions_the_spelling_asked_for_is_shown(index: Server) -> None:
    for version in ("1.0", "1.0.0"):
        published(upload(index, a_wheel("gouda", version)))
    assert [document(index, f"gouda/{version}")["info"]["version"] for version in ("1.0", "1.0.0")] == ["1.0", "1.0.0"]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/pypi/Edam_Old/json", "/pypi/edam-old/json"),
        ("/pypi/Edam_Old/json/", "/pypi/edam-old/json"),
        ("/pypi/Edam_Old/1.0+x/json", "/pypi/edam-old/1.0+x/json"),
        ("/pypi/Edam_Old/json?x=y", "/pypi/edam-old/json?x=y"),
    ],
)
def test_a_name_that_is_not_normalised_is_redirected(index: Server, path: str, location: str) -> None:
    answer = ask(index, "GET", path)
    assert (answer.status, answer.headers["location"]) == (301, location)
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["none", "none/1.0", "known/2.0", "known/nonsense", "-", "known/1.0%00", "%20/1.0", "known/" + "9" * 5000]
)
def test_what_is_not_there_is_404_as_json(index: Server, path: str) -> None:
    published(upload(index, a_wheel("known")))
    answer = ask(index, "GET", f"/pypi/{path}/json")
    assert (answer.status, answer.json) == (404, {"message": "Not Found"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_headers_are_those_that_mirrors_and_scripts_rely_on(index: Server) -> None:
    published(upload(index, a_wheel("feta")))
    published(upload(index, a_wheel("after-feta")))
    for path in ("/pypi/feta/json", "/pypi/feta/json/", "/pypi/feta/1.0/json", "/pypi/feta/1.0/json/"):
        answer = ask(index, "GET", path)
        page = ask(index, "GET", "/simple/feta/")
        assert answer.headers["x-pypi-last-serial"] == page.headers["x-pypi-last-serial"], "the project's own serial"
        assert answer.json["last_serial"] == int(answer.headers["x-pypi-last-serial"])
        assert answer.headers["cache-control"] == page.headers["cache-control"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-expose-headers"] == "X-PyPI-Last-Serial"
        head = ask(index, "HEAD", path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(answer.body))
        assert head.headers["etag"] == answer.headers["etag"]
        for validator in (answer.headers["etag"], "W/" + answer.headers["etag"], f'"x", {answer.headers["etag"]}', "*"):
            again = ask(index, "GET", path, if_none_match=validator)
            assert (again.status, again.body) == (304, b"")
            assert again.headers["x-pypi-last-serial"] == answer.headers["x-pypi-last-serial"]
        assert ask(index, "GET", path, if_none_match='"other"').status == 200
        preflight = ask(index, "OPTIONS", path)
        assert preflight.status == 204
        assert preflight.headers["access-control-max-age"] == "86400"


def test_the_validator_changes_with_the_document(index: Server) -> None:
    published(upload(index, a_wheel("havarti")))
    first = ask(index, "GET", "/pypi/havarti/json").headers["etag"]
    published(upload(index, an_sdist("havarti")))
    assert ask(index, "GET", "/pypi/havarti/json", if_none_match=first).status == 200


def test_yanked_files_are_marked_and_a_yanked_release_is_not_the_latest(index: Server) -> None:
    for version in ("1.0", "2.0"):
        published(upload(index, a_wheel("tilsit", version)))
    with at_hand(index) as acting:
        yank(acting, "tilsit", "2.0", "mould")
    described = document(index, "tilsit")
    assert described["info"]["version"] == "1.0"
    (yanked,) = described["releases"]["2.0"]
    assert (yanked["yanked"], yanked["yanked_reason"]) == (True, "mould")
    release = document(index, "tilsit/2.0")["info"]
    assert (release["yanked"], release["yanked_reason"]) == (True, "mould")


def test_a_quarantined_project_answers_200_without_files(index: Server) -> None:
    """Mirrors skip a 404 and keep their files; an answer without files makes them let go."""
    published(upload(index, a_wheel("roquefort")))
    with at_hand(index) as acting:
        keep_back(acting, "quarantine", "roquefort", WHOLE, code="malware")
    for path in ("roquefort", "roquefort/1.0"):
        found = document(index, path)
        assert (found["urls"], found.get("releases", {"1.0": []})) == ([], {"1.0": []})
        assert found["info"]["version"] == "1.0"
        assert found["project-status"]["status"] == "quarantined"
        assert "[quarantined]" in found["project-status"]["reason"]
        assert found["_index"]["safety"]["state"] == "quarantined"
        assert found["_index"]["links"]["history"] == f"{index.url}project/roquefort/history/"


def test_what_is_held_of_a_project_is_left_out_and_so_is_what_a_held_release_says_of_itself(index: Server) -> None:
    for version in ("1.0", "2.0"):
        metadata = core_metadata("reblochon", version, description="words")
        published(upload(index, a_wheel("reblochon", version, metadata=metadata)))
    published(upload(index, an_sdist("reblochon")))
    with at_hand(index) as acting:
        keep_back(acting, "quarantine", "reblochon", Place("2.0"))
        keep_back(acting, "withhold", "reblochon", Place("1.0", "reblochon-1.0.tar.gz"), code="secret")
    described = document(index, "reblochon")
    assert (described["info"]["version"], described["project-status"]) == ("1.0", {"status": "active"})
    shown = {version: [file["filename"] for file in files] for version, files in described["releases"].items()}
    assert shown == {"1.0": ["reblochon-1.0-py3-none-any.whl"], "2.0": []}
    held = document(index, "reblochon/2.0")
    assert (held["urls"], held["info"]["description"]) == ([], "")


def test_the_address_is_that_of_the_request_or_of_the_setting(server: Callable[..., Server]) -> None:
    named = server(environment={"AFFINEUR_BASE_URL": "https://cheese.example.org/shop/"})
    published(upload(named, a_wheel("brie")))
    info = document(named, "brie")
    assert info["urls"][0]["url"] == "https://cheese.example.org/shop/packages/brie/1.0/brie-1.0-py3-none-any.whl"
    assert info["info"]["project_url"] == "https://cheese.example.org/shop/project/brie/"


def test_a_host_that_is_none_is_not_repeated(index: Server) -> None:
    published(upload(index, a_wheel("hosted")))
    for host, address in (("cheese.example.org", "http://cheese.example.org/"), ("a<b>.example", index.url)):
        answer = ask(index, "GET", "/pypi/hosted/json", host=host)
        assert answer.json["urls"][0]["url"].startswith(f"{address}packages/")


def test_a_private_index_shows_documents_to_holders_of_a_token_only(server: Callable[..., Server]) -> None:
    private = server(environment={"AFFINEUR_READ": "token"})
    published(upload(private, a_wheel("brie")))
    assert ask(private, "GET", "/pypi/brie/json").status == 401
    assert ask(private, "GET", "/pypi/none/json").status == 401
    answer = ask(private, "GET", "/pypi/brie/json", authorization=f"Bearer {private.token}")
    assert answer.status == 200
    assert "private" in answer.headers["cache-control"]


def test_the_description_is_found_where_blobs_are_objects(server: Callable[..., Server], s3: Bucket) -> None:
    away = server(
        environment={
            **s3.environment,
            "AFFINEUR_BLOBS": f"s3://{s3.name}",
            "AFFINEUR_S3_ENDPOINT": s3.endpoint,
        }
    )
    metadata = core_metadata("brie", description="from Meaux\n")
    published(upload(away, a_wheel("brie", metadata=metadata)))
    assert document(away, "brie")["info"]["description"] == "from Meaux\n"


def test_bandersnatch_mirrors_from_it(server: Callable[..., Server], tmp_path: Path) -> None:
    origin = server()
    for version in ("1.0", "2.0"):
        published(upload(origin, a_wheel("brie", version)))
    published(upload(origin, an_sdist("brie", "2.0")))
    wait_for_root_list(origin, "brie")
    succeeded(mirror_with_bandersnatch(origin.index, tmp_path))
    web = tmp_path / "mirror" / "web"
    mirrored = {path.name for path in (web / "packages").rglob("*") if path.is_file()}
    assert {"brie-1.0-py3-none-any.whl", "brie-2.0-py3-none-any.whl", "brie-2.0.tar.gz"} <= mirrored
    assert (web / "json" / "brie").exists()


def wait_for_root_list(index: Server, name: str) -> None:
    """The list of all projects follows within a second or two; mirrors begin there."""
    serial = int(ask(index, "GET", f"/simple/{name}/").headers["x-pypi-last-serial"])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        listed = ask(index, "GET", "/simple/", accept="application/vnd.pypi.simple.v1+json").json["projects"]
        if {"name": name, "_last-serial": serial} in listed:
            return
        time.sleep(0.1)
    raise AssertionError(f"{name} is not in the root list")
