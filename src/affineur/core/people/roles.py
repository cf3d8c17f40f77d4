"""Roles on projects: what is asked before one is offered, given up or taken away, and how people write to each other.

Nobody is removed behind their back: removing somebody is a proposal, and who is concerned has `OBJECTION_LASTS` to
object; silence means yes. Leaving is open to everybody but the only owner, who is told the ways out.
What does not live here: who may do which of these acts (`access`), and what is stored (`shell.store.offers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from ..decision import Decision, allow, deny
from ..permissions import Kind, Role
from .throttle import Limit

Answer = Literal["accepted", "refused", "withdrawn"]
Outcome = Literal["removed", "consented", "objected", "withdrawn", "moderator", "left", "ended"]
"""How a proposal ends. "left": the person left by themselves; "moderator": one of them decided at once; "ended": the
role ended in another way, as where the company's groups took back what they gave."""
SignedIn = Literal["this month", "this year", "longer ago", "never"]

INVITATION_LASTS = timedelta(days=14)
OBJECTION_LASTS = timedelta(days=14)
LONGEST_REASON = 500
LONGEST_MESSAGE = 2000
"""Characters."""

RELAY_PROJECT = (Limit("relay", 20, timedelta(days=1)),)
"""Messages among the people of one project, whoever writes them: four people may each use up what they have."""
INVITATION_PROJECT = (Limit("invitation", 100, timedelta(days=1)),)
"""Invitations to one project, whoever sends them: an owner whose account was taken cannot write to the whole world."""

_UNPRINTABLE_TEXT = "\r\n\t\u200c\u200d"
"""Lines and tabs; and joiners, which Persian, Indic scripts and emoji are written with."""

TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "release": "a release",
        "security": "a security matter",
        "access": "access, roles and second factors",
        "maintenance": "who takes care of what",
        "future": "the future of the project",
        "other": "something else",
    }
)
"""What a message can be about. The subject of the mail is made of these words, never of the sender's."""


@dataclass(frozen=True, slots=True)
class Crew:
    """How many people hold which role on a project."""

    owners: int
    maintainers: int


NO_ROLE = deny("removal.role", "They have no role on this project.", "Check the name.")
NO_INVITATION = deny(
    "role.no-invitation", "There is no such invitation.", "Your projects page lists those that are open."
)
NO_PROPOSAL = deny("removal.exists", "There is no such proposal.", "The project's page lists those that are open.")


def may_offer(held: str | None, role: Role, *, is_open: bool) -> Decision:
    """Whether ``role`` may be offered to somebody who now holds ``held`` and to whom it is offered already or not.

    Owners are not made maintainers in this way: that takes a role away.
    """
    if held == role or held == "owner":
        return deny("role.held", f"They are {held} of this project already.", "Nothing has to be done.", role=held)
    if is_open:
        return deny(
            "role.offered",
            "They are invited already and have not answered yet.",
            "Wait for the answer, or withdraw the invitation first.",
        )
    return allow("role.offer")


def fits_kind(kind: Kind, role: Role) -> Decision:
    """Whether an account of that kind can hold ``role``: machines publish, they do not decide."""
    if kind == "automation" and role == "owner":
        return deny("role.machine", "A machine cannot be an owner.", "Invite it as maintainer: so it can publish.")
    return allow("role.machine")


def still_open(expires_at: datetime, answer: str | None, now: datetime) -> Decision:
    """Whether an invitation can still be answered at ``now``: before ``expires_at``, and once."""
    if answer is not None:
        return deny("role.invitation", f"This invitation was {answer} already.", "Ask an owner for another one.")
    if now >= expires_at:
        return deny(
            "role.invitation",
            f"This invitation ended on {expires_at:%Y-%m-%d}.",
            "Ask an owner of the project for another one.",
            expired_at=expires_at.isoformat(),
        )
    return allow("role.invitation")


def may_part(role: str, crew: Crew, project: str) -> Decision:
    """Whether somebody with ``role`` may go: the only owner may not, since nobody could decide anything any more."""
    if role != "owner" or crew.owners > 1:
        return allow("role.last-owner")
    maintainers = (
        "Or make one of its maintainers an owner: invite them as owner on the same page.",
    ) * bool(crew.maintainers)  # fmt: skip
    return deny(
        "role.last-owner",
        f"This is the only owner of project '{project}', and a project needs one.",
        "Invite another owner on the project's page; once they accept, this can be done.",
        *maintainers,
        owners=crew.owners,
        maintainers=crew.maintainers,
    )


def may_end(name: str, kind: Kind, alone: Sequence[str]) -> Decision:
    """Whether an account may end: not while it is the only owner of the projects ``alone``.

    Refused by ``account.sole-owner``, or ``machine.only-owner`` for an automation account; facts: ``projects``.
    """
    why = f"'{name}' is the only owner of {listed(alone)}, and every project needs one."
    way_out = "Invite another person as owner first, and wait until they have accepted."
    if kind == "automation":
        return deny("machine.only-owner", why, way_out, projects=list(alone)) if alone else allow("machine.only-owner")
    return deny("account.sole-owner", why, way_out, projects=list(alone)) if alone else allow("account.sole-owner")


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them; of many, the first ten and how many more."""
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"


def may_propose(proposer_id: int | None, affected_id: int, role: str | None, *, is_open: bool) -> Decision:
    """Whether the removal of somebody may be proposed: they hold a role, are somebody else, and none is open."""
    if role is None:
        return NO_ROLE
    if proposer_id == affected_id:
        return deny("removal.self", "This is you: leaving needs no proposal.", "Leave on the same page, at once.")
    if is_open:
        return deny(
            "removal.open",
            "Their removal is proposed already.",
            "Wait until it is settled; another proposal would not make it faster.",
        )
    return allow("removal.propose")


def may_object(due_at: datetime, outcome: str | None, now: datetime) -> Decision:
    """Whether a proposal can still be objected to, consented to or withdrawn at ``now``: until ``due_at``."""
    if outcome is not None:
        return deny("removal.settled", f"This proposal is settled: {outcome}.", "Nothing more can be done with it.")
    if is_due(due_at, now):
        return deny(
            "removal.settled",
            f"The time to object ended on {due_at:%Y-%m-%d %H:%M} UTC.",
            "An owner can invite you again; a moderator can look at it.",
            due_at=due_at.isoformat(),
        )
    return allow("removal.settled")


def is_due(due_at: datetime, now: datetime) -> bool:
    """Whether silence has lasted long enough."""
    return now >= due_at


def fit_text(text: str, longest: int, what: str) -> Decision:
    """Whether somebody's words (a reason, an objection, a message) are there, plain, and not too long."""
    if not text.strip():
        return deny("message.text", f"{what} is empty.", "Write a sentence.")
    if len(text) > longest:
        return deny(
            "message.text",
            f"{what} has {len(text)} characters; {longest} are the most.",
            "Say it in fewer words.",
            limit_characters=longest,
        )
    if any(not (each.isprintable() or each in _UNPRINTABLE_TEXT) for each in text):
        return deny("message.text", f"{what} holds characters that cannot be shown.", "Write it as plain text.")
    return allow("message.text")


def fit_topic(topic: str) -> Decision:
    """Whether a message is about something that messages can be about."""
    if topic in TOPICS:
        return allow("message.topic")
    return deny("message.topic", "A message is about one of a few topics.", f"Choose one of {', '.join(TOPICS)}.")


def signed_in(last: datetime | None, now: datetime) -> SignedIn:
    """When somebody was last there, as roughly as the other people of a project may know it."""
    if last is None:
        return "never"
    if now - last < timedelta(days=31):
        return "this month"
    return "this year" if now - last < timedelta(days=366) else "longer ago"
