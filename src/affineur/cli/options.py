"""Options and arguments that several commands share, with one help text each."""

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
Account = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]
Id = Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.", show_default=False)]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why; shown to everyone who installs (one line, at most 200 characters)."),
]
TokenProjects = Annotated[
    list[str] | None, typer.Option("--project", help="Narrow the token to this project; may be repeated.")
]
TokenActions = Annotated[
    list[str] | None,
    typer.Option("--action", help="What it may do: upload, yank, archive, read, manage; may be repeated."),
]
TokenLabel = Annotated[str, typer.Option("--label", help="What it is for; shown in lists.")]
