"""Machines: automation accounts, which publish and never sign in, and the people who answer for them.

A machine does nothing before `access.SPONSORS_NEEDED` people answer for it, goes on for
`access.SPONSORLESS_WAITS` when it later has fewer, and is never left by its last one. What does not live here: who
may do which of this (`access`), and what is stored (`shell.store.sponsors`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from ..access import SPONSORLESS_WAITS
from ..decision import Decision, allow, deny
from ..names import NormalizedName
from .caveats import TokenAction

OFFER_LASTS = timedelta(days=14)
"""How long somebody may think about answering for a machine."""
REMINDER_DAYS = (7, 1)
"""A letter goes out when so many days are left until a machine with too few sponsors is paused."""
MOST_SPONSORS = 10
MOST_MACHINES = 20
"""So many machines one person can answer for, and still know what each does."""
FOR_MACHINES: frozenset[TokenAction] = frozenset({"upload", "yank", "read"})
"""What a machine's token can be for. A machine decides nothing about people, so it never manages."""


def may_make(sponsored: int) -> Decision:
    """Whether somebody who answers for ``sponsored`` machines may answer for one more."""
    if sponsored < MOST_MACHINES:
        return allow("machine.count")
    return deny(
        "machine.count",
        f"You answer for {sponsored} automation accounts, and {MOST_MACHINES} are the most.",
        "Retire one that is not used, or let somebody else answer for this one.",
        limit=MOST_MACHINES,
    )


def may_invite(kind: str, name: str, sponsors: Collection[str], *, frozen: bool) -> Decision:
    """Whether the account ``name`` may be asked to join the ``sponsors`` (names) of a machine."""
    if kind != "person":
        return deny(
            "machine.sponsor", f"'{name}' is an automation account itself.", "People answer for machines: invite one."
        )
    if frozen:
        return deny("machine.sponsor", f"'{name}' cannot be asked at present.", "Invite somebody else.")
    if name in sponsors:
        return deny("machine.sponsor", f"'{name}' answers for it already.", "Nothing has to be done.")
    if len(sponsors) >= MOST_SPONSORS:
        return deny(
            "machine.sponsor",
            f"{len(sponsors)} people answer for it, and {MOST_SPONSORS} are the most.",
            "Where everybody answers for something, nobody does: one of them leaves first.",
            limit=MOST_SPONSORS,
        )
    return allow("machine.sponsor")


def may_leave(machine: str, sponsors: int) -> Decision:
    """Whether one of ``sponsors`` people may cease to answer for a machine: the last one may not."""
    if sponsors > 1:
        return allow("machine.last-sponsor")
    return deny(
        "machine.last-sponsor",
        f"Nobody else answers for '{machine}', and it is never left alone.",
        "Invite somebody, and leave once they have accepted.",
        "Or retire it: its roles and tokens end, its projects stay as they are.",
    )


def fit_token(
    machine: str,
    actions: Collection[TokenAction],
    projects: Collection[NormalizedName] | None,
    roles: Collection[str],
    expires_at: datetime | None,
) -> Decision:
    """Whether a token like this may be made for a machine that has a role on the projects ``roles``.

    It ends, is for certain projects unless it only reads, and is for no more than `FOR_MACHINES`.
    """
    unfit = sorted(set(actions) - FOR_MACHINES)
    if unfit or not actions:
        return deny(
            "machine.token",
            f"A machine's token is for {', '.join(sorted(FOR_MACHINES))}, and not for {', '.join(unfit) or 'nothing'}.",
            "People manage and archive, with tokens of their own.",
        )
    if expires_at is None:
        return deny("machine.token", "A machine's token has an end.", "Say when it expires.")
    if set(actions) == {"read"}:
        return allow("machine.token")  # reading is the same for all projects: there is nothing to narrow
    if not projects:
        return deny(
            "machine.token",
            "A machine's token names the projects it is for.",
            "Choose those this machine publishes; make a second token for others.",
        )
    foreign = sorted(set(projects) - set(roles))
    if foreign:
        return deny(
            "machine.token",
            f"'{machine}' has no role on {', '.join(foreign[:5])}.",
            "An owner invites it on the project's page, and one of its sponsors accepts.",
        )
    return allow("machine.token")


def reminder(short_from: datetime, noticed_days: int | None, now: datetime) -> int | None:
    """The reminder that is due at ``now``, as days left; None: none, or it went out already (``noticed_days``)."""
    left = short_from + SPONSORLESS_WAITS - now
    if left <= timedelta(0):
        return None
    due = [days for days in REMINDER_DAYS if left <= timedelta(days=days)]
    days = min(due, default=None)
    return None if days is None or (noticed_days is not None and noticed_days <= days) else days
