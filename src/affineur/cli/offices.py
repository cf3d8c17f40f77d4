"""Commands about the people who look after the index: offices, and accounts that are frozen."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Config, Data

office = typer.Typer(help="Say who runs, moderates and audits this index.", no_args_is_help=True)

Account = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(office, name="office")
    app.command("freeze")(freeze_account)
    app.command("thaw")(thaw_account)


@office.command("set")
def office_set(
    account: Account,
    given: Annotated[
        str, typer.Argument(metavar="OFFICE", help="`operator`, `moderator` or `auditor`.", show_default=False)
    ],
    data: Data = None,
    config: Config = None,
) -> None:
    """Give an account an office, in the place of the one it holds."""
    from affineur.core.offices import OFFICES

    from .start import EXIT_USAGE, fail

    if given not in OFFICES:
        fail(f"OFFICE is {given!r}, but must be one of {', '.join(OFFICES)}.", EXIT_USAGE)
    changed = _set(account, given, data, config)
    typer.echo(f"{account} is {given} of this index{'' if changed else ' already'}.")


@office.command("clear")
def office_clear(account: Account, data: Data = None, config: Config = None) -> None:
    """Take an account's office back.

    On the console even that of the last operator: this command is the way to make another.
    """
    changed = _set(account, None, data, config)
    typer.echo(f"{account} holds no office{' any more' if changed else ''}.")


@office.command("list")
def office_list(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List who holds an office."""
    from affineur.shell.store import directory
    from affineur.shell.store.directory import Wanted

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        found = directory.listed(connection, Wanted(in_office=True), limit=1000)
    index.close()
    if as_json:
        print_json([{"account": each.name, "office": each.office, "frozen_at": each.frozen_at} for each in found])
        return
    for each in found:
        typer.echo(f"{each.name}  {each.office}{'  (frozen)' if each.frozen_at else ''}")


def freeze_account(
    account: Account,
    reason: Annotated[str, typer.Option(help="Why; mailed to its holder (one line, at most 200 characters).")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Freeze an account: its tokens and sessions pause at once, and nothing else changes."""
    from datetime import UTC, datetime

    from affineur.actions.freeze import freeze
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    changed = freeze(index, console(datetime.now(UTC)), account, reason)
    index.close()
    typer.echo(f"{account} is frozen{'' if changed else ' already, and stays so for the reason given then'}.")


def thaw_account(account: Account, data: Data = None, config: Config = None) -> None:
    """Lift the freeze of an account."""
    from datetime import UTC, datetime

    from affineur.actions.freeze import thaw
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    changed = thaw(index, console(datetime.now(UTC)), account)
    index.close()
    typer.echo(f"{account} is {'open again' if changed else 'not frozen'}.")


def _set(account: str, given: str | None, data: Data, config: Config) -> bool:
    from datetime import UTC, datetime

    from affineur.actions.offices import set_office
    from affineur.core.offices import OFFICES
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    chosen = next((each for each in OFFICES if each == given), None)
    try:
        return set_office(index, console(datetime.now(UTC)), account, chosen)
    finally:
        index.close()
