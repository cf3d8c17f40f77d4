"""Forms: every one there is, found in the route table, takes nothing from elsewhere and nothing beyond its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.security import routes
from tests.security.scene import open_case
from tests.services.affineur import Server, initialise, serve
from tests.web.people import Visitor, sign_up, signed_in, store_of
from tests.web.uploading import a_wheel, published, upload

from affineur.core.impact.vouchers import Eligible
from affineur.shell.store import Store, campaigns, schema, sponsors

ELSEWHERE: dict[str, dict[str, str]] = {
    "another site": {"sec_fetch_site": "cross-site"},
    "a neighbour of this site": {"sec_fetch_site": "same-site"},
    "an address that was typed": {"sec_fetch_site": "none"},
    "another origin, by an old browser": {"origin": "https://evil.example"},
    "a sandboxed frame": {"origin": "null"},
    "a program": {},
}
WAITING = ("/account/second-factor", "/account/recovery", "/account/recovery/complete")
"""Forms for somebody who has given the first proof and not the second."""
BEFORE = (
    "/account/sign-in", "/account/sign-in/passkey", "/account/register", "/account/register/finish",
    "/account/forgotten", "/account/password/reset", "/account/recovery/open", "/account/recovery/cancel",
)  # fmt: skip
"""Forms for somebody who is not signed in: there is no session whose word they could bring."""
_CHANGES_ANYWAY = {
    "attempt",
    "session",
    "security_event",
    "secret",
    "follower",
    "node",
    "edge",
    "lake_file",
    "lake_batch",
    "lake_mark",
    "lake_day",
    "lake_log",
}
"""Tables that a refused form may change: what is counted, a challenge that is shown anew, the refusal itself, and a
key of the index that is made when it is first needed. And what follows earlier acts in the background."""
FIELDS = {
    "name": "own", "email": "x@evil.example", "password": "seventeen wheels of brie", "current": "x", "label": "x",
    "whom": "other", "role": "owner", "account": "other", "reason": "x", "topic": "other", "text": "x",
    "sender": "other", "action": "manage", "for": "all", "days": "1", "answer": "accept", "act": "freeze",
    "office": "operator", "address": "x@evil.example", "project": "brie", "ticket": "x", "code": "123456",
    "accepts": "no", "token": "x", "offer": "x", "field_owner": "x", "field_repository": "x", "field_workflow": "x.yml",
    "step": "act", "note": "x", "why": "x", "place": "", "version": "1.0", "outcome": "lifted", "appeal": "1",
}  # fmt: skip


@dataclass
class House:
    """A server, its database, and two browsers of one operator (so that no right is missing) with everything proven.

    ``waiting`` has given the first proof and not the second.
    """

    server: Server
    store: Store
    whole: Visitor
    waiting: Visitor
    another: Visitor

    def browser(self, path: str) -> Visitor:
        """The one that has business with the form at ``path``."""
        return self.waiting if path in WAITING else self.whole

    def kept(self) -> dict[str, list[Any]]:
        """Everything in the database but what may change."""
        tables = [each for each in schema.metadata.sorted_tables if each.name not in _CHANGES_ANYWAY]
        found = {}
        with self.store.read() as connection:
            for table in tables:
                columns = [each for each in table.c if not each.name.startswith("last_used")]  # written after a while
                found[table.name] = sorted(map(repr, connection.execute(sa.select(*columns)).all()))
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("forms") / "data"
    with serve(data, initialise(data)) as server, store_of(server) as store:
        published(upload(server, a_wheel("brie")))
        sign_up(server, "other")
        own, robo = (
            sign_up(server, "own", office="operator", factors=("passkey",)),
            sign_up(server, "robo", kind="automation"),
        )
        now = datetime.now(UTC)
        with store.write() as connection:
            sponsors.add(connection, robo.id, own.id, now)
            open_case(connection, "brie")
            start, end = now - timedelta(days=1), now + timedelta(days=1)
            campaigns.add(connection, "brie", "Keys", "One each.", Eligible(), start, end, own.id, now)
        with (
            signed_in(server, own, proof="passkey") as whole,
            signed_in(server, own, proof="passkey", stage="factor") as waiting,
            signed_in(server, own, proof="passkey") as another,
        ):
            yield House(server, store, whole, waiting, another)


@pytest.mark.parametrize("path", routes.forms())
def test_a_form_from_elsewhere_is_refused_and_changes_nothing(house: House, path: str) -> None:
    browser = house.browser(path)
    before = house.kept()
    for called, headers in ELSEWHERE.items():
        fields = {"form_key": browser.form_key, **FIELDS}
        answer = browser.post(routes.filled(path), fields, own=False, **headers)
        assert answer.status_code == 403, (called, answer.status_code)
        assert "form.origin" in answer.text, called
    assert house.kept() == before


@pytest.mark.parametrize("path", sorted(set(routes.forms()) - set(BEFORE)))
def test_a_form_without_the_word_of_its_session_is_refused_and_changes_nothing(house: House, path: str) -> None:
    browser, other = house.browser(path), house.another
    before = house.kept()
    for word in (None, "", "0" * 64, other.form_key, browser.form_key.upper()):
        fields = FIELDS if word is None else {**FIELDS, "form_key": word}
        answer = browser.post(routes.filled(path), fields, own=False, sec_fetch_site="same-origin")
        assert (answer.status_code, "form.origin" in answer.text) == (403, True), word
    assert house.kept() == before


@pytest.mark.parametrize("path", routes.forms())
def test_a_form_that_is_too_long_or_no_text_is_refused_and_changes_nothing(house: House, path: str) -> None:
    typed = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    browser = house.browser(path)
    key = f"form_key={browser.form_key}&".encode()
    before = house.kept()
    for called, body in (
        ("too long", key + b"text=" + b"x" * 70_000),
        ("no UTF-8", key + b"name=%ff&text=\xff\xfe"),
        ("too many fields", key + b"&".join(b"a=1" for _ in range(101))),
        ("no form", key + b"&&&"),
    ):
        answer = browser.client.post(routes.filled(path).lstrip("/"), content=body, headers=typed)
        assert 400 <= answer.status_code < 500 or answer.status_code == 303, (called, answer.status_code)
        assert answer.status_code != 303 or "done=" not in answer.headers["location"], called
    assert house.kept() == before


@pytest.mark.parametrize("path", routes.forms())
def test_a_form_is_not_sent_by_looking(house: House, path: str) -> None:
    browser = house.browser(path)
    before = house.kept()
    query = "&".join(f"{name}={value}" for name, value in {**FIELDS, "form_key": browser.form_key}.items())
    for method in ("GET", "HEAD", "OPTIONS"):
        address = f"{routes.filled(path).lstrip('/')}?{query}"
        answer = browser.client.request(method, address, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code < 500
    assert house.kept() == before


def test_fields_that_a_form_does_not_have_change_nothing(house: House) -> None:
    """Nobody makes themselves an operator by typing it."""
    plain = sign_up(house.server, "plain")
    forged = {"office": "operator", "id": "1", "account_id": "1", "is_primary": "1", "verified_at": "2020-01-01",
              "kind": "automation", "password_hash": "x", "frozen_at": "", "stage": "whole"}  # fmt: skip
    with signed_in(house.server, plain) as browser:
        assert browser.post("/account/emails", {"email": "second@example.org", **forged}).status_code == 303
        assert browser.post("/account/projects/messages", {"accepts": "yes", **forged}).status_code == 303
    with house.store.read() as connection:
        row = connection.execute(sa.select(schema.account).where(schema.account.c.id == plain.id)).one()
        mail = connection.execute(sa.select(schema.email).where(schema.email.c.address == "second@example.org")).one()
    assert (row.office, row.kind, row.name) == (None, "person", "plain")
    assert (mail.account_id, mail.verified_at, mail.is_primary) == (plain.id, None, False)
