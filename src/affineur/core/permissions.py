"""Permissions: every act there is, and what each asks for, as one table.

For each act: who may do it by a role on the project or an office on the index, which right a token needs for it, and
what proof it asks for. `docs/reference/permissions.md` is generated from it.
What does not live here: the decision about one actor and one thing (`access`), and what the strengths of proof are
(`second_factor`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from .people.caveats import TokenAction
from .people.second_factor import Strength

Role = Literal["owner", "maintainer"]
Office = Literal["operator", "moderator", "auditor"]
Kind = Literal["person", "automation", "publisher", "system"]

Action = Literal[
    "read", "upload", "create", "yank", "archive", "unarchive", "classify", "set-limits",
    "see-signals", "see-impact", "see-campaigns", "set-campaigns", "claim-voucher",
    "report", "appeal", "moderate", "hold", "condemn", "withhold", "see-moderation", "trust-reporters",
    "set-webhooks", "see-webhooks", "set-index-webhooks", "see-index-webhooks",
    "see-people", "invite", "grant", "propose-removal", "remove", "leave", "message",
    "set-publishers", "require-publishers", "release-publishers",
    "see-account", "change-account", "delete-account", "create-token", "revoke-token", "reserve", "manage-account",
    "create-machine", "answer-invitation", "sponsor", "see-machine", "run-machine", "revoke-machine-token",
    "release-machine", "retire-machine", "set-sponsors",
    "see-accounts", "see-log", "freeze", "set-office", "invite-account",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """What an act asks for.

    ``verb`` completes "isn't allowed to … project 'x'". ``on``: what kind of thing it is done to. ``right``: what a
    token must be for; None: no token is enough, it is done where somebody is signed in. ``ladder``: what of
    the second-factor ladder pauses it. ``machines``: whether automation accounts and publishers may. ``sponsors``:
    whether those may who answer for the machine. ``anybody``: whether it takes neither role nor office.
    ``strength_when_closed``: what proof it asks for instead where only trusted publishers may upload to the project.
    """

    verb: str
    on: Literal["project", "own account", "machine", "index"]
    roles: frozenset[Role] = frozenset()
    offices: frozenset[Office] = frozenset()
    right: TokenAction | None = "manage"
    strength: Strength = "none"
    ladder: Literal["manage", "publish"] | None = None
    machines: bool = False
    sponsors: bool = False
    anybody: bool = False
    strength_when_closed: Strength | None = None

    def strength_on(self, closed: bool) -> Strength:
        """What proof it asks for; ``closed``: on a project to which only trusted publishers upload."""
        if closed and self.strength_when_closed is not None:
            return self.strength_when_closed
        return self.strength


FACTOR_FIRST: frozenset[Action] = frozenset(
    {
        "create", "reserve", "create-machine", "sponsor", "run-machine",
        # An office reaches every project or account: a password alone, phished, would be worth too much.
        "grant", "remove", "freeze", "set-office", "set-sponsors", "set-limits", "invite-account", "classify",
        "moderate", "hold", "condemn", "see-moderation", "trust-reporters", "set-index-webhooks", "see-index-webhooks",
        "set-campaigns",
    }
)  # fmt: skip
"""What takes the second factor from the first moment on: what nobody had before, and the acts of an office."""
_OWNER: frozenset[Role] = frozenset({"owner"})
_ANY_ROLE: frozenset[Role] = frozenset({"owner", "maintainer"})
_OPERATOR: frozenset[Office] = frozenset({"operator"})
_MODERATION: frozenset[Office] = frozenset({"operator", "moderator"})
_OFFICES: frozenset[Office] = frozenset({"operator", "moderator", "auditor"})

ACTIONS: Mapping[Action, Need] = MappingProxyType(
    {
        "read": Need("read", "project", right="read", machines=True, anybody=True),
        "upload": Need("upload to", "project", _ANY_ROLE, _OPERATOR, "upload", ladder="publish", machines=True),
        "create": Need("create", "project", offices=_OPERATOR, right="upload"),
        "yank": Need("yank files of", "project", _ANY_ROLE, _OPERATOR, "yank", ladder="manage", machines=True),
        "archive": Need("change the status of", "project", _OWNER, _OPERATOR, "archive", ladder="manage"),
        "unarchive": Need("unarchive", "project", _OWNER, _OPERATOR, "archive", "strong", ladder="manage"),
        "classify": Need("set the impact class of", "project", offices=_OPERATOR),
        # Anybody with an account may say that something is wrong; what it weighs is decided elsewhere (`reports`).
        "report": Need("report", "project", machines=True, anybody=True),
        "appeal": Need("appeal for", "project", _ANY_ROLE),
        "moderate": Need("look into", "project", offices=_MODERATION),
        "hold": Need("quarantine or clear", "project", offices=_MODERATION),
        "condemn": Need("condemn", "project", offices=_MODERATION, strength="proof"),
        "withhold": Need("withhold files of", "project", _OWNER, _MODERATION, strength="strong"),
        "see-moderation": Need("see the cases of", "index", offices=_MODERATION),
        "trust-reporters": Need("say whose reports are trusted on", "index", offices=_MODERATION, strength="proof"),
        "set-webhooks": Need("change the webhooks of", "project", _OWNER, _OPERATOR, strength="proof", ladder="manage"),
        "see-webhooks": Need("see the webhooks of", "project", _OWNER, _OPERATOR),
        "set-index-webhooks": Need("change the webhooks of", "index", offices=_OPERATOR, strength="proof"),
        "see-index-webhooks": Need("see the webhooks of", "index", offices=_OPERATOR),
        "set-limits": Need("set the limits of", "project", offices=_OPERATOR),
        "see-people": Need("see the people of", "project", _ANY_ROLE, _OFFICES, "read"),
        "see-signals": Need("see the signals of", "project", _OWNER, _OFFICES, "read"),
        "see-impact": Need("see the evidence for the impact of", "project", _ANY_ROLE, _OFFICES, "read"),
        "see-campaigns": Need("see the voucher campaigns of", "index", offices=frozenset({"operator", "auditor"})),
        "set-campaigns": Need("run voucher campaigns on", "index", offices=_OPERATOR, strength="proof"),
        "claim-voucher": Need("claim vouchers for this", "own account", right=None),
        "invite": Need("invite people to", "project", _OWNER, _OPERATOR, strength="proof", ladder="manage"),
        "grant": Need("give roles without asking on", "project", offices=_OPERATOR, strength="proof"),
        "propose-removal": Need(
            "propose removals from", "project", _OWNER, _OPERATOR, strength="proof", ladder="manage"
        ),
        "remove": Need("remove people at once from", "project", offices=_MODERATION, strength="strong"),
        # Stopping is always free: no ladder stands before the door out.
        "leave": Need("leave", "project", _ANY_ROLE, strength="strong"),
        "message": Need("write to the people of", "project", _ANY_ROLE),
        # To a closed project a workflow of one's own is a way in, around the time that opening it takes.
        "set-publishers": Need(
            "change the trusted publishers of",
            "project",
            _OWNER,
            _OPERATOR,
            strength="proof",
            ladder="manage",
            strength_when_closed="strong",
        ),
        "require-publishers": Need("close uploads by token to", "project", _OWNER, _OPERATOR, ladder="manage"),
        "release-publishers": Need(
            "open uploads by token to", "project", _OWNER, _OPERATOR, strength="strong", ladder="manage"
        ),
        "see-account": Need("see this", "own account", right="read", machines=True),
        "manage-account": Need("manage this", "own account"),
        "change-account": Need("change this", "own account", right=None, strength="proof"),
        "delete-account": Need("delete this", "own account", right=None, strength="strong"),
        "create-token": Need("make tokens for this", "own account", strength="proof"),
        "revoke-token": Need("revoke tokens of this", "own account", machines=True),
        "reserve": Need("add pending publishers to this", "own account", strength="proof", ladder="publish"),
        "create-machine": Need("make automation accounts with this", "own account", strength="proof"),
        "answer-invitation": Need("answer invitations to this", "own account", sponsors=True),
        "sponsor": Need("answer for machines with this", "own account", strength="proof"),
        "see-machine": Need("see", "machine", offices=_OFFICES, right="read", sponsors=True),
        "run-machine": Need("act for", "machine", strength="proof", sponsors=True),
        # Stopping is free here, too, and stopping a token takes no proof either: it only protects.
        "revoke-machine-token": Need("revoke tokens of", "machine", sponsors=True),
        "release-machine": Need("cease to answer for", "machine", strength="proof", sponsors=True),
        "retire-machine": Need("retire", "machine", offices=_OPERATOR, strength="strong", sponsors=True),
        "set-sponsors": Need("say who answers for", "machine", offices=_OPERATOR, strength="strong"),
        # Whom an index knows, and what they did, is not what an operator's token for a build is to read.
        "see-accounts": Need("see the accounts of", "index", offices=_OFFICES),
        "see-log": Need("read the security log of", "index", offices=frozenset({"operator", "auditor"})),
        "freeze": Need("freeze accounts of", "index", offices=_MODERATION, strength="proof"),
        "set-office": Need("give offices on", "index", offices=_OPERATOR, strength="strong"),
        "invite-account": Need("invite people to", "index", offices=_OPERATOR),
    }
)
"""Every act there is, and what it asks for."""
