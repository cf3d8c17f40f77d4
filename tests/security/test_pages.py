"""Pages: every one there is, found in the route table, is framed, kept, misread and led astray by nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.security import routes
from tests.security.scene import open_case
from tests.services.affineur import Server, initialise, serve
from tests.web.people import Visitor, sign_up, signed_in, store_of
from tests.web.uploading import a_wheel, ask, new_token, published, upload

from affineur.core.people import macaroons
from affineur.shell.store import sponsors

PUBLIC = ("/", "/search", "/search?q=brie", "/project/brie/", "/project/nothing/", "/help", "/help/rules", "/nowhere",
          "/account/nowhere", "/admin/nowhere")  # fmt: skip
NO_PAGES = ("/account/log.jsonl", "/account/log.csv", "/admin/log.jsonl", "/admin/log.csv", "people.json", "people.csv")
"""What is taken away as a file."""
HOSTILE = ("..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2f", "..%5c..%5cwindows", "%00", "brie%00",
           "a%0d%0aset-cookie:x",
           "%ff%fe", "{{7*7}}", "%27%20or%201=1--", "%3Cscript%3E", "x" * 3000, "-1", "9" * 40)  # fmt: skip
EVIL = "evil.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("pages") / "data"
    with serve(data, initialise(data)) as running:
        published(upload(running, a_wheel("brie")))
        yield running


@pytest.fixture(scope="module")
def operator(server: Server) -> Iterator[Visitor]:
    """An operator with everything proven, who answers for a machine; there is a case to look into."""
    sign_up(server, "other")
    own, robo = (
        sign_up(server, "own", office="operator", factors=("passkey",)),
        sign_up(server, "robo", kind="automation"),
    )
    with store_of(server) as store, store.write() as connection:
        sponsors.add(connection, robo.id, own.id, datetime.now(UTC))
        open_case(connection, "brie")
    with signed_in(server, own, proof="passkey") as browser:
        yield browser


@pytest.fixture(scope="module")
def stranger(server: Server) -> Iterator[Visitor]:
    with Visitor(server.url) as browser:
        yield browser


@pytest.mark.parametrize("path", [*routes.shown(), *PUBLIC])
def test_every_page_tells_browsers_what_it_must_not_be_used_for(
    operator: Visitor, stranger: Visitor, path: str
) -> None:
    for browser in (operator, stranger):
        answer = browser.get(routes.filled(path))
        assert answer.status_code < 500
        headers = answer.headers
        if 300 <= answer.status_code < 400:
            assert headers["location"].startswith("/") and not headers["location"].startswith("//")
            continue
        assert headers["x-content-type-options"] == "nosniff"
        if path.startswith(("/account", "/admin")) and not path.endswith("nowhere"):
            assert "no-store" in headers["cache-control"]
        if path.endswith(NO_PAGES) and answer.status_code == 200:
            assert headers["content-disposition"].startswith("attachment")
            continue
        policy = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == "'self'"
        assert set(policy.get("script-src", "'self'").split()) == {"'self'"}
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("path", routes.shown())
def test_no_page_leads_to_another_site_however_it_is_asked_to(operator: Visitor, stranger: Visitor, path: str) -> None:
    for onward in (
        f"https://{EVIL}/",
        f"//{EVIL}/",
        f"/%5C{EVIL}/",
        f"javascript:alert(%27{EVIL}%27)",
        f"%09//{EVIL}/",
    ):
        for browser in (operator, stranger):
            answer = browser.get(f"{routes.filled(path)}?next={onward}")
            said = answer.headers.get("location", "")
            assert said == "" or (said.startswith("/") and not said.startswith(("//", "/\\", "/%5C")))
            assert f"//{EVIL}" not in answer.text and f"(&#39;{EVIL}" not in answer.text


@pytest.mark.parametrize(
    "onward", [f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}", f"/\t/{EVIL}", f"\\/{EVIL}", "/a\r\nb: c"]
)
def test_confirming_leads_to_no_other_site(server: Server, onward: str) -> None:
    person = sign_up(server, f"ann{onward.encode().hex()[:12]}")
    with signed_in(server, person, proof=None) as browser:
        answer = browser.client.post(
            "account/confirm", params={"next": onward}, headers={"sec-fetch-site": "same-origin"},
            data={"form_key": browser.form_key, "password": person.password},
        )  # fmt: skip
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/")


@pytest.mark.parametrize("path", [*routes.shown(), *PUBLIC])
def test_no_page_of_an_index_with_an_address_repeats_the_host_that_a_request_named(
    addressed: Server, path: str
) -> None:
    named = {"host": EVIL, "x_forwarded_host": EVIL, "forwarded": f"host={EVIL}", "x_original_url": f"//{EVIL}/"}
    with Visitor(addressed.url) as browser:
        answer = browser.get(routes.filled(path), **named)
    assert EVIL not in answer.text + str(answer.headers)


@pytest.fixture(scope="module")
def addressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data, environment = (
        tmp_path_factory.mktemp("addressed") / "data",
        {"AFFINEUR_BASE_URL": "https://index.example.org/"},
    )
    with serve(data, initialise(data, environment), environment=environment) as running:
        yield running


@pytest.mark.parametrize("path", sorted({each.path for each in routes.every() if "{" in each.path}))
def test_hostile_names_in_an_address_open_nothing_and_break_nothing(
    server: Server, operator: Visitor, path: str
) -> None:
    before, _, rest = path.partition("{")
    after = rest.partition("}")[2]
    token = f"Bearer {server.token}"
    for name in HOSTILE:
        address = before + name + routes.filled(after)
        answer = ask(server, "GET", address, cookie=f"affineur_session={operator.cookie('affineur_session')}",
                     accept="text/html", authorization=token)  # fmt: skip
        assert answer.status < 500, (name[:40], answer.status)
        said = answer.body.decode("utf-8", "replace")
        assert "root:" not in said and "<script>" not in said.replace("<script>alert", "") and said != "49"
        assert "set-cookie" not in answer.headers or answer.headers["set-cookie"] != "x"


def test_the_api_tells_nobody_what_belongs_to_others(server: Server) -> None:
    """Somebody else's is answered as if it were not there; names of accounts are told to offices only."""
    now = datetime.now(UTC)
    mine, theirs = new_token(server, "mine", now), new_token(server, "theirs", now)

    def api(method: str, path: str, token: str, body: bytes = b"") -> tuple[int, str]:
        answer = ask(server, method, f"/api/v1{path}", body, authorization=f"Bearer {token}",
                     content_type="application/json" if body else None)  # fmt: skip
        return answer.status, answer.text

    foreign = macaroons.read(theirs).identifier
    for method in ("GET", "DELETE"):
        there, nowhere = (api(method, f"/tokens/{each}", mine) for each in (foreign, "0" * len(foreign)))
        assert there == (404, nowhere[1].replace("0" * len(foreign), foreign))
    for method, path, body in (
        ("GET", "/accounts/{}", b""),
        ("PUT", "/accounts/{}/freeze", b'{"reason":"x"}'),
        ("PUT", "/accounts/{}/office", b'{"office":null}'),
        ("GET", "/machines/{}", b""),
        ("DELETE", "/machines/{}", b""),
    ):
        there, nowhere = (api(method, path.format(each), mine, body) for each in ("theirs", "nobody"))
        assert there[0] == nowhere[0] >= 400, path
        assert there[1].replace("theirs", "nobody") == nowhere[1], path
    assert api("GET", f"/tokens/{foreign}", theirs)[0] == 200


def test_unknown_fields_and_fields_given_twice_are_no_way_in(server: Server) -> None:
    token = new_token(server, "strict", datetime.now(UTC))

    def api(method: str, path: str, body: bytes) -> tuple[int, str]:
        answer = ask(server, method, f"/api/v1{path}", body, authorization=f"Bearer {token}",
                     content_type="application/json")  # fmt: skip
        return answer.status, answer.json.get("rule", "")

    assert api("PATCH", "/account", b'{"accepts_messages":true,"office":"operator"}') == (422, "api.fields")
    assert api("PATCH", "/account", b'{"accepts_messages":true}')[0] == 200
    twice = ask(server, "GET", "/api/v1/tokens?limit=1&limit=2", authorization=f"Bearer {token}")
    assert (twice.status, twice.json["rule"]) == (422, "api.fields")
    unknown = ask(server, "GET", "/api/v1/tokens?account=operator", authorization=f"Bearer {token}")
    assert (unknown.status, unknown.json["rule"]) == (422, "api.fields")


def test_passwords_are_masked_and_password_managers_are_welcome(operator: Visitor, stranger: Visitor) -> None:
    seen = set()
    for path in routes.shown():
        for browser in (operator, stranger):
            text = browser.get(routes.filled(path)).text
            for field in re.findall(r"<input[^>]*name=\"(?:password|current)\"[^>]*>", text):
                assert 'type="password"' in field, (path, field)
                assert re.search(r'autocomplete="(current|new)-password', field), (path, field)
                seen.add(path)
            assert "onpaste" not in text and 'autocomplete="off" type="password"' not in text
    assert {"/account/sign-in", "/account/password"} <= seen


def test_scripts_of_other_sites_read_nothing_personal(server: Server, operator: Visitor) -> None:
    for path in routes.shown():
        headers = operator.get(routes.filled(path), origin=f"https://{EVIL}").headers
        assert "access-control-allow-origin" not in headers, path
    for path in ("account", "tokens", "events", "nowhere"):
        answer = ask(server, "GET", f"/api/v1/{path}", authorization=f"Bearer {server.token}", origin=f"https://{EVIL}")
        assert not any(name.startswith("access-control") for name in answer.headers), path
