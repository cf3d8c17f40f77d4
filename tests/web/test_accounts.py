"""Accounts over real HTTP and real mail: how they come to be, their addresses and passwords, how they go.

One server for all of them. Each test has people of its own, and comes from an address of its own, so that what is
counted for one is not counted for another.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from tests.services.affineur import Server, affineur, initialise, serve
from tests.services.smtp import PostOffice, open_post_office
from tests.web.people import PASSWORD, SESSION, Person, Visitor, sign_up, signed_in, store_of, words

from affineur.actions.minting import account_token
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import TokenAction
from affineur.shell.store import accounts, emails, grants, projects
from affineur.shell.store.schema import metadata, outbox, security_event, session, ticket

NEW = "another wheel of old gouda"
_numbers = itertools.count(1)


@dataclass
class House:
    """A server with its post office, and browsers that come from an address of the test's own."""

    server: Server
    office: PostOffice
    environment: dict[str, str]
    address: str
    open: ExitStack

    def browser(self, **headers: str) -> Visitor:
        return self.open.enter_context(Visitor(self.server.url, **{"x-forwarded-for": self.address, **headers}))

    def person(self, **more: object) -> Person:
        return sign_up(self.server, f"person-{next(_numbers)}x", **more)  # type: ignore[arg-type]

    def at_home(self, person: Person, **more: object) -> Visitor:
        return self.open.enter_context(signed_in(self.server, person, **more))  # type: ignore[arg-type]

    def path_in(self, to: str, subject: str = "") -> str:
        """The path of the first link in the newest mail."""
        link = self.office.wait_for(to, subject, timeout=20).links[0]
        assert link.startswith(self.server.url), "mail names the index as its settings do"
        return "/" + link.removeprefix(self.server.url)

    def events(self, account: str) -> list[str]:
        with store_of(self.server) as store, store.read() as connection:
            table = security_event.c
            return list(connection.scalars(sa.select(table.event).where(table.account == account).order_by(table.id)))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, PostOffice, dict[str, str]]]:
    with open_post_office() as office:
        data = tmp_path_factory.mktemp("accounts") / "data"
        environment = {
            "AFFINEUR_REGISTRATION": "open",
            "AFFINEUR_TRUSTED_PROXIES": "1",
            "AFFINEUR_MAIL_SERVER": f"smtp://{office.host}:{office.port}",
            "AFFINEUR_MAIL_FROM": "index@example.org",
        }
        with serve(data, initialise(data, environment), environment=environment) as server:
            yield server, office, environment


@pytest.fixture
def house(running: tuple[Server, PostOffice, dict[str, str]]) -> Iterator[House]:
    number = next(_numbers)
    with ExitStack() as opened:
        yield House(*running, address=f"10.{number // 250}.{number % 250}.7", open=opened)


def ticket_in(path: str) -> str:
    return urlsplit(path).query.removeprefix("ticket=")


# --- registering


def test_somebody_registers_by_mail_and_is_signed_in(house: House) -> None:
    visitor = house.browser()
    asked = visitor.post("/account/register", {"email": "reg1@example.org"})
    assert asked.status_code == 200 and "reg1@example.org" in words(asked)
    path = house.path_in("reg1@example.org")
    assert visitor.get(path).status_code == visitor.get(path).status_code == 200, "looking uses nothing up"
    made = visitor.post("/account/register/finish", {"ticket": ticket_in(path), "name": "reg1", "password": PASSWORD})
    assert (made.status_code, made.headers["location"]) == (303, "/account/?done=welcome")
    assert "reg1@example.org" in words(visitor.get("/account/"))
    assert house.events("reg1") == ["AccountCreated", "EmailVerified", "SignedIn"]
    assert house.office.wait_for("reg1@example.org", "Welcome")
    again = visitor.post("/account/register/finish", {"ticket": ticket_in(path), "name": "reg1b", "password": PASSWORD})
    assert "register.link" in words(again) and house.events("reg1b") == []


def test_registering_answers_alike_whether_or_not_the_address_has_an_account(house: House) -> None:
    known, visitor = house.person(), house.browser()
    answers = [
        visitor.post("/account/register", {"email": address}) for address in (known.address, "unknown1@example.org")
    ]
    pages = {answer.text.replace(known.address, "X").replace("unknown1@example.org", "X") for answer in answers}
    assert len(pages) == 1 and {answer.status_code for answer in answers} == {200}
    assert "You have an account already" in house.office.wait_for(known.address, "already").subject
    assert house.office.wait_for("unknown1@example.org", "Open your account")


def test_forgotten_answers_alike_and_writes_only_to_who_has_an_account(house: House) -> None:
    known, visitor = house.person(), house.browser()
    answers = [
        visitor.post("/account/forgotten", {"email": address}) for address in (known.address, "unknown2@example.org")
    ]
    pages = {answer.text.replace(known.address, "X").replace("unknown2@example.org", "X") for answer in answers}
    assert len(pages) == 1 and {answer.status_code for answer in answers} == {200}
    house.office.wait_for(known.address, "new password")
    assert house.office.messages("unknown2@example.org") == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("-dash", "account.name"),
        ("a" * 41, "account.name"),
        ("ann@home", "account.name"),
        ("аnn", "account.name"),
        ("admin", "account.reserved"),
        ("0perator", "account.reserved"),
        ("Taken-Name", "account.taken"),
        ("taken.narne", ""),
        ("taken_name", "account.lookalike"),
        ("t a", "account.name"),
    ],
)
def test_a_name_is_new_readable_and_nobody_elses(house: House, name: str, rule: str) -> None:
    with store_of(house.server) as store, store.write() as connection:
        if not accounts.is_taken(connection, "taken-name"):
            accounts.add_account(connection, "taken-name", datetime.now(UTC))
    visitor, address = house.browser(), f"names{next(_numbers)}@example.org"
    visitor.post("/account/register", {"email": address})
    fields = {
        "ticket": ticket_in(house.path_in(address)),
        "name": name,
        "password": "short" if rule == "" else PASSWORD,
    }
    answer = visitor.post("/account/register/finish", fields)
    assert (rule or "password.length") in words(answer)
    assert answer.status_code == 400 and not visitor.cookie(SESSION)


@pytest.mark.parametrize("password", ["short", "a" * 1025, "passwordpassword", "person@example.org"])
def test_a_password_that_is_easily_guessed_is_not_taken(house: House, password: str) -> None:
    person = house.person()
    answer = house.at_home(person).post("/account/password", {"current": PASSWORD, "password": password})
    assert answer.status_code == 400 and "password." in words(answer)


def test_links_in_mail_never_name_the_host_that_a_request_named(house: House) -> None:
    visitor = house.browser(host="evil.example")
    visitor.post("/account/register", {"email": "host1@example.org"}, own=False, origin="http://evil.example")
    person = house.person()
    visitor.post("/account/forgotten", {"email": person.address}, own=False, origin="http://evil.example")
    for address in ("host1@example.org", person.address):
        house.path_in(address)
        assert "evil.example" not in house.office.messages(address)[-1].text


def test_only_so_many_mails_go_to_one_mailbox_and_from_one_address(house: House) -> None:
    visitor = house.browser()
    statuses = [visitor.post("/account/register", {"email": "flood@example.org"}).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    many = [visitor.post("/account/register", {"email": f"flood{n}@example.org"}).status_code for n in range(8)]
    assert many.count(200) == 7, "ten in five minutes from one address"


def test_an_address_that_is_none_is_refused_and_nothing_is_mailed(house: House) -> None:
    for address in ("", "nobody", "a@b@c", "a@example.org, b@example.org", "a@example.org\nBcc: b@example.org"):
        answer = house.browser().post("/account/register", {"email": address})
        assert answer.status_code == 400 and "email.format" in words(answer), address


# --- invited, or made on the console


def test_where_registration_is_by_invitation_it_takes_one(server: Callable[..., Server]) -> None:
    house = server()  # by invitation is what holds when nothing is said
    with Visitor(house.url) as visitor:
        assert 'name="email"' not in visitor.get("/account/register").text
        answer = visitor.post("/account/register", {"email": "guest@example.org"})
        assert "register.invitation" in words(answer) and answer.status_code == 403
        said = affineur("account", "invite", "guest@example.org", "--office", "auditor", "--json", "--data", house.data)
        path = "/" + json.loads(said)["link"].split("/", 3)[3]
        assert "auditor" in words(visitor.get(path))
        fields = {"ticket": ticket_in(path), "name": "guest", "password": PASSWORD}
        assert visitor.post("/account/register/finish", fields).status_code == 303
        assert "auditor" in words(visitor.get("/account/"))


def test_where_registration_is_closed_nobody_is_invited_either(server: Callable[..., Server]) -> None:
    environment = {"AFFINEUR_REGISTRATION": "closed"}
    house = server(environment=environment)
    with Visitor(house.url) as visitor:
        answer = visitor.post("/account/register", {"email": "guest@example.org"})
        assert "register.closed" in words(answer) and answer.status_code == 403
    with pytest.raises(RuntimeError, match=r"register\.closed"):
        affineur("account", "invite", "guest@example.org", "--data", house.data, environment=environment)


def test_an_account_made_on_the_console_gets_its_password_by_a_link_without_mail(house: House) -> None:
    said = affineur(
        "account", "create", "made-here", "--email", "made@example.org", "--json", "--data", house.server.data,
        environment=house.environment,
    )  # fmt: skip
    path = "/" + json.loads(said)["password_link"].split("/", 3)[3]
    visitor = house.browser()
    assert "made-here" in words(visitor.get(path))
    done = visitor.post("/account/password/reset", {"ticket": ticket_in(path), "password": NEW})
    assert done.headers["location"] == "/account/sign-in?done=password-set"
    assert visitor.get("/account/").status_code == 303, "a link sets a password, and signs nobody in"
    assert visitor.post("/account/sign-in", {"name": "made-here", "password": NEW}).headers["location"] == "/account/"
    assert "password.link" in words(visitor.get(path))


def test_the_first_operator_comes_in_by_a_link_from_the_console(house: House) -> None:
    link = affineur("account", "password-link", "operator", "--data", house.server.data, environment=house.environment)
    path = "/" + link.strip().split("/", 3)[3]
    visitor = house.browser()
    visitor.post("/account/password/reset", {"ticket": ticket_in(path), "password": NEW})
    visitor.post("/account/sign-in", {"name": "operator", "password": NEW})
    assert "operator" in words(visitor.get("/account/"))


# --- passwords


def test_changing_the_password_takes_the_present_one_ends_other_sessions_and_is_told(house: House) -> None:
    person = house.person()
    mine, other = house.at_home(person), house.at_home(person)
    wrong = mine.post("/account/password", {"current": "not it at all", "password": NEW})
    assert wrong.status_code == 400 and "password.current" in words(wrong)
    assert mine.post("/account/password", {"current": PASSWORD, "password": NEW}).status_code == 303
    assert (mine.get("/account/").status_code, other.get("/account/").status_code) == (200, 303)
    assert house.office.wait_for(person.address, "password was changed")
    visitor = house.browser()
    assert visitor.post("/account/sign-in", {"name": person.name, "password": PASSWORD}).status_code == 403
    assert visitor.post("/account/sign-in", {"name": person.name, "password": NEW}).status_code == 303
    assert house.events(person.name)[:2] == ["StepUpRefused", "PasswordChanged"]


def test_with_a_second_factor_the_present_password_alone_changes_none(house: House) -> None:
    person = house.person(factors=("totp",))
    answer = house.at_home(person, proof="password").post("/account/password", {"current": PASSWORD, "password": NEW})
    assert answer.headers["location"].startswith("/account/confirm?strength=proof&next=")
    fresh = house.at_home(person, proof="totp")
    assert fresh.post("/account/password", {"current": PASSWORD, "password": NEW}).status_code == 303


def test_a_reset_works_once_ends_every_session_and_does_not_go_around_the_second_factor(house: House) -> None:
    person = house.person(factors=("totp",))
    with store_of(house.server) as store, store.write() as connection:
        emails.add(connection, person.id, f"second-{person.address}", datetime.now(UTC), datetime.now(UTC))
    mine, visitor = house.at_home(person), house.browser()
    visitor.post("/account/forgotten", {"email": person.address})
    path = house.path_in(person.address, "new password")
    weak = visitor.post("/account/password/reset", {"ticket": ticket_in(path), "password": person.name})
    assert weak.status_code == 400
    assert visitor.post("/account/password/reset", {"ticket": ticket_in(path), "password": NEW}).status_code == 303
    assert mine.get("/account/").status_code == 303
    for address in (person.address, f"second-{person.address}"):
        assert house.office.wait_for(address, "password was changed")
    answer = visitor.post("/account/sign-in", {"name": person.name, "password": NEW})
    assert answer.headers["location"].startswith("/account/second-factor")
    again = visitor.post("/account/password/reset", {"ticket": ticket_in(path), "password": PASSWORD})
    assert "password.link" in words(again)
    assert "SignedIn" not in house.events(person.name)


def test_links_end_after_their_time_and_are_good_for_one_thing_only(house: House) -> None:
    person, visitor = house.person(), house.browser()
    visitor.post("/account/forgotten", {"email": person.address})
    secret = ticket_in(house.path_in(person.address, "new password"))
    fields = {"ticket": secret, "name": "thief", "password": NEW}
    assert "register.link" in words(visitor.post("/account/register/finish", fields))
    with store_of(house.server) as store, store.write() as connection:
        mine = ticket.c.account_id == person.id
        kept = connection.execute(sa.select(ticket).where(mine)).one()
        assert secret not in str(kept), "only its digest is stored"
        assert kept.expires_at - kept.created_at == timedelta(minutes=60)
        connection.execute(ticket.update().where(mine).values(expires_at=datetime.now(UTC)))
    late = visitor.post("/account/password/reset", {"ticket": secret, "password": NEW})
    assert "password.link" in words(late)


# --- addresses


def test_an_address_is_verified_by_whoever_is_signed_in_to_its_account(house: House) -> None:
    person, enemy = house.person(), house.person()
    mine, theirs = house.at_home(person), house.at_home(enemy)
    extra = f"extra-{person.address}"
    assert mine.post("/account/emails", {"email": extra}).headers["location"] == "/account/emails?done=email-added"
    assert house.office.wait_for(person.address, "added")
    path = house.path_in(extra, "Confirm")
    assert house.browser().get(path).headers["location"].startswith("/account/sign-in?next=")
    assert "email.link" in words(theirs.post("/account/emails/verify", {"ticket": ticket_in(path)}))
    assert "Yes, verify it" in words(mine.get(path))
    assert mine.post("/account/emails/verify", {"ticket": ticket_in(path)}).status_code == 303
    assert "email.link" in words(mine.post("/account/emails/verify", {"ticket": ticket_in(path)}))
    assert house.events(person.name) == ["EmailAdded", "EmailVerified"]


def test_two_accounts_never_verify_the_same_address_and_adding_it_does_not_tell(house: House) -> None:
    person, other = house.person(), house.person()
    mine = house.at_home(person)
    answer = mine.post("/account/emails", {"email": other.address.upper()})
    assert answer.headers["location"] == "/account/emails?done=email-added", "as for an address that nobody has"
    path = house.path_in(other.address.upper(), "Confirm")
    assert "email.taken" in words(mine.post("/account/emails/verify", {"ticket": ticket_in(path)}))


def test_an_address_that_came_today_does_not_take_the_place_of_the_owners(house: House) -> None:
    """Whoever got hold of a session adds an address of theirs, and would have the mails of the owner to themselves."""
    person, now = house.person(), datetime.now(UTC)
    with store_of(house.server) as store, store.write() as connection:
        first = emails.listed(connection, person.id)[0].id
        second = emails.add(connection, person.id, f"thief-{person.address}", now, now)
    thief = house.at_home(person)
    answer = thief.post(f"/account/emails/{first}/remove")
    assert answer.status_code == 400 and "email.new" in words(answer)
    assert thief.post(f"/account/emails/{second}/remove").status_code == 303, "the newer one goes at once"


def test_the_last_verified_address_stays_and_a_removed_one_is_told(house: House) -> None:
    person = house.person()
    with store_of(house.server) as store, store.write() as connection:
        first = emails.listed(connection, person.id)[0].id
        long_ago = datetime.now(UTC) - timedelta(hours=73)
        second = emails.add(connection, person.id, f"b-{person.address}", long_ago, long_ago)
    mine = house.at_home(person)
    assert mine.post(f"/account/emails/{second}/primary").status_code == 303
    assert house.office.wait_for(person.address, "another address")
    assert mine.post(f"/account/emails/{first}/remove").status_code == 303
    assert house.office.wait_for(person.address, "removed")
    last = mine.post(f"/account/emails/{second}/remove")
    assert last.status_code == 400 and "email.last" in words(last)
    foreign = house.at_home(house.person())
    assert foreign.post(f"/account/emails/{second}/remove").status_code == 404
    assert foreign.post(f"/account/emails/{9**30}/remove").status_code == 404


def test_changing_addresses_takes_a_fresh_proof(house: House) -> None:
    stale = house.at_home(house.person(), proven_ago=timedelta(minutes=6))
    answer = stale.post("/account/emails", {"email": "stale@example.org"})
    assert answer.headers["location"] == "/account/confirm?strength=proof&next=%2Faccount%2Femails"


# --- the end


def test_deleting_an_account_takes_everything_of_it_and_nothing_of_others(house: House) -> None:
    person, other = house.person(), house.person()
    now, name = datetime.now(UTC), NormalizedName(f"shared-{person.id}")
    with store_of(house.server) as store, store.write() as connection:
        project = projects.add_project(connection, name, name, now)
        for each in (person, other):
            grants.set_role(connection, project.id, each.id, "owner", now, person.id)
    mine = house.at_home(person)
    assert "account.confirmed" in words(mine.post("/account/delete", {"name": "someone"}))
    assert mine.post("/account/delete", {"name": person.name}).headers["location"] == "/account/sign-in?done=deleted"
    assert house.office.wait_for(person.address, "deleted")
    assert mine.get("/account/").status_code == 303
    assert house.browser().post("/account/sign-in", {"name": person.name, "password": PASSWORD}).status_code == 403
    with store_of(house.server) as store, store.read() as connection:
        left = accounts.by_id(connection, person.id)
        assert left is not None and left.deleted_at is not None and left.password_hash is None
        for table in metadata.sorted_tables:
            for column in table.columns:
                if any(key.column.table.name == "account" for key in column.foreign_keys):
                    assert connection.scalar(sa.select(sa.func.count()).where(column == person.id)) == 0, column
        assert accounts.is_taken(connection, person.name), "the name is never given again"
        assert [row[:2] for row in grants.roles(connection, project.id)] == [(other.name, "owner")]
    assert sorted(house.events(person.name)[-2:]) == ["AccountDeleted", "RoleLeft"]


def test_the_only_owner_of_a_project_hands_it_over_before_leaving(house: House) -> None:
    person, now = house.person(), datetime.now(UTC)
    name = NormalizedName(f"alone-{person.id}")
    with store_of(house.server) as store, store.write() as connection:
        project = projects.add_project(connection, name, name, now)
        grants.set_role(connection, project.id, person.id, "owner", now, None)
    mine = house.at_home(person)
    answer = mine.post("/account/delete", {"name": person.name})
    assert "account.sole-owner" in words(answer) and name in words(answer)
    assert mine.get("/account/").status_code == 200


def test_deleting_takes_a_proof_that_cannot_be_phished(house: House) -> None:
    person = house.person(factors=("totp",))
    for proof, age in (("password", 40), ("recovery", 40), ("totp", 1)):
        browser = house.at_home(person, proof=proof, device_age=timedelta(hours=age))
        answer = browser.post("/account/delete", {"name": person.name})
        assert answer.status_code in (303, 403) and "deleted" not in answer.headers.get("location", ""), proof
    settled = house.at_home(person, proof="totp", device_age=timedelta(hours=25))
    assert settled.post("/account/delete", {"name": person.name}).headers["location"].endswith("done=deleted")


def test_mails_that_were_sent_are_listed_and_their_links_are_gone(house: House) -> None:
    person, visitor = house.person(), house.browser()
    visitor.post("/account/forgotten", {"email": person.address})
    house.path_in(person.address, "new password")
    assert "Choose a new password" in words(house.at_home(person).get("/account/messages"))
    with store_of(house.server) as store, store.read() as connection:
        rows = connection.execute(sa.select(outbox.c["values"]).where(outbox.c.account_id == person.id)).all()
        assert [row[0] for row in rows] == ["{}"]
        assert connection.scalar(sa.select(sa.func.count()).select_from(session)) is not None


# --- by program


def token_of(house: House, person: Person, *actions: TokenAction) -> dict[str, str]:
    with store_of(house.server) as store, store.write() as connection:
        made = account_token(connection, person.id, "a test", datetime.now(UTC), actions=actions)
    return {"authorization": f"Bearer {made.secret}", "accept": "application/json"}


def test_a_program_that_may_manage_sees_and_ends_sessions_and_sees_addresses(house: House) -> None:
    person, foreign = house.person(), house.at_home(house.person())
    one, two = house.at_home(person), house.at_home(person)
    api, headers = house.browser().client, token_of(house, person, "manage", "read")
    listed = api.get("api/v1/account/sessions?limit=1", headers=headers)
    assert len(listed.json()["items"]) == 1 and listed.json()["next"]
    following = api.get(listed.json()["next"], headers=headers).json()
    assert len(following["items"]) == 1 and following["next"] is None
    assert one.cookie(SESSION) not in listed.text
    ended = api.delete(f"api/v1/account/sessions/{following['items'][0]['id']}", headers=headers)
    assert ended.status_code == 204
    assert api.delete("api/v1/account/sessions", headers=headers).json() == {"ended": 1}
    assert [each.get("/account/").status_code for each in (one, two, foreign)] == [303, 303, 200]
    addresses = api.get("api/v1/account/emails", headers=headers).json()["items"]
    assert [each["address"] for each in addresses] == [person.address]
    changed = api.patch("api/v1/account", headers=headers, json={"accepts_messages": False})
    assert changed.status_code == 200


def test_a_token_for_reading_sees_no_addresses_and_no_sessions(house: House) -> None:
    person = house.person()
    api, headers = house.browser().client, token_of(house, person, "read", "upload")
    for path in ("emails", "sessions"):
        answer = api.get(f"api/v1/account/{path}", headers=headers)
        assert (answer.status_code, answer.json()["rule"]) == (403, "access.scope")
    assert api.delete("api/v1/account/sessions", headers=headers).status_code == 403
