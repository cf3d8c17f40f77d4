"""What `affineur status PROJECT` shows: what state a project is in, what may be done, and what to look at.

Here and elsewhere alike. What does not live here: the state of an index (`standing`), and the acts (`life`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from .place import Place
from .remote.paths import of_project

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote


def show_state(place: Place, project: str, as_json: bool) -> None:
    """Print the state of a project. `Refused` where there is none of that name."""
    from .remote.problems import printable
    from .start import print_json

    found = place.carry_out(lambda index, by: _here(index, by, project), lambda remote: _there(remote, project))
    if as_json:
        print_json(found)
        return
    for line in _lines(found):
        typer.echo(printable(line) if line else "")


def _here(index: Index, by: Caller, project: str) -> dict[str, Any]:
    """As the API tells it: its own answers, without a request."""
    from affineur.actions.state import signals_of, state_of
    from affineur.core.life import extension
    from affineur.core.life.standing import project_status, statuses
    from affineur.core.names import parse_name

    name = parse_name(project)
    state = state_of(index, by.actor, name, by.now)
    found = state.project
    status = project_status(found.standing)
    return {
        "project": name,
        "status": status.status,
        "reason": status.reason,
        "statuses": statuses(found.standing),
        "serial": found.serial,
        "about": extension.member(found.standing, name, found.created_at, index.origin),
        "unarchives_at": found.unarchives_at,
        "acts": [
            {
                "act": each.act,
                "allowed": each.decision.allowed,
                "rule": each.decision.rule,
                "reason": each.decision.reason or None,
                "ways_out": list(each.decision.ways_out),
            }
            for each in state.acts
        ],
        "releases": [
            {
                "version": each.version,
                "since": each.since,
                "window": each.window,
                "closes_at": each.closes_at,
                "files": each.files,
                "yanked": each.yanked,
                "held": each.hold.kind if each.hold else None,
            }
            for each in state.releases
        ],
        "signals": [
            {"kind": each.kind, "text": each.text, "since": each.since}
            for each in signals_of(index, by.actor, name, by.now)
        ],
    }


def _there(remote: Remote, project: str) -> dict[str, Any]:
    from .remote.problems import RemoteFault

    found: dict[str, Any] = remote.get(of_project(project, "status"))
    try:
        found["signals"] = list(remote.every(of_project(project, "signals")))
    except RemoteFault as fault:
        if not (fault.rule or "").startswith("access."):
            raise
        found["signals"] = None  # nobody else's business
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    about = found["about"]
    why = f" ({found['reason']})" if found["reason"] else ""
    lines = [f"{found['project']} is {found['status']}{why}.", ""]
    rows = [
        ("facts", ", ".join(found["statuses"])),
        ("maintenance", _dated(about["maintenance"])),
        ("advice", _dated(about["advice"])),
        ("use instead", ", ".join(f"{one['name']}{one['specifier']}" for one in about["advice"]["replacements"])),
        ("custody", f"{about['custody']['state']}, wish: {about['custody']['wish']}"),
        ("safety", about["safety"]["state"]),
        ("availability", about["availability"]["state"]),
        ("impact", about.get("impact", {}).get("class", "not measured")),
        ("unarchived", f"on {str(found['unarchives_at'])[:16]} UTC" if found["unarchives_at"] else ""),
        ("serial", str(found["serial"])),
    ]
    lines += [f"{name:<13} {value}" for name, value in rows if value]
    for one in about["safety"]["holds"]:
        place = one.get("filename") or one.get("version") or "all of it"
        lines.append(f"{'held':<13} {place}: {one['state']}, {one['reason'] or 'no reason given'} (case {one['case']})")
    lines += ["", *(_release(one) for one in found["releases"])]
    lines += ["", *(_act(one) for one in found["acts"])]
    if found["signals"]:
        lines += ["", *(f"look at: {one['text']}" for one in found["signals"])]
    return lines


def _dated(value: dict[str, Any]) -> str:
    return f"{value['state']} since {value['since'][:10]}" if value["since"] else str(value["state"])


def _release(one: dict[str, Any]) -> str:
    until = f" until {str(one['closes_at'])[:10]}" if one["closes_at"] and one["window"] == "open" else ""
    yanked = f", {one['yanked']} yanked" if one["yanked"] else ""
    held = f", {one['held']}" if one["held"] else ""
    count = "1 file" if one["files"] == 1 else f"{one['files']} files"
    return f"release {one['version']}: {one['window']} to new files{until}, {count}{yanked}{held}"


def _act(one: dict[str, Any]) -> str:
    if one["allowed"]:
        return f"can {one['act']}"
    said = " ".join((one["reason"], *one["ways_out"]))
    return f"cannot {one['act']}: {said}  [{one['rule']}]"
