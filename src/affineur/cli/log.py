"""The command that reads the security log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from .options import AsJson, Config, Data


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("log")(show_log)


def show_log(
    account: Annotated[str | None, typer.Option(help="Only events about or by this account.")] = None,
    project: Annotated[str | None, typer.Option(help="Only events about this project.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this kind, as the reference lists them.")] = None,
    since: Annotated[str | None, typer.Option(help="Not before: a date (2026-01-31) or a moment (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option(help="Until then, written alike; a date includes that day.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many; 0: all.", min=0)] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with a line of names.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the security log: what happened to accounts, tokens and roles, newest first.

    With `--json` one event a line. Nothing in the log can be changed.
    """
    import sys
    from itertools import islice

    from affineur.core.security import EVENTS
    from affineur.projections.security_log import csv_lines, events, json_lines
    from affineur.shell.store import accounts
    from affineur.shell.store.security import Filter

    from .start import EXIT_REFUSED, EXIT_USAGE, fail, open_existing

    if event is not None and event not in EVENTS:
        fail(f"There is no event {event!r}.", EXIT_USAGE)
    span = _moment(since), _moment(until, end=True)
    index = open_existing(data, config)
    key = None
    if account is not None:
        with index.store.read() as connection:
            key = accounts.ever(connection, account)
        if key is None:
            fail(f"There is no account '{account}' on this index.", EXIT_REFUSED)
    found = events(index, Filter(key, project, event, "refused" if refused else None, *span))
    shown = islice(found, limit or None)
    if as_json or as_csv:
        for line in (json_lines if as_json else csv_lines)(shown):
            sys.stdout.buffer.write(line)
    else:
        for each in shown:
            words = [f"{each.at:%Y-%m-%d %H:%M:%S}", each.event, each.account or "-", f"by {each.actor or 'the index'}"]
            words += [f"project {each.project}"] * bool(each.project) + [f"refused: {each.rule}"] * bool(each.rule)
            words += [f"from {each.address}"] * bool(each.address)
            typer.echo("  ".join(words))
    index.close()


def _moment(text: str | None, *, end: bool = False) -> datetime | None:
    from affineur.core.moments import moment

    from .start import EXIT_USAGE, fail

    if text is None:
        return None
    found = moment(text, end=end)
    if found is None:
        fail(f"{text!r} is no date. Write it as 2026-01-31.", EXIT_USAGE)
    return found
