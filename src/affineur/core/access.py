"""Access: who may do what. One function decides for every page, route, command and program.

`ACTIONS` is the table: for each act, who may do it by a role on the project or an office on the index, which right
a token needs for it, and what proof it asks for. `docs/reference/permissions.md` is generated from it.
What does not live here: how an actor is known (`web.identity`), what a project's own state permits (`standing`),
and the second-factor ladder's numbers (`second_factor`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from . import second_factor
from .caveats import ALL_ACTIONS, TokenAction
from .decision import Decision, allow, deny
from .journal import ActorClass
from .names import NormalizedName
from .second_factor import Posture, Strength

Role = Literal["owner", "maintainer"]
Office = Literal["operator", "moderator", "auditor"]
Kind = Literal["person", "automation", "publisher", "system"]

Action = Literal[
    "read", "upload", "create", "yank", "archive", "unarchive", "hold", "set-limits",
    "see-people", "invite", "grant", "propose-removal", "remove", "leave", "message",
    "set-publishers", "require-publishers", "release-publishers",
    "see-account", "change-account", "delete-account", "create-token", "revoke-token", "reserve", "manage-account",
    "create-machine", "answer-invitation", "sponsor", "see-machine", "run-machine", "revoke-machine-token",
    "release-machine", "retire-machine", "set-sponsors",
    "see-accounts", "see-log", "freeze", "set-office", "invite-account",
]  # fmt: skip

SPONSORS_NEEDED = 2
SPONSORLESS_WAITS = timedelta(days=30)
"""How long a machine goes on when too few people answer for it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and with what. ``actions`` and ``projects`` are what a token is narrowed to; None: every project.

    A trusted publisher (``kind`` "publisher") has no account; ``projects`` are those it publishes for.
    """

    account_id: int | None
    name: str
    office: Office | None = None
    kind: Kind = "person"
    actions: frozenset[TokenAction] = ALL_ACTIONS
    projects: frozenset[NormalizedName] | None = None
    posture: Posture = Posture()
    token_id: str | None = None
    """The token that was shown; None where somebody is signed in, or for the index itself."""
    token_ends_at: datetime | None = None
    """When that token ends, as its holder narrowed it: what it makes does not outlive it."""

    @property
    def is_operator(self) -> bool:
        """Whether the actor runs this index."""
        return self.kind == "system" or self.office == "operator"


SYSTEM = Actor(account_id=None, name="", kind="system")
"""The index itself: the command line on the machine it runs on, imports, background work."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted on. Of a project: the role the actor has on it, and who may publish.

    ``account_id``: of an account, whose it is. Both None: the index itself.
    ``sponsored``: of an automation account, whether the actor answers for it.
    """

    project: NormalizedName | None = None
    exists: bool = True
    role: str | None = None
    new_projects: Literal["users", "operators"] = "users"
    publishers_only: bool = False
    account_id: int | None = None
    sponsored: bool = False


def publishers_only(required: bool, ends_at: datetime | None, now: datetime) -> bool:
    """Whether a project is closed to tokens at ``now``: once switched off, it stays so until ``ends_at``."""
    return required and (ends_at is None or now < ends_at)


def actor_class(actor: Actor) -> ActorClass:
    """Who acts, as the public journal may know it."""
    if actor.kind == "publisher":
        return "publisher"
    if actor.is_operator:
        return "operator"
    return "automation" if actor.kind == "automation" else "owner"


INDEX = Resource()
"""The index itself."""


@dataclass(frozen=True, slots=True)
class Need:
    """What an act asks for.

    ``verb`` completes "isn't allowed to … project 'x'". ``on``: what kind of thing it is done to. ``right``: what a
    token must be for; None: no token is enough, it is done where somebody is signed in. ``ladder``: what of
    the second-factor ladder pauses it. ``machines``: whether automation accounts and publishers may. ``sponsors``:
    whether those may who answer for the machine. ``strength_when_closed``: what proof it asks for instead where only
    trusted publishers may upload to the project.
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
    strength_when_closed: Strength | None = None

    def strength_on(self, resource: Resource) -> Strength:
        """What proof it asks for when it is done to ``resource``."""
        if resource.publishers_only and self.strength_when_closed is not None:
            return self.strength_when_closed
        return self.strength


FACTOR_FIRST: frozenset[Action] = frozenset(
    {
        "create", "reserve", "create-machine", "sponsor", "run-machine",
        # An office reaches every project or account: a password alone, phished, would be worth too much.
        "grant", "remove", "freeze", "set-office", "set-sponsors", "hold", "set-limits", "invite-account",
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
        "read": Need("read", "project", right="read", machines=True),
        "upload": Need("upload to", "project", _ANY_ROLE, _OPERATOR, "upload", ladder="publish", machines=True),
        "create": Need("create", "project", offices=_OPERATOR, right="upload"),
        "yank": Need("yank files of", "project", _ANY_ROLE, _OPERATOR, "yank", ladder="manage", machines=True),
        "archive": Need("change the status of", "project", _OWNER, _OPERATOR, "archive", ladder="manage"),
        "unarchive": Need("unarchive", "project", _OWNER, _OPERATOR, "archive", "strong", ladder="manage"),
        "hold": Need("quarantine or clear", "project", offices=_MODERATION),
        "set-limits": Need("set the limits of", "project", offices=_OPERATOR),
        "see-people": Need("see the people of", "project", _ANY_ROLE, _OFFICES, "read"),
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


def may(actor: Actor, action: Action, resource: Resource, now: datetime) -> Decision:
    """Whether ``actor`` may perform ``action`` on ``resource`` at ``now`` (aware UTC).

    A refusal has the facts ``action``, ``strength`` (what the act asks for) and ``project``, beside those of its rule.
    """
    if actor.kind == "system":
        return allow("access.system")
    need = ACTIONS[action]
    strength = need.strength_on(resource)
    for decision in (
        not_frozen(actor),
        _token_covers(actor, action, need, resource),
        _has_standing(actor, action, need, resource),
        _publisher_where_required(actor, action, resource),
        _is_protected(actor, action, need, now),
        second_factor.strong_enough(actor.posture, strength, now),
    ):
        if not decision.allowed:
            facts = {**decision.facts, "action": action, "strength": strength, "project": resource.project}
            return replace(decision, facts=MappingProxyType(facts))
    return allow(f"access.{action}")


def not_frozen(actor: Actor) -> Decision:
    """Whether the account is not frozen: what everything begins with, even what asks for nothing else."""
    if actor.posture.frozen:
        return deny(
            "access.frozen",
            f"The account '{actor.name}' is frozen by the moderators of this index.",
            "They wrote to your addresses why; answer that mail.",
        )
    return allow("access.frozen")


def _token_covers(actor: Actor, action: Action, need: Need, resource: Resource) -> Decision:
    """What a token was narrowed to, by whoever made it or by whoever holds it.

    Narrowed to a project it still installs others, and tells of its own account; it tells nothing of the people of
    other projects, nor of everybody on the index.
    """
    if actor.token_id is not None and need.right is None:
        return deny(
            "access.signed-in", "No token is enough for this.", "Sign in on the pages of this index and do it there."
        )
    if need.right is not None and need.right not in actor.actions:
        return deny(
            "access.scope",
            f"This token may not {need.right}: it is for {_listed(actor.actions)} only.",
            f"Use a token with the action `{need.right}`.",
        )
    if actor.projects is None or action in ("read", "see-account", "see-machine"):
        return allow("access.token")
    if resource.project is None:
        return deny(
            "access.token",
            "This token is for certain projects only, and this is done to an account or the index.",
            "Use a token for all projects of your account.",
        )
    if resource.project not in actor.projects:
        return deny(
            "access.token",
            f"The given token isn't allowed to {need.verb} project '{resource.project}'.",
            "Use a token that is for this project, or for all projects of your account.",
        )
    return allow("access.token")


def _has_standing(actor: Actor, action: Action, need: Need, resource: Resource) -> Decision:
    """A role on the project, an office on the index, or one's own account."""
    if actor.kind in ("automation", "publisher") and not need.machines:
        return _not_for_machines(actor, action, need, resource)
    if action == "read" or (actor.kind == "publisher" and resource.project in (actor.projects or ())):
        return allow("access.read")
    if action == "create":
        return _may_create(actor, resource)
    if need.sponsors and resource.sponsored:
        return allow("access.sponsor")
    if need.on == "own account":
        return _own_account(actor, need, resource)
    if actor.office in need.offices or resource.role in need.roles:
        return allow("access.role")
    if need.on == "machine":
        return deny(
            "access.sponsor",
            f"Only those who answer for an automation account{_or_holders(need.offices)} may {need.verb} it.",
            "Ask one of them.",
        )
    if need.on == "index":
        return deny(
            "access.office",
            f"Only {_holders(need.offices)} of this index may {need.verb} it.",
            "Ask one of them.",
        )
    if not need.roles:
        return deny(
            "access.office",
            f"Only {_holders(need.offices)} of this index may {need.verb} project '{resource.project}'.",
            "Tell one of them what you have seen.",
        )
    return deny(
        "access.role",
        f"The user '{actor.name}' isn't allowed to {need.verb} project '{resource.project}'.",
        "Ask one of its owners to give you a role.",
        role=resource.role,
    )


def _not_for_machines(actor: Actor, action: Action, need: Need, resource: Resource) -> Decision:
    if action == "create":
        return deny(
            "access.machine",
            f"Non-user identities cannot create new projects, and '{resource.project}' does not exist yet.",
            "Publish its first file as a person, or with a pending trusted publisher.",
        )
    return deny(
        "access.machine", f"A machine may not {need.verb} anything.", f"A person does this: {actor.name} is none."
    )


def _may_create(actor: Actor, resource: Resource) -> Decision:
    if resource.new_projects == "operators" and actor.office != "operator":
        return deny(
            "access.create",
            f"Only operators of this index may create projects, and '{resource.project}' does not exist yet.",
            "Ask an operator to publish its first file or to change the setting new_projects.",
        )
    return allow("access.create")


def _own_account(actor: Actor, need: Need, resource: Resource) -> Decision:
    if actor.account_id is not None and resource.account_id in (None, actor.account_id):
        return allow("access.own")
    return deny("access.own", f"Only its holder may {need.verb} account.", "Sign in as its holder.")


def _publisher_where_required(actor: Actor, action: Action, resource: Resource) -> Decision:
    if action == "upload" and resource.publishers_only and actor.kind != "publisher":
        return deny(
            "access.publishers-only",
            f"Only trusted publishers may upload to project '{resource.project}': its owners decided so.",
            "Publish from the workflow that is registered there, or register yours.",
        )
    return allow("access.publishers-only")


def _is_protected(actor: Actor, action: Action, need: Need, now: datetime) -> Decision:
    """The second factor of a person; the sponsors of a machine."""
    posture = actor.posture
    if actor.kind == "automation" and posture.sponsors_short_from is not None:
        return _sponsored(actor.name, posture, posture.sponsors_short_from, now)
    if actor.kind != "person":
        return allow("access.protected")
    if action in FACTOR_FIRST:
        return second_factor.first_role(posture)
    if need.ladder is not None:
        return second_factor.on_the_ladder(posture, need.ladder, now)
    return allow("access.protected")


def _sponsored(name: str, posture: Posture, short_from: datetime, now: datetime) -> Decision:
    """Whether a machine with too few sponsors goes on: one that had enough does for a while, a new one waits."""
    if posture.waits_for_sponsors:
        return deny(
            "access.sponsors",
            f"'{name}' does nothing yet: it takes {SPONSORS_NEEDED} people who answer for it.",
            "It begins the moment another person accepts to sponsor it.",
        )
    paused_at = short_from + SPONSORLESS_WAITS
    if now >= paused_at:
        return deny(
            "access.sponsors",
            f"'{name}' is paused since {paused_at:%Y-%m-%d}: fewer than {SPONSORS_NEEDED} people answer for it.",
            "Its roles and tokens are untouched, and it goes on the moment another person sponsors it.",
            paused_at=paused_at.isoformat(),
            limit_days=SPONSORLESS_WAITS.days,
        )
    return allow("access.sponsors")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "nothing"


def _holders(offices: Iterable[str]) -> str:
    return " and ".join(f"{office}s" for office in sorted(offices))


def _or_holders(offices: frozenset[Office]) -> str:
    return f", and {_holders(offices)} of this index," if offices else ""
