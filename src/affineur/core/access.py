"""Access: who may do what to which project. One function decides for every page, route and command.

What does not live here: how an actor is known (tokens: `shell.store.tokens`), and what a project's own state
permits (`standing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .decision import Decision, allow, deny
from .names import NormalizedName

Action = Literal["read", "upload", "create", "yank", "set-status"]
Scope = Literal["publish", "read"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and with what. ``projects`` None: the token is not narrowed to certain projects."""

    account_id: int | None
    name: str
    is_operator: bool = False
    scope: Scope = "publish"
    projects: frozenset[NormalizedName] | None = None


SYSTEM = Actor(account_id=None, name="", is_operator=True)
"""The index itself: the command line on the machine it runs on, imports, background work."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What is acted on: a project, the role the actor has on it, and who may create new ones here."""

    project: NormalizedName
    exists: bool
    role: str | None
    new_projects: Literal["users", "operators"] = "users"


def may(actor: Actor, action: Action, resource: Resource) -> Decision:
    """Whether ``actor`` may perform ``action`` on ``resource``."""
    project = resource.project
    if action == "read":
        return allow("access.read")
    if actor.scope != "publish":
        return deny("access.scope", "This token may read only.", "Use a token with the scope `publish`.")
    if actor.projects is not None and project not in actor.projects:
        return deny(
            "access.token",
            f"The given token isn't allowed to upload to project '{project}'.",
            "Use a token that is for this project, or for all projects of your account.",
        )
    if action == "create":
        if resource.new_projects == "operators" and not actor.is_operator:
            return deny(
                "access.create",
                f"Only operators of this index may create projects, and '{project}' does not exist yet.",
                "Ask an operator to publish its first file or to change the setting new_projects.",
            )
        return allow("access.create")
    if actor.is_operator:
        return allow("access.operator")
    allowed = {"upload": ("owner", "maintainer"), "yank": ("owner", "maintainer"), "set-status": ("owner",)}[action]
    if resource.role in allowed:
        return allow("access.role")
    verb = {"upload": "upload to", "yank": "yank files of", "set-status": "change the status of"}[action]
    return deny(
        "access.role",
        f"The user '{actor.name}' isn't allowed to {verb} project '{project}'.",
        "Ask one of its owners to give you a role.",
        role=resource.role,
    )
