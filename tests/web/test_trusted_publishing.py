"""Trusted publishing through HTTP: as clients call it, and its pages; in Python and behind nginx."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.services.affineur import MODES, Server
from tests.services.claims import github
from tests.services.issuer import Issuer
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.uploading import Answer, a_wheel, ask, new_token, published, refused, upload

from affineur.shell.store.schema import file, outbox, project, security_event

PYTP = "application/vnd.pypi.pytp.v1+json"
HERE = "/account/projects/roquefort/publishing"
TYPED = {"field_owner": "fromagerie", "field_repository": "roquefort", "field_workflow": "release.yml"}


@dataclass
class Place:
    """A server that takes identities of ``issuer``, and Ann, who is signed in and owns roquefort."""

    server: Server
    issuer: Issuer
    ann: Person
    browser: Visitor

    def add_publisher(self, **changes: str) -> httpx.Response:
        return self.browser.post(HERE, {"service": self.issuer.url, **TYPED, **changes})

    def mint(self, text: object, path: str = "/_/oidc/mint-token", **headers: str) -> Answer:
        return ask(self.server, "POST", path, json.dumps({"token": text}).encode(), **headers)

    def identity(self, **claims: Any) -> str:
        return self.issuer.token(**github(**claims))

    def upload_token(self) -> str:
        answer = self.mint(self.identity())
        assert answer.status == 200, answer.text
        return str(answer.json["token"])

    def listed(self, query: sa.Select[Any]) -> list[Any]:
        with store_of(self.server) as store, store.read() as connection:
            return list(connection.scalars(query))


@pytest.fixture(params=MODES)
def place(request: pytest.FixtureRequest, server: Callable[..., Server], issuer: Issuer) -> Iterator[Place]:
    running = server(mode=request.param, environment={"AFFINEUR_PUBLISHER_ISSUERS": f"github {issuer.url}"})
    yield from _furnished(running, issuer)


@pytest.fixture
def small(server: Callable[..., Server], issuer: Issuer) -> Iterator[Place]:
    running = server(environment={"AFFINEUR_PUBLISHER_ISSUERS": f"github {issuer.url}"})
    yield from _furnished(running, issuer)


def _furnished(running: Server, issuer: Issuer) -> Iterator[Place]:
    ann = sign_up(running, "ann", factors=("passkey",))
    published(upload(running, a_wheel("roquefort"), token=new_token(running, "ann", datetime.now(UTC))))
    with signed_in(running, ann, proof="passkey") as browser:
        yield Place(running, issuer, ann, browser)


def why(answer: Answer, code: str) -> str:
    """The sentence of a refusal in the form that upload clients read."""
    assert answer.status == 422, answer.text
    assert answer.json["message"] == "Token request failed"
    (error,) = answer.json["errors"]
    assert error["code"] == code, error
    return str(error["description"])


def test_a_job_publishes_with_a_token_that_it_got_for_its_identity(place: Place) -> None:
    assert ask(place.server, "GET", "/_/oidc/audience").json == {"audience": "affineur"}
    assert place.add_publisher().headers["location"].endswith("?done=publisher-added")
    began = int(time.time())
    answer = place.mint(place.identity(), content_type="application/json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["success"] is True
    assert 900 <= answer.json["expires"] - began <= 905
    published(upload(place.server, a_wheel("roquefort", "2.0"), token=answer.json["token"]))
    told = place.listed(sa.select(file.c.publisher).where(file.c.filename.contains("2.0")))
    assert told[0].endswith(": fromagerie/roquefort, release.yml")
    refused(upload(place.server, a_wheel("brie"), token=answer.json["token"]), status=403)
    again = place.mint(place.identity(), "/_/oidc/github/mint-token")
    assert again.status == 200


def test_an_identity_that_was_used_or_is_another_jobs_is_refused_as_clients_read_it(place: Place) -> None:
    place.add_publisher(field_environment="release")
    text = place.identity(environment="release")
    assert place.mint(text).status == 200
    assert "exchanged before" in why(place.mint(text), "invalid-reuse-token")
    other = place.identity(environment="staging")
    assert "environment is 'staging', expected 'release'" in why(place.mint(other), "invalid-publisher")
    assert "audience" in why(place.mint(place.identity(aud="elsewhere")), "invalid-token")
    for body in (b"", b"no JSON", b"[]", b"{}", b'{"token": 7}', b'{"token": "a.b.c"}', b"\xff" * 100_000):
        answer = ask(place.server, "POST", "/_/oidc/mint-token", body)
        why(answer, "invalid-payload")
    stranger = place.issuer.token(iss="https://elsewhere.example.org")
    assert "takes no tokens from the issuer" in why(place.mint(stranger), "invalid-payload")
    logged = place.listed(sa.select(security_event.c.rule).where(security_event.c.event == "IdentityRefused"))
    assert {"publisher.invalid-reuse-token", "publisher.invalid-publisher", "publisher.invalid-token"} <= set(logged)


def test_a_token_that_is_given_back_is_good_for_nothing(place: Place) -> None:
    place.add_publisher()
    token = place.upload_token()
    for text in (token, token, "pypi-unknown", place.server.token):
        answer = place.mint(text, "/_/oidc/burn-token")
        assert (answer.status, answer.json) == (202, {"message": "Accepted"})
    refused(upload(place.server, a_wheel("roquefort", "2.0"), token=token), "revoked", status=403)
    published(upload(place.server, a_wheel("cantal")))  # the operator's own token is not burnt


def test_a_client_finds_the_endpoints_and_gets_a_token_as_pep_807_has_it(place: Place) -> None:
    place.add_publisher()
    found = ask(place.server, "GET", "/.well-known/pytp?discover=%2Flegacy%2F", accept=PYTP)
    assert (found.status, found.headers["content-type"]) == (200, PYTP)
    base = place.server.url
    assert found.json["audience-endpoint"] == f"{base}_/pytp/audience"
    assert found.json["token-mint-endpoint"] == f"{base}_/pytp/mint-token"
    assert found.json["features"] == found.json["default-features"] == ["multi-use-token"]
    audience = ask(place.server, "GET", "/_/pytp/audience")
    assert (audience.headers["content-type"], audience.json) == (PYTP, {"audience": "affineur"})
    answer = place.mint(place.identity(), "/_/pytp/mint-token", accept=PYTP)
    assert set(answer.json) == {"token", "expires"}
    assert 900 <= answer.json["expires"] - int(time.time()) + 1 <= 21_600
    published(upload(place.server, a_wheel("roquefort", "2.0"), token=answer.json["token"]))


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/.well-known/pytp", None, 404),
        ("/.well-known/pytp?discover=%2Fsimple%2F", None, 404),
        ("/.well-known/pytp?discover=", PYTP, 404),
        ("/.well-known/pytp?discover=%2Flegacy%2F", "text/html", 406),
        ("/.well-known/pytp?discover=%2Flegacy%2F", "*/*", 200),
        ("/_/pytp/audience", "application/json", 406),
    ],
)
def test_what_pep_807_does_not_answer_has_its_status(small: Place, path: str, accept: str | None, status: int) -> None:
    assert ask(small.server, "GET", path, accept=accept).status == status


def test_refusals_of_pep_807_are_problem_details(small: Place) -> None:
    unknown = small.mint(small.identity(), "/_/pytp/mint-token")
    assert (unknown.status, unknown.headers["content-type"]) == (422, "application/problem+json")
    assert unknown.json["rule"] == "publisher.invalid-publisher"
    small.add_publisher()
    body = json.dumps({"token": small.identity(), "features": ["single-use-token"]}).encode()
    single = ask(small.server, "POST", "/_/pytp/mint-token", body)
    assert (single.status, single.json["rule"]) == (422, "publisher.features")


def test_an_issuer_that_is_away_is_a_503_that_says_when_to_come_again(small: Place) -> None:
    with small.issuer.unreachable():
        away = small.mint(small.identity(), "/_/pytp/mint-token")
        legacy = small.mint(small.identity())
    assert (away.status, away.json["rule"]) == (503, "publisher.issuer-away")
    assert int(away.headers["retry-after"]) >= 1
    why(legacy, "invalid-token")


def test_too_many_refusals_from_one_address_have_to_wait(small: Place) -> None:
    for _ in range(60):
        small.mint("nonsense")
    answer = small.mint("nonsense")
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json["errors"][0]["code"] == "too-many-requests"


def test_a_removed_publisher_is_refused_at_once_and_owners_are_told(place: Place) -> None:
    place.add_publisher()
    token = place.upload_token()
    (key,) = place.listed(sa.text("SELECT publisher_id FROM project_publisher").columns(sa.column("publisher_id")))  # type: ignore[arg-type]
    assert place.browser.post(f"{HERE}/{key}/remove").status_code == 303
    refused(upload(place.server, a_wheel("roquefort", "2.0"), token=token), "revoked", status=403)
    assert "No publisher is registered" in why(place.mint(place.identity()), "invalid-publisher")
    letters = place.listed(sa.select(outbox.c.template).order_by(outbox.c.id))
    assert [each for each in letters if each.startswith("publisher-")] == ["publisher-added", "publisher-removed"]


def test_a_pending_publisher_makes_its_project_with_the_first_upload(place: Place) -> None:
    typed = {"service": place.issuer.url, "project": "Comte", **TYPED}
    assert place.browser.post("/account/publishing", typed).headers["location"].endswith("done=pending-added")
    assert "Comte" in words(place.browser.get("/account/publishing"))
    token = place.upload_token()
    page = ask(place.server, "GET", "/simple/comte/", accept="application/vnd.pypi.simple.v1+json")
    assert page.json["files"] == []
    published(upload(place.server, a_wheel("comte"), token=token))
    assert "comte" in words(place.browser.get("/account/publishing"))
    for path in ("/project/comte/", "/pypi/comte/json"):
        assert ask(place.server, "GET", path).status == 200


def test_a_project_that_was_made_and_has_no_release_yet_has_an_empty_list(small: Place) -> None:
    small.browser.post("/account/publishing", {"service": small.issuer.url, "project": "comte", **TYPED})
    small.upload_token()
    assert ask(small.server, "GET", "/project/comte/").status == 404  # nothing to show before the first release
    assert ask(small.server, "GET", "/simple/comte/").status == 200
    assert ask(small.server, "GET", "/pypi/comte/json").status in (200, 404)
    assert ask(small.server, "GET", "/").status == 200


def test_only_publishers_may_upload_once_owners_say_so_and_the_way_back_takes_three_days(place: Place) -> None:
    mine = new_token(place.server, "ann", datetime.now(UTC))
    said = words(place.browser.post(f"{HERE}/require"))
    assert "no trusted publisher" in said
    place.add_publisher()
    assert place.browser.post(f"{HERE}/require").status_code == 303
    refused(upload(place.server, a_wheel("roquefort", "2.0"), token=mine), "Only trusted publishers", status=403)
    published(upload(place.server, a_wheel("roquefort", "2.0"), token=place.upload_token()))
    assert place.browser.post(f"{HERE}/release").status_code == 303
    refused(upload(place.server, a_wheel("roquefort", "2.1"), token=mine), "Only trusted publishers", status=403)
    assert "Tokens may upload again from" in words(place.browser.get(HERE))
    with store_of(place.server) as store, store.write() as connection:
        connection.execute(project.update().values(publishers_only_ends_at=datetime.now(UTC)))
    published(upload(place.server, a_wheel("roquefort", "2.1"), token=mine))


def test_any_owner_calls_the_way_back_off_without_a_proof(small: Place) -> None:
    small.add_publisher()
    small.browser.post(f"{HERE}/require")
    small.browser.post(f"{HERE}/release")
    with signed_in(small.server, small.ann, proof=None) as later:
        assert later.post(f"{HERE}/keep").status_code == 303
        assert "Only trusted publishers may upload" in words(later.get(HERE))
        answer = later.post(f"{HERE}/release")
        assert "/account/confirm?strength=strong" in answer.headers["location"]


def test_the_form_says_what_is_wrong_with_a_field_and_keeps_the_rest(small: Place) -> None:
    answer = small.add_publisher(field_workflow="<script>")
    assert answer.status_code == 400
    assert "it ends in .yml or .yaml" in words(answer)
    assert 'value="fromagerie"' in answer.text
    assert "<script>" not in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_publishers_are_changed_with_a_fresh_proof_only(small: Place) -> None:
    with signed_in(small.server, small.ann, proof=None) as stale:
        page = stale.get(HERE)
        assert "Confirm that it is you" in page.text
        answer = stale.post(HERE, {"service": small.issuer.url, **TYPED})
        assert answer.headers["location"].startswith("/account/confirm?strength=proof&next=")
    assert small.listed(sa.select(sa.func.count()).select_from(sa.table("project_publisher"))) == [0]


def test_a_stranger_sees_and_changes_nothing_of_a_project(small: Place) -> None:
    small.add_publisher()
    eve = sign_up(small.server, "eve", factors=("passkey",))
    with signed_in(small.server, eve, proof="passkey") as stranger:
        assert stranger.get(HERE).status_code == 403
        assert "fromagerie" not in stranger.get(HERE).text
        assert stranger.post(HERE, {"service": small.issuer.url, **TYPED}).status_code == 403
        assert stranger.post(f"{HERE}/require").status_code == 403
        assert stranger.get("/account/projects/unheard-of/publishing").status_code == 404


def test_owners_read_on_the_page_why_a_job_was_refused(small: Place) -> None:
    small.add_publisher()
    small.mint(small.identity(event_name="pull_request_target"))
    assert "event_name is 'pull_request_target'" in words(small.browser.get(HERE))


def test_the_api_adds_lists_and_removes_publishers(small: Place) -> None:
    token = confirmed_token(small)

    def call(method: str, path: str, body: object = None) -> httpx.Response:
        return httpx.request(
            method, f"{small.server.url}api/v1{path}", json=body, headers={"authorization": f"Bearer {token}"},
            trust_env=False,
        )  # fmt: skip

    issuers = {each["issuer"]: each for each in call("GET", "/publisher-issuers").json()["items"]}
    assert [each["name"] for each in issuers[small.issuer.url]["fields"]][:3] == ["owner", "repository", "workflow"]
    asked = {"kind": "github", "issuer": small.issuer.url, "fields": {"owner": "fromagerie", "repository": "roquefort"}}
    wrong = call("POST", "/projects/roquefort/publishers", asked)
    assert (wrong.status_code, wrong.json()["rule"]) == (422, "publisher.field")
    asked["fields"]["workflow"] = "release.yml"  # type: ignore[index]
    made = call("POST", "/projects/roquefort/publishers", asked)
    assert made.status_code == 201, made.text
    assert call("POST", "/projects/roquefort/publishers", asked).status_code == 409
    small.upload_token()
    (listed,) = call("GET", "/projects/roquefort/publishers").json()["items"]
    assert listed["pins"] == {"repository_owner_id": "50001", "repository_id": "70001"}
    only = call("PUT", "/projects/roquefort/publishers-only", {"required": True})
    assert only.json() == {"project": "roquefort", "required": True, "ends_at": None}
    assert call("DELETE", f"/projects/roquefort/publishers/{listed['id']}").status_code == 204
    assert call("DELETE", f"/projects/roquefort/publishers/{listed['id']}").status_code == 404
    pending = call("POST", "/account/pending-publishers", {**asked, "project": "comte"})
    assert pending.status_code == 201, pending.text
    assert [each["project"] for each in call("GET", "/account/pending-publishers").json()["items"]] == ["comte"]
    assert call("DELETE", f"/account/pending-publishers/{pending.json()['id']}").status_code == 204


def confirmed_token(place: Place) -> str:
    """A token of Ann's that she confirmed with a passkey just now."""
    from affineur.core.people.macaroons import read
    from affineur.core.people.second_factor import StepUp
    from affineur.shell.store import tokens

    text = new_token(place.server, "ann", datetime.now(UTC))
    with store_of(place.server) as store, store.write() as connection:
        tokens.confirm(connection, read(text).identifier, StepUp(datetime.now(UTC), "passkey"))
    return text


def test_a_private_index_exchanges_identities_without_another_token(
    server: Callable[..., Server], issuer: Issuer
) -> None:
    environment = {"AFFINEUR_PUBLISHER_ISSUERS": f"github {issuer.url}", "AFFINEUR_READ": "token"}
    for place in _furnished(server(environment=environment), issuer):
        place.add_publisher()
        published(upload(place.server, a_wheel("roquefort", "2.0"), token=place.upload_token()))


def test_the_audience_is_the_index_s_own(server: Callable[..., Server]) -> None:
    named = server(environment={"AFFINEUR_BASE_URL": "https://cheese.example.org/index/"})
    assert ask(named, "GET", "/_/oidc/audience").json == {"audience": "cheese.example.org"}
    found = ask(named, "GET", "/.well-known/pytp?discover=%2Findex%2Flegacy%2F").json
    assert found["token-mint-endpoint"] == "https://cheese.example.org/index/_/pytp/mint-token"
    chosen = server(environment={"AFFINEUR_PUBLISHER_AUDIENCE": "cheese"})
    assert ask(chosen, "GET", "/_/oidc/audience").json == {"audience": "cheese"}
