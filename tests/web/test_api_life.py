"""Yanking and changing a project's status through the API, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from tests.services.affineur import Server, affineur
from tests.web.uploading import Answer, a_wheel, ask, published, upload


@pytest.fixture
def served(server: Callable[..., Server]) -> Iterator[Server]:
    running = server()
    for version in ("1.0", "2.0"):
        published(upload(running, a_wheel("brie", version)))
    yield running


def act(server: Server, verb: str, body: object = None, *, project: str = "Brie", token: str = "") -> Answer:
    data = b"" if body is None else json.dumps(body).encode()
    return ask(
        server, "POST", f"/api/v1/projects/{project}/{verb}", data,
        authorization=f"Bearer {token or server.token}", content_type="application/json" if data else None,
    )  # fmt: skip


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["rule"]


def test_a_release_or_a_file_is_yanked_and_taken_back(served: Server) -> None:
    answer = act(served, "yank", {"version": "1.0.0", "reason": "broken"})
    assert refused(answer) == (400, "yank.selection")  # another spelling is another version
    answer = act(served, "yank", {"version": "1.0", "reason": "broken"})
    assert answer.json == {"project": "brie", "yanked": True, "changed": ["brie-1.0-py3-none-any.whl"]}
    page = ask(served, "GET", "/simple/brie/").text
    assert 'data-yanked="broken"' in page
    answer = act(served, "yank", {"file": "brie-2.0-py3-none-any.whl"})
    assert answer.json["changed"] == ["brie-2.0-py3-none-any.whl"]
    assert act(served, "unyank", {}).json["changed"] == ["brie-1.0-py3-none-any.whl", "brie-2.0-py3-none-any.whl"]
    assert act(served, "unyank", {}).json["changed"] == []


def test_a_status_is_set_with_its_reason_and_twice_changes_nothing(served: Server) -> None:
    answer = act(served, "deprecate", {"reason": "use feta"})
    assert answer.json == {"project": "brie", "status": "deprecated", "reason": "use feta", "changed": True}
    assert act(served, "deprecate", {"reason": "use feta"}).json["changed"] is False
    assert act(served, "undeprecate").json["status"] == "active"
    assert act(served, "archive", {}).json["status"] == "archived"


def test_what_takes_fresh_proof_says_so_and_changes_nothing(served: Server) -> None:
    act(served, "archive", {})
    assert refused(act(served, "unarchive")) == (403, "access.step-up")
    assert act(served, "archive", {}).json == {
        "project": "brie",
        "status": "archived",
        "reason": None,
        "changed": False,
    }


def test_a_token_that_is_for_something_else_may_not(served: Server) -> None:
    made = affineur("token", "create", "--user", "olga", "--action", "read", "--json", "--data", served.data)
    token = json.loads(made)["token"]
    for verb in ("yank", "archive", "quarantine"):
        assert refused(act(served, verb, {}, token=token)) == (403, "access.scope")
    made = affineur("token", "create", "--user", "olga", "--json", "--data", served.data)
    token = json.loads(made)["token"]
    assert refused(act(served, "yank", {}, token=token)) == (403, "access.role")
    assert refused(act(served, "quarantine", {}, token=token)) == (403, "access.office")


@pytest.mark.parametrize("project", ["br%20ie", "-brie", "brie.", "%00", "brie%0A", "b" * 201, "br%C3%AFe"])
def test_what_is_no_name_names_nothing_here(served: Server, project: str) -> None:
    assert refused(act(served, "archive", {}, project=project)) == (404, "api.not-found")


def test_a_project_that_is_not_here_is_not_found(served: Server) -> None:
    assert refused(act(served, "archive", {}, project="gouda")) == (404, "project.exists")
    assert refused(act(served, "yank", {"version": "x"})) == (400, "version.format")
    assert refused(act(served, "yank", {"reason": "x" * 201})) == (422, "api.fields")
