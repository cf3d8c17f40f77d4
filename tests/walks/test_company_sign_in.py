"""Signing in with a company, at a real provider: by plain HTTP and in a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser
from tests.services.affineur import Server, initialise, serve
from tests.services.keeper import free_ports
from tests.services.provider import ANA, MONA, OTTO, PAUL, Person, Provider
from tests.web.people import Visitor, sign_up, signed_in, store_of, words

from affineur.shell.store import accounts, identities, security
from affineur.shell.store.security import Filter

GROUPS = "index-operators = operator\nindex-auditors = auditor\npublishers = owner of brie"


@dataclass
class House:
    """An index whose company is the provider. It is called by a name, as passkeys and cookies want it."""

    server: Server
    provider: Provider
    url: str

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def send(self, visitor: Visitor, query: str = "") -> str:
        """Where ``visitor`` is sent."""
        answer = visitor.get(f"/account/company{query}")
        assert answer.status_code == 303, words(answer)
        return answer.headers["location"]

    def come_back(self, visitor: Visitor, person: Person, query: str = "") -> str:
        """The address that ``person`` is sent back to, not opened yet."""
        address = self.send(visitor, query)
        # The provider makes the same access token twice for one person within one second, and then fails.
        time.sleep(1.1)
        return self.provider.sign_in(address, person)

    def enter(self, person: Person, query: str = "") -> Visitor:
        """A browser in which ``person`` has signed in."""
        visitor = self.visitor()
        answer = visitor.client.get(self.come_back(visitor, person, query))
        assert answer.status_code == 303, words(answer)
        return visitor

    def refusals(self) -> list[tuple[str, str | None]]:
        """Event and rule of what the log says was refused, newest first."""
        with store_of(self.server) as store, store.read() as connection:
            return [(each.event, each.rule) for each in security.recorded(connection, Filter(outcome="refused"))]


@pytest.fixture
def house(provider: Provider, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Start an index that knows the provider: ``house(**settings)``."""
    with contextmanager(_houses)(provider, tmp_path) as start:
        yield start


def _houses(provider: Provider, folder: Path) -> Iterator[Callable[..., House]]:
    from contextlib import ExitStack

    with ExitStack() as running:

        def start(workers: int = 1, **settings: str) -> House:
            (port,) = free_ports(1)
            url = f"http://localhost:{port}/"
            client = provider.client_for(f"{url}account/company/back")
            environment = {
                "AFFINEUR_BASE_URL": url,
                "AFFINEUR_COMPANY_ISSUER": provider.issuer_url,
                "AFFINEUR_COMPANY_NAME": "Fromagerie",
                "AFFINEUR_COMPANY_CLIENT_ID": client.client_id,
                "AFFINEUR_COMPANY_CLIENT_SECRET": client.client_secret,
                "AFFINEUR_COMPANY_GROUPS": GROUPS,
                **{f"AFFINEUR_{name.upper()}": value for name, value in settings.items()},
            }
            data = folder / f"data-{port}"
            token = initialise(data, environment)
            server = running.enter_context(serve(data, token, port=port, workers=workers, environment=environment))
            return House(server, provider, url)

        yield start


def test_somebody_signs_in_with_their_company_and_has_an_account_with_what_their_groups_give(
    house: Callable[..., House],
) -> None:
    here = house(workers=2)
    with here.enter(MONA, "?next=/account/company/link") as mona:
        assert "linked to mona at Fromagerie" in words(mona.get("/account/company/link"))
        assert "mona@example.org not verified" in words(mona.get("/account/emails")).replace("  ", " ")
    with store_of(here.server) as store, store.read() as connection:
        account = accounts.find(connection, "mona")
        assert account is not None
        assert (account.office, account.password_hash) == ("operator", None)
        link = identities.find(connection, here.provider.issuer_url, "mona")
        assert link is not None and link.account_id == account.id
        told = {each.event for each in security.recorded(connection, Filter(account_id=account.id))}
    assert {"AccountCreated", "IdentityLinked", "OfficeChanged", "SignedIn", "EmailAdded"} <= told
    with here.enter(PAUL) as paul:
        assert paul.get("/account/emails").status_code == 200
    with store_of(here.server) as store, store.read() as connection:
        found = accounts.find(connection, "paul")
        assert found is not None and found.office is None


def test_groups_are_renewed_at_each_sign_in(house: Callable[..., House]) -> None:
    here = house()
    person = here.provider.hire("index-auditors")
    here.enter(person).close()
    assert office_of(here, person) == "auditor"
    moved = here.provider.move(person, "index-operators")
    here.enter(moved).close()
    assert office_of(here, person) == "operator"
    gone = here.provider.move(person)
    here.enter(gone).close()
    assert office_of(here, person) is None


def office_of(here: House, person: Person) -> str | None:
    with store_of(here.server) as store, store.read() as connection:
        found = accounts.find(connection, person.name)
        assert found is not None
        return found.office


def test_an_answer_is_good_once_in_one_browser_and_as_it_was_sent(house: Callable[..., House]) -> None:
    here = house()
    with here.visitor() as ana, here.visitor() as thief:
        back = here.come_back(ana, ANA)
        stolen = thief.client.get(back)
        assert stolen.status_code == 400 and "This browser has begun no sign-in" in words(stolen)
        # Begun there by the thief, finished with what Ana's browser got: login forced upon somebody, or a code stolen.
        own = parse_qs(urlsplit(here.send(thief)).query)["state"][0]
        code = parse_qs(urlsplit(back).query)["code"][0]
        mixed = thief.get(f"/account/company/back?code={code}&state={own}&iss={here.provider.issuer_url}")
        assert "does not take the code" in words(mixed)
        assert thief.cookie("affineur_session") is None
    with here.visitor() as ana:
        back = here.come_back(ana, ANA)
        secret = ana.cookie("affineur_company")
        assert ana.client.get(back).status_code == 303
        assert ana.cookie("affineur_company") is None
        assert "This browser has begun no sign-in" in words(ana.client.get(back))
        ana.client.cookies.set("affineur_company", secret or "", "localhost.local")
        assert "does not take the code" in words(ana.client.get(back))
    with here.visitor() as ana:
        back = here.come_back(ana, ANA)
        assert "names another" not in back
        foreign = ana.client.get(back.partition("&iss=")[0] + "&iss=https://evil.example.org")
        assert "It was not Fromagerie's sign-in that sent this browser back." in words(foreign)
    with here.visitor() as ana:
        back = here.come_back(ana, ANA)
        unsaid = ana.client.get(back.partition("&iss=")[0])
        assert "It was not Fromagerie's sign-in" in words(unsaid), "the provider always says who it is"
    assert {rule for _, rule in here.refusals()} == {"company.state", "company.code", "company.issuer"}


def test_nobody_is_sent_on_to_another_site(house: Callable[..., House]) -> None:
    here = house()
    for onward in ("https://evil.example.org/", "//evil.example.org/", "/\\evil.example.org", "javascript:alert(1)"):
        visitor = here.visitor()
        answer = visitor.client.get(here.come_back(visitor, PAUL, f"?next={onward}"))
        assert answer.headers["location"] == "/account/"
        visitor.close()


def test_a_no_from_the_company_is_told_without_repeating_its_words(house: Callable[..., House]) -> None:
    here = house()
    with here.visitor() as visitor:
        state = parse_qs(urlsplit(here.send(visitor)).query)["state"][0]
        said = f"error=access_denied&error_description=Call+0900&state={state}&iss={here.provider.issuer_url}"
        answer = visitor.get(f"/account/company/back?{said}")
        assert "Fromagerie's sign-in did not let you in (access_denied)." in words(answer)
        assert "0900" not in answer.text
    with here.visitor() as visitor:
        state = parse_qs(urlsplit(here.send(visitor)).query)["state"][0]
        said = f"error=<b>pay+here</b>&state={state}&iss={here.provider.issuer_url}"
        assert "pay here" not in visitor.get(f"/account/company/back?{said}").text
    assert here.refusals() == [("SignInRefused", "company.declined")] * 2


def test_signing_in_at_the_company_anew_confirms_that_it_is_you(house: Callable[..., House]) -> None:
    here = house(session_days="1")
    with here.enter(ANA) as ana:
        age_proof(here)
        assert ana.get("/account/company?link=1").headers["location"].startswith("/account/confirm")
        address = here.send(ana, "?confirm=1&next=/account/company/link")
        asked = parse_qs(urlsplit(address).query)
        assert (asked["prompt"], asked["max_age"]) == (["login"], ["300"])
        answer = ana.client.get(here.come_back(ana, ANA, "?confirm=1&next=/account/company/link"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/company/link")
        assert "linked to Fromagerie already" in words(ana.get("/account/company?link=1", follow=True))
        age_proof(here)
        other = ana.client.get(here.come_back(ana, OTTO, "?confirm=1&next=/account/company/link"))
        assert "Somebody else signed in at Fromagerie" in words(other)
    assert ("StepUpRefused", "company.other") in here.refusals()


def age_proof(here: House) -> None:
    """Let all proofs be of yesterday."""
    from affineur.shell.store.schema import session

    with store_of(here.server) as store, store.write() as connection:
        connection.execute(session.update().values(stepped_up_at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_an_account_is_linked_by_its_holder_with_a_yes_and_unlinked_again(house: Callable[..., House]) -> None:
    here = house()
    person = here.provider.hire("index-auditors")
    holder = sign_up(here.server, "cleo")
    on_localhost = replace(here.server, url=here.url)
    with signed_in(on_localhost, holder) as cleo:
        for path in ("/account/", "/account/security"):
            assert 'href="/account/company/link"' in cleo.get(path).text
        page = cleo.client.get(here.come_back(cleo, person, "?link=1"))
        assert f"at Fromagerie as {person.name}" in words(page)
        ticket = page.text.partition('name="ticket" value="')[2].partition('"')[0]
        assert cleo.post("/account/company/link", {"ticket": ticket}, own=False).status_code == 403
        assert cleo.post("/account/company/link", {"ticket": "made up"}).status_code == 400
        done = cleo.post("/account/company/link", {"ticket": ticket}, follow=True)
        assert "Your account is linked to your company." in words(done)
        assert cleo.post("/account/company/link", {"ticket": ticket}).status_code == 400
    with here.enter(person) as again:
        assert "cleo" in words(again.get("/account/"))
        with store_of(here.server) as store, store.read() as connection:
            found = accounts.find(connection, "cleo")
            assert found is not None and found.office == "auditor"
        assert "no longer linked" in words(again.post("/account/company/unlink", follow=True))
    with store_of(here.server) as store, store.read() as connection:
        found = accounts.find(connection, "cleo")
        assert found is not None and found.office is None


def test_without_passwords_the_sign_in_page_has_the_company_only(house: Callable[..., House]) -> None:
    here = house(password_sign_in="false")
    holder = sign_up(here.server, "cleo")
    with here.visitor() as visitor:
        page = visitor.get("/account/sign-in")
        assert "Sign in with Fromagerie" in page.text and 'type="password"' not in page.text
        refused = visitor.post("/account/sign-in", {"name": "cleo", "password": holder.password})
        assert refused.status_code >= 400 and "switched off" in words(refused)
        assert visitor.cookie("affineur_session") is None
        for path in ("/account/forgotten", "/account/register"):
            assert 'type="password"' not in visitor.get(path, follow=True).text
    here.enter(PAUL).close()


def test_a_provider_that_is_away_is_told_kindly_and_nothing_else_waits(house: Callable[..., House]) -> None:
    (nobody,) = free_ports(1)
    here = house(company_issuer=f"http://127.0.0.1:{nobody}")
    with here.visitor() as visitor:
        answer = visitor.get("/account/company")
        assert "cannot be asked" in words(answer) and answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert visitor.get("/account/sign-in").status_code == 200


def test_people_sign_in_with_a_browser(house: Callable[..., House], browser: Browser) -> None:
    here = house()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{here.url}account/emails")
    page.get_by_role("link", name="Sign in with Fromagerie").click()
    here.provider.sign_in_with(page, OTTO)
    page.wait_for_url(f"{here.url}account/emails")
    page.goto(f"{here.url}account/company/link")
    assert page.get_by_text("Signing in there brings you here.").is_visible()
    context.close()
