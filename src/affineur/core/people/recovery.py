"""Recovery: the codes one keeps for the day a second factor is gone, and the wait without them.

A recovery code is a second factor, good once: with one there is nothing to wait for. Without any, the account's
factors are taken away after a wait, in which every address of the account is told, and any sign-in with a factor or
one click in a mail ends it. What does not live here: mails and rows. Sources: OWASP ASVS 5.0 §6.5, project-life rows
A13 and §4.4.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..decision import Decision, allow, deny

CODES = 10
CODE_BYTES = 15
"""120 bits. ASVS 5.0 §6.5.2: from 112 bits on a plain hash keeps a secret of this kind; below, each of ten codes
would need argon2 at every attempt."""

RANDOM_BYTES = CODES * CODE_BYTES

# Crockford's Base32: no i, l, o, u, so nothing can be mistaken when read from paper.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CODE_CHARACTERS = CODE_BYTES * 8 // 5
_GROUP = 4
_AS_MEANT = str.maketrans({"o": "0", "i": "1", "l": "1"})


def new_codes(randomness: bytes) -> list[str]:
    """Ten codes such as ``k7xq-9m2p-t3hd-0vwe-5rcs-8zj4``, each of 15 bytes of ``randomness``.

    ValueError unless there are exactly 150 of them.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"Recovery codes are made of {RANDOM_BYTES} random bytes, not {len(randomness)}.")
    return [_code(randomness[start : start + CODE_BYTES]) for start in range(0, RANDOM_BYTES, CODE_BYTES)]


def normalize_code(typed: str) -> str | None:
    """What somebody typed as a code without its hyphens, in lower case, ``o`` read as 0 and ``i``, ``l`` as 1.

    None where it cannot be a code.
    """
    if len(typed) > 100:
        return None
    plain = "".join(typed.split()).replace("-", "").lower().translate(_AS_MEANT)
    return plain if len(plain) == _CODE_CHARACTERS and set(plain) <= set(_ALPHABET) else None


def code_digest(account_id: int, code: str) -> str | None:
    """What is stored of a code, and looked up when one is typed: SHA-256 in hex. None where it cannot be a code.

    The account is part of it, so that a digest says nothing about any other account.
    """
    plain = normalize_code(code)
    return None if plain is None else hashlib.sha256(f"recovery:{account_id}:{plain}".encode()).hexdigest()


def _code(random: bytes) -> str:
    number = int.from_bytes(random, "big")
    characters = [_ALPHABET[number >> shift & 31] for shift in range(5 * (_CODE_CHARACTERS - 1), -1, -5)]
    groups = ("".join(characters[start : start + _GROUP]) for start in range(0, _CODE_CHARACTERS, _GROUP))
    return "-".join(groups)


WAITS = (timedelta(hours=24), timedelta(hours=72), timedelta(days=7), timedelta(days=14))
"""How long a recovery waits, from the best proof to the weakest. 24 hours: everybody sleeps and reads mail once.
72 hours: what taking away any protection takes. 7 days: a week's holiday, and the longest cool-off of §4.4."""

_UNPROVEN = 2
"""Where on `WAITS` somebody begins who knows the password and reads the account's mail, and has no one to vouch."""

VOUCHER_ROLE_AGE = timedelta(days=30)
VOUCHER_RECOVERY_AGE = timedelta(days=30)
KEPT_OPEN = timedelta(days=30)
"""After its wait a recovery can be completed for so long; then it has to be begun again, with new notices."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery that somebody began by following a link in a mail to an address of the account."""

    opened_at: datetime
    knows_password: bool
    vouchers: int
    """Co-owners who said "this is them", each once, each admitted by `may_vouch`."""
    operator_vouches: bool
    """An operator has seen who it is, in a way that the log names."""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who vouches for whom. Facts about a person's own standing: none of it is shown to anybody else."""

    is_same_person: bool
    is_human: bool
    has_second_factor: bool
    owner_together_since: datetime | None
    """Since when both have been owners of one project: the longest such time."""
    has_vouched: bool
    """In this very recovery."""
    recovered_at: datetime | None
    """When the voucher's own factors were last taken away by recovery."""


def recovery_wait(recovery: Recovery) -> timedelta:
    """How long a recovery waits from its beginning; 24 hours at the least, 14 days at the most.

    Knowing the password and reading the mail: 7 days. Mail alone, which is also what somebody has who took over an
    expired domain: one rung up. A co-owner who vouches is one rung down, two of them, or an operator, are two: one
    account alone, which may be a stolen one, never gets below 72 hours.
    """
    vouched = 2 if recovery.operator_vouches else min(recovery.vouchers, 2)
    return WAITS[_UNPROVEN + (0 if recovery.knows_password else 1) - vouched]


def can_be_shorter(recovery: Recovery) -> bool:
    """Whether another voucher would shorten the wait."""
    return not recovery.operator_vouches and recovery.vouchers < 2


def may_complete(recovery: Recovery, now: datetime) -> Decision:
    """Whether the account's factors may now be taken away and new ones set up.

    Refused by ``recovery.cancelled``, ``recovery.wait`` (facts: ``until``, ``retry_after_seconds``) and
    ``recovery.expired``.
    """
    if recovery.cancelled:
        return deny(
            "recovery.cancelled",
            "This recovery was cancelled by somebody who can sign in to the account or reads its mail.",
            "If that was not you, write to the operators of this index.",
        )
    until = recovery.opened_at + recovery_wait(recovery)
    if now < until:
        return deny(
            "recovery.wait",
            f"This recovery waits until {until:%Y-%m-%d %H:%M} UTC, so that the owner of the account can object.",
            "A recovery code ends the wait at once.",
            "A co-owner of one of your projects can vouch for you, which shortens it.",
            until=until,
            retry_after_seconds=-(-(until - now) // timedelta(seconds=1)),
        )
    if now >= until + KEPT_OPEN:
        return deny(
            "recovery.expired",
            f"This recovery could be completed within {KEPT_OPEN.days} days of its wait, and was not.",
            "Begin another one.",
            expired_at=until + KEPT_OPEN,
        )
    return allow("recovery")


def may_vouch(voucher: Voucher, now: datetime) -> Decision:
    """Whether somebody may vouch for the owner of an account that is being recovered; refused by ``recovery.vouch``.

    They must have been owners together for 30 days, so that nobody is invited just for this; and the voucher must
    not have been recovered within 30 days, so that one stolen account does not open the next. That the voucher has
    signed in with a factor just now is a question to the step-up rule, not to this one.
    """
    if voucher.is_same_person or not voucher.is_human:
        return _no_voucher("Only another person can vouch for somebody.")
    if voucher.has_vouched:
        return _no_voucher("You have vouched for them already.", "It takes another person to make it shorter.")
    if not voucher.has_second_factor:
        return _no_voucher("Vouching takes a second factor of your own.", "Set one up first.")
    since = voucher.owner_together_since
    if since is None or now - since < VOUCHER_ROLE_AGE:
        return _no_voucher(
            f"Vouching takes a project that you have owned together for {VOUCHER_ROLE_AGE.days} days.",
            "Ask another co-owner, or an operator of this index.",
        )
    if voucher.recovered_at is not None and now - voucher.recovered_at < VOUCHER_RECOVERY_AGE:
        return _no_voucher(
            f"Your own account was recovered less than {VOUCHER_RECOVERY_AGE.days} days ago.",
            "Ask another co-owner, or an operator of this index.",
        )
    return allow("recovery.vouch")


def _no_voucher(reason: str, *ways_out: str) -> Decision:
    return deny("recovery.vouch", reason, *ways_out)
