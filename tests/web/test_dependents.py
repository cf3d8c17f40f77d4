"""The pages and the API about who depends on whom: for every name, on offer or not, and for everybody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.services.affineur import Server, affineur, initialise, serve
from tests.walks.lockfile_facts import OTHERS, STORY, Release
from tests.web.cellar import SCRIPT
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.uploading import ask, published, upload

from affineur.core.downloads.figures import Usage
from affineur.projections.dependents import Upstream, learn
from affineur.settings import load
from affineur.shell.dependents import installs
from affineur.shell.index import open_index
from affineur.shell.store import grants, projects

HELD = Release("mould", "1.0", ("lockfile", "python-daemon"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What needs lockfile, one project of it in quarantine, and one of an upstream."""
    data = tmp_path_factory.mktemp("dependents") / "data"
    with serve(data, initialise(data)) as running:
        for release in (*STORY, *OTHERS, HELD):
            published(upload(running, release.wheel()))
        affineur("quarantine", "mould", "--reason", "A test.", "--data", data)
        index = open_index(load({"data": data}, environment={}).settings)
        assert learn(index, Upstream("far-away", "7.0", ("lockfile>=0.12",)))
        assert not learn(index, Upstream("luigi", "99", ("nothing",))), "what is ours is never the upstream's"
        index.close()
        wait_for(lambda: told(running, "dependents")["direct"]["always"] == 3)
        yield running


@pytest.fixture(scope="module", autouse=True)
def lena(server: Server) -> Person:
    """Who owns luigi and python-daemon."""
    person = sign_up(server, "lena", factors=("passkey",))
    with store_of(server) as store, store.write() as connection:
        for name in ("luigi", "python-daemon"):
            found = projects.find(connection, name)
            assert found is not None
            grants.set_role(connection, found.id, person.id, "owner", datetime.now(UTC), None)
    return person


def told(server: Server, question: str, project: str = "lockfile") -> Any:
    answer = ask(server, "GET", f"/api/v1/projects/{project}/{question}")
    assert answer.status == 200, answer.text
    return answer.json


def names(server: Server, question: str) -> list[str]:
    return [each["name"] for each in told(server, question)["items"]]


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "dependents did not follow"
        time.sleep(0.1)


def page(server: Server, path: str) -> httpx.Response:
    return Visitor(server.url).get(path)


def test_every_filter_narrows_page_and_api_alike(server: Server) -> None:
    for query, expected in (
        ("", ["apache-airflow", "cachecontrol", "far-away", "python-daemon"]),
        ("kind=extra", ["cachecontrol"]),
        ("source=upstream", ["far-away"]),
        ("source=ours", ["apache-airflow", "cachecontrol", "python-daemon"]),
        ("owner=lena", ["python-daemon"]),
        ("owner=lena&kind=extra", []),
        ("owner=nobody", []),
    ):
        assert names(server, f"dependents/direct?{query}") == expected, query
        said = words(page(server, f"/project/lockfile/dependents/?{query}"))
        assert all(f"{name} " in said for name in expected), query
        assert ("Show all" in said) == (not expected), query
    assert names(server, "dependents/indirect?owner=lena") == ["luigi"]
    said = words(page(server, "/project/lockfile/dependents/?through=others&owner=lena"))
    assert "luigi 2 Chains" in said and "ansible-navigator" not in said


def test_lists_go_on_where_they_stopped(server: Server) -> None:
    first = told(server, "dependents/direct?limit=2")
    assert len(first["items"]) == 2
    rest = ask(server, "GET", first["next"].removeprefix(server.url.rstrip("/"))).json
    assert [each["name"] for each in rest["items"]] == ["far-away", "python-daemon"] and rest["next"] is None
    assert "There are no more" in words(page(server, "/project/lockfile/dependents/?page=2"))


def test_a_project_on_hold_is_nobodys_dependent_and_its_own_dependents_are_shown(server: Server) -> None:
    wait_for(lambda: "mould" not in page(server, "/project/lockfile/dependents/").text)
    assert "mould" not in names(server, "dependents/direct")
    own = page(server, "/project/mould/dependents/")
    assert own.status_code == 200
    assert "quarantined" in words(own)
    assert 'href="/project/mould/dependents/"' in page(server, "/project/mould/").text


def test_a_name_that_is_only_required_has_its_dependents_too(server: Server) -> None:
    said = words(page(server, "/project/pexpect/dependents/"))
    assert "pexpect is not a project of this index" in said
    assert "ansible-runner 2.4.1" in said and "pexpect>=4.5" in said
    assert "No project that is known here requires no-such-cheese" in words(
        page(server, "/project/no-such-cheese/dependents/")
    )
    assert page(server, "/project/..-/dependents/").status_code == 404


@pytest.mark.parametrize("tab", ["dependents", "why", "notice"])
def test_another_spelling_leads_to_the_usual_one_and_keeps_the_question(server: Server, tab: str) -> None:
    moved = page(server, f"/project/Python_Daemon/{tab}?version=2.3.0")
    assert (moved.status_code, moved.headers["location"]) == (301, f"/project/python-daemon/{tab}/?version=2.3.0")


def test_a_requirements_file_is_sent_with_the_form_and_its_hidden_lines_are_told(server: Server) -> None:
    file = {"requirements": ("requirements.txt", b"ansible-navigator\nluigi==3.8.1\n-r other.txt\nunheard-of\n")}
    answer = httpx.post(f"{server.url}project/lockfile/why/", files=file, data={"from": "", "owner": ""})
    said = words(answer)
    assert answer.status_code == 200
    assert "2 shortest chains to lockfile" in said
    assert "Nothing is known here of: unheard-of ." in said
    assert "passed over: -r other.txt ." in said
    assert "lockfile in python-daemon 4 −100 % ansible-navigator , luigi" in said
    assert "/project/lockfile/why/?from=ansible-navigator,luigi,unheard-of" in answer.text


def test_an_account_and_extras_are_where_chains_start(server: Server) -> None:
    assert "From luigi" in words(page(server, "/project/lockfile/why/?owner=lena"))
    assert told(server, "why?owner=lena")["chains"][0][0]["dependent"] in ("luigi", "python-daemon")
    assert told(server, "why?start=cachecontrol")["unconnected"] == ["cachecontrol"]
    [[step]] = told(server, "why?start=cachecontrol&extras=true")["chains"]
    assert step["kind"] == "extra"
    body = b'{"requirements": "ansible-runner\\n-e .\\n"}'
    answer = ask(server, "POST", "/api/v1/projects/lockfile/why", body, content_type="application/json").json
    assert (len(answer["chains"]), answer["passed_over"]) == (1, ["-e ."])


@pytest.mark.parametrize(
    ("sent", "status", "rule"),
    [
        ({"from": "-r other.txt"}, 400, "There is no project to start from."),
        ({"owner": "nobody-here"}, 400, "There is no project to start from."),
        ({"from": "\n".join(f"p{number}" for number in range(1001))}, 400, "starts from at most 1000 projects"),
        ({"from": "a" * 600_000}, 400, "has at most 512 KiB"),
        ({"from": "a\0b"}, 400, "is no text"),
    ],
)
def test_what_cannot_be_asked_is_said_on_the_page(server: Server, sent: dict[str, str], status: int, rule: str) -> None:
    files = {name: (None, value.encode()) for name, value in sent.items()}
    answer = httpx.post(f"{server.url}project/lockfile/why/", files=files)
    assert answer.status_code in (status, 413)
    assert rule in words(answer)


def test_no_text_from_elsewhere_gets_into_the_page_as_markup(server: Server) -> None:
    for path in ("why/?from=", "why/?owner=", "dependents/?owner=", "notice/?version="):
        answer = page(server, f"/project/lockfile/{path}{SCRIPT}")
        assert "<script>alert" not in answer.text


def test_who_would_notice_is_asked_of_releases_that_there_are(server: Server) -> None:
    said = words(page(server, "/project/python-daemon/notice/"))
    assert "1 project has no other release that fits; 2 projects would get another release" in said
    assert "ansible-runner 2.4.1 python-daemon 2.3.0" in said
    assert page(server, "/project/python-daemon/notice/?version=9").status_code == 404
    assert page(server, "/project/pexpect/notice/").status_code == 404
    for question, rule in (
        ("python-daemon/notice?version=9", "project.place"),
        ("pexpect/notice?version=1", "project.exists"),
        ("lockfile/why", "dependents.starts"),
    ):
        assert ask(server, "GET", f"/api/v1/projects/{question}").json["rule"] == rule


def test_the_preview_of_a_yank_says_who_would_notice(server: Server, lena: Person) -> None:
    with signed_in(server, lena, proof="passkey") as visitor:
        address = "/account/projects/python-daemon/state/preview?act=yank&code=broken"
        one = words(visitor.get(f"{address}&version=3.1.2"))
        assert "Who would notice If python-daemon 3.1.2 is yanked, 1 project has no other release that fits" in one
        both = words(visitor.get(f"{address}&version=3.1.2&version=2.3.0"))
        assert "Each release judged as if it were yanked alone." in both
        archive = words(visitor.get("/account/projects/python-daemon/state/preview?act=archive"))
        assert "Who would notice" not in archive


def test_installs_put_dependents_in_order_once_they_are_counted(server: Server) -> None:
    assert "Installs" not in words(page(server, "/project/lockfile/dependents/"))
    index = open_index(load({"data": server.data}, environment={}).settings)
    counted = (("python-daemon", 1_234_567), ("cachecontrol", 89), ("ansible-runner", 7))
    installs.note(index, [Usage(name, many, many, many, 0, many) for name, many in counted])
    index.close()
    assert names(server, "dependents/direct")[:2] == ["python-daemon", "cachecontrol"]
    said = words(page(server, "/project/lockfile/dependents/"))
    assert "Installs of direct dependents, 30 days 1,234,656" in said
    assert "lockfile>=0.10 always 1,234,567" in said
    assert "ansible-runner 2 7 Chains" in words(page(server, "/project/lockfile/dependents/?through=others"))
    assert "python-daemon 2.3.0 7" in words(page(server, "/project/python-daemon/notice/?version=3.1.2"))
