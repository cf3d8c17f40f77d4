"""Commands about mail: what waits in the outbox, trying again, and a test."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Config, Data

if TYPE_CHECKING:
    from affineur.shell.mail.rendering import House
    from affineur.shell.store.outbox import OutboxRow

mail = typer.Typer(help="See what mail waits, and try again.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(mail, name="mail")


@mail.command("list")
def mail_list(
    every: Annotated[bool, typer.Option("--all", help="Also those that were sent, in the last 90 days.")] = False,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=100_000)] = 100,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List mails that are not sent, newest first.

    Links that work once are shown, so that you can hand them over in another way where there is no mail server.
    Whoever has such a link can act as the person it is for.
    """
    from affineur.shell.mail.rendering import House
    from affineur.shell.store import outbox

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        found = outbox.mails(connection, unsent_only=not every, limit=limit)
    house = House.of(index.settings)
    has_server = bool(index.settings.mail_server)
    index.close()
    if as_json:
        print_json([_facts(row, house, has_server) for row in found])
        return
    for row in found:
        typer.echo(_line(row, house, has_server))
    if not found:
        typer.echo("No mail waits." if not every else "There is no mail.", err=True)


@mail.command("retry")
def mail_retry(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[ID]…", help="As `mail list` shows them; none: all that wait or failed."),
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send mails again that wait or failed.

    They are due now, and the background process sends them. What was sent is never sent again, and what failed more
    than 14 days ago is not kept.
    """
    from datetime import UTC

    from affineur.shell.store import outbox

    from .start import EXIT_REFUSED, fail, open_existing, print_json

    index = open_existing(data, config)
    with index.store.write() as connection:
        due = outbox.retry(connection, datetime.now(UTC), numbers or None)
    has_server = bool(index.settings.mail_server)
    index.close()
    if as_json:
        print_json({"due": due})
    else:
        for number in due:
            typer.echo(f"{number}: due now")
        if not due and not numbers:
            typer.echo("No mail waits.", err=True)
        if due and not has_server:
            typer.echo("There is no mail server (`mail_server`): they wait.", err=True)
    if left := sorted(set(numbers or ()) - set(due)):
        fail(f"Cannot be sent: {', '.join(map(str, left))}. They were sent already, or are not kept.", EXIT_REFUSED)


@mail.command("test")
def mail_test(
    address: Annotated[str, typer.Argument(help="Where to send it.", show_default=False)],
    data: Data = None,
    config: Config = None,
) -> None:
    """Send a test to an address, at once, and say what the mail server answers."""
    from datetime import UTC

    from affineur.projections.post import send_test
    from affineur.shell.mail.letters import UnfitMail, require_address
    from affineur.shell.mail.sending import parse_server

    from .start import EXIT_NOT_READY, EXIT_REFUSED, EXIT_USAGE, fail, open_existing

    try:
        require_address(address)
    except UnfitMail:
        fail(f"{address!r} is not one e-mail address.", EXIT_USAGE)
    index = open_existing(data, config)
    server = parse_server(index.settings.mail_server)
    if server is None:
        fail("There is no mail server. Set `mail_server` first.", EXIT_NOT_READY)
    outcome = send_test(index, server, address, datetime.now(UTC))
    index.close()
    if outcome.result == "away":
        fail(f"The mail server {server.host}:{server.port} cannot be used: {outcome.said}", EXIT_NOT_READY)
    if outcome.result != "sent":
        fail(f"{server.host}:{server.port} does not take it: {outcome.said}", EXIT_REFUSED)
    typer.echo(f"{server.host}:{server.port} took a test for {address}.")


def _facts(row: OutboxRow, house: House, has_server: bool) -> dict[str, object]:
    return {
        "id": row.id,
        "to": row.to_address,
        "letter": row.template,
        "state": _state(row, has_server),
        "link": _link(row, house),
        "created_at": row.created_at,
        "due_at": row.due_at,
        "attempts": row.attempts,
        "sent_at": row.sent_at,
        "failed_at": row.failed_at,
        "last_error": row.last_error,
    }


def _line(row: OutboxRow, house: House, has_server: bool) -> str:
    why = f" ({row.last_error})" if row.last_error else ""
    when = f", next attempt {row.due_at:%Y-%m-%d %H:%M} UTC" if row.attempts and row.failed_at is None else ""
    link = _link(row, house)
    shown = f"\n    {link}" if link else ""
    state = _state(row, has_server)
    tail = "" if state == "sent" else f"{when}{why}"
    return f"{row.id}  {row.created_at:%Y-%m-%d %H:%M} UTC  {row.to_address}  {row.template}  {state}{tail}{shown}"


def _state(row: OutboxRow, has_server: bool) -> str:
    if row.sent_at is not None:
        return "sent"
    if row.failed_at is not None:
        return "failed"
    return "waiting" if has_server else "not sent: no mail server"


def _link(row: OutboxRow, house: House) -> str | None:
    """The address that works once, of a mail that has one and was not sent."""
    from affineur.shell.mail.rendering import link_to

    path = row.values.get("link")
    return None if path is None else link_to(str(path), house)
