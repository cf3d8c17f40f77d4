"""Many people without signing them up: accounts, tokens, projects with their owners, and a long security log.

Rows are made by the database itself, on SQLite and PostgreSQL alike. In a crowd of any size stands the same one
person, `ANN`: what she has does not grow with it, and what happened to her is the oldest of the log, so that whoever
looks for it from the newest end reads all the rest. What does not live here: what is measured with it (`people`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from affineur.actions.minting import account_token
from affineur.core.people.caveats import ALL_ACTIONS
from affineur.core.people.second_factor import StepUp
from affineur.shell.bearer import digest_of, new_secret
from affineur.shell.passwords import hash_password
from affineur.shell.store import Store, accounts, schema, sessions
from affineur.shell.store.sessions import SessionRow

ANN = "ann"
ANNS_TOKENS = 500
ANNS_PROJECTS = 1_000
ANNS_EVENTS = 300
PASSWORD = "seventeen wheels of comte"


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each there are besides what is `ANN`'s."""

    people: int
    projects: int
    tokens: int
    events: int


SMALL = Size(people=1_000, projects=2_000, tokens=2_000, events=10_000)
LARGE = Size(people=100_000, projects=100_000, tokens=100_000, events=1_000_000)
QUICK = Size(people=10_000, projects=10_000, tokens=10_000, events=100_000)
"""What stands for `LARGE` on PostgreSQL, which takes ten times as long to fill, and in a quick run."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What `ANN` and the operator come in with: her cookie, and a token of each that may do everything."""

    session: str
    token: str
    operators_token: str
    operators_session: str


_COUNT = "WITH RECURSIVE counted(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM counted WHERE i < {most}) "
_AT = "(1700000000000000 + i * 1000000)"  # microseconds since 1970, one second apart
_PEOPLE = (
    "INSERT INTO account (name, name_key, kind, created_at, password_hash) "
    f"SELECT 'person-' || i, 'person-' || i, 'person', {_AT}, '{{hashed}}' FROM counted"
)
_TOKENS = (
    "INSERT INTO token (id, account_id, label, key, caveats, created_at) "
    f"SELECT '{{mark}}-' || i, {{holder}}, 'token ' || i, CAST('key' AS {{binary}}), '{{caveats}}', {_AT} FROM counted"
)
_PROJECTS = (
    "INSERT INTO project (name, display_name, lookalike, created_at, serial, changed_at, size_bytes, maintenance, "
    "advice, safety) "
    f"SELECT 'crowd-' || i, 'crowd-' || i, 'crowd-' || i, {_AT}, 0, {_AT}, 0, 'active', 'none', 'clear' FROM counted"
)
_RELEASES = (
    "INSERT INTO release (project_id, version, created_at, core_metadata) "
    "SELECT id, '1.0', created_at, '{{}}' FROM project WHERE name LIKE 'crowd-%'"
)
_ROLES = (
    "INSERT INTO role (project_id, account_id, role, granted_at) "
    "SELECT id, CASE WHEN id % {every} = 0 THEN {ann} ELSE {first} + id % {people} END, 'owner', created_at "
    "FROM project WHERE name LIKE 'crowd-%'"
)
_EVENTS = (
    "INSERT INTO security_event (at, event, outcome, account_id, account, actor_id, actor, project, facts) "
    f"SELECT {_AT}, CASE WHEN i = 5 THEN 'AccountFrozen' ELSE 'SignedIn' END, "
    "CASE WHEN i < 30 THEN 'refused' ELSE 'done' END, "
    "CASE WHEN i <= {anns} THEN {ann} ELSE {first} + i % {people} END, 'somebody', "
    "CASE WHEN i <= {anns} THEN {ann} ELSE {first} + i % {people} END, 'somebody', "
    "'crowd-' || (i % {projects}), '{{}}' FROM counted"
)


def fill(store: Store, size: Size, now: datetime) -> Keys:
    """Fill an index as `affineur init` leaves it with a crowd of ``size``; what to come in with."""
    binary = "BLOB" if store.is_sqlite else "BYTEA"
    with store.write() as connection:
        operator = connection.scalar(sa.select(sa.func.min(schema.account.c.id)))
        assert operator is not None, "an index has an operator from its start"
        ann = accounts.add_account(connection, ANN, now)
        for each in (operator, ann):
            _guard(connection, each, now)
        _run(connection, _PEOPLE, size.people, hashed=hash_password(PASSWORD))
        common = {"first": ann + 1, "people": size.people, "ann": ann, "binary": binary, "caveats": "[]"}
        _run(connection, _TOKENS, size.tokens, **common, mark="crowd", holder=f"{ann + 1} + i % {size.people}")
        _run(connection, _TOKENS, ANNS_TOKENS - 1, **common, mark=ANN, holder=ann)
        _run(connection, _PROJECTS, size.projects, **common)
        _run(connection, _RELEASES, 1, **common)
        _run(connection, _ROLES, 1, **common, every=size.projects // ANNS_PROJECTS)
        _run(connection, _EVENTS, size.events, **common, projects=size.projects, anns=ANNS_EVENTS)
        keys = Keys(
            _sign_in(connection, ann, now),
            account_token(connection, ann, "measured", now, actions=ALL_ACTIONS).secret,
            account_token(connection, operator, "measured", now, actions=ALL_ACTIONS).secret,
            _sign_in(connection, operator, now),
        )
    if not store.is_sqlite:  # as PostgreSQL does by itself within minutes
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return keys


def _run(connection: sa.Connection, statement: str, most: int, **values: object) -> None:
    text = statement.format(**values)
    if "FROM counted" in text:
        text = _COUNT.format(most=most) + text
    connection.exec_driver_sql(text if connection.dialect.name == "sqlite" else text.replace("%", "%%"))


def _guard(connection: sa.Connection, account_id: int, now: datetime) -> None:
    """A second factor, as far as permissions look at it."""
    values = {"account_id": account_id, "kind": "totp", "label": "an app", "secret": b"unused", "created_at": now}
    connection.execute(schema.factor.insert().values(**values))


def _sign_in(connection: sa.Connection, account_id: int, now: datetime) -> str:
    """A session for the cookie that is returned, with a fresh proof."""
    secret, device = new_secret(), digest_of(new_secret())
    sessions.see_device(connection, account_id, device, now - timedelta(days=30), "bench")
    row = SessionRow(
        digest_of(secret), account_id, "whole", "password", now, now, now + timedelta(days=1), "", "bench", device,
        None, None,
    )  # fmt: skip
    sessions.add(connection, row, StepUp(now, "totp", now - timedelta(days=30)))
    return secret
