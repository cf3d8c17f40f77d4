"""``/api/v1``: everything that people and machines can do here, for programs.

Each operation is declared once (`operation`), in the module of its subject: to add one, declare it in that module's
``OPERATIONS``; to add a subject, write its module and name it in `SUBJECTS`. Routes, checks, the OpenAPI document
and the reference page follow. What does not live here: what clients of packages read and write (`simple_api`,
`json_api`, `uploads`), which is not ours to design.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from . import (
    account,
    bulk,
    campaigns,
    dependents,
    downloads,
    entrance,
    events,
    examine,
    factors,
    holds,
    impact,
    life,
    machines,
    moderation,
    offices,
    publishers,
    roles,
    serving,
    state,
    tokens,
    webhooks,
)
from .operation import Operation

SUBJECTS = (
    entrance,
    account,
    factors,
    life,
    bulk,
    dependents,
    downloads,
    impact,
    state,
    holds,
    tokens,
    publishers,
    roles,
    machines,
    offices,
    campaigns,
    moderation,
    examine,
    webhooks,
    events,
)  # fmt: skip
"""The modules whose operations make up the API, in the order of the reference page."""


def operations() -> tuple[Operation, ...]:
    """Every operation of the API."""
    return tuple(each for subject in SUBJECTS for each in subject.OPERATIONS)


def routes() -> list[BaseRoute]:
    """What answers below ``/api``: one route, since it says itself where nothing is, and by which methods."""
    answering = serving.router(operations())
    return [Route("/api", answering), _Below("/api/{rest:path}", answering)]


class _Below(Route):
    """Everything below a path, addresses that hold a line feed too: a `Route` leaves those to others."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request goes here."""
        below = scope["type"] == "http" and scope["path"].startswith(self.path.partition("{")[0])
        return (Match.FULL if below else Match.NONE), {}
