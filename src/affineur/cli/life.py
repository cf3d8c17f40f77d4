"""Commands that change how the world sees a project: yank, archive, deprecate, quarantine, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data, Project, Reason

if TYPE_CHECKING:
    from affineur.core.lifecycle import Act

Version = Annotated[str | None, typer.Argument(help="Only this release.", show_default=False)]
File = Annotated[str | None, typer.Option("--file", help="Only the file of this name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command in (yank, unyank, archive, unarchive, deprecate, undeprecate, quarantine, clear):
        app.command()(command)


def yank(
    project: Project,
    version: Version = None,
    file: File = None,
    reason: Reason = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Yank files: only who pins them still gets them.

    Installers pass over yanked files unless they are pinned exactly (PEP 592). Yanks all files of a project, of
    one release, or a single file. Nothing is taken away.
    """
    _set_yanked(project, version, file, True, reason, (data, config), as_json)


def unyank(
    project: Project,
    version: Version = None,
    file: File = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take a yank back."""
    _set_yanked(project, version, file, False, None, (data, config), as_json)


def archive(
    project: Project, reason: Reason = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Archive a project: it stays on offer and takes no new files."""
    _set_status("archive", project, reason, (data, config), as_json)


def unarchive(project: Project, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Take an archiving back: the project takes new files again."""
    _set_status("unarchive", project, None, (data, config), as_json)


def deprecate(
    project: Project, reason: Reason = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Deprecate a project: advise against using it.

    Say in the reason what to use instead. Nothing else changes.
    """
    _set_status("deprecate", project, reason, (data, config), as_json)


def undeprecate(project: Project, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Take a deprecation back."""
    _set_status("undeprecate", project, None, (data, config), as_json)


def quarantine(
    project: Project, reason: Reason = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Quarantine a project: take it off offer for now.

    None of its files is on offer until it is cleared. Holds at once on this machine, and tells mirrors to hide
    the project. Nothing is deleted.
    """
    _set_status("quarantine", project, reason, (data, config), as_json)


def clear(project: Project, data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Lift a quarantine: everything is as it was before."""
    _set_status("clear", project, None, (data, config), as_json)


def _set_yanked(
    name: str,
    version: str | None,
    file: str | None,
    yanked: bool,
    reason: str | None,
    where: tuple[Path | None, Path | None],
    as_json: bool,
) -> None:
    from datetime import UTC, datetime

    from affineur.actions.yank import Selection, set_yanked
    from affineur.core.access import SYSTEM
    from affineur.core.names import parse_name
    from affineur.core.versions import canonical, parse_version

    from .start import open_existing, print_json

    selection = Selection(parse_name(name), canonical(parse_version(version)) if version else None, file)
    index = open_existing(*where)
    changed = set_yanked(index, SYSTEM, selection, yanked, datetime.now(UTC), reason)
    index.close()
    if as_json:
        print_json({"project": selection.project, "yanked": yanked, "changed": changed})
        return
    word = "yanked" if yanked else "no longer yanked"
    for filename in changed:
        typer.echo(f"{filename}: {word}")
    if not changed:
        typer.echo(f"The files of {selection} were {word} already; nothing was changed.")


def _set_status(act: Act, name: str, reason: str | None, where: tuple[Path | None, Path | None], as_json: bool) -> None:
    from datetime import UTC, datetime

    from affineur.actions.status import set_status
    from affineur.core.access import SYSTEM
    from affineur.core.names import parse_name

    from .start import open_existing, print_json

    project = parse_name(name)
    index = open_existing(*where)
    outcome = set_status(index, SYSTEM, act, project, datetime.now(UTC), reason)
    index.close()
    status = outcome.status
    if as_json:
        print_json({"project": project, "status": status.status, "reason": status.reason, "changed": outcome.changed})
        return
    why = f" ({status.reason})" if status.reason else ""
    already = "" if outcome.changed else "; nothing was changed"
    typer.echo(f"{project} is {status.status}{why}{already}.")
