"""The command by which whoever runs the index vouches for somebody who gets back in (`actions.recover`)."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Account, Config, Data


def account_vouch(
    name: Account,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Vouch for somebody who lost every second factor and waits to get back in: the wait gets shorter.

    Only for whom you have seen, or spoken with in a way of your own. They are told, and the log keeps it.
    """
    from datetime import UTC, datetime

    from affineur.actions.recover import vouch
    from affineur.core.security import console
    from affineur.shell.store import accounts, recoveries

    from .start import EXIT_REFUSED, fail, open_existing

    now = datetime.now(UTC)
    index = open_existing(data, config)
    with index.store.read() as connection:
        row = accounts.find(connection, name)
        waiting = None if row is None else recoveries.open_of(connection, row.id, now)
    if waiting is None:
        fail(f"Nobody waits to get back into an account {name}.", EXIT_REFUSED)
    if not yes:
        typer.confirm(f"Have you made sure yourself that it is {name} who asks", abort=True)
    due_at = vouch(index, console(now), waiting.id)
    index.close()
    typer.echo(f"{name} gets back in on {due_at:%Y-%m-%d %H:%M} UTC, unless it is cancelled before.")
