"""Roles through the API, over real HTTP: the same acts and refusals as on the pages, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from tests.services.affineur import Server, affineur, initialise, serve
from tests.web.people import sign_up, store_of
from tests.web.uploading import Answer, a_wheel, ask, published, upload

from affineur.core.people.second_factor import StepUp
from affineur.shell.store import grants, projects, tokens
from affineur.shell.store.schema import role


@dataclass
class Scene:
    """A server with the project brie: ann and ben own it, mia maintains it, nina has no role."""

    server: Server
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, name: str, method: str, path: str, body: object = None) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return ask(
            self.server, method, f"/api/v1{path}", data,
            authorization=f"Bearer {self.tokens[name]}", content_type="application/json" if data else None,
        )  # fmt: skip


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    data = tmp_path_factory.mktemp("api-roles") / "data"
    with serve(data, initialise(data)) as server:
        published(upload(server, a_wheel("brie")))
        made = Scene(server)
        now = datetime.now(UTC)
        for name in ("ann", "ben", "mia", "nina", "mo"):
            person = sign_up(server, name, office="moderator" if name == "mo" else None, factors=("passkey",))
            token = json.loads(affineur("token", "create", "--user", name, "--json", "--data", data))
            made.tokens[name] = token["token"]
            with store_of(server) as store, store.write() as connection:
                tokens.confirm(connection, token["id"], StepUp(now, "passkey"))
                found = projects.find(connection, "brie")
                assert found is not None
                if name == "ann":
                    connection.execute(role.delete())
                if name in ("ann", "ben"):
                    grants.set_role(connection, found.id, person.id, "owner", now, None)
                elif name == "mia":
                    grants.set_role(connection, found.id, person.id, "maintainer", now, None)
        yield made


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["rule"]


def test_an_invitation_is_made_listed_and_accepted(scene: Scene) -> None:
    made = scene.ask("ann", "POST", "/projects/Brie/invitations", {"whom": "nina", "role": "maintainer"})
    assert made.status == 201
    assert {key: made.json[key] for key in ("project", "whom", "role", "by")} == {
        "project": "brie",
        "whom": "nina",
        "role": "maintainer",
        "by": "ann",
    }
    number = made.json["id"]
    assert [each["id"] for each in scene.ask("ben", "GET", "/projects/brie/invitations").json["items"]] == [number]
    assert scene.ask("mia", "GET", "/projects/brie/invitations").json["items"] == []
    assert [each["id"] for each in scene.ask("nina", "GET", "/account/invitations").json["items"]] == [number]
    assert refused(scene.ask("mia", "POST", f"/account/invitations/{number}/accept")) == (404, "role.no-invitation")
    assert scene.ask("nina", "POST", f"/account/invitations/{number}/accept").status == 204
    assert refused(scene.ask("nina", "POST", f"/account/invitations/{number}/refuse")) == (409, "role.invitation")
    assert [each["project"] for each in scene.ask("nina", "GET", "/account/projects").json["items"]] == ["brie"]
    again = scene.ask("ann", "POST", "/projects/brie/invitations", {"whom": "nina", "role": "maintainer"})
    assert refused(again) == (409, "role.held")


def test_an_invitation_is_withdrawn_and_one_that_is_not_there_is_not_found(scene: Scene) -> None:
    made = scene.ask("ann", "POST", "/projects/brie/invitations", {"whom": "x@example.org", "role": "owner"}).json
    assert scene.ask("ben", "DELETE", f"/projects/brie/invitations/{made['id']}").status == 204
    assert refused(scene.ask("ben", "DELETE", f"/projects/brie/invitations/{made['id']}")) == (409, "role.invitation")
    for number in ("999", "x", "9" * 30, "-1"):
        assert refused(scene.ask("ann", "DELETE", f"/projects/brie/invitations/{number}")) == (
            404,
            "role.no-invitation",
        )


def test_people_are_shown_to_those_who_share_the_project(scene: Scene) -> None:
    full = scene.ask("ann", "GET", "/projects/brie/people").json["items"]
    assert [(each["name"], each["role"], each["second_factor"]) for each in full] == [
        ("ann", "owner", "ready"),
        ("ben", "owner", "ready"),
        ("mia", "maintainer", "ready"),
    ]
    assert {each["second_factor"] for each in scene.ask("mia", "GET", "/projects/brie/people").json["items"]} == {None}
    part = scene.ask("ann", "GET", "/projects/brie/people?limit=2").json
    assert [each["name"] for each in part["items"]] == ["ann", "ben"]
    rest = scene.ask("ann", "GET", "/projects/brie/people?" + part["next"].partition("?")[2]).json
    assert ([each["name"] for each in rest["items"]], rest["next"]) == (["mia"], None)
    # A moderator sees who is there, and not who lacks a factor.
    assert {each["second_factor"] for each in scene.ask("mo", "GET", "/projects/brie/people").json["items"]} == {None}
    assert refused(scene.ask("nina", "GET", "/projects/brie/people")) == (403, "access.role")
    assert refused(scene.ask("ann", "GET", "/projects/nothing/people")) == (404, "project.exists")


def test_a_removal_is_proposed_objected_to_consented_to_and_withdrawn(scene: Scene) -> None:
    def propose(account: str) -> int:
        made = scene.ask("ann", "POST", "/projects/brie/removals", {"account": account, "reason": "Gone."})
        assert made.status == 200
        return int(made.json["id"])

    first = propose("mia")
    assert scene.ask("mia", "GET", "/projects/brie/removals").json["items"][0]["reason"] == "Gone."
    said = {"objection": "Here."}
    assert refused(scene.ask("ben", "POST", f"/projects/brie/removals/{first}/object", said)) == (404, "removal.exists")
    assert scene.ask("mia", "POST", f"/projects/brie/removals/{first}/object", said).status == 204
    assert refused(scene.ask("mia", "POST", f"/projects/brie/removals/{first}/object", said)) == (
        409,
        "removal.settled",
    )
    second = propose("mia")
    assert refused(scene.ask("ben", "DELETE", f"/projects/brie/removals/{second}")) == (403, "removal.proposer")
    assert scene.ask("ann", "DELETE", f"/projects/brie/removals/{second}").status == 204
    third = propose("mia")
    assert scene.ask("mia", "POST", f"/projects/brie/removals/{third}/consent").status == 204
    outcomes = [each["outcome"] for each in scene.ask("ann", "GET", "/projects/brie/removals").json["items"]]
    assert outcomes == ["consented", "withdrawn", "objected"]
    assert refused(scene.ask("mia", "GET", "/projects/brie/people")) == (403, "access.role")


def test_leaving_and_the_only_owner(scene: Scene) -> None:
    assert scene.ask("ben", "POST", "/projects/brie/leave").status == 204
    answer = scene.ask("ann", "POST", "/projects/brie/leave")
    assert refused(answer) == (409, "role.last-owner")
    assert any("maintainers" in way for way in answer.json["ways_out"])


def test_a_token_without_fresh_proof_may_look_and_not_change(scene: Scene) -> None:
    made = json.loads(affineur("token", "create", "--user", "ann", "--json", "--data", scene.server.data))
    scene.tokens["old"] = made["token"]
    assert scene.ask("old", "GET", "/projects/brie/people").status == 200
    for path, body in (
        ("/projects/brie/invitations", {"whom": "nina", "role": "owner"}),
        ("/projects/brie/removals", {"account": "ben", "reason": "x"}),
        ("/projects/brie/leave", None),
    ):
        assert refused(scene.ask("old", "POST", path, body)) == (403, "access.step-up")


def test_moderators_remove_and_only_operators_give(scene: Scene) -> None:
    assert refused(scene.ask("ann", "DELETE", "/projects/brie/people/ben")) == (403, "access.office")
    assert scene.ask("mo", "DELETE", "/projects/brie/people/ben").status == 204
    assert refused(scene.ask("mo", "DELETE", "/projects/brie/people/ben")) == (404, "removal.role")
    assert refused(scene.ask("mo", "PUT", "/projects/brie/people/ben", {"role": "owner"})) == (403, "access.office")


def test_messages_go_to_people_of_the_same_project_only_and_can_be_stopped(scene: Scene) -> None:
    said = {"topic": "other", "text": "Hello."}
    assert scene.ask("ann", "POST", "/projects/brie/messages", said).status == 204
    assert refused(scene.ask("nina", "POST", "/projects/brie/messages", said)) == (403, "access.role")
    assert refused(scene.ask("ann", "POST", "/projects/brie/messages", {**said, "to": "nina"})) == (
        404,
        "message.nobody",
    )
    assert scene.ask("ben", "PUT", "/account/messaging/blocked/ann").status == 204
    assert scene.ask("ben", "PUT", "/account/messaging/blocked/ann").status == 204
    assert scene.ask("ben", "DELETE", "/account/messaging/blocked/ann").status == 204
    assert scene.ask("ben", "PUT", "/account/messaging", {"accepts": False}).status == 204
