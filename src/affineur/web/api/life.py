"""The life of a project: yank, archive, deprecate, quarantine, and taking each of them back.

One operation a verb, by the words of the command line. Doing one twice is no error and changes nothing. What does
not live here: the acts themselves (`actions.yank`, `actions.status`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import msgspec

from affineur.actions.hold import hold
from affineur.actions.status import set_status
from affineur.actions.yank import Selection, set_yanked
from affineur.core import lifecycle
from affineur.core.lifecycle import Act, Said
from affineur.core.names import NormalizedName, parse_name
from affineur.core.standing import REASON_LIMIT, Status
from affineur.core.versions import MAXIMUM_LENGTH, canonical, parse_version

from .operation import Call, Input, Operation, Output

Reason = Annotated[
    str,
    msgspec.Meta(max_length=REASON_LIMIT, description="Why; shown to everyone who installs. It becomes one line."),
]
Version = Annotated[str, msgspec.Meta(min_length=1, max_length=MAXIMUM_LENGTH, description="Only this release.")]
File = Annotated[str, msgspec.Meta(min_length=1, max_length=255, description="Only the file of this name.")]


class Selected(Input):
    """Which files of the project: all, those of one release, or one."""

    version: Version | None = None
    file: File | None = None


class YankRequest(Selected):
    """Which files are to be yanked, and why."""

    reason: Reason | None = None


class StatusRequest(Input):
    """Why the status is to be changed."""

    reason: Reason | None = None


class Yanked(Output):
    """What a yank came to. ``changed``: the names of the files that were not so before."""

    project: str
    yanked: bool
    changed: list[str]


class StatusNow(Output):
    """What the world is told of the project now, and whether this changed it."""

    project: str
    status: Status
    reason: str | None
    changed: bool


def set_yank(call: Call, *, yanked: bool) -> Yanked:
    """Yank what the body names, or take that back."""
    asked: Selected = call.body
    version = canonical(parse_version(asked.version)) if asked.version else None
    selection = Selection(_project(call), version, asked.file)
    reason = asked.reason if isinstance(asked, YankRequest) else None
    changed = set_yanked(call.index, call.actor, selection, yanked, call.now, reason)
    return Yanked(project=selection.project, yanked=yanked, changed=list(changed))


def change_status(call: Call, *, act: Act) -> StatusNow:
    """Carry out ``act`` on the project of the path."""
    said = Said(reason=call.body.reason if isinstance(call.body, StatusRequest) else None)
    if act in lifecycle.HOLDING:
        held = hold(call.index, call.caller, act, _project(call), said=said)
        return StatusNow(
            project=held.project, status=held.status.status, reason=held.status.reason, changed=held.changed
        )
    outcome = set_status(call.index, call.actor, act, _project(call), call.now, said)
    status = outcome.status
    return StatusNow(project=outcome.project, status=status.status, reason=status.reason, changed=outcome.changed)


def _project(call: Call) -> NormalizedName:
    return parse_name(call.path["project"])


def _yank(verb: str, summary: str, body: type[Input], handler: Callable[[Call], object]) -> Operation:
    return Operation(
        method="POST",
        path=f"/projects/{{project}}/{verb}",
        name=f"{verb}Files",
        summary=summary,
        tag="life",
        handler=handler,
        body=body,
        answer=Yanked,
        needs="yank",
        idempotent=True,
    )


def _status(act: Act, summary: str) -> Operation:
    transition = lifecycle.TRANSITIONS[act]
    return Operation(
        method="POST",
        path=f"/projects/{{project}}/{act}",
        name=f"{act}Project",
        summary=summary,
        tag="life",
        handler=partial(change_status, act=act),
        body=StatusRequest if transition.takes else None,
        answer=StatusNow,
        needs=transition.action,
        idempotent=True,
    )


OPERATIONS = (
    _yank("yank", "Yank files: only who pins them still gets them (PEP 592).", YankRequest,
          partial(set_yank, yanked=True)),
    _yank("unyank", "Take a yank back.", Selected, partial(set_yank, yanked=False)),
    _status("archive", "Archive a project: it stays on offer and takes no new files."),
    _status("unarchive", "Take an archiving back: the project takes new files again."),
    _status("deprecate", "Deprecate a project: advise against using it."),
    _status("undeprecate", "Take a deprecation back."),
    _status("quarantine", "Quarantine a project: take it off offer for now."),
    _status("clear", "Lift a quarantine: everything is as it was before."),
)  # fmt: skip
