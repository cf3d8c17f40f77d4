"""One act on one project or many: which are meant, what became of each, and how that is shown.

Each project is its own transaction: what is refused for one is done for the others, each says so, and the exit status
tells that some were refused. What does not live here: the commands (`life`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .place import Place
from .remote.paths import of_project, path

if TYPE_CHECKING:
    from affineur.core.life.lifecycle import Act, Said
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Projects = Annotated[
    list[str] | None, typer.Argument(metavar="PROJECT...", help="Names, in any spelling.", show_default=False)
]
Listed = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Also the projects that FILE names, one a line; `-`: standard input."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would happen to each.")]
Result = dict[str, Any]

_AT_ONCE = 20
"""Projects in one request, so that a long list shows how far it is."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: ``said`` as acts take it, ``body`` the same as the API does."""

    act: Act
    said: Said
    body: dict[str, Any]


def carry_out(
    place: Place, order: Order, projects: Sequence[str] | None, listed: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Do it, show what became of each project, and end with `EXIT_REFUSED` where one was refused."""
    from .progress import progress
    from .start import EXIT_REFUSED, print_json

    names = meant(projects, listed)
    if len(names) == 1 and listed is None and not dry_run:
        (name,) = names
        now = place.carry_out(lambda index, by: _one(index, by, order, name), lambda remote: _ask(remote, order, name))
        print_json(now) if as_json else typer.echo(sentence(now, order.act))
        return
    results: list[Result] = []
    with progress() as tell:

        def take(found: Iterable[Result]) -> None:
            for each in found:
                results.append(each)
                tell(order.act, len(results), len(names))
                if not as_json:
                    typer.echo(sentence(each, order.act, dry_run))

        place.carry_out(
            lambda index, by: take(_each_here(index, by, order, names, dry_run)),
            lambda remote: take(_each_there(remote, order, names, dry_run)),
        )
    if as_json:
        print_json(results)
    refused = sum(each["rule"] is not None for each in results)
    if refused:
        typer.echo(f"{refused} of {len(results)} refused.", err=True)
        raise typer.Exit(EXIT_REFUSED)


def meant(projects: Sequence[str] | None, listed: Path | None) -> list[str]:
    """The projects that were named, each once, in any spelling. Ends the program where there is none.

    `Refused` (``name.format``) before anything is done, where one of them is no name.
    """
    import sys

    from affineur.core.names import parse_name

    from .start import EXIT_USAGE, fail

    lines: list[str] = []
    if listed is not None:
        lines = (sys.stdin.read() if str(listed) == "-" else listed.read_text()).splitlines()
    named = [line.partition("#")[0].strip() for line in lines]
    found = [parse_name(name) for name in (*(projects or ()), *named) if name]
    if not found:
        fail("Which project? Name one, or a file that does with --from.", EXIT_USAGE)
    return [str(name) for name in dict.fromkeys(found)]


def sentence(result: Result, act: Act, dry_run: bool = False) -> str:
    """What became of one project, on one line that does nothing to a terminal."""
    from affineur.core.life.lifecycle import TRANSITIONS

    from .remote.problems import printable

    name = result["project"]
    if result.get("rule"):
        said = " ".join((result["detail"], *result["ways_out"]))
        return printable(f"{name}: {'would be ' if dry_run else ''}refused: {said}  [{result['rule']}]")
    why = f" ({result['reason']})" if result["reason"] else ""
    if result.get("waits_until"):
        at = str(result["waits_until"]).replace("T", " ")[:16]
        will = "would happen" if dry_run else "happens"
        return printable(f"{name} is {result['status']}{why}; it {will} at {at} UTC, unless an owner calls it off.")
    if dry_run:
        is_now = f"would be {result['status']}" if result["changed"] else f"is {result['status']}"
        return printable(f"{name} {is_now}{why}{'' if result['changed'] else '; nothing would be changed'}.")
    if not result["changed"]:
        return printable(f"{name} is {result['status']}{why}; nothing was changed.")
    # Of what the one status does not tell, the act itself is named.
    shows = TRANSITIONS[act].target == result["status"]
    return printable(f"{name} is {result['status']}{why}.{'' if shows else ' ' + TRANSITIONS[act].means}")


def _one(index: Index, by: Caller, order: Order, name: str) -> Result:
    from affineur.actions.status import set_status
    from affineur.core.names import parse_name

    project = parse_name(name)
    return _shown(set_status(index, by.actor, order.act, project, by.now, order.said, by.origin))


def _ask(remote: Remote, order: Order, name: str) -> Result:
    found: Result = remote.post(of_project(name, order.act), order.body or None)
    return found


def _each_here(index: Index, by: Caller, order: Order, names: list[str], dry_run: bool) -> Iterator[Result]:
    from affineur.actions.status import foresee, set_status
    from affineur.core.decision import Refused
    from affineur.core.names import parse_name

    do: Callable[..., Any] = foresee if dry_run else set_status
    for name in names:
        try:
            yield _shown(do(index, by.actor, order.act, parse_name(name), by.now, order.said)) | {"rule": None}
        except Refused as refused:
            why = refused.decision
            yield {
                "project": name,
                "changed": False,
                "rule": why.rule,
                "detail": why.reason,
                "ways_out": list(why.ways_out),
                "facts": dict(why.facts),
            }


def _each_there(remote: Remote, order: Order, names: list[str], dry_run: bool) -> Iterator[Result]:
    for start in range(0, len(names), _AT_ONCE):
        asked = {**order.body, "projects": names[start : start + _AT_ONCE], "dry_run": dry_run}
        yield from remote.post(path("bulk", order.act), asked)["results"]


def _shown(outcome: Any) -> Result:
    """An outcome of `actions.status`, as the API tells it."""
    from affineur.core.life.standing import statuses

    return {
        "project": outcome.project,
        "status": outcome.status.status,
        "reason": outcome.status.reason,
        "statuses": statuses(outcome.standing),
        "changed": outcome.changed,
        "waits_until": outcome.waits_until,
    }
