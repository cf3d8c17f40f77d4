"""Who a request comes from: from its ``Authorization`` header to an `Actor`, and where it comes from.

Upload clients send HTTP Basic with the user name ``__token__`` and a token as the password; ``bearer`` and
``token`` are taken too. Passwords of accounts never are. What does not live here: people who are signed in
(`session`).
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request

from affineur.core.access import INDEX, Actor, may
from affineur.core.decision import Decision, deny
from affineur.core.security import Caller, Origin
from affineur.shell.index import Index
from affineur.shell.store import Store, tokens

from .clients import address_of

log = logging.getLogger(__name__)

TOKEN_USER = "__token__"  # noqa: S105 (a user name, not a secret)

NO_IDENTITY = tokens.UNKNOWN
PASSWORDS_REFUSED = deny(
    "identity.password",
    "Username/Password authentication is no longer supported. Migrate to API Tokens or Trusted Publishers instead.",
    "Use the user name __token__ and a token of this index as the password.",
)
FLUSH_SECONDS = 10.0


def token_in(authorization: str | None) -> str | Decision:
    """The token an ``Authorization`` header brings, or the refusal of what it brings instead."""
    if not authorization:
        return NO_IDENTITY
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        return rest or NO_IDENTITY
    if scheme.lower() != "basic":
        return NO_IDENTITY
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
    except ValueError:  # no base64, or no UTF-8 inside
        return NO_IDENTITY
    if user != TOKEN_USER:
        return PASSWORDS_REFUSED if user else NO_IDENTITY
    return password.strip() or NO_IDENTITY


def identify(index: Index, authorization: str | None, now: datetime) -> Actor | Decision:
    """The actor of a request, or why there is none. Cost: one indexed read and some HMACs (`tokens.actor_of`)."""
    found = token_in(authorization)
    if isinstance(found, Decision):
        return found
    with index.store.ask() as connection:
        return tokens.actor_of(connection, found, now, factor_required=index.settings.second_factor_required)


def reader(index: Index, authorization: str | None, now: datetime) -> Actor | Decision:
    """The actor of a request that reads a private index, or why it may not."""
    actor = identify(index, authorization, now)
    if isinstance(actor, Decision):
        return actor
    decision = may(actor, "read", INDEX, now)
    return actor if decision.allowed else decision


def reader_check(index: Index, uses: Uses) -> Callable[[bytes | None], bool]:
    """The question whether a request with this ``Authorization`` may read a private index. Cost: one indexed read."""

    def may_read(authorization: bytes | None) -> bool:
        now = datetime.now(UTC)
        actor = reader(index, None if authorization is None else authorization.decode("latin-1"), now)
        if isinstance(actor, Decision):
            return False
        uses.note(actor, now, "")
        return True

    return may_read


def origin_of(request: Request) -> Origin:
    """Where a request comes from, as far as the setting ``log_address`` allows it to be kept."""
    peer = request.client.host if request.client else ""
    trusted = request.app.state.index.settings.trusted_proxies
    address = address_of(request.headers.raw, peer, trusted)
    kept: str = request.app.state.log.address(address)
    return Origin(kept, request.headers.get("user-agent", ""), address)


def caller_of(request: Request, actor: Actor, now: datetime) -> Caller:
    """Who acts, when and from where; the use of a token is noted."""
    origin = origin_of(request)
    request.app.state.uses.note(actor, now, origin.address)
    return Caller(actor, now, origin)


class Uses:
    """When tokens were last used: collected in memory, written every `FLUSH_SECONDS`, so that no request waits.

    A process that is killed loses the last seconds of it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._used: dict[str, tuple[datetime, str]] = {}
        self._lock = threading.Lock()

    def note(self, actor: Actor, at: datetime, address: str) -> None:
        """Remember that an actor's token was used."""
        if actor.token_id is not None:
            with self._lock:
                before = self._used.get(actor.token_id, (at, ""))
                self._used[actor.token_id] = (at, address or before[1])

    def flush(self) -> None:
        """Write what was remembered; where that fails it is remembered on."""
        with self._lock:
            used, self._used = self._used, {}
        if not used:
            return
        try:
            with self._store.write() as connection:
                tokens.mark_used(connection, used)
        except Exception:
            log.exception("when tokens were last used was not written; trying again")
            with self._lock:
                self._used = used | self._used
