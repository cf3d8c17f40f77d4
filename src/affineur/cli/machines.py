"""Commands about automation accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Config, Data

machine = typer.Typer(help="Automation accounts, and the people who answer for them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the automation account.", show_default=False)]
Person = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose account it is.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.add_typer(machine, name="machine")


@machine.command("create")
def machine_create(
    name: Name,
    sponsor: Annotated[
        list[str] | None, typer.Option("--sponsor", help="Who answers for it; at least two; may be repeated.")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an automation account. It does nothing before two people answer for it."""
    from datetime import UTC, datetime

    from affineur.actions.machines import create_machine
    from affineur.actions.sponsors import set_sponsor
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    by = console(datetime.now(UTC))
    try:
        create_machine(index, by, name)
        for each in sponsor or ():
            set_sponsor(index, by, name, each, True)
    finally:
        index.close()
    typer.echo(f"The automation account {name} is made.")


@machine.command("list")
def machine_list(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List automation accounts, who answers for each, and whether it works."""
    from datetime import UTC, datetime

    from affineur.shell.store import sponsors

    from .start import open_existing, print_json

    index = open_existing(data, config)
    with index.store.read() as connection:
        found = sponsors.machines(connection)
    index.close()
    if as_json:
        print_json(
            [
                {
                    "name": each.name,
                    "sponsors": [one.name for one in each.sponsors],
                    "roles": [{"project": project, "role": role} for project, role in each.roles],
                    "waits": each.waits,
                    "paused_from": each.paused_from,
                    "frozen_at": each.frozen_at,
                }
                for each in found
            ]
        )
        return
    now = datetime.now(UTC)
    for each in found:
        state = "works"
        if each.paused_from is not None:
            state = "paused" if each.paused_from <= now else f"pauses on {each.paused_from:%Y-%m-%d}"
        state = "waits for sponsors" if each.waits else "frozen" if each.frozen_at else state
        typer.echo(f"{each.name}  {state}  sponsors: {', '.join(one.name for one in each.sponsors) or 'none'}")
    if not found:
        typer.echo("There is no automation account.", err=True)


@machine.command("sponsor")
def machine_sponsor(name: Name, account: Person, data: Data = None, config: Config = None) -> None:
    """Let somebody answer for an automation account, who agreed to it."""
    changed = _set(name, account, True, data, config)
    typer.echo(f"{account} answers for {name}{'' if changed else ' already'}.")


@machine.command("unsponsor")
def machine_unsponsor(name: Name, account: Person, data: Data = None, config: Config = None) -> None:
    """Let somebody cease to answer for an automation account; never the last one."""
    changed = _set(name, account, False, data, config)
    typer.echo(f"{account} does not answer for {name}{' any more' if changed else ''}.")


@machine.command("retire")
def machine_retire(name: Name, data: Data = None, config: Config = None) -> None:
    """End an automation account for ever: its tokens and roles go, what it published stays."""
    from datetime import UTC, datetime

    from affineur.actions.machines import retire_machine
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    try:
        retire_machine(index, console(datetime.now(UTC)), name)
    finally:
        index.close()
    typer.echo(f"The automation account {name} is retired.")


def _set(name: str, account: str, answers: bool, data: Data, config: Config) -> bool:
    from datetime import UTC, datetime

    from affineur.actions.sponsors import set_sponsor
    from affineur.core.security import console

    from .start import open_existing

    index = open_existing(data, config)
    try:
        return set_sponsor(index, console(datetime.now(UTC)), name, account, answers)
    finally:
        index.close()
