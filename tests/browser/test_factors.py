"""Second factors in a real browser: keys that Chromium plays, codes, and what happens when a key was copied."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyotp
import pytest
from tests.browser.authenticator import at_localhost, authenticators
from tests.services.affineur import Server
from tests.services.keeper import free_ports
from tests.web.people import DEVICE, PASSWORD, SESSION, Person, sign_up, signed_in, store_of

from affineur.shell.store import factors
from affineur.shell.store import security as log

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def place(server: Callable[..., Server]) -> Server:
    """An index whose own address is localhost, where browsers allow keys without TLS."""
    port = free_ports(1)[0]
    return server(port=port, environment={"AFFINEUR_BASE_URL": f"http://localhost:{port}/"})


@contextmanager
def window(browser: Browser, place: Server, person: Person | None = None, **options: object) -> Iterator[Page]:
    """A page of a fresh browser; with ``person``, signed in by password just now."""
    url = at_localhost(place.url)
    context = browser.new_context(base_url=url, **options)  # type: ignore[arg-type]
    if person is not None:
        visitor = signed_in(place, person)
        for name in (SESSION, DEVICE):
            context.add_cookies([{"name": name, "value": visitor.cookie(name) or "", "url": url}])
        visitor.close()
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            said.type == "error" and not said.text.startswith("Failed to load") and complaints.append(said.text)
        ),
    )
    try:
        yield page
        assert not complaints
    finally:
        context.close()


def arrive(page: Page, path: str) -> None:
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def add_key(page: Page, label: str) -> None:
    page.goto("/account/security/passkeys/new")
    page.get_by_label("Name").fill(label)
    page.get_by_role("button", name="Add it now").click()


def codes_on(page: Page) -> list[str]:
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    return page.locator(".codes li").all_inner_texts()


def give_password(page: Page, person: Person) -> None:
    page.goto("/account/sign-in")
    page.get_by_label("Name or e-mail address").fill(person.name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page) -> None:
    page.goto("/account/")
    page.get_by_role("button", name="Sign out").click()
    arrive(page, "/account/sign-in")


def forget_the_proof(place: Server, person: Person) -> None:
    """Let the last proof of every session be an hour old."""
    from datetime import UTC, datetime, timedelta

    from affineur.shell.store.schema import session

    with store_of(place) as store, store.write() as connection:
        ago = datetime.now(UTC) - timedelta(hours=1)
        connection.execute(session.update().where(session.c.account_id == person.id).values(stepped_up_at=ago))


def events_of(place: Server, person: Person) -> list[str]:
    with store_of(place) as store, store.read() as connection:
        return [each.event for each in log.recorded(connection, log.Filter(account_id=person.id))][::-1]


def test_a_key_is_added_signs_in_and_confirms(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        plugs.plug_in("security key")
        add_key(page, "Blue key")
        assert len(codes_on(page)) == 10
        page.get_by_role("link", name="I have kept them").click()
        assert "Blue key" in page.locator("table.list").inner_text()
        sign_out(page)
        give_password(page, ann)
        arrive(page, "/account/second-factor")
        page.get_by_role("button", name="Use a passkey or security key").click()
        arrive(page, "/account/")
        forget_the_proof(place, ann)
        page.goto("/account/security/apps/new")
        assert "/account/confirm" in page.url and page.get_by_label("Your password").count() == 0
        page.get_by_role("button", name="Confirm with a passkey").click()
        arrive(page, "/account/security/apps/new")
    happened = events_of(place, ann)
    assert [each for each in happened if each in ("FactorAdded", "SignedIn", "SteppedUp")] == [
        "FactorAdded", "SignedIn", "SteppedUp",
    ]  # fmt: skip


def test_two_keys_each_sign_in_and_none_is_added_twice(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        first = plugs.plug_in("security key")
        add_key(page, "Blue key")
        codes_on(page)
        add_key(page, "Blue again")
        page.get_by_text("This key is registered with your account already.").wait_for()
        first.touch_by_itself(False)
        second = plugs.plug_in("security key")
        add_key(page, "Red key")
        arrive(page, "/account/security")
        for used, other in ((first, second), (second, first)):
            used.touch_by_itself(True)
            other.touch_by_itself(False)
            sign_out(page)
            give_password(page, ann)
            page.get_by_role("button", name="Use a passkey or security key").click()
            arrive(page, "/account/")


def test_a_passkey_signs_in_without_name_and_password(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        plugs.plug_in("passkey")
        add_key(page, "Laptop")
        codes_on(page)
        sign_out(page)
        page.get_by_role("link", name="Sign in with a passkey").click()
        page.get_by_role("button", name="Use a passkey").click()
        arrive(page, "/account/")
        assert page.get_by_role("heading", name="ann").is_visible()


def test_a_passkey_that_did_not_see_its_owner_is_not_enough_alone(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        key = plugs.plug_in("passkey")
        add_key(page, "Laptop")
        codes_on(page)
        sign_out(page)
        key.recognise_owner(False)
        page.goto("/account/sign-in/passkey")
        page.get_by_role("button", name="Use a passkey").click()
        page.get_by_text("Nothing was given").wait_for()
        assert "/account/sign-in/passkey" in page.url


def test_a_copied_key_is_suspended_and_a_recovery_code_still_opens(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        key = plugs.plug_in("security key")
        add_key(page, "Blue key")
        codes = codes_on(page)
        sign_out(page)
        give_password(page, ann)
        key.set_sign_count(0)  # the copy that was used less than the original; its next answer says 1
        page.get_by_role("button", name="Use a passkey or security key").click()
        page.get_by_text("there may be a copy of it").wait_for()
        assert page.get_by_role("button", name="Use a passkey or security key").count() == 0
        page.get_by_label("Recovery code").fill(codes[3].upper().replace("-", " "))
        page.get_by_role("button", name="Sign in").click()
        arrive(page, "/account/")
        page.goto("/account/security")
        assert "suspended" in page.locator("table.list").inner_text()
        sign_out(page)
        give_password(page, ann)
        arrive(page, "/account/second-factor")  # a copy of the key does not make the password enough
        page.get_by_label("Recovery code").fill(codes[3])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("This code is not right, or it was used before.").wait_for()
    happened = events_of(place, ann)
    assert {"FactorSuspended", "RecoveryCodeUsed", "SignInRefused"} <= set(happened)
    with store_of(place) as store, store.read() as connection:
        assert factors.codes_left(connection, ann.id) == 9


def test_an_app_is_added_by_its_code_and_each_code_works_once(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page:
        page.goto("/account/security/apps/new")
        assert page.locator("svg.qr").is_visible()
        secret = page.locator(".secret").inner_text().replace(" ", "")
        page.get_by_label("Code").fill("000000")
        page.get_by_role("button", name="Add it").click()
        page.get_by_text("This is not the code that your app should show now.").wait_for()
        assert page.locator(".secret").inner_text().replace(" ", "") == secret, "the app need not be set up again"
        app = pyotp.TOTP(secret)
        used = app.now()
        page.get_by_label("Code").fill(used)
        page.get_by_role("button", name="Add it").click()
        assert len(codes_on(page)) == 10
        sign_out(page)
        give_password(page, ann)
        page.get_by_label("Code of your app").fill(used)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("it was used before").wait_for()
        page.get_by_label("Code of your app").fill(app.at(int(time.time()) + 30))  # the next one is taken early
        page.get_by_role("button", name="Sign in").click()
        arrive(page, "/account/")


def test_a_browser_without_keys_is_told_so_in_words(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    with window(browser, place, ann) as page:
        page.add_init_script("delete window.PublicKeyCredential")
        page.goto("/account/security/passkeys/new")
        assert page.get_by_role("button", name="Add it now").is_disabled()
        assert page.get_by_text(re.compile("This browser cannot use passkeys")).is_visible()


def test_a_browser_that_does_not_read_json_gets_by_with_the_fallback(browser: Browser, place: Server) -> None:
    ann = sign_up(place, "ann")
    old = """delete PublicKeyCredential.parseCreationOptionsFromJSON;
             delete PublicKeyCredential.parseRequestOptionsFromJSON;
             delete PublicKeyCredential.prototype.toJSON;"""
    with window(browser, place, ann) as page, authenticators(page) as plugs:
        page.add_init_script(old)
        plugs.plug_in("passkey")
        add_key(page, "Laptop")
        codes_on(page)
        sign_out(page)
        give_password(page, ann)
        page.get_by_role("button", name="Use a passkey or security key").click()
        arrive(page, "/account/")
