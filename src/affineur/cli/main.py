"""The program `affineur` and its commands. Each command imports what it needs when it runs: help stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="affineur",
    help="A Python package index that looks after the whole life of a project.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the index.", show_default="data")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file.", show_default="affineur.toml in the data folder"),
]


@app.command()
def init(
    data: Data = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Set up an empty index; prints the first operator's token, once."""
    from datetime import UTC, datetime

    import orjson

    from affineur.actions.found import found
    from affineur.shell.index import open_index

    from .start import read_settings

    index = open_index(read_settings(data, config).settings)
    founded = found(index, datetime.now(UTC))
    index.close()
    if as_json:
        typer.echo(
            orjson.dumps({"operator": founded and founded.operator, "token": founded and founded.token}).decode()
        )
    elif founded:
        typer.echo(f"Token of the first operator ({founded.operator}), shown only now: {founded.token}")
    else:
        typer.echo("This index is set up already; nothing was changed.")


@app.command()
def serve(
    data: Data = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Number of serving processes.")] = None,
    edge: Annotated[str | None, typer.Option(help="nginx in front: `auto`, `off`, or the path of its binary.")] = None,
    background: Annotated[
        bool, typer.Option(help="Do background work here; else run `affineur work` beside it.")
    ] = True,
) -> None:
    """Serve the index; sets up an empty one on first start."""
    from . import serve as serving
    from .start import read_settings

    settings = read_settings(data, config, host=host, port=port, workers=workers, edge=edge).settings
    raise typer.Exit(serving.serve(settings, background=background))


@app.command()
def work(data: Data = None, config: Config = None) -> None:
    """Do the background work of an index that is served elsewhere with `--no-background`."""
    from . import serve as serving
    from .start import open_existing

    index = open_existing(data, config)
    index.close()
    serving.run_background(index.settings)


def main() -> None:
    """The entry point."""
    app()
