"""The command that reads the security log: that of this machine's index, or one's own on an index elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import AsJson
from .place import Place, somewhere

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index
    from affineur.shell.store.security import Recorded

    from .remote.client import Remote


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command("log")(somewhere(show_log))


def show_log(
    place: Place,
    every: Annotated[
        bool, typer.Option("--all", help="Elsewhere: everybody's, for operators and auditors, not only your own.")
    ] = False,
    account: Annotated[str | None, typer.Option(help="Only events about or by this account.")] = None,
    project: Annotated[str | None, typer.Option(help="Only events about this project.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this kind, as the reference lists them.")] = None,
    since: Annotated[str | None, typer.Option(help="Not before: a date (2026-01-31) or a moment (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option(help="Until then, written alike; a date includes that day.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many; 0: all.", min=0)] = 100,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with a line of names.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the security log: what happened to accounts, tokens and roles, newest first.

    On this machine that of the whole index; elsewhere your own, or with `--all` or `--account` everybody's. With
    `--json` one event a line. Nothing in the log can be changed.
    """
    asked: dict[str, Any] = {
        "event": event,
        "outcome": "refused" if refused else None,
        "project": project,
        "since": _moment(since),
        "until": _moment(until, end=True),
    }

    def here(index: Index, _: Caller) -> None:
        _print(_kept(index, account, asked, limit), as_json, as_csv)

    def there(remote: Remote) -> None:
        wanted = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asked.items()}
        where, more = ("/events", {"account": account}) if every or account else ("/account/events", {})
        _print(map(_recorded, remote.every(where, wanted | more, most=limit or None)), as_json, as_csv)

    place.carry_out(here, there)


def _kept(index: Index, account: str | None, asked: dict[str, Any], limit: int) -> Iterator[Recorded]:
    """The events of this machine's index. Ends the program where there is no such account or event."""
    from itertools import islice

    from affineur.core.security import EVENTS
    from affineur.projections.security_log import events
    from affineur.shell.store import accounts
    from affineur.shell.store.security import Filter

    from .start import EXIT_REFUSED, EXIT_USAGE, fail

    if asked["event"] is not None and asked["event"] not in EVENTS:
        fail(f"There is no event {asked['event']!r}.", EXIT_USAGE)
    key = None
    if account is not None:
        with index.store.read() as connection:
            key = accounts.ever(connection, account)
        if key is None:
            fail(f"There is no account '{account}' on this index.", EXIT_REFUSED)
    return islice(events(index, Filter(key, **asked)), limit or None)


def _recorded(found: dict[str, Any]) -> Recorded:
    """An event as the API tells it."""
    from dataclasses import fields

    from affineur.shell.store.security import Recorded

    known = {each.name: found[each.name] for each in fields(Recorded)}
    return Recorded(**known | {"at": datetime.fromisoformat(found["at"])})


def _print(found: Iterable[Recorded], as_json: bool, as_csv: bool) -> None:
    import sys

    from affineur.projections.security_log import csv_lines, json_lines

    from .remote.problems import printable

    if as_json or as_csv:
        for line in (json_lines if as_json else csv_lines)(found):
            sys.stdout.buffer.write(line)
        return
    for each in found:
        words = [f"{each.at:%Y-%m-%d %H:%M:%S}", each.event, each.account or "-", f"by {each.actor or 'the index'}"]
        words += [f"project {each.project}"] * bool(each.project) + [f"refused: {each.rule}"] * bool(each.rule)
        words += [f"from {each.address}"] * bool(each.address)
        typer.echo(printable("  ".join(words)))


def _moment(text: str | None, *, end: bool = False) -> datetime | None:
    from affineur.core.moments import moment

    from .start import EXIT_USAGE, fail

    if text is None:
        return None
    found = moment(text, end=end)
    if found is None:
        fail(f"{text!r} is no date. Write it as 2026-01-31.", EXIT_USAGE)
    return found
