"""Tokens: what one may be made for, and for how long.

What does not live here: their form (`macaroons`), what limits them (`caveats`), who may make one (`access`), and
those of machines, which are for less (`machines`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from ..access import Actor
from ..decision import Decision, allow, deny, refuse
from .caveats import TokenAction

LONGEST_LABEL = 100
"""Characters of the name that a token has in lists."""
MOST_TOKENS = 200
"""Of one account, in force at a time. Whoever needs more needs trusted publishers."""
USUAL_ACTIONS: tuple[TokenAction, ...] = ("upload", "read")
"""What a token is for where nothing is said: publishing, and installing what was published."""


def label_of(text: str) -> str:
    """``text`` as one printable line. `Refused` (``token.label``) where it has over `LONGEST_LABEL` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    if len(line) > LONGEST_LABEL:
        refuse("token.label", f"A token's name has at most {LONGEST_LABEL} characters.", "Choose a shorter one.")
    return line


def end_of(wanted: datetime | None, now: datetime, maximum_days: int, maker: Actor) -> datetime:
    """When a token ends that ``maker`` makes at ``now``: at the moment ``wanted``, or as late as it can.

    It lives for at most ``maximum_days``, and does not outlive the token it is made with. `Refused`:
    ``token.expiry``, ``token.longest``. Moments are aware UTC.
    """
    latest = now + timedelta(days=maximum_days)
    if maker.token_ends_at is not None:
        latest = min(latest, maker.token_ends_at)
    if wanted is None:
        return latest
    if wanted <= now:
        refuse("token.expiry", "The token would have expired before it was made.", "Choose a later end.")
    if wanted > latest:
        refuse(
            "token.longest",
            f"The token can live until {latest:%Y-%m-%d %H:%M} UTC at the latest: tokens of this index live for at "
            f"most {maximum_days} days, and not longer than the token they are made with.",
            "Choose an earlier end.",
            limit_days=maximum_days,
        )
    return wanted


def may_be_for(maker: Actor, actions: Collection[TokenAction], in_force: int) -> Decision:
    """Whether ``maker`` may make a token for ``actions``, with ``in_force`` others of the account still valid.

    A token makes none that may do more than itself.
    """
    if not actions:
        return deny("token.actions", "A token is for something.", "Choose at least one action.")
    beyond = sorted(set(actions) - maker.actions)
    if beyond:
        return deny(
            "token.wider",
            f"This token may not {', '.join(beyond)}, so it cannot make one that may.",
            "Sign in and make it on your tokens page, or leave that out.",
        )
    if in_force >= MOST_TOKENS:
        return deny(
            "token.count",
            f"The account has {in_force} tokens in force, and {MOST_TOKENS} are the most.",
            "Revoke those that are not used any more.",
            limit=MOST_TOKENS,
        )
    return allow("token.actions")
