"""Commands that look after an index: status, check, mend, copy, and what its settings are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Config, Data
from .place import Place, somewhere


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command()(somewhere(status))
    for command in (config, migrate, fsck, rebuild, backup, restore):
        app.command()(command)


def status(
    place: Place,
    project: Annotated[str | None, typer.Argument(help="Only this project.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the index holds, and what lags behind; or the state of a project.

    Of a project: every fact, each release, each act with what stands against it, and what its owners should look at.
    Works for projects of an index elsewhere, too.
    """
    from .standing import describe, read_status
    from .start import EXIT_USAGE, fail, open_existing, print_json

    if project is not None:
        from .state import show_state

        show_state(place, project, as_json)
        return
    if place.is_remote:
        fail("Which project? Of an index elsewhere, the state of projects is shown.", EXIT_USAGE)
    index = open_existing(place.data, place.config)
    found = read_status(index)
    index.close()
    if as_json:
        print_json(found)
    else:
        typer.echo(describe(found))


def config(
    name: Annotated[str | None, typer.Argument(help="Only this setting.", show_default=False)] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting, its value and where it comes from.

    Also its default and what it is for. Passwords in addresses are hidden.
    """
    from .configuration import rows, show
    from .start import EXIT_USAGE, fail, print_json, read_settings

    found = [row for row in rows(read_settings(data, config)) if name in (None, row["name"])]
    if not found:
        fail(f"There is no setting {name!r}. `affineur config` lists them all.", EXIT_USAGE)
    if as_json:
        print_json(found)
    else:
        typer.echo(show(found))


def migrate(data: Data = None, config: Config = None) -> None:
    """Bring an older database to this version's schema.

    Stop the server and make a backup first; there is no way back but that.
    """
    from affineur.shell.index import open_index
    from affineur.shell.store.engine import SCHEMA_REVISION

    from .start import EXIT_NOT_READY, fail, read_settings, require_files

    settings = read_settings(data, config).settings
    require_files(settings)
    index = open_index(settings)
    before = index.store.revision()
    if before is None:
        fail("The database is empty. Run `affineur init` first.", EXIT_NOT_READY)
    if before > SCHEMA_REVISION:
        fail(
            f"The database has schema {before}, newer than this program's {SCHEMA_REVISION}. Update the program.",
            EXIT_NOT_READY,
        )
    index.store.create()
    after = index.store.revision()
    index.close()
    typer.echo(f"The database has schema {after} already." if after == before else f"Schema {before} → {after}.")


def fsck(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes of files instead of reading them.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check everything, and name each fault.

    Database, journal, files, pages, links and search are held against each other; each fault is named along with
    what mends it. Safe while the index is served. The exit status is 4 where there is damage.
    """
    from collections import Counter
    from datetime import UTC, datetime

    from affineur.projections.check import KINDS, check

    from .progress import progress
    from .start import EXIT_DAMAGED, open_unchecked, print_json

    index = open_unchecked(data, config)
    found = []
    with progress() as tell:
        for finding in check(index, datetime.now(UTC), quick=quick, tell=tell):
            found.append(finding)
            if not as_json:
                typer.echo(f"{finding.kind}: {finding.subject}: {finding.detail}")
    index.close()
    damage = Counter(finding.kind for finding in found if finding.is_damage)
    if as_json:
        print_json(
            {
                "clean": not damage,
                "findings": [
                    {"kind": each.kind, "subject": each.subject, "detail": each.detail, "mend": KINDS[each.kind].mend}
                    for each in found
                ],
            }
        )
    elif not damage:
        typer.echo("No damage found.")
    else:
        for mend, way in _WAYS.items():
            kinds = [f"{count} {kind}" for kind, count in damage.items() if KINDS[kind].mend == mend]
            if kinds:
                typer.echo(f"{', '.join(kinds)}: {way}", err=True)
    if damage:
        raise typer.Exit(EXIT_DAMAGED)


_WAYS = {
    "rebuild": "`affineur rebuild` mends this.",
    "sweep": "`affineur rebuild --sweep` removes this.",
    "backup": "this cannot be derived from anything else here; take it from a backup: single files are in its "
    "`blobs/` under the same names, all of it comes back with `affineur restore`.",
}


def rebuild(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help="Any of `rows`, `pages`, `root`, `search`, `dependents`, `statuses`.", show_default="all of them"
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also remove left-over files and blobs of no file, older than an hour.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make everything that is derived anew.

    That is sums, pages and links, the list of all projects, search, who depends on whom, and the status files.
    Safe while the index is served.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from affineur.projections.mend import PARTS
    from affineur.projections.mend import rebuild as mend

    from .progress import progress
    from .start import EXIT_DAMAGED, EXIT_USAGE, fail, open_existing, print_json

    chosen = [part for part in PARTS if part in (parts or PARTS)]
    unknown = set(parts or ()) - set(PARTS)
    if unknown:
        fail(
            f"There is nothing called {', '.join(sorted(unknown))} to rebuild; there are {', '.join(PARTS)}.",
            EXIT_USAGE,
        )
    index = open_existing(data, config)
    with progress() as tell:
        mended = mend(index, datetime.now(UTC), chosen, sweep=sweep, tell=tell)
    index.close()
    if as_json:
        print_json(asdict(mended))
    else:
        typer.echo(
            f"{mended.projects:,} projects written, {mended.documents:,} made findable; {mended.sums} sums corrected, "
            f"{mended.edges} requirements corrected, "
            f"{mended.links_replaced} links replaced, {mended.blobs_taken_back} blobs taken back, "
            f"{mended.swept} left-overs removed."
        )
    for path in mended.without_contents:
        typer.echo(f"{path}: its contents are lost; take them from a backup.", err=True)
    if mended.without_contents:
        raise typer.Exit(EXIT_DAMAGED)


def backup(
    target: Annotated[Path, typer.Argument(help="Folder of the backup; an older one in it is brought up to date.")],
    link: Annotated[
        bool,
        typer.Option("--link", help="Hard links instead of copies (same file system; guards against mistakes only)."),
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also read what is in the backup already, and copy what is wrong again.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy the whole index, also while it is served.

    Rows, files and the request log go into a plain folder that either database can be restored from. Only new
    files are copied into an existing backup. Settings are not part of it.
    """
    from datetime import UTC, datetime

    from affineur.shell.backup import backup as copy

    from .progress import progress
    from .sizes import show_size
    from .start import EXIT_DAMAGED, open_existing, print_json

    index = open_existing(data, config)
    with progress() as tell:
        done = copy(index, target, datetime.now(UTC), link=link, verify=verify, tell=tell)
    index.close()
    manifest = done.manifest
    if as_json:
        print_json(
            {
                "serial": manifest.serial,
                "blobs": manifest.blobs,
                "blob_bytes": manifest.blob_bytes,
                "copied": done.copied,
                "copied_bytes": done.copied_bytes,
                "faults": manifest.faults,
            }
        )
    else:
        typer.echo(
            f"{target} holds the index as of serial {manifest.serial}: {manifest.blobs:,} blobs "
            f"({show_size(manifest.blob_bytes)}), {done.copied:,} of them new ({show_size(done.copied_bytes)})."
        )
    for fault in manifest.faults:
        typer.echo(f"{fault} `affineur fsck` says which file needs it.", err=True)
    if manifest.faults:
        raise typer.Exit(EXIT_DAMAGED)


def restore(
    source: Annotated[Path, typer.Argument(help="Folder of the backup.")],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a new index from a backup.

    It has the same pages, byte for byte, and the same files, tokens and journal.

    Database and blob store may be others than those the backup was made of; they must be empty.
    """
    from datetime import UTC, datetime

    from affineur.projections.mend import rebuild as mend
    from affineur.shell import logs
    from affineur.shell.backup import read_manifest
    from affineur.shell.backup import restore as fill
    from affineur.shell.index import open_index

    from .progress import progress
    from .start import EXIT_DAMAGED, print_json, read_settings

    settings = read_settings(data, config).settings
    read_manifest(source)  # before anything is made
    logs.configure(settings.log_level)
    index = open_index(settings)
    with progress() as tell:
        done = fill(source, index, tell=tell)
        mended = mend(index, datetime.now(UTC), tell=tell)
    index.close()
    manifest = done.manifest
    if as_json:
        print_json({"serial": manifest.serial, "projects": mended.projects, "blobs": done.copied})
    else:
        typer.echo(
            f"{index.settings.data} is restored as of serial {manifest.serial} "
            f"({manifest.created_at:%Y-%m-%d %H:%M} UTC): {mended.projects:,} projects, {done.copied:,} blobs."
        )
    for fault in manifest.faults:
        typer.echo(f"{fault} It was lost before the backup was made.", err=True)
    if manifest.faults:
        raise typer.Exit(EXIT_DAMAGED)
