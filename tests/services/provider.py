"""A real OpenID provider for a company's sign-in: Canaille, with people in groups, one a session.

Canaille is a company's identity server (people, groups, a sign-in page, consent), here on SQLite, in an
environment of its own (`requirements/clients/canaille.in`). It is shared by all tests of a session, so a test
registers a client of its own (`Provider.client_for`) and changes only people it has hired itself. Tokens for
machines are no matter of this module, but of `tests.services.issuer`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx
from joserfc.jwk import RSAKey
from tests.clients.runner import program

from .keeper import Service, free_ports, keep

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCOPE = "openid profile email groups"
GROUPS = ("index-operators", "index-auditors", "publishers")


@dataclass(frozen=True)
class Person:
    """Somebody who works here. ``name`` is the ``sub`` of their tokens."""

    name: str
    password: str
    groups: tuple[str, ...]

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"


MONA = Person("mona", "mona's own cheese", ("index-operators", "publishers"))
ANA = Person("ana", "ana's own cheese", ("publishers",))
OTTO = Person("otto", "otto's own cheese", ("index-auditors",))
PAUL = Person("paul", "paul's own cheese", ())
PEOPLE = (MONA, ANA, OTTO, PAUL)


@dataclass(frozen=True)
class Client:
    """What the provider knows one index by."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True)
class Provider:
    """The provider: ``issuer_url`` is its ``iss``, and discovery is at ``/.well-known/openid-configuration``."""

    issuer_url: str
    configuration: Path
    people: tuple[Person, ...] = PEOPLE

    def client_for(self, *redirect_uris: str, asks_for_consent: bool = False, scope: str = SCOPE,
                   authentication: str = "client_secret_basic") -> Client:  # fmt: skip
        """Register an index that people come back to at one of ``redirect_uris`` (RFC 7591)."""
        with _browser_without_script(self.issuer_url) as http:
            answer = http.post("/oauth/register", json={
                "client_name": "Affineur",
                # Canaille shows no page of consent to those that it has at home.
                "client_uri": "https://example.org/" if asks_for_consent else "http://127.0.0.1/",
                "redirect_uris": redirect_uris,
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
                "token_endpoint_auth_method": authentication,
                "scope": scope,
            })  # fmt: skip
        answer.raise_for_status()
        made = answer.json()
        return Client(made["client_id"], made["client_secret"], redirect_uris)

    def sign_in(self, authorization_url: str, person: Person, password: str | None = None) -> str:
        """Sign in as ``person`` with plain HTTP; the address, with ``code`` or ``error``, they are sent back to.

        ``authorization_url`` is where the index sent them. AssertionError where the provider does not let them in.
        """
        with _browser_without_script(self.issuer_url) as http:
            page = _follow(http, http.get(authorization_url))
            page = _follow(http, _fill_in(http, page, login=person.name))
            page = _follow(http, _fill_in(http, page, password=password or person.password))
            if not page.is_redirect and 'name="answer"' in page.text:
                page = _follow(http, _fill_in(http, page, answer="accept"))
        assert page.is_redirect, f"{person.name} is not let in: {page.status_code} {page.url}\n{page.text}"
        return page.headers["Location"]

    def sign_in_with(self, page: Page, person: Person) -> None:
        """Fill in the provider's forms in a browser whose ``page`` has just been sent to it."""
        page.locator("input[name=login]").fill(person.name)
        page.locator("#loginform button[type=submit]").click()
        page.locator("input[name=password]").fill(person.password)
        page.locator("#passwordform button[type=submit]").click()

    def hire(self, *groups: str) -> Person:
        """Somebody new, in ``groups`` (of `GROUPS`). Takes about three seconds."""
        person = Person(f"person-{uuid4().hex[:8]}", uuid4().hex, groups)
        self._canaille("create", "user", "--user-name", person.name, "--password", person.password,
                       "--family-name", "Cheesemonger", "--emails", person.email, *_as_options(groups))  # fmt: skip
        return person

    def move(self, person: Person, *groups: str) -> Person:
        """The same person, from now on in ``groups`` and no others."""
        self._canaille("set", "user", *(_as_options(groups) or ["--groups", ""]), person.name)
        return Person(person.name, person.password, groups)

    def _canaille(self, *arguments: str) -> None:
        _run(self.configuration, arguments)


def open_provider() -> Provider:
    """The session's provider, which starts where it has not yet (about eight seconds)."""
    facts = keep("provider", _prepare, _answers, timeout_seconds=120)
    return Provider(facts["issuer"], Path(facts["configuration"]))


def _prepare(folder: Path) -> Service:
    (port,) = free_ports(1)
    issuer = f"http://127.0.0.1:{port}"
    configuration = folder / "canaille.toml"
    configuration.write_text(_configuration(folder, port))
    _run(configuration, ["install"])
    _run(configuration, ["restore"], given=json.dumps(_company()))
    return Service(
        command=[str(_canaille_path()), "run", "--bind", f"127.0.0.1:{port}"],
        facts={"issuer": issuer, "configuration": str(configuration)},
        environment=_environment(configuration),
    )


def _configuration(folder: Path, port: int) -> str:
    key = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)
    words = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
    return f"""
SECRET_KEY = "{uuid4().hex}"
SERVER_NAME = "127.0.0.1:{port}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
DATABASE = "sql"
CAPTCHA_ENABLED = false
ENABLE_PASSWORD_RECOVERY = false
[CANAILLE.ACL.EVERYBODY]
PERMISSIONS = ["use_oidc"]
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{folder / "canaille.db"}"
[CANAILLE_OIDC]
DYNAMIC_CLIENT_REGISTRATION_OPEN = true
REQUIRE_NONCE = true
ACTIVE_JWKS = [{{{words}}}]
"""


def _company() -> dict[str, list[dict[str, object]]]:
    """Everybody and every group, in the form that ``canaille restore`` reads (passwords as they are typed)."""
    users: list[dict[str, object]] = [
        {
            "id": _id(person.name),
            "user_name": person.name,
            "password": person.password,
            "family_name": "Cheesemonger",
            "formatted_name": f"{person.name.title()} Cheesemonger",
            "emails": [person.email],
            "groups": [_id(group) for group in person.groups],
        }
        for person in PEOPLE
    ]
    groups: list[dict[str, object]] = [
        {
            "id": _id(group),
            "display_name": group,
            "members": [_id(person.name) for person in PEOPLE if group in person.groups],
        }
        for group in GROUPS
    ]
    return {"user": users, "group": groups}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def _as_options(groups: Sequence[str]) -> list[str]:
    return [word for group in groups for word in ("--groups", group)]


def _canaille_path() -> Path:
    return program("canaille", "canaille")


def _run(configuration: Path, arguments: Sequence[str], given: str = "") -> None:
    done = subprocess.run(
        [_canaille_path(), *arguments], input=given, env=_environment(configuration),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"canaille {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _environment(configuration: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CANAILLE")}
    return kept | {"CANAILLE_CONFIG": str(configuration)}


def _answers(facts: Mapping[str, str]) -> bool:
    try:
        return _discovery(facts["issuer"]).get("issuer") == facts["issuer"]
    except httpx.TransportError:
        return False


def _discovery(issuer: str) -> dict[str, str]:
    with _browser_without_script(issuer) as http:
        found: dict[str, str] = http.get("/.well-known/openid-configuration").json()
        return found


@contextmanager
def _browser_without_script(issuer: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=issuer, trust_env=False, timeout=20) as http:
        yield http


def _follow(http: httpx.Client, page: httpx.Response) -> httpx.Response:
    """Go where the provider redirects to, but not out of it."""
    while page.is_redirect:
        onwards = page.url.join(page.headers["Location"])
        if onwards.netloc != http.base_url.netloc:
            return page
        page = http.get(onwards)
    return page


def _fill_in(http: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Send the form of ``page`` with ``fields`` and its guard against forgery."""
    guard = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page.text)
    assert guard, f"the provider shows no form: {page.status_code} {page.url}\n{page.text}"
    return http.post(page.url, data={"csrf_token": guard[1], **fields})
