"""Vouchers: who may have one of a campaign, which campaigns there can be, and what is taken for a code.

A campaign gives something away that has a code, such as a security key, to those who can use it: eligibility is a
small value over facts of an account, and one function judges it, for the page of a claimer as for the count that an
operator sees. What does not live here: campaigns and codes as stored (`shell.store.campaigns`), and giving them out
(`actions.claim_voucher`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args

from ..decision import Decision, allow, deny, refuse
from ..life.standing import Impact
from ..people.second_factor import FactorKind
from ..permissions import Kind, Role
from .policy import CLASSES

LONGEST_NAME = 40
LONGEST_TITLE = 120
LONGEST_TEXT = 4_000
LONGEST_CODE = 300
"""Characters; some codes are addresses at which they are redeemed."""
LONGEST_REGION = 40
MOST_CODES = 100_000
"""Of one import."""
LONGEST_CAMPAIGN = timedelta(days=2 * 365)
MOST_DAYS = 3_650
"""That a campaign may ask for: ten years."""

Without = Literal["passkey", "factor"]
"""Who has none: no passkey or security key; no second factor of any kind."""
Phase = Literal["planned", "open", "closed"]
Fault = Literal["unfit", "repeated", "known", "expired"]
"""Why a line of an import gave no code: it is none; it came before in the same text; the campaign has it already;
its day has passed."""

ROLES: tuple[Role, ...] = ("owner", "maintainer")

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z", re.ASCII)
_SEPARATOR = re.compile(r"[\t,;]")


@dataclass(frozen=True, slots=True)
class Eligible:
    """Who may claim. What is empty or 0 asks for nothing; every account of a person fits ``Eligible()``.

    ``classes`` and ``roles``: has such a role (any, where none is named) on a project of such a class (any, where
    none is named). ``without``: what they lack. ``account_days``: how old the account is at least; ``seen_days``:
    within how many days they were last signed in.
    """

    classes: frozenset[Impact] = frozenset()
    roles: frozenset[Role] = frozenset()
    without: Without | None = None
    account_days: int = 0
    seen_days: int = 0

    @property
    def asks_for_role(self) -> bool:
        """Whether it takes a role on a project at all."""
        return bool(self.classes or self.roles)


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of an account where somebody wants a voucher.

    ``holds``: the roles it has, each with the class of the project. ``seen_at``: when it was last signed in.
    """

    account_id: int
    kind: Kind
    frozen: bool
    factors: frozenset[FactorKind]
    created_at: datetime
    seen_at: datetime | None = None
    holds: frozenset[tuple[Role, Impact | None]] = frozenset()


@dataclass(frozen=True, slots=True)
class Code:
    """A code to be given away. ``region``: where it can be redeemed (empty: everywhere); ``expires_at``: until when."""

    code: str = field(repr=False)
    region: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a text of codes came to: those that are fit, and how many lines were refused, by fault."""

    codes: tuple[Code, ...]
    refused: Mapping[Fault, int]


def judge(what: Eligible, who: Person, now: datetime) -> Decision:
    """Whether an account may have a voucher by what it is. Refused by ``voucher.person``, ``voucher.eligible``.

    That nobody has two of one campaign is decided where they are given. ``now`` is aware UTC.
    """
    if who.kind != "person" or who.frozen:
        return deny("voucher.person", "Vouchers are for people whose account is not frozen.")
    if what.asks_for_role and not any(_fits(what, role, impact) for role, impact in who.holds):
        return deny("voucher.eligible", f"This campaign is for {_holders(what)}.", "Look whether another one is.")
    if what.without == "passkey" and "passkey" in who.factors:
        return deny("voucher.eligible", "This campaign is for those who have no passkey or security key yet.")
    if what.without == "factor" and who.factors:
        return deny("voucher.eligible", "This campaign is for those who have no second factor yet.")
    if now - who.created_at < timedelta(days=what.account_days):
        fits_at = who.created_at + timedelta(days=what.account_days)
        return deny(
            "voucher.eligible",
            f"This campaign is for accounts that are {_days(what.account_days)} old.",
            f"Yours is on {fits_at:%Y-%m-%d}.",
        )
    if what.seen_days and (who.seen_at is None or now - who.seen_at > timedelta(days=what.seen_days)):
        return deny("voucher.eligible", f"This campaign is for those who signed in within {_days(what.seen_days)}.")
    return allow("voucher.eligible")


def described(what: Eligible) -> str:
    """Who may claim, in one sentence."""
    asked = [_holders(what) if what.asks_for_role else "everybody with an account"]
    if what.without:
        asked.append(f"without any {'passkey or security key' if what.without == 'passkey' else 'second factor'}")
    if what.account_days:
        asked.append(f"whose account is at least {_days(what.account_days)} old")
    if what.seen_days:
        asked.append(f"who signed in within {_days(what.seen_days)}")
    return f"For {', '.join(asked)}."


def phase(opens_at: datetime, closes_at: datetime, now: datetime) -> Phase:
    """Where a campaign stands at ``now``; it is open from its first moment, and no more at its last."""
    if now >= closes_at:
        return "closed"
    return "open" if now >= opens_at else "planned"


def may_claim_now(opens_at: datetime, closes_at: datetime, now: datetime) -> Decision:
    """Whether a campaign gives anything at ``now``. Refused by ``voucher.closed``."""
    where = phase(opens_at, closes_at, now)
    if where == "open":
        return allow("voucher.closed")
    if where == "planned":
        return deny("voucher.closed", f"This campaign opens on {opens_at:%Y-%m-%d at %H:%M} UTC.", "Come back then.")
    return deny("voucher.closed", f"This campaign closed on {closes_at:%Y-%m-%d at %H:%M} UTC.")


def require_campaign(name: str, title: str, text: str, opens_at: datetime, closes_at: datetime, now: datetime) -> None:
    """`Refused` (``campaign.name``, ``campaign.text``, ``campaign.time``) unless there can be such a campaign."""
    if not _NAME.match(name) or len(name) > LONGEST_NAME:
        refuse(
            "campaign.name",
            f"{name[:80]!a} cannot be the name of a campaign.",
            f"Use up to {LONGEST_NAME} of a-z, 0-9 and `-`, with a letter or digit at both ends.",
        )
    for what, given, most in (("title", title, LONGEST_TITLE), ("text", text, LONGEST_TEXT)):
        lines = [title] if what == "title" else text.splitlines()
        if not given or len(given) > most or not all(line.replace("\t", " ").isprintable() for line in lines):
            refuse(
                "campaign.text",
                f"The {what} is empty, too long, or has characters that cannot be shown.",
                f"Use up to {most:,} characters of plain text.",
            )
    if not opens_at < closes_at <= opens_at + LONGEST_CAMPAIGN or closes_at <= now:
        refuse(
            "campaign.time",
            "A campaign ends after it opens, in the future, and lasts two years at most.",
            "Choose other days.",
        )


def parse_eligible(given: Mapping[str, object]) -> Eligible:
    """Eligibility from plain values, as `plain` gives them. `Refused` (``campaign.eligible``) for any other."""
    roles, classes, without = given.get("roles") or (), given.get("classes") or (), given.get("without") or None
    days = [given.get(name) or 0 for name in ("account_days", "seen_days")]
    known = {"classes", "roles", "without", "account_days", "seen_days"}
    sound = (
        given.keys() <= known
        and isinstance(roles, list | tuple)
        and isinstance(classes, list | tuple)
        and all(each in ROLES for each in roles)
        and all(each in CLASSES for each in classes)
        and (without is None or without in get_args(Without))
        and all(type(each) is int and 0 <= each <= MOST_DAYS for each in days)
    )
    if not sound:
        refuse(
            "campaign.eligible",
            "This does not say who may claim.",
            f"Name classes ({', '.join(CLASSES)}), roles ({', '.join(ROLES)}), what they are without (passkey or "
            f"factor), and whole numbers of days up to {MOST_DAYS:,}.",
        )
    account_days, seen_days = (each for each in days if isinstance(each, int))
    chosen: tuple[Role, ...] = tuple(each for each in ROLES if each in roles)  # type: ignore[operator]
    named: tuple[Impact, ...] = tuple(each for each in CLASSES if each in classes)  # type: ignore[operator]
    lacking = next((each for each in get_args(Without) if each == without), None)
    return Eligible(frozenset(named), frozenset(chosen), lacking, account_days, seen_days)


def plain(what: Eligible) -> dict[str, object]:
    """Eligibility as plain values, for JSON."""
    return {
        "classes": sorted(what.classes),
        "roles": sorted(what.roles),
        "without": what.without,
        "account_days": what.account_days,
        "seen_days": what.seen_days,
    }


def read_codes(text: str, now: datetime) -> Read:
    """The codes of a text, one a line: ``CODE[,REGION[,DATE]]``, separated by a comma, semicolon or tab.

    DATE, as 2027-01-31, is the last day (UTC) on which the code can be redeemed. Empty lines are passed over; a line
    that does not fit is counted, and nothing of it is repeated. `Refused` (``campaign.codes``) for more than
    `MOST_CODES` lines.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > MOST_CODES:
        refuse("campaign.codes", f"An import has at most {MOST_CODES:,} codes.", "Import them in several parts.")
    found: dict[str, Code] = {}
    refused: Counter[Fault] = Counter()
    for line in lines:
        code = _code(line)
        if code is None:
            refused["unfit"] += 1
        elif code.expires_at is not None and code.expires_at <= now:
            refused["expired"] += 1
        elif code.code in found:
            refused["repeated"] += 1
        else:
            found[code.code] = code
    return Read(tuple(found.values()), dict(refused))


def require_region(wanted: str | None, left: Iterable[str]) -> str:
    """The region of which a code is taken; ``left``: those that have one. `Refused`: ``voucher.left``, ``.region``.

    Where only one has any left, nobody need choose.
    """
    there = sorted(set(left))
    if not there:
        refuse("voucher.left", "No code of this campaign is left.", "Ask the operators whether more will come.")
    if wanted is None and len(there) == 1:
        return there[0]
    if wanted not in there:
        named = ", ".join(each or "everywhere" for each in there)
        refuse("voucher.region", "This campaign has no code left for that region.", f"Choose among: {named}.")
    return wanted


def _code(line: str) -> Code | None:
    code, region, day, *more = (*(part.strip() for part in _SEPARATOR.split(line)), "", "")
    if any(more) or not code or len(code) > LONGEST_CODE or not code.isascii() or not code.isprintable() or " " in code:
        return None
    if len(region) > LONGEST_REGION or not region.isprintable():
        return None
    if not day:
        return Code(code, region)
    try:
        last = date.fromisoformat(day)
        return Code(code, region, datetime.combine(last + timedelta(days=1), time.min, UTC))
    except (ValueError, OverflowError):
        return None


def _fits(what: Eligible, role: Role, impact: Impact | None) -> bool:
    return (not what.roles or role in what.roles) and (not what.classes or impact in what.classes)


def _holders(what: Eligible) -> str:
    roles = " and ".join(f"{each}s" for each in ROLES if each in what.roles) or "owners and maintainers"
    classes = ", ".join(sorted(what.classes))
    return f"{roles} of projects{f' of class {classes}' if classes else ''}"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
