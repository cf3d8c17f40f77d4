"""How the account stands, and its second factors: for its holder's programs.

A token for reading does not tell: who lacks a factor is what a thief of such a token would like to know. Adding and
removing take a browser, where somebody is signed in (`web.pages.account.security`).
"""

from __future__ import annotations

from datetime import datetime

from affineur.core.people.account_standing import Weight
from affineur.core.people.second_factor import FactorKind
from affineur.shell.store import account_standing, factors, recoveries

from .operation import Call, Operation, Output


class Lack(Output):
    """One thing that is missing, what it affects, and the page on which it is mended."""

    word: str
    weight: Weight
    sentence: str
    effect: str
    page: str


class AccountStanding(Output):
    """How the account stands: in one sentence, and each thing that is missing."""

    sentence: str
    is_whole: bool
    """Whether nothing is paused, and nothing will be."""
    lacks: list[Lack]


class SecondFactor(Output):
    """A second factor; of what it proves by, nothing."""

    id: int
    kind: FactorKind
    label: str
    created_at: datetime
    last_used_at: datetime | None
    suspended_at: datetime | None
    removal_due_at: datetime | None


class SecondFactors(Output):
    """All second factors, how many recovery codes are unused, and when a recovery that is open is granted."""

    factors: list[SecondFactor]
    recovery_codes_left: int
    recovery_due_at: datetime | None


def get_standing(call: Call) -> AccountStanding:
    """How the account stands."""
    account_id = call.actor.account_id or 0  # `manage-account` lets nobody in who has no account
    with call.index.store.read() as connection:
        found = account_standing.standing(call.index, connection, account_id, call.now)
    lacks = [Lack(each.word, each.weight, each.sentence, each.effect, each.page) for each in found.lacks]
    return AccountStanding(found.sentence, found.is_whole, lacks)


def list_factors(call: Call) -> SecondFactors:
    """The account's second factors."""
    account_id = call.actor.account_id or 0  # `manage-account` lets nobody in who has no account
    with call.index.store.read() as connection:
        rows = factors.listed(connection, account_id)
        left = factors.codes_left(connection, account_id)
        recovery = recoveries.open_of(connection, account_id, call.now)
    shown = [
        SecondFactor(
            row.id, row.kind, row.label, row.created_at, row.last_used_at, row.suspended_at, row.removal_due_at
        )
        for row in rows
    ]
    return SecondFactors(shown, left, recovery.due_at if recovery else None)


OPERATIONS = (
    Operation(
        method="GET",
        path="/account/standing",
        name="getAccountStanding",
        summary="What is missing from the account, and what that affects.",
        tag="account",
        handler=get_standing,
        answer=AccountStanding,
        needs="manage-account",
    ),
    Operation(
        method="GET",
        path="/account/factors",
        name="listFactors",
        summary="The account's second factors, and how many recovery codes are left.",
        tag="account",
        handler=list_factors,
        answer=SecondFactors,
        needs="manage-account",
    ),
)
