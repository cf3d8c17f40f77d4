"""Commands about the people who look after the index: offices, and accounts that are frozen; here and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import Account, AsJson
from .place import Place, somewhere
from .remote.paths import path

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

office = typer.Typer(help="Say who runs, moderates and audits this index.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    office.command("set")(somewhere(office_set))
    office.command("clear")(somewhere(office_clear))
    office.command("list")(somewhere(office_list))
    app.add_typer(office, name="office")
    app.command()(somewhere(freeze))
    app.command()(somewhere(thaw))


def office_set(
    place: Place,
    account: Account,
    given: Annotated[
        str, typer.Argument(metavar="OFFICE", help="`operator`, `moderator` or `auditor`.", show_default=False)
    ],
) -> None:
    """Give an account an office, in the place of the one it holds."""
    from affineur.core.people.offices import OFFICES

    from .start import EXIT_USAGE, fail

    if given not in OFFICES:
        fail(f"OFFICE is {given!r}, but must be one of {', '.join(OFFICES)}.", EXIT_USAGE)
    changed = _set(place, account, given)
    typer.echo(f"{account} is {given} of this index{'' if changed else ' already'}.")


def office_clear(place: Place, account: Account) -> None:
    """Take an account's office back.

    On the machine of the index even that of the last operator: this command is the way to make another.
    """
    changed = _set(place, account, None)
    typer.echo(f"{account} holds no office{' any more' if changed else ''}.")


def office_list(place: Place, as_json: AsJson = False) -> None:
    """List who holds an office."""
    from .remote.problems import printable
    from .start import print_json

    def here(index: Index, _: Caller) -> list[dict[str, Any]]:
        from affineur.shell.store import directory
        from affineur.shell.store.directory import Wanted

        with index.store.read() as connection:
            found = directory.listed(connection, Wanted(in_office=True), limit=1000)
        return [{"account": each.name, "office": each.office, "frozen_at": each.frozen_at} for each in found]

    def there(remote: Remote) -> list[dict[str, Any]]:
        found = remote.every("/accounts", {"which": "offices"})
        return [{"account": each["name"], "office": each["office"], "frozen_at": each["frozen_at"]} for each in found]

    held = place.carry_out(here, there)
    if as_json:
        print_json(held)
        return
    for each in held:
        typer.echo(printable(f"{each['account']}  {each['office']}{'  (frozen)' if each['frozen_at'] else ''}"))


def freeze(
    place: Place,
    account: Account,
    reason: Annotated[str, typer.Option(help="Why; mailed to its holder (one line, at most 200 characters).")],
) -> None:
    """Freeze an account: its tokens and sessions pause at once, and nothing else changes."""

    def here(index: Index, by: Caller) -> bool:
        from affineur.actions import freeze as acts

        return acts.freeze(index, by, account, reason)

    def there(remote: Remote) -> bool:
        was = remote.get(path("accounts", account))["frozen_at"]
        remote.put(path("accounts", account, "freeze"), {"reason": reason})
        return was is None

    changed = place.carry_out(here, there)
    typer.echo(f"{account} is frozen{'' if changed else ' already, and stays so for the reason given then'}.")


def thaw(place: Place, account: Account) -> None:
    """Lift the freeze of an account."""

    def here(index: Index, by: Caller) -> bool:
        from affineur.actions import freeze as acts

        return acts.thaw(index, by, account)

    def there(remote: Remote) -> bool:
        was = remote.get(path("accounts", account))["frozen_at"]
        remote.delete(path("accounts", account, "freeze"))
        return was is not None

    typer.echo(f"{account} is {'open again' if place.carry_out(here, there) else 'not frozen'}.")


def _set(place: Place, account: str, given: str | None) -> bool:
    """Give the office, or none; whether it was another before."""

    def here(index: Index, by: Caller) -> bool:
        from affineur.actions.offices import set_office
        from affineur.core.people.offices import office_called

        return set_office(index, by, account, office_called(given or ""))

    def there(remote: Remote) -> bool:
        was = remote.get(path("accounts", account))["office"]
        remote.put(path("accounts", account, "office"), {"office": given})
        return bool(was != given)

    return place.carry_out(here, there)
