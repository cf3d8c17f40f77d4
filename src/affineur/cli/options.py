"""Options that several commands share, with one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the index.", show_default="data")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="affineur.toml in the data folder"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Project = Annotated[str, typer.Argument(help="Name of the project, in any spelling.", show_default=False)]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why; shown to everyone who installs (one line, at most 200 characters)."),
]
