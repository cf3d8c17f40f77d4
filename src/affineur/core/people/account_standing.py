"""How an account stands: what is missing, and what that affects. For its holder's eyes only.

One sentence for the top of the page, and a list of everything, most pressing first. What does not live here: what is
enforced (`access.may` alone decides), and where the facts come from (`shell.store.account_standing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .second_factor import DEVICE_SETTLES, FactorKind, Posture, days_left, on_the_ladder

FEW_CODES = 3
"""So many unused recovery codes, or fewer, are worth a word."""

Weight = Literal["stops", "soon", "advice"]
"""Something is paused now; it will be; or all is well and could be better."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account. ``posture`` is that of somebody who has shown nothing."""

    posture: Posture
    has_verified_address: bool
    unverified: tuple[str, ...]
    """Addresses that wait for their link to be opened."""
    roles: int
    """On how many projects the account has a role."""
    factors: int
    """Factors that are accepted."""
    suspended: tuple[str, ...]
    """Names of factors that are suspended."""
    removals: tuple[tuple[str, datetime], ...]
    """Factors about to be removed, and when."""
    codes_left: int
    """Unused recovery codes."""
    recovery_due_at: datetime | None
    """When somebody who says to have lost every factor gets in, if somebody does."""
    holds_office: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that is missing. ``page``: where it can be mended, a path of this index."""

    word: str
    weight: Weight
    sentence: str
    effect: str
    page: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands: ``sentence`` says it all in one, ``lacks`` each by itself."""

    sentence: str
    lacks: tuple[Lack, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is paused and nothing will be."""
        return all(lack.weight == "advice" for lack in self.lacks)


_ALL_WELL = "Nothing is missing: everything your roles allow works."
_SECURITY = "/account/security"
_EMAILS = "/account/emails"
_RANK: dict[Weight, int] = {"stops": 0, "soon": 1, "advice": 2}


def standing(facts: Facts, now: datetime) -> Standing:
    """How an account with these ``facts`` stands at ``now`` (aware UTC)."""
    found = [
        *_frozen(facts),
        *_recovery(facts),
        *_addresses(facts),
        *_no_factor(facts, now),
        *_ailing_factors(facts),
        *_spare(facts),
    ]
    lacks = tuple(sorted(found, key=lambda lack: _RANK[lack.weight]))
    if not lacks:
        return Standing(_ALL_WELL, ())
    first = lacks[0]
    if first.weight == "advice":
        return Standing(f"{_ALL_WELL} {first.sentence}", lacks)
    return Standing(f"{first.sentence} {first.effect}", lacks)


def _frozen(facts: Facts) -> list[Lack]:
    if not facts.posture.frozen:
        return []
    return [Lack("frozen", "stops", "Your account is frozen by the moderators.", "You can do nothing here.", _EMAILS)]


def _recovery(facts: Facts) -> list[Lack]:
    if facts.recovery_due_at is None:
        return []
    until = f"{facts.recovery_due_at:%Y-%m-%d %H:%M} UTC"
    return [
        Lack(
            "recovery",
            "soon",
            "Somebody asked to get into your account without a second factor.",
            f"It is granted on {until} unless you cancel it.",
            _SECURITY,
        )
    ]


def _addresses(facts: Facts) -> list[Lack]:
    if facts.unverified and not facts.has_verified_address:
        return [
            Lack(
                "address",
                "stops",
                "None of your e-mail addresses is verified.",
                "Open the link in the mail we sent; until then nobody can be told when something happens to you.",
                _EMAILS,
            )
        ]
    if not facts.has_verified_address:
        effect = "Nobody can tell you when something happens to your account, and recovery is not possible."
        return [Lack("address", "soon", "Your account has no e-mail address.", effect, _EMAILS)]
    return [
        Lack("address", "advice", f"The address {each} waits to be verified.", "Mail does not go there yet.", _EMAILS)
        for each in facts.unverified
    ]


def _no_factor(facts: Facts, now: datetime) -> list[Lack]:
    posture = facts.posture
    if not posture.is_late:
        return []
    missing = "Your account has no second factor."
    if facts.holds_office and on_the_ladder(posture, "manage", now).allowed:
        effect = "What you do by your office waits until you add one, and so does making a project; it takes a minute."
        return [Lack("factor", "stops", missing, effect, _SECURITY)]
    may_act = facts.roles > 0 or facts.holds_office
    if not may_act or posture.ladder_from is None:
        effect = "You cannot make a project or take a role before you add one; it takes a minute."
        return [Lack("factor", "soon" if may_act else "stops", missing, effect, _SECURITY)]
    if not on_the_ladder(posture, "publish", now).allowed:
        effect = "Managing and publishing are paused, and resume the moment you add one. Your roles are untouched."
        return [Lack("factor", "stops", missing, effect, _SECURITY)]
    left = days_left(posture.ladder_from, now)
    days = f"{left[1]} {'day' if left[1] == 1 else 'days'}" if left else "0 days"
    if not on_the_ladder(posture, "manage", now).allowed:
        effect = f"Managing projects is paused, publishing will be in {days}; both go on the moment you add one."
        return [Lack("factor", "stops", missing, effect, _SECURITY)]
    effect = f"In {days} managing projects pauses until you add one. You lose no role."
    return [Lack("factor", "soon", missing, effect, _SECURITY)]


def _ailing_factors(facts: Facts) -> list[Lack]:
    suspended = [
        Lack(
            "suspended",
            "soon",
            f"The factor '{name}' is suspended: there may be a copy of it.",
            "It is not accepted. Remove it unless you know why, and add another.",
            _SECURITY,
        )
        for name in facts.suspended
    ]
    leaving = [
        Lack(
            "removal",
            "soon",
            f"The factor '{name}' is removed on {due_at:%Y-%m-%d %H:%M} UTC.",
            "Keep it on your security page if you did not ask for that.",
            _SECURITY,
        )
        for name, due_at in facts.removals
    ]
    return suspended + leaving


def _spare(facts: Facts) -> list[Lack]:
    if not facts.factors:
        return []
    found: list[Lack] = []
    if facts.codes_left <= FEW_CODES:
        left = "no recovery codes" if not facts.codes_left else f"{facts.codes_left} recovery codes"
        left = left.removesuffix("s") if facts.codes_left == 1 else left
        effect = "Make new ones: without them a lost phone means days of waiting."
        found.append(Lack("codes", "advice", f"You have {left} left.", effect, _SECURITY))
    if facts.factors == 1:
        effect = "Add another, so that losing one device does not lock you out."
        found.append(Lack("spare", "advice", "You have only one second factor.", effect, _SECURITY))
    kinds: frozenset[FactorKind] = facts.posture.factors
    if kinds == {"totp"}:
        hours = int(DEVICE_SETTLES.total_seconds()) // 3600
        effect = f"What cannot be taken back waits {hours} hours on a new device; with a passkey it does not."
        found.append(Lack("passkey", "advice", "You have no passkey.", effect, _SECURITY))
    return found
