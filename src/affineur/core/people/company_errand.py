"""Errands: what a browser is sent to the company's sign-in for, and how its answer is known again.

A browser keeps one secret in a cookie while it is away. Everything else follows from that secret: the ``state``
that must come back, sealed with it; the ``nonce`` that the company puts into its answer; the verifier that goes with
the code (PKCE, RFC 7636). So nothing is stored for somebody who has proved nothing yet, an answer is worth nothing
in another browser (RFC 6749, section 10.12), and a secret serves for one errand only.
What does not live here: that an errand is done once (`actions.company_sign_in`), and the cookie (the page).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import orjson

from ..decision import Decision, deny

Purpose = Literal["sign-in", "confirm", "link"]

LASTS = timedelta(minutes=10)
"""How long somebody may take at their company."""
CLOCKS_DIFFER = timedelta(seconds=30)
"""Between two machines that serve the same index."""
LONGEST_ONWARD = 500
"""Characters of the path to go on to: the state is part of an address."""

LOST = deny(
    "company.state",
    "This browser has begun no sign-in that this answer belongs to, or it is more than 10 minutes ago.",
    "Begin again on the sign-in page, in this browser, with cookies on.",
)


@dataclass(frozen=True, slots=True)
class Errand:
    """``onward``: the path to go on to afterwards. ``session``: whose confirmation or link it is; empty: nobody's."""

    purpose: Purpose
    onward: str
    begun_at: datetime
    session: str = ""


def state_of(errand: Errand, secret: str) -> str:
    """The state that goes along with ``errand``: what it is, sealed with the browser's ``secret``."""
    onward = errand.onward if len(errand.onward) <= LONGEST_ONWARD else ""
    said = orjson.dumps([errand.purpose, onward, int(errand.begun_at.timestamp()), errand.session])
    body = _text(said)
    return f"{body}.{_derived(secret, 'state', body)}"


def errand_of(state: str, secret: str, now: datetime) -> Errand | Decision:
    """The errand that came back with ``state``; `LOST` where it is not this browser's, or too long ago."""
    body, _, seal = state.partition(".")
    if not secret or not hmac.compare_digest(seal.encode(), _derived(secret, "state", body).encode()):
        return LOST
    try:
        purpose, onward, seconds, session = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        errand = Errand(purpose, onward, datetime.fromtimestamp(seconds, UTC), session)
    except (Base64Error, ValueError, TypeError, OverflowError, OSError):
        return LOST
    is_now = -CLOCKS_DIFFER <= now - errand.begun_at <= LASTS
    return errand if is_now and purpose in get_args(Purpose) else LOST


def nonce_of(secret: str) -> str:
    """What the company has to put into its answer."""
    return _derived(secret, "nonce")


def verifier_of(secret: str) -> str:
    """What shows that the code is handed in by whoever asked for it: 43 characters (RFC 7636, section 4.1)."""
    return _derived(secret, "verifier")


def challenge_of(verifier: str) -> str:
    """What is told of the verifier beforehand (method S256)."""
    return _text(hashlib.sha256(verifier.encode("ascii")).digest())


def reuse_key(secret: str) -> str:
    """What stands for the errand where it is noted that it was done. It is no secret."""
    return f"sign-in {_derived(secret, 'done')}"


def _derived(secret: str, *about: str) -> str:
    digest = hmac.new(
        secret.encode("utf-8", "surrogatepass"), "\0".join(about).encode("utf-8", "surrogatepass"), "sha256"
    )
    return _text(digest.digest())


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
