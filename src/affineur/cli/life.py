"""Commands that change how the world sees a project: yank, archive, deprecate, quarantine, and back.

Each works on this machine's own index and on one elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson, Project, Reason
from .place import Place, somewhere
from .remote.paths import of_project

if TYPE_CHECKING:
    from affineur.core.lifecycle import Act
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Version = Annotated[str | None, typer.Argument(help="Only this release.", show_default=False)]
File = Annotated[str | None, typer.Option("--file", help="Only the file of this name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (yank, unyank, archive, unarchive, deprecate, undeprecate, quarantine, clear):
        app.command()(somewhere(command))


def yank(
    place: Place,
    project: Project,
    version: Version = None,
    file: File = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Yank files: only who pins them still gets them.

    Installers pass over yanked files unless they are pinned exactly (PEP 592). Yanks all files of a project, of
    one release, or a single file. Nothing is taken away.
    """
    _set_yanked(place, project, version, file, True, reason, as_json)


def unyank(place: Place, project: Project, version: Version = None, file: File = None, as_json: AsJson = False) -> None:
    """Take a yank back."""
    _set_yanked(place, project, version, file, False, None, as_json)


def archive(place: Place, project: Project, reason: Reason = None, as_json: AsJson = False) -> None:
    """Archive a project: it stays on offer and takes no new files."""
    _set_status(place, "archive", project, reason, as_json)


def unarchive(place: Place, project: Project, as_json: AsJson = False) -> None:
    """Take an archiving back: the project takes new files again."""
    _set_status(place, "unarchive", project, None, as_json)


def deprecate(place: Place, project: Project, reason: Reason = None, as_json: AsJson = False) -> None:
    """Deprecate a project: advise against using it.

    Say in the reason what to use instead. Nothing else changes.
    """
    _set_status(place, "deprecate", project, reason, as_json)


def undeprecate(place: Place, project: Project, as_json: AsJson = False) -> None:
    """Take a deprecation back."""
    _set_status(place, "undeprecate", project, None, as_json)


def quarantine(place: Place, project: Project, reason: Reason = None, as_json: AsJson = False) -> None:
    """Quarantine a project: take it off offer for now.

    None of its files is on offer until it is cleared. Holds at once on the machine of the index, and tells mirrors
    to hide the project. Nothing is deleted.
    """
    _set_status(place, "quarantine", project, reason, as_json)


def clear(place: Place, project: Project, as_json: AsJson = False) -> None:
    """Lift a quarantine: everything is as it was before."""
    _set_status(place, "clear", project, None, as_json)


def _set_yanked(
    place: Place, name: str, version: str | None, file: str | None, yanked: bool, reason: str | None, as_json: bool
) -> None:
    from affineur.core.names import parse_name
    from affineur.core.versions import canonical, parse_version

    from .remote.problems import printable
    from .start import print_json

    project = parse_name(name)
    release = canonical(parse_version(version)) if version else None

    def here(index: Index, by: Caller) -> list[str]:
        from affineur.actions.yank import Selection, set_yanked

        return list(set_yanked(index, by.actor, Selection(project, release, file), yanked, by.now, reason))

    def there(remote: Remote) -> list[str]:
        asked = {"version": release, "file": file, **({"reason": reason} if yanked else {})}
        changed: list[str] = remote.post(of_project(project, "yank" if yanked else "unyank"), asked)["changed"]
        return changed

    changed = place.carry_out(here, there)
    if as_json:
        print_json({"project": project, "yanked": yanked, "changed": changed})
        return
    word = "yanked" if yanked else "no longer yanked"
    for filename in changed:
        typer.echo(f"{printable(filename)}: {word}")
    if not changed:
        typer.echo(f"These files of {project} were {word} already; nothing was changed.")


def _set_status(place: Place, act: Act, name: str, reason: str | None, as_json: bool) -> None:
    from affineur.core.lifecycle import TRANSITIONS
    from affineur.core.names import parse_name

    from .remote.problems import printable
    from .start import print_json

    project = parse_name(name)

    def here(index: Index, by: Caller) -> dict[str, Any]:
        from affineur.actions.hold import hold
        from affineur.actions.status import set_status
        from affineur.core.lifecycle import HOLDING, Said

        said = Said(reason=reason)
        outcome = (
            hold(index, by, act, project, said=said)
            if act in HOLDING
            else set_status(index, by.actor, act, project, by.now, said)
        )
        status = outcome.status
        return {"project": project, "status": status.status, "reason": status.reason, "changed": outcome.changed}

    def there(remote: Remote) -> dict[str, Any]:
        body = {"reason": reason} if TRANSITIONS[act].takes else None
        found: dict[str, Any] = remote.post(of_project(project, act), body)
        return found

    now = place.carry_out(here, there)
    if as_json:
        print_json(now)
        return
    why = f" ({now['reason']})" if now["reason"] else ""
    already = "" if now["changed"] else "; nothing was changed"
    typer.echo(printable(f"{project} is {now['status']}{why}{already}."))
