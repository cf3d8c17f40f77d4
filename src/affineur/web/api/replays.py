"""Repetitions: a request that was sent twice is done once, and answered the same both times.

A client that does not know whether its request arrived sends it again with the same ``Idempotency-Key``. Source:
draft-ietf-httpapi-idempotency-key-header-07. What was answered is kept for `KEPT_FOR`; a secret never is.

The key is written down in a transaction before the act and the answer in one after it. Between the two the act is
under way; where a process dies there, nobody knows whether it was done, and the answer says so. What does not live
here: the act's own transaction, and keys as stored (`shell.store.replays`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from affineur.core.decision import refuse
from affineur.shell.store import Store, replays

KEPT_FOR = timedelta(hours=24)
UNDER_WAY_FOR = timedelta(minutes=5)
"""After so long an act that has not ended will not: its process is gone."""

MAXIMUM_KEY_LENGTH = 255
# An sf-string (RFC 8941 §3.3.3): printable ASCII in quotes, with backslashes before quotes and backslashes.
_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"\Z', re.ASCII)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer before it is sent.

    ``location`` and ``made`` are the path and id of what was made, ``next_page`` an address, where there is such.
    """

    status: int
    body: bytes = b""
    location: str | None = None
    made: str | None = None
    next_page: str | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a request of an account, and what tells this request from another."""

    account_id: int
    text: str
    fingerprint: str


def read_key(header: str) -> str:
    """The key in an ``Idempotency-Key`` header; `Refused` (``api.idempotency-key``) where it is not well formed."""
    found = _KEY.match(header.strip())
    if found is None or len(found[1]) > MAXIMUM_KEY_LENGTH:
        refuse(
            "api.idempotency-key",
            "Idempotency-Key is not well formed.",
            f'Send one text in quotes, such as "8e03978e-40d5-43e8-bc93-6894a57f9324", of at most {MAXIMUM_KEY_LENGTH} '
            "characters of ASCII.",
        )
    return found[1]


def fingerprint(method: str, target: str, authorization: str, body: bytes) -> str:
    """What tells requests apart, in hex.

    The token counts: what a wider one was answered is nothing for a narrower one of the same account.
    """
    digest = hashlib.sha256()
    for part in (method.encode(), target.encode(), authorization.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def begin(store: Store, key: Key, now: datetime) -> Reply | None:
    """Claim a key: None where the request is new and to be done, else what it was answered.

    `Refused`: ``api.idempotency-reused`` (the key came with another request), ``-running``, ``-unknown`` (nobody
    knows how it ended), ``-secret`` (done, and its answer is not kept).
    """
    with store.write() as connection:
        row = replays.claim(connection, key.account_id, key.text, key.fingerprint, now, now - KEPT_FOR)
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        refuse(
            "api.idempotency-reused",
            "This Idempotency-Key came with another request before.",
            "Use a new key for each request, and an old one only to repeat the very same request.",
        )
    if row.status is None:
        _refuse_unfinished(row.created_at, now)
    kept = msgspec.json.decode(row.body, type=_Kept)
    if kept.secret:
        refuse(
            "api.idempotency-secret",
            "This was done already. Its answer held a secret, which is told once and not kept.",
            "If the secret is lost, revoke what was made and make another with a new key.",
            id=kept.made,
            location=kept.location,
        )
    return Reply(status=row.status, body=kept.body, location=kept.location, made=kept.made, repeated=True)


def finish(store: Store, key: Key, reply: Reply, *, secret: bool) -> None:
    """Keep what the request was answered; of a ``secret`` answer only what it made."""
    kept = _Kept(body=b"" if secret else reply.body, location=reply.location, made=reply.made, secret=secret)
    with store.write() as connection:
        replays.finish(connection, key.account_id, key.text, reply.status, msgspec.json.encode(kept))


def release(store: Store, key: Key) -> None:
    """Give a key back: the request was refused, so nothing was done, and a repetition is judged anew."""
    with store.write() as connection:
        replays.release(connection, key.account_id, key.text)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes
    location: str | None
    made: str | None
    secret: bool


def _refuse_unfinished(since: datetime, now: datetime) -> NoReturn:
    if now - since < UNDER_WAY_FOR:
        refuse(
            "api.idempotency-running",
            "The first request with this Idempotency-Key has not ended yet.",
            "Repeat it a little later.",
            retry_after_seconds=1,
        )
    refuse(
        "api.idempotency-unknown",
        "The first request with this Idempotency-Key broke off, and nobody knows whether it was done.",
        "Look whether it was, and use a new key.",
    )
