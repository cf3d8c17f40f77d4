"""The life of a project: archive, finish, deprecate, wish, yank, and taking each of them back.

One operation a verb, by the words of the command line. What is so already is no error where the table of acts allows
it, and changes nothing. What does not live here: the acts themselves (`actions.yank`, `actions.status`), what keeps
things off offer (`holds`), many projects at once (`bulk`), and what state a project is in (`state`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from affineur.actions import unarchive
from affineur.actions.status import set_status
from affineur.actions.yank import set_yanked
from affineur.core.life import lifecycle
from affineur.core.life.lifecycle import Act
from affineur.core.life.standing import Status, statuses
from affineur.core.names import NormalizedName, parse_name

from .operation import Call, Input, Operation, Output
from .said import (
    ClassRequest,
    DeprecateRequest,
    Selected,
    StatusRequest,
    WishRequest,
    YankRequest,
    said_in,
    selection_in,
)


class Yanked(Output):
    """What a yank came to. ``changed``: the names of the files that were not so before."""

    project: str
    yanked: bool
    changed: list[str]


class StatusNow(Output):
    """What the world is told of the project now, and whether this changed it.

    ``statuses``: every fact worth a word. ``waits_until``: it was asked for, and happens then unless an owner calls
    it off.
    """

    project: str
    status: Status
    reason: str | None
    statuses: list[str]
    changed: bool
    waits_until: datetime | None = None


def set_yank(call: Call, *, yanked: bool) -> Yanked:
    """Yank what the body names, or take that back."""
    asked: Selected = call.body
    selection = selection_in(_project(call), asked)
    reason, code = (asked.reason, asked.code) if isinstance(asked, YankRequest) else (None, None)
    changed = set_yanked(call.index, call.actor, selection, yanked, call.now, reason, code, call.caller.origin)
    return Yanked(project=selection.project, yanked=yanked, changed=list(changed))


def change_status(call: Call, *, act: Act) -> StatusNow:
    """Carry out ``act`` on the project of the path."""
    said, project = said_in(call.body), _project(call)
    outcome = set_status(call.index, call.actor, act, project, call.now, said, call.caller.origin)
    status = outcome.status
    return StatusNow(
        project, status.status, status.reason, statuses(outcome.standing), outcome.changed, outcome.waits_until
    )


def call_off_unarchiving(call: Call) -> None:
    """Say that the project of the path stays archived."""
    unarchive.call_off_unarchiving(call.index, call.caller, _project(call))


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


def _status(act: Act, summary: str, body: type[Input] | None = StatusRequest) -> Operation:
    transition = lifecycle.TRANSITIONS[act]
    return Operation(
        method="POST",
        path=f"/projects/{{project}}/{act}",
        name=f"{act}Project",
        summary=summary,
        tag="life",
        handler=partial(change_status, act=act),
        body=body if transition.takes else None,
        answer=StatusNow,
        needs=transition.action,
        idempotent=transition.target is None or transition.target in transition.sources,
    )


OPERATIONS = (
    _yank("yank", "Yank files: only who pins them still gets them (PEP 592).", YankRequest,
          partial(set_yank, yanked=True)),
    _yank("unyank", "Take a yank back.", Selected, partial(set_yank, yanked=False)),
    _status("archive", "Archive a project: it stays on offer and takes no new files."),
    _status("unarchive", "Take an archiving back: the project takes new files again, at once or after a wait."),
    Operation(
        method="DELETE",
        path="/projects/{project}/unarchiving",
        name="callOffUnarchiving",
        summary="Call off an unarchiving that waits; any owner may.",
        tag="life",
        handler=call_off_unarchiving,
        status=204,
        needs="archive",
    ),
    _status("finish", "Say that a project does what it was made for, and that only fixes are planned."),
    _status("resume", "Say that work on a finished project goes on."),
    _status("deprecate", "Deprecate a project: advise against using it, and say what to use instead.",
            DeprecateRequest),
    _status("undeprecate", "Take a deprecation back."),
    _status("wish", "Say what the owners wish for a project: help, or somebody to hand it to.", WishRequest),
    _status("reclassify", "Say how much would go wrong if a project went wrong.", ClassRequest),
)  # fmt: skip
