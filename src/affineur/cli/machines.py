"""Commands about automation accounts: make, list, look after, retire; here and on an index elsewhere.

What one does there as oneself, such as answering for a machine and making its tokens, is in `sponsoring`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import sponsoring
from .options import AsJson
from .place import Place, somewhere
from .remote.paths import path

if TYPE_CHECKING:
    from affineur.core.security import Caller
    from affineur.shell.index import Index

    from .remote.client import Remote

machine = typer.Typer(help="Automation accounts, and the people who answer for them.", no_args_is_help=True)

Name = sponsoring.Machine
Person = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose account it is.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    machine.command("create")(somewhere(machine_create))
    machine.command("list")(somewhere(machine_list))
    machine.command("sponsor")(somewhere(machine_sponsor))
    machine.command("unsponsor")(somewhere(machine_unsponsor))
    machine.command("retire")(somewhere(machine_retire))
    sponsoring.register(machine)
    app.add_typer(machine, name="machine")


def machine_create(
    place: Place,
    name: Name,
    sponsor: Annotated[
        list[str] | None,
        typer.Option("--sponsor", help="Who answers for it; may be repeated. Elsewhere they are asked."),
    ] = None,
) -> None:
    """Make an automation account. It does nothing before two people answer for it.

    Elsewhere you are the first of them.
    """

    def here(index: Index, by: Caller) -> None:
        from affineur.actions.machines import create_machine
        from affineur.actions.sponsors import set_sponsor

        create_machine(index, by, name)
        for each in sponsor or ():
            set_sponsor(index, by, name, each, True)

    def there(remote: Remote) -> None:
        remote.post("/machines", {"name": name})
        for each in sponsor or ():
            remote.post(path("machines", name, "invitations"), {"account": each})

    place.carry_out(here, there)
    typer.echo(f"The automation account {name} is made.")


def machine_list(place: Place, as_json: AsJson = False) -> None:
    """List automation accounts, who answers for them, and their state.

    On an index elsewhere: those you answer for.
    """
    from .remote.problems import printable
    from .start import print_json

    found = place.carry_out(_machines, lambda remote: [_told(each) for each in remote.every("/machines")])
    if as_json:
        print_json(found)
        return
    for each in found:
        state = {"waits": "waits for sponsors", "short": f"pauses on {str(each['paused_from'])[:10]}"}
        said = state.get(each["state"], each["state"])
        typer.echo(printable(f"{each['name']}  {said}  sponsors: {', '.join(each['sponsors']) or 'none'}"))
    if not found:
        typer.echo("There is no automation account.", err=True)


def machine_sponsor(place: Place, name: Name, account: Person) -> None:
    """Let somebody answer for an automation account, who agreed to it; as an operator."""
    changed = _set(place, name, account, True)
    typer.echo(f"{account} answers for {name}{'' if changed else ' already'}.")


def machine_unsponsor(place: Place, name: Name, account: Person) -> None:
    """Let somebody cease to answer for an automation account, as an operator; never the last one."""
    changed = _set(place, name, account, False)
    typer.echo(f"{account} does not answer for {name}{' any more' if changed else ''}.")


def machine_retire(place: Place, name: Name) -> None:
    """End an automation account for ever: its tokens and roles go, what it published stays."""

    def here(index: Index, by: Caller) -> object:
        from affineur.actions.machines import retire_machine

        return retire_machine(index, by, name)

    def there(remote: Remote) -> object:
        return remote.delete(path("machines", name))

    place.carry_out(here, there)
    typer.echo(f"The automation account {name} is retired.")


def _machines(index: Index, by: Caller) -> list[dict[str, Any]]:
    from affineur.shell.store import sponsors

    with index.store.read() as connection:
        found = sponsors.machines(connection)
    return [
        {
            "name": each.name,
            "state": each.state(by.now),
            "sponsors": [one.name for one in each.sponsors],
            "roles": [{"project": project, "role": role} for project, role in each.roles],
            "paused_from": each.paused_from,
        }
        for each in found
    ]


def _told(machine: dict[str, Any]) -> dict[str, Any]:
    """A machine of the API, as the list shows it."""
    shown = {name: machine[name] for name in ("name", "state", "roles", "paused_from")}
    return shown | {"sponsors": [each["account"] for each in machine["sponsors"]]}


def _set(place: Place, name: str, account: str, answers: bool) -> bool:
    def here(index: Index, by: Caller) -> bool:
        from affineur.actions.sponsors import set_sponsor

        return set_sponsor(index, by, name, account, answers)

    def there(remote: Remote) -> bool:
        where = path("machines", name, "sponsors", account)
        answered = remote.put(where, {}) if answers else remote.delete(where)
        return bool(answered["changed"])

    return place.carry_out(here, there)
