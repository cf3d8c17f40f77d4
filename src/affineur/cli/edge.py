"""`affineur edge`: for people who run an nginx of their own in front of the index."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Config, Data

edge = typer.Typer(help="Serve pages and files through an nginx of your own.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(edge, name="edge")


@edge.callback()
def about() -> None:
    """Serve pages and files through an nginx of your own.

    With one that `affineur serve` starts itself, there is nothing to configure.
    """


@edge.command("config")
def edge_config(
    listen: Annotated[str, typer.Option(help="Where your nginx listens: what follows its `listen`.")] = "80",
    application: Annotated[
        str | None,
        typer.Option(help="Where `affineur serve --edge off` listens.", show_default="host and port of the settings"),
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a site for nginx, to be included inside its `http { ... }`.

    Affineur then runs with `--edge off` and `trusted_proxies` of at least 1.
    """
    from dataclasses import replace

    from affineur.web.edge.configuration import Place, Unwritable, server_part

    from .start import EXIT_USAGE, fail, read_settings

    settings = read_settings(data, config).settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    place = Place(listen, (application or f"{host}:{settings.port}",))
    if settings.trusted_proxies < 1:
        typer.echo("affineur: set trusted_proxies = 1, or the application takes every client for this nginx.", err=True)
    # To the application this nginx is one of the proxies; before it stand the others.
    seen_from_nginx = replace(settings, trusted_proxies=max(settings.trusted_proxies - 1, 0))
    try:
        typer.echo(server_part(seen_from_nginx, place), nl=False)
    except Unwritable as error:
        fail(str(error), EXIT_USAGE)
