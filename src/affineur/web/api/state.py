"""What state a project is in, what the caller may do about it, and what its owners should look at.

What does not live here: the acts (`life`, `bulk`), and what is measured (`core.life.signals`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from affineur.actions.state import ActNow, ReleaseNow, signals_of, state_of
from affineur.core.life import extension
from affineur.core.life.lifecycle import TRANSITIONS
from affineur.core.life.standing import Status, Window, project_status, statuses
from affineur.core.names import NormalizedName, parse_name

from .operation import Call, Listing, Operation, Output
from .problems import plain


class PossibleAct(Output):
    """An act on the project: whether the caller may do it now; if not, the rule, the reason and the ways out."""

    act: str
    means: str
    allowed: bool
    rule: str
    reason: str | None
    ways_out: list[str]
    facts: dict[str, Any]


class ReleaseState(Output):
    """A release. ``window``: whether it takes new files, until ``closes_at`` (null: always)."""

    version: str
    since: datetime
    window: Window
    closes_at: datetime | None
    files: int
    yanked: int
    held: str | None


class ProjectState(Output):
    """A project's state. ``status`` and ``reason`` are what clients are told (PEP 792), ``statuses`` every fact.

    ``about`` is the member ``_index`` of the simple API. ``unarchives_at``: an unarchiving waits. ``acts``: all there
    are, on the project as a whole. ``releases``: newest first.
    """

    project: str
    status: Status
    reason: str | None
    statuses: list[str]
    serial: int
    about: dict[str, Any]
    unarchives_at: datetime | None
    acts: list[PossibleAct]
    releases: list[ReleaseState]


class ProjectSignal(Output):
    """Something to look at: it was measured, and changes nothing. ``since``: when it began, where that is known."""

    kind: str
    text: str
    since: datetime | None


def get_status(call: Call) -> ProjectState:
    """The state of the project of the path."""
    state = state_of(call.index, call.actor, _project(call), call.now)
    found = state.project
    status = project_status(found.standing)
    shown = extension.public(found.standing, impact=call.index.settings.impact_public)
    return ProjectState(
        project=found.name,
        status=status.status,
        reason=status.reason,
        statuses=statuses(found.standing),
        serial=found.serial,
        about=extension.member(shown, found.name, found.created_at, call.index.origin),
        unarchives_at=found.unarchives_at,
        acts=[_act(each) for each in state.acts],
        releases=[_release(each) for each in state.releases],
    )


def list_signals(call: Call) -> Listing:
    """The signals of the project of the path: a handful, so one page."""
    found = signals_of(call.index, call.actor, _project(call), call.now)
    return Listing([ProjectSignal(each.kind, each.text, each.since) for each in found])


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _act(each: ActNow) -> PossibleAct:
    decision = each.decision
    return PossibleAct(
        act=each.act,
        means=TRANSITIONS[each.act].means,
        allowed=decision.allowed,
        rule=decision.rule,
        reason=decision.reason or None,
        ways_out=list(decision.ways_out),
        facts=dict(plain(decision.facts)),
    )


def _release(each: ReleaseNow) -> ReleaseState:
    held = each.hold.kind if each.hold else None
    return ReleaseState(each.version, each.since, each.window, each.closes_at, each.files, each.yanked, held)


OPERATIONS = (
    Operation(
        method="GET",
        path="/projects/{project}/status",
        name="getProjectStatus",
        summary="What state a project is in, and which acts are possible for the caller, or why not.",
        tag="life",
        handler=get_status,
        answer=ProjectState,
        needs="read",
    ),
    Operation(
        method="GET",
        path="/projects/{project}/signals",
        name="listProjectSignals",
        summary="What the owners of a project should look at; nothing follows from it by itself.",
        tag="life",
        handler=list_signals,
        answer=ProjectSignal,
        paged=True,
        needs="see-signals",
    ),
)
