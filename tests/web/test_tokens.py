"""Tokens through HTTP: the page, the API, two workers that agree at once, and no token in anything that is kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.services.affineur import Server, affineur
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.uploading import a_wheel, ask, basic, new_token, published, refused, upload

from affineur.core.people import caveats, macaroons
from affineur.shell.store import schema, tokens

PAGE = "/account/tokens"
Serve = Callable[..., Server]
WANTED = {"label": "laptop", "action": ["upload", "read"], "for": "all", "days": "30"}


def visitor(server: Server, name: str = "olga") -> tuple[Person, Visitor]:
    """Somebody with a passkey who has just confirmed with it."""
    person = sign_up(server, name, factors=("passkey",))
    return person, signed_in(server, person, proof="passkey")


def secret_on(page: str) -> str:
    found = re.search(r'<pre class="new-token"><code>(pypi-[A-Za-z0-9_-]+)</code>', page)
    assert found is not None, page
    return found[1]


def test_a_form_that_is_sent_again_makes_no_second_token(server: Serve) -> None:
    index = server()
    person, browser = visitor(index)
    once = re.search(r'name="once" value="([^"]+)"', browser.get(PAGE).text)
    assert once is not None
    sent = {**WANTED, "once": once[1]}
    assert browser.post(PAGE, {**sent, "days": "0"}).status_code == 400, "a refused form may be mended and sent again"
    secret_on(browser.post(PAGE, sent).text)
    again = browser.post(PAGE, sent)
    assert again.status_code == 409 and "has made its token already" in words(again)
    other = re.search(r'name="once" value="([^"]+)"', again.text)
    assert other is not None and other[1] != once[1]
    secret_on(browser.post(PAGE, {**sent, "once": other[1]}).text)
    with store_of(index) as store, store.read() as connection:
        assert len(tokens.listed(connection, person.id)) == 2
    browser.close()


def test_a_token_is_made_on_the_page_shown_once_and_publishes(server: Serve) -> None:
    index = server()
    _, browser = visitor(index)
    made = browser.post(PAGE, WANTED)
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store, private"
    secret = secret_on(made.text)
    assert f"export UV_PUBLISH_TOKEN={secret}" in made.text
    assert f"password = {secret}" in made.text
    listed = browser.get(PAGE)
    assert secret not in listed.text
    assert "laptop" in words(listed)
    assert "This token may upload and read, for all projects" in words(listed)
    published(upload(index, a_wheel("brie"), token=secret))
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while "</span>never</td>" in browser.get(PAGE).text and datetime.now(UTC) < deadline:
        time.sleep(0.3)  # uses are written every ten seconds
    assert "</span>never</td>" not in browser.get(PAGE).text, "when it was last used is shown"


def test_a_token_can_be_for_ones_own_projects_and_what_is_chosen_only(server: Serve) -> None:
    index = server()
    _, browser = visitor(index)
    whole = new_token(index, "olga", datetime.now(UTC))
    for name in ("brie", "comte"):
        published(upload(index, a_wheel(name), token=whole))
    shown = browser.get(PAGE).text
    assert 'value="brie"' in shown and 'value="comte"' in shown
    secret = secret_on(browser.post(PAGE, WANTED | {"for": "these", "project": ["brie"]}).text)
    published(upload(index, a_wheel("brie", "2.0"), token=secret))
    refused(upload(index, a_wheel("comte", "2.0"), token=secret), "given token isn't allowed", status=403)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"action": []}, "A token is for something."),
        ({"for": "these"}, "No project is chosen."),
        ({"days": "366"}, "lives from 1 to 365 days"),
        ({"days": "0"}, "lives from 1 to 365 days"),
        ({"days": "-3"}, "lives from 1 to 365 days"),
        ({"days": "²"}, "lives from 1 to 365 days"),
        ({"days": "9" * 40}, "lives from 1 to 365 days"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"for": "these", "project": ["no name!"]}, "name"),
    ],
)
def test_what_does_not_fit_is_said_on_the_form_with_what_was_typed(
    shared_server: Server, changes: dict[str, object], said: str
) -> None:
    person = sign_up(shared_server, f"typist-{abs(hash(str(changes))) % 10**9}", factors=("passkey",))
    with signed_in(shared_server, person, proof="passkey") as browser:
        answer = browser.post(PAGE, WANTED | {"label": "the laptop"} | changes)
        assert answer.status_code == 400
        assert said in words(answer)
        assert "label" in changes or 'value="the laptop"' in answer.text
        assert "pypi-" not in answer.text


def test_without_a_fresh_proof_the_form_is_not_there_and_a_form_leads_to_the_confirmation(server: Serve) -> None:
    index = server()
    person = sign_up(index, "olga", factors=("passkey",))
    with signed_in(index, person, proof="passkey", proven_ago=timedelta(minutes=6)) as browser:
        shown = browser.get(PAGE)
        assert "Confirm that it is you" in words(shown)
        assert 'name="days"' not in shown.text
        answer = browser.post(PAGE, WANTED)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/account/confirm?strength=proof&next=%2Faccount%2Ftokens")


def test_a_token_is_revoked_without_a_proof_but_only_by_its_holder(server: Serve) -> None:
    index = server()
    _, browser = visitor(index)
    secret = secret_on(browser.post(PAGE, WANTED).text)
    key = macaroons.read(secret).identifier
    _, other = visitor(index, "bruno")
    assert "There is no token" in words(other.post(f"{PAGE}/{key}/revoke"))
    published(upload(index, a_wheel("brie"), token=secret))
    person = sign_up(index, "olga")
    with signed_in(index, person, proof=None) as stale:
        done = stale.post(f"{PAGE}/{key}/revoke", follow=True)
        assert "The token is revoked" in words(done)
    refused(upload(index, a_wheel("brie", "2.0"), token=secret), "The token was revoked.", status=403)


@pytest.mark.parametrize("path", ["", "/x/revoke", "/x/confirm"])
def test_a_form_of_another_site_makes_and_changes_nothing(shared_server: Server, path: str) -> None:
    person = sign_up(shared_server, f"target{path.replace('/', '-')}", factors=("passkey",))
    with signed_in(shared_server, person, proof="passkey") as browser:
        fields = WANTED | {"form_key": browser.form_key}
        answer = browser.post(f"{PAGE}{path}", fields, own=False, sec_fetch_site="cross-site")
        assert answer.status_code == 403
        answer = browser.post(f"{PAGE}{path}", WANTED, own=False, sec_fetch_site="same-origin")
        assert answer.status_code == 403
    with store_of(shared_server) as store, store.read() as connection:
        assert tokens.listed(connection, person.id) == []


def api(server: Server, method: str, path: str, token: str, body: object = None) -> tuple[int, object]:
    data = b"" if body is None else json.dumps(body).encode()
    kind = "application/json" if data else None
    answer = ask(server, method, f"/api/v1{path}", data, authorization=f"Bearer {token}", content_type=kind)
    return answer.status, answer.json if answer.body else None


def test_the_api_makes_tokens_with_a_confirmed_one_and_lists_and_revokes_them(server: Serve) -> None:
    index = server()
    _, browser = visitor(index)
    manager = secret_on(browser.post(PAGE, WANTED | {"action": ["upload", "read", "manage"]}).text)
    status, told = api(index, "POST", "/tokens", manager, {"label": "job"})
    assert status == 403 and told["rule"] == "access.step-up"  # type: ignore[index]
    key = macaroons.read(manager).identifier
    assert "The token is confirmed" in words(browser.post(f"{PAGE}/{key}/confirm", follow=True))
    status, made = api(index, "POST", "/tokens", manager, {"label": "job", "projects": ["Brie"], "actions": ["upload"]})
    assert status == 201
    secret = made["token"]  # type: ignore[index]
    published(upload(index, a_wheel("brie"), token=secret))
    status, listed = api(index, "GET", "/tokens", manager)
    assert [(each["label"], each["may"]) for each in listed["items"]] == [  # type: ignore[index]
        ("job", "upload, for brie"),
        ("laptop", "upload, read and manage, for all projects"),
    ]
    assert secret not in json.dumps(listed)
    status, wider = api(index, "POST", "/tokens", manager, {"actions": ["yank"]})
    assert status == 400 and wider["rule"] == "token.wider"  # type: ignore[index]
    first = api(index, "GET", "/tokens?limit=1", manager)[1]
    after = first["next"].partition("/api/v1")[2]  # type: ignore[index]
    assert [each["label"] for each in api(index, "GET", after, manager)[1]["items"]] == ["laptop"]  # type: ignore[index]
    found = api(index, "GET", f"/tokens/{made['id']}", manager)[1]  # type: ignore[index]
    assert found["state"] == "valid"  # type: ignore[index]
    assert api(index, "DELETE", f"/tokens/{made['id']}", manager) == (204, None)  # type: ignore[index]
    refused(upload(index, a_wheel("brie", "2.0"), token=secret), "The token was revoked.", status=403)
    stranger = new_token(index, "bruno", datetime.now(UTC))
    assert api(index, "GET", f"/tokens/{made['id']}", stranger)[0] == 404  # type: ignore[index]
    assert api(index, "DELETE", f"/tokens/{key}", stranger)[0] == 404


def test_what_one_worker_revokes_every_other_refuses_with_the_next_request(server: Serve) -> None:
    index = server(workers=2, environment={"AFFINEUR_READ": "token"})
    reader, manager = (new_token(index, "olga", datetime.now(UTC)) for _ in range(2))
    for _ in range(12):  # each request is a connection of its own: all workers have seen the token
        assert ask(index, "GET", "/simple/", authorization=f"Bearer {reader}").status == 200
    assert api(index, "DELETE", f"/tokens/{macaroons.read(reader).identifier}", manager)[0] == 204
    for _ in range(24):
        assert ask(index, "GET", "/simple/", authorization=f"Bearer {reader}").status == 401


def test_no_token_is_in_any_log_answer_mail_or_row(server: Serve) -> None:
    """Made, used, narrowed, misspelt, refused, disclosed: neither a token nor its signature is kept or echoed."""
    index = server(environment={"AFFINEUR_LOG_LEVEL": "debug"})
    person, browser = visitor(index)
    made = secret_on(browser.post(PAGE, WANTED | {"action": ["upload", "read", "manage", "yank"]}).text)
    sound = macaroons.read(made)
    narrowed = macaroons.write(macaroons.narrow(sound, caveats.for_actions(["read"])))
    unreadable = macaroons.write(macaroons.narrow(sound, b'["future", 1]'))
    secrets = {made, narrowed, unreadable, made[:-3] + "AAA"}
    echoed: list[str] = []
    for each in sorted(secrets):
        for header in (basic("__token__", each), f"Bearer {each}", f"token {each}", basic("olga", each)):
            for method, path in (
                ("POST", "/legacy/"),
                ("GET", "/api/v1/account"),
                ("GET", "/simple/"),
                ("GET", "/nowhere"),
            ):
                answer = ask(index, method, path, authorization=header)
                echoed.append(answer.text + str(dict(answer.headers)) + answer.reason)
        answer = upload(index, a_wheel("brie"), token=each)
        echoed.append(answer.text + answer.reason)
        echoed.append(browser.post(f"{PAGE}/{macaroons.read(made).identifier}/confirm").text)
    key = sound.identifier
    echoed.append(browser.post(f"{PAGE}/{key}/revoke", follow=True).text)
    echoed.append(upload(index, a_wheel("brie"), token=made).text)
    with store_of(index) as store, store.read() as connection:
        rows = "".join(repr(connection.execute(sa.select(table)).all()) for table in schema.metadata.sorted_tables)
    index.process.terminate()
    index.process.wait(20)
    files = "".join(
        path.read_bytes().decode("latin-1")
        for path in index.data.rglob("*")
        if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm")
    )
    kept = files + rows + "".join(echoed) + Path(index.log).read_text()
    assert kept.count(key) > 1, "the token's id may be told, and is"
    for each in secrets:
        assert each not in kept
        assert each.removeprefix("pypi-")[-40:] not in kept, "nor its signature"
    for each in (made, narrowed, unreadable):
        signature = macaroons.read(each).signature
        assert signature.hex() not in kept
        assert repr(signature) not in kept
    assert person.password not in kept


def test_the_console_makes_a_token_for_what_is_asked_and_nothing_else(server: Serve) -> None:
    index = server()
    done = affineur("token", "create", "--user", "ci", "--action", "read", "--json", "--data", index.data)
    secret = json.loads(done)["token"]
    refused(upload(index, a_wheel("brie"), token=secret), "may not upload: it is for read only", status=403)
