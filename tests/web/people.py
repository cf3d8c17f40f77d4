"""People for tests: accounts, and browsers in which they are signed in.

Test support, not tests. Rows are made through the store, so that a test of a page need not walk the pages before
it; that those work is tested with the pages themselves (`test_signing.py`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import unescape
from typing import Any

import httpx
from tests.services.affineur import Server

from affineur.core.people.second_factor import FactorKind, Proof, StepUp
from affineur.core.permissions import Kind, Office
from affineur.settings import Settings
from affineur.shell.bearer import digest_of, new_secret
from affineur.shell.passwords import hash_password
from affineur.shell.store import Store, accounts, connect, emails, sessions
from affineur.shell.store.schema import factor
from affineur.shell.store.sessions import SessionRow, Stage

PASSWORD = "seventeen wheels of comte"
SESSION, DEVICE = "affineur_session", "affineur_device"
"""The cookies, as they are called on an index without TLS."""


@dataclass(frozen=True)
class Person:
    """An account: ``password`` is what they sign in with; ``address`` is their primary one, verified."""

    id: int
    name: str
    password: str
    address: str


@contextmanager
def store_of(server: Server, database: str = "") -> Iterator[Store]:
    """The database of a running server; ``database`` where it was given one by its settings."""
    store = connect(Settings(data=server.data, database=database).database_url)
    try:
        yield store
    finally:
        store.close()


def sign_up(
    server: Server,
    name: str,
    *,
    password: str = PASSWORD,
    address: str | None = None,
    office: Office | None = None,
    kind: Kind = "person",
    factors: tuple[FactorKind, ...] = (),
    database: str = "",
) -> Person:
    """An account with a password and a verified address (``name@example.org``), made straight in the database.

    ``factors``: second factors as far as permissions look at them; nobody has them in hand. An account of that name
    that is there already (the first operator, say) gets password, address and factors.
    """
    now, where = datetime.now(UTC), address or f"{name}@example.org"
    with store_of(server, database) as store, store.write() as connection:
        there = accounts.account_id(connection, name)
        key = there if there is not None else accounts.add_account(connection, name, now, kind=kind, office=office)
        if kind == "person":
            hashed = _hash_of(password)
            accounts.change(connection, key, password_hash=hashed, password_changed_at=now)
            emails.add(connection, key, where, now, verified_at=now)
        for each in factors:
            _add_factor(connection, key, each, now)
    return Person(key, name, password, where)


def signed_in(
    server: Server,
    person: Person,
    *,
    proof: Proof | None = "password",
    device_age: timedelta = timedelta(0),
    proven_ago: timedelta = timedelta(0),
    stage: Stage = "whole",
    database: str = "",
) -> Visitor:
    """A browser in which ``person`` is signed in, having given ``proof`` (None: none that counts) ``proven_ago``.

    ``device_age``: how long the account knows the browser. Close it, or use it in a ``with``.
    """
    now = datetime.now(UTC)
    secret, device = new_secret(), new_secret()
    row = SessionRow(
        digest_of(secret), person.id, stage, "password", now, now, now + timedelta(days=1), "", "a test",
        digest_of(device), None, None,
    )  # fmt: skip
    since = now - device_age
    with store_of(server, database) as store, store.write() as connection:
        sessions.see_device(connection, person.id, digest_of(device), since, "a test")
        sessions.add(connection, row, None if proof is None else StepUp(now - proven_ago, proof, since))
    visitor = Visitor(server.url)
    visitor.keep(secret, device)
    return visitor


class Visitor:
    """A browser, as far as forms and cookies go: redirects are shown, not followed, unless asked for.

    ``post`` says that the form comes from the index's own page and adds the session's own word, as our pages do;
    ``own=False`` leaves both to the test.
    """

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.client = httpx.Client(
            base_url=url, headers={"accept": "text/html", **headers}, trust_env=False, timeout=30
        )

    def keep(self, session_secret: str, device_secret: str | None = None) -> None:
        """Put cookies of a session into the browser."""
        host = self.client.base_url.host
        domain = host if "." in host else f"{host}.local"  # as http.cookiejar calls a host without a dot
        self.client.cookies.set(SESSION, session_secret, domain)
        if device_secret is not None:
            self.client.cookies.set(DEVICE, device_secret, domain)

    def cookie(self, name: str) -> str | None:
        """The cookie of that name; of several, the newest."""
        found = [each.value for each in self.client.cookies.jar if each.name == name]
        return found[-1] if found else None

    @property
    def form_key(self) -> str:
        """What our pages put into every form of this session."""
        return hashlib.sha256(b"form:" + (self.cookie(SESSION) or "").encode()).hexdigest()

    def get(self, path: str, *, follow: bool = False, **headers: str) -> httpx.Response:
        """Open a page (``path`` without a slash in front, or with)."""
        return self.client.get(path.lstrip("/"), follow_redirects=follow, headers=_named(headers))

    def post(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        own: bool = True,
        follow: bool = False,
        **headers: str,
    ) -> httpx.Response:
        """Send a form; a field may have a list of values."""
        data = dict(fields or {})
        if own:
            data = {"form_key": self.form_key, **data} if self.cookie(SESSION) else data
            headers = {"sec_fetch_site": "same-origin", **headers}
        return self.client.post(path.lstrip("/"), data=data, follow_redirects=follow, headers=_named(headers))

    def close(self) -> None:
        """Close the browser."""
        self.client.close()

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def words(response: httpx.Response) -> str:
    """What a page says, without its markup, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@lru_cache
def _hash_of(password: str) -> str:
    return hash_password(password)


def _add_factor(connection: Any, account_id: int, kind: FactorKind, now: datetime) -> None:
    values: dict[str, object] = {"account_id": account_id, "kind": kind, "label": f"a {kind}", "created_at": now}
    if kind == "totp":
        values["secret"] = b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    else:
        values |= {"credential_id": new_secret(), "public_key": b"none", "sign_count": 0}
    connection.execute(factor.insert().values(**values))
