"""`affineur follow`: keep a read-only mirror of another index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from affineur.shell.index import Index


def register(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command()(follow)


def follow(
    url: Annotated[
        str | None,
        typer.Argument(
            help="The index: https://host/ or its https://host/simple/",
            show_default="the setting `follows`, or as before",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when everything that is there now is here.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far it is, and do nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Go on although something was found that must not be believed.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Pages and files that are fetched at a time.")] = 4,
    poll_seconds: Annotated[
        float, typer.Option(min=1, help="Pause between two looks at an index that keeps no journal.")
    ] = 60.0,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="UPSTREAM_TOKEN",
            help="Password or token of a private index. Give it in the environment: arguments are seen by everyone "
            "on the machine.",
        ),
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Keep this data folder a read-only mirror of another index, stop orders first.

    Another Affineur is followed by its journal; of any other index the pages are compared. `affineur serve` with the
    setting `follows` does the same in the background.
    """
    import signal
    import threading

    from affineur.projections.mirroring import Manner
    from affineur.projections.mirroring import follow as follow_index
    from affineur.shell.following import followed_url

    from .start import EXIT_REFUSED, EXIT_USAGE, fail, open_existing

    index = open_existing(data, config)
    if status:
        raise typer.Exit(_say_status(index, as_json))
    address = url or followed_url(index.settings)
    if not address:
        fail("Name the index to follow, or set `follows`.", EXIT_USAGE)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    manner = Manner(token or index.settings.follows_token or None, jobs, poll_seconds, again)
    refusal = follow_index(index, address, stop, manner, once=once)
    if refusal is not None:
        fail(f"{refusal.sentence}  [{refusal.rule}]", EXIT_REFUSED)
    if once:
        _say_status(index, as_json)


def _say_status(index: Index, as_json: bool) -> int:
    """Print how following goes; the exit status: 1 where it was stopped, or nothing is followed."""
    from affineur.projections.pages import read_mark
    from affineur.shell.following import recall
    from affineur.shell.store import journal

    from .start import EXIT_REFUSED, print_json

    found = recall(index.settings)
    if found is None:
        typer.echo("This data folder follows no other index.")
        return EXIT_REFUSED
    with index.store.read() as connection:
        serial, digest = journal.head(connection)
    shown = read_mark(index)
    if as_json:
        said = {
            "url": found.url, "kind": found.kind, "origin": found.origin, "serial": serial, "hash": digest,
            "shown": shown, "head": found.head, "heard_at": found.heard_at, "trouble": found.trouble,
            "stopped": found.stopped and {"rule": found.stopped.rule, "reason": found.stopped.sentence,
                                          "at": found.stopped.at},
        }  # fmt: skip
        print_json(said)
    else:
        behind = f", {found.head - shown} entries behind" if found.head > shown else ""
        typer.echo(f"Follows {found.url} ({found.kind or 'not reached yet'}): shows serial {shown}{behind}.")
        typer.echo(f"Last heard of: {found.heard_at.isoformat(timespec='seconds') if found.heard_at else 'never'}.")
        if found.trouble:
            typer.echo(f"Held up: {found.trouble}")
        if found.stopped:
            typer.echo(f"STOPPED: {found.stopped.sentence}  [{found.stopped.rule}]")
    return EXIT_REFUSED if found.stopped else 0
