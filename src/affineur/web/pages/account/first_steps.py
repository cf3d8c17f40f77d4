"""What a newcomer does on the way to a first upload, and which of it is next: said on each page on that way.

Advice, no rule: what is enforced is decided by `core.access`, and what is wrong with an account is said by
`core.people.account_standing`. Shown until somebody has a role on a project.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from affineur.core.access import Actor
from affineur.shell.index import Index
from affineur.shell.store import departures, emails, factors, tokens

State = Literal["done", "now", "later"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its ``title``, ``why`` in one sentence, and the page (a path of this index) where it is done."""

    word: Literal["address", "factor", "token", "upload"]
    title: str
    why: str
    page: str


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """All steps, of which the first ``taken`` are done; fewer are taken than there are."""

    steps: tuple[Step, ...]
    taken: int

    @property
    def next(self) -> Step:
        """The first that is not done."""
        return self.steps[self.taken]

    def state(self, step: Step) -> State:
        """How a step stands."""
        place = self.steps.index(step)
        return "done" if place < self.taken else "now" if place == self.taken else "later"


_ADDRESS = Step(
    "address", "Verify your e-mail address", "You are told there what happens to your account.", "/account/emails"
)
_FACTOR = Step(
    "factor", "Add a second factor", "A passkey, a security key or an app: it takes a minute.", "/account/security"
)
_TOKEN = Step("token", "Make a token", "Programs publish with a token, never with your password.", "/account/tokens")
_UPLOAD = Step("upload", "Publish", "The first file of a new name makes the project, and you its owner.", "/account/")


def first_steps(index: Index, connection: sa.Connection, actor: Actor, now: datetime) -> FirstSteps | None:
    """The steps before somebody's first upload; None for those who have a role or an office, or may not begin one.

    Cost: at most four indexed reads.
    """
    key = actor.account_id
    if key is None or actor.office is not None or index.settings.new_projects == "operators":
        return None
    if departures.roles_of(connection, key):
        return None
    has_address = any(each.verified_at is not None for each in emails.listed(connection, key))
    has_factor = bool(factors.active(factors.listed(connection, key)))
    has_token = tokens.in_force(connection, key, now) > 0
    steps = [(_ADDRESS, has_address), (_FACTOR, has_factor), (_TOKEN, has_token), (_UPLOAD, False)]
    if not index.settings.second_factor_required:
        steps.remove((_FACTOR, has_factor))
    taken = next(place for place, (_, is_done) in enumerate(steps) if not is_done)
    return FirstSteps(tuple(step for step, _ in steps), taken)
