"""`affineur statuses`: what state every project is in, as one file."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import Config, Data


class Format(StrEnum):
    """What the file is."""

    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(statuses)


def statuses(
    form: Annotated[
        Format | None, typer.Option("--format", help="What to write.", show_default="what the file's name ends in")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.", show_default="standard output")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write what state every project is in, one row each, as of now.

    The same rows as at /statuses.jsonl and /statuses.parquet of a served index.
    """
    from tempfile import TemporaryDirectory

    from affineur.projections.statuses import write_to
    from affineur.shell.following import require_rows

    from .start import EXIT_USAGE, fail, open_existing

    chosen = form or next((one for one in reversed(Format) if str(output).endswith(f".{one}")), Format.JSONL)
    if output is not None and not output.absolute().parent.is_dir():
        fail(f"There is no folder {output.absolute().parent}.", EXIT_USAGE)
    if output is None and chosen is not Format.JSONL and sys.stdout.isatty():
        fail("That is nothing for a terminal: name a file with -o.", EXIT_USAGE)
    index = open_existing(data, config)
    try:
        require_rows(index.settings)
        if output is not None:
            write_to(index, output.absolute(), chosen.value)
            return
        with TemporaryDirectory(prefix="affineur-statuses-") as folder:
            made = Path(folder) / "statuses"
            write_to(index, made, chosen.value)
            _copy(made)
    finally:
        index.close()


def _copy(made: Path) -> None:
    import shutil

    with made.open("rb") as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer, 1024 * 1024)
    sys.stdout.buffer.flush()
