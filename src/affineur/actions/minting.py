"""Minting: a new token, made and kept, inside an act's own transaction. Not an act itself."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from affineur.core.names import NormalizedName
from affineur.core.people import caveats, macaroons
from affineur.core.people.caveats import TokenAction
from affineur.shell.store import tokens

LOCATION = "affineur"
"""What the macaroon says it is for. A hint for people; the index that holds the key is the one it works on."""
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token. ``secret`` is its text, known here only."""

    id: str
    secret: str
    expires_at: datetime | None


def account_token(
    connection: sa.Connection,
    account_id: int,
    label: str,
    now: datetime,
    *,
    actions: Collection[TokenAction],
    projects: Collection[NormalizedName] | None = None,
    expires_at: datetime | None = None,
) -> Minted:
    """A token of an account, for ``actions`` on ``projects`` (None: all the account may act on)."""
    limits = [caveats.for_account(str(account_id))]
    if frozenset(actions) != caveats.ALL_ACTIONS:
        limits.append(caveats.for_actions(actions))
    if projects is not None:
        limits.append(caveats.for_projects(projects))
    return _mint(connection, limits, label, now, expires_at, account_id=account_id)


def publisher_token(
    connection: sa.Connection, publisher_id: str, project_ids: Collection[int], now: datetime, expires_at: datetime
) -> Minted:
    """A short-lived token of a trusted publisher, to upload to the projects it publishes for."""
    limits = [
        caveats.for_publisher(publisher_id),
        caveats.for_project_ids(str(each) for each in project_ids),
        caveats.for_actions(["upload"]),
    ]
    return _mint(connection, limits, "trusted publishing", now, expires_at, publisher_id=publisher_id)


def _mint(
    connection: sa.Connection,
    limits: list[bytes],
    label: str,
    now: datetime,
    expires_at: datetime | None,
    *,
    account_id: int | None = None,
    publisher_id: str | None = None,
) -> Minted:
    if expires_at is not None:
        limits.append(caveats.expiry(expires_at, now))
    key, key_id = secrets.token_bytes(_KEY_BYTES), str(uuid.uuid4())
    tokens.add(
        connection, key_id, key, limits, label, now, expires_at, account_id=account_id, publisher_id=publisher_id
    )
    return Minted(key_id, macaroons.write(macaroons.mint(key, LOCATION, key_id, limits)), expires_at)
