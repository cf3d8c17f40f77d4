"""Who somebody is at their company: what an ID token has to say before it is believed, and what is taken from it.

The signature has been checked before (`shell.company`). All checks of OpenID Connect Core 1.0, section 3.1.3.7,
that a client of the code flow has to make are here, but for those of the signature.
What does not live here: what somebody's groups come to (`company`).
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from ..decision import Decision, allow, deny, refuse
from ..distributions.acceptance import quoted
from .accounts import LONGEST_CHOSEN_NAME
from .second_factor import STEP_UP_LASTS

LEEWAY = timedelta(seconds=30)
"""Clocks differ a little."""
LONGEST_SUBJECT = 255
"""Characters (section 2)."""
MOST_GROUPS = 5_000
_LONGEST_ADDRESS = 254
_LATEST = 253402300800.0  # the year 10000: what a datetime cannot hold
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody at their company. ``(issuer, subject)`` is who they are; the rest may change from day to day.

    ``suggested_name``: fit for an account, but perhaps taken. ``address``: None where none was told. ``groups``:
    None where the token does not say. ``signed_in_at``: when they last proved to the company who they are.
    """

    issuer: str
    subject: str
    suggested_name: str
    address: str | None = None
    address_verified: bool = False
    groups: frozenset[str] | None = None
    signed_in_at: datetime | None = None


def believe(claims: Mapping[str, object], *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """`Refused` unless ``claims``, whose signature is right, were made by ``issuer`` for us, now, and for this sign-in.

    Rules: ``company.issuer``, ``company.audience``, ``company.expired``, ``company.nonce``, ``company.token``.
    """
    if claims.get("iss") != issuer:
        refuse("company.issuer", "The answer of your company's sign-in names another issuer.", _AGAIN)
    _check_audience(claims, client_id)
    expires_at, issued_at = _moment(claims, "exp"), _moment(claims, "iat")
    if now >= expires_at + LEEWAY:
        refuse(
            "company.expired", f"The answer of your company's sign-in has expired at {_written(expires_at)}.", _AGAIN
        )
    if issued_at > now + LEEWAY:
        refuse(
            "company.expired",
            f"The answer of your company's sign-in comes from the future: it was made at {_written(issued_at)}.",
            "The clocks of this index and of your company's sign-in differ; tell whoever runs this index.",
        )
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        refuse("company.nonce", "The answer of your company's sign-in belongs to another sign-in.", _AGAIN)


def _check_audience(claims: Mapping[str, object], client_id: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp")
    # Of several audiences one could pass the token on; the party it was issued to must be us.
    if client_id not in audiences or party not in (None, client_id) or (len(audiences) > 1 and party is None):
        refuse(
            "company.audience",
            "The answer of your company's sign-in is meant for another service than this one.",
            _AGAIN,
        )


def identity(claims: Mapping[str, object], groups_claim: str) -> Identity:
    """Who ``claims`` (believed) tell of; `Refused` by ``company.token`` or ``company.groups`` for what cannot be read.

    An address counts as verified only where the company says so in so many words.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        _unreadable("it does not say who signed in")
    address = claims.get("email")
    if not isinstance(address, str) or not 0 < len(address) <= _LONGEST_ADDRESS or not address.isprintable():
        address = None
    return Identity(
        issuer=str(claims["iss"]),
        subject=subject,
        suggested_name=_suggested(claims, address, subject),
        address=address,
        address_verified=address is not None and claims.get("email_verified") is True,
        groups=_groups(claims, groups_claim),
        signed_in_at=_moment(claims, "auth_time") if "auth_time" in claims else None,
    )


def completed(known: Identity, more: Mapping[str, object], groups_claim: str) -> Identity:
    """``known`` with the groups that the company's page of facts (``userinfo``) tells; none where it tells none.

    `Refused` (``company.token``) where it speaks of somebody else (OpenID Connect Core 1.0, section 5.3.2).
    """
    if more.get("sub") != known.subject:
        _unreadable("it speaks of somebody else than the one who signed in")
    return replace(known, groups=_groups(more, groups_claim) or frozenset())


def fresh(known: Identity, now: datetime) -> Decision:
    """Whether somebody proved to their company just now who they are: what a confirmation takes."""
    at = known.signed_in_at
    if at is not None and at <= now + LEEWAY and now - at <= STEP_UP_LASTS:
        return allow("company.fresh")
    said = "does not say when" if at is None else f"says that it was at {_written(at)}, not now, that"
    return deny(
        "company.fresh",
        f"Your company's sign-in {said} you proved who you are.",
        "Sign out there and try again; or confirm with a passkey or a code, which you add on your security page.",
    )


def _groups(claims: Mapping[str, object], claim: str) -> frozenset[str] | None:
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, dict) and claim in elsewhere:
        # Section 5.6.2: said elsewhere, mostly since there are too many. To read it as "none" would take roles away.
        _no_groups("it tells your groups only through another service, which this index does not ask")
    found = claims.get(claim)
    if found is None:
        return None
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        _no_groups(f"its claim {quoted(claim)} is no list of names")
    if len(listed) > MOST_GROUPS:
        _no_groups(f"it names more than {MOST_GROUPS} groups")
    return frozenset(listed)


def _suggested(claims: Mapping[str, object], address: str | None, subject: str) -> str:
    """A name from what people are called there, else from their address: at least 2 characters that a name may have."""
    for said in (claims.get("preferred_username"), address, claims.get("nickname"), subject):
        text = said.partition("@")[0] if isinstance(said, str) else ""
        name = _UNFIT.sub("-", text)[:LONGEST_CHOSEN_NAME].strip("._-")
        if len(name) >= 2:
            return name
    return "colleague"


def _moment(claims: Mapping[str, object], claim: str) -> datetime:
    """A NumericDate (RFC 7519, section 2): seconds since 1970, perhaps with a fraction."""
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _unreadable(f"its claim {claim} is missing or no time")
    if not 0 <= value < _LATEST:
        _unreadable(f"its claim {claim} is out of range")
    return datetime.fromtimestamp(value, UTC)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


_AGAIN = "Begin again on the sign-in page."


def _unreadable(why: str) -> NoReturn:
    refuse("company.token", f"The answer of your company's sign-in cannot be taken: {why}.", _AGAIN)


def _no_groups(why: str) -> NoReturn:
    refuse(
        "company.groups",
        f"Your company's sign-in does not tell your groups: {why}.",
        "Tell whoever runs this index; until then nothing is changed.",
    )
