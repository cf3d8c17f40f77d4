"""Webhooks on a running index: by page, API and command, delivered by its background, checked by a receiver."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape

import httpx
import pytest
from tests.services.affineur import Server, affineur, initialise, serve
from tests.services.receiver import Receiver, open_receiver
from tests.web.people import Person, sign_up, signed_in, store_of

from affineur.core.history.journal import Event
from affineur.core.names import NormalizedName
from affineur.core.people.second_factor import StepUp
from affineur.shell.store import journal, projects, tokens

NETWORKS = {"AFFINEUR_WEBHOOK_NETWORKS": "127.0.0.0/8"}


@dataclass
class Scene:
    """A server, a receiver, who owns the project brie, an operator, and somebody else."""

    server: Server
    receiver: Receiver
    owner: Person
    operator: Person
    stranger: Person
    token_id: str
    token: str

    def happens(self, name: str = "brie", event: str = "ProjectArchived") -> int:
        with store_of(self.server) as store, store.write() as connection:
            return journal.append(connection, datetime.now(UTC), [Event(event, name)])

    def api(self, method: str, path: str, **more: object) -> httpx.Response:
        """Ask the API with the operator's token, confirmed just now."""
        with store_of(self.server) as store, store.write() as connection:
            tokens.confirm(connection, self.token_id, StepUp(datetime.now(UTC), "totp"))
        auth = {"authorization": f"Bearer {self.token}"}
        url = f"{self.server.url.rstrip('/')}/api/v1{path}"
        return httpx.request(method, url, headers=auth, trust_env=False, timeout=60, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    data = tmp_path_factory.mktemp("webhooks") / "data"
    token = initialise(data, NETWORKS)
    with open_receiver() as receiver, serve(data, token, mode="python", environment=NETWORKS) as server:
        owner, stranger = (sign_up(server, name, factors=("totp",)) for name in ("olga", "sid"))
        operator = sign_up(server, "otto", office="operator", factors=("totp",))
        with store_of(server) as store, store.write() as connection:
            for name in ("brie", "feta"):
                found = projects.add_project(connection, NormalizedName(name), name.title(), datetime.now(UTC))
                projects.grant(connection, found.id, owner.id, "owner", datetime.now(UTC))
        made = json.loads(affineur("token", "create", "--user", "otto", "--json", "--data", data))
        yield Scene(server, receiver, owner, operator, stranger, made["id"], made["token"])


def words(response: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def eventually(what: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)


def test_an_owner_adds_a_webhook_on_a_page_and_is_sent_what_happens(scene: Scene) -> None:
    page = "account/projects/brie/webhooks"
    with signed_in(scene.server, scene.owner, proof="totp") as olga:
        assert "Nobody is told yet." in words(olga.get(page))
        made = olga.post(page, {"url": scene.receiver.url + "/page", "events": "ProjectArchived ProjectUnarchived"})
        assert made.status_code == 200
        found = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(made.text))
        assert found is not None
        hook_id = re.search(r"/webhooks/(wh[0-9a-f]+)", made.text)
        assert hook_id is not None
        one = f"{page}/{hook_id[1]}"

        scene.happens(event="LimitsChanged")
        scene.happens("feta")
        serial = scene.happens()
        (sent,) = scene.receiver.wait("/page", 1)
        assert sent.serial == serial
        assert sent.is_signed_with(found[0])
        eventually(lambda: "Taken (200)" in words(olga.get(one)))
        assert found[0] not in olga.get(one).text, "the secret is shown once"

        assert "It was taken." in words(olga.post(one, {"act": "ping"}, follow=True))
        assert scene.receiver.to("/page")[-1].message["type"] == "ping"
        number = re.search(r'name="delivery" value="(\d+)"', olga.get(one).text)
        assert number is not None
        again = olga.post(one, {"act": "redeliver", "delivery": number[1]}, follow=True)
        assert "It was taken." in words(again) and "once more" in words(again)
        assert scene.receiver.to("/page")[-1].id == sent.id

        assert "It is paused." in words(olga.post(one, {"act": "pause"}, follow=True))
        renewed = olga.post(one, {"act": "secret"})
        fresh = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(renewed.text))
        assert fresh is not None and fresh[0] != found[0]
        olga.post(one, {"act": "ping"})
        both = scene.receiver.to("/page")[-1]
        assert both.is_signed_with(found[0]) and both.is_signed_with(fresh[0]), "for a day both sign"

        assert "It goes on" in words(olga.post(one, {"act": "resume"}, follow=True))
        assert "is removed" in words(olga.post(one, {"act": "remove"}, follow=True))
        assert olga.get(one).status_code == 404


def test_what_is_refused_is_said_on_the_page_with_what_was_typed(scene: Scene) -> None:
    page = "account/projects/brie/webhooks"
    with signed_in(scene.server, scene.owner, proof="totp") as olga:
        refused = olga.post(page, {"url": "https://hooks.example.org/x#y", "events": "Nonsense"})
        assert refused.status_code == 400
        assert "webhook.events" in words(refused)
        assert "https://hooks.example.org/x#y" in unescape(refused.text)
        assert "webhook.url" in words(olga.post(page, {"url": "ftp://hooks.example.org/"}))


def test_others_see_neither_the_webhooks_of_a_project_nor_those_of_the_index(scene: Scene) -> None:
    hook = scene.api("POST", "/projects/brie/webhooks", json={"url": scene.receiver.url + "/others"}).json()["webhook"]
    with signed_in(scene.server, scene.stranger, proof="totp") as sid:
        for path in ("account/projects/brie/webhooks", f"account/projects/brie/webhooks/{hook['id']}"):
            assert sid.get(path).status_code == 403
            assert sid.post(path, {"url": "https://hooks.example.org/", "act": "remove"}).status_code == 403
        assert sid.get("admin/webhooks").status_code == 403
    with signed_in(scene.server, scene.owner, proof="totp") as olga:
        assert olga.get(f"account/projects/feta/webhooks/{hook['id']}").status_code == 404, "it is not of feta"
        assert olga.get("admin/webhooks").status_code == 403
    assert scene.api("DELETE", f"/webhooks/{hook['id']}").status_code == 204


def test_adding_takes_a_proof(scene: Scene) -> None:
    with signed_in(scene.server, scene.owner, proof=None) as olga:
        assert "takes a proof" in words(olga.get("account/projects/brie/webhooks"))
        sent_on = olga.post("account/projects/brie/webhooks", {"url": "https://hooks.example.org/"})
        assert sent_on.status_code == 303 and "account/confirm" in sent_on.headers["location"]


def test_an_operator_has_everything_sent(scene: Scene) -> None:
    with signed_in(scene.server, scene.operator, proof="totp") as otto:
        made = otto.post("admin/webhooks", {"url": scene.receiver.url + "/all"})
        hook_id = re.search(r"/admin/webhooks/(wh[0-9a-f]+)", made.text)
        assert made.status_code == 200 and hook_id is not None
        serials = [scene.happens(name) for name in ("brie", "feta", "brie")]
        assert [each.serial for each in scene.receiver.wait("/all", 3)] == serials
        assert "is removed" in words(otto.post(f"admin/webhooks/{hook_id[1]}", {"act": "remove"}, follow=True))


def test_programs_do_all_of_it_through_the_api(scene: Scene) -> None:
    made = scene.api("POST", "/projects/brie/webhooks", json={"url": scene.receiver.url + "/api", "hints": ["hide"]})
    assert made.status_code == 201
    hook, secret = made.json()["webhook"], made.json()["secret"]
    one = f"/webhooks/{hook['id']}"
    assert made.headers["location"].endswith(f"/api/v1{one}")
    assert secret.startswith("whsec_") and secret not in scene.api("GET", one).text
    assert scene.api("GET", "/projects/brie/webhooks").json()["items"] == [hook]
    assert scene.api("GET", "/webhooks").json()["items"] == []

    pinged = scene.api("POST", one + "/ping").json()
    assert (pinged["status"], pinged["serial"], pinged["asked"]) == (200, None, True)
    changed = scene.api("PATCH", one, json={"url": scene.receiver.url + "/api2", "hints": []}).json()
    assert (changed["url"], changed["hints"]) == (scene.receiver.url + "/api2", [])
    serial = scene.happens()
    (sent,) = [each for each in scene.receiver.wait("/api2", 1) if each.serial == serial]
    assert sent.is_signed_with(secret)
    eventually(lambda: scene.api("GET", one).json()["position"] == serial)
    newest, *_ = scene.api("GET", one + "/deliveries").json()["items"]
    assert (newest["serial"], newest["status"]) == (serial, 200)
    assert scene.api("POST", f"{one}/deliveries/{newest['id']}/redeliver").json()["status"] == 200
    assert scene.api("POST", f"{one}/deliveries/999999/redeliver").json()["rule"] == "webhook.delivery"

    assert scene.api("POST", one + "/pause").json()["state"] == "paused"
    assert scene.api("POST", one + "/resume", json={"from_now": True}).json()["state"] == "active"
    assert scene.api("POST", one + "/secret").json()["secret"] != secret
    assert scene.api("DELETE", one).status_code == 204
    assert scene.api("GET", one).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "rule"),
    [
        ({"url": "https://hooks.example.org:22/"}, 400, "webhook.url"),
        ({"url": "https://hooks.example.org/", "events": ["Nonsense"]}, 400, "webhook.events"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, 201, ""),
    ],
)
def test_the_api_refuses_with_the_rule(scene: Scene, asked: dict[str, object], status: int, rule: str) -> None:
    answer = scene.api("POST", "/projects/feta/webhooks", json=asked)
    assert answer.status_code == status
    if rule:
        assert answer.json()["rule"] == rule
    else:  # what an address means is judged when it is connected to
        hook = answer.json()["webhook"]
        tried = scene.api("POST", f"/webhooks/{hook['id']}/ping").json()
        assert tried["status"] is None and "not a public address" in tried["error"]
        assert scene.api("POST", "/projects/feta/webhooks", json=asked).json()["rule"] == "webhook.there"
        assert scene.api("DELETE", f"/webhooks/{hook['id']}").status_code == 204


def test_no_secret_of_a_webhook_and_no_address_comes_into_a_log(scene: Scene) -> None:
    made = scene.api("POST", "/projects/brie/webhooks", json={"url": scene.receiver.url + "/T0/s3cr3t-path"}).json()
    scene.receiver.answers["/T0/s3cr3t-path"] = 500
    scene.happens()
    scene.receiver.wait("/T0/s3cr3t-path", 1)
    eventually(lambda: f"webhook {made['webhook']['id']}" in scene.server.log.read_text(errors="replace"))
    scene.api("DELETE", f"/webhooks/{made['webhook']['id']}")
    logs = [scene.server.log, *(path for path in (scene.server.data / "logs").rglob("*") if path.is_file())]
    logged = "".join(path.read_text(errors="replace") for path in logs)
    assert "entry" in logged, "deliveries that fail are logged"
    for hidden in ("s3cr3t-path", made["secret"]):
        assert hidden not in logged


def test_the_command_line_does_it_here_and_elsewhere(scene: Scene) -> None:
    here = ("--data", scene.server.data)
    said = affineur("webhook", "add", scene.receiver.url + "/cli", "--project", "Brie", *here, environment=NETWORKS)
    found = re.fullmatch(r"Webhook (wh[0-9a-f]+)\. Secret, shown only now: (whsec_\S+)\n", said)
    assert found is not None
    assert affineur("webhook", "test", found[1], *here, environment=NETWORKS).startswith("200 thank you")
    (pinged,) = scene.receiver.to("/cli")
    assert pinged.is_signed_with(found[2])
    scene.receiver.answers["/cli"] = 418
    with pytest.raises(RuntimeError, match="418"):
        affineur("webhook", "test", found[1], *here, environment=NETWORKS)

    scene.api("GET", "/webhooks")  # confirms the token
    there = {"AFFINEUR_INDEX": scene.server.url, "AFFINEUR_TOKEN": scene.token}
    logged = affineur("webhook", "log", found[1], environment=there).splitlines()
    assert ["418" in line for line in logged] == [True, False]
    assert found[1] in affineur("webhook", "list", "--project", "brie", environment=there)
    assert "is removed" in affineur("webhook", "remove", found[1], environment=there)
