"""Throttling: how often one may try, and when again. Counters in, a `Decision` out.

A counter belongs to a `Limit` and to somebody (an account, an address …); it counts attempts in a window that
begins with the first. Up to twice the attempts can fall around the end of a window: the numbers allow for it.
What does not live here: the table of counters, and what is to be counted (failed sign-ins, mails sent …).
Source of numbers marked *PyPI*: the defaults of `warehouse/config.py` in pypi/warehouse, 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from ..decision import Decision, allow, deny

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """``attempts`` in each ``window``. ``name`` is the last part of the rule's id, and what is limited."""

    name: str
    attempts: int
    window: timedelta

    def key(self, *subject: str) -> str:
        """The name of the counter of ``subject`` (``"account"``, its id …), in at most 80 characters.

        The subject is hashed: what people type is of any length, and the table of counters needs no addresses.
        """
        digest = sha256("\0".join(subject).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.name}/{int(self.window.total_seconds())}/{digest[:40]}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter: attempts since ``since``, the moment of the first."""

    count: int
    since: datetime


SIGN_IN_ACCOUNT = (Limit("sign-in-account", 20, 15 * _MINUTE), Limit("sign-in-account", 100, _DAY))
"""Failed sign-ins to one account from devices it does not know, wherever they come from. 100 a day: NIST SP 800-63B
§5.2.2 has 100 failures as the most. Against 10^8 guesses (`passwords.LEAST_SCORE`) that is 2,700 years."""

SIGN_IN_PAIR = (Limit("sign-in-account", 10, 5 * _MINUTE),)
"""…to one account from one address. *PyPI*: 10 in 5 minutes for each account."""

SIGN_IN_DEVICE = (Limit("sign-in-device", 10, 5 * _MINUTE), Limit("sign-in-device", 100, _DAY))
"""…to one account from one device that has signed in to it before. Counted apart, so that nobody who fails on
purpose locks the owner out."""

SIGN_IN_ADDRESS = (Limit("sign-in-address", 30, 5 * _MINUTE), Limit("sign-in-address", 300, _DAY))
"""…from one address to any accounts. *PyPI* has 10 in 5 minutes; a company sits behind one address, and failures are
counted here, so 30."""

SECOND_FACTOR = (
    Limit("second-factor", 5, 5 * _MINUTE),
    Limit("second-factor", 20, _HOUR),
    Limit("second-factor", 50, _DAY),
)
"""Wrong codes for one account. *PyPI*: the same. Three codes of a million are right at any time (`totp`), so 50
guesses a day hit with 0.015 %, and only by somebody who has the password: the owner is to be told. Not for passkeys:
nobody guesses those, and so an owner who has one is never locked out by wrong codes."""

PASSKEY_SIGN_IN = (Limit("passkey-sign-in", 60, 5 * _MINUTE),)
"""Sign-ins by passkey begun from one address. Nobody guesses a passkey; this bounds the challenges that are kept."""

RESET_MAIL = (Limit("reset-mail", 5, _DAY),)
"""Password mails to one mailbox, whether or not an account has it. *PyPI*: 5 a day."""

RESET_ADDRESS = (Limit("reset-address", 10, _HOUR),)
"""Password mails asked for from one address. *PyPI*: 10 an hour."""

VERIFY_MAIL = (Limit("verify-mail", 3, 6 * _HOUR),)
"""Mails that verify one mailbox. *PyPI*: 3 in 6 hours."""

REGISTRATION = (Limit("registration", 10, 5 * _MINUTE), Limit("registration", 30, _HOUR))
"""Registrations from one address. *PyPI*: the same: a class in one room can sign up."""

INVITATION = (Limit("invitation", 50, _DAY),)
"""Invitations from one account. A team of 50 fits a day; each is a mail to somebody who did not ask for it."""

RELAY = (Limit("relay", 5, _DAY),)
"""Messages to co-owners from one account: as much as a conversation needs before it moves to mail."""

TOKEN_MINT = (Limit("token-mint", 60, 5 * _MINUTE),)
"""Refused exchanges of identity tokens from one address. Build services share few addresses among many projects, so
this only stops floods: a guess has no chance against a signature anyway."""

PENDING_PUBLISHER = (Limit("pending-publisher", 100, _DAY),)
"""Publishers registered by one account, pending ones included. *PyPI*: 100 a day for each account and address. How
many may be pending at once is a question of policy, not of pace."""

LONGEST_WINDOW = _DAY
"""Counters older than this can be swept away: none of the limits looks back further."""


def admit(limit: Limit, counted: Counted | None, now: datetime) -> Decision:
    """Whether one more attempt may be made; refused by ``throttle.<name>``.

    Facts: ``retry_after_seconds`` (whole, at least 1: for ``Retry-After``), ``attempts``, ``window_seconds``.
    """
    rule = f"throttle.{limit.name}"
    if counted is None or _is_over(limit, counted, now) or counted.count < limit.attempts:
        return allow(rule)
    seconds = max(1, ceil((counted.since + limit.window - now).total_seconds()))
    return deny(
        rule,
        f"There were {limit.attempts} attempts within {_spoken(limit.window)}, which is the most.",
        f"Try again in {_spoken(timedelta(seconds=seconds))}.",
        retry_after_seconds=seconds,
        attempts=limit.attempts,
        window_seconds=int(limit.window.total_seconds()),
    )


def admit_all(counters: Iterable[tuple[Limit, Counted | None]], now: datetime) -> Decision:
    """Whether all of ``counters`` admit one more attempt; else the refusal that lasts longest."""
    refusals = [refusal for limit, counted in counters if not (refusal := admit(limit, counted, now)).allowed]
    return max(refusals, key=lambda each: int(str(each.facts["retry_after_seconds"])), default=allow("throttle"))


def after(limit: Limit, counted: Counted | None, now: datetime) -> Counted:
    """The counter after one more attempt at ``now``."""
    if counted is None or _is_over(limit, counted, now):
        return Counted(1, now)
    return Counted(counted.count + 1, counted.since)


def sign_in(account_id: int | None, typed: str, address: str, device: str | None) -> list[tuple[Limit, str]]:
    """The limits on a sign-in from ``address``, each with the key of its counter.

    ``account_id``: the account that ``typed`` (a name or an e-mail address) leads to; None where there is none: then
    what was typed is counted, so that unknown names are answered like known ones. ``device``: id of a device that
    has signed in to this account before, and proves it (by its cookie). Such a device is held to its own counter
    only: failures of others, even from the same office, do not touch it.
    """
    account = ("typed", typed[:200].casefold()) if account_id is None else ("account", str(account_id))
    if device is not None and account_id is not None:
        return [(limit, limit.key(*account, "device", device)) for limit in SIGN_IN_DEVICE]
    from_here = network(address)
    return [
        *((limit, limit.key(*account)) for limit in SIGN_IN_ACCOUNT),
        *((limit, limit.key(*account, "address", from_here)) for limit in SIGN_IN_PAIR),
        *((limit, limit.key("address", from_here)) for limit in SIGN_IN_ADDRESS),
    ]


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which one household has to itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address  # a Unix socket, or a name given by a test client
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), 64), strict=False))


def _is_over(limit: Limit, counted: Counted, now: datetime) -> bool:
    """Whether the counter's window has passed.

    One that begins further ahead than it is long was written by a clock that was wrong, and must not lock anybody
    out until that clock's time comes.
    """
    elapsed = now - counted.since
    return elapsed >= limit.window or elapsed <= -limit.window


def _spoken(duration: timedelta) -> str:
    """``"5 minutes"``: rounded up to whole seconds below 2 minutes, minutes below 2 hours, hours below 2 days."""
    seconds = ceil(duration.total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * unit or seconds == unit:
            number = -(-seconds // unit)
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
