"""Yanking and changing a project's status through the API, one project or many, over real HTTP."""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.uploading import Answer, a_wheel, ask, published, upload

LETTERS = string.ascii_lowercase.translate({ord(each): None for each in "ilo"})  # none is mistaken for another
COUNT = itertools.count()


def escaped(project: str) -> str:
    return project.replace("-", "_")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("life") / "data"
    with serve(data, initialise(data)) as server:
        yield server


@pytest.fixture
def project(served: Server) -> str:
    """A project of its own for each test, with two releases."""
    name = f"cheese-{LETTERS[next(COUNT)]}"
    for version in ("1.0", "2.0"):
        published(upload(served, a_wheel(escaped(name), version)))
    return name


def act(server: Server, verb: str, body: object = None, *, project: str, token: str = "") -> Answer:
    return call(server, "POST", f"projects/{project}/{verb}", body, token=token)


def call(server: Server, method: str, where: str, body: object = None, *, token: str = "") -> Answer:
    data = b"" if body is None else json.dumps(body).encode()
    return ask(
        server, method, f"/api/v1/{where}", data,
        authorization=f"Bearer {token or server.token}", content_type="application/json" if data else None,
    )  # fmt: skip


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["rule"]


def told(answer: Answer) -> dict[str, Any]:
    kept = {"status", "reason", "statuses", "changed"}
    return {name: value for name, value in answer.json.items() if name in kept}


def test_a_release_or_a_file_is_yanked_and_taken_back(served: Server, project: str) -> None:
    files = [f"{escaped(project)}-{version}-py3-none-any.whl" for version in ("1.0", "2.0")]
    answer = act(served, "yank", {"version": "1.0.0", "reason": "broken"}, project=project)
    assert refused(answer) == (400, "yank.selection")  # another spelling is another version
    answer = act(served, "yank", {"version": "1.0", "reason": "crashes", "code": "broken"}, project=project.upper())
    assert answer.json == {"project": project, "yanked": True, "changed": files[:1]}
    assert "crashes" in ask(served, "GET", f"/simple/{project}/").text.partition("data-yanked=")[2][:40]
    assert act(served, "yank", {"file": files[1]}, project=project).json["changed"] == files[1:]
    assert act(served, "unyank", {}, project=project).json["changed"] == files
    assert act(served, "unyank", {}, project=project).json["changed"] == []


def test_many_releases_are_yanked_by_what_their_versions_fit(served: Server, project: str) -> None:
    assert act(served, "yank", {"versions": ">=1,<2"}, project=project).json["changed"] == [
        f"{escaped(project)}-1.0-py3-none-any.whl"
    ]
    assert refused(act(served, "yank", {"versions": ">=7"}, project=project)) == (400, "yank.selection")
    assert refused(act(served, "yank", {"versions": "new"}, project=project)) == (422, "version.specifier")
    assert refused(act(served, "yank", {"code": "boring"}, project=project)) == (422, "lifecycle.code")


def test_a_status_is_set_with_its_reason_and_twice_changes_nothing(served: Server, project: str) -> None:
    now = {"status": "deprecated", "reason": "[deprecated] use feta", "statuses": ["deprecated"]}
    assert told(act(served, "deprecate", {"reason": "use feta"}, project=project)) == {**now, "changed": True}
    assert told(act(served, "deprecate", {"reason": "use feta"}, project=project)) == {**now, "changed": False}
    assert told(act(served, "archive", {}, project=project))["statuses"] == ["archived", "deprecated"]
    assert act(served, "undeprecate", project=project).json["status"] == "archived"


def test_what_the_table_does_not_list_is_a_conflict_that_names_what_is_possible(served: Server, project: str) -> None:
    answer = act(served, "resume", project=project)
    assert refused(answer) == (409, "lifecycle.transition")
    facts = answer.json["facts"]
    assert facts["state"] == "active" and facts["act"] == "resume"
    assert "archive" in facts["legal"] and "finish" in facts["legal"] and "unarchive" not in facts["legal"]
    assert act(served, "finish", {"reason": "does all it should"}, project=project).json["statuses"] == ["finished"]
    assert refused(act(served, "finish", {}, project=project)) == (409, "lifecycle.transition")
    assert act(served, "resume", project=project).json["statuses"] == ["active"]


def test_a_wish_and_a_class_are_among_those_there_are(served: Server, project: str) -> None:
    assert act(served, "wish", {"wish": "handoff"}, project=project).json["changed"] is True
    assert act(served, "wish", {"wish": "handoff"}, project=project).json["changed"] is False
    assert refused(act(served, "wish", {"wish": "money"}, project=project)) == (422, "api.fields")
    assert act(served, "reclassify", {"impact": "C3", "basis": "measured"}, project=project).json["changed"] is True
    about = call(served, "GET", f"projects/{project}/status").json["about"]
    assert (about["custody"]["wish"], about["impact"]["class"]) == ("handoff", "C3")


def test_advice_names_what_is_here_and_neither_itself_nor_a_circle(served: Server, project: str) -> None:
    published(upload(served, a_wheel("feta", "2.0")))
    answer = act(served, "deprecate", {"replacements": [{"name": "Feta", "specifier": ">= 2"}]}, project=project)
    assert answer.json["reason"] == "[deprecated] use feta>=2"
    for name, rule in (
        (project, "lifecycle.replacement"),
        ("nowhere-to-be-found", "lifecycle.replacement"),
    ):
        answer = act(served, "deprecate", {"replacements": [{"name": name}]}, project=project)
        assert refused(answer) == (409, rule)
    circle = act(served, "deprecate", {"replacements": [{"name": project}]}, project="feta")
    assert refused(circle) == (409, "lifecycle.replacement-cycle")


def test_what_takes_fresh_proof_says_so_and_changes_nothing(served: Server, project: str) -> None:
    act(served, "archive", {}, project=project)
    assert refused(act(served, "unarchive", project=project)) == (403, "access.step-up")
    assert act(served, "archive", {}, project=project).json["changed"] is False


def test_the_state_of_a_project_lists_every_act_and_why_it_cannot_be_done(served: Server, project: str) -> None:
    act(served, "archive", {"reason": "done"}, project=project)
    act(served, "yank", {"version": "1.0"}, project=project)
    found = call(served, "GET", f"projects/{project}/status").json
    assert (found["status"], found["reason"], found["statuses"]) == ("archived", "[archived] done", ["archived"])
    acts = {each["act"]: each for each in found["acts"]}
    assert acts["deprecate"]["allowed"] and acts["archive"]["allowed"] and acts["yank"]["allowed"]
    assert (acts["finish"]["rule"], acts["unarchive"]["rule"]) == ("lifecycle.transition", "access.step-up")
    assert acts["finish"]["ways_out"] and "unarchive" in acts["finish"]["facts"]["legal"]
    assert [(each["version"], each["window"], each["yanked"]) for each in found["releases"]] == [
        ("2.0", "open", 0),
        ("1.0", "open", 1),
    ]
    assert found["about"] == ask(served, "GET", f"/simple/{project}/", accept=JSON).json["_index"]


JSON = "application/vnd.pypi.simple.v1+json"


def test_twenty_projects_are_archived_at_once_and_each_says_what_became_of_it(served: Server, project: str) -> None:
    names = [f"{project}-{number}" for number in range(3)]
    for name in names[:2]:
        published(upload(served, a_wheel(escaped(name), "1.0")))
    body = {"projects": [*names, names[0]], "reason": "moved", "dry_run": True}
    foreseen = call(served, "POST", "bulk/archive", body).json
    assert call(served, "GET", f"projects/{names[0]}/status").json["status"] == "active", "nothing was changed"
    done = call(served, "POST", "bulk/archive", body | {"dry_run": False}).json
    assert done == foreseen | {"dry_run": False}
    assert [(each["project"], each["status"], each["rule"]) for each in done["results"]] == [
        (names[0], "archived", None),
        (names[1], "archived", None),
        (names[2], None, "project.exists"),
    ]
    assert done["refused"] == 1
    again = call(served, "POST", "bulk/archive", body | {"dry_run": False}).json
    assert [each["changed"] for each in again["results"]] == [False, False, False]


def test_files_of_many_projects_are_yanked_at_once(served: Server, project: str) -> None:
    body = {"projects": [project, "nowhere-at-all"], "versions": "<2", "code": "insecure", "dry_run": True}
    foreseen = call(served, "POST", "bulk/yank", body).json
    done = call(served, "POST", "bulk/yank", body | {"dry_run": False}).json
    assert foreseen["results"] == done["results"]
    assert [(each["files"], each["rule"]) for each in done["results"]] == [
        ([f"{escaped(project)}-1.0-py3-none-any.whl"], None),
        ([], "project.exists"),
    ]
    back = call(served, "POST", "bulk/unyank", {"projects": [project]}).json
    assert back["results"][0]["files"] == [f"{escaped(project)}-1.0-py3-none-any.whl"]


def test_signals_are_for_owners_and_offices(served: Server, project: str) -> None:
    found = call(served, "GET", f"projects/{project}/signals").json["items"]
    assert [each["kind"] for each in found] == ["single-owner", "mail-unverified"]
    made = affineur("token", "create", "--user", "mallory", "--json", "--data", served.data)
    token = json.loads(made)["token"]
    answer = call(served, "GET", f"projects/{project}/signals", token=token)
    assert refused(answer) == (403, "access.role")


def test_a_token_that_is_for_something_else_may_not(served: Server, project: str) -> None:
    made = affineur("token", "create", "--user", "olga", "--action", "read", "--json", "--data", served.data)
    token = json.loads(made)["token"]
    for verb in ("yank", "archive", "quarantine"):
        assert refused(act(served, verb, {}, project=project, token=token)) == (403, "access.scope")
    each = call(served, "POST", "bulk/archive", {"projects": [project]}, token=token).json["results"]
    assert [one["rule"] for one in each] == ["access.scope"]
    made = affineur("token", "create", "--user", "olga", "--json", "--data", served.data)
    token = json.loads(made)["token"]
    assert refused(act(served, "yank", {}, project=project, token=token)) == (403, "access.role")
    assert refused(act(served, "quarantine", {}, project=project, token=token)) == (403, "access.office")
    assert refused(act(served, "reclassify", {"impact": "C4"}, project=project, token=token)) == (403, "access.office")
    each = call(served, "POST", "bulk/archive", {"projects": [project]}, token=token).json["results"]
    assert [one["rule"] for one in each] == ["access.role"]
    acts = call(served, "GET", f"projects/{project}/status", token=token).json["acts"]
    assert not any(each["allowed"] for each in acts), "a stranger is told of every act why not"


@pytest.mark.parametrize("name", ["br%20ie", "-brie", "brie.", "%00", "brie%0A", "b" * 201, "br%C3%AFe"])
def test_what_is_no_name_names_nothing_here(served: Server, name: str) -> None:
    assert refused(act(served, "archive", {}, project=name)) == (404, "api.not-found")


def test_a_project_that_is_not_here_is_not_found(served: Server, project: str) -> None:
    assert refused(act(served, "archive", {}, project="gouda")) == (404, "project.exists")
    assert refused(call(served, "GET", "projects/gouda/status")) == (404, "project.exists")
    assert refused(act(served, "yank", {"version": "x"}, project=project)) == (400, "version.format")
    assert refused(act(served, "yank", {"reason": "x" * 201}, project=project)) == (422, "api.fields")


def test_twenty_projects_of_a_list_are_archived_with_one_command(served: Server, project: str, tmp_path: Path) -> None:
    names = [f"{project}-{number}" for number in range(2)]
    for name in names:
        published(upload(served, a_wheel(escaped(name), "1.0")))
    listed = tmp_path / "mine.txt"
    listed.write_text(f"# retired\n{names[0]}\n\n{names[1].upper()}  # too\n")
    tried = affineur("archive", "--from", listed, "--reason", "moved", "--dry-run", "--data", served.data)
    assert tried.count("would be archived ([archived] moved).") == 2
    done = json.loads(affineur("archive", "--from", listed, "--reason", "moved", "--json", "--data", served.data))
    assert [(each["project"], each["changed"], each["status"]) for each in done] == [
        (names[0], True, "archived"),
        (names[1], True, "archived"),
    ]
    with pytest.raises(RuntimeError) as failed:
        affineur("finish", *names, "--dry-run", "--data", served.data)
    assert "ended with 1" in str(failed.value) and "[lifecycle.transition]" in str(failed.value)
    assert "2 of 2 refused" in str(failed.value)
    shown = affineur("status", names[0], "--data", served.data)
    assert "is archived ([archived] moved)." in shown and "can unarchive" in shown
    assert "cannot finish" in shown and "open to new files until" in shown
