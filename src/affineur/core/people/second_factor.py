"""The second factor: who must have one, what waits without it, and how strong a proof an act asks for.

The same baseline for everyone who can publish or holds an office. Nobody loses a role for being late: actions
pause, and resume the moment a factor is enrolled. Where it is enforced: `core.access.may`, and nowhere else.
What does not live here: the factors themselves (`totp`, `shell.passkeys`), and getting back in (`recovery`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ..decision import Decision, allow, deny

FactorKind = Literal["passkey", "totp"]
Proof = Literal["password", "company", "totp", "recovery", "passkey"]
Strength = Literal["none", "proof", "strong"]
"""What an act asks for: nothing further; a fresh proof; a fresh proof that phishing cannot get at."""

STEP_UP_LASTS = timedelta(minutes=5)
FACTOR_WITHIN = timedelta(minutes=15)
"""How long the second factor is waited for after the password."""
DEVICE_SETTLES = timedelta(hours=24)
"""A one-time code counts as strong only on a device that the account has used for so long: whoever phished a code
comes with a new one."""

MANAGEMENT_WAITS = timedelta(days=90)
"""After so long without a factor, managing is paused …"""
PUBLISHING_WAITS = timedelta(days=180)
"""… and after so long publishing is too: 90 days more."""
NOTICE_DAYS = (90, 60, 30, 7, 1)
"""Notices go out when so many days are left until the next pause."""
REMOVAL_WAITS = timedelta(hours=72)
"""Taking a protection away takes so long, and is told to everyone it protects."""

ENROL = "Add a passkey or an authenticator app on your security page; it takes a minute and works at once."


@dataclass(frozen=True, slots=True)
class StepUp:
    """The newest proof somebody gave that it is still them. ``device_since``: how long the account knows the device."""

    at: datetime
    proof: Proof
    device_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Posture:
    """How an account is protected, as far as it decides anything.

    ``required``: whether it must have a factor: the index asks for it, and somebody signs in with it.
    ``ladder_from``: since when it holds a role or an office without one. ``sponsors_short_from``: of a machine, since
    when fewer people than needed answer for it; ``waits_for_sponsors``: it never had as many.
    """

    factors: frozenset[FactorKind] = frozenset()
    required: bool = False
    ladder_from: datetime | None = None
    stepped_up: StepUp | None = None
    frozen: bool = False
    sponsors_short_from: datetime | None = None
    waits_for_sponsors: bool = False

    @property
    def is_late(self) -> bool:
        """Whether a factor is required and missing."""
        return self.required and not self.factors


def first_role(posture: Posture) -> Decision:
    """Whether somebody may come to hold their first role, make a project or act by an office: a factor comes first."""
    if not posture.is_late:
        return allow("factor.first")
    return deny(
        "factor.first",
        "Publishing on this index, or running it, takes a second factor, and your account has none yet.",
        ENROL,
    )


def on_the_ladder(posture: Posture, act: Literal["manage", "publish"], now: datetime) -> Decision:
    """Whether an account without the factor it must have may still ``act``; ``now`` is aware UTC.

    From ``ladder_from`` on managing goes on for `MANAGEMENT_WAITS`, publishing for `PUBLISHING_WAITS`.
    """
    rule = f"factor.{act}"
    if not posture.is_late or posture.ladder_from is None:
        return allow(rule)
    waits = MANAGEMENT_WAITS if act == "manage" else PUBLISHING_WAITS
    paused_at = posture.ladder_from + waits
    if now < paused_at:
        return allow(rule)
    what = "Managing projects" if act == "manage" else "Publishing"
    return deny(
        rule,
        f"{what} is paused for your account since {paused_at:%Y-%m-%d}: it had no second factor for {waits.days} days.",
        "Your roles are untouched, and everything resumes the moment you enrol.",
        ENROL,
        paused_at=paused_at.isoformat(),
        limit_days=waits.days,
    )


def days_left(ladder_from: datetime, now: datetime) -> tuple[Literal["manage", "publish"], int] | None:
    """What is paused next and in how many whole days, counted up; None once both are."""
    for act, waits in (("manage", MANAGEMENT_WAITS), ("publish", PUBLISHING_WAITS)):
        left = ladder_from + waits - now
        if left > timedelta(0):
            return act, -(-left // timedelta(days=1))  # type: ignore[return-value]
    return None


def strong_enough(posture: Posture, asked: Strength, now: datetime) -> Decision:
    """Whether the newest proof is fresh and strong enough for an act that asks for ``asked``."""
    if asked == "none":
        return allow("access.step-up")
    given = posture.stepped_up
    ways = ["passkey"] if asked == "strong" else []
    if given is None or now - given.at > STEP_UP_LASTS:
        return _confirm(asked, "It must be you, now:", ways)
    if posture.factors and given.proof in ("password", "company"):
        return _confirm(asked, "A password alone is not enough here:", ways)
    if asked == "strong" and not _is_strong(posture, given):
        return deny(
            "access.strong",
            "This act takes a proof that cannot be phished: a passkey, or a code on a device this account "
            f"has used for {DEVICE_SETTLES // timedelta(hours=1)} hours.",
            "Confirm with a passkey, add one, or come back from this device a day after you first signed in on it.",
            given=given.proof,
        )
    return allow("access.step-up")


def _is_strong(posture: Posture, given: StepUp) -> bool:
    if given.proof == "passkey" or not posture.factors:
        return True
    settled = given.device_since is not None and given.at - given.device_since >= DEVICE_SETTLES
    return given.proof == "totp" and settled


def _confirm(asked: Strength, why: str, ways: list[str]) -> Decision:
    minutes = STEP_UP_LASTS // timedelta(minutes=1)
    return deny(
        "access.step-up",
        f"{why} this act takes a proof that is not older than {minutes} minutes.",
        "Confirm on the page that asks for it; a token is confirmed on your tokens page.",
        strength=asked,
        limit_minutes=minutes,
        better=ways,
    )


def removal_waits(kind: FactorKind, remaining: frozenset[FactorKind]) -> timedelta:
    """How long it takes to remove a factor of ``kind`` when ``remaining`` are left: none where one as strong stays."""
    if kind in remaining or "passkey" in remaining:
        return timedelta(0)
    return REMOVAL_WAITS
