"""Commands that change how the world sees a project: yank, archive, finish, deprecate, wish, and back.

Each works on this machine's own index and on one elsewhere; most take many projects at once. What does not live here:
how an act is done on each of them and shown (`many`), and what state a project is in (`state`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .many import DryRun, Listed, Order, Projects, carry_out, meant
from .options import AsJson, Project, Reason
from .place import Place, somewhere
from .remote.paths import of_project, path

if TYPE_CHECKING:
    from affineur.core.life.lifecycle import Act, Said
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

Version = Annotated[str | None, typer.Argument(help="Only this release.", show_default=False)]
Versions = Annotated[
    str | None, typer.Option("--versions", metavar="SPEC", help="Only releases that fit, such as '>=1,<2'.")
]
File = Annotated[str | None, typer.Option("--file", help="Only the file of this name.")]
Code = Annotated[
    str | None, typer.Option("--code", help="Why, in a word: broken, insecure, wrong, superseded, legal, other.")
]
Use = Annotated[
    list[str] | None,
    typer.Option("--use", metavar="NAME[SPEC]", help="What to use instead, such as 'feta>=2'; may be repeated."),
]
Wish = Annotated[
    str, typer.Argument(metavar="WISH", help="help, handoff, adopt, no-transfer, or none.", show_default=False)
]
Impact = Annotated[str, typer.Argument(metavar="CLASS", help="C0 (unused) to C4 (critical).", show_default=False)]
Basis = Annotated[str | None, typer.Option("--basis", help="How that is known; shown with it.")]
CallOff = Annotated[bool, typer.Option("--call-off", help="Call off an unarchiving that waits; any owner may.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    acts = (yank, unyank, archive, unarchive, finish, resume, deprecate, undeprecate, wish, reclassify)
    for command in acts:
        app.command()(somewhere(command))


def yank(
    place: Place,
    project: Project,
    version: Version = None,
    versions: Versions = None,
    file: File = None,
    reason: Reason = None,
    code: Code = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Yank files: only who pins them still gets them.

    Installers pass over yanked files unless they are pinned exactly (PEP 592). Yanks all files of a project, of
    one release, of every release that fits, or a single file. Nothing is taken away.
    """
    said = {"reason": reason, "code": code}
    _set_yanked(place, project, {"version": version, "versions": versions, "file": file}, said, dry_run, as_json)


def unyank(
    place: Place,
    project: Project,
    version: Version = None,
    versions: Versions = None,
    file: File = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take a yank back."""
    _set_yanked(place, project, {"version": version, "versions": versions, "file": file}, None, dry_run, as_json)


def archive(
    place: Place,
    project: Projects = None,
    listed: Listed = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Archive projects: they stay on offer and take no new files."""
    _act(place, "archive", {"reason": reason}, project, listed, dry_run, as_json)


def unarchive(
    place: Place,
    project: Projects = None,
    listed: Listed = None,
    call_off: CallOff = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take an archiving back: projects take new files again.

    Of a project that many depend on, one owner's word takes effect after three days; another owner does it at once.
    Its trusted publishers publish again when an owner has confirmed them (`affineur publisher confirm`).
    """
    if call_off:
        _call_off(place, meant(project, listed))
    else:
        _act(place, "unarchive", {}, project, listed, dry_run, as_json)


def finish(
    place: Place,
    project: Projects = None,
    listed: Listed = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say that projects do what they were made for: fixes may come, nothing else is planned."""
    _act(place, "finish", {"reason": reason}, project, listed, dry_run, as_json)


def resume(
    place: Place, project: Projects = None, listed: Listed = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Say that work on finished projects goes on."""
    _act(place, "resume", {}, project, listed, dry_run, as_json)


def deprecate(
    place: Place,
    project: Projects = None,
    listed: Listed = None,
    use: Use = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Deprecate projects: advise against using them, and say what to use instead.

    Nothing else changes: installers go on as before, and nobody is moved anywhere.
    """
    _act(place, "deprecate", {"reason": reason, "use": use or []}, project, listed, dry_run, as_json)


def undeprecate(
    place: Place, project: Projects = None, listed: Listed = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take a deprecation back."""
    _act(place, "undeprecate", {}, project, listed, dry_run, as_json)


def wish(
    place: Place,
    wish: Wish,
    project: Projects = None,
    listed: Listed = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say what the owners wish for projects: help, somebody to hand them to, or that nobody asks."""
    _act(place, "wish", {"wish": wish}, project, listed, dry_run, as_json)


def reclassify(
    place: Place,
    impact: Impact,
    project: Projects = None,
    listed: Listed = None,
    basis: Basis = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say how much would go wrong if projects went wrong: protection for them, no duty for anybody."""
    _act(place, "reclassify", {"impact": impact, "basis": basis}, project, listed, dry_run, as_json)


def _act(
    place: Place,
    act: Act,
    given: dict[str, Any],
    projects: list[str] | None,
    listed: Any,
    dry_run: bool,
    as_json: bool,
) -> None:
    from affineur.core.life.lifecycle import Said
    from affineur.core.people.advice import parse_replacement

    instead = tuple(parse_replacement(each) for each in given.pop("use", ()))
    value = given.get("wish") or given.get("impact")
    said: Said = Said(given.get("reason"), replacements=instead, value=value, basis=given.get("basis"))
    body = dict(given)
    if act == "deprecate":
        body["replacements"] = [{"name": one.name, "specifier": one.specifier} for one in instead]
    carry_out(place, Order(act, said, body), projects, listed, dry_run, as_json)


def _call_off(place: Place, names: list[str]) -> None:
    def here(index: Index, by: Caller) -> None:
        from affineur.actions.unarchive import call_off_unarchiving
        from affineur.core.names import parse_name

        for name in names:
            call_off_unarchiving(index, by, parse_name(name))

    def there(remote: Remote) -> None:
        for name in names:
            remote.delete(of_project(name, "unarchiving"))

    place.carry_out(here, there)
    for name in names:
        typer.echo(f"{name} stays archived; its owners are told.")


def _set_yanked(
    place: Place,
    name: str,
    which: dict[str, str | None],
    said: dict[str, str | None] | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Yank what ``which`` names, for what is ``said``; None: take a yank back."""
    from affineur.core.names import parse_name
    from affineur.core.versions import canonical, parse_version, specified

    from .start import print_json

    project, yanked = parse_name(name), said is not None
    version = canonical(parse_version(which["version"])) if which["version"] else None

    def here(index: Index, by: Caller) -> list[str]:
        from affineur.actions.yank import Selection, foresee_yank, set_yanked

        fitting = specified(which["versions"]) if which["versions"] is not None else None
        selection = Selection(project, version, which["file"], specifier=fitting)
        why = (said or {}).get("reason"), (said or {}).get("code")
        if dry_run:
            return list(foresee_yank(index, by.actor, selection, yanked, by.now, *why))
        return list(set_yanked(index, by.actor, selection, yanked, by.now, *why, by.origin))

    def there(remote: Remote) -> list[str]:
        asked = {**which, "version": version, **(said or {})}
        return _yank_there(remote, "yank" if yanked else "unyank", project, asked, dry_run)

    changed = place.carry_out(here, there)
    if as_json:
        print_json({"project": project, "yanked": yanked, "changed": changed})
    else:
        _show_yanked(project, changed, yanked, dry_run)


def _yank_there(remote: Remote, verb: str, project: str, asked: dict[str, Any], dry_run: bool) -> list[str]:
    if not dry_run:
        changed: list[str] = remote.post(of_project(project, verb), asked)["changed"]
        return changed
    (result,) = remote.post(path("bulk", verb), {**asked, "projects": [project], "dry_run": True})["results"]
    if result["rule"]:
        from .remote.problems import refused

        raise refused(remote.index, 400, result)
    files: list[str] = result["files"]
    return files


def _show_yanked(project: str, changed: list[str], yanked: bool, dry_run: bool) -> None:
    from .remote.problems import printable

    word = "yanked" if yanked else "no longer yanked"
    for filename in changed:
        typer.echo(f"{printable(filename)}: {'would be ' if dry_run else ''}{word}")
    if not changed:
        was = "would be" if dry_run else "was"
        typer.echo(f"These files of {project} were {word} already; nothing {was} changed.")
