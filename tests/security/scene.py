"""The place of the permission matrix: a private index with a project in every state and a person in every posture.

Test support, not tests. Rows are made through the store; what is asked goes over HTTP (`asks`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from tests.security.routes import CASE
from tests.security.rules_in_words import MACHINES, POSTURES, RIGHTS, STANDINGS, STATES, WHOLE, Token
from tests.services.affineur import Server, initialise, serve
from tests.web.people import DEVICE, PASSWORD, SESSION, store_of
from tests.web.uploading import a_wheel as wheel
from tests.web.uploading import ask, form_of, published, upload

from affineur.actions import minting
from affineur.core.names import NormalizedName
from affineur.core.people import caveats, macaroons
from affineur.core.people.caveats import ALL_ACTIONS, TokenAction
from affineur.core.people.second_factor import Proof, StepUp
from affineur.core.permissions import Office
from affineur.core.publishers import Publisher, parse
from affineur.shell.bearer import digest_of, new_secret
from affineur.shell.passwords import hash_password
from affineur.shell.store import (
    Store,
    accounts,
    cases,
    emails,
    grants,
    offers,
    projects,
    publishers,
    sessions,
    sponsors,
    tokens,
)
from affineur.shell.store.schema import factor, moderation_case, project_publisher, role, token
from affineur.shell.store.sessions import SessionRow

LONE = "lone"
"""A project in use that has no trusted publisher."""
PROJECTS = {state: f"matrix-{state}" for state in (*STATES, LONE)}
ROBOT = "matrix-robot"
"""The machine that the sponsors answer for, and the only owner of a project of its own."""
_PROOFS: dict[str, tuple[Proof, timedelta]] = {
    "strong": ("passkey", timedelta(0)),
    "weak": ("totp", timedelta(0)),
    "stale": ("passkey", timedelta(minutes=6)),
    "frozen": ("passkey", timedelta(0)),
}
LATER = timedelta(minutes=4)
"""Proofs are from a little later than now, so that a slow machine does not make fresh ones stale."""


@dataclass(frozen=True)
class Person:
    """Somebody of the matrix: an account, a session, and tokens by name."""

    id: int
    name: str
    standing: str
    posture: str
    cookies: str = ""
    form_key: str = ""
    tokens: dict[str, str] = field(default_factory=dict)


@dataclass
class Scene:
    """A running server and everybody on it."""

    server: Server
    store: Store
    people: list[Person] = field(default_factory=list)
    machines: dict[str, str] = field(default_factory=dict)
    """Condition → a token for everything."""
    publisher: str = ""
    """A token of the trusted publisher of every project but `LONE`."""
    withdrawn: int = 0
    """An invitation to the project in use that was withdrawn."""
    forms: dict[str, bytes] = field(default_factory=dict)
    """State → the form of a file that its project has; ``create`` → one of a project that there is not."""

    def give_back(self, who: Person, act: str, state: str) -> None:
        """Undo what a permitted act changed, for the next who tries."""
        now = datetime.now(UTC)
        if act == "unarchive" and state == "archived":
            set_status(self.server, state, "archive")
            with self.store.write() as connection:  # unarchiving asks owners to confirm publishers, and ends tokens
                connection.execute(project_publisher.update().values(unconfirmed=False))
                connection.execute(token.update().where(token.c.account_id.is_(None)).values(revoked_at=None))
            return
        with self.store.write() as connection:
            if act == "release-machine":
                robot = accounts.account_id(connection, ROBOT)
                assert robot is not None
                sponsors.add(connection, robot, who.id, now)
                return
            found = projects.find(connection, NormalizedName(PROJECTS[state]))
            assert found is not None
            if act == "leave":
                grants.set_role(connection, found.id, who.id, who.standing, now, None)
                connection.execute(token.update().where(token.c.account_id == who.id).values(revoked_at=None))
            elif act == "release-publishers" and state == "closed":
                publishers.set_only(connection, found.id, True, None)


@contextmanager
def open_scene(folder: Path) -> Iterator[Scene]:
    """The whole place; it takes some seconds."""
    data = folder / "data"
    environment = {"AFFINEUR_READ": "token"}
    with serve(data, initialise(data, environment), environment=environment) as server, store_of(server) as store:
        scene = Scene(server, store)
        _publish(scene)
        with store.write() as connection:
            _people(connection, scene)
            _machines(connection, scene)
            _publisher(connection, scene)
            scene.withdrawn = _withdrawn_invitation(connection)
        for state, verb in (("archived", "archive"), ("quarantined", "quarantine"), ("deprecated", "deprecate")):
            set_status(server, state, verb)
        with store.write() as connection:
            open_case(connection, PROJECTS["active"])
        yield scene


def open_case(connection: sa.Connection, project: str) -> None:
    """The case `CASE` about ``project``, of which nothing is on hold, so that paths with a number lead somewhere."""
    made = cases.begin(connection, _id(connection, project), datetime.now(UTC), None)
    connection.execute(moderation_case.update().where(moderation_case.c.id == made.id).values(number=CASE))


def set_status(server: Server, state: str, verb: str) -> None:
    """As the operator of the index."""
    path = f"/api/v1/projects/{PROJECTS[state]}/{verb}"
    body = b"{}" if verb in ("archive", "deprecate", "quarantine") else b""
    given = {"authorization": f"Bearer {server.token}", "content_type": "application/json" if body else None}
    assert ask(server, "POST", path, body, **given).status == 200


def narrowed_tokens() -> tuple[Token, ...]:
    """Tokens that are not for everything: for one right each, for another project, and narrowed by their holder."""
    single = tuple(Token(f"to {right} only", (right,)) for right in RIGHTS)
    return (
        *single,
        Token("for the project in use only", projects=("active",)),
        Token("for another project", projects=("elsewhere",)),
        Token("narrowed by its holder to yank in the archived project", ("yank",), ("archived",)),
    )


def _publish(scene: Scene) -> None:
    for state, name in PROJECTS.items():
        file = wheel(name)
        published(upload(scene.server, file))
        scene.forms[state] = form_of(file)
    published(upload(scene.server, wheel(f"{ROBOT}-own")))
    scene.forms["create"] = form_of(wheel("json"))  # a name of the standard library: refused after all permissions


def _people(connection: sa.Connection, scene: Scene) -> None:
    now, hashed = datetime.now(UTC), hash_password(PASSWORD)
    connection.execute(role.delete())  # of the operator who published
    ids = {state: _id(connection, name) for state, name in PROJECTS.items()}
    robot = accounts.add_account(connection, ROBOT, now, kind="automation")
    grants.set_role(connection, _id(connection, f"{ROBOT}-own"), robot, "owner", now, None)
    for standing in STANDINGS:
        for posture in POSTURES:
            made = _person(connection, standing, posture, now, hashed)
            scene.people.append(made)
            for project_id in ids.values() if standing in ("owner", "maintainer") else ():
                grants.set_role(connection, project_id, made.id, standing, now, None)
            if standing == "sponsor":
                sponsors.add(connection, robot, made.id, now)


def _person(connection: sa.Connection, standing: str, posture: str, now: datetime, hashed: str) -> Person:
    offices: dict[str, Office] = {"operator": "operator", "moderator": "moderator", "auditor": "auditor"}
    name = f"{standing}-{posture.replace(' ', '-')}"
    key = accounts.add_account(connection, name, now, office=offices.get(standing))
    accounts.change(connection, key, password_hash=hashed, password_changed_at=now)
    emails.add(connection, key, f"{name}@example.org", now, verified_at=now)
    late = int(posture.removeprefix("day ")) if posture.startswith("day") else None
    if late is None:
        _add_factors(connection, key, now)
    else:
        accounts.change(connection, key, ladder_from=now - timedelta(days=late))
    if posture == "frozen":
        accounts.change(connection, key, frozen_at=now, frozen_reason="A test.")
    # Somebody whom a machine has no other sponsor than: their account cannot be deleted, though they may.
    own = accounts.add_account(connection, f"{name}-bot", now, kind="automation")
    accounts.change(connection, own, sponsors_short_from=now)
    sponsors.add(connection, own, key, now)
    proof, ago = _PROOFS.get(posture, ("password", timedelta(0)))
    given = StepUp(now + LATER - ago if not ago else now - ago, proof)
    secret, device = new_secret(), new_secret()
    sessions.see_device(connection, key, digest_of(device), now, "a test")
    row = SessionRow(digest_of(secret), key, "whole", "password", now, now, now + timedelta(days=1), "", "a test",
                     digest_of(device), None, None)  # fmt: skip
    sessions.add(connection, row, given)
    return Person(
        key, name, standing, posture, f"{SESSION}={secret}; {DEVICE}={device}",
        hashlib.sha256(b"form:" + secret.encode()).hexdigest(),
        {each.name: _token(connection, key, each, given) for each in (WHOLE, *narrowed_tokens())},
    )  # fmt: skip


def _token(connection: sa.Connection, key: int, wanted: Token, given: StepUp | None) -> str:
    actions: list[TokenAction] = [each for each in sorted(ALL_ACTIONS) if each in wanted.rights]
    names = None if wanted.projects is None else [NormalizedName(PROJECTS.get(each, each)) for each in wanted.projects]
    by_holder = wanted.name.startswith("narrowed by its holder")
    made = minting.account_token(
        connection, key, wanted.name, datetime.now(UTC),
        actions=ALL_ACTIONS if by_holder else actions, projects=None if by_holder else names,
    )  # fmt: skip
    if given is not None:
        tokens.confirm(connection, made.id, given)
    if not by_holder or names is None:
        return made.secret
    limits = [caveats.for_actions(actions), caveats.for_projects(names)]
    return macaroons.write(macaroons.narrow(macaroons.read(made.secret), *limits))


def _machines(connection: sa.Connection, scene: Scene) -> None:
    now = datetime.now(UTC)
    began = now - timedelta(days=60)
    columns: dict[str, dict[str, object]] = {
        "works": {},
        "sponsors short for 31 days": {"sponsors_short_from": now - timedelta(days=31)},
        "never had two sponsors": {"sponsors_short_from": began},
        "frozen": {"frozen_at": now, "frozen_reason": "A test."},
    }
    for number, condition in enumerate(MACHINES):
        key = accounts.add_account(connection, f"matrix-machine-{number}", began, kind="automation")
        for name in PROJECTS.values():
            grants.set_role(connection, _id(connection, name), key, "maintainer", now, None)
        if columns[condition]:
            accounts.change(connection, key, **columns[condition])
        # Confirmed by nobody could it be; even if it were, that would open nothing.
        scene.machines[condition] = _token(connection, key, WHOLE, StepUp(now + LATER, "passkey"))


def _publisher(connection: sa.Connection, scene: Scene) -> None:
    now = datetime.now(UTC)
    described = a_publisher()
    ids = [_id(connection, name) for state, name in PROJECTS.items() if state != LONE]
    keys = {publishers.register(connection, described, each, None, now) for each in ids}
    (key,) = keys
    assert key is not None
    publishers.set_only(connection, _id(connection, PROJECTS["closed"]), True, None)
    scene.publisher = minting.publisher_token(connection, key, ids, now, now + timedelta(minutes=15)).secret


def _withdrawn_invitation(connection: sa.Connection) -> int:
    now, project_id = datetime.now(UTC), _id(connection, PROJECTS["active"])
    made = offers.add_invitation(
        connection, project_id, "owner", None, now, now + timedelta(days=1), address="x@example.org"
    )
    offers.answer(connection, made, "withdrawn", now)
    return made


def a_publisher() -> Publisher:
    """The trusted publisher of the projects here."""
    fields = {"owner": "fromagerie", "repository": "matrix", "workflow": "release.yml"}
    return parse("github", "https://token.actions.githubusercontent.com", fields)


def _add_factors(connection: sa.Connection, key: int, now: datetime) -> None:
    rows: tuple[dict[str, object], ...] = (
        {"kind": "passkey", "credential_id": new_secret(), "public_key": b"none", "sign_count": 0},
        {"kind": "totp", "secret": b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
    )
    for row in rows:
        connection.execute(factor.insert().values(account_id=key, label=str(row["kind"]), created_at=now, **row))


def _id(connection: sa.Connection, name: str) -> int:
    found = projects.find(connection, NormalizedName(name))
    assert found is not None
    return found.id
