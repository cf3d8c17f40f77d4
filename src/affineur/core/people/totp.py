"""TOTP: codes from an authenticator app (RFC 6238), made of secret and time alone.

What does not live here: how often one may guess (`throttle.SECOND_FACTOR`), and the picture that an app reads
(`web.pages.qr`). SHA-1, six digits and 30 seconds are what every app understands; several ignore anything else.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime

import pyotp

SECRET_BYTES = 20
"""RFC 4226 §4 R6: 160 bits are recommended, the length of what HMAC-SHA-1 puts out."""

STEP_SECONDS = 30
DIGITS = 6

WINDOW_STEPS = 1
"""Steps before and after the present one whose codes are taken: RFC 6238 §5.2 allows one step for typing and delay,
§6 for clocks that drift."""


def new_secret(randomness: bytes) -> str:
    """The secret in Base32, 32 characters, made of 20 bytes of ``randomness``; ValueError for another number."""
    if len(randomness) != SECRET_BYTES:
        raise ValueError(f"A TOTP secret is made of {SECRET_BYTES} random bytes, not {len(randomness)}.")
    return base64.b32encode(randomness).decode("ascii")


def provisioning_uri(secret: str, account: str, index_name: str) -> str:
    """The ``otpauth://`` address that an authenticator app takes up. It holds the secret: never to be logged."""
    # Apps part the label at its colon.
    issuer = index_name.replace(":", " ").strip() or "index"
    return _codes(secret).provisioning_uri(name=account, issuer_name=issuer)


def spoken_secret(secret: str) -> str:
    """The secret in groups of four, for people who type it instead of scanning it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def accepts(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is, to be stored as the next ``last_step``; None where the code is not taken.

    RFC 6238 §5.2: a code is good once. Therefore a step that is not later than ``last_step`` is never taken, even if
    its code is right. Storing the step must refuse, in the same transaction, one that is already there: two requests
    with the same code must not both pass. Spaces (apps show ``123 456``) and hyphens are passed over.
    """
    typed = "".join(code.split()).replace("-", "") if len(code) <= 32 else ""
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    codes, found = _codes(secret), None
    for step in range(max(0, present - WINDOW_STEPS), present + WINDOW_STEPS + 1):
        # No way out of the loop before its end: how long it takes says nothing about which step was meant.
        if hmac.compare_digest(codes.generate_otp(step), typed) and (last_step is None or step > last_step):
            found = step if found is None else found
    return found


def _codes(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
