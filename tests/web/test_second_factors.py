"""Second factors through HTTP: what pauses and resumes, what is told to whom, and that nobody else learns of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from tests.services.affineur import Server, affineur
from tests.web.cellar import wait_for_search
from tests.web.people import SESSION, Person, Visitor, sign_up, signed_in, store_of, words
from tests.web.uploading import a_wheel, ask, new_token, published, refused, upload

from affineur.core.names import NormalizedName
from affineur.shell.store import accounts, grants, outbox, projects, recoveries, schema
from affineur.shell.store import security as log

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def place(server: Callable[..., Server]) -> Server:
    return server()


@pytest.fixture
def ann(place: Server) -> Person:
    """Owner of brie, without a second factor."""
    published(upload(place, a_wheel("brie")))
    person = sign_up(place, "ann")
    own(place, person, "brie")
    return person


@pytest.fixture
def visitor(place: Server, ann: Person) -> Iterator[Visitor]:
    """Ann's browser, in which she signed in by password just now."""
    with signed_in(place, ann) as open_visitor:
        yield open_visitor


def own(place: Server, person: Person, name: str) -> None:
    with store_of(place) as store, store.write() as connection:
        found = projects.find(connection, NormalizedName(name))
        assert found is not None
        grants.set_role(connection, found.id, person.id, "owner", datetime.now(UTC), None)


def late_since(place: Server, person: Person, ago: timedelta) -> None:
    with store_of(place) as store, store.write() as connection:
        accounts.change(connection, person.id, ladder_from=datetime.now(UTC) - ago)


def enrol(visitor: Visitor) -> tuple[pyotp.TOTP, list[str]]:
    """Add an authenticator app; it, and the recovery codes that come with the first."""
    page = visitor.get("/account/security/apps/new")
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert secret, words(page)
    app = pyotp.TOTP(secret[1].replace(" ", ""))
    done = visitor.post("/account/security/apps/new", {"code": app.now(), "label": "Phone"})
    assert done.status_code in (200, 303), words(done)
    return app, re.findall(r"<li>([0-9a-z-]{29})</li>", done.text)


def next_code(app: pyotp.TOTP) -> str:
    """A code that was not used yet: the one after the present one is taken early."""
    return app.at(int(time.time()) + 30)


def events(place: Server, person: Person) -> list[str]:
    with store_of(place) as store, store.read() as connection:
        return [each.event for each in log.recorded(connection, log.Filter(account_id=person.id))]


# --- the ladder, where it is enforced


def test_managing_pauses_after_90_days_publishing_after_180_and_both_resume_on_enrolling(
    place: Server, ann: Person, visitor: Visitor
) -> None:
    token = new_token(place, "ann", datetime.now(UTC))
    archive = "/api/v1/projects/brie/archive"
    steps = ((90 * DAY - MINUTE, True, True), (90 * DAY, False, True), (180 * DAY - MINUTE, False, True))
    for number, (ago, manages, publishes) in enumerate((*steps, (180 * DAY, False, False))):
        late_since(place, ann, ago)
        answer = ask(place, "POST", archive, b"{}", authorization=f"Bearer {token}", content_type="application/json")
        assert (answer.status, "factor.manage" in answer.text) == ((200, False) if manages else (403, True)), answer
        set_active(place)
        sent = upload(place, a_wheel("brie", f"2.{number}"), token=token)
        if publishes:
            published(sent)
        else:
            refused(sent, "Publishing is paused for your account", status=403)
    assert enrol(visitor)[1]
    published(upload(place, a_wheel("brie", "3.0"), token=token))
    assert ask(place, "POST", archive, b"{}", authorization=f"Bearer {token}",
               content_type="application/json").status == 200  # fmt: skip


def set_active(place: Server) -> None:
    with store_of(place) as store, store.write() as connection:
        connection.execute(schema.project.update().values(maintenance="active", maintenance_reason=None))


def test_the_page_says_what_is_missing_and_stops_saying_it_on_enrolling(
    place: Server, ann: Person, visitor: Visitor
) -> None:
    late_since(place, ann, 90 * DAY)
    assert "Managing projects is paused, publishing will be in 90 days" in words(visitor.get("/account/"))
    enrol(visitor)
    said = words(visitor.get("/account/"))
    assert "paused" not in said and "You have only one second factor." in said


# --- signing in and confirming


def test_the_second_factor_is_asked_for_and_the_session_is_another_one_after_it(
    place: Server, ann: Person, visitor: Visitor
) -> None:
    app, codes = enrol(visitor)
    with Visitor(place.url) as other:
        given = other.post("/account/sign-in", {"name": "ann", "password": ann.password, "next": "/account/tokens"})
        assert given.headers["location"] == "/account/second-factor?next=%2Faccount%2Ftokens"
        waiting = other.cookie(SESSION)
        assert other.get("/account/").headers["location"].startswith("/account/second-factor")
        page = given.headers["location"]
        assert "This code is not right" in words(other.post(page, {"code": "000000"}))
        done = other.post(page, {"code": next_code(app)})
        assert (done.status_code, done.headers["location"]) == (303, "/account/tokens")
        assert other.cookie(SESSION) != waiting
        with Visitor(place.url) as thief:
            thief.keep(waiting or "")
            assert thief.get("/account/").headers["location"].startswith("/account/sign-in")
    assert len(codes) == 10


def test_after_the_second_factor_nobody_is_led_elsewhere(place: Server, ann: Person, visitor: Visitor) -> None:
    _, codes = enrol(visitor)
    for number, target in enumerate(("https://evil.example.org/", "//evil.example.org", "/\\evil.example.org")):
        with signed_in(place, ann, stage="factor", proof=None) as other:
            done = other.post(f"/account/second-factor?next={target}", {"code": codes[number]})
            assert (done.status_code, done.headers["location"]) == (303, "/account/")


def test_forms_of_factors_are_taken_from_our_own_pages_only(place: Server, ann: Person, visitor: Visitor) -> None:
    _, codes = enrol(visitor)
    for path in ("/account/security/codes", "/account/security/factors/1/remove", "/account/confirm"):
        foreign = visitor.post(path, own=False, sec_fetch_site="cross-site")
        assert "was not sent from a page of this index" in words(foreign), path
        without_key = visitor.post(path, {"form_key": "x"})
        assert "was not sent from a page of this index" in words(without_key), path
    with signed_in(place, ann, stage="factor", proof=None) as other:
        sent = other.post("/account/second-factor", {"code": codes[0], "form_key": "x"})
        assert "was not sent from a page of this index" in words(sent)


def test_a_stale_proof_leads_to_the_confirmation_and_back(place: Server, ann: Person) -> None:
    with signed_in(place, ann, proven_ago=6 * MINUTE) as visitor:
        asked = visitor.get("/account/security/apps/new")
        where = asked.headers["location"]
        assert where.startswith("/account/confirm?strength=proof&next=")
        assert "This is not your password." in words(visitor.post(where, {"password": "wrong horse"}))
        done = visitor.post(where, {"password": ann.password})
        assert (done.status_code, done.headers["location"]) == (303, "/account/security/apps/new")
        enrol(visitor)
    with signed_in(place, ann, proven_ago=6 * MINUTE) as visitor:
        page = visitor.get("/account/confirm?next=/account/")
        assert 'name="password"' not in page.text, "a password is not asked for where a factor is there"
        assert "A password alone is not enough" in words(visitor.post("/account/confirm", {"password": ann.password}))
    assert "StepUpRefused" in events(place, ann)


def test_passwords_are_not_guessed_at_the_confirmation(place: Server, ann: Person) -> None:
    with signed_in(place, ann, proof=None) as visitor:
        for _ in range(10):
            assert visitor.post("/account/confirm", {"password": "wrong horse"}).status_code != 303
        limited = visitor.post("/account/confirm", {"password": ann.password})
        assert limited.status_code == 429 and "10 attempts" in words(limited)


def test_passkeys_at_an_ip_address_are_explained_and_codes_are_offered(place: Server, visitor: Visitor) -> None:
    page = visitor.get("/account/security")
    assert "Security keys and passkeys cannot be used here" in words(page)
    assert "/account/security/apps/new" in page.text and "/account/security/passkeys/new" not in page.text


def test_a_code_page_is_kept_by_nobody(place: Server, visitor: Visitor) -> None:
    page = visitor.get("/account/security/apps/new")
    assert page.headers["cache-control"] == "no-store, private"
    assert "style=" not in page.text, "the policy for style sheets would forbid it"


# --- recovery


def test_somebody_who_lost_everything_gets_back_in_by_mail_and_waiting(
    place: Server, ann: Person, visitor: Visitor
) -> None:
    enrol(visitor)
    with signed_in(place, ann, stage="factor", proof=None) as lost:
        assert "We sent a link" in words(lost.post("/account/recovery"))
        link = newest(place, "recovery-asked", "link")
        looked = lost.get(link)
        assert "This does not let you in yet" in words(looked) and "recovery-opened" not in waiting_mail(place)
        assert "It has begun." in words(lost.post(link))
        early = lost.post("/account/recovery/complete")
        assert "This recovery waits until" in words(early)
        with store_of(place) as store, store.write() as connection:
            ago = datetime.now(UTC) - 15 * DAY
            connection.execute(schema.recovery.update().values(opened_at=ago, due_at=ago + 14 * DAY))
        done = lost.post("/account/recovery/complete")
        assert (done.status_code, done.headers["location"]) == (303, "/account/security?done=recovered")
        assert "Your account has none." in words(lost.get("/account/security"))
    assert visitor.get("/account/").status_code == 303, "the other session has ended"


def test_a_recovery_is_cancelled_on_the_security_page(place: Server, ann: Person, visitor: Visitor) -> None:
    enrol(visitor)
    with signed_in(place, ann, stage="factor", proof=None) as thief:
        thief.post("/account/recovery")
        thief.post(newest(place, "recovery-asked", "link"))
    assert "Somebody asked to get into your account" in words(visitor.get("/account/security"))
    assert visitor.post("/account/security/recovery/cancel").status_code == 303
    assert "Somebody asked" not in words(visitor.get("/account/security"))


def test_an_operator_vouches_on_the_page_of_the_account_and_on_the_console(place: Server, ann: Person) -> None:
    olive = sign_up(place, "olive", office="operator", factors=("passkey",))
    mod = sign_up(place, "mod", office="moderator", factors=("passkey",))
    now, page = datetime.now(UTC), "/admin/accounts/ann"
    with store_of(place) as store, store.write() as connection:
        key = recoveries.add(connection, ann.id, now, now + timedelta(days=14), knows_password=False)
        accounts.change(connection, olive.id, created_at=now - 30 * DAY)
    with signed_in(place, mod, proof="passkey") as moderator:
        assert "Getting back in" not in moderator.get(page).text
        assert moderator.post(f"{page}/vouch").status_code == 403
    with signed_in(place, olive, proof="passkey") as operator:
        assert "I have made sure that it is ann" in words(operator.get(page))
        done = operator.post(f"{page}/vouch", follow=True)
        assert "They were told, and wait less long." in words(done) and "I have made sure" not in words(done)
        assert "waits for a voucher" in words(operator.post(f"{page}/vouch"))
    with store_of(place) as store, store.write() as connection:
        row = recoveries.open_of(connection, ann.id, now)
        assert row is not None and (row.id, row.due_at) == (key, now + timedelta(hours=72))
        recoveries.cancel(connection, ann.id, now)
        recoveries.add(connection, ann.id, now, now + timedelta(days=7), knows_password=True)
    said = affineur("account", "vouch", "ann", "--yes", "--data", place.data)
    assert (now + timedelta(hours=24)).strftime("%Y-%m-%d %H:%M") in said
    with pytest.raises(RuntimeError, match="Nobody waits"):
        affineur("account", "vouch", "olive", "--yes", "--data", place.data)


def newest(place: Server, template: str, name: str) -> str:
    with store_of(place) as store, store.read() as connection:
        rows = outbox.mails(connection, unsent_only=True, limit=100)
    return "/" + next(str(row.values[name]) for row in rows if row.template == template)


def waiting_mail(place: Server) -> list[str]:
    with store_of(place) as store, store.read() as connection:
        return [row.template for row in outbox.mails(connection, unsent_only=True, limit=100)]


# --- nobody else learns of it


PUBLIC = (
    "/", "/project/brie/", "/project/brie/files/", "/project/brie/versions/", "/search?q=brie", "/simple/brie/",
    "/simple/", "/pypi/brie/json", "/pypi/brie/1.0/json", "/rss/updates.xml", "/rss/packages.xml",
    "/rss/project/brie/releases.xml", "/api/v1", "/metrics", "/help/", "/account/sign-in",
)  # fmt: skip


def test_nothing_public_tells_who_lacks_a_second_factor(place: Server, ann: Person, visitor: Visitor) -> None:
    """Project-life row A15: every public page is, byte for byte, what it is once ann has a factor."""
    bea_token = new_token(place, "bea", datetime.now(UTC))

    def everything() -> dict[str, str]:
        seen: dict[str, str] = {}
        for path in PUBLIC:
            for accept in ("text/html", "application/json", "application/vnd.pypi.simple.v1+json"):
                answer = ask(place, "GET", path, accept=accept)
                seen[f"{path} {accept}"] = f"{answer.status} {_still(answer.text)}"
        for path in ("/api/v1/account", "/api/v1/account/standing", "/api/v1/account/factors"):
            seen[f"bea {path}"] = ask(place, "GET", path, authorization=f"Bearer {bea_token}").text
        return seen

    late_since(place, ann, 100 * DAY)
    wait_until_followed(place)
    before = everything()
    assert before["/project/brie/ text/html"].startswith("200")
    enrol(visitor)
    after = everything()
    changed = [path for path in before if before[path] != after[path] and "/metrics" not in path]
    assert changed == []
    metrics = before["/metrics text/html"]
    assert "ann" not in metrics and "factor" not in metrics.lower()


def wait_until_followed(place: Server) -> None:
    """Wait until search and the list of all projects, which follow the journal, know everything that is in it."""
    wait_for_search(place, "brie")
    head = str(ask(place, "GET", "/journal/head").json["serial"])
    deadline = time.monotonic() + 30
    while ask(place, "GET", "/simple/").headers["x-pypi-last-serial"] != head:
        assert time.monotonic() < deadline, "the list of all projects did not follow"
        time.sleep(0.1)


def _still(text: str) -> str:
    """A page without what every moment changes."""
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\w{3}, \d\d \w{3} \d{4} [\d:]+ \w+", "MOMENT", text)


def test_the_api_tells_an_account_of_its_own_factors_and_only_by_a_token_for_managing(
    place: Server, ann: Person, visitor: Visitor
) -> None:
    enrol(visitor)
    now = datetime.now(UTC)
    whole = f"Bearer {new_token(place, 'ann', now)}"
    found = ask(place, "GET", "/api/v1/account/factors", authorization=whole).json
    assert [(each["kind"], each["label"]) for each in found["factors"]] == [("totp", "Phone")]
    assert found["recovery_codes_left"] == 10 and "secret" not in found["factors"][0]
    standing = ask(place, "GET", "/api/v1/account/standing", authorization=whole).json
    assert standing["is_whole"] and [each["word"] for each in standing["lacks"]] == ["spare", "passkey"]
    for weaker, rule in (
        (new_token(place, "ann", now, actions=["read", "upload"]), "access.scope"),
        (new_token(place, "ann", now, projects=("brie",)), "access.token"),
    ):
        for path in ("/api/v1/account/factors", "/api/v1/account/standing"):
            answer = ask(place, "GET", path, authorization=f"Bearer {weaker}")
            assert (answer.status, answer.json["rule"]) == (403, rule)
