"""The frame of the API, over real HTTP: what every operation gets from its declaration alone.

The operations here are the test's own, beside those of the program; index, tokens, store and server are real.
"""

from __future__ import annotations

import json
import socket
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
import uvicorn
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from starlette.applications import Starlette
from starlette.routing import Route
from tests.services.affineur import initialise
from tests.web.uploading import Answer, ask, basic

from affineur.core.decision import deny, refuse
from affineur.settings import Settings
from affineur.shell.index import Index, open_index
from affineur.shell.store.schema import idempotency
from affineur.web import api
from affineur.web.api import openapi, problems, reading, replays, serving
from affineur.web.api.operation import Call, Input, Listing, Made, Operation, Output
from affineur.web.identity import Uses
from affineur.web.requestlog import RequestLog, address_keeper

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=40, description="What it is called.")]


class Cheese(Input):
    """A cheese to be made."""

    name: Name
    months: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    tags: list[str] = msgspec.field(default_factory=list)


class Chosen(Input):
    """Which cheeses are wanted."""

    kind: Literal["soft", "hard"] | None = None
    tag: list[str] = msgspec.field(default_factory=list)


class Refusal(Input):
    """The refusal that the handler is to give."""

    rule: str


class Shown(Output):
    """A cheese as shown."""

    id: str
    name: str


@dataclass
class Kitchen:
    """What the handlers did: ``done`` is one entry per time that something was done."""

    done: list[str]
    entered: threading.Event
    go_on: threading.Event


KITCHEN = Kitchen([], threading.Event(), threading.Event())


def make(call: Call) -> Made:
    KITCHEN.done.append(call.body.name)
    number = str(len(KITCHEN.done))
    return Made(Shown(id=number, name=call.body.name), number, f"/cheeses/{number}")


def make_slowly(call: Call) -> Made:
    KITCHEN.entered.set()
    assert KITCHEN.go_on.wait(20)
    return make(call)


def listed(call: Call) -> Listing:
    first = min(call.page.after_number or 0, 119)
    numbers = range(first, min(first + call.page.limit, 120))
    items = [Shown(id=str(each), name=call.query.kind or "any") for each in numbers]
    last = numbers[-1] + 1
    return Listing(items, None if last == 120 else str(last))


def shown(call: Call) -> Shown:
    if call.path["id"] == "gone":
        refuse("project.exists", "There is no such cheese.", "Make one.")
    return Shown(id=call.path["id"], name=call.caller.origin.user_agent)


def refused(call: Call) -> None:
    refuse(call.body.rule, "No.", "Ask later.", retry_after_seconds=7, at=datetime(2026, 1, 2, tzinfo=UTC), by=object())


def broken(call: Call) -> None:
    KITCHEN.done.append("broken")
    raise RuntimeError("a password, say")


CHEESE = Operation(
    method="POST", path="/cheeses", name="makeCheese", summary="Make a cheese.", tag="cheeses",
    handler=make, body=Cheese, answer=Shown, status=201,
)  # fmt: skip
OPERATIONS = (
    CHEESE,
    replace(CHEESE, path="/slow", name="makeSlowly", handler=make_slowly),
    replace(CHEESE, path="/secrets", name="makeSecret", secret=True),
    replace(CHEESE, path="/office", name="makeInOffice", needs="set-office"),
    replace(CHEESE, path="/own", name="makeOwn", needs="see-account"),
    replace(CHEESE, path="/broken", name="breakDown", handler=broken),
    replace(CHEESE, path="/refusals", name="refuse", handler=refused, body=Refusal, answer=None, status=204),
    Operation(method="GET", path="/cheeses", name="listCheeses", summary="All of them.", tag="cheeses",
              handler=listed, query=Chosen, answer=Shown, paged=True),
    Operation(method="GET", path="/cheeses/{id}", name="getCheese", summary="One.", tag="cheeses",
              handler=shown, answer=Shown),
    Operation(method="DELETE", path="/cheeses/{id}", name="eatCheese", summary="Eat one.", tag="cheeses",
              handler=lambda call: None, status=204),
    Operation(method="GET", path="/cheeses/best", name="getBest", summary="The best.", tag="cheeses",
              handler=lambda call: Shown(id="0", name="best"), answer=Shown),
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """An index whose API is served: ``url`` ends in ``/``; ``token`` is its operator's."""

    url: str
    token: str
    index: Index


@contextmanager
def serving_api(data: Path, token: str, **settings: str) -> Iterator[Served]:
    index = open_index(Settings(data=data, **settings))  # type: ignore[arg-type]
    answering = serving.router((*api.operations(), *OPERATIONS))
    app = Starlette(routes=[Route("/api", answering), Route("/api/{rest:path}", answering)])
    app.state.index = index
    app.state.log = RequestLog(index.settings.logs, address_keeper("none", b""))
    app.state.uses = Uses(index.store)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, server_header=False))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/", token, index)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        app.state.log.close()
        index.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("api") / "data"
    with serving_api(data, initialise(data)) as running:
        yield running


def call(served: Served, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
    """Ask the API as the operator, with a JSON body unless it is given as bytes."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    given = {"authorization": f"Bearer {served.token}", "content_type": "application/json" if data else None}
    answer = ask(served, method, f"/api/v1{path}", data, **(given | headers))  # type: ignore[arg-type]
    assert answer.headers["cache-control"] == "no-store, private"
    assert "access-control-allow-origin" not in answer.headers
    return answer


def problem(answer: Answer, status: int, rule: str) -> dict[str, object]:
    """Require a refusal in the one form that they have here; its members."""
    assert (answer.status, answer.headers["content-type"]) == (status, problems.CONTENT_TYPE), answer.text
    found = answer.json
    assert (found["status"], found["rule"]) == (status, rule)
    assert found["type"].endswith(f"/help/rules/{rule}")
    assert found["title"]
    assert found["detail"]
    return found


def faults(answer: Answer) -> dict[str, str]:
    """The values that did not fit, by pointer."""
    return {each["pointer"]: each["message"] for each in problem(answer, 422, "api.fields")["errors"]}  # type: ignore


def new_key() -> str:
    return f'"{uuid4()}"'


# Who calls


def test_nobody_is_asked_for_a_token_and_told_how_to_send_it(served: Served) -> None:
    answer = call(served, "GET", "/account", authorization=None)
    assert str(problem(answer, 401, "identity.token")["detail"])
    assert answer.headers["www-authenticate"] == ('Bearer realm="index", Basic realm="index", charset="UTF-8"')


@pytest.mark.parametrize("authorization", ["Bearer affineur-nonsense", "Basic !", "Digest x", "Bearer "])
def test_a_token_that_is_none_is_an_error_of_the_token(served: Served, authorization: str) -> None:
    answer = call(served, "GET", "/account", authorization=authorization)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="index", error="invalid_token", Basic')


def test_a_password_is_no_identity_here(served: Served) -> None:
    problem(call(served, "GET", "/account", authorization=basic("admin", "cheese")), 401, "identity.password")


def test_the_caller_is_told_who_it_is_however_the_token_is_sent(served: Served) -> None:
    for authorization in (f"Bearer {served.token}", basic("__token__", served.token)):
        answer = call(served, "GET", "/account", authorization=authorization)
        assert answer.status == 200, answer.text
        found = answer.json
        assert (found["kind"], found["office"], found["via"]) == ("person", "operator", "token")
        assert found["token"]["projects"] is None
        assert "upload" in found["token"]["actions"]
        assert served.token not in answer.text


def test_an_act_that_asks_for_more_is_refused_before_the_body_is_looked_at(served: Served) -> None:
    answer = call(served, "POST", "/office", b"no JSON")
    assert str(problem(answer, 403, "access.step-up")["ways_out"])
    assert call(served, "POST", "/own", {"name": "Brie"}).status == 201


# What is asked


def test_a_sound_body_reaches_the_handler_and_what_it_made_has_an_address(served: Served) -> None:
    answer = call(served, "POST", "/cheeses", {"name": "Comté", "months": 18, "tags": ["hard"]})
    assert (answer.status, answer.json["name"]) == (201, "Comté")
    assert answer.headers["location"] == f"{served.url}api/v1/cheeses/{answer.json['id']}"


def test_everything_that_does_not_fit_is_said_at_once(served: Served) -> None:
    body = {"months": 1000, "tags": ["a", 2], "milk/fat": 1}
    assert faults(call(served, "POST", "/cheeses", body)) == {
        "/name": "Missing",
        "/months": "Expected int <= 600",
        "/tags/1": "Expected str, got int",
        "/milk~1fat": "Unknown here",
    }


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null"])
def test_a_body_that_is_no_object_does_not_fit(served: Served, body: bytes) -> None:
    assert list(faults(call(served, "POST", "/cheeses", body))) == [""]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'{"name": "a"} x',
                                  b'{"a":' * 9000, b'{"x":' + b"[" * 40_000])  # fmt: skip
def test_a_body_that_is_no_json_is_refused(served: Served, body: bytes) -> None:
    problem(call(served, "POST", "/cheeses", body, content_type="application/json"), 400, "api.syntax")


def test_no_text_holds_a_character_that_cannot_be_kept(served: Served) -> None:
    assert "U+0000" in faults(call(served, "POST", "/cheeses", b'{"name": "a\\u0000"}'))[""]
    assert call(served, "POST", "/cheeses", b'{"name": "a\\\\u0000"}').status == 201  # a backslash and letters
    assert "U+0000" in faults(call(served, "GET", "/cheeses?kind=%00"))[""]
    problem(call(served, "GET", "/cheeses/%00"), 404, "api.not-found")


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data; boundary=x", "application/jsonx"])
def test_a_body_of_another_type_is_not_looked_at(served: Served, content_type: str | None) -> None:
    answer = call(served, "POST", "/cheeses", b'{"name": "Brie"}', content_type=content_type)
    problem(answer, 415, "api.content-type")


def test_the_type_may_have_parameters_but_the_body_no_encoding(served: Served) -> None:
    body = b'{"name": "Brie"}'
    assert call(served, "POST", "/cheeses", body, content_type="Application/JSON; charset=utf-8").status == 201
    problem(call(served, "POST", "/cheeses", body, content_encoding="gzip"), 415, "api.content-type")


@pytest.mark.parametrize("extra_bytes", [0, 1, 3_000_000])
def test_a_body_has_a_largest_size(served: Served, extra_bytes: int) -> None:
    body = b'{"name": "Brie"}'.ljust(reading.MAXIMUM_BODY_BYTES + extra_bytes)
    try:
        answer = call(served, "POST", "/cheeses", body)
    except ConnectionError:  # it was still sending when the answer came
        assert extra_bytes > 1_000_000
        return
    if extra_bytes:
        problem(answer, 413, "api.size")
    else:
        assert answer.status == 201


def test_a_body_in_chunks_is_measured_as_it_comes(served: Served) -> None:
    address = urlsplit(served.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as connection:
        head = f"POST /api/v1/cheeses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.token}\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        connection.sendall((b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5 + b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_an_accept_header_that_takes_no_json_is_told_so(served: Served) -> None:
    problem(call(served, "GET", "/account", accept="text/html"), 406, "api.accept")
    for accept in ("*/*", "application/*;q=0.1", "text/html, application/json;q=0.5", ""):
        assert call(served, "GET", "/account", accept=accept).status == 200


# Addresses and methods


@pytest.mark.parametrize("path", ["", "/", "/v1/nothing", "/v2/account", "/v1/account/", "/v1/cheeses/1/2"])
def test_where_nothing_is_a_problem_says_so(served: Served, path: str) -> None:
    problem(ask(served, "GET", f"/api{path}"), 404, "api.not-found")  # type: ignore[arg-type]


def test_another_method_is_told_which_there_are(served: Served) -> None:
    answer = call(served, "PUT", "/cheeses")
    problem(answer, 405, "api.method")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_head_is_get_without_a_body_and_options_names_methods_without_asking_who(served: Served) -> None:
    whole, head = call(served, "GET", "/cheeses/1"), call(served, "HEAD", "/cheeses/1")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(whole.body)))
    options = call(served, "OPTIONS", "/cheeses/1", authorization=None)
    assert (options.status, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")


def test_what_has_no_answer_answers_nothing(served: Served) -> None:
    answer = call(served, "DELETE", "/cheeses/1")
    assert (answer.status, answer.body) == (204, b"")


def test_a_fixed_address_is_stronger_than_a_parameter(served: Served) -> None:
    assert call(served, "GET", "/cheeses/best").json["name"] == "best"


def test_a_handler_knows_what_the_request_came_from(served: Served) -> None:
    assert call(served, "GET", "/cheeses/1", user_agent="cellar/1").json["name"] == "cellar/1"


# Refusals


@pytest.mark.parametrize(
    ("rule", "status"),
    [("access.role", 403), ("throttle.relay", 429), ("project.exists", 404), ("factor.manage", 403),
     ("grant.anything", 400)],
)  # fmt: skip
def test_a_refusal_has_the_status_of_its_rule_and_says_all_it_knows(served: Served, rule: str, status: int) -> None:
    found = problem(call(served, "POST", "/refusals", {"rule": rule}), status, rule)
    assert (found["detail"], found["ways_out"]) == ("No.", ["Ask later."])
    assert found["facts"] == {"retry_after_seconds": 7, "at": "2026-01-02T00:00:00Z"}


def test_whoever_is_too_quick_is_told_when_to_come_back(served: Served) -> None:
    assert call(served, "POST", "/refusals", {"rule": "throttle.relay"}).headers["retry-after"] == "7"


def test_what_is_not_there_is_404(served: Served) -> None:
    problem(call(served, "GET", "/cheeses/gone"), 404, "project.exists")


def test_what_fails_says_nothing_of_why(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = call(served, "POST", "/broken", {"name": "x"})
    problem(answer, 500, "api.failed")
    assert "password" not in answer.text
    assert [record.operation for record in caplog.records if record.exc_info] == ["breakDown"]  # type: ignore


# Lists


def test_a_list_is_walked_from_page_to_page(served: Served) -> None:
    address, found, pages = "/cheeses?kind=soft&tag=a&tag=b", [], 0
    while address:
        answer = call(served, "GET", address)
        assert answer.status == 200, answer.text
        found += [each["id"] for each in answer.json["items"]]
        assert {each["name"] for each in answer.json["items"]} == {"soft"}
        pages += 1
        following = answer.json["next"]
        link = answer.headers.get("link")
        assert link == (f'<{following}>; rel="next"' if following else None)
        address = following.removeprefix(f"{served.url}api/v1") if following else ""
    assert (pages, found) == (3, [str(each) for each in range(120)])


def test_a_page_is_as_long_as_wanted_up_to_a_hundred(served: Served) -> None:
    assert len(call(served, "GET", "/cheeses").json["items"]) == 50
    assert len(call(served, "GET", "/cheeses?limit=100").json["items"]) == 100
    assert faults(call(served, "GET", "/cheeses?limit=101")) == {"/limit": "Expected int <= 100"}
    assert set(faults(call(served, "GET", "/cheeses?limit=x&after=MQ"))) == {"/limit"}


def test_a_parameter_is_left_out_and_never_null(served: Served) -> None:
    assert set(faults(call(served, "GET", "/cheeses?kind=null"))) == {"/kind"}


@pytest.mark.parametrize("after", ["", "a", "%FF", "!", urlsafe_b64encode(b"\xff").decode(), "AA"])
def test_a_made_up_position_is_refused(served: Served, after: str) -> None:
    assert set(faults(call(served, "GET", f"/cheeses?after={after}"))) == {"/after"}


@pytest.mark.parametrize("position", ["x", "-1", "1e3", "٣", "9" * 19])
def test_a_position_that_should_be_a_number_is_one(served: Served, position: str) -> None:
    after = urlsafe_b64encode(position.encode()).decode().rstrip("=")
    problem(call(served, "GET", f"/cheeses?after={after}"), 422, "api.fields")


def test_a_query_is_as_strict_as_a_body(served: Served) -> None:
    assert set(faults(call(served, "GET", "/cheeses?kind=blue&colour=red"))) == {"/kind", "/colour"}
    assert faults(call(served, "GET", "/cheeses?kind=soft&kind=hard")) == {"/kind": "Given more than once"}
    assert set(faults(call(served, "GET", "/account?limit=5"))) == {"/limit"}


# Repetitions


def test_a_repeated_request_is_done_once_and_answered_alike(served: Served) -> None:
    key, before = new_key(), len(KITCHEN.done)
    first, again = (call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key) for _ in range(2))
    assert len(KITCHEN.done) == before + 1
    assert (again.status, again.body, again.headers["location"]) == (201, first.body, first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_without_a_key_it_is_done_each_time(served: Served) -> None:
    before = len(KITCHEN.done)
    for _ in range(2):
        call(served, "POST", "/cheeses", {"name": "Brie"})
    assert len(KITCHEN.done) == before + 2


def test_a_key_belongs_to_one_request(served: Served) -> None:
    key = new_key()
    assert call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key).status == 201
    for path, name in (("/cheeses", "Comté"), ("/own", "Brie"), ("/cheeses?", "Tomme")):
        answer = call(served, "POST", path, {"name": name}, idempotency_key=key)
        problem(answer, 422, "api.idempotency-reused")


def test_a_key_of_one_token_says_nothing_to_another(served: Served) -> None:
    key = new_key()
    assert call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key).status == 201
    answer = call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key,
                  authorization=basic("__token__", served.token))  # fmt: skip
    problem(answer, 422, "api.idempotency-reused")


def test_a_request_under_way_is_not_done_twice(served: Served) -> None:
    key, before, answers = new_key(), len(KITCHEN.done), list[Answer]()
    KITCHEN.entered.clear()
    KITCHEN.go_on.clear()

    def first() -> None:
        answers.append(call(served, "POST", "/slow", {"name": "Tomme"}, idempotency_key=key))

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert KITCHEN.entered.wait(20)
        meanwhile = call(served, "POST", "/slow", {"name": "Tomme"}, idempotency_key=key)
    finally:
        KITCHEN.go_on.set()
        thread.join(20)
    problem(meanwhile, 409, "api.idempotency-running")
    assert meanwhile.headers["retry-after"] == "1"
    assert (answers[0].status, len(KITCHEN.done)) == (201, before + 1)
    assert call(served, "POST", "/slow", {"name": "Tomme"}, idempotency_key=key).body == answers[0].body


def test_a_secret_is_told_once_and_never_kept(served: Served) -> None:
    key = new_key()
    first = call(served, "POST", "/secrets", {"name": "hush-hush"}, idempotency_key=key)
    assert first.status == 201
    again = call(served, "POST", "/secrets", {"name": "hush-hush"}, idempotency_key=key)
    assert problem(again, 409, "api.idempotency-secret")["facts"] == {
        "id": first.json["id"],
        "location": f"/cheeses/{first.json['id']}",
    }
    with served.index.store.read() as connection:
        row = connection.execute(idempotency.select().where(idempotency.c.key == key.strip('"'))).one()
    assert json.loads(row.body)["body"] == ""


def test_a_refused_request_gives_its_key_back(served: Served) -> None:
    key = new_key()
    for rule, status in (("access.role", 403), ("access.role", 403), ("throttle.relay", 429)):
        answer = call(served, "POST", "/refusals", {"rule": rule}, idempotency_key=key)
        assert "idempotency-replayed" not in answer.headers
        problem(answer, status, rule)


def test_what_broke_off_is_not_done_again(served: Served) -> None:
    key, before = new_key(), len(KITCHEN.done)
    call(served, "POST", "/broken", {"name": "x"}, idempotency_key=key)
    problem(call(served, "POST", "/broken", {"name": "x"}, idempotency_key=key), 409, "api.idempotency-running")
    with served.index.store.write() as connection:
        long_ago = datetime.now(UTC) - replays.UNDER_WAY_FOR
        connection.execute(idempotency.update().where(idempotency.c.key == key.strip('"')).values(created_at=long_ago))
    problem(call(served, "POST", "/broken", {"name": "x"}, idempotency_key=key), 409, "api.idempotency-unknown")
    assert KITCHEN.done[before:] == ["broken"]


def test_a_key_is_kept_for_a_day(served: Served) -> None:
    key, before = new_key(), len(KITCHEN.done)
    for age, done in ((timedelta(0), 1), (timedelta(hours=23, minutes=59), 1), (timedelta(hours=24, seconds=1), 2)):
        with served.index.store.write() as connection:
            made_at = datetime.now(UTC) - age
            connection.execute(
                idempotency.update().where(idempotency.c.key == key.strip('"')).values(created_at=made_at)
            )
        assert call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key).status == 201
        assert len(KITCHEN.done) == before + done


@pytest.mark.parametrize("key", ["bare-words", '""', '"a" , "b"', '"' + "a" * 256 + '"', '"é"', '"a', "7", '"a\\b"'])
def test_a_key_that_is_not_well_formed_is_refused_and_nothing_is_done(served: Served, key: str) -> None:
    before = len(KITCHEN.done)
    answer = call(served, "POST", "/cheeses", {"name": "Brie"}, idempotency_key=key.encode().decode("latin-1"))
    problem(answer, 400, "api.idempotency-key")
    assert len(KITCHEN.done) == before


def test_where_repeating_does_no_harm_a_key_is_not_looked_at(served: Served) -> None:
    assert call(served, "DELETE", "/cheeses/1", idempotency_key="bare").status == 204


# The description


def test_the_description_is_an_openapi_document_of_every_operation(served: Served) -> None:
    answer = call(served, "GET", "/openapi.json", authorization=None)
    OPENAPI_31_VALIDATOR.validate(answer.json)
    declared = [each for path in answer.json["paths"].values() for each in path.values()]
    assert {each["operationId"] for each in declared} == {each.name for each in api.operations()}
    assert answer.json["servers"] == [{"url": f"{served.url}api/v1"}]


def test_a_description_has_bodies_queries_pages_and_every_refusal() -> None:
    described = openapi.document((*api.operations(), *OPERATIONS), "https://cheese.example.org/", private=False)
    OPENAPI_31_VALIDATOR.validate(json.loads(msgspec.json.encode(described)))
    cheeses = described["paths"]["/cheeses"]
    assert cheeses["post"]["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Cheese"
    }
    assert {each["name"] for each in cheeses["get"]["parameters"]} == {"kind", "tag", "limit", "after"}
    assert {each["name"] for each in cheeses["post"]["parameters"]} == {"Idempotency-Key"}
    assert set(cheeses["post"]["responses"]) == {
        *("201", "400", "401", "403", "404", "406", "409", "413", "415", "422", "429", "500", "503")
    }
    assert described["paths"]["/office"]["post"]["x-affineur-needs"]["action"] == "set-office"
    assert described["paths"]["/"]["get"]["security"] == []


def test_a_private_index_describes_itself_to_nobody_without_a_token(tmp_path: Path) -> None:
    token = initialise(tmp_path / "data")
    with serving_api(tmp_path / "data", token, read="token") as private:
        for path in ("/", "/openapi.json"):
            problem(call(private, "GET", path, authorization=None), 401, "identity.token")
            assert call(private, "GET", path).status == 200
        described = call(private, "GET", "/openapi.json").json
    OPENAPI_31_VALIDATOR.validate(described)
    assert described["paths"]["/"]["get"]["security"]


def test_the_entrance_leads_on(served: Served) -> None:
    found = call(served, "GET", "/", authorization=None).json
    assert found["openapi"] == f"{served.url}api/v1/openapi.json"
    assert call(served, "GET", found["account"].removeprefix(f"{served.url}api/v1")).status == 200


# Declarations


@pytest.mark.parametrize(
    "changes",
    [{"path": "cheeses"}, {"name": "make_cheese"}, {"summary": "Make"}, {"method": "GET"}, {"status": 204},
     {"paged": True}, {"public": True, "needs": "read"}, {"answer": None}],
)  # fmt: skip
def test_a_declaration_that_contradicts_itself_is_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be declared"):
        replace(CHEESE, **changes)  # type: ignore[arg-type]


def test_two_operations_never_share_a_name_or_a_place() -> None:
    for twin in (replace(CHEESE, path="/elsewhere"), replace(CHEESE, name="makeAnother")):
        with pytest.raises(ValueError, match="Two operations"):
            serving.router((CHEESE, twin))


def test_every_status_of_the_frame_is_one_that_its_description_has() -> None:
    told = {status for each in (*api.operations(), *OPERATIONS) for status in openapi.refusals(each)}
    own = {problems.status_for(deny(rule, "")) for rule in problems._STATUS}
    assert own - {405} <= told
