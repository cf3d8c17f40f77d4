"""Appeals: what people with a role on a project say against a hold, how often, and who answers.

What does not live here: who may appeal (`access`), and what an answer changes (`lifecycle`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..decision import Decision, allow, deny

Outcome = Literal["lifted", "kept"]

TEXT_LIMIT = 4000
"""Characters of an appeal: a screenful, as of a report."""

AT_MOST = 3
"""Appeals of one person in one case: what was overlooked is said in two, and the third ends it."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal, as far as rules look at it."""

    account_id: int | None
    answered_at: datetime | None


def read_text(text: str) -> str:
    """``text`` as printable lines; it may be empty. What is not printable becomes a space, as in reports."""
    lines = ("".join(each if each.isprintable() else " " for each in line).rstrip() for line in text.splitlines())
    return "\n".join(lines).strip()


def fit_text(said: str) -> Decision:
    """Whether that can be an appeal, or the answer to one. Refused by ``appeal.text``."""
    if not said:
        return deny("appeal.text", "It says nothing.", "Say what is wrong, or what the moderators do not know.")
    if len(said) > TEXT_LIMIT:
        return deny(
            "appeal.text",
            f"It has {len(said)} characters, and {TEXT_LIMIT} are the most.",
            "Keep what decides, and link to the rest.",
            length=len(said),
            limit=TEXT_LIMIT,
        )
    return allow("appeal.text")


def may_file(account_id: int | None, filed: Iterable[Appeal], *, held: bool) -> Decision:
    """Whether ``account_id`` may appeal once more in a case; ``held``: whether anything of it is on hold.

    Refused by ``appeal.nothing``, ``appeal.open``, ``appeal.most``.
    """
    if not held:
        return deny("appeal.nothing", "Nothing of this is on hold.", "There is nothing to appeal.")
    mine = [each for each in filed if each.account_id == account_id]
    if any(each.answered_at is None for each in mine):
        return deny("appeal.open", "Your appeal in this case waits for its answer.", "It will be answered by mail.")
    if len(mine) >= AT_MOST:
        return deny(
            "appeal.most",
            f"You appealed {len(mine)} times in this case, and {AT_MOST} are the most.",
            "Somebody else with a role on the project can.",
            appeals=len(mine),
            limit=AT_MOST,
        )
    return allow("appeal.open")


def may_answer(answered_at: datetime | None, *, decided: bool, others: int) -> Decision:
    """Whether a moderator may answer an appeal. ``decided``: whether the hold is by their own decision; ``others``:
    how many other moderators could answer.

    Refused by ``appeal.answered``, ``appeal.own-decision``.
    """
    if answered_at is not None:
        return deny("appeal.answered", f"It was answered on {answered_at:%Y-%m-%d}.", "Look at the case.")
    if decided and others:
        return deny(
            "appeal.own-decision",
            "The hold that is appealed against is by your own decision.",
            "Another moderator answers.",
            others=others,
        )
    return allow("appeal.own-decision")
