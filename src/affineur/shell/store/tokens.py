"""Tokens as stored, and from the text of one to the actor it stands for.

A token is a macaroon (`core.people.macaroons`): its key is kept here, one a row, and never leaves. Every check reads
the row, so that what one process revokes the next request to any other finds revoked.
What does not live here: what a token may do (`core.people.caveats`, `core.access`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.core.decision import Decision, deny
from affineur.core.names import NormalizedName
from affineur.core.people.caveats import Grant, granted, limits
from affineur.core.people.macaroons import is_genuine, read
from affineur.core.people.second_factor import Posture, StepUp
from affineur.core.publishers import display

from . import accounts
from .publishers import read_publisher
from .schema import account, project, project_publisher, publisher, role, sponsor, token

UNKNOWN = deny(
    "identity.token",
    "Invalid or non-existent authentication information.",
    "Use the user name __token__ and a token of this index as the password; your tokens page makes one.",
)


State = Literal["valid", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as listed; the secret is not known any more. ``account`` is None for a trusted publisher's."""

    id: str
    account: str | None
    account_id: int | None
    label: str
    caveats: tuple[bytes, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_because: str | None
    last_used_at: datetime | None
    last_used_address: str | None
    stepped_up_at: datetime | None

    @property
    def grant(self) -> Grant:
        """What it was made for."""
        found = limits(self.caveats)
        assert isinstance(found, Grant), "caveats that this index wrote are caveats that it can read"  # noqa: S101
        return found

    def state(self, now: datetime) -> State:
        """ "valid", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


_BY_ID = (
    sa.select(
        token.c.key,
        token.c.caveats,
        token.c.publisher_id,
        token.c.revoked_at,
        token.c.stepped_up_at,
        token.c.stepped_up_with,
        publisher.c.kind.label("publisher_kind"),
        publisher.c.issuer.label("publisher_issuer"),
        publisher.c.fields.label("publisher_fields"),
        *accounts.POSTURE,
    )
    .select_from(
        token.outerjoin(account, account.c.id == token.c.account_id).outerjoin(
            publisher, publisher.c.id == token.c.publisher_id
        )
    )
    .where(token.c.id == sa.bindparam("id"))
)


def actor_of(connection: sa.Connection, text: str, now: datetime, *, factor_required: bool) -> Actor | Decision:
    """Whom a token stands for at ``now``; the decision that says why it stands for nobody.

    Cost: one indexed read, one more for a token that names projects by id, and a HMAC for each caveat.
    """
    try:
        macaroon = read(text)
    except ValueError:
        return UNKNOWN
    row = connection.execute(_BY_ID, {"id": macaroon.identifier}).first()
    if row is None or not is_genuine(macaroon, row.key):
        return UNKNOWN
    if row.revoked_at is not None or row.deleted_at is not None:
        return deny("token.revoked", "The token was revoked.", "Make a new one on your tokens page.")
    # What it was made for holds as it is stored, too; mostly the text begins with the very same.
    stored = tuple(each.encode() for each in orjson.loads(row.caveats))
    given = macaroon.caveats
    grant = granted(given if given[: len(stored)] == stored else stored + given, now)
    if isinstance(grant, Decision):
        return grant
    if (grant.account_id or str(row.account_id)) != str(row.account_id) or (
        grant.publisher_id or row.publisher_id
    ) != row.publisher_id:
        return UNKNOWN
    projects = _projects(connection, grant)
    if row.account_id is None:
        described = read_publisher(row.publisher_kind, row.publisher_issuer, row.publisher_fields)
        name = display(described)
        return Actor(
            None, name, None, "publisher", grant.actions, projects or frozenset(), Posture(), macaroon.identifier
        )
    stepped_up = None if row.stepped_up_at is None else StepUp(row.stepped_up_at, row.stepped_up_with)
    return accounts.actor(
        row,
        factor_required=factor_required,
        actions=grant.actions,
        projects=projects,
        stepped_up=stepped_up,
        token_id=macaroon.identifier,
        token_ends_at=grant.expires_at,
    )


_NAME = sa.select(project.c.name).where(project.c.id == sa.bindparam("id"))
_NAMES = sa.select(project.c.name).where(project.c.id.in_(sa.bindparam("ids", expanding=True)))
# Built once: building a statement costs more than running it, and so does a list for the one that mostly is there.


def _projects(connection: sa.Connection, grant: Grant) -> frozenset[NormalizedName] | None:
    """The names of the projects a token is for; None: it is not narrowed."""
    if grant.project_ids is None:
        return grant.projects
    ids = [int(each) for each in grant.project_ids if each.isascii() and each.isdigit()]
    found = connection.scalars(_NAME, {"id": ids[0]}) if len(ids) == 1 else connection.scalars(_NAMES, {"ids": ids})
    names = frozenset(NormalizedName(name) for name in found)
    return names if grant.projects is None else names & grant.projects


def add(
    connection: sa.Connection,
    key_id: str,
    key: bytes,
    caveats: Iterable[bytes],
    label: str,
    at: datetime,
    expires_at: datetime | None,
    *,
    account_id: int | None = None,
    publisher_id: str | None = None,
) -> None:
    """Keep a new token: of an account, or of a trusted publisher."""
    connection.execute(
        token.insert().values(
            id=key_id,
            account_id=account_id,
            publisher_id=publisher_id,
            label=label,
            key=key,
            caveats=orjson.dumps([caveat.decode() for caveat in caveats]).decode(),
            created_at=at,
            expires_at=expires_at,
        )
    )


_LISTED = sa.select(
    token.c.id, account.c.name, token.c.account_id, token.c.label, token.c.caveats, token.c.created_at,
    token.c.expires_at, token.c.revoked_at, token.c.revoked_because, token.c.last_used_at, token.c.last_used_address,
    token.c.stepped_up_at,
).outerjoin(account, account.c.id == token.c.account_id)  # fmt: skip


def listed(connection: sa.Connection, account_id: int | None = None) -> list[TokenRow]:
    """The tokens of an account, or every account's (None; those of publishers are not among them), newest first."""
    wanted = token.c.account_id.is_not(None) if account_id is None else token.c.account_id == account_id
    query = _LISTED.where(wanted).order_by(token.c.created_at.desc(), token.c.id)
    return [_row(row) for row in connection.execute(query)]


def in_force(connection: sa.Connection, account_id: int, now: datetime) -> int:
    """How many tokens of an account are valid at ``now``."""
    ends = sa.or_(token.c.expires_at.is_(None), token.c.expires_at > now)
    query = sa.select(sa.func.count()).where(token.c.account_id == account_id, token.c.revoked_at.is_(None), ends)
    return connection.scalar(query) or 0


def find(connection: sa.Connection, token_id: str) -> TokenRow | None:
    """The token of that id, or of the one id that begins so (at least eight characters)."""
    exact = token.c.id == token_id
    wanted = sa.or_(exact, token.c.id.startswith(token_id, autoescape=True)) if len(token_id) >= 8 else exact
    rows = connection.execute(_LISTED.where(wanted).limit(2)).all()
    return _row(rows[0]) if len(rows) == 1 else None


def genuine(connection: sa.Connection, text: str) -> TokenRow | None:
    """The token that ``text`` is, or was narrowed from, in whatever state: account's or publisher's."""
    try:
        macaroon = read(text)
    except ValueError:
        return None
    row = connection.execute(_LISTED.add_columns(token.c.key).where(token.c.id == macaroon.identifier)).first()
    return _row(row[:-1]) if row is not None and is_genuine(macaroon, row.key) else None


def people_behind(connection: sa.Connection, account_id: int) -> list[tuple[int, str]]:
    """Whom a token of that account concerns, as id and name: its holder; of a machine, those who answer for it."""
    own = sa.select(account.c.id, account.c.name).where(account.c.id == account_id, account.c.kind == "person")
    sponsors = (
        sa.select(account.c.id, account.c.name)
        .join(sponsor, sponsor.c.account_id == account.c.id)
        .where(sponsor.c.machine_id == account_id)
    )
    return [(row.id, row.name) for row in connection.execute(sa.union_all(own, sponsors))]


def owners_behind(connection: sa.Connection, token_id: str) -> list[tuple[str, list[tuple[int, str]]]]:
    """The projects that a trusted publisher's token is for, each with its owners as id and name."""
    query = (
        sa.select(project.c.name.label("project"), account.c.id, account.c.name)
        .select_from(token)
        .join(project_publisher, project_publisher.c.publisher_id == token.c.publisher_id)
        .join(project, project.c.id == project_publisher.c.project_id)
        .join(role, sa.and_(role.c.project_id == project.c.id, role.c.role == "owner"))
        .join(account, account.c.id == role.c.account_id)
        .where(token.c.id == token_id)
        .order_by(project.c.name, account.c.id)
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.project, []).append((row.id, row.name))
    return list(found.items())


def _row(row: Sequence[Any]) -> TokenRow:
    values = list(row)
    values[4] = tuple(each.encode() for each in orjson.loads(values[4]))
    return TokenRow(*values)


def revoke(connection: sa.Connection, token_ids: Iterable[str], at: datetime, because: str) -> int:
    """Revoke tokens; how many were in force until now."""
    done = connection.execute(
        token.update()
        .where(token.c.id.in_(list(token_ids)), token.c.revoked_at.is_(None))
        .values(revoked_at=at, revoked_because=because)
    )
    return done.rowcount


def confirm(connection: sa.Connection, token_id: str, step_up: StepUp) -> None:
    """Let a token stand for a proof that its holder gave."""
    connection.execute(
        token.update().where(token.c.id == token_id).values(stepped_up_at=step_up.at, stepped_up_with=step_up.proof)
    )


def mark_used(connection: sa.Connection, used: Mapping[str, tuple[datetime, str]]) -> None:
    """Note when, and from which address, tokens were last used."""
    if used:
        connection.execute(
            token.update()
            .where(token.c.id == sa.bindparam("token_id"))
            .values(last_used_at=sa.bindparam("used_at"), last_used_address=sa.bindparam("used_from")),
            [{"token_id": key, "used_at": at, "used_from": where} for key, (at, where) in used.items()],
        )
