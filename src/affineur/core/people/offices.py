"""Offices of the index itself: operator, moderator, auditor; and freezing accounts, which their holders may do.

What does not live here: what an office allows (`access.ACTIONS`).
"""

from __future__ import annotations

from typing import get_args

from ..access import Actor
from ..decision import Decision, allow, deny
from ..permissions import Kind, Office

OFFICES: tuple[Office, ...] = get_args(Office)
"""All of them; of several that are due to somebody, they get the first."""


def office_called(name: str) -> Office | None:
    """The office of that name; None where there is none."""
    return next((each for each in OFFICES if each == name), None)


def may_take_over(kind: Kind, office: Office | None, name: str) -> Decision:
    """Whether an account of ``kind`` may hold ``office``: offices are held by people."""
    if office is None or kind == "person":
        return allow("office.person")
    return deny(
        "office.person",
        f"'{name}' is an automation account, and decides nothing about people.",
        "Give the office to a person.",
    )


def may_step_down(actor: Actor, present: Office | None, wanted: Office | None, other_operators: int) -> Decision:
    """Whether somebody with the office ``present`` may have ``wanted`` instead: an operator is left on the index.

    ``other_operators``: how many others could act. The console is excepted: it is a way back in by itself.
    """
    if present != "operator" or wanted == "operator" or other_operators > 0 or actor.kind == "system":
        return allow("office.last-operator")
    return deny(
        "office.last-operator",
        "This is the only operator of this index, and it needs one.",
        "Make somebody else an operator first; or use `affineur office` on the machine of the index.",
    )


def may_freeze(actor: Actor, account_id: int, office: Office | None) -> Decision:
    """Whether ``actor``, who may freeze, may freeze or thaw this account: not their own, nor, as a moderator, an
    operator's."""
    if actor.account_id == account_id:
        return deny("freeze.self", "This is your own account.", "Ask somebody else who holds an office.")
    if office == "operator" and not actor.is_operator:
        return deny(
            "freeze.operator", "Only operators may freeze the account of an operator.", "Tell another operator."
        )
    return allow("freeze.operator")


def fit_reason(reason: str) -> Decision:
    """Whether there is a reason; ``reason`` is what is printable of it."""
    if reason:
        return allow("freeze.reason")
    return deny(
        "freeze.reason",
        "Freezing an account takes a reason, which is mailed to its holder.",
        "Say in one line what happened.",
    )
