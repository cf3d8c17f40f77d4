"""One act on many projects, each on its own: what is refused for one is done for the others, and each says so.

What does not live here: the acts on one project (`life`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from affineur.actions.status import foresee, set_status
from affineur.actions.yank import foresee_yank, set_yanked
from affineur.core.decision import Refused
from affineur.core.life.lifecycle import TRANSITIONS, Act
from affineur.core.life.standing import Status, statuses
from affineur.core.names import NormalizedName, parse_name

from .operation import Call, Input, Operation, Output
from .problems import plain
from .said import (
    Many,
    ManyClass,
    ManyDeprecate,
    ManySelected,
    ManyStatus,
    ManyWish,
    ManyYank,
    Selected,
    YankRequest,
    said_in,
    selection_in,
)


class Each(Output):
    """What became of one project, or would. ``rule`` null: nothing was refused; else why, as a problem document says.

    ``files``: of a yank, the names that changed. ``waits_until``: as for one project.
    """

    project: str
    changed: bool
    status: Status | None = None
    reason: str | None = None
    statuses: list[str] = msgspec.field(default_factory=list)
    files: list[str] = msgspec.field(default_factory=list)
    waits_until: datetime | None = None
    rule: str | None = None
    detail: str | None = None
    ways_out: list[str] = msgspec.field(default_factory=list)
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class Every(Output):
    """What became of each project, in the order in which they were named; each once."""

    act: str
    dry_run: bool
    refused: int
    results: list[Each]


def on_each(call: Call, *, act: Act, one: Callable[[Call, NormalizedName, Act], Each]) -> Every:
    """Carry out ``act`` on each project that the body names, or say what would happen."""
    asked = call.body
    results = [_told(call, name, act, one) for name in dict.fromkeys(asked.projects)]
    return Every(act, asked.dry_run, sum(each.rule is not None for each in results), results)


def _told(call: Call, name: str, act: Act, one: Callable[[Call, NormalizedName, Act], Each]) -> Each:
    try:
        return one(call, parse_name(name), act)
    except Refused as refused:
        decision = refused.decision
        return Each(
            name,
            changed=False,
            rule=decision.rule,
            detail=decision.reason,
            ways_out=list(decision.ways_out),
            facts=dict(plain(decision.facts)),
        )


def _change(call: Call, project: NormalizedName, act: Act) -> Each:
    said = said_in(call.body)
    outcome = (
        foresee(call.index, call.actor, act, project, call.now, said)
        if call.body.dry_run
        else set_status(call.index, call.actor, act, project, call.now, said, call.caller.origin)
    )
    return Each(
        project,
        outcome.changed,
        outcome.status.status,
        outcome.status.reason,
        statuses(outcome.standing),
        waits_until=outcome.waits_until,
    )


def _yank(call: Call, project: NormalizedName, act: Act) -> Each:
    asked: Selected = call.body
    selection, yanked = selection_in(project, asked), act == "yank"
    reason, code = (asked.reason, asked.code) if isinstance(asked, YankRequest) else (None, None)
    files = (
        foresee_yank(call.index, call.actor, selection, yanked, call.now, reason, code)
        if call.body.dry_run
        else set_yanked(call.index, call.actor, selection, yanked, call.now, reason, code, call.caller.origin)
    )
    return Each(project, bool(files), files=list(files))


def _operation(act: Act, body: type[Input], one: Callable[[Call, NormalizedName, Act], Each]) -> Operation:
    return Operation(
        method="POST",
        path=f"/bulk/{act}",
        name=f"{act}Many",
        summary=f"The act {act} on many projects, each on its own; or, as a dry run, what it would come to.",
        tag="life",
        handler=partial(on_each, act=act, one=one),
        body=body,
        answer=Every,
        needs=TRANSITIONS[act].action,
    )


OPERATIONS = (
    _operation("yank", ManyYank, _yank),
    _operation("unyank", ManySelected, _yank),
    _operation("archive", ManyStatus, _change),
    _operation("unarchive", Many, _change),
    _operation("finish", ManyStatus, _change),
    _operation("resume", Many, _change),
    _operation("deprecate", ManyDeprecate, _change),
    _operation("undeprecate", Many, _change),
    _operation("wish", ManyWish, _change),
    _operation("reclassify", ManyClass, _change),
)
