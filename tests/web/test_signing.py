"""Signing in and out over real HTTP: who gets in, what is told to whom, and what nobody gets past."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
import sqlalchemy as sa
from tests.services.affineur import Server
from tests.services.smtp import PostOffice
from tests.web.people import DEVICE, PASSWORD, SESSION, Person, Visitor, sign_up, signed_in, store_of, words

from affineur.shell.bearer import digest_of
from affineur.shell.store import accounts, sessions
from affineur.shell.store.schema import attempt, device, security_event, session

Start = Callable[..., Server]


@pytest.fixture
def house(server: Start, smtp: PostOffice) -> Server:
    """A server that sends mail."""
    return server(
        environment={
            "AFFINEUR_MAIL_SERVER": f"smtp://{smtp.host}:{smtp.port}",
            "AFFINEUR_MAIL_FROM": "index@example.org",
            "AFFINEUR_REGISTRATION": "open",
        }
    )


@pytest.fixture
def ann(house: Server) -> Person:
    return sign_up(house, "ann")


@pytest.fixture
def visitor(house: Server) -> Iterator[Visitor]:
    with Visitor(house.url) as browser:
        yield browser


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD, **more: str) -> object:
    return visitor.post("/account/sign-in", {"name": name, "password": password, **more})


def events(server: Server, event: str) -> list[sa.Row[tuple[object, ...]]]:
    with store_of(server) as store, store.read() as connection:
        query = sa.select(security_event).where(security_event.c.event == event).order_by(security_event.c.id)
        return list(connection.execute(query))


@pytest.mark.parametrize("typed", ["ann", "ANN", "ann@example.org", " Ann@Example.org "])
def test_a_name_or_a_verified_address_signs_in(house: Server, ann: Person, visitor: Visitor, typed: str) -> None:
    answer = visitor.post("/account/sign-in", {"name": typed, "password": ann.password, "next": "/account/emails"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/emails")
    assert "ann@example.org" in words(visitor.get("/account/emails"))
    assert [row.account for row in events(house, "SignedIn")] == ["ann"]


def test_an_address_that_is_not_verified_signs_nobody_in(house: Server, ann: Person, visitor: Visitor) -> None:
    from affineur.shell.store import emails

    with store_of(house) as store, store.write() as connection:
        emails.add(connection, ann.id, "other@example.org", datetime.now(UTC))
    assert sign_in(visitor, "other@example.org").status_code == 403


def test_unknown_names_wrong_passwords_and_machines_are_answered_alike(
    house: Server, ann: Person, visitor: Visitor
) -> None:
    sign_up(house, "bot", kind="automation")
    said = {
        (answer.status_code, words(answer).replace(name, "NAME"))
        for name in ("ann", "nobody-here", "bot", "ann@example.org", "nobody@example.org")
        for answer in [visitor.post("/account/sign-in", {"name": name, "password": "a wrong password"})]
    }
    assert len(said) == 1
    assert next(iter(said))[0] == 403
    assert not visitor.cookie(SESSION)


def test_unknown_names_take_as_long_as_wrong_passwords(house: Server, ann: Person, visitor: Visitor) -> None:
    took: dict[str, list[float]] = {"ann": [], "nobody-here": []}
    for _ in range(7):
        for name, times in took.items():  # in turns: whatever else the machine does, it does to both
            began = time.perf_counter()
            visitor.post("/account/sign-in", {"name": name, "password": "a wrong password"})
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.4 < known / unknown < 2.5, "hashing is what takes the time, and both are hashed"


def test_the_session_secret_is_random_kept_as_its_digest_and_new_each_time(
    house: Server, ann: Person, visitor: Visitor
) -> None:
    visitor.keep("a-secret-that-somebody-else-chose")
    answer = visitor.post("/account/sign-in", {"name": "ann", "password": ann.password})
    first = visitor.cookie(SESSION)
    assert first and first != "a-secret-that-somebody-else-chose"
    assert len(first) >= 43, "256 bits in base64"
    cookie = SimpleCookie(answer.headers.get_list("set-cookie")[0])[SESSION]
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "lax", "/")
    with store_of(house) as store, store.read() as connection:
        assert connection.scalars(sa.select(session.c.id)).all() == [hashlib.sha256(first.encode()).hexdigest()]
    visitor.post("/account/sign-in", {"name": "ann", "password": ann.password})
    with store_of(house) as store, store.read() as connection:
        assert connection.scalars(sa.select(session.c.id)).all() == [digest_of(visitor.cookie(SESSION) or "")]


def test_over_tls_the_cookies_are_bound_to_the_host(server: Start) -> None:
    house = server(environment={"AFFINEUR_BASE_URL": "https://index.example.org/"})
    ann = sign_up(house, "ann")
    with Visitor(house.url) as visitor:
        answer = visitor.post("/account/sign-in", {"name": ann.name, "password": ann.password})
    for line in answer.headers.get_list("set-cookie"):
        assert line.startswith("__Host-")
        assert "secure" in line.lower() and "domain" not in line.lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
def test_a_form_of_another_site_signs_nobody_in_and_changes_nothing(
    house: Server, ann: Person, headers: dict[str, str]
) -> None:
    with Visitor(house.url) as stranger:
        answer = stranger.post("/account/sign-in", {"name": "ann", "password": ann.password}, own=False, **headers)
        assert answer.status_code == 403 and "form.origin" in words(answer)
        assert not stranger.cookie(SESSION)
    with signed_in(house, ann) as browser:
        fields = {"form_key": browser.form_key, "name": "ann", "email": "x@evil.example"}
        for path in ("/account/delete", "/account/emails", "/account/sessions/end-others", "/account/sign-out"):
            assert browser.post(path, fields, own=False, **headers).status_code == 403, path
        assert browser.get("/account/").status_code == 200


def test_a_form_without_the_sessions_own_word_changes_nothing(house: Server, ann: Person) -> None:
    with signed_in(house, ann) as browser:
        for key in (None, "", "0" * 64):
            fields = {"email": "x@evil.example"} | ({} if key is None else {"form_key": key})
            answer = browser.post("/account/emails", fields, own=False, sec_fetch_site="same-origin")
            assert answer.status_code == 403
        assert "x@evil.example" not in words(browser.get("/account/emails"))


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example/", "//evil.example/", "//[evil", "/\\evil.example", "javascript:alert(1)", "\\/x", "/a\nb"],
)
def test_signing_in_leads_to_no_other_site(house: Server, ann: Person, visitor: Visitor, onward: str) -> None:
    answer = visitor.post("/account/sign-in", {"name": "ann", "password": ann.password, "next": onward})
    assert answer.headers["location"] == "/account/"
    again = visitor.get("/account/sign-in?next=https%3A%2F%2Fevil.example")
    assert again.headers["location"] == "/account/"


def test_no_redirect_and_no_page_repeats_a_foreign_host(house: Server, visitor: Visitor) -> None:
    answer = visitor.get("/account/", host="evil.example")
    assert "evil.example" not in answer.headers["location"]
    for path in ("/account/sign-in", "/account/register", "/account/forgotten"):
        assert "evil.example" not in visitor.get(path, host="evil.example").text


def test_a_frozen_account_is_told_so_only_with_the_right_password(house: Server, ann: Person, visitor: Visitor) -> None:
    with store_of(house) as store, store.write() as connection:
        accounts.change(connection, ann.id, frozen_at=datetime.now(UTC), frozen_reason="asked for")
    wrong = visitor.post("/account/sign-in", {"name": "ann", "password": "a wrong password"})
    right = visitor.post("/account/sign-in", {"name": "ann", "password": ann.password})
    assert "frozen" not in words(wrong) and "signin.frozen" in words(right)
    assert not visitor.cookie(SESSION)
    assert [row.rule for row in events(house, "SignInRefused")] == ["signin.wrong", "signin.frozen"]


def test_where_passwords_are_switched_off_none_is_taken(server: Start) -> None:
    house = server(environment={"AFFINEUR_PASSWORD_SIGN_IN": "false"})
    ann = sign_up(house, "ann")
    with Visitor(house.url) as visitor:
        assert 'name="password"' not in visitor.get("/account/sign-in").text
        answer = visitor.post("/account/sign-in", {"name": "ann", "password": ann.password})
        assert (answer.status_code, visitor.cookie(SESSION)) == (403, None)


def test_a_second_factor_is_asked_for_before_anything_opens(house: Server, visitor: Visitor) -> None:
    bea = sign_up(house, "bea", factors=("totp",))
    answer = visitor.post("/account/sign-in", {"name": "bea", "password": bea.password, "next": "/account/emails"})
    assert answer.headers["location"] == "/account/second-factor?next=%2Faccount%2Femails"
    for path in ("/account/", "/account/emails", "/account/password", "/account/delete"):
        assert visitor.get(path).headers["location"].startswith("/account/second-factor?")
    assert visitor.post("/account/emails", {"email": "x@example.org"}).status_code == 303
    assert events(house, "SignedIn") == [] and events(house, "EmailAdded") == []


def test_a_new_device_is_told_of_and_a_known_one_is_not(
    house: Server, ann: Person, smtp: PostOffice, visitor: Visitor
) -> None:
    with Visitor(house.url, **{"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}) as other:
        sign_in(visitor, "ann")
        sign_in(visitor, "ann")
        assert events(house, "NewDevice") == [], "the first device is news to nobody"
        sign_in(other, "ann")
        letter = smtp.wait_for("ann@example.org", "new device")
    assert "Firefox on Linux" in letter.text
    assert len(events(house, "NewDevice")) == 1


def test_a_device_cookie_that_somebody_else_chose_is_not_taken(house: Server, ann: Person, visitor: Visitor) -> None:
    visitor.keep("whatever", "a-device-that-somebody-else-chose")
    sign_in(visitor, "ann")
    with store_of(house) as store, store.read() as connection:
        known = connection.scalars(sa.select(device.c.id)).all()
    assert known == [digest_of(visitor.cookie(DEVICE) or "")]
    assert digest_of("a-device-that-somebody-else-chose") not in known


def test_signing_out_ends_the_session_for_good(house: Server, ann: Person) -> None:
    with signed_in(house, ann) as browser:
        kept = browser.cookie(SESSION) or ""
        answer = browser.post("/account/sign-out")
        assert answer.headers["location"] == "/account/sign-in?done=signed-out"
        assert browser.cookie(SESSION) is None
        browser.keep(kept)
        assert browser.get("/account/").headers["location"].startswith("/account/sign-in?")
    assert len(events(house, "SignedOut")) == 1


def test_a_session_ends_after_its_days_and_after_its_idle_hours(server: Start) -> None:
    house = server(environment={"AFFINEUR_SESSION_DAYS": "2", "AFFINEUR_SESSION_IDLE_HOURS": "3"})
    ann = sign_up(house, "ann")
    now = datetime.now(UTC)
    for changes in ({"expires_at": now - timedelta(seconds=1)}, {"seen_at": now - timedelta(hours=3, seconds=1)}):
        with signed_in(house, ann) as browser:
            assert browser.get("/account/").status_code == 200
            with store_of(house) as store, store.write() as connection:
                connection.execute(session.update().values(**changes))
            assert browser.get("/account/").status_code == 303
    with Visitor(house.url) as visitor:
        visitor.post("/account/sign-in", {"name": "ann", "password": ann.password})
        with store_of(house) as store, store.read() as connection:
            found = sessions.find(connection, digest_of(visitor.cookie(SESSION) or ""), now, factor_required=True)
    assert found is not None and timedelta(days=2) - timedelta(minutes=1) < found[0].expires_at - now


def test_sessions_are_listed_and_ended_one_by_one_and_all_others(house: Server, ann: Person) -> None:
    bea = sign_up(house, "bea")
    with signed_in(house, ann) as one, signed_in(house, ann) as two, signed_in(house, bea) as foreign:
        assert one.get("/account/").text.count('/end"') == 1
        other = digest_of(two.cookie(SESSION) or "")[:16]
        assert foreign.post(f"/account/sessions/{other}/end").status_code == 404, "it is somebody else's"
        assert one.post(f"/account/sessions/{other}/end").status_code == 303
        assert two.get("/account/").status_code == 303
        assert foreign.get("/account/").status_code == 200
    with signed_in(house, ann) as one, signed_in(house, ann) as two:
        assert one.post("/account/sessions/end-others").status_code == 303
        assert (one.get("/account/").status_code, two.get("/account/").status_code) == (200, 303)


def test_guesses_are_counted_over_two_workers_and_a_restart(server: Start) -> None:
    house = server(workers=2)
    ann = sign_up(house, "ann")
    statuses = []
    for _ in range(7):
        with Visitor(house.url) as guesser:  # a new connection each time: either worker may answer
            statuses.append(guesser.post("/account/sign-in", {"name": "ann", "password": "a guess"}).status_code)
    house.process.terminate()
    house.process.wait(20)
    again = server(data=house.data, token=house.token, workers=2)
    for _ in range(5):
        with Visitor(again.url) as guesser:
            answer = guesser.post("/account/sign-in", {"name": "ann", "password": "a guess"})
            statuses.append(answer.status_code)
    assert statuses == [403] * 10 + [429] * 2
    assert int(answer.headers["retry-after"]) > 0
    with Visitor(again.url) as owner:
        assert owner.post("/account/sign-in", {"name": "ann", "password": ann.password}).status_code == 429
    assert len([row for row in events(again, "SignInRefused") if row.rule == "signin.wrong"]) == 10


def test_somebody_who_fails_on_purpose_does_not_lock_out_a_known_device(house: Server, ann: Person) -> None:
    with signed_in(house, ann) as mine, Visitor(house.url) as enemy:
        mine.post("/account/sign-out")
        for _ in range(12):
            enemy.post("/account/sign-in", {"name": "ann", "password": "a guess"})
        assert enemy.post("/account/sign-in", {"name": "ann", "password": ann.password}).status_code == 429
        assert mine.post("/account/sign-in", {"name": "ann", "password": ann.password}).status_code == 303


def test_right_passwords_are_not_counted(house: Server, ann: Person, visitor: Visitor) -> None:
    for _ in range(3):
        sign_in(visitor, "ann")
    with store_of(house) as store, store.read() as connection:
        assert set(connection.scalars(sa.select(attempt.c.count))) == {0}


def test_what_was_typed_for_a_name_and_a_password_is_in_no_log(house: Server, ann: Person, visitor: Visitor) -> None:
    sign_in(visitor, "my-password-typed-as-a-name", "another-secret-of-mine")
    sign_in(visitor, "ann", "another-secret-of-mine")
    sign_in(visitor, "ann")
    secret = visitor.cookie(SESSION) or "?"
    logs = house.log.read_text() + "".join(each.read_text() for each in (house.data / "logs").glob("*"))
    with store_of(house) as store, store.read() as connection:
        logs += str(connection.execute(sa.select(security_event)).all())
    for hidden in ("my-password-typed-as-a-name", "another-secret-of-mine", PASSWORD, secret):
        assert hidden not in logs


def test_pages_of_an_account_are_kept_by_nobody_and_framed_by_nobody(house: Server, ann: Person) -> None:
    with signed_in(house, ann) as browser:
        for path in ("/account/", "/account/emails", "/account/password", "/account/delete", "/account/forgotten"):
            headers = browser.get(path).headers
            assert "no-store" in headers["cache-control"], path
            assert (
                headers["x-frame-options"] == "DENY" and "frame-ancestors 'none'" in headers["content-security-policy"]
            )
