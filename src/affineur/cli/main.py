"""The program `affineur` and its commands. Each command imports what it needs when it runs: help stays quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from . import (
    accounts,
    campaigns,
    cases,
    company,
    dependents,
    examine,
    exports,
    follow,
    holds,
    impact,
    imports,
    journal,
    keeping,
    life,
    limits,
    log,
    login,
    machines,
    mail,
    messages,
    offices,
    publishers,
    roles,
    rules,
    statistics,
    statuses,
    tokens,
    webhooks,
)
from . import edge as edge_commands
from .errors import EXIT_CODES, explain
from .options import AsJson, Config, Data

app = typer.Typer(
    name="affineur",
    help="A Python package index that looks after the whole life of a project.",
    epilog="Exit status: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    no_args_is_help=True,
    rich_markup_mode=None,  # drawing boxes would cost every call of the program 0.2 s
    pretty_exceptions_enable=False,
)


@app.command()
def init(
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Set up an empty index.

    Prints the token of the first operator, once: only its digest is kept.
    """
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
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 picks a free one.", show_default="8040")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Number of serving processes.", show_default="2")] = None,
    edge: Annotated[
        str | None,
        typer.Option(help="nginx in front: `auto`, `off`, or the path of its binary.", show_default="auto"),
    ] = None,
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
    """Do background work beside `serve --no-background`.

    Pages, search and the list of all projects follow the journal, whoever wrote it.
    """
    from . import serve as serving
    from .start import open_existing

    index = open_existing(data, config)
    index.close()
    serving.run_background(index.settings)


accounts.register(app)
campaigns.register(app)
cases.register(app)
company.register(app)
dependents.register(app)
edge_commands.register(app)
examine.register(app)
exports.register(app)
follow.register(app)
holds.register(app)
impact.register(app)
imports.register(app)
journal.register(app)
keeping.register(app)
life.register(app)
limits.register(app)
log.register(app)
login.register(app)
machines.register(app)
mail.register(app)
messages.register(app)
offices.register(app)
publishers.register(app)
roles.register(app)
rules.register(app)
statistics.register(app)
statuses.register(app)
tokens.register(app)
webhooks.register(app)


def main() -> None:
    """The entry point. What can be expected to go wrong is said in a sentence; all else keeps its traceback."""
    try:
        app()
    except Exception as error:
        said = explain(error)
        if said is None:
            raise
        sys.stderr.write(f"affineur: {said[0]}\n")
        raise SystemExit(said[1]) from None
