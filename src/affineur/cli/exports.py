"""`affineur export`: the index as a static site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Config, Data


def register(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command("export")(export_site)


def export_site(
    folder: Annotated[
        Path, typer.Argument(help="Where to write: an empty folder, or one exported to before.", show_default=False)
    ],
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy files, where hard links would tie them to this index.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Write every page, also those that seem right.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the index as a static site that any web server can host.

    Run it again to bring the folder up to date: only what has changed is written, and what is gone is removed.
    """
    from dataclasses import asdict

    from affineur.projections.export import export

    from .progress import progress
    from .start import open_existing, print_json

    index = open_existing(data, config)
    try:
        with progress() as tell:
            done = export(index, folder, copy=copy, everything=everything, tell=tell)
    finally:
        index.close()
    if as_json:
        print_json(asdict(done))
        return
    typer.echo(
        f"{done.projects:,} projects: {done.pages_written:,} pages written, {done.pages_removed:,} removed; "
        f"{done.files_linked:,} files linked, {done.files_copied:,} copied, {done.files_removed:,} removed."
    )
