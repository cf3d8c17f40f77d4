"""Enrolment: how many second factors an account may have, and what they may be called.

What does not live here: what a factor permits, and how long it takes to remove one (`second_factor`).
"""

from __future__ import annotations

from collections.abc import Collection

from ..decision import Decision, allow, deny, refuse
from .second_factor import FactorKind

MOST_PASSKEYS = 20
"""Each phone, laptop and key of somebody who has many; and what a browser is to be sent stays short."""
MOST_APPS = 3
"""Each app doubles what a guess may hit (`throttle.SECOND_FACTOR`). Moving to another phone takes two for a while."""
LONGEST_LABEL = 60

KIND_WORDS: dict[FactorKind, str] = {"passkey": "passkey or security key", "totp": "authenticator app"}
"""How people call the kinds."""


def may_add(kind: FactorKind, has: int) -> Decision:
    """Whether an account with ``has`` factors of ``kind`` may have one more; refused by ``factor.most``."""
    most = MOST_PASSKEYS if kind == "passkey" else MOST_APPS
    if has < most:
        return allow("factor.most")
    return deny(
        "factor.most",
        f"An account has at most {most} factors of this kind ({KIND_WORDS[kind]}).",
        "Remove one that you no longer use.",
        limit=most,
    )


def label(typed: str, taken: Collection[str], otherwise: str) -> str:
    """The name for a factor: what was typed, or ``otherwise`` with a number where that is nothing.

    `Refused` (``factor.label``) for one that is too long, cannot be shown on a line, or is another factor's.
    """
    text = " ".join(typed.split())
    used = {each.casefold() for each in taken}
    if not text:
        numbered = (otherwise if number == 1 else f"{otherwise} {number}" for number in range(1, len(used) + 2))
        return next(each for each in numbered if each.casefold() not in used)
    if len(text) > LONGEST_LABEL or not text.isprintable():
        refuse("factor.label", f"A name has at most {LONGEST_LABEL} characters on one line.", "Choose a shorter one.")
    if text.casefold() in used:
        refuse("factor.label", f"Another of your factors is called '{text}'.", "Choose a name that tells them apart.")
    return text
