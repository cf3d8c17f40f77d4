"""Access: who may do what. One function decides for every page, route, command and program.

`permissions.ACTIONS` is the table that it reads.
What does not live here: how an actor is known (`web.identity`), what a project's own state permits (`standing`),
and the second-factor ladder's numbers (`second_factor`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from .decision import Decision, allow, deny
from .history.journal import ActorClass
from .names import NormalizedName
from .people import second_factor
from .people.caveats import ALL_ACTIONS, TokenAction
from .people.second_factor import Posture
from .permissions import ACTIONS, FACTOR_FIRST, Action, Kind, Need, Office

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
    unattended: bool = False
    """Of the index itself: whether one of its rules acts, and nobody's hand is in it."""

    @property
    def is_operator(self) -> bool:
        """Whether the actor runs this index."""
        return self.kind == "system" or self.office == "operator"


SYSTEM = Actor(account_id=None, name="", kind="system")
"""The index itself: the command line on the machine it runs on, imports, background work."""

UNATTENDED = Actor(account_id=None, name="", kind="system", unattended=True)
"""The index where a rule of its own acts, as when it holds what was reported; the journal calls it ``system``."""


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
    held: bool = False
    """Of a project: whether it is quarantined, which pauses every token and trusted publisher there."""


def publishers_only(required: bool, ends_at: datetime | None, now: datetime) -> bool:
    """Whether a project is closed to tokens at ``now``: once switched off, it stays so until ``ends_at``."""
    return required and (ends_at is None or now < ends_at)


def actor_class(actor: Actor) -> ActorClass:
    """Who acts, as the public journal may know it."""
    if actor.kind == "publisher":
        return "publisher"
    if actor.unattended:
        return "system"
    if actor.is_operator:
        return "operator"
    if actor.office == "moderator":
        return "moderator"
    return "automation" if actor.kind == "automation" else "owner"


INDEX = Resource()
"""The index itself."""


_GOES_ON: frozenset[Action] = frozenset({"read", "report", "appeal", "leave", "see-people"})
"""What a token may do even to a project that is quarantined."""


def may(actor: Actor, action: Action, resource: Resource, now: datetime) -> Decision:
    """Whether ``actor`` may perform ``action`` on ``resource`` at ``now`` (aware UTC).

    A refusal has the facts ``action``, ``strength`` (what the act asks for) and ``project``, beside those of its rule.
    """
    if actor.kind == "system":
        return allow("access.system")
    need = ACTIONS[action]
    strength = need.strength_on(resource.publishers_only)
    for decision in (
        not_frozen(actor),
        _token_covers(actor, action, need, resource),
        _has_standing(actor, action, need, resource),
        _not_paused(actor, action, resource),
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
    if action == "report" and actor.account_id is not None:
        return allow("access.report")
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


def _not_paused(actor: Actor, action: Action, resource: Resource) -> Decision:
    """While a project is quarantined its credentials rest, wherever they are; no account does."""
    by_credential = actor.token_id is not None or actor.kind == "publisher"
    if resource.held and by_credential and actor.office is None and action not in _GOES_ON:
        return deny(
            "access.paused",
            f"Project '{resource.project}' is quarantined: its tokens and trusted publishers are paused until it is "
            "cleared. Your account is not.",
            "Sign in on the pages of this index to see the case; to appeal, a token will do, too.",
        )
    return allow("access.paused")


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
