"""Machines, the log, and those who hold an office: through HTTP, with pages and API."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from tests.services.affineur import Server
from tests.web.people import Person, Visitor, sign_up, signed_in, store_of, words

from affineur.core.people.second_factor import FactorKind
from affineur.shell.store import accounts, security
from affineur.shell.store.security import Filter

DAY = timedelta(days=1)
PASSKEY: tuple[FactorKind, ...] = ("passkey",)


@pytest.fixture
def serving(server: Callable[..., Server]) -> Iterator[Server]:
    yield server(workers=1)


def person(serving: Server, name: str, **more: object) -> Person:
    return sign_up(serving, name, factors=PASSKEY, **more)  # type: ignore[arg-type]


def browser(serving: Server, who: Person) -> Visitor:
    return signed_in(serving, who, proof="passkey", device_age=2 * DAY)


def api(serving: Server, token: str, method: str, path: str, **more: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.request(
        method,
        f"{serving.url}api/v1/{path}",
        headers=headers,
        trust_env=False,
        timeout=30,
        **more,  # type: ignore[arg-type]
    )


def events(serving: Server, name: str, event: str) -> list[security.Recorded]:
    with store_of(serving) as store, store.read() as connection:
        return list(security.recorded(connection, Filter(accounts.ever(connection, name), event=event)))


def wait_for(serving: Server, name: str, event: str) -> security.Recorded:
    for _ in range(100):
        if found := events(serving, name, event):
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no {event}")


def test_two_people_make_a_machine_and_it_reads_with_its_token(serving: Server) -> None:
    ann, bob = person(serving, "ann"), person(serving, "bob")
    with browser(serving, ann) as hers, browser(serving, bob) as his:
        made = hers.post("/account/machines", {"name": "acme-robo"})
        assert made.headers["location"] == "/account/machines/acme-robo?done=machine-made"
        assert "does nothing yet" in words(hers.get("/account/machines/acme-robo"))
        assert hers.post("/account/machines/acme-robo/invite", {"account": "bob"}).status_code == 303
        offered = his.get("/account/machines")
        assert "ann asks you to answer for acme-robo" in words(offered)
        action = offered.text.split('action="/account/machines/offers/')[1].split('"')[0]
        shown = hers.post("/account/machines/acme-robo/tokens", {"action": "read", "days": "7", "label": "ci"})
        token = shown.text.split("<code>")[1].split("</code>")[0]
        assert token.startswith("pypi-")
        assert token not in hers.get("/account/machines/acme-robo").text
        assert api(serving, token, "GET", "account/events").json()["rule"] == "access.sponsors"
        assert his.post(f"/account/machines/offers/{action}", {"answer": "accept"}).status_code == 303
    assert api(serving, token, "GET", "account").json()["kind"] == "automation"
    assert api(serving, token, "GET", "account/events").status_code == 200
    assert api(serving, token, "POST", "machines", json={"name": "child"}).json()["rule"] == "access.scope"


def test_a_stranger_learns_nothing_of_a_machine(serving: Server) -> None:
    ann, eve = person(serving, "ann"), person(serving, "eve")
    with browser(serving, ann) as hers:
        hers.post("/account/machines", {"name": "acme-robo"})
    with browser(serving, eve) as other:
        there, nowhere = other.get("/account/machines/acme-robo"), other.get("/account/machines/acme-rob0x")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert words(there).replace("acme-robo", "") == words(nowhere).replace("acme-rob0x", "")


def test_a_frozen_account_stops_in_every_worker_and_says_why(server: Callable[..., Server]) -> None:
    serving = server(workers=2, environment={"AFFINEUR_MAIL_CONTACT": "help@example.org"})
    ann, mo = person(serving, "ann"), person(serving, "mo", office="moderator")
    token = _token(serving, "ann")
    with browser(serving, ann) as hers, browser(serving, mo) as moderator:
        assert hers.get("/account/log").status_code == 200
        assert api(serving, token, "GET", "account").status_code == 200
        done = moderator.post("/admin/accounts/ann/freeze", {"act": "freeze", "reason": "its token was published"})
        assert done.headers["location"].endswith("?done=account-frozen")
        for _ in range(6):
            assert hers.get("/account/log").headers["location"] == "/account/frozen"
            assert api(serving, token, "GET", "account").json()["rule"] == "access.frozen"
        page = hers.get("/account/frozen")
        assert page.status_code == 403
        assert "its token was published" in words(page)
        assert "help@example.org" in words(page)
        moderator.post("/admin/accounts/ann/freeze", {"act": "thaw"})
        assert hers.get("/account/log").status_code == 200
        assert api(serving, token, "GET", "account").status_code == 200
        mine = words(hers.get("/account/log"))
        assert "Moderators froze the account." in mine
    assert wait_for(serving, "ann", "ActRefused").rule == "access.frozen"


def _token(serving: Server, name: str) -> str:
    from tests.services.affineur import affineur

    said = affineur("token", "create", "--user", name, "--data", serving.data, "--json")
    return str(json.loads(said)["token"])


@pytest.mark.parametrize(
    ("office", "sees"),
    [
        (None, {}),
        ("moderator", {"/admin/", "/admin/accounts/ann", "/admin/invitations"}),
        ("auditor", {"/admin/", "/admin/accounts/ann", "/admin/invitations", "/admin/log", "/admin/log.csv"}),
        ("operator", {"/admin/", "/admin/accounts/ann", "/admin/invitations", "/admin/log", "/admin/log.csv"}),
    ],
)
def test_each_office_sees_what_it_is_for(serving: Server, office: str | None, sees: set[str]) -> None:
    person(serving, "ann")
    who = person(serving, "who", office=office)
    with browser(serving, who) as visitor:
        for path in ("/admin/", "/admin/accounts/ann", "/admin/invitations", "/admin/log", "/admin/log.csv"):
            assert visitor.get(path).status_code == (200 if path in sees else 403), path
        given = visitor.post("/admin/accounts/ann/office", {"office": "operator"})
        assert given.status_code == (303 if office == "operator" else 403)


def test_a_refused_act_of_an_office_is_in_the_log_of_whoever_tried(serving: Server) -> None:
    ann = person(serving, "ann")
    token = _token(serving, "ann")
    assert api(serving, token, "PUT", "accounts/ann/office", json={"office": "operator"}).status_code == 403
    found = wait_for(serving, "ann", "ActRefused")
    assert (found.rule, found.outcome, found.facts["action"]) == ("access.office", "refused", "set-office")
    with browser(serving, ann) as hers:
        assert "Something dangerous was refused." in words(hers.get("/account/log?outcome=refused"))


def test_a_revoked_token_shown_at_an_upload_is_in_its_owners_log(serving: Server) -> None:
    person(serving, "ann")
    token = _token(serving, "ann")
    from tests.services.affineur import affineur

    with store_of(serving) as store, store.read() as connection:
        from affineur.shell.store import tokens

        (held,) = tokens.listed(connection, accounts.account_id(connection, "ann"))
    affineur("token", "revoke", held.id, "--data", serving.data)
    for _ in range(3):
        answer = httpx.post(f"{serving.url}legacy/", auth=("__token__", token), data={}, trust_env=False, timeout=30)
        assert answer.status_code == 403
    assert len(events(serving, "ann", "TokenRefused")) == 1
    assert events(serving, "ann", "TokenRefused")[0].facts["token"] == held.id


def test_the_log_is_filtered_paged_and_taken_away_whole(serving: Server) -> None:
    ann = person(serving, "ann")
    from tests.indexes import START

    from affineur.core.access import Actor
    from affineur.core.security import Caller, Happened, Origin

    by = Caller(Actor(ann.id, "ann"), START, Origin("192.0.2.0", "=1+1"))
    with store_of(serving) as store, store.write() as connection:
        security.append(connection, by, *(Happened("SignedIn", ann.id, "ann") for _ in range(120)))
    with browser(serving, ann) as hers:
        page, seen = "/account/log?event=SignedIn", 0
        for _ in range(3):
            shown = hers.get(page)
            seen += shown.text.count('<td class="when">')
            if 'rel="next"' not in shown.text:
                break
            page = shown.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        assert seen == 120
        lines = hers.get("/account/log.jsonl?event=SignedIn").text.splitlines()
        rows = list(csv.reader(io.StringIO(hers.get("/account/log.csv?event=SignedIn").text)))
        assert (len(lines), len(rows)) == (120, 121)
        assert rows[1][-2] == "'=1+1"
        assert json.loads(lines[0])["event"] == "SignedIn"
        assert hers.get("/account/log?since=yesterday").status_code == 400
        assert hers.get("/account/log.csv?since=yesterday").status_code == 400
        assert "Nothing of this kind" in words(hers.get("/account/log?until=2020-01-01"))


def test_the_api_pages_through_the_log_and_only_offices_see_all_of_it(serving: Server) -> None:
    person(serving, "ann")
    person(serving, "audrey", office="auditor")
    hers, audits = _token(serving, "ann"), _token(serving, "audrey")
    assert api(serving, hers, "GET", "events").json()["rule"] == "access.office"
    first = api(serving, audits, "GET", "events?limit=1&event=TokenCreated").json()
    second = httpx.get(first["next"], headers={"authorization": f"Bearer {audits}"}, trust_env=False, timeout=30).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    own = api(serving, hers, "GET", "account/events").json()["items"]
    assert {each["account"] for each in own} == {"ann"}


@pytest.mark.parametrize("path", ["/account/machines", "/admin/accounts/ann/freeze", "/admin/accounts/ann/office"])
def test_forms_of_other_sites_do_nothing(serving: Server, path: str) -> None:
    person(serving, "ann")
    who = person(serving, "who", office="operator")
    with browser(serving, who) as visitor:
        fields = {"name": "robo", "act": "freeze", "reason": "x", "office": "operator"}
        assert visitor.post(path, fields, own=False, sec_fetch_site="cross-site").status_code in (400, 403)
        assert visitor.post(path, fields, own=False, sec_fetch_site="same-origin").status_code in (400, 403)
    with store_of(serving) as store, store.read() as connection:
        found = accounts.find(connection, "ann")
        assert found is not None
        assert (found.frozen_at, found.office, accounts.find(connection, "robo")) == (None, None, None)
